"""The transformer of scikit-learn."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import bayesmice as bm


@parametrize_with_checks(
    [bm.BayesianImputer(m=1, sweeps=1, skip_complete=True, random_seed=1)],
    expected_failed_checks=lambda estimator: {"check_array_api_input": "NumPy only"},
)
def test_it_keeps_the_rules_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def fitted(numbers):
    return bm.BayesianImputer(m=3, sweeps=3, random_seed=1).fit(numbers)


def test_an_average_stands_in_a_cell(fitted, numbers):
    averages = fitted.transform(numbers)
    several = fitted.imputations_.transform(numbers, random_seed=1).data
    expected = np.mean([frame.to_numpy() for frame in several], axis=0)
    np.testing.assert_allclose(averages, expected, rtol=1e-12)
    seen = numbers.notna().to_numpy()
    np.testing.assert_array_equal(averages[seen], numbers.to_numpy()[seen])
    np.testing.assert_array_equal(fitted.transform(numbers), averages)


def test_one_imputation_can_be_asked_for(numbers):
    imputer = bm.BayesianImputer(m=3, sweeps=3, imputation=2, random_seed=1).fit(numbers)
    expected = imputer.imputations_.transform(numbers, random_seed=1).completed(2)
    np.testing.assert_array_equal(imputer.transform(numbers), expected.to_numpy())


def test_rows_may_lack_what_all_training_rows_had(fitted, numbers):
    completed = fitted.transform(numbers.iloc[10:].assign(x=np.nan))
    assert np.isfinite(completed).all()
    faster = bm.BayesianImputer(m=3, sweeps=3, skip_complete=True).fit(numbers)
    with pytest.raises(bm.SpecificationError, match="'x' has missing cells in the new rows"):
        faster.transform(numbers.assign(x=np.nan))


def test_frames_keep_their_levels_and_types(numbers):
    level = pd.Categorical(np.where(numbers["x"] > 0, "high", "low"), ["low", "high"])
    frame = numbers[["x", "y"]].assign(level=level, count=pd.array([1, 2, 7] * 8, dtype="Int64"))
    frame.loc[:4, "level"] = None
    frame.loc[9:12, "count"] = pd.NA
    imputer = bm.BayesianImputer(m=3, sweeps=2, skip_complete=True, random_seed=1)
    completed = imputer.set_output(transform="pandas").fit_transform(frame)
    assert completed.dtypes.equals(frame.dtypes)
    assert completed.index.equals(frame.index)
    assert completed.notna().all().all()
    assert imputer.get_feature_names_out().tolist() == list(frame)
    several = imputer.imputations_.transform(frame, random_seed=1).data
    for row in range(5):
        drawn = [one["level"].iloc[row] for one in several]
        assert drawn.count(completed["level"].iloc[row]) >= 2, "one of two levels has two of three"


def test_it_works_in_a_pipeline_and_in_cross_validation():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(60, 2))
    y = X @ [1.0, 2.0] + 0.1 * rng.normal(size=60)
    X[:, 1] += 2 * X[:, 0]
    X[rng.random((60, 2)) < 0.15] = np.nan
    imputer = bm.BayesianImputer(m=3, sweeps=5, random_seed=1)
    pipeline = make_pipeline(imputer, LinearRegression())
    scores = cross_val_score(pipeline, X, y, cv=2, error_score="raise")
    assert scores.min() > 0.5
    assert pipeline.fit(X, y).predict(np.array([[np.nan, 0.0]])).shape == (1,)


def test_what_is_given_is_kept_for_clones():
    imputer = bm.BayesianImputer({"x0": bm.Regression(family="t")}, m=2, random_seed=4)
    assert clone(imputer).get_params()["models"]["x0"].family == "t"
    assert repr(imputer).startswith("BayesianImputer(m=2")


@pytest.mark.parametrize("imputation", ["median", 5, -1, True])
def test_an_imputation_that_there_is_not_is_refused(numbers, imputation):
    imputer = bm.BayesianImputer(imputation=imputation)
    text = f"imputation is {imputation!r}; expected 'mean', or a number from 0 to 4"
    with pytest.raises(bm.SpecificationError, match=re.escape(text)):
        imputer.fit(numbers)

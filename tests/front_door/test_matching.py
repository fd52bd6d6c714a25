"""Predictive mean matching from end to end: imputed values are values that occur."""

import re

import numpy as np
import pandas as pd
import pytest

from bayesmice import MICE, Regression
from bayesmice.errors import BayesMiceError
from bayesmice.models import PMM

N = 40
M, SWEEPS = 4, 3


@pytest.fixture(scope="module")
def data():
    """A float, whole numbers with and without missing values in their dtype, and an ordered one."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=N)
    frame = pd.DataFrame({"x": x, "skewed": np.exp(x + rng.normal(size=N))})
    frame["count"] = pd.array(np.rint(np.exp(2 + x / 2)), dtype="Int16")
    frame["age"] = np.rint(40 + 10 * x)
    frame["age"] = pd.array(frame["age"], dtype="Int64")
    stage = np.clip(np.rint(x + rng.normal(size=N) / 2) + 1, 0, 2).astype(int)
    frame["stage"] = pd.Categorical.from_codes(stage, ["I", "II", "III"], ordered=True)
    for position, name in enumerate(("skewed", "count", "age", "stage")):
        frame.loc[5 * position : 5 * position + 6, name] = None
    return frame


@pytest.fixture(scope="module")
def models():
    return {
        "skewed": Regression("x * stage", draw=PMM(donors=3)),
        "age": Regression(draw="predictive"),
        "stage": Regression(draw=PMM()),
    }


@pytest.fixture(scope="module")
def imputations(data, models):
    return MICE(data, models).mice(m=M, sweeps=SWEEPS, random_seed=1, progressbar=False)


@pytest.mark.parametrize("name", ["skewed", "count", "stage"])
def test_imputed_values_occur_in_the_data_and_dtypes_stay(data, imputations, name):
    seen = data[name].notna()
    for completed in imputations:
        assert completed[name].dtype == data[name].dtype
        assert completed[name].isin(data.loc[seen, name]).all()
        pd.testing.assert_series_equal(completed.loc[seen, name], data.loc[seen, name])


def test_the_cells_in_the_tree_are_observed_values_too(data, imputations):
    for name in ("skewed", "count"):
        cells = imputations.tree["imputations"][name].to_numpy()
        assert np.isin(cells, data[name].dropna().to_numpy(dtype=float)).all()
        assert len(np.unique(cells)) > 3


def test_matching_follows_the_predictors(data, models):
    """Rows with a larger predictor get larger values: donors are near, not anyone."""
    many = MICE(data, models).mice(m=60, sweeps=SWEEPS, random_seed=1, progressbar=False)
    for name in ("skewed", "count"):
        missing = data[name].isna()
        x = data.loc[missing, "x"]
        means = pd.concat([frame.loc[missing, name] for frame in many], axis=1).mean(axis=1)
        assert np.corrcoef(x, means.astype(float))[0, 1] > 0.5, name


def test_the_predictive_draw_can_be_asked_for(imputations):
    cells = imputations.tree["imputations"]["age"].to_numpy()
    assert (cells % 1 != 0).any()
    codes = imputations.events.set_index("variable")["code"]
    assert codes["age"] == "rounded"
    assert "count" not in codes.index


def test_the_table_says_how_cells_are_drawn(data, models):
    table = MICE(data, models).table["model"]
    assert table["skewed"] == "gaussian, PMM(donors=3)"
    assert table["count"] == "gaussian, PMM(donors=5)"
    assert table["age"] == "gaussian"
    assert table["stage"] == "cumulative, PMM(donors=5)"


def test_whole_numbers_with_few_observed_values_have_fewer_donors_by_default():
    frame = pd.DataFrame({"k": pd.array([1, 4, None, 9, None], dtype="Int64")})
    mice = MICE(frame)
    assert mice.table.loc["k", "model"] == "gaussian, PMM(donors=3)"
    for completed in mice.mice(m=M, sweeps=2, progressbar=False):
        assert completed["k"].isin([1, 4, 9]).all()


def test_other_families_of_whole_numbers_are_not_matched_by_default(data):
    table = MICE(data, {"count": Regression(family="poisson")}).table
    assert table.loc["count", "model"] == "poisson"


@pytest.fixture(scope="module")
def labels(data):
    frame = data[["x", "skewed", "stage"]].copy()
    frame["kind"] = np.resize(["a", "b", "c", None], N)
    frame["flag"] = pd.array(np.resize([True, False, None], N), dtype="boolean")
    frame.loc[11:, "skewed"] = None
    return frame


REFUSED = {
    "nominal": ("kind", Regression(draw=PMM()), "'kind' is nominal with family 'categorical'"),
    "binary": (
        "flag",
        Regression(draw=PMM()),
        "'flag' is binary with family 'bernoulli'. Use draw",
    ),
    "one predictor per level": (
        "stage",
        Regression(family="categorical", draw=PMM()),
        "needs one linear predictor for a numeric or ordinal column; 'stage' is ordinal with",
    ),
    "too many donors": (
        "skewed",
        Regression(draw=PMM(donors=5)),
        "draw=PMM(donors=5), but 'skewed' has 4 observed values. Use fewer donors.",
    ),
    "another word": (
        "skewed",
        Regression(draw="pmm"),
        "draw='pmm'; expected 'predictive' (the posterior predictive distribution) or bm.PMM(",
    ),
    "the class": ("skewed", Regression(draw=PMM), "expected 'predictive' (the posterior predi"),
}


@pytest.mark.parametrize(("name", "model", "text"), REFUSED.values(), ids=REFUSED.keys())
def test_draws_that_do_not_fit_are_refused(labels, name, model, text):
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        MICE(labels, {name: model})
    assert isinstance(caught.value, BayesMiceError)


def test_cells_with_limits_are_not_matched(data):
    text = "draw=PMM(donors=5), but limits names 'skewed'; donors need not lie within the limits"
    with pytest.raises(ValueError, match=re.escape(text)):
        MICE(data, {"skewed": Regression(draw=PMM())}, limits={"skewed": (None, 100)})
    mice = MICE(data, limits={"count": (0, None)})
    assert mice.table.loc["count", "model"] == "gaussian"


@pytest.mark.parametrize("donors", [0, -1, 2.0, "5", None, True])
def test_a_number_of_donors_that_cannot_be_is_refused(donors):
    text = f"PMM has donors={donors!r}; expected a whole number of at least 1."
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        PMM(donors)
    assert isinstance(caught.value, BayesMiceError)

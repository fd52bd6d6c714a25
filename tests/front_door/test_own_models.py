"""Runs with models and priors of one's own."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest

from bayesmice import MICE, Regression
from bayesmice.errors import BayesMiceError

N = 24


@pytest.fixture(scope="module")
def schools(numbers):
    """Counts within schools, of which some are missing."""
    rng = np.random.default_rng(9)
    frame = numbers[["x"]].assign(
        school=np.resize(["b", "a", "c"], N),
        count=pd.array(rng.poisson(np.exp(1.5 + numbers["x"])), dtype="Int64"),
    )
    frame.loc[0:1, "school"] = None
    frame.loc[10:13, "count"] = None
    return frame


@pytest.fixture(scope="module")
def calls():
    return []


@pytest.fixture(scope="module")
def own(schools, calls, impute):
    def count_model(data):
        calls.append(list(data.coords["school"]))
        spread = pm.HalfNormal("spread", 0.5)
        offset = pm.Normal("offset", 0, spread, dims="school")
        slope = pm.Normal("slope", 0, 1)
        mu = 1.5 + slope * data["x"] + offset[data["school"]]
        pm.Poisson("count", pm.math.exp(mu), observed=data["count"])

    return impute(schools, {"count": count_model}, sweeps=4)


def test_a_custom_model_draws_from_its_own_distribution(own, schools):
    for completed in own:
        assert completed.notna().all().all()
        assert (completed["count"] >= 0).all()
        assert completed["count"].dtype == "Int64"
        assert set(completed["school"]) == {"a", "b", "c"}
        for name in schools:
            seen = schools[name].notna()
            pd.testing.assert_series_equal(completed[name][seen], schools[name][seen])
    cells = own.tree["imputations"]["count"].to_numpy()
    np.testing.assert_array_equal(cells, np.round(cells))
    assert len(np.unique(cells)) > 1


def test_parameters_over_a_factor_are_labelled_by_its_levels(own):
    posterior = own.tree["conditionals/count/posterior"]
    assert posterior["offset"].dims == ("chain", "draw", "school")
    assert posterior["school"].to_numpy().tolist() == ["a", "b", "c"]
    assert set(posterior.data_vars) == {"spread", "offset", "slope"}


def test_a_custom_model_learns_from_the_data(own):
    slope = own.tree["conditionals/count/posterior"]["slope"].isel(draw=slice(1, None))
    assert abs(float(slope.mean()) - 1) < 0.4


def test_the_function_is_called_a_few_times_whatever_the_number_of_sweeps(own, calls):
    assert all(levels == ["a", "b", "c"] for levels in calls)
    assert 1 <= len(calls) <= 3


def test_custom_models_are_in_the_convergence_table(own):
    quantities = set(own.convergence().table.query("variable == 'count'")["quantity"])
    assert {"slope", "offset[a]", "offset[c]", "mean of imputed cells"} <= quantities


def test_a_factor_can_have_a_custom_model(schools, impute):
    def school_model(data):
        eta = pm.Normal("eta", 0, 1, shape=2)
        logits = pm.math.concatenate([[0.0], eta])
        pm.Categorical("school", logit_p=logits, observed=data["school"])

    frame = schools[["x", "school"]]
    for completed in impute(frame, {"school": school_model}):
        assert set(completed["school"]) == {"a", "b", "c"}


def test_a_model_that_fails_in_a_run_says_where_and_the_last_run_is_kept(numbers):
    def never_finite(data):
        a = pm.Normal("a", 0, 1)
        pm.Gamma("y", pm.math.exp(a), 1, observed=data["y"])

    mice = MICE(numbers[["x", "y"]], {"y": never_finite})
    with pytest.raises(RuntimeError, match="broke down at column 'y' in sweep 0") as caught:
        mice.mice(m=1, sweeps=1, random_seed=1, progressbar=False)
    assert isinstance(caught.value, BayesMiceError)
    assert "mice.model('y').debug()" in str(caught.value)
    assert "not run yet" in repr(mice)


def test_priors_and_fixed_parameters_are_recorded_and_used(numbers, impute):
    priors = {
        "x": 100.0,
        "Intercept": pm.Normal.dist(500, 0.001),
        "sigma": pm.HalfNormal.dist(0.01),
    }
    frame = numbers[["x", "y"]].copy()
    frame["y"] = 500 + 100 * frame["x"]
    frame.loc[0:3, "y"] = None
    imputations = impute(frame, {"y": Regression("x", priors=priors)}, sweeps=4)
    posterior = imputations.tree["conditionals/y/posterior"]
    np.testing.assert_array_equal(posterior["x"], 100.0)
    for completed in imputations:
        np.testing.assert_allclose(completed["y"], 500 + 100 * frame["x"], atol=0.5)


def test_a_scalar_prior_on_the_cutpoints_keeps_them_in_order(numbers, impute):
    frame = numbers[["x"]].copy()
    levels = ["lo", "mid", "hi"]
    frame["stage"] = pd.Categorical(np.resize(levels, N), levels, ordered=True)
    frame.loc[4:6, "stage"] = None
    models = {"stage": Regression(priors={"cutpoints": pm.Normal.dist(0, 2)})}
    imputations = impute(frame, models)
    cutpoints = imputations.tree["conditionals/stage/posterior"]["cutpoints"].to_numpy()
    assert (np.diff(cutpoints, axis=-1) > 0).all()
    assert imputations.completed(0)["stage"].notna().all()


def test_a_two_valued_number_is_binary_unless_its_model_draws_numbers(numbers, impute):
    frame = numbers[["x"]].assign(dose=np.resize([20.0, 40.0], N))
    frame.loc[4:7, "dose"] = None
    assert set(impute(frame).completed(0)["dose"]) == {20.0, 40.0}
    drawn = impute(frame, {"dose": Regression(family="gaussian")}).completed(0)["dose"]
    assert not set(drawn[4:8]) & {20.0, 40.0}


def labels(imputations, target):
    return imputations.tree[f"conditionals/{target}/posterior"]["predictor"].to_numpy().tolist()


def test_columns_may_be_named_by_labels_that_are_no_strings(numbers, impute):
    frame = numbers.set_axis([0, 1, 2], axis=1)
    imputations = impute(frame, {1: Regression("`0`")})
    assert labels(imputations, "1") == ["0"]
    assert labels(imputations, "2") == ["0", "1"]
    assert list(imputations.completed(0)) == [0, 1, 2]

"""Power-scaling, against closed forms and ArviZ."""

import arviz as az
import numpy as np
import pandas as pd
import pymc as pm
import pytest

import bayesmice as bm
from bayesmice.diagnostics.power_scaling import doubling_effect, power_scaled

N, MISSING, M = 20, 20, 400
MEAN, SD = 2.0, 0.3


def model(data):
    mu = pm.Normal("mu", MEAN, SD)
    pm.Normal("y", mu, 1, observed=data["y"])


def mean(frame):
    y = frame["y"]
    return pd.Series({"mean": y.mean()}), pd.Series({"mean": y.var() / len(y)})


@pytest.fixture(scope="module")
def run():
    rng = np.random.default_rng()
    y = np.append(rng.normal(size=N), np.full(MISSING, np.nan))
    data = pd.DataFrame({"x": rng.normal(size=N + MISSING), "y": y})
    return data, bm.MICE(data, {"y": model}).mice(m=M, random_seed=1, progressbar=False)


def exact_estimate(data, prior, likelihood):
    """Posterior mean of mu with powers of prior and likelihood, and the mean of completed y."""
    total, precision = data["y"].sum(), 1 / SD**2
    mu = (likelihood * total + prior * precision * MEAN) / (likelihood * N + prior * precision)
    return (total + MISSING * mu) / (N + MISSING)


def test_a_pooled_estimate_moves_as_the_closed_form_says(run):
    """Within 5 Monte Carlo errors, which chance exceeds once in two million."""
    data, imputations = run
    found = imputations.prior_sensitivity("y", analysis=mean, progressbar=False)
    row, step = found.estimates.loc["mean"], 1e-5
    up, down = 2**step, 2**-step
    slope = (exact_estimate(data, up, 1) - exact_estimate(data, down, 1)) / (2 * step)
    expected = slope / row["std_error"]
    assert row["prior_move"] == pytest.approx(expected, abs=5 * row["prior_mc_error"])
    assert row["likelihood_move"] == pytest.approx(-expected, abs=5 * row["likelihood_mc_error"])
    assert row["prior_mc_error"] < abs(expected) / 5
    for column, power in (("prior_halved", 0.5), ("prior_doubled", 2.0)):
        shift = row[column] - row["estimate"]
        exact = exact_estimate(data, power, 1) - exact_estimate(data, 1, 1)
        assert shift == pytest.approx(exact, abs=0.35 * abs(exact) + 0.02)
    assert found.parameters.loc["mu", "diagnosis"] == "prior and data may disagree"
    assert "moves pooled estimates, in standard errors: mean by" in found.verdict


def test_a_weak_prior_moves_nothing():
    rng = np.random.default_rng()
    y = np.append(rng.normal(size=60), np.full(20, np.nan))
    data = pd.DataFrame({"x": rng.normal(size=80), "y": y})

    def weak(data):
        pm.Normal("y", pm.Normal("mu", 0, 100), 1, observed=data["y"])

    imputations = bm.MICE(data, {"y": weak}).mice(m=60, random_seed=1, progressbar=False)
    found = imputations.prior_sensitivity("y", analysis=mean, progressbar=False)
    assert abs(found.estimates.loc["mean", "prior_move"]) < 0.01
    assert found.parameters.loc["mu", "diagnosis"] == ""
    assert "No parameter of the model of y is sensitive" in found.verdict
    assert "moves no pooled estimate by more than 0.3" in found.verdict


def test_parameters_have_the_numbers_of_arviz():
    mice = bm.MICE(bm.load_dataset("nhanes2"))
    imputations = mice.mice(m=3, sweeps=30, random_seed=1, progressbar=False)
    found = imputations.prior_sensitivity("bmi", burn_in=10, progressbar=False)
    tree = imputations.tree["conditionals/bmi"].isel(draw=slice(10, None))
    theirs = az.psense_summary(tree, round_to=6)
    np.testing.assert_allclose(
        found.parameters[["prior", "likelihood"]], theirs[["prior", "likelihood"]], atol=1e-5
    )
    assert list(found.parameters.index) == list(theirs.index)
    assert found.estimates is None
    assert (found.n_draws, found.burn_in) == (60, 10)
    assert "With 60 draws these sensitivities are rough." in repr(found)
    assert "<table" in found._repr_html_()


def test_weighted_means_and_their_slope_by_hand():
    estimates = np.array([[1.0], [2.0], [6.0]])
    log_density = np.log([1.0, 2.0, 4.0])
    assert power_scaled(estimates, log_density, 2.0)[0] == pytest.approx((1 + 4 + 24) / 7)
    assert power_scaled(estimates, log_density, 1.0)[0] == pytest.approx(3.0)
    slope, _ = doubling_effect(estimates, log_density)
    assert slope[0] == pytest.approx(np.log(2) * np.cov(estimates[:, 0], log_density)[0, 1])


def test_few_imputations_are_said_to_be_few_and_wrong_analyses_are_refused():
    mice = bm.MICE(bm.load_dataset("nhanes2"))
    imputations = mice.mice(m=3, sweeps=20, random_seed=1, progressbar=False)
    found = imputations.prior_sensitivity("bmi", analysis="chl ~ bmi", progressbar=False)
    assert list(found.estimates.index) == ["Intercept", "bmi"]
    assert "3 imputations are too few to tell" in found.verdict
    with pytest.raises(bm.SpecificationError, match="analysis is 3; expected a function"):
        imputations.prior_sensitivity("bmi", analysis=3)


def test_a_flat_prior_has_no_influence():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"x": rng.normal(size=30), "y": rng.normal(size=30)})
    data.loc[:4, "y"] = np.nan

    def flat(data):
        pm.Normal("y", pm.Flat("mu"), 1, observed=data["y"])

    imputations = bm.MICE(data, {"y": flat}).mice(m=30, random_seed=1, progressbar=False)
    found = imputations.prior_sensitivity("y", progressbar=False)
    assert found.parameters.loc["mu", "prior"] == 0
    assert found.parameters.loc["mu", "likelihood"] > 0.05

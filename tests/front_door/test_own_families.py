"""Families, links, and predictors of auxiliary parameters, as a user sets them."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy import stats

from bayesmice import MICE, Auxiliary, Family, Regression

N = 400


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(21)
    x = rng.normal(size=N)
    frame = pd.DataFrame(
        {"x": x, "y": 3 + x + stats.gumbel_r.rvs(scale=2, size=N, random_state=rng)}
    )
    frame["spread"] = 1 + rng.normal(size=N) * np.exp(-1 + 0.7 * x)
    frame["count"] = rng.poisson(np.exp(1 + 0.3 * x)).astype(float)
    frame["count"] = frame["count"].mask(rng.random(N) < 0.2)
    frame["y"] = frame["y"].mask(rng.random(N) < 0.2)
    frame["spread"] = frame["spread"].mask(rng.random(N) < 0.2)
    return frame


def impute(frame, models, **settings):
    return MICE(frame, models).mice(m=2, sweeps=25, random_seed=5, progressbar=False, **settings)


def test_a_family_of_one_s_own_takes_a_few_lines(frame):
    gumbel = Family("gumbel", pm.Gumbel, auxiliary={"beta": pm.HalfNormal.dist(10)})
    run = impute(frame[["x", "y"]], {"y": Regression("x", family=gumbel)})
    posterior = run.tree["conditionals/y/posterior"].isel(draw=slice(5, None))
    # Posterior standard deviations are about 0.1; five of them.
    assert abs(float(posterior["beta"].mean()) - 2) < 0.5
    assert abs(float(posterior["Intercept"].mean()) - 3) < 0.6
    assert MICE(frame, {"y": Regression(family=gumbel)}).table.loc["y", "model"] == "gumbel"


def test_a_standard_deviation_can_have_predictors(frame):
    models = {"spread": Regression("x", distributional={"sigma": "x"})}
    run = impute(frame[["x", "spread"]], models)
    posterior = run.tree["conditionals/spread/posterior"].isel(draw=slice(5, None))
    slope = posterior["sigma_coefficients"].sel(sigma_predictor="x")
    assert abs(float(slope.mean()) - 0.7) < 0.25
    assert abs(float(posterior["sigma_Intercept"].mean()) + 1) < 0.25
    assert "sigma_x" in MICE(frame, models).table.loc["spread", "predictors"]


def test_values_that_a_family_cannot_take_are_refused(frame):
    with pytest.raises(
        ValueError, match=r"family='gamma', whose values are greater than 0; \d+ of"
    ):
        MICE(frame, {"y": Regression(family="gamma")})
    with pytest.raises(ValueError, match="family='poisson', whose values are whole numbers"):
        MICE(frame, {"y": Regression(family="poisson")})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"family": "poisson", "link": "probit"}, "does not offer. Links: log"),
        ({"distributional": {"nu": "x"}}, "'nu', which is not an auxiliary parameter"),
        ({"distributional": "x"}, "expected a mapping from auxiliary parameters to formulas"),
        ({"family": "binomial"}, "family='binomial' and trials=None; expected the name of a col"),
        ({"family": "binomial", "trials": 2}, "has 2 trials in row"),
        ({"family": "binomial", "trials": "y"}, "a column with"),
        ({"trials": 5}, "counts no trials"),
        ({"draw": "pmm"}, "draw='pmm'; expected 'predictive'"),
    ],
)
def test_settings_that_do_not_fit_are_refused(frame, settings, message):
    with pytest.raises(ValueError, match=message):
        MICE(frame, {"count": Regression(**settings)})


def test_a_family_with_unknown_words_is_refused():
    with pytest.raises(ValueError, match="the link 'loglog', which is not known"):
        Family("f", pm.Normal, auxiliary={"sigma": Auxiliary(pm.HalfNormal.dist(), link="loglog")})
    with pytest.raises(ValueError, match="support='all'; expected one of real, positive"):
        Family("f", pm.Normal, support="all")


def test_binomial_trials_come_from_a_column(frame):
    data = frame[["x", "count"]].assign(n=30)
    data.loc[0:9, "n"] = 40
    completed = impute(data, {"count": Regression("x", family="binomial", trials="n")}).completed(0)
    assert (completed["count"] <= completed["n"]).all()
    assert (completed["count"] == completed["count"].round()).all()

"""Every family imputes what it describes: a column drawn from it, with a third of it missing.

The data come from NumPy and SciPy, and the truth must lie within five posterior standard deviations
(a false alarm has a probability below 1e-5 for each of some forty parameters). Imputed values must
lie in the support, and have the distribution of the values that were deleted: a two-sample test of
the mean at five standard errors.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit

from bayesmice import MICE, Regression

pytestmark = pytest.mark.statistical

N = 600
RNG = np.random.default_rng()
X = RNG.normal(size=N)
TRIALS = RNG.integers(3, 12, N)


def angles(mu, kappa):
    return stats.vonmises.rvs(kappa, loc=mu, random_state=RNG)


CASES = {
    "gaussian": (lambda: 2 + X + RNG.normal(0, 0.5, N), {"x": 1, "Intercept": 2, "sigma": 0.5}),
    "t": (lambda: 2 + X + 0.5 * RNG.standard_t(4, N), {"x": 1, "Intercept": 2, "sigma": 0.5}),
    "skewnormal": (
        lambda: stats.skewnorm.rvs(4, loc=X, scale=1, random_state=RNG),
        {"x": 1},
    ),
    "lognormal": (
        lambda: np.exp(1 + 0.5 * X + RNG.normal(0, 0.4, N)),
        {"x": 0.5, "Intercept": 1, "sigma": 0.4},
    ),
    "gamma": (
        lambda: RNG.gamma(3, np.exp(1 + 0.5 * X) / 3),
        {"x": 0.5, "Intercept": 1, "alpha": 3},
    ),
    "weibull": (
        lambda: np.exp(1 + 0.5 * X) / stats.weibull_min.mean(2) * RNG.weibull(2, N),
        {"x": 0.5, "Intercept": 1, "alpha": 2},
    ),
    "beta": (
        lambda: RNG.beta(8 * expit(0.7 * X), 8 * expit(-0.7 * X)),
        {"x": 0.7, "Intercept": 0, "kappa": 8},
    ),
    "binomial": (lambda: RNG.binomial(TRIALS, expit(0.3 + 0.6 * X)), {"x": 0.6, "Intercept": 0.3}),
    "poisson": (lambda: RNG.poisson(np.exp(1 + 0.4 * X)), {"x": 0.4, "Intercept": 1}),
    "negativebinomial": (
        lambda: RNG.poisson(np.exp(1 + 0.4 * X) * RNG.gamma(2, 1 / 2, N)),
        {"x": 0.4, "Intercept": 1, "alpha": 2},
    ),
    "zero_inflated_poisson": (
        lambda: np.where(RNG.random(N) < 0.7, RNG.poisson(np.exp(1 + 0.4 * X)), 0),
        {"x": 0.4, "Intercept": 1, "psi": 0.7},
    ),
    "zero_inflated_negativebinomial": (
        lambda: np.where(
            RNG.random(N) < 0.8, RNG.poisson(np.exp(1.5 + 0.4 * X) * RNG.gamma(3, 1 / 3, N)), 0
        ),
        {"x": 0.4, "Intercept": 1.5},
    ),
    "hurdle_gamma": (
        lambda: np.where(RNG.random(N) < 0.7, RNG.gamma(3, np.exp(1 + 0.5 * X) / 3), 0),
        {"x": 0.5, "Intercept": 1, "alpha": 3, "psi": 0.7},
    ),
    "hurdle_lognormal": (
        lambda: np.where(RNG.random(N) < 0.7, np.exp(1 + 0.5 * X + RNG.normal(0, 0.4, N)), 0),
        {"x": 0.5, "Intercept": 1, "sigma": 0.4, "psi": 0.7},
    ),
    "vonmises": (
        lambda: angles(2 * np.arctan(0.3 + 0.4 * X), 4.0),
        {"x": 0.4, "Intercept": 0.3, "kappa": 4},
    ),
}


@pytest.mark.parametrize("family", CASES)
def test_a_family_recovers_its_parameters_and_imputes_its_values(family):
    draw, truth = CASES[family]
    full = pd.DataFrame({"x": X, "y": np.asarray(draw(), float)})
    frame = full.mask(pd.DataFrame({"x": np.zeros(N, bool), "y": RNG.random(N) < 1 / 3}))
    trials = {"trials": "n"} if family == "binomial" else {}
    if trials:
        frame["n"] = TRIALS
    mice = MICE(frame, {"y": Regression("x", family=family, **trials)})
    run = mice.mice(m=4, sweeps=60, progressbar=False)

    posterior = run.tree["conditionals/y/posterior"].to_dataset().isel(draw=slice(10, None))
    for name, expected in truth.items():
        draws = posterior["coefficients"].sel(predictor="x") if name == "x" else posterior[name]
        assert abs(float(draws.mean()) - expected) < 5 * float(draws.std()), name

    missing = frame["y"].isna()
    deleted = full["y"][missing]
    support = mice._problem.group().specification.model("y").family.support
    for completed in run:
        imputed = completed["y"][missing].to_numpy(float)
        assert support.contains(imputed).all()
        if family == "binomial":
            assert (imputed <= TRIALS[missing]).all()
        both = np.sqrt(imputed.var() / len(imputed) + deleted.var() / len(deleted))
        # Parameters are estimated from twice as many rows; their error is less than that of a mean.
        assert abs(imputed.mean() - deleted.mean()) < 7 * both

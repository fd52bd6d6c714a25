"""Draws of the parameters of every family, by every kernel, against exact posteriors.

One column is incomplete and its predictor is complete, so that the last sweeps of the chains are
independent draws from one posterior. Means, standard deviations, 5 and 95 % quantiles and
correlations are compared. Seeds are fresh; data are always the same.

Every test allows a false alarm of `TEST_ALARM`, divided among its 9 to 22 comparisons. That makes
one in 20,000 for the file if p-values are what they say; those of squares and products of skewed
quantities are up to ten times too small this far out (`tests/oracles/posterior_checks.py`), so that
the file raises a false alarm less than once in 2,000 runs. A mean that is off by 0.27 posterior
standard deviations is noticed half of the time with the 400 chains of HMC, and one that is off by
0.44 with the 150 of NUTS.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from conjugate import conjugate_posterior
from family_cases import CASES, OBSERVED, X, observed_values
from family_posteriors import exact_posterior, parameter_p_values
from laws import skew_normal
from posterior_checks import Array, ExactDistribution, moment_p_values, smallest
from quadrature import on_grid
from scipy import stats

import bayesmice as bm
from bayesmice.models import FAMILIES

pytestmark = pytest.mark.statistical

N_TESTS = 2 * len(CASES) + 7
TEST_ALARM = 5e-5 / N_TESTS
HOST_CHAINS, HOST_SWEEPS = 5, 24
"""PyMC's own steps, the kernel ``pymc``, move one chain after the other. A visit is ten steps of
its NUTS, so that sweeps are as good as independent.
"""


def check(draws: Mapping[str, Array], exact: ExactDistribution) -> None:
    accept(moment_p_values(draws, exact))


def accept(p_values: Mapping[str, float]) -> None:
    least = min(p_values, key=p_values.__getitem__)
    assert smallest(p_values) > TEST_ALARM, (least, p_values[least])


def test_every_family_is_here() -> None:
    assert set(CASES) == set(FAMILIES)


@pytest.mark.parametrize("kernel", ["hmc", "nuts"])
@pytest.mark.parametrize("name", CASES)
def test_a_family_draws_its_exact_posterior(name: str, kernel: str) -> None:
    """By importance sampling, with densities of SciPy."""
    accept(parameter_p_values(name, kernel))


def last_draws(imputations: bm.Imputations, sweeps: int = 1) -> Mapping[str, Array]:
    """Draws of the last sweeps of all chains, as one array for each parameter."""
    last = imputations.tree["conditionals/y/posterior"].isel(draw=slice(-sweeps, None))
    return {str(name): last[name].to_numpy().ravel() for name in last.data_vars}


def small_frame(name: str) -> pd.DataFrame:
    """The observed rows of a case, and one missing row."""
    y = np.append(observed_values(name), np.nan)
    return pd.DataFrame({"x": X[: OBSERVED + 1], "y": y})


@pytest.mark.parametrize("kernel", ["hmc", "nuts"])
def test_a_regression_with_a_known_sigma_draws_its_normal_posterior(kernel: str) -> None:
    sigma, sd = 0.8, 1.5
    priors = {"Intercept": pm.Normal.dist(0, sd), "x": pm.Normal.dist(0, sd), "sigma": sigma}
    model = bm.Regression("x", priors=priors, kernel=kernel)
    imputations = bm.MICE(small_frame("gaussian"), {"y": model}).mice(
        m=300, sweeps=12, progressbar=False
    )
    design = np.column_stack([np.ones(OBSERVED), X[:OBSERVED]])
    covariance = np.linalg.inv(design.T @ design / sigma**2 + np.eye(2) / sd**2)
    mean = covariance @ design.T @ observed_values("gaussian") / sigma**2
    ends = 6 * np.sqrt(np.diag(covariance))
    names = ("Intercept", "x")
    axes = {
        name: np.linspace(center - end, center + end, 301)
        for name, center, end in zip(names, mean, ends, strict=True)
    }
    density = stats.multivariate_normal(mean, covariance).logpdf
    grid = on_grid(axes, lambda v: density(np.column_stack([v[name] for name in names])))
    drawn = last_draws(imputations)
    check({name: drawn[name] for name in names}, ExactDistribution.from_grid(grid))


def conjugate(data: bm.models.ModelData) -> None:
    variance = pm.InverseGamma("variance", alpha=3, beta=2)
    a = pm.Normal("a", 0, 2 * pm.math.sqrt(variance))
    b = pm.Normal("b", 0, 2 * pm.math.sqrt(variance))
    pm.Normal("y", a + b * data["x"], pm.math.sqrt(variance), observed=data["y"])


@pytest.mark.parametrize(
    ("kernel", "chains", "sweeps"),
    [("hmc", 400, 1), ("nuts", 150, 1), ("pymc", HOST_CHAINS, HOST_SWEEPS)],
)
def test_a_custom_model_draws_its_conjugate_posterior(
    kernel: str, chains: int, sweeps: int
) -> None:
    model = bm.Custom(conjugate, kernel=kernel)
    imputations = bm.MICE(small_frame("gaussian"), {"y": model}).mice(
        m=chains, sweeps=sweeps + 7, progressbar=False
    )
    design = np.column_stack([np.ones(OBSERVED), X[:OBSERVED]])
    posterior = conjugate_posterior(design, observed_values("gaussian"), 2, 3, 2)
    drawn = last_draws(imputations, sweeps)
    draws = {"a": drawn["a"], "b": drawn["b"], "log sigma": np.log(drawn["variance"]) / 2}
    check(draws, posterior.exact(("a", "b")))


def counts(data: bm.models.ModelData) -> None:
    eta = pm.Normal("Intercept", 0, 1.5) + pm.Normal("slope", 0, 1) * data["x"]
    pm.Poisson("y", pm.math.exp(eta), observed=data["y"])


def test_pymcs_own_steps_draw_the_exact_posterior_of_a_poisson_regression() -> None:
    model = bm.Custom(counts, kernel="pymc")
    imputations = bm.MICE(small_frame("poisson"), {"y": model}).mice(
        m=HOST_CHAINS, sweeps=HOST_SWEEPS + 7, progressbar=False
    )
    drawn = last_draws(imputations, HOST_SWEEPS)
    check({"Intercept[0]": drawn["Intercept"], "x[0]": drawn["slope"]}, exact_posterior("poisson"))


def test_the_skew_normal_distribution_of_the_oracle_has_its_moments() -> None:
    skewness = np.array([-0.9, -0.2, 0.0, 0.6, 0.99])
    found = skew_normal(np.full(5, 2.0), np.full(5, 1.5), skewness).stats("mvs")
    for moment, expected in zip(found, (2.0, 1.5**2, skewness), strict=True):
        np.testing.assert_allclose(moment, expected, rtol=1e-9, atol=1e-9)


def test_p_values_of_exact_draws_are_as_rare_as_they_say() -> None:
    """Of a skewed quantity, whose squares have more than the three moments that are used."""
    points = np.linspace(1e-3, 40, 8001)
    exact = ExactDistribution.from_grid(
        on_grid({"a": points}, lambda v: stats.gamma(3).logpdf(v["a"]))
    )
    rng, level, repetitions = np.random.default_rng(), 0.01, 800
    found = [moment_p_values({"a": row}, exact) for row in rng.gamma(3, size=(repetitions, 200))]
    for name in found[0]:
        rare = sum(p_values[name] < level for p_values in found)
        allowed = 1.5 * level if name == "sd of a" else level
        more = stats.binomtest(rare, repetitions, allowed, alternative="greater")
        assert more.pvalue > TEST_ALARM / len(found[0]), (name, rare)

"""Columns with limits: posterior and imputed cells against quadrature.

As in `test_exact_posteriors`: chains are independent, and each check is a z test of chain means at
|z| < 4.5 (false alarm 7e-6), so that the file raises a false alarm less than once in 5,000 runs.
"""

import numpy as np
import pandas as pd
import pytest
from quadrature import GridPosterior, on_grid
from scipy import stats

import bayesmice as bm

pytestmark = pytest.mark.long

CHAINS, SWEEPS, BURN_IN = 400, 40, 10
LIMIT = 4.5
NAN = np.nan

X = np.array([-1.9, -1.2, -0.8, -0.4, -0.1, 0.1, 0.3, 0.6, 0.9, 1.1, 1.6, 2.2, 1.3])
Y = np.array([NAN, NAN, 0.9, 1.9, 1.2, NAN, 2.4, NAN, 2.2, 3.4, 2.0, NAN, NAN])
"""The second value from the end is heaped: recorded, but known within limits only."""
LOWER = np.array([NAN, NAN, NAN, NAN, NAN, 0.8, NAN, NAN, NAN, NAN, 1.5, 3.0, NAN])
UPPER = np.array([0.6, 0.6, NAN, NAN, NAN, 1.6, NAN, 0.6, NAN, NAN, 2.5, NAN, NAN])
EXACT = ~np.isnan(Y) & np.isnan(LOWER) & np.isnan(UPPER)
LIMITED = ~np.isnan(LOWER) | ~np.isnan(UPPER)


def known_values() -> np.ndarray:
    """What default priors are scaled by: middles of intervals, or else the observed median within
    the limit."""
    observed = Y[EXACT]
    assert np.median(observed) == 2.05
    return np.array([*observed, 0.6, 0.6, 1.2, 0.6, 2.0, 3.0])


@pytest.fixture(scope="module")
def exact() -> GridPosterior:
    known = known_values()
    mean, sd = known.mean(), known.std(ddof=1)
    centered = X - X.mean()
    lower = np.where(np.isnan(LOWER), -np.inf, LOWER)[LIMITED]
    upper = np.where(np.isnan(UPPER), np.inf, UPPER)[LIMITED]
    axes = {
        "a": np.linspace(mean - 3.0, mean + 3.0, 71),
        "b": np.linspace(-2.0, 5.0, 71),
        "log_sigma": np.linspace(-1.7, 2.2, 71),
    }

    def log_density(v: dict[str, np.ndarray]) -> np.ndarray:
        sigma = np.exp(v["log_sigma"])
        total = stats.norm.logpdf(v["a"], mean, 2.5 * sd)
        total = total + stats.norm.logpdf(v["b"], 0, 2.5 * sd / X.std(ddof=1))
        total = total + stats.t.logpdf(sigma / sd, 3) + v["log_sigma"]
        for x, y in zip(centered[EXACT], Y[EXACT], strict=True):
            total = total + stats.norm.logpdf(y, v["a"] + v["b"] * x, sigma)
        for x, low, high in zip(centered[LIMITED], lower, upper, strict=True):
            mu = v["a"] + v["b"] * x
            share = stats.norm.cdf(high, mu, sigma) - stats.norm.cdf(low, mu, sigma)
            total = total + np.log(np.maximum(share, 1e-300))
        return total

    return on_grid(axes, log_density)


@pytest.fixture(scope="module")
def imputations() -> bm.Imputations:
    frame = pd.DataFrame({"x": X, "y": np.where(X == 1.6, 2.0, Y)})
    mice = bm.MICE(frame, limits={"y": (LOWER, UPPER)})
    return mice.mice(m=CHAINS, sweeps=SWEEPS, progressbar=False)


def check_mean(per_draw: np.ndarray, exact_mean: float, what: str) -> None:
    by_chain = per_draw.mean(axis=1)
    z = (by_chain.mean() - exact_mean) / (by_chain.std(ddof=1) / np.sqrt(len(by_chain)))
    assert abs(z) < LIMIT, f"{what}: {by_chain.mean():.4g} against {exact_mean:.4g}, z = {z:.1f}"


@pytest.mark.parametrize("name", ["a", "b", "log_sigma"])
def test_parameters_of_a_censored_normal_column_match_the_posterior(
    exact: GridPosterior, imputations: bm.Imputations, name: str
) -> None:
    posterior = imputations.tree["conditionals/y/posterior"].isel(draw=slice(BURN_IN, None))
    sample = {
        "a": posterior["Intercept_centered"].to_numpy(),
        "b": posterior["coefficients"].to_numpy()[..., 0],
        "log_sigma": np.log(posterior["sigma"].to_numpy()),
    }[name]
    values = exact.values[name]
    center = exact.mean(values)
    check_mean(sample, center, "mean")
    check_mean((sample - center) ** 2, exact.mean((values - center) ** 2), "variance")
    for level in (0.05, 0.5, 0.95):
        threshold, below = exact.share_below(name, level)
        check_mean((sample <= threshold).astype(float), below, f"{level} quantile")


@pytest.mark.parametrize("row", [0, 5, 10, 11, 12], ids=lambda row: f"{LOWER[row]} to {UPPER[row]}")
def test_imputed_cells_match_the_predictive_distribution_within_their_limits(
    exact: GridPosterior, imputations: bm.Imputations, row: int
) -> None:
    """One draw per chain, so the test is exact; its false alarm rate is 1e-5."""
    cells = imputations.tree["imputations"]["y"].sel(y_row=row).to_numpy()
    low = -np.inf if np.isnan(LOWER[row]) else LOWER[row]
    high = np.inf if np.isnan(UPPER[row]) else UPPER[row]
    assert ((cells >= low) & (cells <= high)).all()
    kept = exact.weights > exact.weights.max() * 1e-5
    values = {name: value[kept] for name, value in exact.values.items()}
    mu, sigma = values["a"] + values["b"] * (X[row] - X.mean()), np.exp(values["log_sigma"])
    weights = exact.weights[kept] / exact.weights[kept].sum()
    below, upto = stats.norm.cdf(low, mu, sigma), stats.norm.cdf(high, mu, sigma)
    grid = np.linspace(max(low, -9), min(high, 13), 80)
    cdf = [
        weights @ ((stats.norm.cdf(g, mu, sigma) - below) / np.maximum(upto - below, 1e-300))
        for g in grid
    ]
    assert stats.kstest(np.interp(cells, grid, cdf), "uniform").pvalue > 1e-5

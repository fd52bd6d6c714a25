"""Draws of each family against its exact posterior, computed by quadrature.

One incomplete column and complete predictors: its conditional posterior does not change, so every
chain must sample it. Chains are independent, so the mean over sweeps of a chain has a standard
error that is estimated over chains. Each check is a z test at |z| < 4.5 (false alarm 7e-6, a little
more for a t distribution with 399 df); with under 60 checks the file raises a false alarm less than
once in 1,000 runs.
"""

import numpy as np
import pandas as pd
import pytest
from quadrature import GridPosterior, on_grid
from scipy import stats
from scipy.special import expit

import bayesmice as bm

CHAINS, SWEEPS, BURN_IN = 400, 40, 10
LIMIT = 4.5

X = np.array([-1.9, -1.2, -0.8, -0.4, -0.1, 0.1, 0.3, 0.6, 0.9, 1.1, 1.6, 2.2])
"""Predictor of the rows with an observed target; one more row is missing."""
X_MISSING = 1.3


def run(target: list[object], dtype: object) -> bm.Imputations:
    frame = pd.DataFrame(
        {"x": np.append(X, X_MISSING), "y": pd.Series([*target, None], dtype=dtype)}
    )
    mice = bm.MICE(frame)
    return mice.mice(m=CHAINS, sweeps=SWEEPS, progressbar=False)


def draws(imputations: bm.Imputations, name: str) -> np.ndarray:
    """Draws of a parameter after burn-in, of shape (chains, sweeps, elements)."""
    posterior = imputations.tree["conditionals/y/posterior"][name].to_numpy()[:, BURN_IN:]
    return posterior.reshape(*posterior.shape[:2], -1)


def check_mean(per_draw: np.ndarray, exact: float, what: str) -> None:
    """Compare the mean over draws with the exact expectation, by the spread of chain means."""
    by_chain = per_draw.mean(axis=1)
    error = by_chain.std(ddof=1) / np.sqrt(len(by_chain))
    z = (by_chain.mean() - exact) / error
    assert abs(z) < LIMIT, f"{what}: {by_chain.mean():.4g} against {exact:.4g}, z = {z:.1f}"


def check_parameter(sample: np.ndarray, exact: GridPosterior, name: str) -> None:
    """Compare mean, variance and the 5, 50 and 95 % quantiles."""
    values = exact.values[name]
    center = exact.mean(values)
    check_mean(sample, center, f"mean of {name}")
    check_mean((sample - center) ** 2, exact.mean((values - center) ** 2), f"variance of {name}")
    for level in (0.05, 0.5, 0.95):
        threshold, below = exact.share_below(name, level)
        check_mean((sample <= threshold).astype(float), below, f"{level} quantile of {name}")


def check_covariance(
    one: np.ndarray, other: np.ndarray, exact: GridPosterior, a: str, b: str
) -> None:
    first, second = exact.values[a], exact.values[b]
    center = (exact.mean(first), exact.mean(second))
    expected = exact.mean((first - center[0]) * (second - center[1]))
    check_mean((one - center[0]) * (other - center[1]), expected, f"covariance of {a} and {b}")


def default_slope_scale(target_sd: float) -> float:
    everything = np.append(X, X_MISSING)
    return 2.5 * target_sd / everything.std(ddof=1)


def centered(x: np.ndarray | float) -> np.ndarray | float:
    return x - np.append(X, X_MISSING).mean()


def test_gaussian_draws_match_the_posterior_and_its_predictive_distribution() -> None:
    y = np.array([0.2, 1.1, 0.3, 1.9, 1.2, 0.8, 2.4, 1.5, 2.2, 3.4, 2.1, 3.9])
    mean, sd = y.mean(), y.std(ddof=1)
    axes = {
        "a": np.linspace(mean - 2.2, mean + 2.2, 111),
        "b": np.linspace(-1.2, 2.8, 111),
        "log_sigma": np.linspace(-1.7, 1.6, 111),
    }

    def log_density(v: dict[str, np.ndarray]) -> np.ndarray:
        sigma = np.exp(v["log_sigma"])
        fitted = v["a"][:, None] + v["b"][:, None] * centered(X)
        prior = stats.norm.logpdf(v["a"], mean, 2.5 * sd)
        prior = prior + stats.norm.logpdf(v["b"], 0, default_slope_scale(sd))
        prior = prior + stats.t.logpdf(sigma / sd, 3) + v["log_sigma"]
        return prior + stats.norm.logpdf(y, fitted, sigma[:, None]).sum(axis=1)

    exact = on_grid(axes, log_density)
    imputations = run(list(y), float)
    a = draws(imputations, "Intercept_centered")[..., 0]
    b = draws(imputations, "coefficients")[..., 0]
    log_sigma = np.log(draws(imputations, "sigma")[..., 0])
    check_parameter(a, exact, "a")
    check_parameter(b, exact, "b")
    check_parameter(log_sigma, exact, "log_sigma")
    check_covariance(a, b, exact, "a", "b")
    check_covariance(b, log_sigma, exact, "b", "log_sigma")

    uncentered = exact.values["a"] - exact.values["b"] * np.append(X, X_MISSING).mean()
    check_mean(draws(imputations, "Intercept")[..., 0], exact.mean(uncentered), "Intercept")

    fitted = exact.values["a"] + exact.values["b"] * centered(X_MISSING)
    cells = imputations.tree["imputations"]["y"].to_numpy()[:, 0]
    grid = np.linspace(-8, 12, 400)
    sigma = np.exp(exact.values["log_sigma"])
    kept = exact.weights > exact.weights.max() * 1e-7
    cdf = np.array(
        [exact.weights[kept] @ stats.norm.cdf(g, fitted[kept], sigma[kept]) for g in grid]
    )
    # One draw per chain, so the test is exact; its false alarm rate is 1e-5.
    assert stats.kstest(np.interp(cells, grid, cdf), "uniform").pvalue > 1e-5


def test_bernoulli_draws_match_the_posterior_and_its_predictive_distribution() -> None:
    y = np.array([0, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 1])
    axes = {"a": np.linspace(-5, 6, 441), "b": np.linspace(-4, 9, 521)}

    def log_density(v: dict[str, np.ndarray]) -> np.ndarray:
        eta = v["a"][:, None] + v["b"][:, None] * centered(X)
        prior = stats.norm.logpdf(v["a"], 0, 2.5) + stats.norm.logpdf(
            v["b"], 0, default_slope_scale(1.0)
        )
        return prior + (y * eta - np.logaddexp(0, eta)).sum(axis=1)

    exact = on_grid(axes, log_density)
    imputations = run([bool(value) for value in y], "boolean")
    a = draws(imputations, "Intercept_centered")[..., 0]
    b = draws(imputations, "coefficients")[..., 0]
    check_parameter(a, exact, "a")
    check_parameter(b, exact, "b")
    check_covariance(a, b, exact, "a", "b")
    probability = exact.mean(expit(exact.values["a"] + exact.values["b"] * centered(X_MISSING)))
    ones = int(imputations.tree["imputations"]["y"].sum())
    assert stats.binomtest(ones, CHAINS, probability).pvalue > 1e-5


def test_categorical_draws_match_the_posterior_and_its_predictive_distribution() -> None:
    codes = np.array([0, 0, 1, 0, 0, 1, 0, 1, 1, 2, 2, 1])
    axis, slope_axis = np.linspace(-7.5, 5.5, 45), np.linspace(-5, 8, 45)
    axes = {"a1": axis, "a2": axis, "b1": slope_axis, "b2": slope_axis}

    def log_density(v: dict[str, np.ndarray]) -> np.ndarray:
        prior = stats.norm.logpdf(v["a1"], 0, 2.5) + stats.norm.logpdf(v["a2"], 0, 2.5)
        for name in ("b1", "b2"):
            prior = prior + stats.norm.logpdf(v[name], 0, default_slope_scale(1.0))
        total = prior
        for x, code in zip(centered(X), codes, strict=True):
            logits = [np.zeros_like(prior), v["a1"] + v["b1"] * x, v["a2"] + v["b2"] * x]
            total = total + logits[code] - np.logaddexp.reduce(logits, axis=0)
        return total

    exact = on_grid(axes, log_density)
    imputations = run([["no", "some", "yes"][code] for code in codes], "str")
    intercepts = draws(imputations, "Intercept_centered")
    slopes = draws(imputations, "coefficients")
    for element, (a, b) in enumerate((("a1", "b1"), ("a2", "b2"))):
        for sample, name in ((intercepts[..., element], a), (slopes[..., element], b)):
            center = exact.mean(exact.values[name])
            check_mean(sample, center, f"mean of {name}")
            spread = exact.mean((exact.values[name] - center) ** 2)
            check_mean((sample - center) ** 2, spread, f"variance of {name}")
    logits = [
        np.zeros_like(exact.weights),
        *(exact.values[f"a{k}"] + exact.values[f"b{k}"] * centered(X_MISSING) for k in (1, 2)),
    ]
    shares = np.exp(logits - np.logaddexp.reduce(logits, axis=0)) @ exact.weights
    counts = np.bincount(imputations.tree["imputations"]["y"].to_numpy()[:, 0], minlength=3)
    assert stats.chisquare(counts, CHAINS * shares).pvalue > 1e-5


def test_cumulative_draws_match_the_posterior_and_its_predictive_distribution() -> None:
    codes = np.array([0, 0, 1, 0, 1, 1, 0, 2, 1, 2, 1, 2])
    axes = {
        "c1": np.linspace(-7, 5, 121),
        "c2": np.linspace(-4, 9, 121),
        "b": np.linspace(-2, 7, 121),
    }

    def log_density(v: dict[str, np.ndarray]) -> np.ndarray:
        prior = stats.norm.logpdf(v["c1"], np.log(0.5), 2.5)
        prior = prior + stats.norm.logpdf(v["c2"], -np.log(0.5), 2.5)
        prior = prior + stats.norm.logpdf(v["b"], 0, default_slope_scale(1.0))
        total = np.where(v["c1"] < v["c2"], prior, -np.inf)
        for x, code in zip(centered(X), codes, strict=True):
            low, high = expit(v["c1"] - v["b"] * x), expit(v["c2"] - v["b"] * x)
            share = (low, high - low, 1 - high)[code]
            total = total + np.log(np.maximum(share, 1e-300))
        return total

    exact = on_grid(axes, log_density)
    ordered = pd.CategoricalDtype(["low", "middle", "high"], ordered=True)
    imputations = run([["low", "middle", "high"][code] for code in codes], ordered)
    cutpoints = draws(imputations, "cutpoints_centered")
    slope = draws(imputations, "coefficients")[..., 0]
    check_parameter(cutpoints[..., 0], exact, "c1")
    check_parameter(cutpoints[..., 1], exact, "c2")
    check_parameter(slope, exact, "b")
    check_covariance(cutpoints[..., 0], cutpoints[..., 1], exact, "c1", "c2")
    at = centered(X_MISSING)
    low = exact.mean(expit(exact.values["c1"] - exact.values["b"] * at))
    below = exact.mean(expit(exact.values["c2"] - exact.values["b"] * at))
    counts = np.bincount(imputations.tree["imputations"]["y"].to_numpy()[:, 0], minlength=3)
    shares = np.array([low, below - low, 1 - below])
    assert stats.chisquare(counts, CHAINS * shares).pvalue > 1e-5


@pytest.mark.parametrize("share", [0.5, 2.0])
def test_the_checks_notice_a_wrong_posterior(share: float) -> None:
    """The oracle can fail: a posterior with half or twice the variance is told apart."""
    rng = np.random.default_rng()
    exact = on_grid({"a": np.linspace(-6, 6, 401)}, lambda v: -(v["a"] ** 2) / 2)
    sample = rng.normal(0, np.sqrt(share), size=(CHAINS, SWEEPS - BURN_IN))
    with pytest.raises(AssertionError, match="variance"):
        check_mean(sample**2, exact.mean(exact.values["a"] ** 2), "variance")

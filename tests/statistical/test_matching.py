"""Predictive mean matching of a skewed column of whole numbers, 30 % of it missing at random.

Over 300 repetitions with n=200 and m=10: the mean, its slope on a predictor and the slope of an
outcome on it, pooled, against their values in the population.

Matching draws towards the middle, since the outermost rows have donors on one side only. A plain
NumPy version of the textbook procedure was biased by 0.10 of the spread of the slope here, with
coverages of 0.944, 0.957 and 0.947, in 1,500 repetitions; in as many, ours by 0.12, with coverages
of 0.938, 0.945 and 0.952. A bias of 0.2 spreads is allowed, beside 4 Monte Carlo errors of 0.058,
and a coverage of 0.01 below 0.95, beside 4 Monte Carlo errors of 0.0126. Together a false alarm
comes less than once in 1,000 runs.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import bayesmice as bm

REPETITIONS, N, M = 300, 200, 10
NAMES = ["mean", "slope on x", "slope of y"]


def make_columns(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    x = rng.normal(size=n)
    count = np.rint(6 + 1.5 * x + rng.exponential(3.0, size=n))
    return {"x": x, "count": count, "y": 2 + 0.5 * count - x + 3 * rng.normal(size=n)}


def make_data(rng: np.random.Generator) -> pd.DataFrame:
    frame = pd.DataFrame(make_columns(rng, N))
    frame["count"] = pd.array(frame["count"], dtype="Int64")
    frame.loc[rng.choice(N, 3 * N // 10, replace=False), "count"] = None
    return frame


def ols(y: np.ndarray, *predictors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    design = np.column_stack([np.ones_like(y), *predictors])
    inverse = np.linalg.inv(design.T @ design)
    estimate = inverse @ design.T @ y
    residual = y - design @ estimate
    # Robust to unequal variances (HC3), which a skewed column has.
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
    weighted = design * (residual / (1 - leverage))[:, None]
    return estimate, inverse @ (weighted.T @ weighted) @ inverse


def analyse(columns: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    x, count, y = columns["x"], columns["count"], columns["y"]
    on_x, outcome = ols(count, x), ols(y, count, x)
    estimate = np.array([count.mean(), on_x[0][1], outcome[0][1]])
    variance = [count.var(ddof=1) / len(count), on_x[1][1, 1], outcome[1][1, 1]]
    return estimate, np.diag(variance)


def in_the_population() -> np.ndarray:
    """By a sample of 4 million: its error is 0.007 of that of a sample of 200."""
    return analyse(make_columns(np.random.default_rng(0), 4_000_000))[0]


def study(impute: Callable[[pd.DataFrame], bm.Imputations]) -> pd.DataFrame:
    rng, truth = np.random.default_rng(), in_the_population()
    estimates, covered = [], []
    for _ in range(REPETITIONS):
        completed = impute(make_data(rng)).data
        columns = (
            {name: frame[name].to_numpy(dtype=float) for name in frame} for frame in completed
        )
        results = bm.pool([analyse(own) for own in columns], df_complete=N - 3)
        interval = np.asarray(results.conf_int())
        estimates.append(np.asarray(results.params))
        covered.append((interval[:, 0] <= truth) & (truth <= interval[:, 1]))
    spread = np.std(estimates, axis=0, ddof=1)
    return pd.DataFrame(
        {
            "truth": truth,
            "bias in spreads": (np.mean(estimates, axis=0) - truth) / spread,
            "coverage": np.mean(covered, axis=0),
        },
        index=NAMES,
    )


@pytest.mark.statistical
def test_matched_whole_numbers_give_unbiased_estimates_and_intervals_that_cover() -> None:
    table = study(lambda frame: bm.MICE(frame).mice(m=M, sweeps=3, progressbar=False))
    print(table)
    assert (table["bias in spreads"].abs() < 0.2 + 4 / np.sqrt(REPETITIONS)).all(), table
    allowed = 4 * np.sqrt(0.95 * 0.05 / REPETITIONS) + 0.01
    assert (table["coverage"] > 0.95 - allowed).all(), table

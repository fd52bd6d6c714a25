"""Intervals of overimputed cells hold what they say, where the models are right."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayesmice as bm

pytestmark = pytest.mark.statistical

N, REPEATS = 500, 12


def test_intervals_of_a_normal_sample_hold_their_share():
    """Four columns of a multivariate normal distribution, a fifth of three of them missing.

    The conditional distribution of a column given the others is the default model. Twelve data
    sets, in each of which a fifth of the observed cells is hidden: about 3,200 cells. Cells of one
    column share parameters, which are known from 320 rows: with 80 cells hidden that adds a
    quarter to the variance of a coverage. Limits are five standard errors: less than one failure in
    100,000 for each number.
    """
    rng = np.random.default_rng()
    covariance = 0.5 + 0.5 * np.eye(4)
    inside: dict[str, list[np.ndarray]] = {"50": [], "80": [], "95": []}
    pits = []
    for repeat in range(REPEATS):
        values = rng.multivariate_normal(np.arange(4.0), covariance, size=N)
        values[:, 1:][rng.random((N, 3)) < 0.2] = np.nan
        data = pd.DataFrame(values, columns=list("abcd"))
        run = bm.MICE(data).mice(m=2, random_seed=repeat, progressbar=False)
        check = run.overimpute(0.2, m=20, random_seed=repeat, progressbar=False)
        for level, found in inside.items():
            found.append(check.cells[f"in_{level}"].to_numpy(dtype=float))
        pits.append(check.cells["pit"].to_numpy())
    n = sum(map(len, pits))
    for level, found in inside.items():
        p = int(level) / 100
        error = np.sqrt(1.25 * p * (1 - p) / n)
        assert np.concatenate(found).mean() == pytest.approx(p, abs=5 * error)
    assert stats.kstest(np.concatenate(pits), "uniform").pvalue > 1e-6


def test_probabilities_of_levels_are_calibrated():
    """A binary column given a normal one, by the default logistic model: 800 hidden cells."""
    rng = np.random.default_rng()
    x = rng.normal(size=4000)
    y = rng.random(4000) < 1 / (1 + np.exp(-1.5 * x))
    data = pd.DataFrame({"x": x, "y": pd.array(y, dtype="boolean")})
    data.loc[rng.random(4000) < 0.2, "y"] = pd.NA
    run = bm.MICE(data).mice(m=2, random_seed=1, progressbar=False)
    check = run.overimpute(0.25, m=50, random_seed=1, progressbar=False)
    levels = check.levels.loc["y"]
    # Parameters known from 2,400 rows add a third to the variance for 800 hidden cells.
    limit = 5 * levels["mcse"].to_numpy() * np.sqrt(1 + 1 / 3)
    assert (np.abs(levels["predicted"] - levels["observed"]).to_numpy() < limit).all()
    assert check.table.loc["y", "pit_p"] > 1e-6
    # The best log score is minus the entropy of y given x, 0.507 nats; marginal: log 2.
    truth = 1 / (1 + np.exp(-1.5 * x))
    entropy = -(truth * np.log(truth) + (1 - truth) * np.log(1 - truth)).mean()
    assert check.table.loc["y", "log_score"] == pytest.approx(-entropy, abs=0.1)
    assert check.table.loc["y", "marginal_log_score"] == pytest.approx(-np.log(2), abs=0.02)


def test_little_rejects_as_often_as_it_should():
    """500 samples with cells missing completely at random: p-values are uniform.

    The chi-squared distribution is the limit for large patterns; 300 rows with two incomplete
    columns have four of 12 rows or more, where its error is below a point.
    """
    rng = np.random.default_rng()
    covariance = 0.4 + 0.6 * np.eye(3)
    p_values = []
    for _ in range(500):
        values = rng.multivariate_normal(np.zeros(3), covariance, size=300)
        values[:, 1:][rng.random((300, 2)) < 0.2] = np.nan
        p_values.append(bm.mcar_test(pd.DataFrame(values, columns=list("abc"))).p_value)
    assert stats.kstest(p_values, "uniform").pvalue > 1e-5
    rejected = np.mean(np.array(p_values) < 0.05)
    assert rejected == pytest.approx(0.05, abs=5 * np.sqrt(0.05 * 0.95 / 500))

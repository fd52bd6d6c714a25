"""Effective draws per second."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from speed.efficiency import BURN_IN, Efficiency, effective_size, followed
from speed.our_series import every_sweep, series
from speed.quantities import QUANTITIES, quantities_of
from speed.workloads import correlated

import bayesmice as bm


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8])
def test_effective_draws_of_a_known_process(correlation):
    """An autoregressive series of n values is worth n (1 - r) / (1 + r) independent ones."""
    rng = np.random.default_rng()
    draws = np.empty((5, 8_000))
    draws[:, 0] = rng.normal(size=5) / np.sqrt(1 - correlation**2)
    for t in range(1, draws.shape[1]):
        draws[:, t] = correlation * draws[:, t - 1] + rng.normal(size=5)
    expected = draws.size * (1 - correlation) / (1 + correlation)
    assert effective_size(draws) == pytest.approx(expected, rel=0.2)


def test_effective_draws_are_divided_by_the_time_of_the_sweeps():
    # 5 chains of 200 sweeps, 0.01 s each: 2 s.
    one = Efficiency("W1", "bayesmice", "slope", 1_000, 500.0, 0.01)
    assert one.per_second == pytest.approx(250.0)


def test_sweeps_before_the_chains_have_settled_are_left_out():
    draws = followed({"mean": [list(range(BURN_IN + 3))] * 2})["mean"]
    np.testing.assert_array_equal(draws, [[BURN_IN, BURN_IN + 1, BURN_IN + 2]] * 2)


def test_quantities_are_those_of_a_regression():
    data = pd.DataFrame(np.random.default_rng().normal(size=(50, 4)), columns=list("abcd"))
    fit = sm.OLS(data["a"], sm.add_constant(data[["b", "c", "d"]])).fit()
    mean, slope = quantities_of(data.to_numpy())
    assert mean == pytest.approx(data["a"].mean())
    assert slope == pytest.approx(fit.params["b"])


@pytest.mark.long
def test_our_series_follow_every_sweep_of_every_chain():
    """The mean of a column is that of its observed values and of the cells of that sweep."""
    data = correlated(60, 3)
    imputations = every_sweep(bm.MICE(data), 2, 5)
    found = series(imputations)
    assert tuple(found) == QUANTITIES
    drawn = imputations.tree["sweep_stats"]["x0"].sel(statistic="mean").to_numpy()
    n_missing = data["x0"].isna().sum()
    expected = (data["x0"].sum() + n_missing * drawn) / len(data)
    np.testing.assert_allclose(found["mean of x0"], expected, rtol=1e-9)

"""R-hat, its size by chance, autocorrelation, and the sweeps that it asks for."""

import numpy as np
import pytest
from arviz_stats.base import array_stats
from scipy import stats

from bayesmice.diagnostics.mixing import (
    autocorrelation,
    autocorrelation_time,
    chance_bound,
    sweeps_needed,
)
from bayesmice.diagnostics.rhat import r_hat, r_hats


@pytest.mark.parametrize("shape", [(2, 4), (5, 10), (3, 11), (4, 40)])
@pytest.mark.parametrize("make", ["normal", "cauchy", "ties", "apart"])
def test_r_hats_agree_with_arviz(shape, make):
    rng = np.random.default_rng(4)
    chains = rng.normal(size=(6, *shape))
    if make == "cauchy":
        chains = rng.standard_cauchy((6, *shape))
    elif make == "ties":
        chains = chains.round()
    elif make == "apart":
        chains[:, 0] += 3
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = [float(array_stats.rhat(own)) for own in chains]
    np.testing.assert_allclose(r_hats(chains), expected, rtol=1e-12)
    assert r_hat(chains[0]) == pytest.approx(expected[0])


def test_r_hat_is_infinite_or_undefined_where_nothing_moves():
    still = np.array([[0.0] * 6, [1.0] * 6])
    steps = np.array([[0.0, 0, 0, 1, 1, 1], [0.0, 0, 0, 1, 1, 1]])
    nan = np.array([[np.nan, 1, 2, 3, 4, 5], [6.0, 5, 4, 3, 2, 1]])
    found = r_hats(np.stack([still, steps, np.zeros((2, 6)), nan]))
    assert found[:2].tolist() == [np.inf, np.inf]
    assert np.isnan(found[2:]).all()
    assert np.isnan(r_hats(np.ones((3, 1, 9)))).all()
    assert np.isnan(r_hats(np.random.default_rng(0).normal(size=(1, 2, 3)))).all()
    assert r_hats(np.empty((0, 2, 6))).shape == (0,)


@pytest.mark.parametrize(("n_chains", "n_sweeps"), [(2, 10), (5, 10), (20, 6), (5, 41)])
def test_r_hat_of_independent_chains_follows_the_f_distribution(n_chains, n_sweeps):
    """What `chance_bound` rests on, for an autocorrelation time of 1 and a single quantity."""
    half = n_sweeps // 2
    ratio = stats.f.isf(0.05 / 2, 2 * n_chains - 1, 2 * n_chains * (half - 1))
    exceeded = np.sqrt(1 + (ratio - 1) / half)
    values = r_hats(np.random.default_rng(8).normal(size=(3000, n_chains, n_sweeps)))
    # 0.05, less a little, since one of the two numbers may exceed it with the other.
    assert abs((values > exceeded).mean() - 0.049) < 4 * np.sqrt(0.05 * 0.95 / 3000)


def test_the_bound_of_chance_by_hand():
    """Five chains of ten sweeps, one quantity: halves of 5, time 1.5125, F(9, 40) at 0.025."""
    ratio = 2.452  # table of F: F(9, 40; 0.975)
    assert chance_bound(5, 10, 1) == pytest.approx(np.sqrt(1 + (1.5125 * ratio - 1) / 5), abs=2e-4)


@pytest.mark.parametrize(("n_chains", "n_sweeps"), [(2, 10), (5, 10), (5, 40), (20, 20)])
def test_chains_that_mix_well_enough_seldom_raise_an_alarm(n_chains, n_sweeps, ar1):
    """In one of twenty runs of 14 quantities at most, and of independent chains far less often."""
    time = 1 + 0.1025 * (n_sweeps // 2)
    rng, bound = np.random.default_rng(9), chance_bound(n_chains, n_sweeps, 14)
    shape = (400 * 14, n_chains, n_sweeps)
    alarms = {
        rho: (r_hats(ar1(rng, shape, rho)).reshape(400, 14).max(axis=1) > bound).mean()
        for rho in (0.0, (time - 1) / (time + 1))
    }
    assert max(alarms.values()) < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 400)
    assert alarms[0.0] < 0.05


def test_chains_that_are_far_from_mixed_raise_it(ar1):
    chains = ar1(np.random.default_rng(10), (50 * 14, 5, 10), 0.9)
    largest = r_hats(chains).reshape(50, 14).max(axis=1)
    assert (largest > chance_bound(5, 10, 14)).all()


@pytest.mark.parametrize("rho", [-0.4, 0.0, 0.5, 0.8])
def test_autocorrelation_of_an_autoregression(rho, ar1):
    """Known: rho from one sweep to the next, and an integrated time of (1 + rho) / (1 - rho)."""
    chains = ar1(np.random.default_rng(11), (20, 2000), rho)
    assert autocorrelation(chains) == pytest.approx(rho, abs=4 / np.sqrt(chains.size))
    time = autocorrelation_time(chains, float(array_stats.ess(chains, method="bulk")))
    assert time == pytest.approx((1 + rho) / (1 - rho), rel=0.25)


def test_autocorrelation_of_short_chains_has_little_bias(ar1):
    chains = ar1(np.random.default_rng(12), (2000, 10, 10), 0.5)
    found = np.array([autocorrelation(own) for own in chains])
    assert found.mean() == pytest.approx(0.5, abs=0.05)


def test_chains_that_stand_apart_are_fully_autocorrelated():
    chains = np.array([[0.0] * 8, [1.0] * 8]) + np.random.default_rng(1).normal(0, 1e-3, (2, 8))
    assert autocorrelation(chains) > 0.99
    time = autocorrelation_time(chains, float(array_stats.ess(chains, method="bulk")))
    assert time == 8  # all that a run of eight sweeps can show
    assert np.isnan(autocorrelation(np.ones((2, 8))))


def test_sweeps_of_many_chains_by_hand():
    """N = (9 - 1) / (1.05**2 - 1) = 78.05 for a coefficient of 0.8, in each half of the run."""
    assert sweeps_needed(np.array([9.0]), n_chains=100_000) == 158


@pytest.mark.parametrize(("time", "n_chains"), [(1.5, 2), (9.0, 5), (19.0, 20)])
def test_sweeps_of_few_chains_leave_even_chances(time, n_chains):
    found = sweeps_needed(np.array([time]), n_chains)

    def chances(n_sweeps):
        half = n_sweeps // 2
        f = stats.f(2 * n_chains - 1, 2 * n_chains * (half - 1))
        return f.cdf((1 + 0.1025 * half) / time) ** 2

    assert chances(found) >= 0.5 > chances(found - 2)
    assert sweeps_needed(np.full(20, time), n_chains) > found


def test_no_fewer_sweeps_are_asked_for_than_there_are():
    assert sweeps_needed(np.array([1.0]), 50, at_least=33) == 33
    assert sweeps_needed(np.array([]), 3) == 10

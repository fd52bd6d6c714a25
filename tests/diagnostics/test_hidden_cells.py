"""Ranks, intervals and probabilities from few draws: what must hold whatever is drawn."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from bayesmice.diagnostics.hidden_cells import (
    draw_quantiles,
    inside_interval,
    level_counts,
    log_scores,
    randomized_pit,
    ranks_among,
    share_errors,
)


@pytest.mark.parametrize("m", [2, 5, 19, 39, 50])
@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_the_expected_coverage_is_exact_for_any_number_of_draws(m, level) -> None:
    # Value and draws are exchangeable, so each of the ranks 0..m has probability 1 / (m + 1).
    draws = np.repeat(np.arange(m)[:, None] + 0.5, m + 1, axis=1)
    ranks = ranks_among(np.arange(m + 1.0), draws)
    assert ranks.below.tolist() == list(range(m + 1))
    assert inside_interval(ranks, level).mean() == pytest.approx(level)


def test_the_expected_coverage_is_exact_with_ties() -> None:
    # All 3^4 equally probable values of (value, three draws) of a three-level variable.
    outcomes = np.array(list(product(range(3), repeat=4)), dtype=float)
    ranks = ranks_among(outcomes[:, 0], outcomes[:, 1:].T)
    for level in (0.5, 0.8, 0.95):
        assert inside_interval(ranks, level).mean() == pytest.approx(level)


def test_a_value_in_the_middle_of_many_draws_is_inside_and_one_beyond_them_is_not() -> None:
    draws = np.repeat(np.arange(1.0, 1000)[:, None], 2, axis=1)
    ranks = ranks_among(np.array([500.2, 2000.0]), draws)
    assert inside_interval(ranks, 0.95).tolist() == [1.0, 0.0]
    assert ranks.below.tolist() == [500, 999]


def test_places_are_uniform_for_draws_of_the_same_distribution_and_only_then() -> None:
    rng = np.random.default_rng(3)
    counts = rng.poisson(2.0, size=(9, 4000)).astype(float)
    right = ranks_among(rng.poisson(2.0, size=4000).astype(float), counts)
    shifted = ranks_among(rng.poisson(2.4, size=4000).astype(float), counts)
    assert stats.kstest(randomized_pit(right, rng), "uniform").pvalue > 1e-5
    assert stats.kstest(randomized_pit(shifted, rng), "uniform").pvalue < 1e-10


def test_intervals_end_at_order_statistics() -> None:
    draws = np.random.default_rng(1).normal(size=(39, 3))
    low, high = draw_quantiles(draws, np.array([0.025, 0.975]))
    np.testing.assert_allclose(low, draws.min(axis=0))
    np.testing.assert_allclose(high, draws.max(axis=0))
    few = draw_quantiles(draws[:5], np.array([0.025]))
    np.testing.assert_array_equal(few[0], draws[:5].min(axis=0))


def test_log_scores_give_no_level_the_probability_zero() -> None:
    counts = level_counts(np.array([[0.0, 1.0], [0.0, 1.0], [0.0, 2.0], [0.0, 1.0]]), 3)
    assert counts.tolist() == [[4, 0], [0, 3], [0, 1]]
    scores = log_scores(counts, np.array([1, 1]))
    np.testing.assert_allclose(scores, np.log([0.5 / 5.5, 3.5 / 5.5]))


def test_errors_of_shares_are_those_of_repeated_draws() -> None:
    # Ten cells with known probabilities; observed shares minus predicted ones, 4,000 times.
    rng = np.random.default_rng(8)
    probability, m = np.linspace(0.05, 0.9, 10), 12
    observed = rng.random((4000, 10)) < probability
    drawn = rng.binomial(m, probability, size=(4000, 10))
    differences = observed.mean(axis=1) - (drawn / m).mean(axis=1)
    squares = [share_errors(np.stack([m - d, d]))[1] ** 2 for d in drawn]
    assert np.mean(squares) == pytest.approx(differences.var(), rel=0.12)

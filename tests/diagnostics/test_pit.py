"""LOO-PIT values, against closed forms and ArviZ."""

import warnings

import numpy as np
import pytest
from arviz_stats import loo_pit as arviz_loo_pit
from conditional_trees import CHAINS, DRAWS, known_noise, tree_of
from scipy import stats

from bayesmice.diagnostics.conditional import find_conditional
from bayesmice.diagnostics.pit import loo_pit, weighted_pit


def check(tree, burn_in=0, **seed):
    return loo_pit(find_conditional(tree, "y", burn_in), **seed)


def test_values_are_the_exact_probabilities_without_the_row():
    """Without row i the prediction is normal around the mean of the others."""
    y = np.random.default_rng(1).normal(size=40)
    found = check(known_noise(y, 1.0, np.random.default_rng(2)))
    others = (y.sum() - y) / (len(y) - 1)
    exact = stats.norm.cdf(y, others, np.sqrt(1 + 1 / (len(y) - 1)))
    # Of 2,000 draws a share has a standard error of at most 0.011.
    np.testing.assert_allclose(found.by_row, exact, atol=0.06)
    assert found.n_bad_k == 0
    assert found.by_row.dims == ("row",)


def test_with_many_draws_values_are_those_of_arviz():
    y = np.random.default_rng(1).normal(size=30)
    tree = known_noise(y, 1.0, np.random.default_rng(2))
    theirs = arviz_loo_pit(tree["conditionals/y"])["y"]
    np.testing.assert_allclose(check(tree).by_row, theirs, atol=2 / (CHAINS * DRAWS))


def test_places_among_few_equally_weighted_draws_are_exactly_uniform():
    """The rank of a value among exchangeable ones, at random within its step, is uniform."""
    rng = np.random.default_rng()
    n, draws = 4000, 7
    values = rng.poisson(2.0, (n, draws + 1)).astype(float)
    weights = np.full((n, draws), 1 / draws)
    places = weighted_pit(values[:, 0], values[:, 1:], weights, rng.random(n))
    # False alarm of one in a million.
    assert stats.kstest(places, "uniform").pvalue > 1e-6


def test_a_right_model_rarely_alarms_and_a_wrong_scale_always_does():
    """At a level of 5 % a right model alarms in at most 5 %: of 60, 13 or more by chance 1e-5."""
    rng = np.random.default_rng()
    right = wrong = 0
    for _ in range(60):
        y = rng.normal(size=50)
        right += check(known_noise(y, 1.0, rng, draws=50)).p_value < 0.05
        wrong += check(known_noise(3 * y, 1.0, rng, draws=50)).p_value < 0.05
    assert right < 13
    assert wrong == 60


def test_skewed_values_under_a_normal_model_are_found():
    y = np.random.default_rng(1).exponential(size=200)
    assert check(known_noise(y, y.std(), np.random.default_rng(2))).p_value < 1e-4


def test_the_burn_in_is_left_out_and_seeds_give_the_same_places():
    rng = np.random.default_rng(3)
    y = rng.poisson(2.0, 30).astype(float)
    predicted = rng.poisson(2.0, (2, 40, 30)).astype(float)
    predicted[:, :20] = 99.0
    tree = tree_of(y, np.zeros((2, 40, 30)), predicted)
    found = check(tree, burn_in=20)
    assert found.by_row.mean() > 0.3
    assert check(tree, burn_in=0).by_row.mean() < 0.3
    np.testing.assert_array_equal(found.by_row, check(tree, burn_in=20).by_row)
    assert (found.by_row != check(tree, burn_in=20, random_seed=1).by_row).any()


def test_a_row_far_from_all_draws_has_a_large_pareto_k():
    y = np.append(np.zeros(20), 30.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = check(known_noise(y, 1.0, np.random.default_rng(1)))
    assert found.pareto_k[-1] > found.good_k
    assert found.good_k == pytest.approx(1 - 1 / np.log10(CHAINS * DRAWS))

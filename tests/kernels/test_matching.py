"""Predictive mean matching: the donors of a cell, against their definition.

The definition is written out below for a single cell: sort the givers by distance; those strictly
nearer than the last of the nearest `donors` are donors, those at its distance share the places that
are left. Predictions are multiples of 1/4, so that distances and ties are exact. Frequencies are
compared by chi-squared tests at p > 1e-6; the file has under 200 of them, and raises a false alarm
less than once in 5,000 runs.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from bayesmice.kernels.cache import configure_jax
from bayesmice.kernels.matching import match_donors

pytestmark = pytest.mark.long

DRAWS = 4000
ALARM = 1e-6

configure_jax()
match = jax.jit(match_donors, static_argnames="donors")


def donor_probabilities(predictions, weights, value, donors):
    """Probability of each row to be the donor of a cell, by definition."""
    distances = np.where(weights > 0, np.abs(predictions - value), np.inf)
    radius = np.sort(distances)[donors - 1]
    nearer, tied = distances < radius, distances == radius
    places = donors - nearer.sum()
    return (nearer + tied * places / tied.sum()) / donors


def draw(predictions, weights, value, donors, size=DRAWS):
    """Match `size` cells that want the same value."""
    key = jax.random.key(np.random.default_rng().integers(2**63))
    arguments = (jnp.asarray(predictions, float), jnp.asarray(weights, float))
    return np.asarray(match(key, *arguments, jnp.full(size, float(value)), donors=donors))


def check(predictions, weights, value, donors):
    predictions, weights = np.asarray(predictions, float), np.asarray(weights, float)
    expected = donor_probabilities(predictions, weights, value, donors)
    assert expected.sum() == pytest.approx(1.0)
    counts = np.bincount(draw(predictions, weights, value, donors), minlength=len(predictions))
    possible = expected > 0
    np.testing.assert_array_equal(counts[~possible], 0)
    if possible.sum() > 1:
        found = stats.chisquare(counts[possible], DRAWS * expected[possible])
        assert found.pvalue > ALARM, (predictions, weights, value, donors)


CASES = {
    "no ties": ([0, 1, 3, 6, 10], 3.5, 3),
    "one donor": ([0, 1, 3, 6, 10], 3.5, 1),
    "one donor at the value itself": ([0, 1, 3, 6, 10], 3, 1),
    "one donor of many at the value": ([3, 1, 3, 3, 10, 3], 3, 1),
    "one donor, equally far on both sides": ([2, 2, 5, 9], 3.5, 1),
    "the last place is tied on both sides": ([2, 5, 5, 5, 3.5, 2, 9], 3.5, 3),
    "all at the same prediction": ([1] * 9, 1, 5),
    "all at the same prediction, far away": ([1] * 9, -40, 5),
    "more ties than donors, on one side": ([0] * 20 + [8, 9], 2, 5),
    "a tie that the window does not show": ([1, *[2] * 30, *[6] * 30, 9], 4, 2),
    "everyone is a donor": ([0, 1, 3, 6, 10], 3.5, 5),
    "everyone is a donor, with ties": ([0, 1, 1, 6, 6], 3.5, 5),
    "below all": ([0, 1, 1, 6, 10], -7, 2),
    "above all": ([0, 1, 6, 6, 6], 1e9, 2),
    "negative": ([-9, -7, -7, -3, -3], -5, 3),
    "huge": ([-(2.0**900), -(2.0**899), 2.0**900, 2.0**901], 2.0**899, 2),
}


@pytest.mark.parametrize(("predictions", "value", "donors"), CASES.values(), ids=CASES.keys())
def test_donors_are_the_nearest_rows_and_chance_decides_among_ties(predictions, value, donors):
    check(predictions, np.ones(len(predictions)), value, donors)


@pytest.mark.parametrize("spread", [0, 1, 3, 40], ids=lambda spread: f"spread {spread}")
def test_donors_of_random_predictions_have_the_probabilities_of_their_definition(spread):
    """Spreads 0 to 3 give heavy ties, also on both sides; a quarter of the rows give nothing."""
    rng = np.random.default_rng()
    for _ in range(30):
        predictions = rng.integers(-spread, spread + 1, 24) / 4
        weights = rng.permutation([1.0] * 18 + [0.0] * 6)
        donors = int(rng.choice([1, 2, 5, 18]))
        check(predictions, weights, rng.integers(-spread - 4, spread + 5) / 4, donors)


def test_rows_without_weight_never_give_even_where_they_are_nearest():
    predictions = np.array([5.0, 5.0, 5.0, 0.0, 9.0, -100.0])
    weights = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    assert set(draw(predictions, weights, 5.0, 2)) == {3, 4}
    assert set(draw(predictions, weights, 5.0, 3)) == {3, 4, 5}
    assert set(draw(predictions, weights, -1e6, 1)) == {5}
    assert set(draw(predictions, weights, 1e6, 1)) == {4}


def test_values_so_far_away_that_all_distances_are_equal_have_any_donor():
    weights = np.array([1.0, 0.0, 1.0, 1.0])
    assert set(draw(np.array([-2.0, -1.0, 0.0, 3.0]), weights, 1e300, 1)) == {0, 2, 3}


def test_predictions_that_differ_by_rounding_are_tied():
    """Sums of the same numbers in another order differ in their last bits."""
    predictions = np.array([0.1 + 0.2, 0.3, 0.3, np.nextafter(0.3, 0.0), 7.0])
    for value in (0.0, 0.3, -2e5, 3.3):
        counts = np.bincount(draw(predictions, np.ones(5), value, 2), minlength=5)
        assert counts[4] == 0
        assert stats.chisquare(counts[:4]).pvalue > ALARM


def test_cells_choose_independently_of_each_other():
    chosen = draw(np.zeros(2), np.ones(2), 0.0, 2)
    runs = 1 + (np.diff(chosen) != 0).sum()
    assert stats.binomtest(int(runs - 1), DRAWS - 1, 0.5).pvalue > ALARM


def test_each_cell_gets_donors_near_its_own_value():
    rng = np.random.default_rng()
    predictions, wanted = rng.normal(size=300), rng.normal(size=200)
    arguments = (jnp.asarray(predictions), jnp.ones(300), jnp.asarray(wanted))
    chosen = np.asarray(match(jax.random.key(1), *arguments, donors=5))
    for row, value in zip(chosen, wanted, strict=True):
        assert row in np.argsort(np.abs(predictions - value))[:5]

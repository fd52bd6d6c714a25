"""Predictive mean matching: which observed row a missing cell takes its value from.

The nearest `donors` rows are used. Those strictly nearer than the last one are certain to be among
them, and those at its distance share the remaining places by chance, however many they are: R's
mice was miscalibrated where ties were broken by position (its issue 757). With the predictions of
the donors in order, all these rows are neighbours, so that bisection finds them.
"""

import jax
import jax.numpy as jnp
import numpy as np

from bayesmice.kernels.kernel import Array

ROUNDING = 64 * float(np.finfo(np.float64).eps)
"""Distances that differ by less, relative to the numbers they come from, are equal: predictions of
rows with the same predictors may differ in their last bits, depending on where the rows stand."""


def match_donors(
    key: Array, predictions: Array, weights: Array, wanted: Array, donors: int
) -> Array:
    """Choose a donor for each cell.

    Parameters
    ----------
    key : Array
        Random key.
    predictions : Array of shape (n_rows,)
        Predictions of the rows.
    weights : Array of shape (n_rows,)
        1 for rows that can give, 0 for others. At least ``donors`` rows can.
    wanted : Array of shape (n_cells,)
        Predictions of the cells.
    donors : int
        How many nearest rows a cell chooses from.

    Returns
    -------
    Array of shape (n_cells,)
        Row of the donor of each cell, uniformly among its nearest ``donors``.
    """
    n_rows = predictions.shape[0]
    order, ordered = _in_order(jnp.where(weights > 0, predictions, jnp.inf))
    n_givers = jnp.sum(weights > 0)
    key_rank, key_tie = jax.random.split(key)
    ranks = jnp.floor(donors * jax.random.uniform(key_rank, wanted.shape)).astype(int)
    shares = jax.random.uniform(key_tie, wanted.shape)

    def choose(value: Array, rank: Array, share: Array) -> Array:
        place = jnp.searchsorted(ordered, value)
        # The nearest rows lie within `donors` places on either side of where the value belongs.
        below, above = place - 1 - jnp.arange(donors), place + jnp.arange(donors)
        down = jnp.where(below >= 0, value - ordered[jnp.maximum(below, 0)], jnp.inf)
        up = jnp.where(above < n_givers, ordered[jnp.minimum(above, n_rows - 1)] - value, jnp.inf)
        radius = _nearest(down, up)
        slack = ROUNDING * (jnp.abs(value) + radius)
        near, far = radius - slack, radius + slack
        # Rows from `first` to `last` lie within the radius; those from `left` to `right`, strictly.
        first = jnp.searchsorted(ordered, value - far, side="left")
        left = place - jnp.sum(down < near)
        right = place + jnp.sum(up < near)
        last = jnp.searchsorted(ordered, value + far, side="right")
        n_tied = (left - first) + (last - right)
        tie = jnp.minimum(jnp.floor(share * n_tied).astype(int), n_tied - 1)
        tied = jnp.where(tie < left - first, first + tie, right + tie - (left - first))
        return jnp.where(rank < right - left, left + rank, tied)

    return order[jax.vmap(choose)(wanted, ranks, shares)]


def _in_order(numbers: Array) -> tuple[Array, Array]:
    """Sort numbers: their positions in order, and themselves.

    XLA compares doubles on a CPU by a function that puts NaN and signed zeros in their places,
    which takes four times as long as comparing whole numbers; read as such, doubles keep their
    order but for the negative ones, whose order turns around.
    """
    bits = jax.lax.bitcast_convert_type(numbers, jnp.int64)
    keys = jnp.where(bits < 0, bits ^ np.iinfo(np.int64).max, bits)
    positions = jnp.arange(numbers.shape[0], dtype=jnp.int32)
    _, order = jax.lax.sort((keys, positions), num_keys=1, is_stable=False)
    return order, numbers[order]


def _nearest(down: Array, up: Array) -> Array:
    """Find how far the nearest rows reach, of as many as there are distances on either side.

    Where ``i`` of them lie below, the farthest is the ``i``-th below or the last of the others
    above; the right ``i`` makes that least.
    """
    nothing = jnp.zeros(1)
    from_below = jnp.concatenate([nothing, down])
    from_above = jnp.concatenate([nothing, up])
    return jnp.min(jnp.maximum(from_below, from_above[::-1]))

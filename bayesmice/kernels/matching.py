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
    keyed = jnp.where(weights > 0, predictions, jnp.inf)
    order = jnp.argsort(keyed)
    ordered, n_givers = keyed[order], jnp.sum(weights > 0)

    def choose(cell_key: Array, value: Array) -> Array:
        place = jnp.searchsorted(ordered, value)
        # The nearest rows lie within `donors` places on either side of where the value belongs.
        window = place + jnp.arange(-donors, donors)
        inside = (window >= 0) & (window < n_givers)
        distances = jnp.abs(ordered[jnp.clip(window, 0, n_rows - 1)] - value)
        radius = jnp.sort(jnp.where(inside, distances, jnp.inf))[donors - 1]
        slack = ROUNDING * (jnp.abs(value) + radius)
        near, far = radius - slack, radius + slack
        # Rows from `first` to `last` lie within the radius; those from `left` to `right`, strictly.
        first = jnp.searchsorted(ordered, value - far, side="left")
        left = jnp.minimum(jnp.searchsorted(ordered, value - near, side="right"), place)
        right = jnp.maximum(jnp.searchsorted(ordered, value + near, side="left"), place)
        last = jnp.searchsorted(ordered, value + far, side="right")
        key_rank, key_tie = jax.random.split(cell_key)
        rank = jax.random.randint(key_rank, (), 0, donors)
        tie = jax.random.randint(key_tie, (), 0, (left - first) + (last - right))
        tied = jnp.where(tie < left - first, first + tie, right + tie - (left - first))
        return jnp.where(rank < right - left, left + rank, tied)

    return order[jax.vmap(choose)(jax.random.split(key, wanted.shape[0]), wanted)]

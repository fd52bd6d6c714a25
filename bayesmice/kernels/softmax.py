"""The curvature of a regression whose linear predictors are log-odds of levels.

With the probabilities p of the levels but the first, minus the second derivatives of a row's
log-likelihood are (diag(p) - p p') times, as a Kronecker product, x x'. Sums of these over rows are
two products of matrices, where differentiating twice would carry one tangent over all rows and
levels for each coefficient.
"""

import math

import jax
import jax.numpy as jnp

from bayesmice.kernels.kernel import Array

BLOCK = 2**21
"""Numbers in memory at once; a row takes as many as there are coefficients."""


def softmax_curvature(location: Array, coefficients: Array, design: Array, weights: Array) -> Array:
    """Sum the curvature of the log-likelihood over rows.

    Parameters
    ----------
    location : Array of shape (n_others,)
        Log-odds of each level against the first, where the design is zero.
    coefficients : Array of shape (n_design, n_others)
        Their slopes.
    design : Array of shape (n_rows, n_design)
        The predictors.
    weights : Array of shape (n_rows,)
        Of the rows.

    Returns
    -------
    Array of shape (n_dim, n_dim)
        Minus the second derivatives by the location, followed by the coefficients row by row, so
        that ``n_dim = (1 + n_design) * n_others``.
    """
    n_rows, n_others = design.shape[0], location.shape[0]
    slopes = jnp.concatenate([location[None], coefficients])
    rows = max(min(BLOCK // slopes.size, n_rows), 1)
    padding = math.ceil(n_rows / rows) * rows - n_rows
    predictors = jnp.pad(jnp.column_stack([jnp.ones(n_rows), design]), ((0, padding), (0, 0)))
    blocks = predictors.reshape(-1, rows, slopes.shape[0])

    def add(total: Array, block: tuple[Array, Array]) -> tuple[Array, None]:
        x, weight = block
        odds = x @ slopes
        chances = jax.nn.softmax(jnp.pad(odds, ((0, 0), (1, 0))))[:, 1:]
        root = jnp.sqrt(weight)[:, None] * x
        each = (root[:, :, None] * chances[:, None, :]).reshape(rows, slopes.size)
        own = (root.T @ each).reshape(len(slopes), len(slopes), n_others)
        # own[a, b, k]: the diagonal blocks, between the coefficients of one level.
        diagonal = own[:, None, :, :] * jnp.eye(n_others)[None, :, None, :]
        by_level = diagonal.reshape(slopes.size, slopes.size)
        return total + by_level - each.T @ each, None

    nothing = jnp.zeros((slopes.size, slopes.size))
    padded = jnp.pad(weights, (0, padding)).reshape(-1, rows)
    total, _ = jax.lax.scan(add, nothing, (blocks, padded))
    return total

"""Slice sampling of one number (Neal 2003, Annals of Statistics 31, 705-767)."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from bayesmice.kernels.kernel import Array

MAX_STEPS = 40
"""Widths that an interval may grow by on both sides together."""
MAX_SHRINKS = 100


def slice_move(
    key: Array, position: Array, logdensity: Callable[[Array], Array], width: Array | float
) -> Array:
    """Move a number, leaving its distribution invariant.

    Parameters
    ----------
    key : Array
        Random key.
    position : Array, scalar
        Where it is.
    logdensity : callable
        Its log-density, up to a constant.
    width : Array, scalar
        Step by which an interval around the position grows until it covers the slice.

    Returns
    -------
    Array, scalar
        A draw from the slice; the position itself where its density is not finite.
    """
    key_level, key_place, key_share, key_inside = jax.random.split(key, 4)
    level = logdensity(position) + jnp.log1p(-jax.random.uniform(key_level))
    steps_left = jnp.floor(MAX_STEPS * jax.random.uniform(key_share))
    left = position - width * jax.random.uniform(key_place)

    def grown(end: Array, step: Array | float, steps: Array) -> Array:
        def is_inside(at: tuple[Array, Array]) -> Array:
            return (at[1] > 0) & (logdensity(at[0]) > level)

        def grow(at: tuple[Array, Array]) -> tuple[Array, Array]:
            return at[0] + step, at[1] - 1

        reached: tuple[Array, Array] = jax.lax.while_loop(is_inside, grow, (end, steps))
        return reached[0]

    ends = (grown(left, -width, steps_left), grown(left + width, width, MAX_STEPS - 1 - steps_left))

    def unfinished(at: tuple[Array, Array, Array, Array, Array]) -> Array:
        return ~at[4] & (at[3] < MAX_SHRINKS)

    def shrink(
        at: tuple[Array, Array, Array, Array, Array],
    ) -> tuple[Array, Array, Array, Array, Array]:
        low, high, _, tries, _ = at
        drawn = jax.random.uniform(jax.random.fold_in(key_inside, tries), minval=low, maxval=high)
        is_below = drawn < position
        return (
            jnp.where(is_below, drawn, low),
            jnp.where(is_below, high, drawn),
            drawn,
            tries + 1,
            logdensity(drawn) >= level,
        )

    first = (*ends, position, jnp.asarray(0), ~jnp.isfinite(level))
    _, _, drawn, _, is_found = jax.lax.while_loop(unfinished, shrink, first)
    return jnp.where(is_found, drawn, position)

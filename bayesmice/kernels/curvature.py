"""The mode of a log-density and the curvature there, by damped Newton steps.

The log-densities of conditional models are smooth and nearly Gaussian, but away from the mode they
need not be concave (a log-transformed scale, for example). Each step therefore uses the absolute
eigenvalues of the curvature, scaled to a unit diagonal so that the units of the data do not matter,
and is damped until the density rises.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from bayesmice.kernels.kernel import Array, LogDensity

MAX_ITERATIONS = 40
DECREMENT = 1e-3
"""Stop when the mode is nearer than this many posterior standard deviations."""
EIGENVALUE_FLOOR = 1e-9
TINY = 1e-150
"""Stands for a curvature of zero, whose square root could not be divided by."""
DAMPING_START, DAMPING_UP, DAMPING_DOWN = 1e-2, 8.0, 0.1


class Curvature(NamedTuple):
    """Where a log-density peaks and how it bends there.

    Attributes
    ----------
    mode : Array of shape (n_dim,)
        The peak.
    whiten : Array of shape (n_dim, n_dim)
        A square root of the inverse curvature: ``mode + whiten @ z`` with standard normal z is the
        Laplace approximation.
    """

    mode: Array
    whiten: Array


class _Search(NamedTuple):
    position: Array
    value: Array
    gradient: Array
    values: Array
    vectors: Array
    scales: Array
    damping: Array
    iteration: Array


def find_curvature(logdensity: LogDensity, start: Array) -> Curvature:
    """Climb to the mode and measure the curvature.

    Parameters
    ----------
    logdensity : callable
        Twice differentiable log-density.
    start : Array of shape (n_dim,)
        A point of finite density.

    Returns
    -------
    Curvature
        At the last point reached, which is the mode unless the climb needed more than
        `MAX_ITERATIONS` steps. Kernels that use it are exact wherever it was measured.
    """

    def measure(position: Array) -> tuple[Array, Array, Array, Array]:
        gradient = -jax.grad(logdensity)(position)
        hessian = -jax.hessian(logdensity)(position)
        diagonal = jnp.abs(jnp.diagonal(hessian))
        scales = 1.0 / jnp.sqrt(jnp.maximum(diagonal, TINY))
        values, vectors = jnp.linalg.eigh(hessian * scales[:, None] * scales[None, :])
        return gradient, jnp.maximum(jnp.abs(values), EIGENVALUE_FLOOR), vectors, scales

    def unfinished(search: _Search) -> Array:
        projected = search.vectors.T @ (search.gradient * search.scales)
        decrement = jnp.sum(projected**2 / search.values)
        return (search.iteration < MAX_ITERATIONS) & (decrement > DECREMENT**2)

    def climb(search: _Search) -> _Search:
        projected = search.vectors.T @ (search.gradient * search.scales)
        step = -search.scales * (search.vectors @ (projected / (search.values + search.damping)))
        position = search.position + step
        value = -logdensity(position)
        rises = jnp.isfinite(value) & (value <= search.value)
        gradient, values, vectors, scales = jax.lax.cond(
            rises,
            measure,
            lambda _: (search.gradient, search.values, search.vectors, search.scales),
            position,
        )
        return _Search(
            jnp.where(rises, position, search.position),
            jnp.where(rises, value, search.value),
            gradient,
            values,
            vectors,
            scales,
            search.damping * jnp.where(rises, DAMPING_DOWN, DAMPING_UP),
            search.iteration + 1,
        )

    first = _Search(
        start,
        -logdensity(start),
        *measure(start),
        damping=jnp.asarray(DAMPING_START),
        iteration=jnp.asarray(0),
    )
    found = jax.lax.while_loop(unfinished, climb, first)
    whiten = found.scales[:, None] * found.vectors / jnp.sqrt(found.values)
    return Curvature(found.position, whiten)

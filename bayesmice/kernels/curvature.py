"""The mode of a log-density and the curvature there, by damped Newton steps.

The log-densities of conditional models are smooth and nearly Gaussian, but away from the mode they
need not be concave (a log-transformed scale, for example). There a step uses the absolute
eigenvalues of the curvature. It is scaled to a unit diagonal, so that the units of the data do not
matter, and damped until the density rises.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_solve, solve_triangular

from bayesmice.kernels.kernel import Array, LogDensity, StructuredDensity

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
    rise : Array, scalar
        How much higher the log-density is at the mode than where the climb began.
    peak : Array, scalar
        The log-density at the mode.
    """

    mode: Array
    whiten: Array
    rise: Array
    peak: Array


class _Measured(NamedTuple):
    """Minus the log-density at a point, its gradient, and its curvature in scaled coordinates."""

    value: Array
    gradient: Array
    scaled: Array
    scales: Array


class _Search(NamedTuple):
    position: Array
    at: _Measured
    is_new: Array
    damping: Array
    iteration: Array
    is_done: Array
    first_value: Array


def find_curvature(logdensity: LogDensity, start: Array, near: float = DECREMENT) -> Curvature:
    """Climb to the mode and measure the curvature.

    Parameters
    ----------
    logdensity : callable
        Twice differentiable log-density.
    start : Array of shape (n_dim,)
        A point of finite density.
    near : float, default DECREMENT
        The climb ends nearer to the mode than this many posterior standard deviations.

    Returns
    -------
    Curvature
        At the last point measured, which is the mode unless the climb needed more than
        `MAX_ITERATIONS` steps. Kernels that use it are exact wherever it was measured.
    """
    n_dim = start.shape[0]

    def measure(position: Array) -> _Measured:
        value, gradient = jax.value_and_grad(logdensity)(position)
        hessian = _negative_hessian(logdensity, position)
        diagonal = jnp.abs(jnp.diagonal(hessian))
        scales = 1.0 / jnp.sqrt(jnp.maximum(diagonal, TINY))
        scaled = hessian * scales[:, None] * scales[None, :]
        return _Measured(-value, -gradient, _positive(scaled), scales)

    # The density appears twice in the loop and nowhere else: XLA compiles each appearance anew.
    def climb(search: _Search) -> _Search:
        at = jax.lax.cond(search.is_new, measure, lambda _: search.at, search.position)
        slope = at.gradient * at.scales
        is_done = ~(jnp.dot(slope, _solve(at.scaled, slope)) > near**2)
        step = -at.scales * _solve(at.scaled + search.damping * jnp.eye(n_dim), slope)
        ahead = search.position + step
        value = -logdensity(ahead)
        rises = ~is_done & jnp.isfinite(value) & (value <= at.value)
        return _Search(
            jnp.where(rises, ahead, search.position),
            at,
            rises,
            search.damping * jnp.where(rises, DAMPING_DOWN, DAMPING_UP),
            search.iteration + 1,
            is_done,
            jnp.where(search.iteration == 0, at.value, search.first_value),
        )

    def unfinished(search: _Search) -> Array:
        return (search.iteration < MAX_ITERATIONS) & ~search.is_done

    nothing = _Measured(jnp.zeros(()), jnp.zeros(n_dim), jnp.eye(n_dim), jnp.ones(n_dim))
    first = _Search(
        start,
        nothing,
        jnp.asarray(True),
        jnp.asarray(DAMPING_START),
        jnp.asarray(0),
        jnp.asarray(False),
        jnp.zeros(()),
    )
    found = jax.lax.while_loop(unfinished, climb, first)
    whiten = found.at.scales[:, None] * _inverse_root(found.at.scaled)
    return Curvature(found.position, whiten, found.first_value - found.at.value, -found.at.value)


def _negative_hessian(logdensity: LogDensity, position: Array) -> Array:
    if isinstance(logdensity, StructuredDensity):
        return logdensity.curvature(position)
    return jnp.negative(jax.hessian(logdensity)(position))


def _positive(scaled: Array) -> Array:
    """Give a curvature with the absolute eigenvalues of another, which most often is the same."""

    def by_eigenvalues() -> Array:
        values, vectors = jnp.linalg.eigh(scaled)
        kept = jnp.maximum(jnp.abs(values), EIGENVALUE_FLOOR)
        return jnp.matmul(vectors * kept, vectors.T)

    pivots = jnp.diagonal(jnp.linalg.cholesky(scaled))
    is_positive = jnp.all(pivots**2 > EIGENVALUE_FLOOR)  # also false where pivots are not numbers
    found: Array = jax.lax.cond(is_positive, lambda: scaled, by_eigenvalues)
    return found


def _solve(positive: Array, vector: Array) -> Array:
    return jnp.asarray(cho_solve((jnp.linalg.cholesky(positive), True), vector))


def _inverse_root(positive: Array) -> Array:
    """Give a root of the inverse: a matrix that times its own transpose is the inverse."""
    root = jnp.linalg.cholesky(positive)
    return jnp.asarray(solve_triangular(root, jnp.eye(len(root)), lower=True)).T

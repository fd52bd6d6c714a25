"""Hamiltonian Monte Carlo preconditioned by the curvature at the mode.

The posterior of a regression is close to Gaussian. In coordinates whitened by its curvature all
directions swing with the same period, and a trajectory of a quarter period ends almost independent
of where it began. The transition is exact for any preconditioner, so the curvature is measured in
the first sweeps and then left alone, even though the predictors go on changing; it is measured
again only when a chain's acceptance rate shows that it has become too stale.

The number of leapfrog steps grows with the fourth root of the dimension, which keeps the acceptance
rate the same (Neal 2011, section 5.4.4 of the Handbook of Markov Chain Monte Carlo).
"""

import math
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from bayesmice.kernels.curvature import find_curvature
from bayesmice.kernels.kernel import Array, Info, Kernel, LogDensity, lost_depth, on_device
from bayesmice.kernels.samplers import blackjax

QUARTER_PERIOD = math.pi / 2
MIN_LEAPFROG_STEPS = 3
STEPS_REFERENCE_DIM = 25
JITTER = 0.2
"""The step size varies by this share, so that no direction keeps returning to where it was."""

MAX_CLIMBS = 50
NEAR = 1e-2
"""An estimate is near enough to the mode at this many posterior standard deviations."""


@cache
def _transition() -> Any:
    return blackjax().mcmc.hmc.build_kernel()


class HMCState(NamedTuple):
    """Position of shape (n_dim,) and the whitening matrix of shape (n_dim, n_dim)."""

    position: Array
    whiten: Array


def leapfrog_steps(n_dim: int) -> int:
    """Give the number of leapfrog steps in a quarter period."""
    growth = math.pow(n_dim / STEPS_REFERENCE_DIM, 0.25)
    return max(MIN_LEAPFROG_STEPS, math.ceil(MIN_LEAPFROG_STEPS * growth))


def _empty(n_dim: int) -> HMCState:
    return HMCState(on_device(np.zeros(n_dim)), on_device(np.eye(n_dim)))


def _tune(
    key: Array, state: HMCState, start: Array, is_first: Array, logdensity: LogDensity
) -> HMCState:
    begins_anew = is_first | ~jnp.isfinite(logdensity(state.position))
    begin = jnp.where(begins_anew, start, state.position)
    mode, whiten, depth, peak = find_curvature(logdensity, begin)
    is_lost = begins_anew | (depth > lost_depth(mode.shape[0]))
    laplace_draw = mode + whiten @ jax.random.normal(key, mode.shape)
    # Where the climb has not arrived, a flat direction can throw the draw out of the posterior.
    is_near = peak - logdensity(laplace_draw) <= lost_depth(mode.shape[0])
    fresh = jnp.where(is_near, laplace_draw, mode)
    return HMCState(jnp.where(is_lost, fresh, begin), whiten)


def _step(key: Array, state: HMCState, logdensity: LogDensity) -> tuple[HMCState, Info]:
    def whitened(offset: Array) -> Array:
        return logdensity(state.position + state.whiten @ offset)

    n_dim = state.position.shape[0]
    n_steps = leapfrog_steps(n_dim)
    key_size, key_move = jax.random.split(key)
    step_size = (
        QUARTER_PERIOD
        / n_steps
        * jax.random.uniform(key_size, minval=1 - JITTER, maxval=1 + JITTER)
    )
    moved, info = _transition()(
        key_move,
        blackjax().mcmc.hmc.init(jnp.zeros(n_dim), whitened),
        whitened,
        step_size,
        jnp.ones(n_dim),
        n_steps,
    )
    return state._replace(position=state.position + state.whiten @ moved.position), Info(
        acceptance_rate=info.acceptance_rate,
        diverging=info.is_divergent,
        energy=info.energy,
        lp=moved.logdensity,
        n_steps=jnp.asarray(n_steps),
        step_size=step_size,
    )


class _Climb(NamedTuple):
    position: Array
    value: Array
    gradient: Array
    scale: Array
    climbs: Array


def _estimate(state: HMCState, logdensity: LogDensity) -> Array:
    """Climb by quasi-Newton steps with the curvature that the state holds."""
    measure = jax.value_and_grad(logdensity)

    def unfinished(search: _Climb) -> Array:
        distance = jnp.sqrt(jnp.sum((state.whiten.T @ search.gradient) ** 2))
        return (search.climbs < MAX_CLIMBS) & ~(distance < NEAR)

    def climb(search: _Climb) -> _Climb:
        step = state.whiten @ (state.whiten.T @ search.gradient)
        ahead = search.position + search.scale * step
        value, gradient = measure(ahead)
        rises = value >= search.value
        return _Climb(
            jnp.where(rises, ahead, search.position),
            jnp.where(rises, value, search.value),
            jnp.where(rises, gradient, search.gradient),
            jnp.where(rises, jnp.minimum(2 * search.scale, 1.0), search.scale / 4),
            search.climbs + 1,
        )

    first = _Climb(state.position, *measure(state.position), jnp.ones(()), jnp.zeros((), dtype=int))
    found: _Climb = jax.lax.while_loop(unfinished, climb, first)
    return found.position


HMC = Kernel(
    "hmc",
    tuning_sweeps=(0, 1, 3),
    retune_below=0.5,
    empty=_empty,
    tune=_tune,
    step=_step,
    estimate=_estimate,
)

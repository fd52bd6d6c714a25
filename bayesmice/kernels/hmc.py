"""Hamiltonian Monte Carlo preconditioned by the curvature at the mode.

The posterior of a regression is close to Gaussian. In coordinates whitened by its curvature all
directions swing with the same period, and a trajectory of a quarter period ends almost independent
of where it began. The transition is exact for any preconditioner, so the curvature is measured in
the first sweeps and then left alone, even though the predictors go on changing; it is measured
again only when a chain's acceptance rate shows that it has become too stale.

A quarter period is a step or two of a splitting with three stages (Blanes, Casas and Sanz-Serna
2014, SIAM Journal on Scientific Computing 36, A1556-A1580), each of which costs a gradient. Its two
free coefficients make the energy error of a Gaussian least, on average over the lengths that jitter
gives and over frequencies that are off by a tenth: 3e-8 for each dimension, where three leapfrog
steps have 3e-3. In few dimensions one step is enough. With more of them, such as many levels of
which predictors tell some apart, a posterior is less Gaussian and one step can reject half of the
transitions, so two are taken.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from bayesmice.kernels.curvature import find_curvature
from bayesmice.kernels.kernel import (
    Array,
    Info,
    Kernel,
    LogDensity,
    lost_depth,
    on_device,
    random_numbers,
    together,
)

QUARTER_PERIOD = math.pi / 2
OUTER_KICK, OUTER_DRIFT = 0.1060, 0.2855
ONE_STEP_DIM = 25
"""Up to so many dimensions a quarter period is one step; beyond, two."""
JITTER = 0.2
"""The step size varies by this share, so that no direction keeps returning to where it was."""
DIVERGENT = 1000.0
"""A trajectory that gains so much energy has diverged."""

MAX_CLIMBS = 50
CLOSE = 0.1
"""Nearer to the mode than this many posterior standard deviations the curvature is the same."""
NEAR = 1e-2
"""An estimate is near enough to the mode at this many posterior standard deviations."""


class Splitting(NamedTuple):
    """How a trajectory is parted; shares of its length.

    Attributes
    ----------
    kicks : tuple of float
        Lengths for which gradients change the momentum, before, between and after drifts.
    drifts : tuple of float
        Lengths for which the momentum changes the position.
    """

    kicks: tuple[float, ...]
    drifts: tuple[float, ...]


def splitting(n_dim: int) -> Splitting:
    """Part a quarter period."""
    n_steps = 1 if n_dim <= ONE_STEP_DIM else 2
    inner = 0.5 - OUTER_KICK
    first, between = OUTER_KICK / n_steps, 2.0 * OUTER_KICK / n_steps
    middle = (inner / n_steps, inner / n_steps)
    drifts = (OUTER_DRIFT / n_steps, (1.0 - 2.0 * OUTER_DRIFT) / n_steps, OUTER_DRIFT / n_steps)
    kicks = (first, *middle, *((between, *middle) * (n_steps - 1)), first)
    return Splitting(kicks, drifts * n_steps)


class HMCState(NamedTuple):
    """Position of shape (n_dim,) and the whitening matrix of shape (n_dim, n_dim)."""

    position: Array
    whiten: Array


def _empty(n_dim: int) -> HMCState:
    return HMCState(on_device(np.zeros(n_dim)), on_device(np.eye(n_dim)))


def _tune(
    key: Array, state: HMCState, start: Array, is_first: Array, logdensity: LogDensity
) -> HMCState:
    begins_anew = is_first | ~jnp.isfinite(logdensity(state.position))
    begin = jnp.where(begins_anew, start, state.position)
    mode, whiten, depth, peak = find_curvature(logdensity, begin, CLOSE)
    is_lost = begins_anew | (depth > lost_depth(mode.shape[0]))
    laplace_draw = mode + whiten @ jax.random.normal(key, mode.shape)
    # Where the climb has not arrived, a flat direction can throw the draw out of the posterior.
    is_near = peak - logdensity(laplace_draw) <= lost_depth(mode.shape[0])
    fresh = jnp.where(is_near, laplace_draw, mode)
    return HMCState(jnp.where(is_lost, fresh, begin), whiten)


class _Point(NamedTuple):
    """Where a trajectory stands, in whitened coordinates: offset, log-density, gradient."""

    offset: Array
    value: Array
    gradient: Array


def _steps(keys: Array, state: HMCState, logdensity: LogDensity) -> tuple[HMCState, Info]:
    def whitened(offset: Array) -> Array:
        return logdensity(state.position + state.whiten @ offset)

    measure = jax.value_and_grad(whitened)
    n_stages = len(splitting(state.position.shape[0]).drifts)

    def transition(begin: _Point, key: Array) -> tuple[_Point, Info]:
        (for_length, for_accepting), momentum = random_numbers(key, 2, len(begin.offset))
        length = QUARTER_PERIOD * (1.0 + JITTER * (2.0 * for_length - 1.0))
        end, turned = _trajectory(measure, begin, momentum, length)
        energy = 0.5 * jnp.sum(turned**2) - end.value
        gain = energy - (0.5 * jnp.sum(momentum**2) - begin.value)
        gain = jnp.where(jnp.isnan(gain), jnp.inf, gain)
        accepts = jnp.log(for_accepting) < -gain
        reached = jax.tree.map(lambda new, old: jnp.where(accepts, new, old), end, begin)
        return reached, Info(
            acceptance_rate=jnp.minimum(jnp.exp(-gain), 1.0),
            diverging=gain > DIVERGENT,
            energy=energy,
            lp=reached.value,
            n_steps=jnp.asarray(n_stages),
            step_size=length / n_stages,
        )

    origin = jnp.zeros(state.position.shape[0])
    last, infos = jax.lax.scan(transition, _Point(origin, *measure(origin)), keys)
    moved = state.position + state.whiten @ last.offset
    return state._replace(position=moved), together(infos)


def _trajectory(
    measure: Callable[[Array], tuple[Array, Array]], begin: _Point, momentum: Array, length: Array
) -> tuple[_Point, Array]:
    """Follow a momentum; gradients stand in a loop, since each takes time to compile."""
    parted = splitting(len(momentum))
    kicks, drifts = length * jnp.asarray(parted.kicks), length * jnp.asarray(parted.drifts)

    def stage(number: int, moving: tuple[_Point, Array]) -> tuple[_Point, Array]:
        point, momentum = moving
        offset = point.offset + drifts[number] * momentum
        ahead = _Point(offset, *measure(offset))
        return ahead, momentum + kicks[number + 1] * ahead.gradient

    started = momentum + kicks[0] * begin.gradient
    reached: tuple[_Point, Array] = jax.lax.fori_loop(
        0, len(parted.drifts), stage, (begin, started)
    )
    return reached


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
    tuning_sweeps=(0, 2),
    retune_below=0.5,
    empty=_empty,
    tune=_tune,
    steps=_steps,
    estimate=_estimate,
)

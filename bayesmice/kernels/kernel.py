"""The interface of a transition kernel.

A kernel leaves the posterior of one conditional model invariant. Its state holds what the next step
needs; tuning is part of the state. Add a kernel by writing a module
that exports one `Kernel`, and name it in `bayesmice.kernels.choice`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

Array = jax.Array
type Shaped = Array | jax.ShapeDtypeStruct
"""Something of which only the shape and the type count."""
LogDensity = Callable[[Array], Array]
"""From an unconstrained position of shape (n_dim,) to a scalar log-density."""
KernelState = Any
"""A NamedTuple of arrays with at least ``position`` of shape (n_dim,)."""


def on_device(values: ArrayLike) -> Array:
    """Copy an array of the host to where programs run; `jax.numpy` compiles that for each shape."""
    array: Array = jax.device_put(np.asarray(values), may_alias=False)
    return array


@dataclass(frozen=True, eq=False)
class StructuredDensity:
    """A log-density that knows its curvature, for less than differentiating it twice would cost.

    Attributes
    ----------
    logdensity : callable
        From an unconstrained position of shape (n_dim,) to a scalar.
    curvature : callable
        From such a position to minus the second derivatives, of shape (n_dim, n_dim).
    """

    logdensity: LogDensity
    curvature: Callable[[Array], Array]

    def __call__(self, position: Array) -> Array:
        """Give the log-density."""
        return self.logdensity(position)


class Info(NamedTuple):
    """What happened in one transition; scalars, named as in ArviZ's ``sample_stats``."""

    acceptance_rate: Array
    diverging: Array
    energy: Array
    lp: Array
    n_steps: Array
    step_size: Array


@dataclass(frozen=True)
class Kernel:
    """A transition kernel.

    Attributes
    ----------
    name : str
        Its name in messages and tables.
    tuning_sweeps : tuple of int
        Sweeps, counted from 0, before which `tune` is called.
    retune_below : float
        A chain whose recent acceptance rate is lower is tuned again, because its conditional
        posterior has changed since.
    empty : callable
        ``empty(n_dim)``: a state of the right shapes.
    tune : callable
        ``tune(key, state, start, is_first, logdensity)``: a state tuned to this log-density.
        ``start`` is the position to begin from when ``is_first``; otherwise the state's own
        position is kept.
    steps : callable
        ``steps(keys, state, logdensity)``: as many transitions one after the other as there are
        keys, as (state, `Info` of all of them together). `one_by_one` makes it from a single one.
    estimate : callable
        ``estimate(state, logdensity)``: a position near the mode, for draws that need a point
        estimate of the parameters.

    Each takes a `LogDensity`; a kernel that is for certain models only may ask it for more.
    """

    name: str
    tuning_sweeps: tuple[int, ...]
    retune_below: float
    empty: Callable[[int], KernelState]
    tune: Callable[[Array, KernelState, Array, Array, Any], KernelState]
    steps: Callable[[Array, KernelState, Any], tuple[KernelState, Info]]
    estimate: Callable[[KernelState, Any], Array]


def one_by_one(
    step: Callable[[Array, KernelState, Any], tuple[KernelState, Info]],
) -> Callable[[Array, KernelState, Any], tuple[KernelState, Info]]:
    """Make ``steps`` of a kernel from ``step(key, state, logdensity)``, one transition."""

    def steps(keys: Array, state: KernelState, logdensity: Any) -> tuple[KernelState, Info]:
        if len(keys) == 1:
            return step(keys[0], state, logdensity)
        moved, infos = jax.lax.scan(lambda state, key: step(key, state, logdensity), state, keys)
        return moved, together(infos)

    return steps


def together(infos: Info) -> Info:
    """Tell of several transitions, given as arrays, what is told of one."""
    return Info(
        acceptance_rate=infos.acceptance_rate.mean(),
        diverging=infos.diverging.any(),
        energy=infos.energy[-1],
        lp=infos.lp[-1],
        n_steps=infos.n_steps.sum(),
        step_size=infos.step_size[-1],
    )


def random_numbers(key: Array, n_uniform: int, n_normal: int) -> tuple[Array, Array]:
    """Draw all random numbers of a transition at once.

    On a CPU each call of JAX's generator takes as long as the generation of many numbers.

    Parameters
    ----------
    key : Array
        Random key.
    n_uniform, n_normal : int
        How many are wanted.

    Returns
    -------
    tuple of (Array, Array)
        Numbers between 0 and 1, of shape (n_uniform,), and standard normal ones, of shape
        (n_normal,).
    """
    above_least = jnp.nextafter(jnp.asarray(-1.0), jnp.asarray(0.0))
    numbers = jax.random.uniform(key, (n_uniform + n_normal,), float, above_least, 1.0)
    normal = math.sqrt(2.0) * jax.lax.erf_inv(numbers[n_uniform:])
    return 0.5 * (1.0 + numbers[:n_uniform]), normal


def lost_depth(n_dim: int) -> float:
    """Say how far below the mode, in log-density, a chain has lost its conditional posterior.

    While the first sweeps improve the completed predictors, the posterior of a large data set can
    move by dozens of its standard deviations, farther than one trajectory follows. Such a chain
    must begin anew. In a Gaussian posterior twice the depth is chi-squared with ``n_dim``
    degrees of freedom, and lies this deep with a probability below 1e-12, so a chain that has
    converged is never touched.
    """
    return 0.5 * (n_dim + 10.0 * math.sqrt(2.0 * n_dim)) + 25.0

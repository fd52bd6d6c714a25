"""The interface of a transition kernel.

A kernel leaves the posterior of one conditional model invariant. Its state holds what the next step
needs; tuning is part of the state, and is frozen after burn-in. Add a kernel by writing a module
that exports one `Kernel`, and name it in `bayesmice.kernels.choose`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax

Array = jax.Array
LogDensity = Callable[[Array], Array]
"""From an unconstrained position of shape (n_dim,) to a scalar log-density."""
KernelState = Any
"""A NamedTuple of arrays with at least ``position`` of shape (n_dim,)."""


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
    empty : callable
        ``empty(n_dim)``: a state of the right shapes.
    tune : callable
        ``tune(key, state, start, is_first, logdensity)``: a state tuned to this log-density.
        ``start`` is the position to begin from when ``is_first``; otherwise the state's own
        position is kept.
    step : callable
        ``step(key, state, logdensity)``: one transition, as (state, `Info`).
    """

    name: str
    tuning_sweeps: tuple[int, ...]
    empty: Callable[[int], KernelState]
    tune: Callable[[Array, KernelState, Array, Array, LogDensity], KernelState]
    step: Callable[[Array, KernelState, LogDensity], tuple[KernelState, Info]]

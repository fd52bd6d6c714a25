"""Sweeps: the Gibbs-style cycle over targets.

A sweep visits each target in turn: one transition of its parameters, then a draw of its missing
cells, which the next target's model already sees.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from bayesmice.data import Column
from bayesmice.errors import SamplingError
from bayesmice.events import Event
from bayesmice.kernels import Moment, Recorded, Target, run_seed
from bayesmice.kernels.kernel import Array
from bayesmice.scheduler.chains import ChainState, Lane, varying_columns, write_columns
from bayesmice.scheduler.switching import PATIENCE, switch_kernels


@dataclass(frozen=True)
class Visit:
    """What one visit to one target left behind, as NumPy arrays with the chains as first axis.

    Attributes
    ----------
    target : str
        The column, or the block.
    sweep : int
        Counted from 0.
    parameters : mapping of str to ndarray
        Parameters on their own scales, of the target's own predictors.
    statistics : mapping of str to ndarray of shape (n_chains,)
        What happened in the transition.
    cells : mapping of str to ndarray of shape (n_chains, n_missing)
        The drawn values or level codes, by column.
    """

    target: str
    sweep: int
    parameters: Mapping[str, NDArray[np.float64]]
    statistics: Mapping[str, NDArray[np.generic]]
    cells: Mapping[str, NDArray[np.float64]]


class Recorder(Protocol):
    """Takes in the visits of a run."""

    def record(self, visit: Visit) -> None:
        """Keep what a visit left behind."""

    def statistics(self, target: str) -> Mapping[str, NDArray[np.generic]]:
        """Give statistics of a target's transitions so far, of shape (n_chains, n_sweeps)."""


Progress = Callable[[int, str], None]
"""Called with the sweep and the target before each visit."""


def run_sweeps(
    state: ChainState,
    sequence: Sequence[Target],
    sweeps: int,
    random_seed: int,
    recorder: Recorder,
    progress: Progress,
) -> list[Event]:
    """Run all sweeps of all chains.

    Parameters
    ----------
    state : ChainState
        Where the chains begin; it moves along.
    sequence : sequence of Target
        The visit sequence.
    sweeps : int
        How many sweeps to run.
    random_seed : int
        Every random key is folded from (seed, chain, sweep, target), so a chain's draws do not
        depend on which other chains run beside it.
    recorder : Recorder
        Takes in every visit.
    progress : callable
        Called before each visit.

    Returns
    -------
    list of Event
        Kernels that were changed.

    Raises
    ------
    SamplingError
        If a log-density or a draw is not finite, or a draw is no level of its column.
    """
    seed = run_seed(random_seed)
    events: list[Event] = []
    for sweep in range(sweeps):
        recorded = []
        for target in sequence:
            progress(sweep, target.name)
            recorded.append(_visit(state, target, seed, sweep))
        for target, left in zip(sequence, recorded, strict=True):
            visit = _as_visit(target, sweep, left)
            _check_finite(target, visit)
            recorder.record(visit)
            if sweep == PATIENCE - 1:
                events += switch_kernels(state, target, recorder.statistics(target.name))
    return events


def _visit(state: ChainState, target: Target, seed: Array, sweep: int) -> Recorded:
    """Visit every lane; the chains come back in their order."""
    lanes = state.lanes[target.name]
    left = [_visit_lane(state, target, lane, seed, sweep) for lane in lanes]
    if len(lanes) == 1:
        return left[0]
    order = np.argsort(np.concatenate([lane.chains for lane in lanes]))
    joined: Recorded = jax.tree.map(lambda *parts: jnp.concatenate(parts)[order], *left)
    return joined


def _visit_lane(state: ChainState, target: Target, lane: Lane, seed: Array, sweep: int) -> Recorded:
    chains = lane.chains
    is_whole = len(chains) == len(state.ids)
    lane.state, recorded, design = lane.program.visit(
        _moment(seed, sweep, target, lane),
        state.ids if is_whole else state.ids[chains],
        lane.state,
        state.design if is_whole else state.design[chains],
        varying_columns(state, target, chains),
        target.given,
    )
    state.design = design if is_whole else state.design.at[chains].set(design)
    write_columns(state, target, chains, recorded.cells)
    return recorded


def _moment(seed: Array, sweep: int, target: Target, lane: Lane) -> Moment:
    is_scheduled = sweep - lane.since in lane.program.kernel.tuning_sweeps
    return Moment(
        seed,
        jnp.asarray(sweep),
        jnp.asarray(target.position),
        jnp.asarray(is_scheduled),
        jnp.asarray(sweep == 0),
    )


def _as_visit(target: Target, sweep: int, recorded: Recorded) -> Visit:
    kept = target.labels.kept
    return Visit(
        target=target.name,
        sweep=sweep,
        parameters={
            name: np.asarray(values)[:, kept[name]] if name in kept else np.asarray(values)
            for name, values in recorded.parameters.items()
        },
        statistics={name: np.asarray(values) for name, values in recorded.info._asdict().items()},
        cells={
            column.name: np.asarray(cells)[:, : column.n_missing]
            for column, cells in zip(target.columns, recorded.cells, strict=True)
        },
    )


def _check_finite(target: Target, visit: Visit) -> None:
    healthy = np.isfinite(visit.statistics["lp"])
    for cells in visit.cells.values():
        healthy &= np.isfinite(cells).all(axis=1)
    if not healthy.all():
        chain = int(np.flatnonzero(~healthy)[0])
        raise SamplingError(
            f"Chain {chain} broke down at column {visit.target!r} in sweep {visit.sweep}: its "
            "log-density or its draws are "
            f"not finite. Look at the model with mice.model({visit.target!r}).debug(), and give "
            "its parameters priors "
            "that keep it within the support of its distribution."
        )
    for column in target.columns:
        _check_levels(column, visit.cells[column.name])


def _check_levels(column: Column, cells: NDArray[np.float64]) -> None:
    n_levels = len(column.levels)
    if n_levels and (cells.min(initial=0) < 0 or cells.max(initial=0) >= n_levels):
        raise SamplingError(
            f"The model for {column.name!r} drew level code {cells.max():g}; the column has "
            f"{n_levels} observed "
            f"levels, coded 0 to {n_levels - 1}."
        )

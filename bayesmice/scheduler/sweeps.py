"""Sweeps: the Gibbs-style cycle over targets.

A sweep visits each target in turn: one transition of its parameters, then a draw of its missing
cells, which the next target's model already sees.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from bayesmice.errors import SamplingError
from bayesmice.kernels import Moment, Recorded, Target, run_seed
from bayesmice.kernels.kernel import Array
from bayesmice.scheduler.chains import ChainState, varying_inputs, write_column


@dataclass(frozen=True)
class Visit:
    """What one visit to one target left behind, as NumPy arrays with the chains as first axis.

    Attributes
    ----------
    target : str
        The column.
    sweep : int
        Counted from 0.
    parameters : mapping of str to ndarray
        Parameters on their own scales, of the target's own predictors.
    statistics : mapping of str to ndarray of shape (n_chains,)
        What happened in the transition.
    cells : ndarray of shape (n_chains, n_missing)
        The drawn values or level codes.
    """

    target: str
    sweep: int
    parameters: Mapping[str, NDArray[np.float64]]
    statistics: Mapping[str, NDArray[np.generic]]
    cells: NDArray[np.float64]


class Recorder(Protocol):
    """Takes in the visits of a run."""

    def record(self, visit: Visit) -> None:
        """Keep what a visit left behind."""


Progress = Callable[[int, str], None]
"""Called with the sweep and the target before each visit."""


def run_sweeps(
    state: ChainState,
    sequence: Sequence[Target],
    sweeps: int,
    random_seed: int,
    recorder: Recorder,
    progress: Progress,
) -> None:
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

    Raises
    ------
    SamplingError
        If a log-density or a draw is not finite, or a draw is no level of its column.
    """
    seed = run_seed(random_seed)
    for sweep in range(sweeps):
        recorded = []
        for target in sequence:
            progress(sweep, target.column.name)
            recorded.append(_visit(state, target, _moment(seed, sweep, target)))
        for target, left in zip(sequence, recorded, strict=True):
            visit = _as_visit(target, sweep, left)
            _check_finite(target, visit)
            recorder.record(visit)


def _moment(seed: Array, sweep: int, target: Target) -> Moment:
    is_scheduled = sweep in target.program.kernel.tuning_sweeps
    return Moment(seed, jnp.asarray(sweep), jnp.asarray(target.position), jnp.asarray(is_scheduled))


def _visit(state: ChainState, target: Target, moment: Moment) -> Recorded:
    name = target.column.name
    state.kernels[name], recorded, state.design = target.program.visit(
        moment,
        state.ids,
        state.kernels[name],
        state.design,
        varying_inputs(state, target),
        target.given,
    )
    write_column(state, target, recorded.cells)
    return recorded


def _as_visit(target: Target, sweep: int, recorded: Recorded) -> Visit:
    kept = target.labels.kept
    return Visit(
        target=target.column.name,
        sweep=sweep,
        parameters={
            name: np.asarray(values)[:, kept[name]] if name in kept else np.asarray(values)
            for name, values in recorded.parameters.items()
        },
        statistics={name: np.asarray(values) for name, values in recorded.info._asdict().items()},
        cells=np.asarray(recorded.cells)[:, : target.column.n_missing],
    )


def _check_finite(target: Target, visit: Visit) -> None:
    healthy = np.isfinite(visit.statistics["lp"]) & np.isfinite(visit.cells).all(axis=1)
    if not healthy.all():
        chain = int(np.flatnonzero(~healthy)[0])
        raise SamplingError(
            f"Chain {chain} broke down at column {visit.target!r} in sweep {visit.sweep}: its "
            "log-density or its draws are "
            f"not finite. Look at the model with mice.model({visit.target!r}).debug(), and give "
            "its parameters priors "
            "that keep it within the support of its distribution."
        )
    n_levels = len(target.column.levels)
    if n_levels and (visit.cells.min(initial=0) < 0 or visit.cells.max(initial=0) >= n_levels):
        raise SamplingError(
            f"The model for {visit.target!r} drew level code {visit.cells.max():g}; the column has "
            f"{n_levels} observed "
            f"levels, coded 0 to {n_levels - 1}."
        )

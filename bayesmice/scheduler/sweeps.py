"""One sweep: the Gibbs-style cycle over targets.

A sweep visits each target in turn: one transition of its parameters, then a draw of its missing
cells, which the next target's model already sees. Passive columns are computed again right after
any column that they are made of.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmice.data import Column
from bayesmice.data.columns import decode, level_codes
from bayesmice.errors import SamplingError, SpecificationError
from bayesmice.events import Event
from bayesmice.kernels import (
    CompletedDesign,
    Moment,
    Recorded,
    Target,
    make_room,
    with_sums,
)
from bayesmice.kernels.kernel import Array
from bayesmice.kernels.visits import Given
from bayesmice.models.passive import CompletedColumns
from bayesmice.scheduler.chains import (
    ChainState,
    Lane,
    put_cells,
    varying_columns,
    write_columns,
)
from bayesmice.scheduler.course import Course, Post
from bayesmice.scheduler.switching import PATIENCE, switch_kernels

Numbers = NDArray[np.float64]
ATTEMPT = 1 << 24
"""What a further attempt at a sweep adds to its number in the random keys: no run is so long."""


@dataclass(frozen=True)
class Left:
    """What one sweep left behind, as NumPy arrays with the chains as first axis.

    Attributes
    ----------
    parameters : mapping of str to mapping
        By target, parameters on their own scales, of the target's own predictors.
    statistics : mapping of str to mapping
        By target, what happened in the transition, each of shape (n_chains,).
    cells : mapping of str to ndarray of shape (n_chains, n_drawn)
        Drawn and computed values or level codes, by column.
    events : tuple of Event
        Kernels that were changed.
    summary : mapping of str to ndarray of shape (n_chains, 2), or None
        Mean and standard deviation of the cells of each column, where the cells were left out.
    """

    parameters: Mapping[str, Mapping[str, Numbers]]
    statistics: Mapping[str, Mapping[str, NDArray[np.generic]]]
    cells: Mapping[str, Numbers]
    events: tuple[Event, ...] = field(default=())
    summary: Mapping[str, Numbers] | None = None

    @property
    def moments(self) -> Mapping[str, Numbers]:
        """Mean and standard deviation of cells by column, of shape (n_chains, 2)."""
        if self.summary is not None:
            return self.summary
        return {name: moments(cells) for name, cells in self.cells.items() if cells.shape[1]}

    def without_cells(self) -> "Left":
        """Keep the moments of the cells in their place."""
        return replace(self, cells={}, summary=self.moments)

    def finite(self, target: Target) -> NDArray[np.bool_]:
        """Tell which chains, of shape (n_chains,), have a finite density and cells of a target."""
        healthy = np.isfinite(self.statistics[target.name]["lp"])
        for column in target.columns:
            healthy &= np.isfinite(self.cells[column.name]).all(axis=1)
        return healthy

    def with_chains(self, other: "Left", positions: NDArray[np.intp]) -> "Left":
        """Put what other chains left behind into the places of some."""

        def replaced(own: Numbers, new: Numbers) -> Numbers:
            changed = own.copy()
            changed[positions] = new
            return changed

        return replace(
            self,
            parameters=jax.tree.map(replaced, self.parameters, other.parameters),
            statistics=jax.tree.map(replaced, self.statistics, other.statistics),
            cells=jax.tree.map(replaced, self.cells, other.cells),
        )

    def select(self, positions: NDArray[np.intp]) -> "Left":
        """Keep some chains."""

        def kept(values: Numbers) -> Numbers:
            return values[positions]

        return replace(
            self,
            parameters=jax.tree.map(kept, self.parameters),
            statistics=jax.tree.map(kept, self.statistics),
            cells=jax.tree.map(kept, self.cells),
        )


def moments(cells: Numbers) -> Numbers:
    """Give mean and standard deviation of the cells of each chain, of shape (n_chains, 2)."""
    spread = cells.std(axis=1, ddof=1) if cells.shape[1] > 1 else np.full(len(cells), np.nan)
    return np.stack([cells.mean(axis=1), spread], axis=1)


def join_lefts(lefts: Sequence[Left], order: NDArray[np.intp]) -> Left:
    """Put together what different chains left behind in a sweep.

    Parameters
    ----------
    lefts : sequence of Left
        With the cells of all, or of none.
    order : ndarray of shape (n_chains,)
        Where each chain is when they stand one after the other.

    Returns
    -------
    Left
    """
    if len(lefts) == 1:
        return lefts[0]

    def joined(*parts: Numbers) -> Numbers:
        return np.concatenate(parts)[order]

    summary = None
    if lefts[0].summary is not None:
        summary = jax.tree.map(joined, *(left.moments for left in lefts))
    return Left(
        jax.tree.map(joined, *(left.parameters for left in lefts)),
        jax.tree.map(joined, *(left.statistics for left in lefts)),
        jax.tree.map(joined, *(left.cells for left in lefts)),
        summary=summary,
    )


VisitArguments = tuple[Moment, Array, Any, CompletedDesign, dict[str, Array], Given]
BeforeVisit = Callable[[int, str], None]
"""Called with the sweep and the target before each visit."""


def run_sweep(
    course: Course,
    state: ChainState,
    order: Sequence[str],
    sweep: int,
    before_visit: BeforeVisit,
    attempt: int = 0,
) -> Left:
    """Run one sweep of all chains.

    Parameters
    ----------
    course : Course
        What the chains go through.
    state : ChainState
        Where the chains stand; it moves along.
    order : sequence of str
        The targets to visit. One that is visited again goes on from its last parameters; what its
        last visit left behind counts.
    sweep : int
        Which one, counted from 0.
    before_visit : callable
        Called before each visit.
    attempt : int, default 0
        How often this sweep was tried before.

    Returns
    -------
    Left
        Parameters, statistics and cells. They need not be finite.

    Raises
    ------
    SamplingError
        If a draw is no level of its column.
    """
    if course.needs_sums:
        # Summed anew in each sweep, so that a run that goes on from a file has the same bits.
        state.design = with_sums(state.design)
    visited: dict[str, Recorded] = {}
    made: dict[str, Numbers] = {}
    events: list[Event] = []
    times: Counter[str] = Counter()
    for name in order:
        target = course.targets[name]
        before_visit(sweep, name)
        visited[name] = _visit(course, state, target, sweep + ATTEMPT * attempt, times[name])
        times[name] += 1
        events += _finish_visit(course, state, target, visited[name], made, sweep)
    # Passive columns that are made of complete columns only stay as they are.
    still = {name: state.cells[name] for name in course.columns if name in course.passive.by_name}
    left = _as_left(course, visited, still | made, tuple(events))
    for name in visited:
        for column in course.targets[name].columns:
            _check_levels(column, left.cells[column.name])
    missing = {
        name: left.cells[name][:, course.store.columns[name].drawn_missing] for name in left.cells
    }
    state.cells = {**state.cells, **missing}
    return left


def _visit(
    course: Course, state: ChainState, target: Target, sweep: int, occurrence: int
) -> Recorded:
    """Visit every lane; the chains come back in their order."""
    lanes = state.lanes[target.name]
    left = [_visit_lane(course, state, target, lane, sweep, occurrence) for lane in lanes]
    if len(lanes) == 1:
        return left[0]
    order = np.argsort(np.concatenate([lane.chains for lane in lanes]))
    joined: Recorded = jax.tree.map(lambda *parts: jnp.concatenate(parts)[order], *left)
    return joined


def _visit_lane(
    course: Course, state: ChainState, target: Target, lane: Lane, sweep: int, occurrence: int
) -> Recorded:
    make_room()
    chains = lane.chains
    is_whole = len(chains) == state.n_chains
    with course.first_visits.waiting(lane.program, len(chains)):
        lane.state, recorded, design = lane.program.visit(
            *visit_arguments(course, state, target, lane, sweep, occurrence)
        )
    lane.visits += 1
    if lane.visits <= PATIENCE:
        lane.accepted = lane.accepted + np.asarray(recorded.info.acceptance_rate)
    state.design = design if is_whole else _with_chains(state.design, chains, design)
    write_columns(state, target, chains, recorded.cells)
    return recorded


def visit_arguments(
    course: Course, state: ChainState, target: Target, lane: Lane, sweep: int, occurrence: int
) -> VisitArguments:
    """Give what a program needs for a visit to a lane."""
    chains = lane.chains
    is_whole = len(chains) == state.n_chains
    moment = Moment(
        course.seed,
        # Scalars of NumPy: a compiled program takes them in sooner than JAX puts them on a device.
        np.int64(sweep),
        np.int64(target.position + occurrence * len(course.store.columns)),
        np.bool_(lane.visits in lane.program.kernel.tuning_sweeps),
        np.bool_(lane.begins_anew and lane.visits == 0),
    )
    return (
        moment,
        state.ids if is_whole else state.ids[chains],
        lane.state,
        state.design if is_whole else jax.tree.map(lambda own: own[chains], state.design),
        varying_columns(state, target, chains),
        target.given,
    )


def _with_chains(
    design: CompletedDesign, chains: NDArray[np.intp], some: CompletedDesign
) -> CompletedDesign:
    """Put the designs of some chains into their places."""
    joined: CompletedDesign = jax.tree.map(
        lambda own, new: own.at[chains].set(new),  # noqa: PD008, a JAX array
        design,
        some,
    )
    return joined


def _finish_visit(
    course: Course,
    state: ChainState,
    target: Target,
    recorded: Recorded,
    made: dict[str, Numbers],
    sweep: int,
) -> list[Event]:
    """Do what the host does after a visit; values that it makes are put into ``made``."""
    for column, drawn in zip(target.columns, recorded.cells, strict=True):
        if column.name in course.posts:
            cells = np.array(drawn, dtype=np.float64)[:, : column.n_drawn]
            made[column.name] = _processed(course, state, column, cells)
            missing = made[column.name][:, column.drawn_missing]
            put_cells(course, state, column, missing)
    computed = course.recomputed[target.name]
    if computed:
        by_chain = [_computed(course, state, computed, c) for c in range(state.n_chains)]
        for name in computed:
            made[name] = np.stack([values[name] for values in by_chain])
            put_cells(course, state, course.store.columns[name], made[name])
    return switch_kernels(state, target, sweep)


def _computed(
    course: Course, state: ChainState, names: Sequence[str], chain: int
) -> dict[str, Numbers]:
    """Compute the missing cells of passive columns, each after those that it is made of."""
    values = _completed(course, state, chain)
    try:
        course.passive.only(names).complete(course.store, values)
    except SpecificationError as error:
        error.add_note(f"This was in chain {int(state.ids[chain])}.")
        raise
    return {name: values[name][course.store.columns[name].missing_rows] for name in names}


def _completed(course: Course, state: ChainState, chain: int) -> dict[str, Numbers]:
    """Give the columns of one chain that are at hand: complete ones, and those read one by one."""
    columns = course.store.columns.values()
    values = {c.name: c.values for c in columns if not c.n_missing}  # noqa: PD011
    return values | {
        name: np.array(column[chain], dtype=np.float64) for name, column in state.columns.items()
    }


def _processed(course: Course, state: ChainState, column: Column, cells: Numbers) -> Numbers:
    """Let the user's function change drawn values, chain by chain."""
    store, post = course.store, course.posts[column.name]
    rows = column.drawn_rows
    changed = np.empty_like(cells)
    for chain in range(state.n_chains):
        data = CompletedColumns(store, _completed(course, state, chain))
        completed = pd.DataFrame({name: data[name] for name in store.columns}).iloc[rows]
        changed[chain] = _post_process(post, column, cells[chain], completed)
    return changed


def _post_process(post: Post, column: Column, cells: Numbers, completed: pd.DataFrame) -> Numbers:
    where = f"post[{column.name!r}]"
    if column.levels:
        values = decode(column, cells, object).set_axis(completed.index)
    else:
        values = pd.Series(cells, index=completed.index, name=column.name)
    try:
        result: Any = post(values, completed)
    except Exception as error:  # anything that the user's code raises is told as what it is
        raise SpecificationError(
            f"{where} failed with {type(error).__name__}: {error}. It gets the drawn values as a "
            "Series, and the completed rows that they belong to."
        ) from error
    if np.shape(result) != cells.shape:
        raise SpecificationError(
            f"{where} gives an array of shape {np.shape(result)}; expected one value for each of "
            f"{len(cells)} drawn cells."
        )
    if not column.levels:
        return np.asarray(result, dtype=np.float64)
    codes = level_codes(result, column.levels)
    if np.isnan(codes).any():
        raise SpecificationError(
            f"{where} gives {np.asarray(result, dtype=object)[np.isnan(codes)][0]!r}, which is no "
            f"observed level of the column. Levels: {', '.join(map(str, column.levels))}."
        )
    return codes


def _as_left(
    course: Course,
    visited: Mapping[str, Recorded],
    made: Mapping[str, Numbers],
    events: tuple[Event, ...],
) -> Left:
    parameters, statistics, cells = {}, {}, {}
    for name, recorded in visited.items():
        target = course.targets[name]
        kept = target.labels.kept
        parameters[name] = {
            parameter: np.asarray(values)[:, kept[parameter]]
            if parameter in kept
            else np.asarray(values)
            for parameter, values in recorded.parameters.items()
        }
        statistics[name] = {
            statistic: np.asarray(values) for statistic, values in recorded.info._asdict().items()
        }
        for column, drawn in zip(target.columns, recorded.cells, strict=True):
            cells[column.name] = np.asarray(drawn)[:, : column.n_drawn]
    return Left(parameters, statistics, cells | dict(made), events)


def _check_levels(column: Column, cells: Numbers) -> None:
    n_levels = len(column.levels)
    if n_levels and (cells.min(initial=0) < 0 or cells.max(initial=0) >= n_levels):
        raise SamplingError(
            f"The model for {column.name!r} drew level code {cells.max():g}; the column has "
            f"{n_levels} observed "
            f"levels, coded 0 to {n_levels - 1}."
        )

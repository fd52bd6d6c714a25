"""The state of all chains: the completed columns and the kernel state of each model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesmice.data import Column
from bayesmice.kernels import CompletedDesign, Program, Target, with_sums
from bayesmice.kernels.kernel import Array, on_device
from bayesmice.kernels.targets import column_input
from bayesmice.scheduler.course import Course

Cells = Mapping[str, NDArray[np.float64]]
"""By column, values or level codes with the chains as first axis."""


@dataclass
class Lane:
    """Chains of one target that run the same program.

    Attributes
    ----------
    program : Program
        The program.
    chains : ndarray of shape (n_lane,)
        Their positions among all chains.
    state : TunedState, or whatever the program keeps
        Kernel states, with the chains of the lane as first axis.
    visits : int
        How often the lane was visited.
    begins_anew : bool
        Whether its chains begin at the first visit, with no parameters of their own.
    accepted : ndarray of shape (n_lane,)
        Sum of the acceptance rates of its visits.
    """

    program: Program
    chains: NDArray[np.intp]
    state: Any
    visits: int
    begins_anew: bool
    accepted: NDArray[np.float64]


@dataclass
class ChainState:
    """Where all chains stand.

    Attributes
    ----------
    ids : Array of shape (n_chains,)
        Identities of the chains.
    design : CompletedDesign
        Completed design of all chains.
    columns : dict of str to Array of shape (n_chains, n_rows)
        Completed columns that are read one by one.
    lanes : dict of str to list of Lane
        By target; one lane unless a kernel was changed for some chains.
    cells : mapping of str to ndarray of shape (n_chains, n_missing)
        Values of all missing cells after the last whole sweep.
    """

    ids: Array
    design: CompletedDesign
    columns: dict[str, Array]
    lanes: dict[str, list[Lane]] = field(default_factory=dict)
    cells: Cells = field(default_factory=dict)

    @property
    def n_chains(self) -> int:
        """Number of chains."""
        return int(self.ids.shape[0])

    def standing(self) -> "Standing":
        """Remember where all chains stand after a whole sweep."""
        lanes = {name: tuple(replace(lane) for lane in own) for name, own in self.lanes.items()}
        return Standing(np.asarray(self.ids), self.cells, lanes)


@dataclass(frozen=True)
class Standing:
    """Where chains stand after a whole sweep; what they read follows from it.

    Attributes
    ----------
    ids : ndarray of shape (n_chains,)
        Identities of the chains.
    cells : mapping of str to ndarray of shape (n_chains, n_missing)
        Their missing cells.
    lanes : mapping of str to tuple of Lane
        Their lanes, which a later sweep does not change.
    """

    ids: NDArray[np.intp]
    cells: Cells
    lanes: Mapping[str, tuple[Lane, ...]]

    def select(self, positions: NDArray[np.intp]) -> "Standing":
        """Give where some chains stand, in any order; a chain can be taken more than once."""
        lanes = {
            name: tuple(part for lane in own if (part := _part(lane, positions, len(self.ids))))
            for name, own in self.lanes.items()
        }
        cells = {name: values[positions] for name, values in self.cells.items()}
        return Standing(self.ids[positions], cells, lanes)


def start_chains(
    course: Course, fill: Mapping[str, NDArray[np.float64]], ids: Sequence[int]
) -> ChainState:
    """Put the initial fill into place.

    Parameters
    ----------
    course : Course
        What the chains will go through.
    fill : mapping of str to ndarray of shape (n_chains, n_missing)
        Starting values of the missing cells.
    ids : sequence of int
        Identities of the chains.

    Returns
    -------
    ChainState
        With kernel states that are yet to be tuned.
    """
    return place(course, starting(course, fill, ids))


def starting(
    course: Course, fill: Mapping[str, NDArray[np.float64]], ids: Sequence[int]
) -> Standing:
    """Say where chains stand before their first sweep; arguments as in `start_chains`."""
    # Any chain's completed columns tell the shapes of kernel states.
    one = place_chains(course, {name: cells[:1] for name, cells in fill.items()}, ids[:1])
    everyone, first = np.arange(len(ids)), np.zeros(len(ids), dtype=np.intp)
    lanes = {
        name: (replace(start_lane(one, target, target.program, first), chains=everyone),)
        for name, target in course.targets.items()
    }
    return Standing(np.asarray(ids), dict(fill), lanes)


def place_chains(course: Course, cells: Cells, ids: ArrayLike) -> ChainState:
    """Complete the columns of chains from their missing cells; the lanes are left to the caller."""
    store = course.store
    columns = {
        name: on_device(column_input(store.columns[name], _completed(store.columns[name], cells)))
        for name in course.columns_read
    }
    identities = np.asarray(ids)
    n_chains = len(identities)
    completed = np.empty((n_chains, store.n_rows, course.design.width))
    for name, encoding in course.design.encodings.items():
        column = store.columns[name]
        values = _completed(column, cells) if column.n_missing else column.values[None]
        completed[:, :, course.design.slices[name]] = encoding.encode(values)
    return ChainState(
        on_device(identities), CompletedDesign(on_device(completed)), columns, {}, cells
    )


def start_lane(
    state: ChainState, target: Target, program: Program, chains: NDArray[np.intp]
) -> Lane:
    """Begin a lane, with kernel states that are yet to be tuned."""
    first = {
        name: jax.ShapeDtypeStruct(column.shape[1:], column.dtype)
        for name, column in varying_columns(state, target, chains[:1]).items()
    }
    rows = state.design.rows
    design = jax.ShapeDtypeStruct(rows.shape[1:], rows.dtype)
    empty = program.empty_state(len(chains), design, first, target.given)
    return Lane(program, chains, empty, 0, True, np.zeros(len(chains)))


def place(course: Course, standing: Standing) -> ChainState:
    """Put chains where they stand, as a state of its own."""
    placed = place_chains(course, standing.cells, standing.ids)
    placed.lanes = {
        name: [replace(lane) for lane in lanes] for name, lanes in standing.lanes.items()
    }
    return placed


def join_standings(standings: Sequence[Standing]) -> Standing:
    """Put different chains that have gone through equally many sweeps together.

    Parameters
    ----------
    standings : sequence of Standing
        Where they stand.

    Returns
    -------
    Standing
        The chains are in the order of their identities, and their lanes in that of their first
        chains, however they were parted before.
    """
    if len(standings) == 1:
        (alone,) = standings
        return replace(alone, lanes={name: _merged(own) for name, own in alone.lanes.items()})
    ids = np.concatenate([standing.ids for standing in standings])
    order = np.argsort(ids, kind="stable")
    places = np.argsort(order)
    firsts = np.cumsum([0, *(len(standing.ids) for standing in standings)])
    cells = {
        name: np.concatenate([standing.cells[name] for standing in standings])[order]
        for name in standings[0].cells
    }
    lanes = {
        name: _merged(
            [
                replace(lane, chains=places[lane.chains + first])
                for standing, first in zip(standings, firsts, strict=False)
                for lane in standing.lanes[name]
            ]
        )
        for name in standings[0].lanes
    }
    return Standing(ids[order], cells, lanes)


def _part(lane: Lane, positions: NDArray[np.intp], n_chains: int) -> Lane | None:
    """Keep the chains of a lane that are among some, at their places among those."""
    within = np.full(n_chains, -1, dtype=np.intp)
    within[lane.chains] = np.arange(len(lane.chains))
    own = within[positions]
    chains = np.flatnonzero(own >= 0)
    if not len(chains):
        return None
    return _taken(replace(lane, chains=chains), own[chains])


def _taken(lane: Lane, places: NDArray[np.intp]) -> Lane:
    """Take the states of a lane at some places, in their order."""
    if np.array_equal(places, np.arange(len(lane.accepted))):
        return lane
    state = lane.program.take(lane.state, places)
    return replace(lane, state=state, accepted=lane.accepted[places])


def _merged(lanes: Sequence[Lane]) -> tuple[Lane, ...]:
    """Let lanes that are alike run as one."""
    alike: dict[tuple[int, int, bool], list[Lane]] = {}
    for lane in lanes:
        alike.setdefault((id(lane.program), lane.visits, lane.begins_anew), []).append(lane)
    merged = [_joined(group) for group in alike.values()]
    return tuple(sorted(merged, key=lambda lane: int(lane.chains[0])))


def _joined(group: Sequence[Lane]) -> Lane:
    first = group[0]
    if len(group) > 1:
        first = replace(
            first,
            chains=np.concatenate([lane.chains for lane in group]),
            state=first.program.join([lane.state for lane in group]),
            accepted=np.concatenate([lane.accepted for lane in group]),
        )
    order = np.argsort(first.chains)
    return _taken(replace(first, chains=first.chains[order]), order)


def varying_columns(
    state: ChainState, target: Target, chains: NDArray[np.intp]
) -> dict[str, Array]:
    """Give what a target's model reads of some chains, by name of a column or of a host's design.

    Parameters
    ----------
    state : ChainState
        All chains.
    target : Target
        The target.
    chains : ndarray of shape (n_lane,)
        Positions of the chains.

    Returns
    -------
    dict of str to Array
        Each with the chains as first axis.
    """
    columns = {name: state.columns[name][chains] for name in target.reads}
    if not target.host_designs:
        return columns
    complete = {name: np.asarray(column) for name, column in target.given.columns.items()}
    by_chain = [
        complete | {name: np.asarray(column[position]) for name, column in columns.items()}
        for position in range(len(chains))
    ]
    designs = {
        name: jnp.asarray(np.stack([formula.evaluate(own, np) for own in by_chain]))
        for name, formula in target.host_designs.items()
    }
    return columns | designs


def write_columns(
    state: ChainState, target: Target, chains: NDArray[np.intp], cells: tuple[Array, ...]
) -> None:
    """Put newly drawn cells into columns that are read one by one."""
    for column, rows, drawn in zip(target.columns, target.given.rows, cells, strict=True):
        if column.name in state.columns:
            state.columns[column.name] = _set_cells(
                state.columns[column.name], jnp.asarray(chains), rows.written, drawn
            )


def put_cells(
    course: Course, state: ChainState, column: Column, cells: NDArray[np.float64]
) -> None:
    """Put values that the host made into the missing cells of a column, for all chains.

    Parameters
    ----------
    course : Course
        What the chains go through.
    state : ChainState
        All chains; it is changed.
    column : Column
        The column.
    cells : ndarray of shape (n_chains, n_missing)
        Values or level codes.
    """
    rows, everyone = jnp.asarray(column.missing_rows), jnp.arange(state.n_chains)
    if column.name in state.columns:
        state.columns[column.name] = _set_cells(
            state.columns[column.name], everyone, rows, jnp.asarray(cells)
        )
    if column.name in course.design.encodings:
        # A code that could not be computed is no index; its chain will be reported.
        whole = np.nan_to_num(cells) if column.levels else cells
        encoded = course.design.encodings[column.name].encode(whole)
        positions = jnp.arange(course.design.width)[course.design.slices[column.name]]
        written = _set_design(state.design.rows, rows, positions, jnp.asarray(encoded))
        state.design = CompletedDesign(written)
        if course.needs_sums:
            state.design = with_sums(state.design)


@jax.jit
def _set_cells(column: Array, chains: Array, rows: Array, cells: Array) -> Array:
    places = (chains[:, None], rows[None, :])
    return column.at[places].set(cells.astype(column.dtype), mode="drop")


@jax.jit
def _set_design(design: Array, rows: Array, positions: Array, encoded: Array) -> Array:
    return design.at[:, rows[:, None], positions[None, :]].set(encoded)


def _completed(column: Column, cells: Cells) -> NDArray[np.float64]:
    completed = np.repeat(column.values[None], len(cells[column.name]), axis=0)
    completed[:, column.missing_rows] = cells[column.name]
    return completed

"""The state of all chains: the completed columns and the kernel state of each model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from bayesmice.data import ColumnStore
from bayesmice.kernels import Program, Target
from bayesmice.kernels.kernel import Array
from bayesmice.kernels.targets import column_input
from bayesmice.models.design import Design


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
    since : int
        The sweep in which the lane began.
    """

    program: Program
    chains: NDArray[np.intp]
    state: Any
    since: int


@dataclass
class ChainState:
    """Where all chains stand.

    Attributes
    ----------
    ids : Array of shape (n_chains,)
        Identities of the chains.
    design : Array of shape (n_chains, n_rows, n_design)
        Completed design of each chain.
    columns : dict of str to Array of shape (n_chains, n_rows)
        Completed columns that models read one by one.
    lanes : dict of str to list of Lane
        By target; one lane unless a kernel was changed for some chains.
    """

    ids: Array
    design: Array
    columns: dict[str, Array]
    lanes: dict[str, list[Lane]] = field(default_factory=dict)


def start_chains(
    store: ColumnStore,
    design: Design,
    targets: Sequence[Target],
    fill: Mapping[str, NDArray[np.float64]],
    ids: Sequence[int],
) -> ChainState:
    """Put the initial fill into place.

    Parameters
    ----------
    store : ColumnStore
        The data.
    design : Design
        Their design.
    targets : sequence of Target
        Columns to impute.
    fill : mapping of str to ndarray of shape (n_chains, n_missing)
        Starting values of the missing cells.
    ids : sequence of int
        Identities of the chains.

    Returns
    -------
    ChainState
        With kernel states that are yet to be tuned.
    """
    read = {name for target in targets for name in target.reads}
    columns = {name: jnp.asarray(_completed_input(store, name, fill[name])) for name in read}
    completed = jnp.asarray(_completed_design(store, design, fill, len(ids)))
    state = ChainState(jnp.asarray(np.asarray(ids)), completed, columns)
    for target in targets:
        everyone = np.arange(len(ids))
        state.lanes[target.name] = [start_lane(state, target, target.program, everyone, 0)]
    return state


def start_lane(
    state: ChainState, target: Target, program: Program, chains: NDArray[np.intp], since: int
) -> Lane:
    """Begin a lane, with kernel states that are yet to be tuned."""
    first = {name: column[0] for name, column in varying_columns(state, target, chains).items()}
    empty = program.empty_state(len(chains), state.design[0], first, target.given)
    return Lane(program, chains, empty, since)


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
    """Put newly drawn cells into columns that models read one by one."""
    for column, rows, drawn in zip(target.columns, target.given.rows, cells, strict=True):
        if column.name in state.columns:
            state.columns[column.name] = _set_cells(
                state.columns[column.name], jnp.asarray(chains), rows.missing, drawn
            )


@jax.jit
def _set_cells(column: Array, chains: Array, rows: Array, cells: Array) -> Array:
    places = (chains[:, None], rows[None, :])
    return column.at[places].set(cells.astype(column.dtype), mode="drop")


def _completed_input(
    store: ColumnStore, name: str, cells: NDArray[np.float64]
) -> NDArray[np.generic]:
    column = store.columns[name]
    return column_input(column, _completed(column.values, column.missing_rows, cells))


def _completed_design(
    store: ColumnStore, design: Design, fill: Mapping[str, NDArray[np.float64]], n_chains: int
) -> NDArray[np.float64]:
    completed = np.empty((n_chains, store.n_rows, design.width))
    for name, encoding in design.encodings.items():
        column = store.columns[name]
        cells = fill.get(name, np.empty((n_chains, 0)))
        values = _completed(column.values, column.missing_rows, cells)
        completed[:, :, design.slices[name]] = encoding.encode(values)
    return completed


def _completed(
    values: NDArray[np.float64], rows: NDArray[np.intp], cells: NDArray[np.float64]
) -> NDArray[np.float64]:
    completed = np.repeat(values[None], len(cells), axis=0)
    completed[:, rows] = cells
    return completed

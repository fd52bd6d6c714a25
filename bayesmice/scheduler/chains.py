"""The state of all chains: the completed columns and the kernel state of each model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from bayesmice.data import ColumnStore
from bayesmice.kernels import Target
from bayesmice.kernels.kernel import Array
from bayesmice.kernels.programs import TunedState
from bayesmice.kernels.targets import column_input
from bayesmice.models.custom import data_name
from bayesmice.models.design import Design


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
        Completed columns that custom models read.
    kernels : dict of str to TunedState
        By target, with the chains as first axis.
    """

    ids: Array
    design: Array
    columns: dict[str, Array]
    kernels: dict[str, TunedState]


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
    state = ChainState(jnp.asarray(np.asarray(ids)), completed, columns, {})
    for target in targets:
        first = {data_name(name): columns[name][0] for name in target.reads}
        state.kernels[target.column.name] = target.program.empty_state(
            len(ids), completed[0], first, target.given
        )
    return state


def varying_inputs(state: ChainState, target: Target) -> dict[str, Array]:
    """Give the completed columns that a target's model reads, by input name."""
    return {data_name(name): state.columns[name] for name in target.reads}


def write_column(state: ChainState, target: Target, cells: Array) -> None:
    """Put newly drawn cells into a column that custom models read."""
    name = target.column.name
    if name in state.columns:
        state.columns[name] = _set_cells(state.columns[name], target.given.rows.missing, cells)


@jax.jit
def _set_cells(column: Array, rows: Array, cells: Array) -> Array:
    return column.at[:, rows].set(cells.astype(column.dtype), mode="drop")


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

"""The state of chains in a tree, so that a run can go on from a file.

Cells that are imputations are in the tree already, so the state holds the others only: those of
chains whose last sweep is no imputation, and drawn cells that were not wanted.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesmice.data import Column, ColumnStore
from bayesmice.errors import StoreError
from bayesmice.store.records import Lane, RunDescription, StrandRecord

CELLS, UNWANTED, LANE = "cells", "unwanted_cells", "lane_{}"
STOOD, PICK = "stood", "pick"
NOTHING = np.zeros(0)

type Cells = Mapping[str, NDArray[np.float64]]
"""By column, with the chains as first axis."""


def state_dataset(strand: StrandRecord, lanes: Sequence[Lane], run: RunDescription) -> xr.Dataset:
    """Hold where chains stand.

    Parameters
    ----------
    strand : StrandRecord
        What is known of the chains over a group of rows.
    lanes : sequence of Lane
        Their kernel states.
    run : RunDescription
        What was run.

    Returns
    -------
    xarray.Dataset
        ``cells`` and ``unwanted_cells`` where there are any that are no imputations, and
        ``lane_0``, ``lane_1``, ... with the kernel state of each lane as numbers (or text), and
        what else is known of it as attributes.
    """
    variables = _cells_beside(strand, run) | _lanes(lanes)
    return xr.Dataset(variables, attrs={"long_name": "where the chains stand"})


def _cells_beside(strand: StrandRecord, run: RunDescription) -> dict[str, xr.Variable]:
    """Hold the cells that imputations do not hold."""
    kept, columns = strand.recorder.kept, strand.recorder.columns
    picked = set(run.picks)
    stood = [
        (chain, sweep)
        for sweep in sorted(kept)
        for chain in run.chains
        if (chain, sweep) not in picked
    ]
    places = {chain: position for position, chain in enumerate(run.chains)}
    variables = {}
    if stood:
        cells = [
            np.concatenate([NOTHING, *(kept[sweep][name][places[chain]] for name in columns)])
            for chain, sweep in stood
        ]
        chains, sweeps = np.array(stood, dtype=np.int64).T
        variables[CELLS] = xr.Variable(
            (STOOD, "cell"),
            np.stack(cells),
            {
                "long_name": "drawn cells",
                "description": "drawn and computed cells of all columns side by side, of the last "
                "sweep of each chain and of earlier ones that imputations may come from; those "
                "that are imputations are left out",
            },
        )
        for name, values in (("stood_chain", chains), ("stood_sweep", sweeps)):
            what = name.removeprefix("stood_")
            variables[name] = xr.Variable(
                STOOD,
                values,
                {
                    "long_name": what,
                    "description": f"{what} that a row of {CELLS} belongs to",
                },
            )
    unwanted = {name: ~strand.store.columns[name].drawn_wanted for name in columns}
    if any(mask.any() for mask in unwanted.values()):
        variables[UNWANTED] = xr.Variable(
            (PICK, "unwanted_cell"),
            np.stack(
                [
                    np.concatenate([kept[s][name][places[c]][unwanted[name]] for name in columns])
                    for c, s in run.picks
                ]
            ),
            {
                "long_name": "drawn cells that are not wanted",
                "description": "cells of the chains that imputations were taken from which are no "
                "part of these, of all columns side by side, by imputation",
            },
        )
    return variables


def _lanes(lanes: Sequence[Lane]) -> dict[str, xr.Variable]:
    variables = {}
    for position, lane in enumerate(lanes):
        name = LANE.format(position)
        attributes = {
            "long_name": f"kernel states of {lane.target}",
            "description": "one row of numbers for each chain, the last of them the sum of the "
            "acceptance rates of its first visits; or one text",
            "target": lane.target,
            "kernel": lane.kernel,
            "chains": json.dumps(lane.chains.tolist()),
            "visits": lane.visits,
            "begins_anew": int(lane.begins_anew),
            "is_kept": int(lane.values is not None),
        }
        values = lane.values
        if values is None:
            values = np.zeros((len(lane.chains), 0))
        if values.ndim == 1:  # text
            variables[name] = xr.Variable((f"{name}_chain",), values, attributes)
        else:
            both = np.column_stack([values, lane.accepted])
            dims = (f"{name}_chain", f"{name}_number")
            variables[name] = xr.Variable(dims, both, attributes)
    return variables


def read_cells(
    tree: xr.DataTree,
    label: str,
    own: tuple[ColumnStore, NDArray[np.intp], Sequence[str]],
    whole: ColumnStore,
    chains: Sequence[int],
) -> dict[int, Cells]:
    """Read the cells that the chains of a group of rows had when they were written down.

    Parameters
    ----------
    tree : DataTree
        The tree.
    label : str
        The group; empty for all rows.
    own : (ColumnStore, ndarray of shape (n_group,), sequence of str)
        Its rows of the data, their positions, and the columns that its sweeps give.
    whole : ColumnStore
        The data.
    chains : sequence of int
        Identities of the chains.

    Returns
    -------
    dict of int to mapping of str to ndarray of shape (n_chains, n_drawn)
        By sweep, the cells of each column.

    Raises
    ------
    StoreError
        If the cells of some chain are not there.
    """
    store, rows, columns = own
    state = tree[state_path(label)].to_dataset()
    imputations = tree["imputations"].to_dataset()
    picks = zip(
        imputations["imputation_chain"].to_numpy().tolist(),
        imputations["imputation_sweep"].to_numpy().tolist(),
        strict=True,
    )
    found: dict[tuple[int, int], Cells] = {}
    taken = {
        name: _taken(imputations[name].to_numpy(), store.columns[name], whole.columns[name], rows)
        for name in columns
        if name in imputations
    }
    for position, pick in enumerate(picks):
        cells, at = {}, 0
        for name in columns:
            column = store.columns[name]
            cells[name] = np.empty(column.n_drawn)
            if name in taken:
                cells[name][column.drawn_wanted] = taken[name][position]
            n_unwanted = int((~column.drawn_wanted).sum())
            if n_unwanted:
                beside = state[UNWANTED].to_numpy()[position, at : at + n_unwanted]
                cells[name][~column.drawn_wanted] = beside
            at += n_unwanted
        found[pick] = cells
    if CELLS in state:
        ends = np.cumsum([store.columns[name].n_drawn for name in columns])
        places = zip(
            state["stood_chain"].to_numpy().tolist(),
            state["stood_sweep"].to_numpy().tolist(),
            strict=True,
        )
        for place, flat in zip(places, state[CELLS].to_numpy(), strict=True):
            found[place] = dict(zip(columns, np.split(flat, ends[:-1]), strict=True))
    return _by_sweep(found, chains, columns)


def _by_sweep(
    found: Mapping[tuple[int, int], Cells], chains: Sequence[int], columns: Sequence[str]
) -> dict[int, Cells]:
    by_sweep: dict[int, Cells] = {}
    for sweep in sorted({sweep for _, sweep in found}):
        absent = [chain for chain in chains if (chain, sweep) not in found]
        if absent:
            raise StoreError(
                f"The tree does not hold the cells of chain {absent[0]} after sweep {sweep}: its "
                "imputations are not those that the run left. Go on from the tree as it was "
                "written."
            )
        by_sweep[sweep] = {
            name: np.stack([found[chain, sweep][name] for chain in chains]) for name in columns
        }
    return by_sweep


def _taken(
    imputed: NDArray[np.generic], own: Column, whole: Column, rows: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Take the wanted cells of a group of rows, with its own level codes."""
    positions = np.searchsorted(whole.wanted_rows, rows[own.wanted_rows])
    cells = imputed[:, positions].astype(float)
    if not own.levels or own.levels == whole.levels:
        return cells
    codes = np.full(len(whole.levels), np.nan)
    codes[[whole.levels.index(level) for level in own.levels]] = np.arange(len(own.levels))
    return codes[cells.astype(np.intp)]


def state_path(label: str) -> str:
    """Name the group that holds where the chains over a group of rows stand."""
    return f"state/{label}" if label else "state"


def read_lanes(state: xr.Dataset) -> list[dict[str, Any]]:
    """Read the kernel states that `state_dataset` holds.

    Parameters
    ----------
    state : xarray.Dataset
        The group ``state`` of a tree.

    Returns
    -------
    list of dict
        For each lane its attributes by the names of `Lane`.
    """
    lanes = []
    for position in range(sum(str(name).startswith("lane_") for name in state.data_vars)):
        stored = state[LANE.format(position)]
        attributes, values = stored.attrs, stored.to_numpy()
        is_text = values.ndim == 1
        n_chains = len(values)
        lanes.append(
            {
                "target": str(attributes["target"]),
                "kernel": str(attributes["kernel"]),
                "chains": np.array(json.loads(attributes["chains"]), dtype=np.intp),
                "visits": int(attributes["visits"]),
                "begins_anew": bool(attributes["begins_anew"]),
                "accepted": np.zeros(n_chains) if is_text else values[:, -1],
                "values": (values if is_text else values[:, :-1])
                if attributes["is_kept"]
                else None,
            }
        )
    return lanes

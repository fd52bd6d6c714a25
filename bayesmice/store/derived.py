"""Trees of imputations that no run made: chosen from others, combined, or read from a table."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesmice.data import ColumnStore
from bayesmice.events import Event, Severity
from bayesmice.store.frames import observed_dataset
from bayesmice.store.shapes import IMPUTATION, imputed_cells
from bayesmice.store.tree import event_dataset, imputations_dataset, root_versions

ORIGIN = "origin"
"""Attribute of a tree that no run made: what its imputations come from."""
NO_CHAIN = -1
"""Chain and sweep of an imputation of which neither is known."""
KEPT_CONDITIONALS = frozenset({"posterior", "sample_stats"})
"""Groups of a conditional that do not depend on which rows the data have."""

Groups = Mapping[str, xr.Dataset]
Picks = Sequence[tuple[int, int]]


def origin_of(tree: xr.DataTree) -> str | None:
    """Tell what the imputations come from; None if a run made them."""
    origin = tree.attrs.get(ORIGIN)
    return None if origin is None else str(origin)


def derived_tree(
    store: ColumnStore,
    imputed: xr.Dataset,
    attributes: Mapping[Any, Any],
    origin: str,
    logs: Sequence[xr.Dataset],
    note: str,
    groups: Groups,
) -> xr.DataTree:
    """Arrange imputations that no run made as a tree.

    Parameters
    ----------
    store : ColumnStore
        The data.
    imputed : xarray.Dataset
        The group ``imputations``.
    attributes : mapping of str to object
        Of the root, of which ``m`` and the origin are set.
    origin : str
        What the imputations come from.
    logs : sequence of xarray.Dataset
        Event logs to be kept.
    note : str
        A sentence for the event log: what was done.
    groups : mapping of str to xarray.Dataset
        Sweep statistics and conditionals, by path.

    Returns
    -------
    xarray.DataTree
        Without the group ``state``: no run goes on from it.
    """
    event = event_dataset([Event(Severity.INFO, "derived", note)])
    return xr.DataTree.from_dict(
        {
            "/": xr.Dataset(attrs={**attributes, "m": imputed.sizes[IMPUTATION], ORIGIN: origin}),
            "/observed_data": observed_dataset(store),
            "/imputations": imputed,
            "/sweep_stats": xr.Dataset(attrs={"long_name": "imputed cells of each sweep"}),
            "/event_log": xr.concat([*logs, event], dim="event", combine_attrs="override"),
            **groups,
        }
    )


def table_tree(
    store: ColumnStore, cells: Mapping[str, NDArray[np.float64]], m: int, origin: str, note: str
) -> xr.DataTree:
    """Arrange imputations that another program made as a tree.

    Parameters
    ----------
    store : ColumnStore
        The data.
    cells : mapping of str to ndarray of shape (m, n_wanted)
        Imputed values or level codes.
    m : int
        Number of imputations.
    origin, note : str
        As in `derived_tree`.
    """
    imputed = imputations_dataset(store, cells, [(NO_CHAIN, NO_CHAIN)] * m)
    nothing = {"sweeps": 0, "random_seed": "", "visit_sequence": "[]"}
    attributes = root_versions() | nothing | {"specification": "{}", "settings": "{}"}
    return derived_tree(store, imputed, attributes, origin, [], note, {})


def select_imputations(
    tree: xr.DataTree, store: ColumnStore, positions: Sequence[int]
) -> xr.DataTree:
    """Choose imputations.

    Parameters
    ----------
    tree : xarray.DataTree
        The tree of all.
    store : ColumnStore
        The data.
    positions : sequence of int
        Which ones, counted from 0, in the order that they get.

    Returns
    -------
    xarray.DataTree
        Conditionals and sweep statistics are those of the chains that these imputations were taken
        from.
    """
    imputed = _renumbered(group(tree, "imputations").isel(imputation=list(positions)))
    wanted = np.unique(imputed["imputation_chain"].to_numpy())
    chains = chains_of(tree)
    groups = {
        path: _of_chains(dataset, chains, wanted) for path, dataset in run_groups(tree).items()
    }
    if "posterior" in tree.children:
        groups["/posterior"] = _renumbered(
            group(tree, "posterior").isel(imputation=list(positions))
        )
    return derived_tree(
        store,
        imputed,
        tree.attrs,
        "a choice of imputations (select)",
        [group(tree, "event_log")],
        f"Chosen from {tree.attrs['m']} imputations, counted from 0: "
        f"{', '.join(map(str, positions))}.",
        groups,
    )


def filter_rows(
    tree: xr.DataTree, store: ColumnStore, rows: NDArray[np.intp]
) -> tuple[xr.DataTree, ColumnStore]:
    """Choose rows.

    Parameters
    ----------
    tree : xarray.DataTree
        The tree of all.
    store : ColumnStore
        The data.
    rows : ndarray of shape (n_chosen,)
        Positions of the rows, ascending.

    Returns
    -------
    (xarray.DataTree, ColumnStore)
        Conditionals and sweep statistics stay those of the whole run; what they hold by row is left
        out.
    """
    chosen = store.at_rows(rows, store.columns)
    imputed = group(tree, "imputations")
    cells = {
        name: imputed_cells(imputed, name)[:, np.isin(store.columns[name].wanted_rows, rows)]
        for name in chosen.wanted
    }
    groups = {
        path: dataset
        for path, dataset in run_groups(tree).items()
        if path.count("/") < 3 or path.split("/")[3] in KEPT_CONDITIONALS
    }
    derived = derived_tree(
        chosen,
        imputations_dataset(chosen, cells, picks_of(tree)),
        tree.attrs,
        "a choice of rows (filter_rows)",
        [group(tree, "event_log")],
        f"Chosen {len(rows)} of {store.n_rows} rows. Conditionals and sweep statistics are those "
        "of all rows.",
        groups,
    )
    return derived, chosen


def group(tree: xr.DataTree, name: str) -> xr.Dataset:
    """Give a group of the root as a dataset of its own."""
    return tree.children[name].to_dataset(inherit=False)


def run_groups(tree: xr.DataTree) -> dict[str, xr.Dataset]:
    """Give sweep statistics and conditionals, by path."""
    return {
        node.path: node.to_dataset(inherit=False)
        for name in ("sweep_stats", "conditionals")
        if name in tree.children
        for node in tree[name].subtree
    }


def picks_of(tree: xr.DataTree) -> list[tuple[int, int]]:
    """Give chain and sweep of each imputation."""
    imputed = group(tree, "imputations")
    both = (imputed[f"imputation_{what}"].to_numpy().tolist() for what in ("chain", "sweep"))
    return list(zip(*both, strict=True))


def chains_of(tree: xr.DataTree) -> list[int]:
    """Give the chains that sweep statistics are about; none if there are no sweep statistics."""
    statistics = group(tree, "sweep_stats")
    return statistics["chain"].to_numpy().tolist() if "chain" in statistics.coords else []


def specification_of(tree: xr.DataTree) -> dict[str, Any]:
    """Give what the tree says of the models."""
    specification: dict[str, Any] = json.loads(tree.attrs["specification"])
    return specification


def _renumbered(dataset: xr.Dataset) -> xr.Dataset:
    attributes = dataset[IMPUTATION].attrs
    numbers = np.arange(dataset.sizes[IMPUTATION])
    return dataset.assign_coords({IMPUTATION: xr.Variable(IMPUTATION, numbers, attributes)})


def _of_chains(dataset: xr.Dataset, chains: list[int], wanted: NDArray[np.integer]) -> xr.Dataset:
    """Choose chains where a dataset is about those of the run, and it is known which are wanted."""
    places = np.flatnonzero(np.isin(chains, wanted))
    is_of_run = "chain" in dataset.coords and dataset["chain"].to_numpy().tolist() == chains
    return dataset.isel(chain=places) if is_of_run and len(places) else dataset

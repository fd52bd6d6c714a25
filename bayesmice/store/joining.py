"""Joining the imputations of several runs: more imputations, more rows, or more columns."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from pandas.api import types

from bayesmice.data import Column, ColumnStore, limit_names
from bayesmice.data.checks import check_names, check_table, column_names
from bayesmice.data.columns import recode
from bayesmice.data.joining import below_each_other, common_terms
from bayesmice.data.rows import wanted_name
from bayesmice.errors import SpecificationError
from bayesmice.store.derived import (
    KEPT_CONDITIONALS,
    NO_CHAIN,
    Groups,
    Picks,
    chains_of,
    derived_tree,
    group,
    picks_of,
    run_groups,
    specification_of,
)
from bayesmice.store.frames import is_default
from bayesmice.store.shapes import imputed_cells
from bayesmice.store.tree import imputations_dataset

ORIGIN_OF_ALL = "several runs (bm.concat)"


@dataclass(frozen=True, eq=False)
class Part:
    """Imputations that are joined with others.

    Attributes
    ----------
    tree : xarray.DataTree
        Their tree.
    store : ColumnStore
        Their data.
    """

    tree: xr.DataTree
    store: ColumnStore

    @property
    def m(self) -> int:
        """Number of imputations."""
        return int(self.tree["imputations"].sizes["imputation"])

    def cells(self, name: str) -> NDArray[np.float64]:
        """Give the imputed cells of a column, of shape (m, n_wanted)."""
        if name not in self.store.wanted:
            return np.empty((self.m, 0))
        return imputed_cells(group(self.tree, "imputations"), name)

    def cells_as(self, column: Column) -> NDArray[np.float64]:
        """Give the imputed cells of a column, in terms of another with its levels."""
        return recode(self.cells(column.name), self.store.columns[column.name], column)


Joined = tuple[xr.DataTree, ColumnStore]


def join_imputations(parts: Sequence[Part]) -> Joined:
    """Put the imputations of the same data together.

    Parameters
    ----------
    parts : sequence of Part
        At least two.

    Returns
    -------
    (xarray.DataTree, ColumnStore)
        Chains are numbered anew. Sweep statistics are kept if all runs are equally long, and
        conditionals if their models are the same too.

    Raises
    ------
    SpecificationError
        If the data differ.
    """
    _check_labels(parts)
    stores = _in_common_terms(parts)
    for number, store in enumerate(stores):
        _check_same_data(stores[0], store, number)
    cells = {
        name: np.concatenate([part.cells_as(stores[0].columns[name]) for part in parts])
        for name in stores[0].wanted
    }
    chains = [_chains(part) for part in parts]
    starts = np.cumsum([0, *map(len, chains)]).tolist()
    picks = [
        (start + own.index(chain) if chain in own else NO_CHAIN, sweep)
        for part, own, start in zip(parts, chains, starts, strict=False)
        for chain, sweep in picks_of(part.tree)
    ]
    groups, left_out = _joined_chains(parts, stores[0])
    note = (
        f"Put together {' + '.join(str(part.m) for part in parts)} imputations of the same data."
        f"{left_out}"
    )
    logs = [
        _with_chains(group(part.tree, "event_log"), own, start)
        for part, own, start in zip(parts, chains, starts, strict=False)
    ]
    return _joined(parts, stores[0], cells, picks, logs, note, groups, _same_models(parts))


def join_rows(parts: Sequence[Part]) -> Joined:
    """Put imputations of the same columns of other rows below each other.

    Parameters
    ----------
    parts : sequence of Part
        At least two.

    Returns
    -------
    (xarray.DataTree, ColumnStore)
        Without sweep statistics and conditionals, which are those of some rows.

    Raises
    ------
    SpecificationError
        If the numbers of imputations, the columns, or their levels differ.
    """
    _check_m(parts)
    _check_labels(parts)
    frames = [part.store.frame for part in parts]
    ignores = all(is_default(frame.index) for frame in frames)
    frame = pd.concat(frames, ignore_index=ignores)
    stores = _in_common_terms(parts, frame)
    columns = {
        name: below_each_other([store.columns[name] for store in stores])
        for name in stores[0].columns
    }
    store = replace(parts[0].store, frame=frame, columns=columns)
    cells = {
        name: np.concatenate([part.cells_as(columns[name]) for part in parts], axis=1)
        for name in store.wanted
    }
    note = (
        f"Put together {' + '.join(str(part.store.n_rows) for part in parts)} rows. Sweep "
        "statistics and conditionals, each of some rows only, are left out."
    )
    logs = [group(part.tree, "event_log") for part in parts]
    return _joined(parts, store, cells, _common_picks(parts), logs, note, {}, {})


def join_columns(parts: Sequence[Part]) -> Joined:
    """Put imputations of other columns of the same rows beside each other.

    Parameters
    ----------
    parts : sequence of Part
        At least two.

    Returns
    -------
    (xarray.DataTree, ColumnStore)
        With the conditionals of all, and the sweep statistics if chains and sweeps are the same.

    Raises
    ------
    SpecificationError
        If the numbers of imputations or the rows differ.
    DataError
        If two columns have the same name.
    """
    _check_m(parts)
    for number, part in enumerate(parts):
        if not part.store.frame.index.equals(parts[0].store.frame.index):
            raise SpecificationError(
                f"concat by columns expects the same rows everywhere; the index of part {number} "
                f"({part.store.n_rows} rows) is not that of part 0 ({parts[0].store.n_rows} rows)."
            )
    frame = pd.concat([part.store.frame for part in parts], axis=1)
    check_names(column_names(check_table(frame, "concat")))
    columns = reduce(lambda one, two: {**one, **two}, (dict(p.store.columns) for p in parts))
    weights = [next(iter(part.store.columns.values())).row_weights for part in parts]
    if not all(np.array_equal(own, weights[0]) for own in weights):
        columns = {name: replace(column, weights=None) for name, column in columns.items()}
    elif any(column.weights is not None for column in columns.values()):
        columns = {name: column.with_weights(weights[0]) for name, column in columns.items()}
    _check_tree_names(columns)
    store = replace(parts[0].store, frame=frame, columns=columns)
    cells = {name: part.cells(name) for part in parts for name in part.store.wanted}
    groups: dict[str, xr.Dataset] = {}
    for part in parts:
        groups |= {p: d for p, d in run_groups(part.tree).items() if p != "/sweep_stats"}
    statistics = [group(part.tree, "sweep_stats") for part in parts]
    left_out = ""
    if not _same_coords(statistics):
        left_out = " Sweep statistics, of other chains or sweeps, are left out."
    elif chains_of(parts[0].tree):
        groups["/sweep_stats"] = xr.merge(statistics, combine_attrs="override")
    note = (
        f"Put together {' + '.join(str(len(part.store.columns)) for part in parts)} columns. "
        f"Nothing connects the imputed values of one part with the columns of another.{left_out}"
    )
    logs = [group(part.tree, "event_log") for part in parts]
    specification = reduce(_merged, (specification_of(part.tree) for part in parts))
    picks = _common_picks(parts)
    return _joined(parts, store, cells, picks, logs, note, groups, specification)


def share_imputations(parts: Sequence[Part]) -> bool:
    """Tell whether some imputation is in two parts: runs of the same seed repeat each other.

    Parameters
    ----------
    parts : sequence of Part
        Imputations of the same data.
    """
    seen: dict[object, int] = {}
    for number, part in enumerate(parts):
        seed = part.tree.attrs["random_seed"]
        cells = [part.cells(name) for name in part.store.wanted]
        for imputation, pick in enumerate(picks_of(part.tree)):
            key = (seed, pick, tuple(own[imputation].tobytes() for own in cells))
            if cells and seen.setdefault(key, number) != number:
                return True
    return False


def _joined(
    parts: Sequence[Part],
    store: ColumnStore,
    cells: Mapping[str, NDArray[np.float64]],
    picks: Picks,
    logs: Sequence[xr.Dataset],
    note: str,
    groups: Groups,
    specification: Mapping[str, Any],
) -> Joined:
    attributes = dict(parts[0].tree.attrs)
    for name, unknown in (("sweeps", 0), ("visit_sequence", "[]"), ("settings", "{}")):
        if any(part.tree.attrs[name] != attributes[name] for part in parts):
            attributes[name] = unknown
    seeds = [str(part.tree.attrs["random_seed"]) for part in parts]
    attributes["random_seed"] = ", ".join(dict.fromkeys(filter(None, seeds)))
    attributes["specification"] = json.dumps(specification)
    imputed = imputations_dataset(store, cells, picks)
    tree = derived_tree(store, imputed, attributes, ORIGIN_OF_ALL, logs, note, groups)
    return tree, store


def _check_m(parts: Sequence[Part]) -> None:
    for number, part in enumerate(parts):
        if part.m != parts[0].m:
            raise SpecificationError(
                f"concat got {parts[0].m} imputations in part 0 and {part.m} in part {number}; by "
                "rows and by columns all parts need as many. Choose some with select()."
            )


def _check_labels(parts: Sequence[Part]) -> None:
    own = list(parts[0].store.columns)
    for number, part in enumerate(parts):
        other = list(part.store.columns)
        if other == own:
            continue
        if sorted(other) == sorted(own):
            problem = f"the columns of part {number} come in another order"
        else:
            lacks = next((name for name in own if name not in other), None)
            has = next((name for name in other if name not in own), None)
            what = f"has {has!r}, which part 0 lacks" if lacks is None else f"lacks {lacks!r}"
            problem = f"part {number} {what}"
        raise SpecificationError(
            f"concat expects the same columns everywhere, and {problem}. Columns of part 0: "
            f"{', '.join(own)}."
        )


def _in_common_terms(
    parts: Sequence[Part], joined: pd.DataFrame | None = None
) -> list[ColumnStore]:
    """Read the columns of all parts in the same terms; levels have to be of the same dtype."""
    by_name = {}
    for position, name in enumerate(parts[0].store.columns):
        dtypes = [part.store.series(name).dtype for part in parts]
        for number, dtype in enumerate(dtypes):
            are_numbers = all(map(_holds_numbers, (dtype, dtypes[0])))
            if dtype != dtypes[0] and not (are_numbers and joined is not None):
                raise SpecificationError(
                    f"concat got {name!r} as {_shown(dtypes[0])} in part 0, and as {_shown(dtype)} "
                    f"in part {number}. Give both the same dtype, levels in the same order, before "
                    "imputing."
                )
        dtype = dtypes[0] if joined is None else joined.iloc[:, position].dtype
        by_name[name] = common_terms([part.store.columns[name] for part in parts], dtype)
    return [
        part.store.with_columns({name: columns[k] for name, columns in by_name.items()})
        for k, part in enumerate(parts)
    ]


def _holds_numbers(dtype: Any) -> bool:
    return bool(types.is_numeric_dtype(dtype) and not types.is_bool_dtype(dtype))


def _shown(dtype: Any) -> str:
    if not isinstance(dtype, pd.CategoricalDtype):
        return str(dtype)
    between = " < " if dtype.ordered else ", "
    return f"category [{between.join(map(str, dtype.categories))}]"


def _check_same_data(store: ColumnStore, other: ColumnStore, number: int) -> None:
    hint = "bm.concat(..., dim='row') puts other rows below each other."
    if other.n_rows != store.n_rows or not other.frame.index.equals(store.frame.index):
        raise SpecificationError(
            f"concat by imputation expects the same data everywhere; part 0 has {store.n_rows} "
            f"rows, and part {number} has {other.n_rows}, or another index. {hint}"
        )
    for name, column in store.columns.items():
        if not column.is_same(other.columns[name]):
            raise SpecificationError(
                f"concat by imputation expects the same data everywhere; the values of {name!r}, "
                "their limits, its wanted cells or the weights of its rows differ between part 0 "
                f"and part {number}. {hint}"
            )


def _check_tree_names(columns: Mapping[str, Column]) -> None:
    for name, column in columns.items():
        own = [wanted_name(name)] if column.where is not None else []
        own += limit_names(name) if column.has_limits else []
        for taken in own:
            if taken in columns:
                raise SpecificationError(
                    f"concat got a column {taken!r}, as the tree of results calls what it knows of "
                    f"the cells of {name!r}. Rename it before imputing."
                )


def _chains(part: Part) -> list[int]:
    """Give the chains of a part; without sweep statistics those that imputations are from."""
    own = chains_of(part.tree)
    return own or sorted({chain for chain, _ in picks_of(part.tree)} - {NO_CHAIN})


def _with_chains(log: xr.Dataset, chains: list[int], start: int) -> xr.Dataset:
    """Give the chains of an event log new numbers; -1: no single one, or one that was lost."""
    numbers = [
        start + chains.index(chain) if chain in chains else NO_CHAIN
        for chain in log["chain"].to_numpy().tolist()
    ]
    return log.assign(chain=log["chain"].copy(data=np.array(numbers, dtype=np.int64)))


def _same_models(parts: Sequence[Part]) -> dict[str, Any]:
    """Give the specification of all parts; an empty one where they differ."""
    specifications = [specification_of(part.tree) for part in parts]
    same = all(own == specifications[0] for own in specifications)
    return specifications[0] if same else {}


def _joined_chains(parts: Sequence[Part], store: ColumnStore) -> tuple[Groups, str]:
    """Join what was recorded along the chains, and say what could not be."""
    found = [run_groups(part.tree) for part in parts]
    statistics = [one["/sweep_stats"] for one in found]
    if not all(chains_of(part.tree) for part in parts) or not _same_coords(statistics, "chain"):
        return {}, " Sweep statistics and conditionals of other sweeps are left out."
    recoded = {
        name
        for name in store.columns
        if any(part.store.columns[name].levels != store.columns[name].levels for part in parts)
    }
    shared = [
        name
        for name, values in statistics[0].data_vars.items()
        if all(name in other for other in statistics)
        and str(values.attrs.get("column", name)) not in recoded
    ]
    groups = {"/sweep_stats": _along_chains([one[shared] for one in statistics])}
    if not _same_models(parts):
        return groups, " Conditionals, of other models, are left out."
    for path, dataset in found[0].items():
        if path == "/sweep_stats" or any(path not in other for other in found):
            continue
        datasets = [other[path] for other in found]
        if not dataset.dims:
            groups[path] = dataset
        elif (
            path.rpartition("/")[2] in KEPT_CONDITIONALS
            and _same_coords(datasets, "chain")
            and all(set(other) == set(dataset) for other in datasets)
        ):
            groups[path] = _along_chains(datasets)
    return groups, ""


def _along_chains(datasets: Sequence[xr.Dataset]) -> xr.Dataset:
    joined = xr.concat(
        datasets,
        dim="chain",
        data_vars="all",
        coords="minimal",
        compat="override",
        join="exact",
        combine_attrs="override",
    )
    return joined.assign_coords(chain=np.arange(joined.sizes["chain"]))


def _same_coords(datasets: Sequence[xr.Dataset], *but: str) -> bool:
    others = [dataset.drop_vars([n for n in but if n in dataset.coords]) for dataset in datasets]
    first = others[0].coords
    return all(other.coords.equals(first) for other in others)


def _common_picks(parts: Sequence[Part]) -> Picks:
    """Give chain and sweep of the imputations where they are the same in all parts."""
    picks = [picks_of(part.tree) for part in parts]
    if all(own == picks[0] for own in picks):
        return picks[0]
    return [(NO_CHAIN, NO_CHAIN)] * parts[0].m


def _merged(one: Mapping[str, Any], two: Mapping[str, Any]) -> dict[str, Any]:
    """Merge what is said of models, group of rows by group of rows where there are some."""
    both = {name: {**one[name], **two[name]} for name in one.keys() & two.keys()}
    return {**one, **two, **both}

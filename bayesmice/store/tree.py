"""The tree: all that a run knows, as one xarray DataTree."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayesmice.data import ColumnStore
from bayesmice.data.columns import recode
from bayesmice.events import EVENT_FIELDS, Event, event_table
from bayesmice.store.conditionals import posterior_dataset, statistics_dataset, sweep_coords
from bayesmice.store.frames import (
    LONG_NAME,
    UNITS,
    column_attributes,
    observed_dataset,
    rows_dim,
    smallest_codes,
)
from bayesmice.store.records import RunDescription, StrandRecord
from bayesmice.store.state import state_dataset, state_path

FORMAT = "bayesmice 2"
"""What a file says it is; the number changes when old files can no longer be read."""

GROUPS = ("observed_data", "imputations", "sweep_stats", "event_log")
"""Groups that every tree has; one without a target has no ``conditionals``."""
NUMBER_FIELDS = frozenset({"chain", "sweep"})
EVENT_WORDS = {
    "severity": "info, warning or error",
    "code": "one word for the kind of event",
    "message": "what happened, and what to do",
    "variable": "the column or target that it concerns; empty if no single one",
    "chain": "the chain that it concerns; -1 if no single one",
    "sweep": "the sweep, counted from 0; -1 if no single one",
}


def build_tree(
    store: ColumnStore,
    strands: Sequence[StrandRecord],
    events: Sequence[Event],
    run: RunDescription,
) -> xr.DataTree:
    """Arrange a run as a tree.

    Parameters
    ----------
    store : ColumnStore
        The data.
    strands : sequence of StrandRecord
        What is known of the chains, by group of rows.
    events : sequence of Event
        The event log.
    run : RunDescription
        What was run.

    Returns
    -------
    xarray.DataTree
        With the groups ``observed_data``, ``imputations``, ``conditionals/<column>``,
        ``sweep_stats``, ``event_log`` and, for a run that can go on, ``state``.
    """
    groups: dict[str, xr.Dataset] = {
        "/": xr.Dataset(attrs=_root_attributes(run)),
        "/observed_data": observed_dataset(store),
        "/imputations": imputations_dataset(store, gather_cells(store, strands, run), run.picks),
        "/sweep_stats": _sweep_stats(strands, run),
        "/event_log": event_dataset(events),
    }
    for strand in strands:
        for target in strand.recorder.targets:
            group = f"/conditionals/{strand.named(target)}"
            groups[group] = xr.Dataset(
                attrs={LONG_NAME: f"conditional model of {strand.named(target)}"}
            )
            groups[f"{group}/posterior"] = posterior_dataset(strand, target, run)
            groups[f"{group}/sample_stats"] = statistics_dataset(strand, target, run)
        if strand.lanes is not None:
            groups[f"/{state_path(strand.label)}"] = state_dataset(strand, strand.lanes, run)
    return xr.DataTree.from_dict(groups)


def gather_cells(
    store: ColumnStore, strands: Sequence[StrandRecord], run: RunDescription
) -> dict[str, NDArray[np.float64]]:
    """Collect the wanted cells of all imputations, of shape (m, n_wanted), by column."""
    places = {chain: position for position, chain in enumerate(run.chains)}
    gathered = {
        name: np.full((len(run.picks), len(store.columns[name].wanted_rows)), np.nan)
        for name in store.wanted
    }
    for strand in strands:
        for name in strand.store.wanted:
            column, whole = strand.store.columns[name], store.columns[name]
            rows = strand.rows[column.wanted_rows]
            into = np.searchsorted(whole.wanted_rows, rows)
            for i, (chain, sweep) in enumerate(run.picks):
                if name in strand.constants:
                    cells = np.full(len(rows), strand.constants[name])
                else:
                    drawn = strand.recorder.kept[sweep][name][places[chain]]
                    cells = drawn[column.drawn_wanted]
                gathered[name][i, into] = recode(cells, column, whole)
    return gathered


CELLS = {
    False: "imputed values of the wanted cells",
    True: "level codes imputed for the wanted cells",
}


def imputations_dataset(
    store: ColumnStore,
    cells: Mapping[str, NDArray[np.float64]],
    picks: Sequence[tuple[int, int]],
) -> xr.Dataset:
    """Hold the imputed cells only, one variable of shape (m, n_wanted) per column that has some."""
    variables, coords = {}, {}
    for name in store.wanted:
        column = store.columns[name]
        dim = rows_dim(name)
        variables[name] = xr.Variable(
            ("imputation", dim),
            smallest_codes(column, cells[name]) if column.levels else cells[name],
            column_attributes(store, name) | {"description": CELLS[bool(column.levels)]},
        )
        coords[dim] = xr.Variable(
            dim, column.wanted_rows, {LONG_NAME: f"position of the imputed cells of {name}"}
        )
    chains = np.array([chain for chain, _ in picks], dtype=np.int64)
    sweeps = np.array([sweep for _, sweep in picks], dtype=np.int64)
    coords["imputation"] = xr.Variable(
        "imputation", np.arange(len(picks)), {LONG_NAME: "imputation, counted from 0"}
    )
    coords["imputation_chain"] = xr.Variable(
        "imputation", chains, {LONG_NAME: "chain that the imputation was taken from"}
    )
    coords["imputation_sweep"] = xr.Variable(
        "imputation",
        sweeps,
        {LONG_NAME: "sweep that the imputation was taken from, counted from 0"},
    )
    return xr.Dataset(variables, coords, {LONG_NAME: "imputed values of the missing cells"})


def event_dataset(events: Sequence[Event]) -> xr.Dataset:
    """Hold the event log, one variable per field over ``event``."""
    table = event_table(list(events))
    variables = {
        name: xr.Variable(
            "event",
            np.asarray(table[name], dtype=int if name in NUMBER_FIELDS else object),
            {LONG_NAME: name, "description": EVENT_WORDS[name]},
        )
        for name in EVENT_FIELDS
    }
    return xr.Dataset(variables, attrs={LONG_NAME: "events, in the order they came"})


def analysis_dataset(posterior: xr.Dataset) -> xr.Dataset:
    """Describe the draws of an analysis model, over imputation, chain and draw."""
    described = posterior.copy()
    for name, values in described.data_vars.items():
        values.attrs = {
            LONG_NAME: str(name),
            "description": f"{name} in the analysis model, given each completed data set",
        }
    for name, values in described.coords.items():
        is_counted = name in ("imputation", "chain", "draw")
        values.attrs = {LONG_NAME: f"{name}, counted from 0" if is_counted else f"labels of {name}"}
    described.attrs = {LONG_NAME: "posterior of the analysis model given each completed data set"}
    return described


def events_from_dataset(events: xr.Dataset) -> pd.DataFrame:
    """Give the event log as a data frame again."""
    table = pd.DataFrame({name: events[name].to_numpy() for name in EVENT_FIELDS})
    return table.astype({name: int if name in NUMBER_FIELDS else object for name in EVENT_FIELDS})


@cache
def _versions() -> dict[str, str]:
    return {f"{name}_version": version(name) for name in ("bayesmice", "pymc", "jax")}


def root_versions() -> dict[str, object]:
    """Say what a tree is, and what made it."""
    return {"format": FORMAT, **_versions()}


def _root_attributes(run: RunDescription) -> dict[str, object]:
    return root_versions() | {
        "m": len(run.picks),
        "sweeps": run.sweeps,
        "random_seed": str(run.random_seed),
        "visit_sequence": json.dumps(list(run.visit_sequence)),
        "specification": run.specification,
        "settings": json.dumps(run.settings),
    }


def _sweep_stats(strands: Sequence[StrandRecord], run: RunDescription) -> xr.Dataset:
    variables = {}
    for strand in strands:
        for column, values in strand.recorder.sweep_stats().items():
            named, words = strand.named(column), column_attributes(strand.store, column)
            codes = " (level codes)" if strand.store.columns[column].levels else ""
            variables[named] = xr.Variable(
                ("chain", "draw", "statistic"),
                values,
                {key: words[key] for key in (UNITS,) if key in words}
                | {
                    LONG_NAME: f"imputed cells of {named}",
                    "description": "mean and standard deviation of the cells that a sweep drew or "
                    f"computed{codes}",
                    "column": column,
                },
            )
    coords = sweep_coords(run) | {
        "statistic": xr.Variable("statistic", ["mean", "sd"], {LONG_NAME: "what it is"})
    }
    return xr.Dataset(variables, coords, {LONG_NAME: "imputed cells of each sweep"})

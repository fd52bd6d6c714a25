"""The tree: all that a run knows, as one xarray DataTree."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from typing import Protocol

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayesmice.data import Column, ColumnStore, in_group
from bayesmice.data.columns import recode
from bayesmice.events import EVENT_FIELDS, Event, event_table
from bayesmice.store.frames import ROW, column_attributes, observed_dataset, smallest_codes
from bayesmice.store.recorder import RunRecorder

FORMAT = "bayesmice 1"
"""What a file says it is; the number changes when old files can no longer be read."""

GROUPS = ("observed_data", "imputations", "sweep_stats", "event_log")
"""Groups that every tree has; one without a target has no ``conditionals``."""
NUMBER_FIELDS = frozenset({"chain", "sweep"})

STATISTICS = {
    "acceptance_rate": "mean acceptance probability of the transition",
    "diverging": "whether the trajectory diverged",
    "energy": "Hamiltonian after the transition",
    "lp": "log-density of the conditional model, up to a constant",
    "n_steps": "leapfrog steps, each one gradient",
    "step_size": "leapfrog step size",
}


class Labels(Protocol):
    """Names of the dimensions of recorded parameters."""

    @property
    def dims(self) -> Mapping[str, tuple[str, ...]]:
        """Named dimensions of each parameter."""

    @property
    def coords(self) -> Mapping[str, tuple[object, ...]]:
        """Their labels."""


@dataclass(frozen=True)
class RunDescription:
    """What was run, for the attributes of the root.

    Attributes
    ----------
    picks : sequence of (int, int)
        For each imputation the chain and the sweep that it is taken from.
    chains : sequence of int
        Identities of the chains.
    sweeps : int
        Number of sweeps.
    random_seed : int
        Seed of the run.
    visit_sequence : sequence of str
        Order of the last sweep.
    specification : str
        The conditional models as JSON.
    settings : mapping of str to object
        How the run was asked for, for one that goes on from here: numbers, text, or lists of them.
    """

    picks: Sequence[tuple[int, int]]
    chains: Sequence[int]
    sweeps: int
    random_seed: int
    visit_sequence: Sequence[str]
    specification: str
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class StrandRecord:
    """What is known of the chains over a group of rows.

    Attributes
    ----------
    label : str
        What the group is called; empty for all rows.
    rows : ndarray of shape (n_group,)
        Positions of its rows in the data.
    store : ColumnStore
        Its rows of the data.
    recorder : RunRecorder
        What its sweeps left behind.
    labels : mapping of str to Labels
        Names of the parameters of each target.
    constants : mapping of str to float
        The value of columns that do not vary.
    state : xarray.Dataset
        Where its chains stand, for a run that goes on.
    """

    label: str
    rows: NDArray[np.intp]
    store: ColumnStore
    recorder: RunRecorder
    labels: Mapping[str, Labels]
    constants: Mapping[str, float]
    state: xr.Dataset

    def named(self, name: str) -> str:
        """Name a target or a column of this group."""
        return in_group(name, self.label)


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
        ``sweep_stats``, ``event_log`` and ``state``.
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
            posterior, statistics = _conditional(strand, target, run)
            group = f"/conditionals/{strand.named(target)}"
            groups[group] = xr.Dataset(
                attrs={"long_name": f"conditional model of {strand.named(target)}"}
            )
            groups[f"{group}/posterior"] = posterior
            groups[f"{group}/sample_stats"] = statistics
        groups[f"/state/{strand.label}" if strand.label else "/state"] = strand.state
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


def prior_tree(
    parameters: Mapping[str, NDArray[np.generic]],
    predictive: Mapping[str, NDArray[np.generic]],
    observed: Mapping[str, NDArray[np.float64]],
    labels: tuple[Mapping[str, tuple[str, ...]], Mapping[str, tuple[object, ...]]],
    columns: Sequence[Column],
) -> xr.DataTree:
    """Arrange prior draws of a conditional model as a tree that ArviZ reads.

    Parameters
    ----------
    parameters, predictive : mapping of str to ndarray of shape (draws, ...)
        Draws of parameters, and of targets.
    observed : mapping of str to ndarray of shape (n_rows,)
        Observed values or level codes of the targets.
    labels : (mapping, mapping)
        Named dimensions of the variables, and their labels; those of the rows are positions in the
        data.
    columns : sequence of Column
        The targets.

    Returns
    -------
    xarray.DataTree
        With the groups ``prior``, ``prior_predictive`` and ``observed_data``.
    """
    dims, coords = labels
    attributes = {column.name: column_attributes(column) for column in columns}

    def dataset(draws: Mapping[str, NDArray[np.generic]]) -> xr.Dataset:
        variables: dict[str, xr.Variable] = {}
        used: set[str] = set()
        for name, values in draws.items():
            own = dims.get(name) or tuple(f"{name}_dim_{i}" for i in range(values.ndim - 1))
            used.update(own)
            variables[name] = xr.Variable(
                ("chain", "draw", *own), values[None], attributes.get(name, {})
            )
        kept = {dim: list(coords[dim]) for dim in used if dim in coords}
        n_draws = len(next(iter(draws.values())))
        return xr.Dataset(variables, kept | {"chain": [0], "draw": np.arange(n_draws)})

    return xr.DataTree.from_dict(
        {
            "/prior": dataset(parameters),
            "/prior_predictive": dataset(predictive),
            "/observed_data": xr.Dataset(
                {
                    name: xr.Variable(dims.get(name, (ROW,)), values, attributes[name])
                    for name, values in observed.items()
                },
                {ROW: list(coords[ROW])},
            ),
        }
    )


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
            column_attributes(column),
        )
        coords[dim] = xr.Variable(
            dim, column.wanted_rows, {"long_name": f"position of the imputed cells of {name}"}
        )
    chains = np.array([chain for chain, _ in picks], dtype=np.int64)
    sweeps = np.array([sweep for _, sweep in picks], dtype=np.int64)
    coords["imputation"] = xr.Variable(
        "imputation", np.arange(len(picks)), {"long_name": "imputation"}
    )
    coords["imputation_chain"] = xr.Variable(
        "imputation", chains, {"long_name": "chain that the imputation was taken from"}
    )
    coords["imputation_sweep"] = xr.Variable(
        "imputation",
        sweeps,
        {"long_name": "sweep that the imputation was taken from, counted from 0"},
    )
    return xr.Dataset(variables, coords, {"long_name": "imputed values of the missing cells"})


def rows_dim(column: str) -> str:
    """Name the dimension of a column's missing cells."""
    return f"{column}_{ROW}"


def event_dataset(events: Sequence[Event]) -> xr.Dataset:
    """Hold the event log, one variable per field over ``event``."""
    table = event_table(list(events))
    variables = {
        name: xr.Variable(
            "event", np.asarray(table[name], dtype=int if name in NUMBER_FIELDS else object)
        )
        for name in EVENT_FIELDS
    }
    return xr.Dataset(variables, attrs={"long_name": "events, in the order they came"})


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


def _conditional(
    strand: StrandRecord, target: str, run: RunDescription
) -> tuple[xr.Dataset, xr.Dataset]:
    axes = {"chain": np.asarray(run.chains), "draw": np.arange(run.sweeps)}
    labels, name = strand.labels[target], strand.named(target)
    variables: dict[str, object] = {}
    used: set[str] = set()
    for parameter, draws in strand.recorder.parameters(target).items():
        own = tuple(f"{parameter}_dim_{i}" for i in range(draws.ndim - 2))
        dims = labels.dims.get(parameter) or own
        variables[parameter] = (("chain", "draw", *dims), draws)
        used.update(dims)
    coords = axes | {dim: list(labels.coords[dim]) for dim in used if dim in labels.coords}
    posterior = xr.Dataset(variables, coords, {"long_name": f"parameters of the model of {name}"})
    statistics = xr.Dataset(
        {
            statistic: (("chain", "draw"), values, {"long_name": STATISTICS[statistic]})
            for statistic, values in strand.recorder.statistics(target).items()
        },
        axes,
        {"long_name": f"transitions of the parameters of {name}"},
    )
    return posterior, statistics


def _sweep_stats(strands: Sequence[StrandRecord], run: RunDescription) -> xr.Dataset:
    variables = {}
    for strand in strands:
        for column, values in strand.recorder.sweep_stats().items():
            variables[strand.named(column)] = (
                ("chain", "draw", "statistic"),
                values,
                {
                    "long_name": "mean and standard deviation of the imputed cells of "
                    f"{strand.named(column)}",
                    "column": column,
                },
            )
    coords = {
        "chain": np.asarray(run.chains),
        "draw": np.arange(run.sweeps),
        "statistic": ["mean", "sd"],
    }
    return xr.Dataset(variables, coords, {"long_name": "imputed cells of each sweep"})

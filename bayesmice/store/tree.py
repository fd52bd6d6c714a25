"""The tree: all that a run knows, as one xarray DataTree."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Protocol

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayesmice.data import Column, ColumnStore
from bayesmice.events import EVENT_FIELDS, Event, event_table
from bayesmice.store.frames import ROW, column_attributes, observed_dataset
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
    m, sweeps : int
        Number of imputations (one per chain) and of sweeps.
    random_seed : int
        Seed of the run.
    visit_sequence : sequence of str
        Order of a sweep.
    specification : str
        The specification as JSON.
    """

    m: int
    sweeps: int
    random_seed: int
    visit_sequence: Sequence[str]
    specification: str


def build_tree(
    store: ColumnStore,
    cells: Mapping[str, NDArray[np.float64]],
    recorder: RunRecorder,
    labels: Mapping[str, Labels],
    events: Sequence[Event],
    run: RunDescription,
) -> xr.DataTree:
    """Arrange a finished run as a tree.

    Parameters
    ----------
    store : ColumnStore
        The data.
    cells : mapping of str to ndarray of shape (m, n_missing)
        The imputed cells of every incomplete column.
    recorder : RunRecorder
        What the visits left behind.
    labels : mapping of str to Labels
        Names of the parameters of each target.
    events : sequence of Event
        The event log.
    run : RunDescription
        What was run.

    Returns
    -------
    xarray.DataTree
        With the groups ``observed_data``, ``imputations``, ``conditionals/<column>``,
        ``sweep_stats``, ``event_log``.
    """
    groups: dict[str, xr.Dataset] = {
        "/": xr.Dataset(attrs=_root_attributes(run)),
        "/observed_data": observed_dataset(store),
        "/imputations": imputations_dataset(store, cells, run),
        "/sweep_stats": _sweep_stats(recorder, run),
        "/event_log": event_dataset(events),
    }
    for target in recorder.targets:
        posterior, statistics = _conditional(recorder, target, labels[target], run)
        group = f"/conditionals/{target}"
        groups[group] = xr.Dataset(attrs={"long_name": f"conditional model of {target}"})
        groups[f"{group}/posterior"] = posterior
        groups[f"{group}/sample_stats"] = statistics
    return xr.DataTree.from_dict(groups)


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
    store: ColumnStore, cells: Mapping[str, NDArray[np.float64]], run: RunDescription
) -> xr.Dataset:
    """Hold the imputed cells only, one variable of shape (m, n_missing) per incomplete column."""
    variables, coords = {}, {}
    for name in store.incomplete:
        column = store.columns[name]
        dim = rows_dim(name)
        variables[name] = xr.Variable(
            ("imputation", dim), _smallest(column, cells[name]), column_attributes(column)
        )
        coords[dim] = xr.Variable(
            dim, column.missing_rows, {"long_name": f"position of the missing cells of {name}"}
        )
    chains = np.arange(run.m)
    coords["imputation"] = xr.Variable("imputation", chains, {"long_name": "imputation"})
    coords["imputation_chain"] = xr.Variable(
        "imputation", chains, {"long_name": "chain that the imputation was taken from"}
    )
    coords["imputation_sweep"] = xr.Variable(
        "imputation",
        np.full(run.m, run.sweeps - 1),
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


def _root_attributes(run: RunDescription) -> dict[str, object]:
    return {
        "format": FORMAT,
        "bayesmice_version": version("bayesmice"),
        "pymc_version": version("pymc"),
        "jax_version": version("jax"),
        "m": run.m,
        "sweeps": run.sweeps,
        "random_seed": str(run.random_seed),
        "visit_sequence": json.dumps(list(run.visit_sequence)),
        "specification": run.specification,
    }


def _conditional(
    recorder: RunRecorder, target: str, labels: Labels, run: RunDescription
) -> tuple[xr.Dataset, xr.Dataset]:
    axes = {"chain": np.arange(run.m), "draw": np.arange(run.sweeps)}
    parameters = recorder.parameters(target)
    variables: dict[str, object] = {}
    used: set[str] = set()
    for name, draws in parameters.items():
        dims = labels.dims.get(name) or tuple(f"{name}_dim_{i}" for i in range(draws.ndim - 2))
        variables[name] = (("chain", "draw", *dims), draws)
        used.update(dims)
    coords = axes | {dim: list(labels.coords[dim]) for dim in used if dim in labels.coords}
    posterior = xr.Dataset(variables, coords, {"long_name": f"parameters of the model of {target}"})
    statistics = xr.Dataset(
        {
            name: (("chain", "draw"), values, {"long_name": STATISTICS[name]})
            for name, values in recorder.statistics(target).items()
        },
        axes,
        {"long_name": f"transitions of the parameters of {target}"},
    )
    return posterior, statistics


def _sweep_stats(recorder: RunRecorder, run: RunDescription) -> xr.Dataset:
    variables = {
        column: (
            ("chain", "draw", "statistic"),
            np.stack(recorder.moments(column), axis=-1),
            {"long_name": f"mean and standard deviation of the imputed cells of {column}"},
        )
        for column in recorder.columns
    }
    coords = {
        "chain": np.arange(run.m),
        "draw": np.arange(run.sweeps),
        "statistic": ["mean", "sd"],
    }
    return xr.Dataset(variables, coords, {"long_name": "imputed cells of each sweep"})


def _smallest(column: Column, cells: NDArray[np.float64]) -> NDArray[np.generic]:
    if not column.levels:
        return cells
    return cells.astype(np.min_scalar_type(-max(len(column.levels), 2)))

"""R-hat over the first sweeps, as they become more."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from arviz_plots import PlotCollection, visuals

from bayesmice.diagnostics import MAX_R_HAT, convergence, sweep_quantities
from bayesmice.errors import SpecificationError
from bayesmice.plots.chains import whole_ticks
from bayesmice.plots.choice import HasTree, check_panels, chosen_columns, tree_of
from bayesmice.plots.look import BACKEND, crowd_alpha, draw_legend, panel_title, shared_style
from bayesmice.store import origin_of

COLUMNS = 3
PANEL = (3.4, 2.6)
SINGLE_PANEL = (6.0, 3.2)
LEGEND_HEIGHT = 0.4
LOWEST = 0.95
LEAST_HIGHEST = 1.2
ROOM = 1.15
"""Of the panel above the largest R-hat that it has to show, as a factor."""
CELLS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "mean of imputed cells": {"color": "#0072B2", "marker": "o"},
        "sd of imputed cells": {"color": "#D55E00", "marker": "^"},
    }
)
PARAMETER: Mapping[str, Any] = MappingProxyType({"color": "B2", "width": 0.8})
BOUND: Mapping[str, Any] = MappingProxyType({"color": "B1", "linestyle": "--", "width": 1.2})
MIXED: Mapping[str, Any] = MappingProxyType({"color": "B1", "linestyle": ":", "width": 1.0})


def plot_convergence(
    imputations: HasTree | xr.DataTree, var_names: str | Sequence[str] | None = None
) -> PlotCollection:
    """Draw R-hat over the first sweeps, for growing numbers of them.

    One panel per column: lines with markers for the mean and the standard deviation of its imputed
    cells, thin ones for the parameters of its conditional model. The dashed line is what
    chance explains: chains that mix well seldom exceed it. The dotted line is 1.05, below which
    chains count as mixed. In chains that converge all lines come down to 1.

    Parameters
    ----------
    imputations : Imputations or xarray.DataTree
        A run, or its tree.
    var_names : str or sequence of str, optional
        The columns or conditional models to show. By default all.

    Returns
    -------
    PlotCollection
        The picture of ArviZ; ``savefig("convergence.png")`` writes it to a file. The lines are in
        ``viz["mean"]``, ``viz["sd"]``, ``viz["parameters"]`` and ``viz["bound"]``.

    Raises
    ------
    DataTypeError
        If ``imputations`` is neither a run nor a tree.
    SpecificationError
        If ``var_names`` names a column without a model, if R-hat is not defined (for a single
        chain, or fewer than four sweeps), if nothing is known of sweeps, or if there are more
        panels than ArviZ allows.

    Notes
    -----
    The numbers are those of ``imputations.convergence().windows``. A panel shows what matters in
    the later half of the run: R-hats of the first sweeps may lie above it, and those of chains that
    each stand still are infinite and not drawn.

    Examples
    --------
    >>> import bayesmice as bm
    >>> mice = bm.MICE(bm.load_dataset("nhanes2"))
    >>> imputations = mice.mice(m=3, sweeps=8, random_seed=1, progressbar=False)
    >>> picture = bm.plot_convergence(imputations, var_names=["bmi", "chl"])
    >>> len(picture.viz["mean"]["bmi"].item().get_xdata())  # after 4, 5, 6, 7 and 8 sweeps
    5
    """
    tree = tree_of(imputations)
    windows = _windows(tree)
    names = chosen_columns(dict.fromkeys(windows["variable"]), var_names)
    check_panels(len(names))
    tables = {name: _by_quantity(windows, name) for name in names}
    bounds = {name: _bounds(windows, name) for name in names}
    with shared_style():
        collection = _panels(names)
        _draw_lines(collection, tables)
        _draw_bounds(collection, tables, bounds)
        _draw_axes(collection, tables, bounds)
        _draw_titles(collection, tables)
        draw_legend(collection, _legend_entries())
    return collection


def _windows(tree: xr.DataTree) -> pd.DataFrame:
    origin = origin_of(tree)
    if not sweep_quantities(tree):
        why = (
            f"these imputations come from {origin}, and do not say how their chains moved. Draw "
            "it for the run that made them"
            if origin is not None
            else "every imputed column has one observed value only, which filled its missing cells "
            "without a model"
        )
        raise SpecificationError(f"There is no R-hat to draw: {why}.")
    found = convergence(tree)
    windows = found.windows
    if not windows["r_hat"].notna().any():
        raise SpecificationError(f"There is no R-hat to draw. {found.verdict}")
    return windows


def _by_quantity(windows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Give R-hat with quantities as rows and numbers of sweeps as columns."""
    own = windows[windows["variable"] == name]
    return own.pivot_table(
        index="quantity", columns="sweeps", values="r_hat", dropna=False, sort=False
    )


def _bounds(windows: pd.DataFrame, name: str) -> "pd.Series[float]":
    own = windows[windows["variable"] == name]
    return own.groupby("sweeps")["r_hat_bound"].first()


def _panels(names: Sequence[str]) -> PlotCollection:
    n_columns, n_rows = min(len(names), COLUMNS), -(-len(names) // COLUMNS)
    width, height = SINGLE_PANEL if len(names) == 1 else PANEL
    return PlotCollection.wrap(
        xr.Dataset({name: ("quantity", [0.0]) for name in names}, {"quantity": ["any"]}),
        cols=["__variable__"],
        col_wrap=COLUMNS,
        backend=BACKEND,
        aes={"overlay": ["quantity"]},
        figure_kwargs={"figsize": (width * n_columns, height * n_rows + LEGEND_HEIGHT)},
    )


def _draw_lines(collection: PlotCollection, tables: Mapping[str, pd.DataFrame]) -> None:
    own = {name: table.drop(index=list(CELLS), errors="ignore") for name, table in tables.items()}
    parameters = _lines(own)
    if parameters.data_vars:
        alpha = crowd_alpha(max(map(len, own.values())))
        collection.map(visuals.line_xy, "parameters", data=parameters, alpha=alpha, **PARAMETER)
        lone = _lines({name: table for name, table in own.items() if table.shape[1] == 1})
        collection.map(  # a line of one point is not seen
            visuals.scatter_xy,
            "parameter_markers",
            data=lone,
            marker="_",
            alpha=alpha,
            color=PARAMETER["color"],
        )
    for key, look in CELLS.items():
        moments = _lines({n: table.loc[[key]] for n, table in tables.items() if key in table.index})
        label, line = key.split()[0], moments.isel(quantity=0, drop=True)
        collection.map(visuals.line_xy, label, data=line, color=look["color"], width=1.4)
        collection.map(visuals.scatter_xy, f"{label}_markers", data=line, size=18, **look)


def _draw_bounds(
    collection: PlotCollection,
    tables: Mapping[str, pd.DataFrame],
    bounds: Mapping[str, "pd.Series[float]"],
) -> None:
    rows = {name: bound.to_frame("bound").T for name, bound in bounds.items()}
    line = _lines(rows).isel(quantity=0, drop=True)
    collection.map(visuals.line_xy, "bound", data=line, ignore_aes="all", **BOUND)
    mixed = xr.Dataset(dict.fromkeys(tables, MAX_R_HAT))
    collection.map(visuals.hline, "mixed", data=mixed, ignore_aes="all", **MIXED)


def _draw_axes(
    collection: PlotCollection,
    tables: Mapping[str, pd.DataFrame],
    bounds: Mapping[str, "pd.Series[float]"],
) -> None:
    for name, table in tables.items():
        panel, ticks = xr.DataArray(0.0, name=name), whole_ticks(table.columns.to_numpy())
        at = {"data": panel, "ignore_aes": "all"}
        limits = (LOWEST, _top(table, bounds[name]))
        collection.map(visuals.set_ylim, store_artist=False, limits=limits, **at)
        labels = [str(tick) for tick in ticks]
        collection.map(visuals.set_xticks, store_artist=False, values=ticks, labels=labels, **at)
        collection.map(visuals.labelled_x, "xlabel", text="first sweeps", **at)
        collection.map(visuals.labelled_y, "ylabel", text="R-hat", **at)


def _lines(tables: Mapping[str, pd.DataFrame]) -> xr.Dataset:
    """Give x and y of one line for every row, by name; an artist of ArviZ has one set of labels."""
    return xr.Dataset({name: _line(table) for name, table in tables.items() if len(table)})


def _line(table: pd.DataFrame) -> xr.DataArray:
    values = table.to_numpy(dtype=float)
    finite = np.where(np.isfinite(values), values, np.nan)
    sweeps = np.where(np.isnan(finite), np.nan, table.columns.to_numpy(dtype=float))
    return xr.DataArray(
        np.stack([sweeps, finite], axis=1),
        dims=("quantity", "plot_axis", "window"),
        coords={
            "quantity": list(table.index),
            "plot_axis": ["x", "y"],
            "window": np.arange(table.shape[1]),
        },
    )


def _top(table: pd.DataFrame, bounds: "pd.Series[float]") -> float:
    """Show all of the later half of the run."""
    later = table.shape[1] // 2
    values = np.append(table.to_numpy(dtype=float)[:, later:], bounds.to_numpy()[later:])
    largest = np.max(values[np.isfinite(values)], initial=LEAST_HIGHEST)
    return float(1 + (largest - 1) * ROOM)


def _draw_titles(collection: PlotCollection, tables: Mapping[str, pd.DataFrame]) -> None:
    titles = {(name,): _title(name, table.iloc[:, -1].dropna()) for name, table in tables.items()}
    panels = xr.Dataset(dict.fromkeys(tables, 0.0))
    collection.map(
        panel_title, "title", data=panels, ignore_aes="all", subset_info=True, titles=titles
    )


def _title(name: str, last: "pd.Series[float]") -> str:
    if last.empty:
        return f"{name}: R-hat is not defined"
    return f"{name}: {last.max():.2f} at the end ({last.idxmax()})"


def _legend_entries() -> dict[str, Mapping[str, Any]]:
    cells = {name.split()[0]: {**look, "markersize": 4} for name, look in CELLS.items()}
    return {
        **cells,
        "parameters": PARAMETER,
        "chance": BOUND,
        f"{MAX_R_HAT:g}": MIXED,
    }

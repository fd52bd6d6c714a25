"""Missing information: fractions by column, and how uncertain each missing cell is."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection, visuals

from bayesmice.diagnostics.missing_information import MissingInformation, missing_information
from bayesmice.plots.choice import HasTree, tree_of
from bayesmice.plots.levels import level_name
from bayesmice.plots.look import (
    BACKEND,
    IMPUTED,
    crowd_alpha,
    draw_legend,
    panel_title,
    shared_style,
    wrapped,
)
from bayesmice.store import store_from_dataset

PANEL_WIDTH, LETTER_WIDTH = 4.0, 0.085
LINE_HEIGHT, MARGIN = 0.2, 1.4
"""Inches; a row is one line high for each line of its name, and one more."""
SPREAD = 0.28
"""Half of the height over which the cells of a column are spread, in rows."""
GOLDEN = (np.sqrt(5) - 1) / 2
"""Multiples of it, modulo one, spread marks evenly without chance."""
MISSING: Mapping[str, Any] = {"color": "B1", "marker": "s", "width": 1.4}
FRACTION: Mapping[str, Any] = {"color": IMPUTED["color"], "marker": "o"}
CELL: Mapping[str, Any] = {"color": "#0072B2", "marker": "o", "width": 0}


def plot_fmi(
    imputations: HasTree | xr.DataTree, var_names: str | Sequence[str] | None = None
) -> PlotCollection:
    """Draw how much information is missing of each column's mean, and of each missing cell.

    On the left one row for the mean of each column, or the share of each level: a square at the
    share of its cells that are missing, and a dot at its fraction of missing information, with its
    95 % interval. On the right one dot per missing cell: the variance between its imputations over
    the variance of the observed values; the dashed line is where other columns tell nothing.

    Parameters
    ----------
    imputations : Imputations or xarray.DataTree
        A run, or its tree, with two imputations or more.
    var_names : str or sequence of str, optional
        Columns with imputed missing cells. By default all.

    Returns
    -------
    PlotCollection
        The picture of ArviZ; ``savefig("fmi.png")`` writes it to a file. Its marks are in
        ``viz["missing"]``, ``viz["fmi"]``, ``viz["interval"]`` and ``viz["cells"]``.

    Raises
    ------
    DataTypeError
        If ``imputations`` is neither a run nor a tree.
    SpecificationError
        If a column has no imputed missing cells, or there is none at all.
    PoolingError
        If there is a single imputation.

    See Also
    --------
    bayesmice.Imputations.fmi : The numbers.

    Notes
    -----
    A dot left of its square: other columns tell something of the missing cells. A dot right of it:
    imputed values vary more than observed ones, since few of them are known or because they are
    far from these. Wide intervals ask for more imputations.

    Examples
    --------
    >>> import bayesmice as bm
    >>> mice = bm.MICE(bm.load_dataset("nhanes2"))
    >>> imputations = mice.mice(m=3, sweeps=5, random_seed=1, progressbar=False)
    >>> picture = bm.plot_fmi(imputations)
    >>> len(picture.viz["fmi"]["information"].item().get_offsets())
    3
    """
    tree = tree_of(imputations)
    store = store_from_dataset(tree["observed_data"].to_dataset())
    information = missing_information(tree, store, var_names)
    names = _quantity_names(information), [own.column.name for own in information.columns]
    with shared_style():
        collection = PlotCollection.wrap(
            xr.Dataset({"information": 0.0, "cells": 0.0}),
            cols=["__variable__"],
            backend=BACKEND,
            figure_kwargs={"figsize": _figure_size(names)},
        )
        _draw_fractions(collection, information, names[0])
        _draw_cells(collection, information, names[1])
        titles = {
            ("information",): f"information missing of means (m={information.m})",
            ("cells",): "variance of each missing cell",
        }
        collection.map(panel_title, "title", ignore_aes="all", subset_info=True, titles=titles)
        draw_legend(
            collection,
            {
                "share of cells missing": {
                    **MISSING,
                    "linestyle": "none",
                    "markersize": 7,
                    "markerfacecolor": "none",
                },
                "fraction of missing information": {**FRACTION, "width": 1.5, "markersize": 6},
                "a missing cell": {**CELL, "markersize": 4},
            },
        )
    return collection


def _quantity_names(information: MissingInformation) -> list[str]:
    return [
        str(name) if quantity == "mean" else f"{name}: {_short(str(quantity))}"
        for name, quantity in information.table.index
    ]


def _figure_size(names: Sequence[Sequence[str]]) -> tuple[float, float]:
    lines = [wrapped(name).split("\n") for panel in names for name in panel]
    longest = max(len(line) for own in lines for line in own)
    n_rows, n_lines = max(map(len, names)), max(map(len, lines))
    width = 2 * (PANEL_WIDTH + LETTER_WIDTH * longest)
    return width, LINE_HEIGHT * (n_lines + 1) * n_rows + MARGIN


def _draw_fractions(
    collection: PlotCollection, information: MissingInformation, names: Sequence[str]
) -> None:
    table = information.table.reset_index()
    rows = np.arange(len(table), dtype=float)
    nothing = np.full(len(table), np.nan)
    x = np.stack([table["fmi_low"], table["fmi_high"], nothing], axis=1).ravel()
    y = np.stack([rows, rows, nothing], axis=1).ravel()
    collection.map(
        visuals.line_xy,
        "interval",
        data=_points("information", x, y),
        color=FRACTION["color"],
        width=1.5,
    )
    collection.map(
        visuals.scatter_xy,
        "fmi",
        data=_points("information", table["fmi"].to_numpy(), rows),
        size=40,
        width=0,
        **FRACTION,
    )
    collection.map(
        visuals.scatter_xy,
        "missing",
        data=_points("information", table["missing"].to_numpy(), rows),
        size=52,
        facecolor="none",
        **MISSING,
    )
    _finish(collection, "information", names, "fraction")
    panel = xr.DataArray(0.0, name="information")
    collection.map(visuals.set_xlim, data=panel, store_artist=False, limits=(-0.03, 1.03))


def _draw_cells(
    collection: PlotCollection, information: MissingInformation, names: Sequence[str]
) -> None:
    cells = information.cells
    order = {name: place for place, name in enumerate(names)}
    number = cells.groupby("variable", sort=False).cumcount().to_numpy()
    place = cells["variable"].map(order).to_numpy(dtype=float)
    offset = SPREAD * (2 * ((number * GOLDEN) % 1) - 1)
    panel = xr.DataArray(0.0, name="cells")
    collection.map(
        visuals.vline, "nothing_known", data=panel + 1.0, color="B2", width=1.2, linestyle="--"
    )
    most = max(len(own.rows) for own in information.columns)
    collection.map(
        visuals.scatter_xy,
        "cells",
        data=_points("cells", cells["relative_variance"].to_numpy(dtype=float), place + offset),
        size=14,
        alpha=crowd_alpha(max(most // 10, 1)),
        **CELL,
    )
    _finish(collection, "cells", names, "between imputations, over that of observed values")
    furthest = float(np.nan_to_num(cells["relative_variance"].to_numpy(dtype=float)).max())
    furthest = max(furthest, 1.0)
    limits = (-0.04 * furthest, 1.06 * furthest)
    collection.map(visuals.set_xlim, data=panel, store_artist=False, limits=limits)


def _finish(collection: PlotCollection, panel: str, names: Sequence[str], label: str) -> None:
    """Name the rows of a panel, the first of them at the top."""
    shown = xr.DataArray(0.0, name=panel)
    labels = [wrapped(name) for name in names]
    places = list(range(len(names)))
    collection.map(_set_yticks, data=shown, store_artist=False, values=places, labels=labels)
    limits = (len(names) - 0.4, -0.6)
    collection.map(visuals.set_ylim, data=shown, store_artist=False, limits=limits)
    collection.map(visuals.labelled_x, "xlabel", data=shown, text=label)


def _set_yticks(_: Any, target: Any, *, values: Sequence[int], labels: Sequence[str]) -> None:
    target.set_yticks(values, labels)


def _short(quantity: str) -> str:
    return level_name(quantity.removeprefix("share of "))


def _points(panel: str, x: Any, y: Any) -> xr.DataArray:
    return xr.DataArray(
        np.stack([x, y]),
        dims=("plot_axis", "_point"),
        coords={"plot_axis": ["x", "y"]},
        name=panel,
    )

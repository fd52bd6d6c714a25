"""Panels in which the observed values and each imputation stand side by side."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection, visuals
from numpy.typing import NDArray

from bayesmice.data import Column
from bayesmice.plots.choice import HasTree, check_panels, chosen_columns, tree_of
from bayesmice.plots.levels import draw_levels
from bayesmice.plots.look import BACKEND, draw_legend, panel_title, shared_style
from bayesmice.plots.panels import CELL, LEGEND_HEIGHT
from bayesmice.store import store_from_dataset

Numbers = NDArray[np.float64]

MAX_IMPUTATIONS = 50
"""More are not told apart; as many of them are shown, evenly chosen."""
WIDTHS = (3.4, 7.0)
"""Inches of a panel: at least, and at most."""
PLACE = 0.14
"""Inches of an imputation."""
HEIGHT = 2.8
ROOM = 10.4
"""Inches of a row of panels."""
AXIS = 0.8
"""Inches beside the axes."""
LABEL = 0.5
"""Inches from the word 'observed' to the first number below the axis."""
MAX_TICKS = 10


@dataclass(frozen=True, eq=False)
class Places:
    """Where the observed values and the imputations stand on the horizontal axis.

    Attributes
    ----------
    observed : float
        Of the observed values.
    imputations : ndarray of int, of shape (m,)
        Numbers of the imputations that are shown, in their order.
    """

    observed: float
    imputations: NDArray[np.intp]

    @property
    def imputed(self) -> Numbers:
        """Places of the imputations."""
        return np.arange(len(self.imputations), dtype=float)


DrawNumbers = Callable[[PlotCollection, Column, xr.DataArray, Places], None]


def draw_side_by_side(
    imputations: HasTree | xr.DataTree,
    var_names: str | Sequence[str] | None,
    draw_numbers: DrawNumbers,
    legend: Mapping[str, Mapping[str, Any]],
) -> PlotCollection:
    """Draw one panel per imputed column.

    Columns with levels have bars of the observed proportions, and dots of the imputed ones.

    Parameters
    ----------
    imputations : Imputations or xarray.DataTree
        A run, or its tree.
    var_names : str or sequence of str, optional
        The columns.
    draw_numbers : callable
        Draws a column of numbers: from the picture, the column, its imputed cells of shape
        (m, n_missing), and the places.
    legend : mapping of str to mapping
        For each label the properties of its mark.
    """
    tree = tree_of(imputations)
    imputed = tree["imputations"].to_dataset()
    names = chosen_columns(imputed.data_vars, var_names)
    check_panels(len(names))
    store = store_from_dataset(tree["observed_data"].to_dataset())
    m = imputed.sizes["imputation"]
    chosen = np.unique(np.linspace(0, m - 1, min(m, MAX_IMPUTATIONS)).round().astype(np.intp))
    cells = {
        name: xr.DataArray(
            imputed[name].to_numpy()[chosen].astype(float),
            dims=("imputation", CELL),
            coords={"imputation": imputed["imputation"].to_numpy()[chosen]},
            name=name,
        )
        for name in names
    }
    width = float(np.clip(PLACE * len(chosen) + AXIS, *WIDTHS))
    places = Places(-max(1.0, LABEL * len(chosen) / (width - AXIS)), chosen)
    with shared_style():
        collection = _panels(cells, width)
        for name in names:
            column = store.columns[name]
            if column.levels:
                draw_levels(collection, column, cells[name])
            else:
                draw_numbers(collection, column, cells[name], places)
                _label_places(collection, name, places)
        titles = {
            (name,): f"{name}: {cells[name].sizes[CELL]} of {store.n_rows} imputed"
            for name in names
        }
        collection.map(panel_title, "title", ignore_aes="all", subset_info=True, titles=titles)
        draw_legend(collection, _entries(legend, len(chosen), m))
    return collection


def _panels(cells: Mapping[str, xr.DataArray], width: float) -> PlotCollection:
    wrap = min(len(cells), max(1, int(ROOM // width)))
    n_rows = -(-len(cells) // wrap)
    return PlotCollection.wrap(
        xr.Dataset({name: values.isel({CELL: 0}, drop=True) for name, values in cells.items()}),
        cols=["__variable__"],
        col_wrap=wrap,
        backend=BACKEND,
        aes={"overlay": ["imputation"]},
        figure_kwargs={"figsize": (width * wrap, HEIGHT * n_rows + LEGEND_HEIGHT)},
    )


def _label_places(collection: PlotCollection, name: str, places: Places) -> None:
    step = next(
        step for step in (1, 2, 5, 10, 20, 50, 100) if len(places.imputations) <= step * MAX_TICKS
    )
    shown = places.imputed[::step]
    labels = ["observed", *(str(number) for number in places.imputations[::step])]
    panel = xr.DataArray(0.0, name=name)
    collection.map(
        visuals.set_xticks,
        data=panel,
        ignore_aes="all",
        store_artist=False,
        values=[places.observed, *shown],
        labels=labels,
    )
    collection.map(visuals.labelled_x, "xlabel", data=panel, ignore_aes="all", text="imputation")
    limits = places.observed - 0.8, places.imputed[-1] + 0.8
    collection.map(
        visuals.set_xlim, data=panel, ignore_aes="all", store_artist=False, limits=limits
    )


def _entries(
    legend: Mapping[str, Mapping[str, Any]], n_shown: int, m: int
) -> dict[str, Mapping[str, Any]]:
    if n_shown == m:
        return dict(legend)
    return {
        f"{label} ({n_shown} of {m} imputations)" if label == "imputed" else label: look
        for label, look in legend.items()
    }

"""Panels: one per column, in which imputations or draws overlay each other."""

from collections.abc import Mapping

import xarray as xr
from arviz_plots import PlotCollection

from bayesmice.plots.look import BACKEND

CELL, POINT = "_cell", "_point"
"""Dimensions, named as no column is likely to be."""
COLUMNS = 3
PANEL = (3.4, 2.6)
SINGLE_PANEL = (5.0, 3.2)
LEGEND_HEIGHT = 0.4


def panels(cells: Mapping[str, xr.DataArray]) -> PlotCollection:
    """Lay out one panel per column, in which the lines of imputations or draws overlay each other.

    These are the first dimension of every array.
    """
    (overlaid,) = {values.dims[0] for values in cells.values()}
    n_columns, n_rows = min(len(cells), COLUMNS), -(-len(cells) // COLUMNS)
    width, height = SINGLE_PANEL if len(cells) == 1 else PANEL
    return PlotCollection.wrap(
        xr.Dataset({name: values.isel({CELL: 0}, drop=True) for name, values in cells.items()}),
        cols=["__variable__"],
        col_wrap=COLUMNS,
        backend=BACKEND,
        aes={"overlay": [overlaid]},
        figure_kwargs={"figsize": (width * n_columns, height * n_rows + LEGEND_HEIGHT)},
    )


def single_panel(name: str, size: tuple[float, float]) -> PlotCollection:
    """Lay out one panel, of a size in inches, for a picture of the whole data set.

    Marks are mapped to it by data arrays of that name.
    """
    return PlotCollection.wrap(
        xr.Dataset({name: xr.DataArray(0.0)}),
        cols=["__variable__"],
        backend=BACKEND,
        figure_kwargs={"figsize": size},
    )

"""Rootograms of many draws: how often counts were observed, and how often they were drawn.

References
----------
Kleiber and Zeileis (2016), The American Statistician 70, 296-303.
"""

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection, visuals
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from bayesmice.data import Column
from bayesmice.plots.levels import FILL_ALPHA, bars
from bayesmice.plots.look import IMPUTED, OBSERVED
from bayesmice.plots.panels import POINT

Numbers = NDArray[np.float64]

MAX_BINS = 40
CENTRAL = (0.05, 0.5, 0.95)
"""Quantiles of drawn frequencies that are shown."""
REACH = 0.995
"""Share of the drawn counts that a panel shows at least."""


def draw_rootogram(collection: PlotCollection, column: Column, drawn: Numbers, label: str) -> None:
    """Draw square roots of the frequencies of counts: bars observed, dots and intervals drawn.

    Parameters
    ----------
    collection : PlotCollection
        The picture.
    column : Column
        A column of counts.
    drawn : ndarray of shape (draws, n_observed)
        What was drawn of it. Dots are medians over draws, lines go from the 5 % to the 95 %
        quantile.
    label : str
        Name of the dots in ``viz``; that of the lines has ``_interval`` after it.
    """
    observed = column.observed_values
    top = max(observed.max(), np.quantile(drawn, REACH))
    width = int(max(1, -(-(top + 1) // MAX_BINS)))
    edges = np.arange(0, top + width + 1, width) - 0.5
    middles = (edges[:-1] + edges[1:]) / 2
    heights = np.sqrt(np.histogram(observed, edges)[0])
    roots = np.sqrt([np.histogram(values, edges)[0] for values in drawn])
    low, median, high = np.quantile(roots, CENTRAL, axis=0)
    outlined = bars(heights, middles, width).rename(column.name)
    fill = {"color": OBSERVED["color"], "alpha": FILL_ALPHA}
    collection.map(visuals.hist, "observed_fill", data=outlined, ignore_aes="all", **fill)
    collection.map(visuals.step_hist, "observed", data=outlined, ignore_aes="all", **OBSERVED)
    ends = np.stack([low, high, np.full(len(low), np.nan)], axis=1).ravel()
    lines = _array(column, [np.repeat(middles, 3), ends], ["x", "y"])
    collection.map(
        visuals.line_xy, f"{label}_interval", data=lines, ignore_aes="all",
        color=IMPUTED["color"], width=1.8,
    )  # fmt: skip
    collection.map(
        visuals.scatter_xy, label, data=_array(column, [middles, median], ["x", "y"]),
        ignore_aes="all", color=IMPUTED["color"], size=22, width=0,
    )  # fmt: skip
    panel = xr.DataArray(0.0, name=column.name)
    collection.map(visuals.labelled_y, "ylabel", data=panel, ignore_aes="all", text="√frequency")
    set_whole_ticks(collection, column, (float(edges[0]), float(edges[-1])))


def set_whole_ticks(collection: PlotCollection, column: Column, view: tuple[float, float]) -> None:
    """Put ticks at whole numbers only."""
    ticks = MaxNLocator(nbins=8, integer=True).tick_values(*view)
    kept = [int(tick) for tick in ticks if view[0] <= tick <= view[1]]
    collection.map(
        visuals.set_xticks,
        data=xr.DataArray(0.0, name=column.name),
        ignore_aes="all",
        store_artist=False,
        values=kept,
        labels=[str(tick) for tick in kept],
    )


def _array(column: Column, rows: list[Numbers], axes: list[str]) -> xr.DataArray:
    return xr.DataArray(
        np.stack(rows), dims=("plot_axis", POINT), coords={"plot_axis": axes}, name=column.name
    )

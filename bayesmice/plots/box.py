"""Boxes: the observed values, and those of each imputation."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection
from matplotlib.cbook import boxplot_stats
from numpy.typing import NDArray

from bayesmice.data import Column
from bayesmice.plots.choice import HasTree
from bayesmice.plots.look import IMPUTED, OBSERVED, shown_color
from bayesmice.plots.panels import CELL
from bayesmice.plots.side_by_side import Places, draw_side_by_side

WIDTH = 0.6
"""Of a box, as a share of its place."""
MAX_POINTS = 100
"""Points beyond the whiskers of one box."""
LEGEND = {"observed": OBSERVED, "imputed": IMPUTED}


def plot_box(
    imputations: HasTree | xr.DataTree, var_names: str | Sequence[str] | None = None
) -> PlotCollection:
    """Draw the values of each column as boxes: of the observed ones, and of each imputation.

    One panel per imputed column. On the left the box of the observed values, and then one for each
    imputation, of its imputed cells alone. A box goes from the lower to the upper quartile, with a
    line at the median; whiskers go to the last value within one and a half box lengths, and points
    lie beyond. Columns with levels have bars of the observed proportions, and dots of the imputed
    ones, as in `plot_density`.

    Parameters
    ----------
    imputations : Imputations or xarray.DataTree
        A run, or its tree.
    var_names : str or sequence of str, optional
        The imputed columns to show. By default all.

    Returns
    -------
    PlotCollection
        The picture of ArviZ; ``savefig("box.png")`` writes it to a file. Its boxes are in
        ``viz["observed"]`` and ``viz["imputed"]``.

    Raises
    ------
    DataTypeError
        If ``imputations`` is neither a run nor a tree.
    SpecificationError
        If ``var_names`` names a column that was not imputed, if nothing was imputed, or if there
        are more panels than ArviZ allows.

    Notes
    -----
    Good for many rows and many imputations. Values that are missing at random may differ from the
    observed ones; imputations that differ much from each other have not converged, or have few
    cells. Of more than 100 points beyond the whiskers of a box, the farthest on either side and
    evenly chosen ones between them are shown. Of more than 50 imputations, 50 are shown, as the
    legend says.

    Examples
    --------
    >>> import bayesmice as bm
    >>> mice = bm.MICE(bm.load_dataset("nhanes2"))
    >>> imputations = mice.mice(m=3, sweeps=5, random_seed=1, progressbar=False)
    >>> picture = bm.plot_box(imputations, var_names="bmi")
    >>> picture.viz["imputed"]["bmi"].sizes["imputation"]
    3
    """
    return draw_side_by_side(imputations, var_names, _draw_boxes, LEGEND)


def _draw_boxes(
    collection: PlotCollection, column: Column, imputed: xr.DataArray, places: Places
) -> None:
    observed = xr.DataArray(column.observed_values, dims=CELL, name=column.name)
    collection.map(_box, "observed", data=observed, place=places.observed, **OBSERVED)
    where = xr.DataArray(
        places.imputed,
        dims="imputation",
        coords={"imputation": imputed["imputation"]},
        name=column.name,
    )
    collection.map(_box, "imputed", data=imputed, place=where, **IMPUTED)


def _box(
    values: xr.DataArray, target: Any, *, place: Any, color: str, width: float, **_: Any
) -> Any:
    (statistics,) = boxplot_stats(values.to_numpy())
    statistics["fliers"] = _thinned(statistics["fliers"])
    line = {"color": shown_color(color), "linewidth": width}
    parts = target.bxp(
        [statistics],
        positions=[float(place)],
        widths=WIDTH,
        manage_ticks=False,
        capwidths=WIDTH / 2,
        boxprops=line,
        whiskerprops=line,
        capprops=line,
        medianprops=line | {"linewidth": width + 1},
        flierprops={"marker": ".", "markersize": 3, "markeredgecolor": line["color"]},
    )
    return parts["boxes"][0]


def _thinned(beyond: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(beyond) <= MAX_POINTS:
        return beyond
    chosen = np.linspace(0, len(beyond) - 1, MAX_POINTS).round().astype(np.intp)
    return np.sort(beyond)[chosen]

"""Influx against outflux: how each column is connected with the missing cells of the others."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from arviz_plots import PlotCollection, visuals
from matplotlib.text import Annotation
from numpy.typing import NDArray

from bayesmice.data.flux import flux
from bayesmice.data.libraries import AnyFrame
from bayesmice.errors import SpecificationError
from bayesmice.plots.choice import HasTree, chosen_columns, holes_of
from bayesmice.plots.look import OBSERVED, draw_legend, shared_style, shown_color
from bayesmice.plots.panels import LEGEND_HEIGHT, POINT, single_panel

Numbers = NDArray[np.float64]

NAME = "flux"
PANEL = 4.2
"""Inches of the square panel."""
LINE = 0.17
"""Inches from one label to the next."""
LETTER = 0.075
"""Inches of a letter, about."""
GAP = 0.05
"""From the panel to the labels, as a share of its width."""
MARGIN = 0.03
MAX_NAMES, MAX_LETTERS = 3, 40
"""What a label has at most, where several columns share a point."""
SAME = 1e-9
"""Smaller differences are not seen."""
LEADER: dict[str, Any] = {
    "arrowstyle": "-",
    "linewidth": 0.5,
    "alpha": 0.6,
    "relpos": (0, 0.5),
    "shrinkA": 0,
}
"""From the left of a label to its point."""


def plot_flux(
    data: HasTree | xr.DataTree | AnyFrame, var_names: str | Sequence[str] | None = None
) -> PlotCollection:
    """Draw outflux against influx of each column, as R's ``fluxplot``.

    One point per column. High up are columns that are observed where cells of others are missing,
    which may help to impute them; on the right are columns that are missing where others are
    observed, which can be imputed from them. Columns far below the dashed line are badly connected:
    consider whether the analysis needs them.

    Parameters
    ----------
    data : DataFrame of any library, Imputations or xarray.DataTree
        The data, or a run or its tree, whose data are shown.
    var_names : str or sequence of str, optional
        The columns to show. By default all. Their numbers are about all columns nevertheless.

    Returns
    -------
    PlotCollection
        The picture of ArviZ; ``savefig("flux.png")`` writes it to a file. Its points are in
        ``viz["columns"]``, its labels in ``viz["labels"]``.

    Raises
    ------
    DataTypeError
        If ``data`` is neither a data frame nor a run.
    DataError
        If the data are empty, or have duplicate column names.
    SpecificationError
        If no cell is missing, or ``var_names`` names a column that the data do not have.

    See Also
    --------
    flux : The numbers, and what they mean.

    Notes
    -----
    Labels stand one below the other beside the panel, so that they never overlap, with a thin line
    to their point. Columns at the same point share a label; of more than three, the first two are
    named, and the others counted.

    References
    ----------
    .. [1] van Buuren (2018), Flexible Imputation of Missing Data, 2nd ed., section 4.1.3.

    Examples
    --------
    >>> import bayesmice as bm
    >>> picture = bm.plot_flux(bm.load_dataset("nhanes2"))
    >>> picture.viz["figure"].item().axes[0].get_xlabel()
    'influx'
    """
    holes = holes_of(data, "plot_flux")
    numbers = flux(holes).loc[chosen_columns(holes.columns, var_names), ["influx", "outflux"]]
    if numbers["outflux"].isna().any():
        raise SpecificationError(
            "There is nothing to draw: the data have no missing cell, so no column has an influx "
            "or outflux."
        )
    places = _places(numbers)
    letters = max(map(len, places["label"]))
    height = max(PANEL + 0.6, LINE * len(places) + 0.6) + LEGEND_HEIGHT
    points = xr.DataArray(
        places[["influx", "outflux"]].to_numpy().T,
        dims=("plot_axis", POINT),
        coords={"plot_axis": ["x", "y"]},
        name=NAME,
    )
    with shared_style():
        collection = single_panel(NAME, (PANEL + 1.1 + LETTER * letters, height))
        collection.map(_diagonal, "diagonal", data=points)
        collection.map(
            visuals.scatter_xy, "columns", data=points, color=OBSERVED["color"], size=30, zorder=3
        )
        collection.map(
            _write_labels,
            "labels",
            data=points,
            labels=list(places["label"]),
            line=LINE / (height - 0.6 - LEGEND_HEIGHT),
            artist_dims={"label": len(places)},
        )
        collection.map(visuals.labelled_x, "xlabel", data=points, text="influx")
        collection.map(visuals.labelled_y, "ylabel", data=points, text="outflux")
        draw_legend(collection, {"influx + outflux = 1": {"color": "B2", "linestyle": "--"}})
    return collection


def _places(numbers: pd.DataFrame) -> pd.DataFrame:
    """Give points with their labels, from the top down; columns at one point become one."""
    rounded = (numbers / SAME).round()
    rows = [
        (*numbers.loc[names[0]], _label(names))
        for names in (list(map(str, own)) for own in rounded.groupby(list(rounded)).groups.values())
    ]
    places = pd.DataFrame(rows, columns=["influx", "outflux", "label"])
    return places.sort_values(["outflux", "influx"], ascending=[False, True], ignore_index=True)


def _label(names: Sequence[str]) -> str:
    if len(names) > MAX_NAMES:
        return f"{', '.join(map(_short, names[:2]))} and {len(names) - 2} others"
    return ", ".join(map(_short, names))


def _short(name: str) -> str:
    return name if len(name) <= MAX_LETTERS else f"{name[: MAX_LETTERS - 1]}…"


def _diagonal(_: xr.DataArray, target: Any) -> Any:
    target.set_xlim(-MARGIN, 1 + MARGIN)
    target.set_ylim(-MARGIN, 1 + MARGIN)
    (line,) = target.plot([0, 1], [1, 0], color=shown_color("B2"), linestyle="--", linewidth=1)
    return line


def _write_labels(
    points: xr.DataArray, target: Any, *, labels: Sequence[str], line: float
) -> NDArray[np.object_]:
    """Write labels beside the panel, at heights as near to their points as there is room for."""
    x, y = points.to_numpy()
    color = shown_color("B2")
    heights = _spread((y + MARGIN) / (1 + 2 * MARGIN), line)
    written: list[Annotation] = [
        target.annotate(
            label,
            point,
            (1 + GAP, height),
            xycoords="data",
            textcoords="axes fraction",
            va="center",
            arrowprops=LEADER | {"color": color},
        )
        for label, point, height in zip(labels, zip(x, y, strict=True), heights, strict=True)
    ]
    return np.array(written, dtype=object)


def _spread(wanted: Numbers, least: float) -> Numbers:
    """Move heights in 0 to 1, given from the top down, until neighbours are so far apart.

    Pushed down from the top first, and what then lies below the panel is pushed up again.
    """
    heights = wanted.copy()
    for i in range(1, len(heights)):
        heights[i] = min(heights[i], heights[i - 1] - least)
    heights[-1] = max(heights[-1], 0.0)
    for i in range(len(heights) - 2, -1, -1):
        heights[i] = max(heights[i], heights[i + 1] + least)
    return heights

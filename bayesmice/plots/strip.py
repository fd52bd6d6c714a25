"""Strips of points: the observed values, and those of each imputation."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection, visuals
from numpy.typing import NDArray

from bayesmice.data import Column
from bayesmice.plots.choice import HasTree
from bayesmice.plots.look import IMPUTED, OBSERVED, crowd_alpha
from bayesmice.plots.panels import POINT
from bayesmice.plots.side_by_side import Places, draw_side_by_side

Numbers = NDArray[np.float64]

MAX_POINTS = 300
"""Points of a strip."""
MAX_IMPUTED_POINTS = 5000
"""Points of all imputations together."""
WIDTH = 0.6
"""Of a strip, as a share of its place."""
GOLDEN = 0.6180339887498949
"""Multiples of it, without their whole parts, fill an interval evenly."""
SIZES = (14, 16)
"""Of observed and imputed points."""
LEGEND = {
    "observed": {"color": OBSERVED["color"], "marker": "o", "linestyle": "", "markersize": 4},
    "imputed": {"color": IMPUTED["color"], "marker": "x", "linestyle": "", "markersize": 4},
}


def plot_strip(
    imputations: HasTree | xr.DataTree, var_names: str | Sequence[str] | None = None
) -> PlotCollection:
    """Draw the values of each column as points: observed ones, and those of each imputation.

    One panel per imputed column. On the left a strip of the observed values, and then one strip for
    each imputation, with its imputed cells alone. Columns with levels have bars of the observed
    proportions, and dots of the imputed ones, as in `plot_density`.

    Parameters
    ----------
    imputations : Imputations or xarray.DataTree
        A run, or its tree.
    var_names : str or sequence of str, optional
        The imputed columns to show. By default all.

    Returns
    -------
    PlotCollection
        The picture of ArviZ; ``savefig("strip.png")`` writes it to a file. Its points are in
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
    Good for few values, where single ones can be seen: values that cannot be, and values that
    matching takes again and again. A strip has 300 points at most, and all imputations together
    5,000: of more values, the smallest and the largest and evenly chosen ones of those between them
    in their order, so that the points are spread as the values are. Points lie at different places
    across a strip only to be seen. Of more than 50 imputations, 50 are shown, as the legend says.

    Examples
    --------
    >>> import bayesmice as bm
    >>> mice = bm.MICE(bm.load_dataset("nhanes2"))
    >>> imputations = mice.mice(m=3, sweeps=5, random_seed=1, progressbar=False)
    >>> picture = bm.plot_strip(imputations, var_names="bmi")
    >>> picture.viz["imputed"]["bmi"].sizes["imputation"]
    3
    """
    return draw_side_by_side(imputations, var_names, _draw_strips, LEGEND)


def _draw_strips(
    collection: PlotCollection, column: Column, imputed: xr.DataArray, places: Places
) -> None:
    own = _strip(column.observed_values, places.observed, 1.0, MAX_POINTS)
    n_most = min(MAX_POINTS, MAX_IMPUTED_POINTS // len(imputed))
    observed = xr.DataArray(
        own, dims=("plot_axis", POINT), coords={"plot_axis": ["x", "y"]}, name=column.name
    )
    strips = np.stack(
        [
            _strip(values, place, WIDTH, n_most)
            for values, place in zip(imputed.to_numpy(), places.imputed, strict=True)
        ]
    )
    drawn = xr.DataArray(
        strips,
        dims=("imputation", "plot_axis", POINT),
        coords={"imputation": imputed["imputation"], "plot_axis": ["x", "y"]},
        name=column.name,
    )
    looks = [
        ("observed", observed, OBSERVED["color"], "o", SIZES[0]),
        ("imputed", drawn, IMPUTED["color"], "x", SIZES[1]),
    ]
    for label, points, color, marker, size in looks:
        collection.map(
            visuals.scatter_xy,
            label,
            data=points,
            color=color,
            marker=marker,
            size=size,
            width=1.0,
            alpha=crowd_alpha(-(-points.sizes[POINT] // 10)),
        )


def _strip(values: Numbers, place: float, width: float, n_most: int) -> Numbers:
    """Give the points of a strip, of shape (2, n_points)."""
    ordered = np.sort(values)
    n_shown = min(len(ordered), n_most)
    shown = ordered[np.linspace(0, len(ordered) - 1, n_shown).round().astype(np.intp)]
    across = (np.arange(1, n_shown + 1) * GOLDEN) % 1 - 0.5
    return np.stack([place + across * width, shown])

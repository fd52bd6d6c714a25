"""Observed against imputed values, column by column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection, visuals
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from bayesmice.data import Column
from bayesmice.plots.choice import HasTree, check_panels, chosen_columns, tree_of
from bayesmice.plots.levels import draw_levels
from bayesmice.plots.look import (
    IMPUTED,
    OBSERVED,
    crowd_alpha,
    draw_legend,
    legend_entries,
    panel_title,
    shared_style,
)
from bayesmice.plots.panels import CELL, POINT, panels
from bayesmice.plots.rootogram import draw_counts, is_count
from bayesmice.store import models_of_tree, store_from_dataset

Numbers = NDArray[np.float64]

MIN_VALUES = 5
"""Fewer values are shown one by one: a density of them would show the kernel, not the values."""
WIDTH_OF_90_PERCENT = 3.29
"""Between the 5 % and 95 % quantiles of a normal distribution, in standard deviations."""
MIN_BANDWIDTH_IN_GAPS = 0.6
"""Narrower kernels show the rounding of values as modes."""
MARK_SIZE = 200
MIN_AT_LIMIT, MIN_SHARE_AT_LIMIT = 20, 0.05
"""How many values, and which share of them, lie within a bandwidth of a limit at least."""
TAIL = 3.0
"""Bandwidths that a curve goes on beyond its last value."""
GRID = 512
"""Points of a curve."""


def plot_density(
    imputations: HasTree | xr.DataTree, var_names: str | Sequence[str] | None = None
) -> PlotCollection:
    """Draw the imputed values of each column against its observed values.

    One panel per incomplete column. For numbers, a thick line shows the density of the observed
    values, and a thin line that of each imputation. For columns with levels, outlined bars show the
    proportions of the observed values, and dots those of each imputation. Counts have a rootogram:
    the same with square roots of proportions. Too few imputed cells for a density, and cells that
    are all equal, are shown as one mark each.

    Parameters
    ----------
    imputations : Imputations or xarray.DataTree
        A run, or its tree.
    var_names : str or sequence of str, optional
        The incomplete columns to show. By default all.

    Returns
    -------
    PlotCollection
        The picture of ArviZ; ``savefig("density.png")`` writes it to a file. Its marks are in
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
    A difference between observed and imputed values is no error by itself: values that are missing
    at random differ from the observed ones as their predictors do. Look for values that cannot be,
    and for differences that nothing in the data explains.

    Densities have Gaussian kernels. The bandwidth is that of the normal reference rule [1]_ with
    the spread of the observed values, also for imputed ones, so that differences between densities
    come from values; it is larger where rounded values need it. Where many observed values lie at
    the smallest or largest of them, as those of a positive variable do at zero, that one is taken
    as a limit: kernels are reflected there, in imputations too unless they go beyond it.

    Counts are whole numbers of at least 0 whose model is one for counts, or whose dtype is one of
    integers and that begin at 0 or 1. In a rootogram rare counts are in view, and a difference
    between a bar and its dots means the same at every height [2]_.

    References
    ----------
    .. [1] Scott (1992), Multivariate Density Estimation, chapter 6.
    .. [2] Kleiber and Zeileis (2016), The American Statistician 70, 296-303.

    Examples
    --------
    >>> import bayesmice as bm
    >>> mice = bm.MICE(bm.load_dataset("nhanes2"))
    >>> imputations = mice.mice(m=3, sweeps=5, random_seed=1, progressbar=False)
    >>> picture = bm.plot_density(imputations, var_names="bmi")
    >>> picture.viz["imputed"]["bmi"].sizes["imputation"]
    3
    """
    tree = tree_of(imputations)
    imputed = tree["imputations"].to_dataset()
    names = chosen_columns(imputed.data_vars, var_names)
    check_panels(len(names))
    store = store_from_dataset(tree["observed_data"].to_dataset())
    columns = [store.columns[name] for name in names]
    cells = {
        name: xr.DataArray(
            imputed[name].to_numpy().astype(float),
            dims=("imputation", CELL),
            coords={"imputation": imputed["imputation"].to_numpy()},
            name=name,
        )
        for name in names
    }
    models = models_of_tree(tree)
    counts = [c.name for c in columns if is_count(c, cells[c.name].to_numpy(), models)]
    with shared_style():
        collection = panels(cells)
        for column in columns:
            draw = draw_counts if column.name in counts else _draw_numbers
            (draw_levels if column.levels else draw)(collection, column, cells[column.name])
        titles = {
            (name,): f"{name}: {cells[name].sizes[CELL]} of {store.n_rows} imputed"
            for name in names
        }
        collection.map(panel_title, "title", ignore_aes="all", subset_info=True, titles=titles)
        draw_legend(collection, legend_entries(any(c.levels for c in columns) or bool(counts)))
    return collection


@dataclass(frozen=True)
class Smoothing:
    """How the values of a column are smoothed, the observed and the imputed ones alike.

    Attributes
    ----------
    spread : float
        Standard deviation, or what it would be for a normal variable that has the same 5 % and 95 %
        quantiles if that is smaller.
    gap : float
        Smallest difference between two values: the unit to which they are rounded, if they are.
    lower, upper : float
        Limits that many values lie at. Infinite, and so beyond any value, where there is none.
    """

    spread: float
    gap: float
    lower: float
    upper: float

    def bandwidth(self, n: int) -> float:
        """Give the bandwidth for n values."""
        return float(max(1.06 * self.spread * n**-0.2, MIN_BANDWIDTH_IN_GAPS * self.gap))


def _draw_numbers(collection: PlotCollection, column: Column, imputed: xr.DataArray) -> None:
    observed = xr.DataArray(column.observed_values, dims=CELL, name=column.name)
    reference = observed if _has_density(column.observed_values) else imputed
    smoothing = smoothing_of(reference.to_numpy().ravel())
    thin = {**IMPUTED, "alpha": crowd_alpha(imputed.sizes["imputation"])}
    imputed_curves, observed_curve = _curves(imputed, smoothing), _curves(observed, smoothing)
    collection.map(visuals.line_xy, "imputed", data=imputed_curves, **thin)
    collection.map(visuals.line_xy, "observed", data=observed_curve, **OBSERVED)
    _draw_marks(collection, "observed", observed, observed_curve, OBSERVED)
    _draw_marks(collection, "imputed", imputed, imputed_curves, thin)
    panel = xr.DataArray(0.0, name=column.name)
    if observed_curve.isnull().all() and imputed_curves.isnull().all():
        collection.map(visuals.remove_ticks, data=panel, store_artist=False, axis="y")
    else:
        collection.map(visuals.labelled_y, "ylabel", data=panel, text="density")


def _curves(values: xr.DataArray, smoothing: Smoothing) -> xr.DataArray:
    curves: xr.DataArray = xr.apply_ufunc(
        density_curve,
        values,
        kwargs={"smoothing": smoothing},
        input_core_dims=[[CELL]],
        output_core_dims=[["plot_axis", POINT]],
        vectorize=True,
    )
    return curves.assign_coords(plot_axis=["x", "y"])


def _draw_marks(
    collection: PlotCollection,
    label: str,
    values: xr.DataArray,
    curves: xr.DataArray,
    properties: Mapping[str, Any],
) -> None:
    has_no_curve = curves.isnull().all(["plot_axis", POINT])
    collection.map(
        visuals.scatter_x,
        f"{label}_marks",
        data=values.where(has_no_curve),
        marker="|",
        size=MARK_SIZE,
        **properties,
    )


def density_curve(values: Numbers, smoothing: Smoothing) -> Numbers:
    """Give the points of a density, of shape (2, GRID); NaN for too few values."""
    if not _has_density(values):
        return np.full((2, GRID), np.nan)
    bandwidth = smoothing.bandwidth(len(values))
    smallest, largest = float(values.min()), float(values.max())
    lower, upper = smallest - TAIL * bandwidth, largest + TAIL * bandwidth
    if np.isfinite(smoothing.lower) and smallest >= smoothing.lower:
        lower = smoothing.lower
    if np.isfinite(smoothing.upper) and largest <= smoothing.upper:
        upper = smoothing.upper
    # Counted from the middle: far from zero, neighbouring bins may have no floats between them.
    middle = (lower + upper) / 2
    bins = (lower - middle, upper - middle)
    shares, edges = np.histogram(values - middle, GRID, bins, density=True)
    width = edges[1] - edges[0]
    density = gaussian_filter1d(shares, bandwidth / width, mode="reflect")
    return np.stack([edges[:-1] + width / 2 + middle, density])


def _has_density(values: Numbers) -> bool:
    return len(values) >= MIN_VALUES and bool(np.ptp(values) > 0)


def smoothing_of(values: Numbers) -> Smoothing:
    """Learn how to smooth values of a column."""
    if not _has_density(values):
        return Smoothing(0.0, 0.0, -np.inf, np.inf)
    # Not the quartiles: they say nothing of a variable with many zeros.
    low, high = np.quantile(values, [0.05, 0.95])
    spread = min(values.std(), (high - low) / WIDTH_OF_90_PERCENT) or values.std()
    gap = float(np.diff(np.unique(values)).min())
    bandwidth = Smoothing(spread, gap, -np.inf, np.inf).bandwidth(len(values))
    enough = max(MIN_AT_LIMIT, MIN_SHARE_AT_LIMIT * len(values))
    smallest, largest = values.min(), values.max()
    begins = np.count_nonzero(values <= smallest + bandwidth) >= enough
    ends = np.count_nonzero(values >= largest - bandwidth) >= enough
    return Smoothing(
        spread,
        gap,
        smallest - gap / 2 if begins else -np.inf,
        largest + gap / 2 if ends else np.inf,
    )

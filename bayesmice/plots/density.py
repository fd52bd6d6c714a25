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
from bayesmice.plots.look import (
    BACKEND,
    IMPUTED,
    OBSERVED,
    crowd_alpha,
    draw_legend,
    panel_title,
    shared_style,
)
from bayesmice.store import store_from_dataset

Numbers = NDArray[np.float64]

MIN_VALUES = 5
"""Fewer values are shown one by one: a density of them would show the kernel, not the values."""
WIDTH_OF_90_PERCENT = 3.29
"""Between the 5 % and 95 % quantiles of a normal distribution, in standard deviations."""
MIN_BANDWIDTH_IN_GAPS = 0.6
"""Narrower kernels show the rounding of values as modes."""
BAR_WIDTH = 0.8
FILL_ALPHA = 0.12
DOT_SIZE = 18
MARK_SIZE = 200
MIN_AT_LIMIT, MIN_SHARE_AT_LIMIT = 20, 0.05
"""How many values, and which share of them, lie within a bandwidth of a limit at least."""
TAIL = 3.0
"""Bandwidths that a curve goes on beyond its last value."""
GRID = 512
"""Points of a curve."""
CELL, POINT = "_cell", "_point"
"""Dimensions, named as no column is likely to be."""
COLUMNS = 3
PANEL = (3.4, 2.6)
SINGLE_PANEL = (5.0, 3.2)
LEGEND_HEIGHT = 0.4
MAX_LETTERS = 24
"""Letters of one level's name."""
MAX_UPRIGHT_LETTERS = 24
"""Letters of all level names together that fit side by side under a panel."""
MAX_SLANTED_LEVELS = 12


def plot_density(
    imputations: HasTree | xr.DataTree, var_names: str | Sequence[str] | None = None
) -> PlotCollection:
    """Draw the imputed values of each column against its observed values.

    One panel per incomplete column. For numbers, a thick line shows the density of the observed
    values, and a thin line that of each imputation. For columns with levels, outlined bars show the
    proportions of the observed values, and dots those of each imputation. Too few imputed cells for
    a density, and cells that are all equal, are shown as one mark each.

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

    References
    ----------
    .. [1] Scott (1992), Multivariate Density Estimation, chapter 6.

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
    with shared_style():
        collection = panels(cells)
        for column in columns:
            draw = draw_levels if column.levels else _draw_numbers
            draw(collection, column, cells[column.name])
        titles = {
            (name,): f"{name}: {cells[name].sizes[CELL]} of {store.n_rows} imputed"
            for name in names
        }
        collection.map(panel_title, "title", ignore_aes="all", subset_info=True, titles=titles)
        draw_legend(collection, _legend_entries(columns))
    return collection


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


def draw_levels(
    collection: PlotCollection,
    column: Column,
    imputed: xr.DataArray,
    label: str = "imputed",
    weights: Numbers | None = None,
) -> None:
    """Draw proportions of levels: bars of the observed values, dots of each imputation or draw.

    Observed values may have weights.
    """
    n_levels, m, dim = len(column.levels), len(imputed), imputed.dims[0]
    observed = _proportions(column.observed_values, n_levels, weights)
    drawn = np.stack([_proportions(codes, n_levels) for codes in imputed.to_numpy()])
    bars = bars_of(observed).rename(column.name)
    collection.map(
        visuals.hist, "observed_fill", data=bars, color=OBSERVED["color"], alpha=FILL_ALPHA
    )
    collection.map(visuals.step_hist, "observed", data=bars, **OBSERVED)
    offsets = np.linspace(-1, 1, m) * BAR_WIDTH * 0.4 if m > 1 else np.zeros(1)
    dots = xr.DataArray(
        np.stack([np.arange(n_levels) + offsets[:, None], drawn], axis=1),
        dims=(dim, "plot_axis", POINT),
        coords={dim: imputed[dim], "plot_axis": ["x", "y"]},
        name=column.name,
    )
    collection.map(
        visuals.scatter_xy,
        label,
        data=dots,
        color=IMPUTED["color"],
        alpha=crowd_alpha(m),
        size=DOT_SIZE,
        width=0,
    )
    _label_levels(collection, column, top=max(observed.max(), drawn.max()))


def _proportions(codes: Numbers, n_levels: int, weights: Numbers | None = None) -> Numbers:
    counts = np.bincount(codes.astype(np.intp), weights, n_levels)
    return np.asarray(counts / counts.sum())


def bars_of(proportions: Numbers) -> xr.DataArray:
    """Give bars at 0, 1, 2, ..., of these heights, and of no height between them."""
    n_levels = len(proportions)
    edges = np.arange(n_levels)[:, None] + np.array([-BAR_WIDTH / 2, BAR_WIDTH / 2])
    outer = BAR_WIDTH / 2 - 1, n_levels - BAR_WIDTH / 2
    edges = np.concatenate([outer[:1], edges.ravel(), outer[1:]])
    heights = np.zeros(2 * n_levels + 1)
    heights[1::2] = proportions
    return xr.DataArray(
        np.stack([heights, edges[:-1], edges[1:]]),
        dims=("plot_axis", POINT),
        coords={"plot_axis": ["histogram", "left_edges", "right_edges"]},
    )


def _label_levels(collection: PlotCollection, column: Column, top: float) -> None:
    names = [_level_name(level) for level in column.levels]
    fits = sum(map(len, names)) <= MAX_UPRIGHT_LETTERS
    slanted = {} if fits else {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    if len(names) > MAX_SLANTED_LEVELS:
        slanted = {"rotation": 90, "size": "x-small"}
    panel = xr.DataArray(0.0, name=column.name)
    collection.map(
        visuals.set_xticks,
        data=panel,
        ignore_aes="all",
        store_artist=False,
        values=list(range(len(names))),
        labels=names,
        **slanted,
    )
    collection.map(visuals.labelled_y, "ylabel", data=panel, ignore_aes="all", text="proportion")
    collection.map(
        visuals.set_ylim,
        data=panel,
        ignore_aes="all",
        store_artist=False,
        limits=(-0.04 * top, 1.08 * top),
    )


def _level_name(level: object) -> str:
    name = f"{level:g}" if isinstance(level, float) else str(level)
    return name if len(name) <= MAX_LETTERS else f"{name[: MAX_LETTERS - 1]}…"


def _legend_entries(columns: Sequence[Column]) -> dict[str, Mapping[str, Any]]:
    dotted = any(column.levels for column in columns)
    marker = {"marker": "o", "markersize": 4} if dotted else {}
    return {"observed": OBSERVED, "imputed": {**IMPUTED, **marker}}

"""Bars of levels, and dots of each imputation or draw beside them."""

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection, visuals
from numpy.typing import NDArray

from bayesmice.data import Column
from bayesmice.plots.look import IMPUTED, OBSERVED, crowd_alpha
from bayesmice.plots.panels import POINT

Numbers = NDArray[np.float64]

BAR_WIDTH = 0.8
FILL_ALPHA = 0.12
DOT_SIZE = 18
MAX_LETTERS = 24
"""Letters of one level's name."""
MAX_UPRIGHT_LETTERS = 24
"""Letters of all level names together that fit side by side under a panel."""
MAX_SLANTED_LEVELS = 12


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
    n_levels, dim = len(column.levels), imputed.dims[0]
    observed = _proportions(column.observed_values, n_levels, weights)
    drawn = xr.DataArray(
        np.stack([_proportions(codes, n_levels) for codes in imputed.to_numpy()]),
        dims=(dim, POINT),
        coords={dim: imputed[dim]},
        name=column.name,
    )
    draw_bars(collection, observed, drawn, np.arange(n_levels), label)
    top = max(observed.max(), float(drawn.max()))
    label_levels(collection, column, top)


def draw_bars(
    collection: PlotCollection,
    observed: Numbers,
    drawn: xr.DataArray,
    centers: Numbers | NDArray[np.integer],
    label: str = "imputed",
) -> None:
    """Draw outlined bars, and across each of them the dots of all imputations or draws.

    Parameters
    ----------
    collection : PlotCollection
        The picture.
    observed : ndarray of shape (n_bars,)
        Heights of the bars.
    drawn : DataArray of shape (m, n_bars)
        Heights of the dots, named after the panel.
    centers : ndarray of shape (n_bars,)
        Where the bars stand, at equal distances.
    label : str, default "imputed"
        What the dots are called in ``viz``.
    """
    m, dim = len(drawn), drawn.dims[0]
    width = float(centers[1] - centers[0]) if len(centers) > 1 else 1.0
    outlined = bars(observed, centers, width).rename(drawn.name)
    collection.map(
        visuals.hist, "observed_fill", data=outlined, color=OBSERVED["color"], alpha=FILL_ALPHA
    )
    collection.map(visuals.step_hist, "observed", data=outlined, **OBSERVED)
    offsets = (np.linspace(-1, 1, m) if m > 1 else np.zeros(1)) * BAR_WIDTH * 0.4 * width
    dots = xr.DataArray(
        np.stack([centers + offsets[:, None], drawn.to_numpy()], axis=1),
        dims=(dim, "plot_axis", POINT),
        coords={dim: drawn[dim], "plot_axis": ["x", "y"]},
        name=drawn.name,
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


def _proportions(codes: Numbers, n_levels: int, weights: Numbers | None = None) -> Numbers:
    counts = np.bincount(codes.astype(np.intp), weights, n_levels)
    return np.asarray(counts / counts.sum())


def bars(
    heights: Numbers, centers: Numbers | NDArray[np.integer], width: float = 1.0
) -> xr.DataArray:
    """Arrange bars with gaps between them as a histogram, in which every second bin is empty."""
    half = BAR_WIDTH / 2
    edges = centers[:, None] + np.array([-half, half]) * width
    outer = centers[0] + (half - 1) * width, centers[-1] + (1 - half) * width
    edges = np.concatenate([outer[:1], edges.ravel(), outer[1:]])
    with_gaps = np.zeros(2 * len(heights) + 1)
    with_gaps[1::2] = heights
    return xr.DataArray(
        np.stack([with_gaps, edges[:-1], edges[1:]]),
        dims=("plot_axis", POINT),
        coords={"plot_axis": ["histogram", "left_edges", "right_edges"]},
    )


def label_levels(collection: PlotCollection, column: Column, top: float) -> None:
    """Name the levels under a panel of proportions, the highest of which is given."""
    names = [level_name(level) for level in column.levels]
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


def level_name(level: object) -> str:
    """Write a level, shortened where it is long."""
    name = f"{level:g}" if isinstance(level, float) else str(level)
    return name if len(name) <= MAX_LETTERS else f"{name[: MAX_LETTERS - 1]}…"

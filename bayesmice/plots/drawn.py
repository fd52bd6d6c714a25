"""Draws of columns, from priors or posteriors, against their observed values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection, visuals
from numpy.typing import NDArray

from bayesmice.data import Column
from bayesmice.diagnostics.statistics import are_counts
from bayesmice.plots.choice import check_panels
from bayesmice.plots.density import density_curve, smoothing_of
from bayesmice.plots.drawn_counts import draw_rootogram, set_whole_ticks
from bayesmice.plots.levels import draw_levels
from bayesmice.plots.look import (
    IMPUTED,
    OBSERVED,
    crowd_alpha,
    draw_legend,
    panel_title,
    shared_style,
)
from bayesmice.plots.panels import CELL, POINT, panels

Numbers = NDArray[np.float64]

DRAW = "draw"
SHOWN_DRAWS = 50
"""More lines would hide each other."""
SHOWN_PEAKS = 2.5
"""A panel is at most so many times as high as the observed density."""
TOLD_SHARE = 0.005
"""A smaller share of values beyond the panel is not worth a word."""
MAX_STEPS = 60
"""Bars of whole numbers."""


@dataclass(frozen=True)
class Drawing:
    """What is drawn, and how much of it is shown.

    Attributes
    ----------
    label : str
        Name of the draws in the picture's ``viz`` and in its legend.
    source : str
        What they are drawn from, in titles.
    share : float
        Central share of all draws that a panel shows, besides the observed range.
    ranges : float
        Widths of the observed range that a panel shows at most on either side of it.
    rootograms : bool
        Whether counts are shown as rootograms.
    """

    label: str
    source: str
    share: float
    ranges: float
    rootograms: bool


def draw_columns(
    columns: Sequence[Column], drawn: Mapping[str, NDArray[np.generic]], drawing: Drawing
) -> PlotCollection:
    """Draw columns that were drawn from something against their observed values.

    Parameters
    ----------
    columns : sequence of Column
        The columns.
    drawn : mapping of str to ndarray of shape (draws, n_observed)
        Values or level codes of each. Of more than 50 draws, 50 are shown.
    drawing : Drawing
        What is drawn.

    Returns
    -------
    PlotCollection
        The picture of ArviZ. Its marks are in ``viz["observed"]`` and ``viz[drawing.label]``.
    """
    check_panels(len(columns))
    cells = {column.name: _shown(column.name, drawn[column.name]) for column in columns}
    with shared_style():
        collection = panels(cells)
        titles = {}
        for column in columns:
            own = cells[column.name]
            everything = np.asarray(drawn[column.name], dtype=float)
            note = ""
            n_shown = own.sizes[DRAW]
            if column.levels:
                draw_levels(collection, column, own, drawing.label)
            elif drawing.rootograms and _are_counts(column, everything):
                draw_rootogram(collection, column, everything, drawing.label)
                n_shown = len(everything)
            else:
                note = _draw_numbers(collection, column, own, drawing)
            titles[(column.name,)] = f"{column.name}: {n_shown} draws from {drawing.source}{note}"
            panel = xr.DataArray(0.0, name=column.name)
            collection.map(
                visuals.labelled_x, "xlabel", data=panel, ignore_aes="all", text=column.name
            )
        collection.map(panel_title, "title", ignore_aes="all", subset_info=True, titles=titles)
        counted = drawing.rootograms and any(
            _are_counts(column, np.asarray(drawn[column.name], dtype=float)) for column in columns
        )
        dotted = counted or any(column.levels for column in columns)
        marker = {"marker": "o", "markersize": 4} if dotted else {}
        draw_legend(collection, {"observed": OBSERVED, drawing.label: {**IMPUTED, **marker}})
    return collection


def _are_counts(column: Column, drawn: Numbers) -> bool:
    return are_counts(column.observed_values) and are_counts(drawn)


def _shown(name: str, drawn: NDArray[np.generic]) -> xr.DataArray:
    """Choose draws, evenly."""
    chosen = np.linspace(0, len(drawn) - 1, min(len(drawn), SHOWN_DRAWS)).astype(int)
    return xr.DataArray(
        drawn[chosen].astype(float),
        dims=(DRAW, CELL),
        coords={DRAW: np.arange(len(chosen))},
        name=name,
    )


def _draw_numbers(
    collection: PlotCollection, column: Column, cells: xr.DataArray, drawing: Drawing
) -> str:
    """Draw densities of what lies in the panel; say what the panel leaves out."""
    observed, drawn = column.observed_values, cells.to_numpy()
    central = np.quantile(drawn, [0.5 - drawing.share / 2, 0.5 + drawing.share / 2])
    view = _view(observed, central, drawing.ranges)
    if _are_whole(observed) and _are_whole(drawn):
        view = np.floor(view[0]) - 0.5, np.ceil(view[1]) + 0.5
        width = max(1.0, np.ceil((view[1] - view[0]) / MAX_STEPS))
        edges = np.arange(view[0], view[1] + width, width)
        view = edges[0], edges[-1]
        curves = np.stack([_steps(values, edges) for values in (observed, *drawn)])
        set_whole_ticks(collection, column, view)
    else:
        curves = np.stack([_curve(values, view) for values in (observed, *drawn)])
    lines = xr.DataArray(
        curves[1:],
        dims=(DRAW, "plot_axis", POINT),
        coords={DRAW: cells[DRAW], "plot_axis": ["x", "y"]},
        name=column.name,
    )
    thick = xr.DataArray(
        curves[0],
        dims=("plot_axis", POINT),
        coords={"plot_axis": ["x", "y"]},
        name=column.name,
    )
    thin = {**IMPUTED, "alpha": crowd_alpha(cells.sizes[DRAW])}
    collection.map(visuals.line_xy, drawing.label, data=lines, **thin)
    collection.map(visuals.line_xy, "observed", data=thick, **OBSERVED)
    _set_view(collection, column, view, curves[:, 1])
    left_out = np.mean((drawn < view[0]) | (drawn > view[1]))
    if left_out < TOLD_SHARE:
        return ""
    low, high = central
    return (
        f"; {drawing.share:.0%} of their values lie between {low:.3g} and {high:.3g}, "
        f"{left_out:.0%} beyond the panel"
    )


def _view(observed: Numbers, central: Numbers, ranges: float) -> tuple[float, float]:
    """Choose what part of the axis to show: never less than the observed values."""
    smallest, largest = float(observed.min()), float(observed.max())
    room = ranges * (largest - smallest)
    low = max(float(central[0]), smallest - room)
    high = min(float(central[1]), largest + room)
    return min(low, smallest), max(high, largest)


def _set_view(
    collection: PlotCollection, column: Column, view: tuple[float, float], heights: Numbers
) -> None:
    panel = xr.DataArray(0.0, name=column.name)
    collection.map(visuals.labelled_y, "ylabel", data=panel, ignore_aes="all", text="density")
    margin = 0.03 * (view[1] - view[0])
    top = np.nanmax(heights, initial=0.0)
    own = np.nanmax(heights[0], initial=0.0)
    limits = {"x": (view[0] - margin, view[1] + margin)}
    if own > 0:
        limits["y"] = (-0.03 * own, min(1.05 * top, SHOWN_PEAKS * own))
    setters = {"x": visuals.set_xlim, "y": visuals.set_ylim}
    for axis, limit in limits.items():
        collection.map(
            setters[axis], data=panel, ignore_aes="all", store_artist=False, limits=limit
        )


def _curve(values: Numbers, view: tuple[float, float]) -> Numbers:
    """Give the density of all values, at points in view."""
    inside = values[(values >= view[0]) & (values <= view[1])]
    smoothing = smoothing_of(inside)
    if values.min() < view[0]:
        smoothing = replace(smoothing, lower=view[0])
    if values.max() > view[1]:
        smoothing = replace(smoothing, upper=view[1])
    x, density = density_curve(inside, smoothing)
    return np.stack([x, density * len(inside) / len(values)])


def _are_whole(values: Numbers) -> bool:
    return bool((values == np.rint(values)).all())


def _steps(values: Numbers, edges: Numbers) -> Numbers:
    """Give the outline of bars, with the share of all values per unit as their height."""
    counts, _ = np.histogram(values, edges)
    heights = counts / (len(values) * (edges[1] - edges[0]))
    return np.stack([np.repeat(edges, 2), np.concatenate([[0.0], np.repeat(heights, 2), [0.0]])])

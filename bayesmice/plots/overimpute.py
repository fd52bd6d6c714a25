"""Observed values that were hidden, against what the models imputed there."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection, visuals

from bayesmice.diagnostics.hidden_cells import draw_quantiles, share_errors
from bayesmice.diagnostics.overimputation import HiddenCells, Overimputation
from bayesmice.errors import DataTypeError
from bayesmice.plots.choice import check_panels, chosen_columns
from bayesmice.plots.levels import FILL_ALPHA, bars, label_levels
from bayesmice.plots.look import (
    BACKEND,
    IMPUTED,
    OBSERVED,
    crowd_alpha,
    draw_legend,
    panel_title,
    shared_style,
)

COLUMNS = 3
PANEL = (3.6, 3.2)
SINGLE_PANEL = (4.8, 4.2)
LEGEND_HEIGHT = 0.5
CI_PROB = 0.95
MISSED: Mapping[str, Any] = {"color": IMPUTED["color"], "marker": "X", "width": 0}
COVERED: Mapping[str, Any] = {"color": "#0072B2", "marker": "o", "width": 0}
LINE: Mapping[str, Any] = {"color": "B2", "width": 1.2, "linestyle": "--"}
INTERVAL: Mapping[str, Any] = {"color": "B2", "width": 0.8}
COVERED_SIZE, MISSED_SIZE = 16, 44
CROWD = 30
"""Cells beyond which intervals become transparent."""


def plot_overimpute(
    overimputation: Overimputation, var_names: str | Sequence[str] | None = None
) -> PlotCollection:
    """Draw the hidden values of each column against what was imputed there.

    One panel per column. For numbers, a mark per hidden cell at its observed value and the mean of
    its draws, with the central 95 % of them as a line; the dashed line is where both are equal.
    Crosses mark the cells whose observed value lies outside. For columns with levels, outlined bars
    show how often each level was observed among the hidden cells, and marks its mean probability by
    the draws, with a line of 1.96 standard errors of the difference.

    Parameters
    ----------
    overimputation : Overimputation
        What `Imputations.overimpute` returned.
    var_names : str or sequence of str, optional
        The columns to show. By default all with hidden cells.

    Returns
    -------
    PlotCollection
        The picture of ArviZ; ``savefig("overimpute.png")`` writes it to a file. Its marks are in
        ``viz["covered"]``, ``viz["missed"]``, ``viz["interval"]`` and, of columns with levels,
        ``viz["observed"]`` and ``viz["predicted"]``.

    Raises
    ------
    DataTypeError
        If ``overimputation`` is something else, such as imputations.
    SpecificationError
        If ``var_names`` names a column without hidden cells, or there are more panels than ArviZ
        allows.

    Notes
    -----
    Five in a hundred cells are expected outside. Marks that lie flat around a horizontal line
    belong to a column of which the others tell little, whose intervals should then be wide; that is
    no fault. Look for more crosses than there should be, for crosses at one end, and for marks that
    bend away from the dashed line where others do not.

    Where there are fewer than 39 draws of a cell, the interval is from the smallest to the
    largest, which holds less than 95 %; the coverage in ``overimputation.table`` allows for it.

    Examples
    --------
    >>> import bayesmice as bm
    >>> data = bm.load_dataset("airquality")
    >>> imputations = bm.MICE(data).mice(m=2, sweeps=5, random_seed=1, progressbar=False)
    >>> check = imputations.overimpute(0.2, m=40, random_seed=1, progressbar=False)
    >>> picture = bm.plot_overimpute(check, var_names="Ozone")
    >>> picture.viz["interval"]["Ozone"].item().get_xdata().size // 3  # a line for each cell
    23
    """
    if not isinstance(overimputation, Overimputation):
        raise DataTypeError(
            "plot_overimpute draws what imputations.overimpute(...) returned; got "
            f"{type(overimputation).__name__}."
        )
    names = chosen_columns(overimputation.names, var_names)
    check_panels(len(names))
    shown = [overimputation[name] for name in names]
    with shared_style():
        collection = _panels(names)
        for own in shown:
            if own.column.levels:
                _draw_levels(collection, own)
            else:
                _draw_numbers(collection, own)
        titles = {(own.name,): _title(own) for own in shown}
        collection.map(panel_title, "title", ignore_aes="all", subset_info=True, titles=titles)
        draw_legend(collection, _legend_entries(shown))
    return collection


def _panels(names: Sequence[str]) -> PlotCollection:
    n_columns, n_rows = min(len(names), COLUMNS), -(-len(names) // COLUMNS)
    width, height = SINGLE_PANEL if len(names) == 1 else PANEL
    return PlotCollection.wrap(
        xr.Dataset(dict.fromkeys(names, 0.0)),
        cols=["__variable__"],
        col_wrap=COLUMNS,
        backend=BACKEND,
        figure_kwargs={"figsize": (width * n_columns, height * n_rows + LEGEND_HEIGHT)},
    )


def _draw_numbers(collection: PlotCollection, own: HiddenCells) -> None:
    truth, mean = own.truth, own.draws.mean(axis=0)
    low, high = draw_quantiles(own.draws, np.array([(1 - CI_PROB) / 2, (1 + CI_PROB) / 2]))
    covered = _is_covered(own)
    alpha = crowd_alpha(max(len(truth) // CROWD, 1))
    ends = np.array([truth.min(), truth.max()])
    collection.map(visuals.line_xy, "equality", data=_points(own, ends, ends), **LINE)
    nothing = np.full(len(truth), np.nan)  # parts the lines from each other
    x = np.stack([truth, truth, nothing], axis=1).ravel()
    y = np.stack([low, high, nothing], axis=1).ravel()
    collection.map(
        visuals.line_xy,
        "interval",
        data=_points(own, x, y),
        alpha=min(alpha, 0.6),
        **INTERVAL,
    )
    for label, chosen, look, size in (
        ("covered", covered, COVERED, COVERED_SIZE),
        ("missed", ~covered, MISSED, MISSED_SIZE),
    ):
        collection.map(
            visuals.scatter_xy,
            label,
            data=_points(own, truth[chosen], mean[chosen]),
            alpha=alpha if label == "covered" else 0.9,
            size=size,
            **look,
        )
    panel = xr.DataArray(0.0, name=own.name)
    collection.map(visuals.labelled_x, "xlabel", data=panel, text="observed")
    collection.map(visuals.labelled_y, "ylabel", data=panel, text="imputed")


def _draw_levels(collection: PlotCollection, own: HiddenCells) -> None:
    n_levels, n_cells = own.counts.shape
    observed = np.bincount(own.codes, minlength=n_levels) / n_cells
    predicted = own.counts.mean(axis=1) / len(own.draws)
    shown = bars(observed, np.arange(len(observed))).rename(own.name)
    collection.map(
        visuals.hist, "observed_fill", data=shown, color=OBSERVED["color"], alpha=FILL_ALPHA
    )
    collection.map(visuals.step_hist, "observed", data=shown, **OBSERVED)
    margin = 1.96 * share_errors(own.counts)
    places, nothing = np.arange(n_levels, dtype=float), np.full(n_levels, np.nan)
    low, high = np.clip(predicted - margin, 0, 1), np.clip(predicted + margin, 0, 1)
    x = np.stack([places, places, nothing], axis=1).ravel()
    y = np.stack([low, high, nothing], axis=1).ravel()
    color = IMPUTED["color"]
    collection.map(visuals.line_xy, "interval", data=_points(own, x, y), color=color, width=1.5)
    collection.map(
        visuals.scatter_xy,
        "predicted",
        data=_points(own, places, predicted),
        color=color,
        size=36,
        width=0,
    )
    label_levels(collection, own.column, top=float(max(observed.max(), high.max())))


def _points(own: HiddenCells, x: Any, y: Any) -> xr.DataArray:
    return xr.DataArray(
        np.stack([x, y]),
        dims=("plot_axis", "_point"),
        coords={"plot_axis": ["x", "y"]},
        name=own.name,
    )


def _is_covered(own: HiddenCells) -> Any:
    low, high = draw_quantiles(own.draws, np.array([(1 - CI_PROB) / 2, (1 + CI_PROB) / 2]))
    return (own.truth >= low) & (own.truth <= high)


def _title(own: HiddenCells) -> str:
    n = len(own.rows)
    if own.column.levels:
        return f"{own.name}: {n} hidden cells"
    return f"{own.name}: {int(_is_covered(own).sum())} of {n} in 95 % intervals"


def _legend_entries(shown: Sequence[HiddenCells]) -> dict[str, Mapping[str, Any]]:
    entries: dict[str, Mapping[str, Any]] = {}
    if any(not own.column.levels for own in shown):
        entries |= {
            "mean of draws": {**COVERED, "markersize": 5},
            "95 % of draws": INTERVAL,
            "observed outside 95 %": {**MISSED, "markersize": 7},
        }
    if any(own.column.levels for own in shown):
        probability = {"color": IMPUTED["color"], "marker": "o", "width": 1.5, "markersize": 6}
        entries |= {"observed share": OBSERVED, "mean probability": probability}
    return entries

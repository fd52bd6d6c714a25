"""Observed and imputed values against the probability of being missing."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection, visuals
from numpy.typing import NDArray

from bayesmice.data import Column
from bayesmice.diagnostics.propensity import Propensity, find_propensity
from bayesmice.plots.choice import HasTree, check_panels, chosen_columns, tree_of
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
from bayesmice.store import store_from_dataset

Numbers = NDArray[np.float64]

MOST_POINTS = 2000
"""Of each kind in a panel; more would hide each other."""
DOT_SIZE = 12
TREND = 60
"""Points of a trend."""
DEGREE = 2
FEWEST = 6
"""Rows that a trend needs."""


def plot_propensity(
    imputations: HasTree | xr.DataTree, var_names: str | Sequence[str] | None = None
) -> PlotCollection:
    """Draw observed and imputed values against the probability that a row misses the column.

    One panel per imputed column. For numbers, each dot is a row: its probability of being missing,
    as all other columns predict it, and its value; the imputed ones of all imputations. Lines are
    trends, quadratic in the log odds. For columns with levels, outlined bars show the proportions
    of the observed values, each weighted by its odds of being missing, so that they are those of
    rows that are missing as often as the imputed ones; dots show the proportions of each
    imputation.

    Where a value is missing by these probabilities, and the model is right, imputed values are
    distributed like observed ones at the same place: dots, trends and proportions agree.

    Parameters
    ----------
    imputations : Imputations or xarray.DataTree
        Any imputations, or their tree.
    var_names : str or sequence of str, optional
        The incomplete columns to show. By default all of which some cells are observed and some
        missing.

    Returns
    -------
    PlotCollection
        The picture of ArviZ; ``savefig("propensity.png")`` writes it to a file. Its marks are in
        ``viz["observed"]`` and ``viz["imputed"]``, trends in ``viz["observed_trend"]`` and
        ``viz["imputed_trend"]``.

    Raises
    ------
    DataTypeError
        If ``imputations`` is neither a run nor a tree.
    SpecificationError
        If ``var_names`` names a column that was not imputed.

    Notes
    -----
    How probabilities are estimated, and a test: `bayesmice.Imputations.check`. With groups of rows,
    probabilities and trends are those of all groups together. Agreement is no evidence that values
    are missing at random, which the model takes for granted.

    Examples
    --------
    >>> import bayesmice as bm
    >>> mice = bm.MICE(bm.load_dataset("nhanes2"))
    >>> imputations = mice.mice(m=3, sweeps=5, random_seed=1, progressbar=False)
    >>> bm.plot_propensity(imputations, "bmi").viz["imputed"]["bmi"].sizes["imputation"]
    3
    """
    tree = tree_of(imputations)
    names = chosen_columns(_shown_columns(tree), var_names)
    check_panels(len(names))
    found = {name: find_propensity(tree, name) for name in names}
    with shared_style():
        collection = panels(
            {
                name: xr.DataArray(
                    own.completed[:, own.is_missing], dims=("imputation", CELL), name=name
                )
                for name, own in found.items()
            }
        )
        titles = {}
        for name, own in found.items():
            draw = _draw_levels if own.column.levels else _draw_numbers
            draw(collection, own)
            titles[(name,)] = f"{name}: {int(own.is_missing.sum())} of {len(own.rows)} imputed"
        collection.map(panel_title, "title", ignore_aes="all", subset_info=True, titles=titles)
        draw_legend(collection, _legend())
    return collection


def _shown_columns(tree: xr.DataTree) -> list[str]:
    store = store_from_dataset(tree["observed_data"].to_dataset())
    names = [str(name) for name in tree["imputations"].data_vars]
    return [
        name
        for name in names
        if store.columns[name].n_missing and store.columns[name].observed.any()
    ]


def _draw_numbers(collection: PlotCollection, own: Propensity) -> None:
    name, m = own.column.name, len(own.completed)
    seen, gone = ~own.is_missing, own.is_missing
    observed = _points(own, own.completed[:1, seen], seen, MOST_POINTS).isel(
        imputation=0, drop=True
    )
    imputed = _points(own, own.completed[:, gone], gone, max(MOST_POINTS // m, 20))
    dot = {"size": DOT_SIZE, "width": 0}
    collection.map(
        visuals.scatter_xy, "observed", data=observed, color=OBSERVED["color"],
        alpha=crowd_alpha(max(observed.sizes[POINT] // 8, 1)), **dot,
    )  # fmt: skip
    collection.map(
        visuals.scatter_xy, "imputed", data=imputed, color=IMPUTED["color"],
        alpha=crowd_alpha(max(m * imputed.sizes[POINT] // 8, 1)), marker="D", **dot,
    )  # fmt: skip
    for label, chosen, look in (("observed", seen, OBSERVED), ("imputed", gone, _trend_look())):
        trend = _trend(own, chosen)
        if trend is not None:
            line = _array(name, trend)
            collection.map(visuals.line_xy, f"{label}_trend", data=line, ignore_aes="all", **look)
    panel = xr.DataArray(0.0, name=name)
    words = {"xlabel": (visuals.labelled_x, "probability of being missing"),
             "ylabel": (visuals.labelled_y, name)}  # fmt: skip
    for key, (labeller, text) in words.items():
        collection.map(labeller, key, data=panel, ignore_aes="all", text=text)


def _points(own: Propensity, values: Numbers, chosen: NDArray[np.bool_], most: int) -> xr.DataArray:
    """Place rows, evenly chosen where they are many, by their probability and their value."""
    x = own.probability[chosen]
    order = np.argsort(x, kind="stable")
    shown = order[np.linspace(0, len(x) - 1, min(len(x), most)).astype(int)]
    both = np.stack([np.broadcast_to(x[shown], (len(values), len(shown))), values[:, shown]], 1)
    return xr.DataArray(
        both,
        dims=("imputation", "plot_axis", POINT),
        coords={"plot_axis": ["x", "y"]},
        name=own.column.name,
    )


def _trend(own: Propensity, chosen: NDArray[np.bool_]) -> Numbers | None:
    """Fit a quadratic of the log odds to values, of all imputations together."""
    logit = own.logit[chosen]
    if len(logit) < FEWEST or np.ptp(logit) == 0:
        return None
    degree = min(DEGREE, len(np.unique(logit)) - 1)
    coefficients = np.polynomial.polynomial.polyfit(logit, own.completed[:, chosen].mean(0), degree)
    at = np.linspace(logit.min(), logit.max(), TREND)
    x = np.interp(at, np.sort(own.logit), np.sort(own.probability))
    return np.stack([x, np.polynomial.polynomial.polyval(at, coefficients)])


def _draw_levels(collection: PlotCollection, own: Propensity) -> None:
    seen, column = ~own.is_missing, own.column
    observed = Column(column.name, column.scale, own.completed[0, seen], column.levels)
    odds = own.probability[seen] / (1 - own.probability[seen])
    imputed = xr.DataArray(
        own.completed[:, own.is_missing], dims=("imputation", CELL), name=column.name
    ).assign_coords(imputation=np.arange(len(own.completed)))
    draw_levels(collection, observed, imputed, weights=odds)
    collection.map(
        visuals.labelled_x, "xlabel", data=xr.DataArray(0.0, name=column.name), ignore_aes="all",
        text=f"{column.name}, observed weighted",
    )  # fmt: skip


def _trend_look() -> dict[str, Any]:
    return {**IMPUTED, "width": 2.5, "linestyle": "C1"}


def _array(name: str, rows: Numbers) -> xr.DataArray:
    return xr.DataArray(
        rows, dims=("plot_axis", POINT), coords={"plot_axis": ["x", "y"]}, name=name
    )


def _legend() -> dict[str, Mapping[str, Any]]:
    return {
        "observed": {**OBSERVED, "marker": "o", "markersize": 4},
        "imputed": {**IMPUTED, "linestyle": "C1", "marker": "D", "markersize": 4},
    }

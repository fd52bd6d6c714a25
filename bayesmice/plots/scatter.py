"""Two columns against each other, with the imputed points marked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection, visuals
from numpy.typing import NDArray

from bayesmice.data import Column
from bayesmice.errors import SpecificationError
from bayesmice.plots.choice import HasTree, chosen_columns, tree_of
from bayesmice.plots.levels import level_name
from bayesmice.plots.look import (
    BACKEND,
    IMPUTED,
    OBSERVED,
    crowd_alpha,
    draw_legend,
    panel_title,
    shared_style,
    wrapped,
)
from bayesmice.plots.panels import LEGEND_HEIGHT, POINT
from bayesmice.store import store_from_dataset

Numbers = NDArray[np.float64]
Rows = NDArray[np.intp]

NAME = "points"
SHOWN_IMPUTATIONS = 6
MAX_OBSERVED, MAX_IMPUTED = 1000, 500
"""Points of a panel."""
SPREAD = 0.3
"""Width over which the observed or the imputed points of a level are spread."""
MANY_POINTS = 200
SIZES = (18, 9)
"""Of few and of many points."""
PANEL = (3.2, 2.9)
COLUMNS = 3
MANY_LETTERS = 30
"""Letters of all level names that fit side by side under a panel."""
LOOKS: dict[str, dict[str, Any]] = {
    "observed": {"color": OBSERVED["color"], "marker": "o", "facecolor": "none", "width": 0.8},
    "imputed": {"color": IMPUTED["color"], "marker": "x", "width": 1.2},
}


def plot_xy(
    imputations: HasTree | xr.DataTree, var_names: Sequence[str], *, shown: int | None = None
) -> PlotCollection:
    """Draw two columns against each other, and mark what was imputed.

    One panel per imputation, with the same observed points in each. A point counts as imputed if
    either of its two cells is. Points of a column with levels are spread around their level, so
    that they can be seen: observed ones on one side of it, imputed ones on the other.

    Parameters
    ----------
    imputations : Imputations or xarray.DataTree
        A run, or its tree.
    var_names : sequence of two str
        The columns on the horizontal and the vertical axis, complete ones or not.
    shown : int, optional
        How many imputations are shown, the first ones. By default six, or all if there are fewer.

    Returns
    -------
    PlotCollection
        The picture of ArviZ; ``savefig("xy.png")`` writes it to a file. Its points are in
        ``viz["observed"]`` and ``viz["imputed"]``.

    Raises
    ------
    DataTypeError
        If ``imputations`` is neither a run nor a tree.
    SpecificationError
        If ``var_names`` are not two columns of the data, if neither has an imputed cell, or if
        ``shown`` is not a number from 1 to that of the imputations.

    Notes
    -----
    Look for imputed points where no observed ones are, such as combinations that cannot be, and for
    a relation that is weaker or stronger among imputed points: the model of one column may lack the
    other. At most 1,000 observed and 500 imputed rows are shown, chosen at random once and the
    same in all panels; the legend says of how many. Rows in which a cell is still missing, because
    no imputation of it was asked for, are left out.

    Examples
    --------
    >>> import bayesmice as bm
    >>> mice = bm.MICE(bm.load_dataset("nhanes2"))
    >>> imputations = mice.mice(m=3, sweeps=5, random_seed=1, progressbar=False)
    >>> picture = bm.plot_xy(imputations, ["bmi", "chl"])
    >>> picture.viz["imputed"]["points"].sizes["imputation"]
    3
    """
    tree = tree_of(imputations)
    imputed = tree["imputations"].to_dataset()
    columns = store_from_dataset(tree["observed_data"].to_dataset()).columns
    both = _two_columns(columns, var_names)
    n_shown = _checked_shown(shown, imputed.sizes["imputation"])
    rows = _rows(both, imputed)
    drawn = {
        label: _points(both, imputed, chosen, n_shown, side)
        for label, chosen, side in (("observed", rows.observed, -1), ("imputed", rows.imputed, 1))
    }
    with shared_style():
        collection = _panels(imputed["imputation"].to_numpy()[:n_shown])
        for label, points in drawn.items():
            n_points = points.sizes[POINT]
            look = _look(label) | {"size": SIZES[n_points > MANY_POINTS]}
            alpha = crowd_alpha(max(1, n_points // 40))
            collection.map(visuals.scatter_xy, label, data=points, alpha=alpha, **look)
        _label_axes(collection, both, n_shown)
        draw_legend(collection, _entries(rows, n_shown, imputed.sizes["imputation"]))
    return collection


def _look(label: str) -> dict[str, Any]:
    look = dict(LOOKS[label])
    if "facecolor" in look:
        look["edgecolor"] = look.pop("color")
    return look


def _two_columns(columns: Any, var_names: Sequence[str]) -> tuple[Column, Column]:
    names = chosen_columns(columns, var_names)
    if var_names is None or isinstance(var_names, str) or len(names) != 2:
        raise SpecificationError(
            f"var_names is {var_names!r:.80}; expected two columns, such as "
            f"{list(columns)[:2]!r}, for the horizontal and the vertical axis."
        )
    return columns[names[0]], columns[names[1]]


def _checked_shown(shown: object, m: int) -> int:
    if shown is None:
        return min(m, SHOWN_IMPUTATIONS)
    if isinstance(shown, bool) or not isinstance(shown, int) or not 1 <= shown <= m:
        raise SpecificationError(
            f"shown is {shown!r}; expected how many of the {m} imputations to show, from 1 to {m}."
        )
    return shown


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows of the data, by whether a cell was imputed; and how many there are of each.

    Attributes
    ----------
    observed, imputed : ndarray of int
        Positions of those that are shown.
    n_observed, n_imputed : int
        How many there are.
    """

    observed: Rows
    imputed: Rows
    n_observed: int
    n_imputed: int


def _rows(both: tuple[Column, Column], imputed: xr.Dataset) -> _Rows:
    known, has_imputed = np.ones((2, len(both[0].observed)), dtype=bool)
    has_imputed[:] = False
    for column in both:
        own = np.zeros_like(has_imputed)
        if column.name in imputed.data_vars:
            own[column.wanted_rows] = True
        has_imputed |= own
        known &= column.observed | own
    if not has_imputed.any():
        raise SpecificationError(
            f"There is nothing to draw: neither {both[0].name!r} nor {both[1].name!r} has imputed "
            f"cells. Columns with some: {', '.join(map(str, imputed.data_vars))}."
        )
    observed, drawn = np.flatnonzero(known & ~has_imputed), np.flatnonzero(known & has_imputed)
    shown = (_some(observed, MAX_OBSERVED), _some(drawn, MAX_IMPUTED))
    return _Rows(*shown, len(observed), len(drawn))


def _some(rows: Rows, most: int) -> Rows:
    """Choose rows at random, the same ones every time."""
    if len(rows) <= most:
        return rows
    return np.random.default_rng(1).choice(rows, most, replace=False)


def _points(
    both: tuple[Column, Column], imputed: xr.Dataset, rows: Rows, n_shown: int, side: int
) -> xr.DataArray:
    """Give completed values in some rows, of shape (n_shown, 2, n_points).

    Points of levels lie on one side of these, along the first axis that has levels.
    """
    axes = []
    sided = next((place for place, column in enumerate(both) if column.levels), None)
    for place, column in enumerate(both):
        values = np.tile(column.values, (n_shown, 1))
        if column.name in imputed.data_vars:
            values[:, column.wanted_rows] = imputed[column.name].to_numpy()[:n_shown]
        values = values[:, rows]
        if column.levels:
            across = np.random.default_rng(place).random(len(rows))
            values += side * SPREAD * across if place == sided else 2 * SPREAD * (across - 0.5)
        axes.append(values)
    return xr.DataArray(
        np.stack(axes, axis=1),
        dims=("imputation", "plot_axis", POINT),
        coords={
            "imputation": imputed["imputation"].to_numpy()[:n_shown],
            "plot_axis": ["x", "y"],
        },
        name=NAME,
    )


def _panels(numbers: NDArray[np.integer]) -> PlotCollection:
    wrap = min(len(numbers), COLUMNS)
    n_rows = -(-len(numbers) // wrap)
    layout = xr.DataArray(
        np.zeros(len(numbers)), dims="imputation", coords={"imputation": numbers}, name=NAME
    )
    width = PANEL[0] * max(wrap, 1.6)
    return PlotCollection.wrap(
        layout.to_dataset(),
        cols=["imputation"],
        col_wrap=wrap,
        backend=BACKEND,
        figure_kwargs={
            "figsize": (width, PANEL[1] * n_rows + LEGEND_HEIGHT),
            "sharex": True,
            "sharey": True,
        },
    )


def _label_axes(collection: PlotCollection, both: tuple[Column, Column], n_shown: int) -> None:
    titles = {(NAME, str(number)): f"imputation {number}" for number in range(n_shown)}
    collection.map(panel_title, "title", subset_info=True, titles=titles)
    wrap = min(n_shown, COLUMNS)
    lowest = list(range(max(0, n_shown - wrap), n_shown))
    leftmost = list(range(0, n_shown, wrap))
    for axis, column, which in (("x", both[0], lowest), ("y", both[1], leftmost)):
        write = visuals.labelled_x if axis == "x" else visuals.labelled_y
        edge = collection.data.isel(imputation=which)
        collection.map(write, data=edge, store_artist=False, text=wrapped(column.name))
        # Where no panel stands below, axes that are shared would hide their numbers.
        collection.map(visuals.set_ticklabel_visibility, data=edge, store_artist=False, axis=axis)
        if column.levels:
            collection.map(_label_levels, store_artist=False, column=column, axis=axis)


def _label_levels(_: xr.DataArray, target: Any, *, column: Column, axis: str) -> None:
    names = [level_name(level) for level in column.levels]
    positions = range(len(names))
    if axis == "y":
        target.set_yticks(positions, names)
    elif sum(map(len, names)) > MANY_LETTERS:
        target.set_xticks(positions, names, rotation=45, ha="right", rotation_mode="anchor")
    else:
        target.set_xticks(positions, names)


def _entries(rows: _Rows, n_shown: int, m: int) -> dict[str, dict[str, Any]]:
    notes = {
        "observed": _of(len(rows.observed), rows.n_observed),
        "imputed": _of(len(rows.imputed), rows.n_imputed),
    }
    if n_shown < m:
        of_all = f"{n_shown} of {m} imputations"
        notes["imputed"] = f"{notes['imputed']}; {of_all}" if notes["imputed"] else of_all
    entries = {}
    for label, note in notes.items():
        look = LOOKS[label]
        entries[f"{label} ({note})" if note else label] = {
            "color": look["color"],
            "marker": look["marker"],
            "markerfacecolor": look.get("facecolor", look["color"]),
            "linestyle": "",
            "markersize": 5,
        }
    return entries


def _of(n_shown: int, n: int) -> str:
    return "" if n_shown == n else f"{n_shown:,} of {n:,} rows"

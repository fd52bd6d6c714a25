"""The graph of many columns: a table of marks, one row per model."""

from typing import Any

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection
from numpy.typing import NDArray

from bayesmice.plots.look import IMPUTED, OBSERVED, draw_legend, shown_color
from bayesmice.plots.panels import LEGEND_HEIGHT, single_panel
from bayesmice.plots.uses import Uses

NAME = "graph"
CELL = 0.21
"""Of a mark with its place, in inches."""
LETTER = 0.085
"""Inches of a letter, about."""
MARK = 45
"""Area of a mark, in squared points."""
LOOKS: dict[str, dict[str, Any]] = {
    "read by the model": {"marker": "s", "color": IMPUTED["color"]},
    "computed from": {"marker": "D", "color": OBSERVED["color"]},
    "same block": {"marker": "+", "color": "B2"},
    "the column itself": {"marker": ".", "color": "B3"},
}


def draw_table(uses: Uses) -> PlotCollection:
    """Draw one row of marks per model, and one column per column that some model reads."""
    read = {predictor for predictor, _ in uses.arrows}
    columns = [name for name in uses.names if name in read | set(uses.targets)]
    marks = _marks(uses, columns)
    rows = xr.DataArray(np.zeros(len(columns)), dims="_name", name=NAME)
    longest = LETTER * max(map(len, columns))
    size = (
        CELL * len(columns) + longest + 1.0,
        CELL * len(uses.targets) + longest + 1.2 + LEGEND_HEIGHT,
    )
    collection = single_panel(NAME, (max(size[0], 6.0), max(size[1], 2.5)))
    collection.map(_draw_marks, "marks", data=rows, marks=marks, artist_dims={"kind": len(marks)})
    collection.map(
        _name_columns,
        "columns",
        data=rows,
        names=columns,
        targets=list(uses.targets),
        artist_dims={"column": len(columns)},
    )
    entries = {label: {**LOOKS[label], "linestyle": "", "markersize": 7} for label in marks}
    draw_legend(collection, entries)
    return collection


def _marks(uses: Uses, columns: list[str]) -> dict[str, NDArray[np.intp]]:
    """Give the places of marks, of shape (n, 2) as (column, row), by their kind."""
    places: dict[str, list[tuple[int, int]]] = {label: [] for label in LOOKS}
    block = uses.together | {(other, one) for one, other in uses.together}
    for row, target in enumerate(uses.targets):
        for at, name in enumerate(columns):
            if name == target:
                places["the column itself"].append((at, row))
            elif (name, target) in uses.arrows:
                kind = "computed from" if target in uses.passive else "read by the model"
                places[kind].append((at, row))
            elif (name, target) in block:
                places["same block"].append((at, row))
    return {label: np.array(own) for label, own in places.items() if own}


def _draw_marks(_: xr.DataArray, target: Any, *, marks: dict[str, NDArray[np.intp]]) -> Any:
    drawn = [
        target.scatter(
            *places.T,
            s=MARK,
            marker=LOOKS[label]["marker"],
            color=shown_color(LOOKS[label]["color"]),
            linewidths=1,
        )
        for label, places in marks.items()
    ]
    return np.array(drawn, dtype=object)


def _name_columns(_: xr.DataArray, target: Any, *, names: list[str], targets: list[str]) -> Any:
    target.set_xlim(-0.6, len(names) - 0.4)
    target.set_ylim(len(targets) - 0.4, -0.6)
    target.set_aspect("equal")
    target.xaxis.tick_top()
    target.xaxis.set_label_position("top")
    target.set_xticks(range(len(names)), names, rotation=90)
    target.set_yticks(range(len(targets)), targets)
    target.set_xlabel("predictor")
    target.set_ylabel("model of")
    target.tick_params(length=0)
    target.spines[:].set_visible(False)
    return np.array(target.get_xticklabels(), dtype=object)

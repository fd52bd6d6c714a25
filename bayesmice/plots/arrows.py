"""The graph of few columns: arrows between points on a circle."""

from textwrap import fill
from typing import Any

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection
from numpy.typing import NDArray

from bayesmice.plots.look import OBSERVED, draw_legend, shown_color
from bayesmice.plots.panels import LEGEND_HEIGHT, single_panel
from bayesmice.plots.uses import NODES, Uses

NAME = "graph"
SIZE = 4.6
"""Inches of the panel."""
LETTERS = 22
"""Letters of a line of a name."""
NODE_SIZE = 11
"""Of a point, in points of type."""
LABEL_AT = 1.13
"""Where names begin, in radii of the circle."""
BEND = 0.12
"""Of an arrow to a column that does not point back."""
ARROW = {"shrinkA": NODE_SIZE * 0.75, "shrinkB": NODE_SIZE * 0.75, "mutation_scale": 12}
JOINED = {"color": OBSERVED["color"], "linestyle": ":", "linewidth": 2}

Positions = dict[str, NDArray[np.float64]]


def draw_arrows(uses: Uses) -> PlotCollection:
    """Draw columns on a circle, from the top and clockwise, and arrows between them."""
    angles = np.pi / 2 - 2 * np.pi * np.arange(len(uses.names)) / len(uses.names)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    positions = dict(zip(uses.names, circle, strict=True))
    names = xr.DataArray(np.zeros(len(uses.names)), dims="_name", name=NAME)
    collection = single_panel(NAME, (SIZE + 1.8, SIZE + LEGEND_HEIGHT))
    collection.map(
        _draw_columns,
        "columns",
        data=names,
        uses=uses,
        positions=positions,
        artist_dims={"column": len(uses.names)},
    )
    if uses.pairs:
        joined = sorted(tuple(sorted(pair)) for pair in uses.pairs)
        collection.map(
            _draw_pairs,
            "arrows",
            data=names,
            uses=uses,
            positions=positions,
            pairs=joined,
            artist_dims={"pair": len(joined)},
        )
    draw_legend(collection, node_entries(uses) | pair_entries(uses))
    return collection


def node_entries(uses: Uses) -> dict[str, dict[str, Any]]:
    """Say how columns are marked, as far as there are some of each kind."""
    kinds = {uses.kind(name) for name in uses.names}
    return {
        label: {
            "color": look["color"],
            "marker": look["marker"],
            "linestyle": "",
            **({} if look["filled"] else {"markerfacecolor": "none"}),
        }
        for label, look in NODES.items()
        if label in kinds
    }


def pair_entries(uses: Uses) -> dict[str, dict[str, Any]]:
    """Say how columns of a block are joined, if there is one."""
    return {"block": JOINED} if uses.together else {}


def _draw_columns(_: xr.DataArray, target: Any, *, uses: Uses, positions: Positions) -> Any:
    target.set_axis_off()
    target.set_aspect("equal")
    target.set_xlim(-1.1, 1.1)
    target.set_ylim(-1.1, 1.1)
    drawn = []
    for name, (x, y) in positions.items():
        look = NODES[uses.kind(name)]
        color = shown_color(look["color"])
        (point,) = target.plot(
            x,
            y,
            marker=look["marker"],
            markersize=NODE_SIZE,
            markeredgecolor=color,
            markerfacecolor=color if look["filled"] else "none",
            markeredgewidth=2,
            zorder=3,
        )
        side = "center" if abs(x) < 0.1 else ("left" if x > 0 else "right")
        vertical = "center" if abs(y) < 0.9 else ("bottom" if y > 0 else "top")
        label = fill(name, LETTERS)
        target.text(x * LABEL_AT, y * LABEL_AT, label, ha=side, va=vertical)
        drawn.append(point)
    return np.array(drawn, dtype=object)


def _draw_pairs(
    _: xr.DataArray, target: Any, *, uses: Uses, positions: Positions, pairs: list[tuple[str, str]]
) -> Any:
    drawn = []
    for one, other in pairs:
        forth, back = (one, other) in uses.arrows, (other, one) in uses.arrows
        start, end = (one, other) if forth or not back else (other, one)
        is_block = not forth and not back
        style = "-" if is_block else ("<|-|>" if forth and back else "-|>")
        look = JOINED if is_block else {"color": "B2", "linewidth": 1}
        bend = BEND if forth != back else 0
        drawn.append(
            target.annotate(
                "",
                positions[end],
                positions[start],
                arrowprops={
                    "arrowstyle": style,
                    "connectionstyle": f"arc3,rad={bend}",
                    **ARROW,
                    **look,
                    "color": shown_color(str(look["color"])),
                },
            )
        )
    return np.array(drawn, dtype=object)

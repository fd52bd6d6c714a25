"""The picture of cost curves."""

from collections.abc import Sequence

import matplotlib as mpl

mpl.use("agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from bayesmice.plots.look import shared_style
from speed.curves import CURVES, Point, fitted
from speed.power_law import PowerLaw
from speed.table import GB

TIME, MEMORY = "#1b6ca8", "#c75b12"


def draw_curves(points: Sequence[Point]) -> Figure:
    """Draw time above memory, one column of panels for each curve, with the fitted power laws."""
    laws = fitted(points)
    with shared_style():
        figure, panels = plt.subplots(
            2, len(laws), figsize=(2.9 * len(laws), 5.2), sharex="col", sharey="row", squeeze=False
        )
        for column, (name, (time, memory)) in zip(panels.T, laws.items(), strict=True):
            own = [one for one in points if one.curve == name]
            sizes = np.array([one.size for one in own], float)
            _draw(column[0], sizes, [1000 * one.seconds for one in own], time, 1000, TIME)
            _draw(column[1], sizes, [one.added_bytes / GB for one in own], memory, 1 / GB, MEMORY)
            column[1].set_xlabel(_in_lines(CURVES[name].label))
        panels[0, 0].set_ylabel("a later sweep (ms)")
        panels[1, 0].set_ylabel("memory beyond the imports (GB)")
    return figure


def _draw(
    axes: Axes, sizes: np.ndarray, costs: Sequence[float], law: PowerLaw, unit: float, color: str
) -> None:
    axes.plot(sizes, unit * law.factor * sizes**law.exponent, color=color, linewidth=1)
    axes.plot(sizes, costs, "o", color=color)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(sizes, [_in_thousands(size) for size in sizes])
    axes.set_xticks([], minor=True)
    axes.set_title(f"exponent {law.exponent:.2f} ± {law.std_error:.2f}")
    axes.grid(linewidth=0.3)


def _in_thousands(size: float) -> str:
    return f"{size:g}" if size < 1_000 else f"{size / 1_000:g}k"


def _in_lines(label: str) -> str:
    return label.replace(" (", "\n(", 1)

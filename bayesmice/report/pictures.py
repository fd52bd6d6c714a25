"""Pictures within a page."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection
from matplotlib import pyplot as plt
from numpy.typing import NDArray

from bayesmice.data import Column, ColumnStore
from bayesmice.plots import plot_density, plot_pattern, plot_trace
from bayesmice.report.tables import number, percent

DPI = 110
"""Of pictures: sharp at the width of a page, and fifteen kilobytes each."""


MOST_GROUPS = 12
"""Groups of rows whose sweeps are drawn."""
LEAST_WIDE = 700
"""Pixels of a picture of several panels side by side."""


@dataclass(frozen=True)
class Picture:
    """A picture within a page.

    Attributes
    ----------
    source : str
        The picture itself, as a data URI.
    alt : str
        What it shows, for those who do not see it.
    width, height : int
        Size in pixels.
    """

    source: str
    alt: str
    width: int
    height: int

    @property
    def is_wide(self) -> bool:
        """Whether a narrow screen has to move along it, since it would be too small there."""
        return self.width > LEAST_WIDE


def embedded(draw: Callable[[], PlotCollection], alt: str) -> Picture:
    """Draw a picture and put it into text.

    It is black on white. Where a page is dark, its style turns that into white on its own
    background; a picture of no background would be three times as large.

    Parameters
    ----------
    draw : callable
        Draws it.
    alt : str
        What it shows.
    """
    with plt.ioff():
        figure = draw().viz["figure"].item()
        buffer = BytesIO()
        figure.savefig(buffer, format="webp", dpi=DPI, facecolor="white")
        width, height = (round(float(inches) * DPI) for inches in figure.get_size_inches())
        plt.close(figure)
    source = "data:image/webp;base64," + b64encode(buffer.getvalue()).decode("ascii")
    return Picture(source, alt, width, height)


def pattern_picture(tree: xr.DataTree, store: ColumnStore) -> Picture:
    """Draw which columns are missing together."""
    return embedded(
        lambda: plot_pattern(tree),
        f"Missing-data pattern: which of {len(store.columns)} columns are missing together, and in "
        f"how many of {store.n_rows} rows",
    )


def density_picture(tree: xr.DataTree, column: Column) -> Picture:
    """Draw observed and imputed values of a column."""
    drawn = tree["imputations"][column.name].to_numpy().astype(float)
    if column.levels:
        what = "Bars of observed shares, dots of imputed shares"
        shares = _shares(column, drawn)
        says = f"{what} of {column.name}. Observed and mean imputed share: {shares}"
    else:
        means = drawn.mean(axis=1)
        says = (
            f"Density of observed and of imputed values of {column.name}. The observed mean is "
            f"{number(float(column.observed_values.mean()))}; means of imputed values are between "
            f"{number(float(means.min()))} and {number(float(means.max()))}"
        )
    return embedded(lambda: plot_density(tree, var_names=column.name), says)


def _shares(column: Column, drawn: NDArray[np.float64]) -> str:
    observed = column.observed_values
    return "; ".join(
        f"{level} {percent(float((observed == code).mean()))} and "
        f"{percent(float((drawn == code).mean()))}"
        for code, level in enumerate(column.levels)
    )


def trace_picture(tree: xr.DataTree, names: Sequence[str], column: str) -> Picture:
    """Draw mean and standard deviation of the imputed cells over sweeps."""
    statistics = tree["sweep_stats"]
    return embedded(
        lambda: plot_trace(tree, var_names=list(names[:MOST_GROUPS])),
        f"Mean and standard deviation of the imputed cells of {column} in "
        f"{statistics.sizes['chain']} chains over {statistics.sizes['draw']} sweeps",
    )


def traced(tree: xr.DataTree) -> Mapping[str, list[str]]:
    """Say which statistics over sweeps there are of each column: several with groups of rows."""
    found: dict[str, list[str]] = {}
    for name, values in tree["sweep_stats"].data_vars.items():
        found.setdefault(str(values.attrs.get("column", name)), []).append(str(name))
    return found

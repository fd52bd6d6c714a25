"""Counts: rootograms, whose bars are as high as the square roots of proportions."""

from collections.abc import Collection

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection, visuals
from numpy.typing import NDArray

from bayesmice.data import Column
from bayesmice.models import FAMILIES
from bayesmice.models.supports import COUNTS
from bayesmice.plots.levels import draw_bars
from bayesmice.plots.panels import POINT
from bayesmice.store import Described

Numbers = NDArray[np.float64]

MAX_BARS = 40
"""More counts than that are grouped."""
MAX_FIRST_COUNT = 1
"""Whole numbers of which none is so small measure something, such as years, and count nothing."""


def count_families() -> frozenset[str]:
    """Name the families whose targets are counts."""
    return frozenset(name for name, family in FAMILIES.items() if family.support == COUNTS)


def is_count(column: Column, imputed: Numbers, models: Collection[Described]) -> bool:
    """Whether a column is shown as counts.

    Its numbers have to be whole and not negative. Then it is one if its model is of a family of
    counts, or if its dtype is one of whole numbers that begin at 0 or 1.

    Parameters
    ----------
    column : Column
        The column.
    imputed : ndarray of shape (m, n_missing)
        Its imputed cells.
    models : collection of Described
        What is known of models.
    """
    if column.levels or not len(column.observed_values):
        return False
    observed = column.observed_values
    drawn = np.rint(imputed) if column.is_integer else imputed
    whole = all((values == np.rint(values)).all() for values in (observed, drawn))
    if not whole or observed.min() < 0 or np.ptp(observed) == 0:
        return False
    own = {model.model for model in models if column.name in model.targets}
    return bool(own & count_families()) or (
        column.is_integer and bool(observed.min() <= MAX_FIRST_COUNT)
    )


def draw_counts(collection: PlotCollection, column: Column, imputed: xr.DataArray) -> None:
    """Draw a rootogram: bars of the observed counts, dots of each imputation.

    The square root brings rare counts into view, and gives differences between bars and dots the
    same sampling error at every height (Kleiber and Zeileis 2016).
    """
    drawn = np.rint(imputed.to_numpy())
    least = min(column.observed_values.min(), drawn.min())
    most = max(column.observed_values.max(), drawn.max())
    step = int(np.ceil((most - least + 1) / MAX_BARS))
    edges = np.arange(least, most + step + 1, step) - 0.5
    centers = (edges[:-1] + edges[1:]) / 2
    heights = xr.DataArray(
        np.stack([_roots(values, edges) for values in drawn]),
        dims=("imputation", POINT),
        coords={"imputation": imputed["imputation"]},
        name=column.name,
    )
    draw_bars(collection, _roots(column.observed_values, edges), heights, centers)
    text = "root of proportion" if step == 1 else f"root of proportion (bars of {step})"
    panel = xr.DataArray(0.0, name=column.name)
    collection.map(visuals.labelled_y, "ylabel", data=panel, ignore_aes="all", text=text)


def _roots(values: Numbers, edges: Numbers) -> Numbers:
    counts, _ = np.histogram(values, edges)
    return np.sqrt(counts / len(values))

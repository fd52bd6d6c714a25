"""Whether observed values lie as they should in what is predicted without them."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection, visuals

from bayesmice.arguments import check_seed
from bayesmice.diagnostics.conditional import LOG_LIKELIHOOD, PREDICTIVE, check_draws
from bayesmice.diagnostics.pit import LooPit, loo_pit
from bayesmice.diagnostics.uniformity import uniform_band
from bayesmice.plots.choice import HasTree, check_panels, tree_of
from bayesmice.plots.look import OBSERVED, draw_legend, panel_title, shared_style
from bayesmice.plots.panels import CELL, POINT, panels
from bayesmice.plots.predictive import chosen_conditionals

BAND_ALPHA = 0.18
BAND_LEVEL = 0.95
GRID = 100
"""Points at which the band is exact."""


def plot_loo_pit(
    imputations: HasTree | xr.DataTree,
    var_names: str | Sequence[str] | None = None,
    *,
    burn_in: int | None = None,
    random_seed: int = 0,
) -> PlotCollection:
    """Draw where observed values lie in what their models predict without them.

    One panel per column. The line is the empirical distribution function of the LOO-PIT values less
    that of a uniform variable. Under a model that is right it stays in the band, at all points
    together, in 95 % of data sets. A line that falls and then rises (from too many values in the
    middle) says that predictions are too wide, one that rises first that they are too narrow, and
    one on a single side of zero that they are biased.

    Parameters
    ----------
    imputations : Imputations or xarray.DataTree
        A run, or its tree, after ``imputations.check(name)``, or after both ``add_log_likelihood``
        and ``add_posterior_predictive``.
    var_names : str or sequence of str, optional
        The columns to show (``"bmi[sex=male]"`` with groups of rows). By default all that have been
        checked.
    burn_in : int, optional
        Sweeps at the beginning that are left out. By default half of them.
    random_seed : int, default 0
        Seed of the random places that ties get, as in `Imputations.check`.

    Returns
    -------
    PlotCollection
        The picture of ArviZ; ``savefig("pit.png")`` writes it to a file. Its marks are in
        ``viz["pit"]`` and ``viz["band"]``.

    Raises
    ------
    DataTypeError
        If ``imputations`` is neither a run nor a tree.
    SpecificationError
        If no model, or none of a column that is named, has what is needed, or there are fewer than
        25 draws after the burn-in.

    Notes
    -----
    The band is exact for independent values [1]_. The p-value in a title allows for the dependence
    of LOO-PIT values; see `bayesmice.Imputations.check`.

    References
    ----------
    .. [1] Säilynoja, Bürkner and Vehtari (2022), Statistics and Computing 32, 32.
    """
    tree = tree_of(imputations)
    found = chosen_conditionals(tree, var_names, (LOG_LIKELIHOOD, PREDICTIVE), "check", burn_in)
    check_panels(len(found))
    for own in found:
        check_draws(own, "plot_loo_pit")
    seed = check_seed(random_seed)
    pits = {own.title: loo_pit(own, seed) for own in found}
    with shared_style():
        flat = {name: xr.DataArray(np.zeros((1, 1)), dims=("_", CELL), name=name) for name in pits}
        collection = panels(flat)
        for name, pit in pits.items():
            _draw(collection, name, pit)
        titles = {(name,): f"{name}: {_told(pit)}" for name, pit in pits.items()}
        collection.map(panel_title, "title", ignore_aes="all", subset_info=True, titles=titles)
        band = {"color": OBSERVED["color"], "width": 8, "alpha": BAND_ALPHA}
        draw_legend(collection, {"LOO-PIT": OBSERVED, "95% band": band})
    return collection


def _told(pit: LooPit) -> str:
    p_value = "p < 0.001" if pit.p_value < 0.001 else f"p = {pit.p_value:.3f}"
    return f"{pit.by_row.size} rows, uniform: {p_value}"


def _draw(collection: PlotCollection, name: str, pit: LooPit) -> None:
    values = np.sort(pit.by_row.to_numpy())
    n = len(values)
    band = uniform_band(n, min(GRID, n + 1), BAND_LEVEL)
    points = np.concatenate([[0.0], band.points])
    edges = xr.DataArray(
        np.stack([points, np.append(0, band.lower) - points, np.append(0, band.upper) - points]),
        dims=("kwarg", POINT),
        coords={"kwarg": ["x", "y_bottom", "y_top"]},
        name=name,
    )
    collection.map(
        visuals.fill_between_y,
        "band",
        data=edges,
        ignore_aes="all",
        color=OBSERVED["color"],
        alpha=BAND_ALPHA,
    )
    x = np.concatenate([[0.0], np.repeat(values, 2), [1.0]])
    y = np.concatenate([[0.0], np.repeat(np.arange(n + 1) / n, 2)[1:-1], [1.0]]) - x
    line = xr.DataArray(
        np.stack([x, y]), dims=("plot_axis", POINT), coords={"plot_axis": ["x", "y"]}, name=name
    )
    collection.map(visuals.line_xy, "pit", data=line, ignore_aes="all", **OBSERVED)
    panel = xr.DataArray(0.0, name=name)
    words = {"xlabel": "LOO-PIT", "ylabel": "share below − uniform"}
    labellers = {"xlabel": visuals.labelled_x, "ylabel": visuals.labelled_y}
    for key, text in words.items():
        collection.map(labellers[key], key, data=panel, ignore_aes="all", text=text)

"""Sweep traces: mean and standard deviation of the imputed cells, chain by chain."""

from collections.abc import Sequence

import xarray as xr
from arviz_plots import PlotCollection, visuals

from bayesmice.errors import SpecificationError
from bayesmice.plots.chains import MAX_MARKERS, chain_legend, chain_looks, whole_ticks
from bayesmice.plots.choice import HasTree, check_panels, chosen_columns, tree_of
from bayesmice.plots.look import BACKEND, crowd_alpha, draw_legend, panel_title, shared_style
from bayesmice.store import origin_of

PANEL = (4.2, 1.9)
LEGEND_HEIGHT = 0.5


def plot_trace(
    imputations: HasTree | xr.DataTree, var_names: str | Sequence[str] | None = None
) -> PlotCollection:
    """Draw how the imputed cells moved from sweep to sweep.

    One row per column, with the mean of its imputed cells on the left and their standard deviation
    on the right, and one line per chain. Chains that have converged overlap and show no trend.

    Parameters
    ----------
    imputations : Imputations or xarray.DataTree
        A run, or its tree.
    var_names : str or sequence of str, optional
        The imputed columns to show. By default all that a model imputed.

    Returns
    -------
    PlotCollection
        The picture of ArviZ; ``savefig("trace.png")`` writes it to a file. The lines are in
        ``viz["trace"]``.

    Raises
    ------
    DataTypeError
        If ``imputations`` is neither a run nor a tree.
    SpecificationError
        If ``var_names`` names a column that no model imputed, if there is none at all, if the
        imputations have no sweep statistics (those of a table, for example), or if there are more
        panels than ArviZ allows.

    Notes
    -----
    Sweeps are counted from 0, as in the tree and in the event log. Up to six chains have a colour
    and a marker of their own, which the legend names; more are drawn alike, and transparent. Level
    codes stand for the values of columns with levels: the mean of a binary column is the proportion
    of its second level. The standard deviation of a single cell is not defined.

    Examples
    --------
    >>> import bayesmice as bm
    >>> mice = bm.MICE(bm.load_dataset("nhanes2"))
    >>> imputations = mice.mice(m=3, sweeps=5, random_seed=1, progressbar=False)
    >>> picture = bm.plot_trace(imputations, var_names=["bmi", "chl"])
    >>> picture.viz["trace"]["bmi"].sizes["chain"]
    3
    """
    tree = tree_of(imputations)
    statistics = tree["sweep_stats"].to_dataset()
    origin = origin_of(tree)
    if not statistics.data_vars and origin is not None:
        raise SpecificationError(
            f"There is no trace to draw: these imputations come from {origin}, and do not say how "
            "their chains moved. Draw the trace of the run that made them."
        )
    if not statistics.data_vars:
        raise SpecificationError(
            "There is no trace to draw: every imputed column has one observed value only, which "
            "filled its missing cells without a model."
        )
    names = chosen_columns(statistics.data_vars, var_names)
    shown = statistics[names]
    check_panels(shown.sizes["statistic"] * len(names))
    with shared_style():
        collection = _panels(shown)
        _draw_chains(collection, shown)
        _draw_notes(collection, shown)
        _draw_labels(collection, shown, tree["observed_data"].to_dataset())
        draw_legend(collection, chain_legend(shown["chain"].to_numpy()))
    return collection


def _panels(shown: xr.Dataset) -> PlotCollection:
    rows, columns = len(shown.data_vars), shown.sizes["statistic"]
    return PlotCollection.grid(
        shown,
        rows=["__variable__"],
        cols=["statistic"],
        backend=BACKEND,
        **chain_looks(shown.sizes["chain"]),
        figure_kwargs={
            "figsize": (PANEL[0] * columns, PANEL[1] * rows + LEGEND_HEIGHT),
            "sharex": True,
        },
    )


def _draw_chains(collection: PlotCollection, shown: xr.Dataset) -> None:
    alpha = crowd_alpha(shown.sizes["chain"])
    collection.map(
        visuals.line,
        "trace",
        data=shown,
        xname="draw",
        ignore_aes={"marker"},
        alpha=alpha,
        width=1.2,
    )
    marked = shown.isel(draw=slice(None, None, -(-shown.sizes["draw"] // MAX_MARKERS)))
    collection.map(
        visuals.scatter_xy, "markers", data=marked, x=marked["draw"], alpha=alpha, size=18
    )


def _draw_notes(collection: PlotCollection, shown: xr.Dataset) -> None:
    undefined = shown.isnull().all(["chain", "draw"])
    notes = undefined.where(undefined).astype(float)
    middle = float(shown["draw"][[0, -1]].mean())
    collection.map(
        visuals.annotate_xy,
        "note",
        data=notes,
        ignore_aes="all",
        text="not defined for one cell",
        x=middle,
        y=0.5,
        color="B2",
    )
    collection.map(visuals.remove_ticks, data=notes, ignore_aes="all", store_artist=False, axis="y")


def _draw_labels(collection: PlotCollection, shown: xr.Dataset, observed: xr.Dataset) -> None:
    panels = xr.zeros_like(shown.isel(chain=0, draw=0, drop=True))
    titles = {
        (str(name), str(statistic)): f"{name}: {statistic} of {_cells(observed[column])}"
        for name, column in ((n, shown[n].attrs.get("column", n)) for n in panels.data_vars)
        for statistic in panels["statistic"].to_numpy()
    }
    collection.map(
        panel_title, "title", data=panels, ignore_aes="all", subset_info=True, titles=titles
    )
    collection.map(
        visuals.labelled_x,
        "xlabel",
        data=panels[[list(panels.data_vars)[-1]]],
        ignore_aes="all",
        text="sweep",
    )
    ticks = whole_ticks(shown["draw"].to_numpy())
    collection.map(
        visuals.set_xticks,
        data=panels,
        ignore_aes="all",
        store_artist=False,
        values=ticks,
        labels=[str(tick) for tick in ticks],
    )


def _cells(column: xr.DataArray) -> str:
    return "imputed level codes" if "levels" in column.attrs else "imputed cells"

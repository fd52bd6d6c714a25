"""Parameters of conditional models from sweep to sweep, and their ranks chain by chain."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection, visuals

from bayesmice.diagnostics import SweepQuantity, parameter_quantities
from bayesmice.errors import SpecificationError
from bayesmice.plots.chains import MAX_MARKERS, chain_legend, chain_looks, whole_ticks
from bayesmice.plots.choice import HasTree, check_panels, chosen_columns, tree_of
from bayesmice.plots.look import BACKEND, crowd_alpha, draw_legend, panel_title, shared_style
from bayesmice.plots.ranks import rank_band, rank_differences, rank_grid
from bayesmice.store import origin_of

TRACE, RANKS = "trace", "ranks"
CENTERED = "_centered"
PANEL = (4.2, 1.9)
LEGEND_HEIGHT = 0.5
BAND_ALPHA = 0.15


def plot_parameters(
    imputations: HasTree | xr.DataTree,
    var_names: str | Sequence[str] | None = None,
    *,
    parameters: str | Sequence[str] | None = None,
) -> PlotCollection:
    """Draw the parameters of conditional models from sweep to sweep, and their ranks.

    One row per parameter: on the left its trace, one line per chain; on the right the ranks of each
    chain's values among those of all chains [1]_. A line above zero there says that the chain has
    more small values than the others. Chains that have converged stay within the band.

    Parameters
    ----------
    imputations : Imputations or xarray.DataTree
        A run, or its tree.
    var_names : str or sequence of str, optional
        The conditional models to show, by their column, block (``"a+b"``) or column and group
        (``"bmi[sex=male]"``). By default all.
    parameters : str or sequence of str, optional
        The parameters to show: ``"sigma"``, all elements of ``"coefficients"``, or one of them,
        ``"coefficients[age]"``. By default all, except those that follow from a ``_centered`` one.

    Returns
    -------
    PlotCollection
        The picture of ArviZ; ``savefig("parameters.png")`` writes it to a file. The lines are in
        ``viz["trace"]`` and ``viz["ranks"]``, by names such as ``"sigma of bmi"``.

    Raises
    ------
    DataTypeError
        If ``imputations`` is neither a run nor a tree.
    SpecificationError
        If there is no such model or parameter, if nothing is known of models (those of a table, for
        example), or if there are more panels than ArviZ allows.

    Notes
    -----
    The band holds all chains with a probability of 95 % if their values are independent draws of
    one distribution. Sweeps that depend on each other stray further, so a line that leaves the band
    a little, in a chain of few sweeps, is no alarm; `Imputations.convergence` weighs that. A single
    chain has no ranks.

    References
    ----------
    .. [1] Säilynoja, Bürkner and Vehtari (2022), Statistics and Computing 32, 32.

    Examples
    --------
    >>> import bayesmice as bm
    >>> mice = bm.MICE(bm.load_dataset("nhanes2"))
    >>> imputations = mice.mice(m=3, sweeps=5, random_seed=1, progressbar=False)
    >>> picture = bm.plot_parameters(imputations, "bmi", parameters="sigma")
    >>> picture.viz["trace"]["sigma of bmi"].sizes["chain"]
    3
    """
    tree = tree_of(imputations)
    chosen = _chosen(tree, var_names, parameters)
    several = chosen[0].n_chains > 1
    kinds = [TRACE, RANKS] if several else [TRACE]
    check_panels(len(kinds) * len(chosen), "models with var_names= or parameters with parameters=")
    _check_alike(chosen)
    coords = _sample_coords(tree, chosen[0].variable)
    traces, ranks = _traces(chosen, coords), _ranks(chosen, coords)
    with shared_style():
        collection = _panels(traces, kinds)
        _draw_traces(collection, traces)
        if several:
            _draw_ranks(collection, ranks, chosen[0])
        _draw_labels(collection, traces, kinds)
        draw_legend(collection, chain_legend(coords["chain"].to_numpy()))
    return collection


def _chosen(
    tree: xr.DataTree,
    var_names: str | Sequence[str] | None,
    parameters: str | Sequence[str] | None,
) -> list[SweepQuantity]:
    known = list(parameter_quantities(tree))
    if not known:
        origin = origin_of(tree)
        why = (
            f"these imputations come from {origin}, and hold no conditional models"
            if origin is not None
            else "no column has a conditional model"
        )
        raise SpecificationError(f"There are no parameters to draw: {why}.")
    models = chosen_columns(dict.fromkeys(one.variable for one in known), var_names)
    mine = [one for model in models for one in known if one.variable == model]
    if parameters is None:
        names = {(one.variable, one.name) for one in mine}
        return [
            one
            for one in mine
            if (one.variable, _centered(one.name)) not in names or one.name.endswith(CENTERED)
        ]
    return _chosen_parameters(mine, parameters)


def _centered(name: str) -> str:
    """Name the parameter that one follows from: ``cutpoints[0]`` from ``cutpoints_centered[0]``."""
    base, bracket, labels = name.partition("[")
    return f"{base}{CENTERED}{bracket}{labels}"


def _chosen_parameters(
    mine: Sequence[SweepQuantity], parameters: str | Sequence[str]
) -> list[SweepQuantity]:
    wanted = [parameters] if isinstance(parameters, str) else list(parameters)
    available = list(dict.fromkeys(one.name for one in mine))
    bases = {name.partition("[")[0] for name in available}
    unknown = [name for name in wanted if name not in bases and name not in available]
    if unknown or not wanted:
        problem = f"names {', '.join(map(repr, unknown))}" if unknown else "is empty"
        raise SpecificationError(
            f"parameters {problem}; expected some of {', '.join(available)}, or a name without "
            "its brackets."
        )
    return [one for one in mine if one.name in wanted or one.name.partition("[")[0] in wanted]


def _check_alike(chosen: Sequence[SweepQuantity]) -> None:
    if len({one.chains.shape for one in chosen}) > 1:
        raise SpecificationError(
            "The models come from runs of other lengths or numbers of chains, and cannot stand in "
            "one picture. Choose those of one run with var_names=."
        )


def _sample_coords(tree: xr.DataTree, model: str) -> dict[str, xr.DataArray]:
    posterior = tree[f"conditionals/{model}/posterior"].to_dataset()
    return {dim: posterior[dim] for dim in ("chain", "draw")}


def _title(one: SweepQuantity) -> str:
    return f"{one.name} of {one.variable}"


def _traces(chosen: Sequence[SweepQuantity], coords: dict[str, xr.DataArray]) -> xr.Dataset:
    return xr.Dataset(
        {_title(one): (("kind", "chain", "draw"), one.chains[None]) for one in chosen},
        {"kind": [TRACE], **coords},
    )


def _ranks(chosen: Sequence[SweepQuantity], coords: dict[str, xr.DataArray]) -> xr.Dataset:
    lines = {}
    for one in chosen:
        differences = rank_differences(one.chains)
        grid = np.broadcast_to(rank_grid(*one.chains.shape), differences.shape)
        drawn = np.where(np.isnan(differences), np.nan, grid)
        lines[_title(one)] = (
            ("kind", "chain", "plot_axis", "point"),
            np.stack([drawn, differences], axis=1)[None],
        )
    axes = {"kind": [RANKS], "chain": coords["chain"], "plot_axis": ["x", "y"]}
    return xr.Dataset(lines, axes)


def _panels(traces: xr.Dataset, kinds: list[str]) -> PlotCollection:
    rows = len(traces.data_vars)
    frame = traces.isel(kind=0, draw=0, drop=True).expand_dims(kind=kinds)
    return PlotCollection.grid(
        frame,
        rows=["__variable__"],
        cols=["kind"],
        backend=BACKEND,
        **chain_looks(traces.sizes["chain"]),
        figure_kwargs={
            "figsize": (PANEL[0] * len(kinds), PANEL[1] * rows + LEGEND_HEIGHT),
            "sharex": "col",
        },
    )


def _draw_traces(collection: PlotCollection, traces: xr.Dataset) -> None:
    alpha = crowd_alpha(traces.sizes["chain"])
    collection.map(
        visuals.line,
        TRACE,
        data=traces,
        xname="draw",
        ignore_aes={"marker"},
        alpha=alpha,
        width=1.2,
    )
    marked = traces.isel(draw=slice(None, None, -(-traces.sizes["draw"] // MAX_MARKERS)))
    collection.map(
        visuals.scatter_xy, "markers", data=marked, x=marked["draw"], alpha=alpha, size=18
    )


def _draw_ranks(collection: PlotCollection, ranks: xr.Dataset, one: SweepQuantity) -> None:
    alpha, half = crowd_alpha(ranks.sizes["chain"]), rank_band(*one.chains.shape)
    edges = {name: (("kind", "edge"), [[-half, half]]) for name in ranks.data_vars}
    collection.map(
        visuals.hspan,
        "band",
        data=xr.Dataset(edges, {"kind": [RANKS]}),
        ignore_aes="all",
        color="B2",
        alpha=BAND_ALPHA,
    )
    collection.map(
        visuals.line_xy, RANKS, data=ranks, ignore_aes={"marker"}, alpha=alpha, width=1.2
    )
    every = -(-ranks.sizes["point"] // MAX_MARKERS)
    marked = ranks.isel(point=slice(every // 2, None, every))
    collection.map(visuals.scatter_xy, "rank_markers", data=marked, alpha=alpha, size=18)
    still = ranks.isnull().all(["chain", "plot_axis", "point"])
    collection.map(
        visuals.annotate_xy,
        "note",
        data=still.where(still).astype(float),
        ignore_aes="all",
        text="the same in all sweeps",
        x=0.5,
        y=0.0,
        color="B2",
    )


def _draw_labels(collection: PlotCollection, traces: xr.Dataset, kinds: list[str]) -> None:
    panels = xr.zeros_like(traces.isel(kind=0, chain=0, draw=0, drop=True)).expand_dims(kind=kinds)
    words: dict[str, Any] = {TRACE: "", RANKS: ": ranks of each chain"}
    titles = {(str(name), kind): f"{name}{words[kind]}" for name in panels for kind in kinds}
    collection.map(
        panel_title, "title", data=panels, ignore_aes="all", subset_info=True, titles=titles
    )
    last = panels[[list(panels.data_vars)[-1]]]
    for kind, text in ((TRACE, "sweep"), (RANKS, "fractional rank")):
        if kind in kinds:
            own = last.sel(kind=[kind])
            collection.map(
                visuals.labelled_x, f"{kind}_xlabel", data=own, ignore_aes="all", text=text
            )
    if RANKS in kinds:
        own = panels.sel(kind=[RANKS])
        collection.map(
            visuals.labelled_y, "ylabel", data=own, ignore_aes="all", text="ECDF difference"
        )
    ticks = whole_ticks(traces["draw"].to_numpy())
    collection.map(
        visuals.set_xticks,
        data=panels.sel(kind=[TRACE]),
        ignore_aes="all",
        store_artist=False,
        values=ticks,
        labels=[str(tick) for tick in ticks],
    )

"""Estimates: pooled, of complete cases, and of each imputation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from numpy.typing import NDArray
from scipy.stats import t as student

from bayesmice.analysis.analyses import Analyses
from bayesmice.errors import DataTypeError, SpecificationError
from bayesmice.plots.choice import check_panels, chosen_columns
from bayesmice.plots.look import (
    BACKEND,
    IMPUTED,
    OBSERVED,
    crowd_alpha,
    draw_legend,
    panel_title,
    shared_style,
    shown_color,
)
from bayesmice.plots.panels import COLUMNS, LEGEND_HEIGHT, PANEL, POINT
from bayesmice.pooling import CompleteDataResult, PooledResults, complete_data_result
from bayesmice.pooling.transforms import LOG, Transform

Numbers = NDArray[np.float64]

MAX_IMPUTATIONS = 50
"""More are not told apart; as many of them are shown, evenly chosen."""
IMPUTATIONS_HEIGHT = 8.0
"""Rows that many imputations take together."""
NAMED = 10
"""So many imputations have their numbers beside them."""
ENDS = ("low", "estimate", "high")
LOOKS: Mapping[str, dict[str, Any]] = {
    "pooled": {"color": OBSERVED["color"], "width": 2.5, "marker": "o"},
    "complete cases": {"color": "B2", "width": 1.8, "marker": "s"},
    "imputations": {"color": IMPUTED["color"], "width": 1.0, "marker": "."},
}


def plot_forest(
    results: PooledResults | Analyses,
    var_names: str | Sequence[str] | None = None,
    *,
    complete_cases: object = None,
    conf_level: float | None = None,
    exponentiate: bool = False,
) -> PlotCollection:
    """Draw pooled estimates, beside those of complete cases and of each imputation.

    One panel per parameter, since each has units of its own. On top stands the pooled estimate with
    its confidence interval, below it that of the complete cases, if given, and then one for each
    completed data set.

    Parameters
    ----------
    results : PooledResults or Analyses
        What `bayesmice.pool` gave, or `Imputations.fit` or `Imputations.analyze`, which are then
        pooled.
    var_names : str or sequence of str, optional
        The parameters to show, by the names of the table. By default all.
    complete_cases : result, optional
        The same analysis of the complete rows alone, in any form that `bayesmice.pool` reads: for
        example ``smf.ols("chl ~ bmi", data.dropna()).fit()``. Parameters that it lacks are left
        out.
    conf_level : float, optional
        Level of the intervals; that of the pooling by default.
    exponentiate : bool, default False
        Show exponentials, on a logarithmic axis: odds ratios of a logistic model, for example.

    Returns
    -------
    PlotCollection
        The picture of ArviZ; ``savefig("forest.png")`` writes it to a file. Its intervals are in
        ``viz["pooled"]``, ``viz["complete cases"]`` and ``viz["imputations"]``.

    Raises
    ------
    DataTypeError
        If ``results`` are neither.
    SpecificationError
        If ``var_names`` names an unknown parameter, the complete cases have none of them, or there
        are more panels than ArviZ allows.
    PoolingError
        If results cannot be pooled, ``conf_level`` does not lie between 0 and 1, or a transformed
        quantity is to be exponentiated.

    Notes
    -----
    Intervals of single imputations treat imputed values as if they had been observed: they are too
    short, and their spread from one to the next is what the pooled interval adds. They and those of
    complete cases are t intervals with the degrees of freedom of each result. Where the pooled
    estimate differs from that of complete cases, imputation changed the answer: under missingness
    at random it may be the complete cases that are biased, or the imputation model is wrong; the
    picture cannot tell. Of more than 50 imputations 50 are shown, as the legend says.

    Examples
    --------
    >>> import bayesmice as bm
    >>> pooled = bm.pool([(1.0, 0.25), (2.0, 0.25), (1.8, 0.25)])
    >>> picture = bm.plot_forest(pooled, complete_cases=(1.4, 0.5))
    >>> [label.get_text() for label in picture.viz["figure"].item().axes[0].get_yticklabels()]
    ['pooled', 'complete cases', 'imputation 0', 'imputation 1', 'imputation 2']
    """
    pooled = _pooled(results)
    terms = {_text(name): at for at, name in enumerate(pooled.stack.names)}
    names = chosen_columns(terms, var_names)
    check_panels(len(names))
    table = pooled.to_frame(conf_level, exponentiate=exponentiate)
    level = pooled.conf_level if conf_level is None else conf_level
    scale = LOG if exponentiate else pooled.stack.transform
    intervals = _intervals(pooled, terms, names, level, scale)
    intervals["pooled"] = {
        name: table[["ci_low", "estimate", "ci_high"]].to_numpy()[[terms[name]]].T for name in names
    }
    if complete_cases is not None:
        intervals["complete cases"] = _complete(complete_cases, names, level, scale)
    rows = _Rows(len(intervals["imputations"][names[0]][0]), complete_cases is not None)
    with shared_style():
        collection = _panels(names, rows)
        for label in (name for name in LOOKS if name in intervals):
            collection.map(
                _draw_intervals,
                label,
                data=_dataset(intervals[label]),
                y=rows.places(label),
                look=LOOKS[label],
            )
        _label(collection, names, rows, exponentiate)
        draw_legend(collection, _entries(rows, pooled.m, level))
    return collection


def _pooled(results: object) -> PooledResults:
    if isinstance(results, PooledResults):
        return results
    if isinstance(results, Analyses):
        return results.pool(drop_failed=True)
    raise DataTypeError(
        f"plot_forest got {type(results).__name__}; expected what bm.pool(...) gave, or analyses "
        "of completed data sets (imputations.fit(...), imputations.analyze(...))."
    )


def _text(name: object) -> str:
    return ", ".join(map(str, name)) if isinstance(name, tuple) else str(name)


def _t_intervals(
    estimates: Numbers, variances: Numbers, df: Numbers | float, level: float, scale: Transform
) -> Numbers:
    half = student.ppf((1 + level) / 2, df) * np.sqrt(variances)
    ends = np.stack([estimates - half, estimates, estimates + half])
    return np.asarray(scale.inverse(ends))


def _intervals(
    pooled: PooledResults, terms: Mapping[str, int], names: Sequence[str], level: float, scale: Any
) -> dict[str, dict[str, Numbers]]:
    """Give the intervals of the imputations that are shown, of shape (3, n_shown), by parameter."""
    stack = pooled.stack
    shown = np.linspace(0, stack.m - 1, min(stack.m, MAX_IMPUTATIONS)).round().astype(np.intp)
    own = {
        name: _t_intervals(
            stack.q_hat[shown, terms[name]],
            stack.variances[shown, terms[name]],
            stack.df_complete[shown],
            level,
            scale,
        )
        for name in names
    }
    return {"imputations": own}


def _complete(
    result: object, names: Sequence[str], level: float, scale: Transform
) -> dict[str, Numbers]:
    try:
        read: CompleteDataResult = complete_data_result(result)
    except (TypeError, ValueError) as error:
        raise DataTypeError(f"complete_cases cannot be read: {error}") from error
    terms = {_text(name): at for at, name in enumerate(read.names)}
    known = [name for name in names if name in terms]
    if not known:
        raise SpecificationError(
            f"complete_cases has the parameters {', '.join(terms)}, and none of those that are "
            f"drawn: {', '.join(names)}. Give the same analysis of the complete rows."
        )
    covariance = np.asarray(read.covariance)
    variances = np.diag(covariance) if covariance.ndim == 2 else covariance
    return {
        name: _t_intervals(
            read.estimates[[terms[name]]], variances[[terms[name]]], read.df_complete, level, scale
        )
        for name in known
    }


def _dataset(intervals: Mapping[str, Numbers]) -> xr.Dataset:
    return xr.Dataset(
        {
            name: xr.DataArray(ends, dims=("end", POINT), coords={"end": list(ENDS)})
            for name, ends in intervals.items()
        }
    )


@dataclass(frozen=True)
class _Rows:
    """Where estimates stand, counted downwards.

    Attributes
    ----------
    n_imputations : int
        How many imputations are shown.
    has_complete : bool
        Whether there is a row of complete cases.
    """

    n_imputations: int
    has_complete: bool

    def places(self, label: str) -> Numbers:
        """Give the places of pooled, complete-case or imputation estimates."""
        if label == "pooled":
            return np.array([0.0])
        if label == "complete cases":
            return np.array([1.0])
        step = min(1.0, IMPUTATIONS_HEIGHT / self.n_imputations)
        return np.asarray(
            1.5 + self.has_complete + step * np.arange(self.n_imputations, dtype=float)
        )

    @property
    def last(self) -> float:
        """Where the last one stands."""
        return float(self.places("imputations")[-1])

    def ticks(self) -> dict[float, str]:
        """Say what stands where."""
        named = {0.0: "pooled"} | ({1.0: "complete cases"} if self.has_complete else {})
        places = self.places("imputations")
        if self.n_imputations <= NAMED:
            return named | {float(place): f"imputation {i}" for i, place in enumerate(places)}
        return named | {float(places.mean()): "imputations"}


def _panels(names: Sequence[str], rows: _Rows) -> PlotCollection:
    wrap = min(len(names), COLUMNS)
    n_rows = -(-len(names) // wrap)
    height = max(PANEL[1], 0.22 * rows.last + 0.9)
    return PlotCollection.wrap(
        xr.Dataset({name: xr.DataArray(0.0) for name in names}),
        cols=["__variable__"],
        col_wrap=wrap,
        backend=BACKEND,
        figure_kwargs={
            "figsize": (PANEL[0] * max(wrap, 1.5) + 0.8, height * n_rows + LEGEND_HEIGHT),
            "sharey": True,
        },
    )


def _draw_intervals(ends: xr.DataArray, target: Any, *, y: Numbers, look: Mapping[str, Any]) -> Any:
    low, estimate, high = ends.to_numpy()
    color = shown_color(look["color"])
    style = {"color": color, "linewidth": look["width"], "alpha": crowd_alpha(len(y) // 4 or 1)}
    target.plot(estimate, y, linestyle="", marker=look["marker"], color=color, zorder=3)
    return target.hlines(y, low, high, **style)


def _label(
    collection: PlotCollection, names: Sequence[str], rows: _Rows, exponentiate: bool
) -> None:
    titles = {(name,): name for name in names}
    collection.map(panel_title, "title", subset_info=True, titles=titles)
    collection.map(_finish_axis, store_artist=False, rows=rows, exponentiate=exponentiate)


def _finish_axis(_: xr.DataArray, target: Any, *, rows: _Rows, exponentiate: bool) -> None:
    """Mark no effect where it is in view, and name the rows."""
    if exponentiate:
        target.set_xscale("log")
        target.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=6))
        target.xaxis.set_minor_locator(NullLocator())
        target.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    limits, none = target.get_xlim(), 1.0 if exponentiate else 0.0
    if limits[0] < none < limits[1]:
        target.axvline(none, color=shown_color("B3"), linewidth=0.8, linestyle="--", zorder=0)
    target.set_xlim(limits)
    ticks = rows.ticks()
    target.set_yticks(list(ticks), list(ticks.values()))
    target.set_ylim(rows.last + 0.7, -0.7)


def _entries(rows: _Rows, m: int, level: float) -> dict[str, dict[str, Any]]:
    entries = {}
    for label, look in LOOKS.items():
        if label == "complete cases" and not rows.has_complete:
            continue
        of_all = f" ({rows.n_imputations} of {m})" if rows.n_imputations < m else ""
        text = f"{label}{of_all}" if label == "imputations" else label
        if label == "pooled":
            text = f"pooled, {100 * level:g} % interval"
        entries[text] = {"color": look["color"], "width": look["width"], "marker": look["marker"]}
    return entries

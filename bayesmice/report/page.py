"""The page: everything that it says, and its template."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files

import pandas as pd
import xarray as xr
from jinja2 import Environment, PackageLoader, StrictUndefined

from bayesmice.data import Column, ColumnStore
from bayesmice.diagnostics.convergence import Convergence, convergence
from bayesmice.errors import NotRunError
from bayesmice.plots import plot_convergence, plot_forest
from bayesmice.pooling import PooledResults
from bayesmice.report.checks import column_checks
from bayesmice.report.methods import methods_paragraph, reporting_items, software_versions
from bayesmice.report.missing import describe_missing
from bayesmice.report.models import ModelNote, model_notes
from bayesmice.report.pictures import (
    Picture,
    density_picture,
    embedded,
    pattern_picture,
    trace_picture,
    traced,
)
from bayesmice.report.tables import Table, number, percent, table
from bayesmice.store import events_from_dataset, origin_of

CALLED = {
    "r_hat": "R-hat",
    "ess_bulk": "bulk ESS",
    "ess_tail": "tail ESS",
    "autocorrelation_time": "autocorrelation time",
    "worst_acceptance": "worst acceptance",
    "std_error": "standard error",
    "p_value": "p",
    "ci_low": "lower",
    "ci_high": "upper",
}
"""What columns of tables are called on the page."""
MOST_PANELS = 12
"""Columns with the largest R-hat, and parameters of an analysis, that are drawn."""
MOST_ROWS = 40
"""Rows of the convergence table, the worst of which stand first."""


@dataclass(frozen=True)
class ReportRequest:
    """What a page is asked to show.

    Attributes
    ----------
    title : str
        Its title.
    pooled : PooledResults or None
        Results of an analysis.
    unchecked : str
        Why the tree has nothing that models can be checked by; empty if it has.
    progress : callable
        Is told how many columns have been drawn.
    """

    title: str
    pooled: PooledResults | None
    unchecked: str
    progress: Callable[[int], None]


@dataclass(frozen=True)
class ColumnPanel:
    """What the page says of one column.

    Attributes
    ----------
    name, title : str
        Its name, and what it is called, with its unit.
    missing : str
        How much of it was missing.
    models : sequence of ModelNote
        The models that imputed it: one, or one for each group of rows.
    pictures : sequence of Picture
        Densities and traces.
    findings : sequence of str
        What the checks found.
    """

    name: str
    title: str
    missing: str
    models: Sequence[ModelNote]
    pictures: Sequence[Picture]
    findings: Sequence[str]


def report_page(tree: xr.DataTree, store: ColumnStore, request: ReportRequest) -> str:
    """Write the page of a run.

    Parameters
    ----------
    tree : xarray.DataTree
        The tree of a run.
    store : ColumnStore
        The data that were imputed.
    request : ReportRequest
        What to show.

    Returns
    -------
    str
        HTML that refers to nothing outside itself.
    """
    missing, models = describe_missing(store), model_notes(tree)
    found = _convergence(tree)
    verdict = found.verdict if found is not None else ""
    template = _environment().get_template("page.html.jinja")
    return template.render(
        title=request.title,
        today=date.today().isoformat(),
        style=_resource("style.css"),
        script=_resource("page.js"),
        origin=origin_of(tree),
        m=tree.attrs["m"],
        missing=missing,
        share_incomplete=percent(missing.share_incomplete),
        pattern=pattern_picture(tree, store) if missing.n_cells else None,
        models=models,
        convergence=_convergence_parts(tree, found),
        panels=_panels(tree, store, models, request),
        unchecked=request.unchecked,
        events=_events(tree),
        pooled=_pooled(request.pooled),
        paragraph=methods_paragraph(tree, missing, models, verdict),
        items=reporting_items(missing, request.pooled is not None),
        versions=software_versions(tree),
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("bayesmice.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    return environment


def _resource(name: str) -> str:
    return (files("bayesmice.report") / "templates" / name).read_text(encoding="utf-8")


def _convergence(tree: xr.DataTree) -> Convergence | None:
    """Diagnose the chains; None where nothing is known of them."""
    try:
        return convergence(tree)
    except NotRunError:
        return None


@dataclass(frozen=True)
class ConvergenceParts:
    """What the page says of convergence."""

    verdict: str
    is_fine: bool
    table: Table
    kernels: Table
    picture: Picture | None


def _convergence_parts(tree: xr.DataTree, found: Convergence | None) -> ConvergenceParts | None:
    if found is None or found.table.empty:
        return None
    worst = found.table.head(MOST_ROWS)
    left = len(found.table) - len(worst)
    caption = "Convergence, the largest R-hat first"
    if left:
        caption += f" ({left} more, all smaller, are not shown)"
    windows = found.windows
    drawn = set(windows["variable"][windows["r_hat"].notna()])
    names = [name for name in found.table["variable"].unique() if name in drawn][:MOST_PANELS]
    says = f"R-hat over ever more sweeps of {', '.join(names)}. {found.verdict}"
    picture = embedded(lambda: plot_convergence(tree, var_names=names), says) if names else None
    return ConvergenceParts(
        found.verdict,
        bool(found.converged),
        table(caption, worst, CALLED),
        table("Transitions within conditional models", found.kernels, CALLED),
        picture,
    )


def _panels(
    tree: xr.DataTree, store: ColumnStore, models: Sequence[ModelNote], request: ReportRequest
) -> list[ColumnPanel]:
    traces = traced(tree)
    panels = []
    for position, name in enumerate(store.wanted):
        column = store.columns[name]
        checked = column_checks(tree, name)
        pictures = [density_picture(tree, column), *checked.pictures]
        if name in traces:
            pictures.append(trace_picture(tree, traces[name], name))
        panels.append(
            ColumnPanel(
                name,
                _title(store, column),
                f"{column.n_missing:,} of {store.n_rows:,} missing "
                f"({percent(column.n_missing / store.n_rows)})",
                [model for model in models if model.is_fitted and name in model.model.targets],
                pictures,
                checked.findings,
            )
        )
        request.progress(position + 1)
    return panels


def _title(store: ColumnStore, column: Column) -> str:
    label, attrs = store.label(column.name), store.frame.attrs
    called, unit = attrs.get("long_name", {}).get(label), attrs.get("units", {}).get(label)
    title = column.name if called is None else f"{column.name}: {called}"
    return title if unit is None else f"{title} ({unit})"


def _events(tree: xr.DataTree) -> Table:
    events = events_from_dataset(tree["event_log"].to_dataset())
    shown = events[["severity", "code", "variable", "message"]]
    return table("What happened during the run", shown)


@dataclass(frozen=True)
class PooledParts:
    """What the page says of a pooled analysis."""

    table: Table
    picture: Picture


def _pooled(pooled: PooledResults | None) -> PooledParts | None:
    if pooled is None:
        return None
    frame: pd.DataFrame = pooled.to_frame().reset_index(names="term")
    shown = [str(term) for term in pooled.terms[:MOST_PANELS]]
    return PooledParts(
        table(f"Estimates pooled over {pooled.m} imputations by Rubin's rules", frame, CALLED),
        embedded(
            lambda: plot_forest(pooled, var_names=shown),
            f"Pooled estimates of {', '.join(shown)} with their intervals",
        ),
    )

"""A paragraph on methods, and where reporting guidelines find what they ask for."""

from collections.abc import Sequence
from dataclasses import dataclass

import xarray as xr

from bayesmice.report.missing import Missing
from bayesmice.report.models import ModelNote
from bayesmice.report.tables import number, percent
from bayesmice.store import origin_of

TO_WRITE = "[to be written by the authors: {}]"
"""What no program can know."""


@dataclass(frozen=True)
class ReportingItem:
    """What a guideline asks for.

    Attributes
    ----------
    asked : str
        What a paper should say.
    found : str
        Where this page says it, or what remains to be written.
    anchor : str
        The section; empty where the page does not have it.
    """

    asked: str
    found: str
    anchor: str


def methods_paragraph(
    tree: xr.DataTree, missing: Missing, models: Sequence[ModelNote], verdict: str
) -> str:
    """Write how missing values were handled, for a paper.

    What only the authors know stands in brackets.

    Parameters
    ----------
    tree : xarray.DataTree
        The tree of a run.
    missing : Missing
        What was missing.
    models : sequence of ModelNote
        The conditional models.
    verdict : str
        What is said of convergence.
    """
    sentences = [
        _what_was_missing(missing),
        TO_WRITE.format("the reasons for missing values, as far as they are known"),
        _how_imputed(tree),
        *_by_what(models),
        f"Convergence: {verdict}" if verdict else "",
        "Values were assumed to be missing at random given the variables of the imputation models; "
        + TO_WRITE.format("why this is plausible, and what was done in case it is not"),
        "Estimates of the completed data sets were combined by Rubin's rules.",
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _what_was_missing(missing: Missing) -> str:
    if not missing.n_cells:
        return f"None of the {missing.n_rows:,} rows had a missing value."
    rows = (
        f"Of {missing.n_rows:,} rows, {missing.n_incomplete:,} "
        f"({percent(missing.share_incomplete)}) had a missing value in at least one of "
        f"{missing.n_columns} variables."
    )
    counts = {row[0].text: row for row in missing.by_column.rows}
    place = missing.by_column.head.index("share")
    shares = ", ".join(f"{name} {counts[name][place].text}" for name in missing.columns)
    return f"{rows} Missing were {shares}."


def _how_imputed(tree: xr.DataTree) -> str:
    software = (
        f"bayesmice {tree.attrs['bayesmice_version']} (PyMC {tree.attrs['pymc_version']}, "
        f"JAX {tree.attrs['jax_version']})"
    )
    origin = origin_of(tree)
    if origin is not None:
        return (
            f"They were multiply imputed by chained equations; the {tree.attrs['m']} imputations "
            f"come from {origin}."
        )
    return (
        "They were multiply imputed by chained equations with Bayesian conditional models in "
        f"{software}: {tree.attrs['m']} imputations, {tree.attrs['sweeps']} sweeps, random seed "
        f"{tree.attrs['random_seed']}."
    )


def _by_what(models: Sequence[ModelNote]) -> list[str]:
    """Say of each fitted model what it is, those of one kind together."""
    kinds: dict[tuple[str, str, str], list[ModelNote]] = {}
    for model in models:
        if model.is_fitted:
            kinds.setdefault((model.kind, model.link, model.draw), []).append(model)
    sentences = []
    for (kind, link, draw), alike in kinds.items():
        names = ", ".join(one.model.name for one in alike)
        by_link = f" with a {link} link" if link else ""
        verb = "was" if len(alike) == 1 else "were each"
        sentences.append(f"{names} {verb} imputed by {kind}{by_link} ({draw}).")
    if sentences:
        formulas = "; ".join(one.model.formula for one in models if one.is_fitted)
        sentences.append(f"The models were: {formulas}.")
        sentences.append("Their prior distributions are listed in the report of the imputation.")
    return sentences


def reporting_items(missing: Missing, is_pooled: bool) -> list[ReportingItem]:
    """Say where a paper finds what guidelines for reports of missing data ask for.

    The items follow Sterne et al. (2009) and the TARMOS framework (Lee et al. 2021), in words of
    our own.

    Parameters
    ----------
    missing : Missing
        What was missing.
    is_pooled : bool
        Whether the page shows pooled results.
    """
    own = "to be written by the authors"
    return [
        ReportingItem("How many values of each variable are missing", "missing cells", "missing"),
        ReportingItem("How many participants have complete data", "missing cells", "missing"),
        ReportingItem("Why values are missing", own, ""),
        ReportingItem(
            "How participants with and without missing data differ",
            "complete and incomplete rows" if missing.compared else "all rows are of one kind",
            "missing",
        ),
        ReportingItem("The mechanism that is assumed, and why it is plausible", own, ""),
        ReportingItem("Software, version, seed", "the run", "run"),
        ReportingItem("Number of imputations", "the run", "run"),
        ReportingItem("Variables in the imputation models", "models", "models"),
        ReportingItem(
            "How variables that are not normal or not continuous are handled", "models", "models"
        ),
        ReportingItem(
            "Interactions and nonlinear terms in the imputation models", "formulas", "models"
        ),
        ReportingItem("Prior distributions", "priors", "models"),
        ReportingItem("Convergence of the algorithm", "convergence", "convergence"),
        ReportingItem("Observed against imputed values", "columns", "columns"),
        ReportingItem(
            "Results of the analysis, pooled",
            "pooled analysis" if is_pooled else "not given to this report",
            "pooled" if is_pooled else "",
        ),
        ReportingItem("Results of the complete cases, for comparison", own, ""),
        ReportingItem("How results change under other assumptions", own, ""),
    ]


def software_versions(tree: xr.DataTree) -> list[tuple[str, str]]:
    """List what the run was made with, by what and its value."""
    facts = [
        ("bayesmice", str(tree.attrs.get("bayesmice_version", ""))),
        ("PyMC", str(tree.attrs.get("pymc_version", ""))),
        ("JAX", str(tree.attrs.get("jax_version", ""))),
        ("imputations", number(int(tree.attrs["m"]))),
        ("sweeps", number(int(tree.attrs["sweeps"]))),
        ("random seed", str(tree.attrs["random_seed"])),
    ]
    return [(what, value) for what, value in facts if value]

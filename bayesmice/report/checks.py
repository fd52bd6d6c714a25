"""Checks of conditional models, as far as the tree of a run allows them."""

from dataclasses import dataclass

import xarray as xr

from bayesmice.diagnostics.check import check_model_of
from bayesmice.diagnostics.conditional import (
    LOG_LIKELIHOOD,
    PREDICTIVE,
    Conditional,
    check_draws,
    find_conditional,
    list_conditionals,
)
from bayesmice.errors import NotRunError, SpecificationError
from bayesmice.plots import plot_ppc
from bayesmice.report.pictures import Picture, embedded


@dataclass(frozen=True)
class ColumnChecks:
    """What checks say of the models of one column.

    Attributes
    ----------
    findings : tuple of str
        A text for each model: one, or one for each group of rows.
    pictures : tuple of Picture
        Observed values against what each predicts.
    """

    findings: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()


def column_checks(tree: xr.DataTree, name: str) -> ColumnChecks:
    """Check the conditional models of a column.

    Parameters
    ----------
    tree : xarray.DataTree
        The tree of a run. Models without log-likelihoods and predictive draws are not checked.
    name : str
        The column.
    """
    found = [_check(tree, own) for own in _conditionals(tree) if own.column == name]
    return ColumnChecks(
        tuple(text for one in found for text in one.findings),
        tuple(picture for one in found for picture in one.pictures),
    )


def _conditionals(tree: xr.DataTree) -> list[Conditional]:
    """List models with their usual burn-in; none where nothing is known of them."""
    try:
        return list_conditionals(tree)
    except NotRunError:
        return []


def _check(tree: xr.DataTree, listed: Conditional) -> ColumnChecks:
    there = tree[f"conditionals/{listed.name}"].children
    if not {LOG_LIKELIHOOD, PREDICTIVE} <= set(there):
        return ColumnChecks()
    try:
        conditional = find_conditional(tree, listed.title)
        check_draws(conditional, "A check")
    except SpecificationError as error:
        return ColumnChecks((f"Not checked: {error}",))
    checked = check_model_of(conditional)
    picture = embedded(
        lambda: plot_ppc(tree, var_names=listed.title),
        f"Observed values of {listed.title} against draws of the same rows from its model. "
        f"{checked.verdict}",
    )
    return ColumnChecks((checked.verdict,), (picture,))

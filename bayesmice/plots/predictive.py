"""What conditional models predict of their observed rows, against what was observed."""

from collections.abc import Sequence

import xarray as xr
from arviz_plots import PlotCollection

from bayesmice.diagnostics.conditional import (
    PREDICTIVE,
    Conditional,
    find_conditional,
    list_conditionals,
)
from bayesmice.errors import SpecificationError
from bayesmice.plots.choice import HasTree, chosen_columns, tree_of
from bayesmice.plots.drawn import Drawing, draw_columns

POSTERIOR = Drawing(label="predicted", source="the model", share=0.999, ranges=2.0, rootograms=True)


def plot_ppc(
    imputations: HasTree | xr.DataTree,
    var_names: str | Sequence[str] | None = None,
    *,
    burn_in: int | None = None,
) -> PlotCollection:
    """Draw what conditional models predict of their observed rows against the observed values.

    One panel per column whose model has posterior predictive draws. A thick line shows the density
    of the observed numbers, and a thin line that of each draw of all observed rows. Counts have
    rootograms: bars are square roots of observed frequencies, dots and lines medians and 90 %
    intervals of drawn ones. For columns with levels, outlined bars show the observed proportions,
    and dots those of each draw.

    Parameters
    ----------
    imputations : Imputations or xarray.DataTree
        A run, or its tree, after ``imputations.check(name)`` or ``add_posterior_predictive(name)``.
    var_names : str or sequence of str, optional
        The columns to show (``"bmi[sex=male]"`` with groups of rows). By default all with draws.
    burn_in : int, optional
        Sweeps at the beginning that are left out. By default half of them.

    Returns
    -------
    PlotCollection
        The picture of ArviZ; ``savefig("ppc.png")`` writes it to a file. Its marks are in
        ``viz["observed"]`` and ``viz["predicted"]``.

    Raises
    ------
    DataTypeError
        If ``imputations`` is neither a run nor a tree.
    SpecificationError
        If no model, or none of a column that is named, has such draws.

    Notes
    -----
    Draws are from the likelihood, also where cells are imputed by matching: a gaussian that matches
    donors may miss the shape of a column, and impute it well all the same.

    Examples
    --------
    >>> import bayesmice as bm
    >>> mice = bm.MICE(bm.load_dataset("nhanes2"))
    >>> imputations = mice.mice(m=3, sweeps=6, random_seed=1, progressbar=False)
    >>> _ = imputations.add_posterior_predictive("bmi", progressbar=False)
    >>> bm.plot_ppc(imputations).viz["predicted"]["bmi"].sizes["draw"]
    9
    """
    tree = tree_of(imputations)
    found = chosen_conditionals(tree, var_names, (PREDICTIVE,), "add_posterior_predictive", burn_in)
    columns = [own.column_observed for own in found]
    return draw_columns(columns, {own.title: own.draws(PREDICTIVE) for own in found}, POSTERIOR)


def chosen_conditionals(
    tree: xr.DataTree,
    var_names: str | Sequence[str] | None,
    groups: Sequence[str],
    verb: str,
    burn_in: int | None,
) -> list[Conditional]:
    """Choose columns whose conditional models have some groups, without the burn-in.

    Parameters
    ----------
    tree : xarray.DataTree
        The tree of a run.
    var_names : str or sequence of str, optional
        The columns asked for; all that have the groups by default.
    groups : sequence of str
        The groups.
    verb : str
        The method that adds them, for the error.
    burn_in : int, optional
        Sweeps to leave out; half of them by default.

    Returns
    -------
    list of Conditional

    Raises
    ------
    SpecificationError
        If no model has them, or none of a column that is named.
    """
    found = with_group(tree, groups[0], verb)
    found = [own for own in found if all(_has(own, group) for group in groups)] or found
    names = chosen_columns([own.title for own in found], var_names)
    return [find_conditional(tree, name, burn_in) for name in names]


def with_group(tree: xr.DataTree, group: str, verb: str) -> list[Conditional]:
    """Find the columns whose conditional models have a group, or say what adds it."""
    everything = list_conditionals(tree)
    found = [own for own in everything if _has(own, group)]
    if not found:
        raise SpecificationError(
            f"There is nothing to draw: no conditional model has {group} yet. Add it with "
            f"imputations.{verb}({everything[0].title!r}), or for all models with "
            f"imputations.{verb}()."
        )
    return found


def _has(conditional: Conditional, group: str) -> bool:
    return group in conditional.tree[f"conditionals/{conditional.name}"].children

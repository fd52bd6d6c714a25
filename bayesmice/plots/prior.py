"""What the priors of a conditional model say of its columns, against what was observed."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from arviz_plots import PlotCollection
from numpy.typing import NDArray

from bayesmice.data import Column
from bayesmice.diagnostics.conditional import as_column
from bayesmice.errors import DataTypeError, SpecificationError
from bayesmice.plots.choice import HasTree, chosen_columns
from bayesmice.plots.drawn import Drawing, draw_columns
from bayesmice.plots.predictive import with_group

PRIOR = Drawing(label="prior", source="the prior", share=0.9, ranges=2.0, rootograms=False)


def plot_prior_predictive(
    imputations: HasTree | xr.DataTree, var_names: str | Sequence[str] | None = None
) -> PlotCollection:
    """Draw what priors say of columns against their observed values.

    One panel per column whose conditional model has prior draws. A thick line shows the density of
    the observed numbers, and a thin line that of each draw of the whole column from the prior;
    whole numbers are counted in steps. For columns with levels, outlined bars show the proportions
    of the observed values, and dots those of each draw.

    A prior may reach so far that the observed values would be a point. A panel shows the central
    nine tenths of the drawn values, but at most twice the observed range on either side of it; its
    title says where these nine tenths lie and what share of all values is not shown. Lines go on
    above the panel where draws are much narrower than the observed values.

    Parameters
    ----------
    imputations : Imputations or xarray.DataTree
        A run, or its tree, after ``imputations.add_prior(...)``; or what `MICE.prior_predictive`
        gave, for which no run is needed.
    var_names : str or sequence of str, optional
        The columns to show (``"bmi[sex=male]"`` with groups of rows). By default all with draws.

    Returns
    -------
    PlotCollection
        The picture of ArviZ; ``savefig("prior.png")`` writes it to a file. Its marks are in
        ``viz["observed"]`` and ``viz["prior"]``.

    Raises
    ------
    DataTypeError
        If ``imputations`` is neither.
    SpecificationError
        If there are no prior draws, or none of a column that is named.

    See Also
    --------
    bayesmice.MICE.plot_prior_predictive : Draws and shows them in one call.

    Examples
    --------
    >>> import bayesmice as bm
    >>> mice = bm.MICE(bm.load_dataset("nhanes2"))
    >>> picture = bm.plot_prior_predictive(mice.prior_predictive("bmi", draws=20, random_seed=1))
    >>> picture.viz["prior"]["bmi"].sizes["draw"]
    20
    """
    tree = getattr(imputations, "tree", imputations)
    if not isinstance(tree, xr.DataTree):
        raise DataTypeError(
            "Prior draws are shown from Imputations, from their tree, or from what "
            f"mice.prior_predictive(name) gave; got {type(imputations).__name__}."
        )
    if "prior_predictive" in tree.children:
        columns, drawn = _of_one_model(tree)
    elif "conditionals" not in tree.children and "imputations" not in tree.children:
        raise SpecificationError(
            "The tree has neither conditional models nor prior_predictive. Give what "
            "mice.prior_predictive(name) returned."
        )
    else:
        found = with_group(tree, "prior_predictive", "add_prior")
        columns = [own.column_observed for own in found]
        drawn = {own.title: own.draws("prior_predictive") for own in found}
    names = chosen_columns([column.name for column in columns], var_names)
    by_name = {column.name: column for column in columns}
    return draw_columns([by_name[name] for name in names], drawn, PRIOR)


def _of_one_model(tree: xr.DataTree) -> tuple[list[Column], dict[str, NDArray[np.float64]]]:
    """Read what `MICE.prior_predictive` gave."""
    drawn = tree["prior_predictive"].to_dataset().isel(chain=0)
    observed = tree["observed_data"].to_dataset()
    columns = [as_column(observed[name], str(name)) for name in drawn.data_vars]
    return columns, {str(name): drawn[name].to_numpy() for name in drawn.data_vars}


def draw_prior_predictive(
    columns: Sequence[Column], drawn: Mapping[str, NDArray[np.generic]]
) -> PlotCollection:
    """Draw prior predictive draws of columns against their observed values.

    Parameters
    ----------
    columns : sequence of Column
        The columns.
    drawn : mapping of str to ndarray of shape (draws, n_observed)
        Values or level codes of each. Of more than 50 draws, 50 are shown.

    Returns
    -------
    PlotCollection
        As of `plot_prior_predictive`.
    """
    return draw_columns(columns, drawn, PRIOR)

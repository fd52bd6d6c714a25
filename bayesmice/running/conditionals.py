"""Groups of a conditional model that need no replay: its prior, and what its prior is at draws."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from bayesmice.data import in_group
from bayesmice.later import later
from bayesmice.models import CustomModel
from bayesmice.problem import Group
from bayesmice.store import TargetRows, described_log_prior, observed_rows, prior_tree

if TYPE_CHECKING:
    from bayesmice.kernels import jaxify
    from bayesmice.models import prior_density, prior_draws
else:  # they import PyMC
    jaxify = later("bayesmice.kernels.jaxify")
    prior_density, prior_draws = (
        later(f"bayesmice.models.{name}") for name in ("prior_density", "prior_draws")
    )


def prior_groups(group: Group, name: str, draws: int, random_seed: int) -> xr.DataTree:
    """Draw from the priors of a conditional model, and its targets from those.

    Parameters
    ----------
    group : Group
        A group of rows.
    name : str
        A column of it, or a block.
    draws, random_seed : int
        How many draws, and their seed.

    Returns
    -------
    DataTree
        With the groups ``prior``, ``prior_predictive`` and ``observed_data``, over the rows in
        which the targets were observed.
    """
    specification = group.specification
    model = specification.write_model(name)
    parameters, predictive = prior_draws.draw_prior(model, draws, random_seed)
    columns = specification.store.columns
    complete = np.flatnonzero(np.logical_and.reduce([columns[n].fitted for n in predictive]))
    shared = dict.fromkeys(predictive, complete)
    at = TargetRows(specification.store, group.rows, shared, are_shared=True)
    return prior_tree(parameters, predictive, jaxify.recorded_labels(model), at)


def observed_group(group: Group, name: str) -> xr.Dataset:
    """Give the observed values that the model of a target learned from, by column."""
    specification = group.specification
    columns = (specification.store.columns[column] for column in specification.model(name).targets)
    rows = {column.name: np.flatnonzero(column.fitted) for column in columns}
    return observed_rows(TargetRows(specification.store, group.rows, rows))


def log_prior_group(group: Group, name: str, tree: xr.DataTree) -> xr.Dataset:
    """Evaluate the priors of a conditional model at the parameters of every sweep.

    Parameters
    ----------
    group : Group
        A group of rows.
    name : str
        A target.
    tree : DataTree
        What the run left behind.

    Returns
    -------
    Dataset
        By free variable, over chain, draw and its own dimensions.
    """
    specification = group.specification
    model, named = specification.model(name), in_group(name, group.label)
    written = (
        prior_density.full_model(model, specification.store.incomplete)
        if isinstance(model, CustomModel)
        else specification.write_model(name)
    )
    return described_log_prior(
        prior_density.log_prior(written, tree[f"conditionals/{named}"]), named
    )

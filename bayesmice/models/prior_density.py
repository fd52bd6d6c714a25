"""The log-density of priors at draws of the parameters."""

import warnings
from collections.abc import Collection
from typing import Any

import pymc as pm
from pymc.stats import compute_log_prior
from pytensor.graph.traversal import ancestors

from bayesmice.errors import ModelError
from bayesmice.models.custom import CustomModel, data_name
from bayesmice.models.prior_draws import MODE


def log_prior(model: pm.Model, posterior: Any) -> Any:
    """Evaluate the prior of every free variable at draws from the posterior.

    Parameters
    ----------
    model : pm.Model
        A conditional model.
    posterior : DataTree
        A tree with the group ``posterior``: draws on the parameters' own scales.

    Returns
    -------
    Dataset
        By free variable, its log-density on its own scale, over chain, draw and its dimensions.
    """
    with warnings.catch_warnings():
        # A run of a single sweep has more chains than draws, and means them so.
        warnings.filterwarnings("ignore", "Found chain dimension to be longer", UserWarning)
        return compute_log_prior(
            posterior,
            extend_inferencedata=False,
            model=model,
            progressbar=False,
            compile_kwargs={"mode": MODE},
        )


def full_model(model: CustomModel, incomplete: Collection[str]) -> pm.Model:
    """Give the model of a custom function whose parameters are those that a run records.

    Parameters
    ----------
    model : CustomModel
        The model.
    incomplete : collection of str
        Columns with missing cells.

    Returns
    -------
    pm.Model
        Over all rows.

    Raises
    ------
    ModelError
        If a prior depends on such a column: it is another one in every sweep.
    """
    full = model.full
    own = {data_name(name): name for name in incomplete}
    for variable in full.free_RVs:
        read = [own[v.name] for v in ancestors([variable]) if v.name in own]
        if read:
            raise ModelError(
                f"The prior of {variable.name!r} in the model of {' and '.join(model.targets)} "
                f"depends on the column {read[0]!r}, which has missing cells, so it is another one "
                "in every sweep, and its log-density cannot be computed from the draws alone."
            )
    return full

"""From a user's function and a completed data set to a PyMC model."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pymc as pm
from numpy.typing import NDArray

from bayesmice.errors import ModelError
from bayesmice.models.custom import CustomFunction, ModelData

ROW = "row"
RESERVED = ("imputation", "chain", "draw")
"""Dimensions of a posterior, which no variable may be named after."""


class NamingModel(pm.Model):  # type: ignore[misc]
    """A model that remembers which names its variables asked for, also in vain."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.asked_for: set[str] = set()
        super().__init__(*args, **kwargs)

    def add_named_variable(self, var: Any, dims: tuple[str | None, ...] | None = None) -> None:
        """Note the name, and register the variable."""
        self.asked_for.add(var.name)
        super().add_named_variable(var, dims)


def write_analysis(
    function: CustomFunction,
    values: Mapping[str, NDArray[np.generic]],
    coords: Mapping[str, list[object]],
    rows: Sequence[object],
    incomplete: Mapping[str, int],
    imputation: int,
) -> pm.Model:
    """Let a function write its model of one completed data set.

    Parameters
    ----------
    function : callable
        The user's function of `bayesmice.models.custom.ModelData`.
    values : mapping of str to ndarray of shape (n_rows,)
        Values of continuous columns and level codes of all others.
    coords : mapping of str to list
        Levels by column name.
    rows : sequence of length n_rows
        Names of the rows.
    incomplete : mapping of str to int
        Numbers of missing cells of the columns that still have some.
    imputation : int
        Which data set, for the errors.

    Returns
    -------
    pm.Model
        The model, with a dimension for every column with levels that no variable is named after.

    Raises
    ------
    ModelError
        If it has no parameter or observes nothing, names a variable after a dimension of the
        posterior, or reads a column with missing cells.
    """
    # PyMC keeps names of dimensions and variables apart, and an outcome with levels is a variable.
    dims = {name: list(map(str, levels)) for name, levels in coords.items()}
    while True:
        data = ModelData(values, coords)
        model = NamingModel(coords={ROW: rows} | dims, model=None)
        try:
            with model:
                function(data)
        except ValueError:
            taken = model.asked_for & set(dims)
            if not taken:
                raise
            dims = {name: levels for name, levels in dims.items() if name not in taken}
            continue
        _check_columns(data.columns_read, incomplete, imputation)
        check_analysis_model(model, imputation)
        return model


def _check_columns(read: Sequence[str], incomplete: Mapping[str, int], imputation: int) -> None:
    for column in read:
        if column in incomplete:
            raise ModelError(
                f"The analysis model reads the column {column!r}, which has {incomplete[column]} "
                f"missing cells in imputation {imputation}. Impute the column, or leave it out of "
                "the analysis."
            )


def check_analysis_model(model: pm.Model, imputation: int) -> None:
    """Check that a model can be sampled as the analysis of a completed data set.

    Parameters
    ----------
    model : pm.Model
        The model.
    imputation : int
        Which data set, for the errors.

    Raises
    ------
    ModelError
        If it has no parameter or observes nothing, or names a variable after a dimension of the
        posterior.
    """
    if not model.free_RVs:
        raise ModelError(
            "The analysis model has no free parameter, so there is nothing to learn from the data. "
            "Give at least one parameter a distribution."
        )
    if not model.observed_RVs and not model.potentials:
        raise ModelError(
            "The analysis model observes nothing, so its posterior would be its prior. End it with "
            "pm.<Distribution>('outcome', ..., observed=data['outcome'])."
        )
    for name in RESERVED:
        if name in model.named_vars:
            raise ModelError(
                f"The analysis model has a variable named {name!r}, which is a dimension of its "
                "posterior. Rename it."
            )
    unobserved = [v.name for v in model.free_RVs if v.name.endswith("_unobserved")]
    if unobserved:
        raise ModelError(
            f"The analysis model observes missing values in imputation {imputation}, and PyMC "
            f"would sample them as {unobserved[0]!r}. Pass completed data."
        )

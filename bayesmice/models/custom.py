"""Custom conditional models: any function that writes a PyMC model.

The function gets the columns as ``pm.Data`` and writes one observed variable named after the
target.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pymc as pm
from numpy.typing import NDArray
from pytensor.graph.traversal import ancestors
from pytensor.tensor.variable import TensorVariable

from bayesmice.data import Column, ColumnStore
from bayesmice.errors import ColumnNotFoundError, ModelError, SpecificationError

NO_PARAMETERS = (
    "The model for {!r} has no free parameter, so there is nothing to learn from the data. "
    "Give at least one parameter a distribution."
)

CustomFunction = Callable[["ModelData"], object]


class ModelData(Mapping[str, TensorVariable]):
    """The columns that a custom model reads, as ``pm.Data`` of the model in context.

    ``data["age"]`` is a vector over rows: numbers for a continuous column, integer level codes for
    any other. A column becomes part of the model when it is first read. ``data.coords`` maps each
    column with levels to its levels, in the order of their codes; they are coordinates of the model
    too, so ``dims="school"`` works.

    Parameters
    ----------
    values : mapping of str to ndarray of shape (n_rows,)
        Values or codes, with no missing cell.
    coords : mapping of str to list
        Levels by column name.
    """

    def __init__(
        self, values: Mapping[str, NDArray[np.generic]], coords: Mapping[str, list[object]]
    ) -> None:
        self._values = values
        self._variables: dict[str, TensorVariable] = {}
        self.coords = coords

    def __getitem__(self, column: str) -> TensorVariable:
        if column not in self._values:
            raise ColumnNotFoundError(
                f"{column!r} is not a column of the data. Columns: {', '.join(self._values)}."
            )
        if column not in self._variables:
            self._variables[column] = pm.Data(data_name(column), self._values[column], dims="row")
        return self._variables[column]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    @property
    def columns_read(self) -> tuple[str, ...]:
        """The columns that the model has read so far, in the order of the data."""
        return tuple(column for column in self._values if column in self._variables)


def data_name(column: str) -> str:
    """Name the ``pm.Data`` of a column, apart from any variable named after the column."""
    return f"data[{column}]"


@dataclass(frozen=True, eq=False)
class CustomModel:
    """A custom model resolved for one target of one data set.

    Attributes
    ----------
    target : Column
        The column that is modelled.
    function : callable
        The function that writes the model.
    store : ColumnStore
        The data.
    fills : mapping of str to ndarray of shape (n_missing,)
        Observed values that stand in missing cells while the model is written.
    """

    target: Column
    function: CustomFunction
    store: ColumnStore
    fills: Mapping[str, NDArray[np.float64]]

    @cached_property
    def _written(self) -> tuple[pm.Model, tuple[str, ...]]:
        return self._write(np.arange(self.store.n_rows))

    @property
    def full(self) -> pm.Model:
        """The model over all rows; the engine gives unobserved rows the weight zero."""
        return self._written[0]

    @property
    def predictors(self) -> tuple[str, ...]:
        """The columns that the model reads besides the target."""
        return tuple(name for name in self._written[1] if name != self.target.name)

    def write(self) -> pm.Model:
        """Write the PyMC model of the observed rows only."""
        return self._write(np.flatnonzero(self.target.observed))[0]

    def _write(self, rows: NDArray[np.intp]) -> tuple[pm.Model, tuple[str, ...]]:
        values, coords = {}, {}
        for name, column in self.store.columns.items():
            filled = column.values.copy()
            filled[column.missing_rows] = self.fills.get(name, np.zeros(0))
            values[name] = filled[rows].astype(np.int32) if column.levels else filled[rows]
            if column.levels:
                coords[name] = list(column.levels)
        data = ModelData(values, coords)
        # PyMC keeps names of dimensions and variables apart, and the target is a variable.
        dims = {name: list(map(str, levels)) for name, levels in coords.items()}
        dims.pop(self.target.name, None)
        with pm.Model(coords={"row": np.arange(len(rows))} | dims) as model:
            self.function(data)
        check_custom_model(model, self.target.name)
        return model, data.columns_read

    @property
    def formula(self) -> str:
        """What the model is called and which columns it reads."""
        name = getattr(self.function, "__name__", type(self.function).__name__)
        return f"{name}({', '.join(self.predictors)})"

    def describe_priors(self) -> dict[str, str]:
        """List the free variables as text, by name."""
        return {
            variable.name: pm.printing.str_for_dist(variable, include_params=True)
            for variable in self.full.free_RVs
        }


def check_custom_model(model: pm.Model, target: str) -> None:
    """Check that a custom model has the form that the engine needs.

    Parameters
    ----------
    model : pm.Model
        What the function wrote.
    target : str
        Name of the column that it models.

    Raises
    ------
    ModelError
        If it does not have exactly one observed variable, named after the target, with one value
        per row; or if it has a potential that depends on the rows, or discrete free variables.
    """
    observed = [variable.name for variable in model.observed_RVs]
    if observed != [target]:
        found = "none" if not observed else ", ".join(repr(name) for name in observed)
        raise ModelError(
            f"The custom model for {target!r} must write exactly one observed variable, named "
            f"{target!r}; found {found}. "
            f"End it with pm.<Distribution>({target!r}, ..., observed=data[{target!r}])."
        )
    data = model.named_vars.get(data_name(target))
    if data not in set(ancestors([model.rvs_to_values[model[target]]])):
        raise ModelError(
            f"The observed variable {target!r} of the custom model does not observe "
            f"data[{target!r}]. Write observed=data[{target!r}], which holds an observed value in "
            "every row."
        )
    reserved = {"chain", "draw"} & set(model.named_vars)
    if reserved:
        raise ModelError(
            f"The custom model for {target!r} has a variable named {reserved.pop()!r}, which is a "
            "dimension of its posterior. Rename it."
        )
    if not model.free_RVs:
        raise ModelError(NO_PARAMETERS.format(target))
    if model[target].ndim != 1:
        raise ModelError(
            f"The observed variable {target!r} of the custom model has {model[target].ndim} "
            "dimensions; expected one value per row."
        )
    if model.logp(vars=[model[target]], sum=False)[0].ndim != 1:
        raise ModelError(
            f"The observed variable {target!r} of the custom model has one log-likelihood for all "
            "rows together, as a multivariate distribution has; expected one per row, so that rows "
            "without an observed value can be left out. Write it with latent variables per row."
        )
    discrete = [variable.name for variable in model.discrete_value_vars]
    if discrete:
        raise ModelError(
            f"The custom model for {target!r} has discrete free variables ({', '.join(discrete)}), "
            "which gradient-based "
            "kernels cannot sample. Marginalize them, for example with pm.Mixture."
        )
    rows = {variable for name, variable in model.named_vars.items() if name.startswith("data[")}
    for potential in model.potentials:
        if rows & set(ancestors([potential])):
            raise ModelError(
                f"The potential {potential.name!r} of the custom model for {target!r} depends on "
                "the rows of the data, so "
                "unobserved rows would count as observed. Put it into the likelihood of the "
                "observed variable."
            )


def check_signature(function: object, target: str) -> CustomFunction:
    """Check that a model is something that can be called."""
    if not callable(function) or isinstance(function, type):
        raise SpecificationError(
            f"models[{target!r}] is {function!r:.80}; expected bm.Regression(...) or a function of "
            "data that writes a PyMC model."
        )
    return function

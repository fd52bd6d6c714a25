"""Custom conditional models: any function that writes a PyMC model.

The function gets the columns as ``pm.Data`` and writes one observed variable named after the
target; for a block of targets that are imputed together, one for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bayesmice.data import Column, ColumnStore
from bayesmice.errors import ColumnNotFoundError, ModelError, SpecificationError
from bayesmice.later import later
from bayesmice.models.sampling import Sampling
from bayesmice.models.weights import weigh_visible

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.tensor.variable import TensorVariable
else:
    pm = later("pymc")

traversal, replacing = later("pytensor.graph.traversal"), later("pytensor.graph.replace")

NO_PARAMETERS = (
    "The model for {!r} has no free parameter, so there is nothing to learn from the data. "
    "Give at least one parameter a distribution."
)

CustomFunction = Callable[["ModelData"], object]


@dataclass(frozen=True, eq=False)
class Custom:
    """A function that writes a PyMC model, with settings of its kernel.

    A bare function in ``models`` means ``Custom(function)``.

    Parameters
    ----------
    function : callable
        Gets ``data``, a mapping from column name to tensor, and writes a PyMC model with one
        observed variable named after each target.
    kernel : str, default "auto"
        ``"nuts"``, ``"hmc"`` (preconditioned by the curvature at the mode: for few parameters with
        a posterior close to Gaussian), or ``"pymc"`` (PyMC's own step methods, for discrete
        parameters and operations that JAX lacks). ``"auto"`` is NUTS wherever JAX can run the
        model.
    inner_steps : int, optional
        Transitions of the parameters per visit; by default 8 up to 200 rows, fewer with more
        rows, and 1 from 1,600 on; 10 for ``"pymc"``.
    """

    function: CustomFunction
    kernel: str = "auto"
    inner_steps: int | None = None


class ModelData(Mapping[str, "TensorVariable"]):
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
    """A custom model resolved for the targets of one data set.

    Attributes
    ----------
    columns : tuple of Column
        The columns that are modelled: one, or a block of them.
    function : callable
        The function that writes the model.
    store : ColumnStore
        The data.
    fills : mapping of str to ndarray of shape (n_missing,)
        Observed values that stand in missing cells while the model is written.
    sampling : Sampling
        Kernel and steps.
    """

    columns: tuple[Column, ...]
    function: CustomFunction
    store: ColumnStore
    fills: Mapping[str, NDArray[np.float64]]
    sampling: Sampling = field(default_factory=Sampling)

    @cached_property
    def _written(self) -> tuple[pm.Model, tuple[str, ...]]:
        return self._write(np.arange(self.store.n_rows))

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the columns that are modelled."""
        return tuple(column.name for column in self.columns)

    @property
    def full(self) -> pm.Model:
        """The model over all rows; the engine gives unobserved rows the weight zero."""
        return self._written[0]

    @property
    def predictors(self) -> tuple[str, ...]:
        """The columns that the model reads besides its targets."""
        return tuple(name for name in self._written[1] if name not in self.targets)

    @property
    def terms(self) -> tuple[str, ...]:
        """The predictors; what the function makes of them is its own affair."""
        return self.predictors

    @cached_property
    def children(self) -> dict[str, tuple[str, ...]]:
        """By target, the other targets of the block whose distribution depends on it."""
        return target_dependence(self.full, self.targets)

    @property
    def parents_first(self) -> tuple[str, ...]:
        """The targets in an order in which each comes before those that depend on it."""
        ordered: list[str] = []
        waiting = list(self.targets)
        while waiting:
            free = [
                name
                for name in waiting
                if not any(name in self.children[other] for other in waiting)
            ]
            if not free:
                raise ModelError(
                    f"In the custom model for {' and '.join(map(repr, self.targets))} the targets "
                    "depend on each other in a circle. Let each depend only on those before it."
                )
            ordered += free
            waiting = [name for name in waiting if name not in free]
        return tuple(ordered)

    @cached_property
    def relevant_rows(self) -> dict[str, NDArray[np.bool_]]:
        """Rows, of shape (n_rows,), in which each target's density counts.

        Those where it was observed, and those where it is the missing parent of one that was.
        """
        rows: dict[str, NDArray[np.bool_]] = {}
        for name in reversed(self.parents_first):
            rows[name] = self.store.columns[name].fitted.copy()
            for child in self.children[name]:
                rows[name] |= rows[child]
        return rows

    def write_full(self) -> pm.Model:
        """Write the PyMC model over all rows, apart from the one that `full` keeps."""
        return self._write(np.arange(self.store.n_rows))[0]

    def write(self) -> pm.Model:
        """Write the PyMC model of the rows in which all targets were observed."""
        complete = np.logical_and.reduce([column.fitted for column in self.columns])
        return weigh_visible(self._write(np.flatnonzero(complete))[0], self.columns, complete)

    def _write(self, rows: NDArray[np.intp]) -> tuple[pm.Model, tuple[str, ...]]:
        written = write_model(self.function, self.targets, self.store, self.fills, rows)
        check_custom_model(written[0], self.targets)
        return written

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


def write_model(
    function: CustomFunction,
    targets: tuple[str, ...],
    store: ColumnStore,
    fills: Mapping[str, NDArray[np.float64]],
    rows: NDArray[np.intp],
    kind: type[pm.Model] | None = None,
) -> tuple[pm.Model, tuple[str, ...]]:
    """Let a function write its model over some rows.

    Parameters
    ----------
    function : callable
        The user's function.
    targets : tuple of str
        The columns that it models, as far as they are known.
    store : ColumnStore
        The data.
    fills : mapping of str to ndarray of shape (n_missing,)
        Observed values that stand in missing cells.
    rows : ndarray of shape (n_kept,)
        Positions of the rows.
    kind : type, optional
        Class of the model.

    Returns
    -------
    tuple of (pm.Model, tuple of str)
        The model, unchecked, and the columns that it reads.
    """
    values, coords = {}, {}
    for name, column in store.columns.items():
        filled = column.values.copy()
        filled[column.missing_rows] = fills.get(name, np.zeros(0))
        values[name] = filled[rows].astype(np.int32) if column.levels else filled[rows]
        if column.levels:
            coords[name] = list(column.levels)
    data = ModelData(values, coords)
    # PyMC keeps names of dimensions and variables apart, and a target is a variable.
    dims = {name: list(map(str, levels)) for name, levels in coords.items() if name not in targets}
    with (kind or pm.Model)(coords={"row": np.arange(len(rows))} | dims) as model:
        function(data)
    return model, data.columns_read


def target_dependence(model: pm.Model, targets: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Find which observed variables of a block depend on which others.

    Parameters
    ----------
    model : pm.Model
        A model with one observed variable per target.
    targets : tuple of str
        Their names.

    Returns
    -------
    dict of str to tuple of str
        By target, those whose distribution depends on it directly.
    """
    children: dict[str, list[str]] = {name: [] for name in targets}
    for child in targets:
        others = {
            model[name]: model.rvs_to_values[model[name]] for name in targets if name != child
        }
        (alone,) = replacing.graph_replace([model[child]], others, strict=False)
        read = set(traversal.ancestors([alone]))
        for parent in targets:
            if parent != child and model.named_vars[data_name(parent)] in read:
                children[parent].append(child)
    return {name: tuple(found) for name, found in children.items()}


def check_custom_model(model: pm.Model, targets: tuple[str, ...]) -> None:
    """Check that a custom model has the form that the engine needs.

    Parameters
    ----------
    model : pm.Model
        What the function wrote.
    targets : tuple of str
        Names of the columns that it models.

    Raises
    ------
    ModelError
        If its observed variables are not those named after the targets, with one value and one
        log-likelihood per row; if it has no free variable, or a potential that depends on the rows.
    """
    owner = " and ".join(map(repr, targets))
    _check_observed(model, targets, owner)
    reserved = {"chain", "draw"} & set(model.named_vars)
    if reserved:
        raise ModelError(
            f"The custom model for {owner} has a variable named {reserved.pop()!r}, which is a "
            "dimension of its posterior. Rename it."
        )
    if not model.free_RVs:
        raise ModelError(NO_PARAMETERS.format(" and ".join(targets)))
    for target in targets:
        _check_rows(model, target)
    rows = {variable for name, variable in model.named_vars.items() if name.startswith("data[")}
    for potential in model.potentials:
        if rows & set(traversal.ancestors([potential])):
            raise ModelError(
                f"The potential {potential.name!r} of the custom model for {owner} depends on "
                "the rows of the data, so "
                "unobserved rows would count as observed. Put it into the likelihood of the "
                "observed variable."
            )


def _check_observed(model: pm.Model, targets: tuple[str, ...], owner: str) -> None:
    observed = [variable.name for variable in model.observed_RVs]
    if set(observed) != set(targets) or len(observed) != len(targets):
        found = "none" if not observed else ", ".join(repr(name) for name in observed)
        wanted = (
            f"exactly one observed variable, named {targets[0]!r}"
            if len(targets) == 1
            else f"one observed variable per target, named {', '.join(map(repr, targets))}"
        )
        raise ModelError(
            f"The custom model for {owner} must write {wanted}; found {found}. "
            f"End it with pm.<Distribution>({targets[0]!r}, ..., observed=data[{targets[0]!r}])."
        )
    for target in targets:
        data = model.named_vars.get(data_name(target))
        if data not in set(traversal.ancestors([model.rvs_to_values[model[target]]])):
            raise ModelError(
                f"The observed variable {target!r} of the custom model does not observe "
                f"data[{target!r}]. Write observed=data[{target!r}], which holds an observed value "
                "in every row."
            )


def _check_rows(model: pm.Model, target: str) -> None:
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


def resolve_custom(
    description: Custom,
    columns: tuple[Column, ...],
    store: ColumnStore,
    fills: Mapping[str, NDArray[np.float64]],
    sampling: Sampling,
) -> CustomModel:
    """Write a custom model once, so that its faults show before a run.

    Parameters
    ----------
    description : Custom
        The function and its settings.
    columns : tuple of Column
        Its targets.
    store : ColumnStore
        The data.
    fills : mapping of str to ndarray of shape (n_missing,)
        Observed values that stand in missing cells.
    sampling : Sampling
        The checked settings.

    Returns
    -------
    CustomModel
        The resolved model.

    Raises
    ------
    ModelError
        If it does not have the form that the engine needs.
    """
    model = CustomModel(columns, description.function, store, fills, sampling)
    model.parents_first  # noqa: B018  (a circle shows now)
    return model


def check_signature(function: object, target: str) -> Custom:
    """Check that a model is something that can be called."""
    if isinstance(function, Custom):
        check_signature(function.function, target)
        return function
    if not callable(function) or isinstance(function, type):
        raise SpecificationError(
            f"models[{target!r}] is {function!r:.80}; expected bm.Regression(...) or a function of "
            "data that writes a PyMC model."
        )
    return Custom(function)

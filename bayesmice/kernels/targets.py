"""Targets: conditional models bound to their compiled programs and to the data of their columns."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from bayesmice.data import Column, ColumnStore
from bayesmice.kernels.cache import configure_jax
from bayesmice.kernels.hmc import HMC
from bayesmice.kernels.jaxify import jaxify
from bayesmice.kernels.kernel import Kernel
from bayesmice.kernels.nuts import NUTS
from bayesmice.kernels.programs import DesignColumns, Given, ModelProgram, Rows
from bayesmice.models.blueprint import (
    COEFFICIENTS,
    OBSERVED_DATA,
    PREDICTORS_DATA,
    Blueprint,
    generic_blueprint,
    write_regression,
)
from bayesmice.models.custom import CustomModel, data_name
from bayesmice.models.design import Design
from bayesmice.models.families import FAMILIES
from bayesmice.models.regression import RegressionModel

MAX_CURVATURE_DIM = 600
"""Above this many parameters a dense curvature costs more than NUTS."""
CELL_STEPS, MIN_CELL_STEP = 16, 8
"""The number of cells to draw is a multiple of n_rows / 16, so that similar data share programs."""


@dataclass(frozen=True, eq=False)
class ParameterLabels:
    """How to name the recorded parameters.

    Attributes
    ----------
    dims : mapping of str to tuple of str
        Named dimensions of each parameter.
    coords : mapping of str to tuple
        Their labels.
    kept : mapping of str to ndarray
        For parameters that span all design columns, the positions along the first axis that belong
        to the target.
    """

    dims: Mapping[str, tuple[str, ...]]
    coords: Mapping[str, tuple[object, ...]]
    kept: Mapping[str, NDArray[np.intp]]


@dataclass(frozen=True, eq=False)
class Target:
    """A column to impute, with everything that a visit needs.

    Attributes
    ----------
    column : Column
        The column.
    position : int
        Its position among the columns, which its random keys are folded from.
    program : ModelProgram
        The compiled model and kernel.
    reads : tuple of str
        Incomplete columns that the model reads one by one, rather than from the design.
    given : Given
        What all visits are given.
    labels : ParameterLabels
        Names of the recorded parameters.
    """

    column: Column
    position: int
    program: ModelProgram
    reads: tuple[str, ...]
    given: Given
    labels: ParameterLabels


def regression_target(model: RegressionModel, store: ColumnStore) -> Target:
    """Bind a regression to its program.

    Parameters
    ----------
    model : RegressionModel
        The resolved model.
    store : ColumnStore
        The data.

    Returns
    -------
    Target
        A regression with default priors shares the program of its family; one with priors of its
        own gets its own.
    """
    configure_jax()
    column, blueprint = model.target, model.visible
    if model.shares_program:
        program = _shared_program(model.family.name, len(column.levels), model.design.width)
        data, chosen = model.padded.data, None
        mask = jnp.asarray(model.included.astype(float))
    else:
        program = _regression_program(blueprint, column)
        data, mask = blueprint.data, None
        chosen = jnp.asarray(np.flatnonzero(model.included))
    dims, coords = program.model.dims, {k: tuple(v) for k, v in blueprint.coords.items()}
    kept = {COEFFICIENTS: np.flatnonzero(model.included)} if model.shares_program else {}
    return Target(
        column=column,
        position=list(store.columns).index(column.name),
        program=program,
        reads=(),
        given=Given(
            rows=_rows(column, model.observed(_filled(column)), padded_cells(store)),
            fixed={name: jnp.asarray(value) for name, value in data.items()},
            chosen=chosen,
            mask=mask,
            design_columns=_design_columns(model.design, column.name),
        ),
        labels=ParameterLabels(dims, coords, kept),
    )


def custom_target(model: CustomModel, store: ColumnStore, design: Design) -> Target:
    """Bind a custom model to a program of its own, sampled by NUTS.

    Parameters
    ----------
    model : CustomModel
        The resolved model.
    store : ColumnStore
        The data.
    design : Design
        The design, in which the drawn cells appear for other targets.

    Returns
    -------
    Target
        The bound target.
    """
    configure_jax()
    column = model.target
    read = (*model.predictors, column.name)
    functions = jaxify(model.full, column.name, tuple(data_name(name) for name in read))
    program = ModelProgram(
        functions, NUTS, data_name(column.name), design_input=None, masked=None, draws_all_rows=True
    )
    incomplete = tuple(name for name in model.predictors if store.columns[name].n_missing)
    own_names = {data_name(name) for name in read}
    constants = {
        variable.name: jnp.asarray(variable.get_value())
        for variable in model.full.data_vars
        if variable.name not in own_names
    }
    complete = {
        data_name(name): jnp.asarray(column_input(store.columns[name], store.columns[name].values))
        for name in model.predictors
        if name not in incomplete
    }
    return Target(
        column=column,
        position=list(store.columns).index(column.name),
        program=program,
        reads=incomplete,
        given=Given(
            rows=_rows(column, column_input(column, _filled(column)), padded_cells(store)),
            fixed=constants | complete,
            chosen=None,
            mask=None,
            design_columns=_design_columns(design, column.name),
        ),
        labels=ParameterLabels(functions.dims, functions.coords, {}),
    )


def column_input(column: Column, values: NDArray[np.float64]) -> NDArray[np.generic]:
    """Give values of a column in the type that custom models read: numbers or int32 codes."""
    return values.astype(np.int32) if column.levels else values


@lru_cache(maxsize=64)
def _shared_program(family: str, n_levels: int, n_design: int) -> ModelProgram:
    blueprint = generic_blueprint(FAMILIES[family], n_levels, n_design)
    return _program(blueprint, np.float64 if n_levels == 0 else np.int32, masked=COEFFICIENTS)


def _regression_program(blueprint: Blueprint, column: Column) -> ModelProgram:
    return _program(blueprint, np.int32 if column.levels else np.float64, masked=None)


def _program(blueprint: Blueprint, dtype: type, masked: str | None) -> ModelProgram:
    two_rows = np.zeros((2, len(blueprint.design_names)))
    model = write_regression(blueprint, two_rows, np.zeros(2, dtype))
    functions = jaxify(model, blueprint.target, (PREDICTORS_DATA, OBSERVED_DATA))
    return ModelProgram(
        functions,
        _choose_kernel(blueprint),
        OBSERVED_DATA,
        PREDICTORS_DATA,
        masked if len(blueprint.free) else None,
        draws_all_rows=False,
    )


def _choose_kernel(blueprint: Blueprint) -> Kernel:
    locations = max(len(blueprint.location_names), 1)
    slopes = locations if blueprint.family.slopes_per_location else 1
    return HMC if len(blueprint.design_names) * slopes + locations <= MAX_CURVATURE_DIM else NUTS


def _filled(column: Column) -> NDArray[np.float64]:
    filled = column.values.copy()
    filled[column.missing_rows] = column.observed_values[0]
    return filled


def padded_cells(store: ColumnStore) -> int:
    """Give the number of cells that each visit draws; one number, so that programs are shared."""
    most = max((store.columns[name].n_missing for name in store.incomplete), default=0)
    step = max(MIN_CELL_STEP, math.ceil(store.n_rows / CELL_STEPS))
    return math.ceil(most / step) * step


def _rows(column: Column, observed: NDArray[np.generic], n_cells: int) -> Rows:
    missing = np.full(n_cells, len(column.values))
    missing[: column.n_missing] = column.missing_rows
    return Rows(
        jnp.asarray(observed),
        jnp.asarray(column.observed.astype(float)),
        jnp.asarray(missing),
    )


def _design_columns(design: Design, name: str) -> DesignColumns | None:
    if name not in design.encodings:
        return None
    encoding = design.encodings[name]
    table = np.zeros((0, len(encoding.names))) if encoding.table is None else encoding.table
    return DesignColumns(
        jnp.arange(design.width)[design.slices[name]],
        jnp.asarray(encoding.centers),
        jnp.asarray(table),
    )

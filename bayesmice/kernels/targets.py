"""Targets: conditional models bound to their compiled programs and to the data of their columns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, cast

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from bayesmice.data import Column, ColumnStore
from bayesmice.errors import ModelError
from bayesmice.kernels.cache import configure_jax
from bayesmice.kernels.cells import (
    ETA,
    BlockDraw,
    CellDraw,
    LimitedDraw,
    MatchingDraw,
    PredictiveDraw,
    Rows,
    WholeDraw,
)
from bayesmice.kernels.choice import (
    Moves,
    custom_kernel,
    default_transitions,
    other_steps,
    regression_moves,
)
from bayesmice.kernels.conjugate import CONJUGATE, SIGMA, ConjugateNames
from bayesmice.kernels.exports import exports_folder
from bayesmice.kernels.fixed import FixedProgram, FixedSteps
from bayesmice.kernels.hmc import HMC
from bayesmice.kernels.jax_model import Inputs
from bayesmice.kernels.kernel import Array, on_device
from bayesmice.kernels.moments import LOCATION, SLOPES, SPREAD
from bayesmice.kernels.nuts import NUTS
from bayesmice.kernels.programs import ModelProgram
from bayesmice.kernels.shared import SharedProgram
from bayesmice.kernels.softmax import softmax_curvature
from bayesmice.kernels.visits import DesignColumns, Given, Program
from bayesmice.later import later
from bayesmice.models.blueprint import (
    COEFFICIENTS,
    LIMITS_POTENTIAL,
    OBSERVED_DATA,
    PREDICTORS_DATA,
    Blueprint,
    CensoredRows,
    RegressionRows,
    generic_blueprint,
    write_regression,
)
from bayesmice.models.catalog import is_built_in
from bayesmice.models.custom import CustomModel, data_name
from bayesmice.models.design import Design
from bayesmice.models.draws import PMM
from bayesmice.models.families import Family
from bayesmice.models.regression import RegressionModel
from bayesmice.models.terms import FormulaDesign

if TYPE_CHECKING:
    import pymc as pm

    from bayesmice.kernels import jaxify, reuse, steps
else:  # they import PyMC
    jaxify, reuse, steps = (
        later(f"bayesmice.kernels.{name}") for name in ("jaxify", "reuse", "steps")
    )

CELL_STEPS, MIN_CELL_STEP = 16, 8
"""The number of cells to draw is a multiple of n_rows / 16, so that similar data share programs."""

LEVEL_INTERCEPTS = "Intercept_centered"
"""With `COEFFICIENTS`, all value variables of a regression of levels with untransformed priors."""

FEW_ROWS = 1024
"""Up to so many new rows, there are as many cells as rows: so one program serves all of them."""


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
    """A column to impute, or a block of them, with everything that a visit needs.

    Attributes
    ----------
    columns : tuple of Column
        The columns that the model imputes together.
    position : int
        Position of the first among all columns, which the random keys are folded from.
    program : Program
        The compiled model and kernel.
    alternative : Program or None
        The same model with another kernel, for chains in which the first does badly.
    reads : tuple of str
        Incomplete columns that the model reads one by one, rather than from the design.
    host_designs : mapping of str to FormulaDesign
        Designs that only the host can evaluate, by input name.
    given : Given
        What all visits are given.
    labels : ParameterLabels
        Names of the recorded parameters.
    needs_sums : bool
        Whether visits use sums over the rows of the design.
    """

    columns: tuple[Column, ...]
    position: int
    program: Program
    alternative: Program | None
    reads: tuple[str, ...]
    host_designs: Mapping[str, FormulaDesign]
    given: Given
    labels: ParameterLabels
    needs_sums: bool = False

    @property
    def name(self) -> str:
        """The column's name, or those of a block joined by ``+``."""
        return "+".join(column.name for column in self.columns)


@dataclass(frozen=True)
class SharedInputs:
    """The whole design, for models that mask what they do not use."""

    def __call__(self, design: Array, columns: Inputs) -> dict[str, Array]:
        """Give the design."""
        return {PREDICTORS_DATA: design}


@dataclass(frozen=True, eq=False)
class FormulaInputs:
    """Designs that formulas make of columns.

    Attributes
    ----------
    formulas : mapping of str to FormulaDesign
        By input name.
    """

    formulas: Mapping[str, FormulaDesign]

    def __call__(self, design: Array, columns: Inputs) -> dict[str, Array]:
        """Evaluate the formulas; those of the host come evaluated."""
        return {
            name: columns[name] if formula.host else formula.evaluate(columns, jnp)
            for name, formula in self.formulas.items()
        }


@dataclass(frozen=True)
class ColumnInputs:
    """Columns as they are, for custom models.

    Attributes
    ----------
    names : tuple of str
        Columns that the model reads.
    """

    names: tuple[str, ...]

    def __call__(self, design: Array, columns: Inputs) -> dict[str, Array]:
        """Give the columns by the names of their data."""
        return {data_name(name): columns[name] for name in self.names}


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
        A regression with default priors and columns as its terms shares the program of its family;
        any other gets its own.
    """
    configure_jax()
    column, blueprint = model.target, model.visible
    formulas = dict(zip(blueprint.designs, model.formulas.values(), strict=True))
    read: tuple[str, ...] = ()
    if model.shares_program:
        moves = regression_moves(model.sampling, model.padded, store.n_rows)
        program: ModelProgram | SharedProgram = _shared_program(
            model.family,
            len(column.levels),
            model.design.width,
            model.draw,
            moves,
            column.has_limits,
        )
        data, mask = model.padded.data, on_device(model.included.astype(float))
        kept = {COEFFICIENTS: np.flatnonzero(model.included)}
    else:
        moves = regression_moves(model.sampling, blueprint, store.n_rows)
        program = _program(blueprint, model.draw, moves, FormulaInputs(formulas), masked=None)
        data, mask, read, kept = blueprint.data, None, model.predictors, {}
    rows = _rows(column, model.observed(_filled(column)), padded_cells(store))
    if model.shares_program and blueprint.is_normal_linear:
        rows = rows._replace(left_out=_left_out(column, padded_cells(store)))
    may_switch = model.sampling.kernel == "auto" and program.kernel is HMC
    return Target(
        columns=(column,),
        position=list(store.columns).index(column.name),
        program=program,
        alternative=program.with_kernel(NUTS) if may_switch else None,
        reads=tuple(name for name in read if store.columns[name].n_missing),
        host_designs={name: f for name, f in formulas.items() if f.host and mask is None},
        given=Given(
            rows=(rows,),
            fixed={name: on_device(value) for name, value in (data | dict(model.given)).items()},
            columns=_complete(store, read),
            mask=mask,
            design_columns=(_design_columns(model.design, column.name),),
        ),
        labels=ParameterLabels(
            program.dims, {k: tuple(v) for k, v in blueprint.coords.items()}, kept
        ),
        needs_sums=rows.left_out is not None,
    )


def custom_target(model: CustomModel, store: ColumnStore, design: Design) -> Target:
    """Bind a custom model to a program of its own.

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
        Sampled on the host by PyMC's own steps where gradients cannot move all of its variables, or
        where an operation has no JAX version.
    """
    configure_jax()
    names = model.targets
    read = (*model.predictors, *names)
    # A target that others of its block depend on is read as it is completed.
    by_column = (*model.predictors, *(name for name in names if model.children[name]))
    program = custom_program(model, by_column)
    own_names = {data_name(name) for name in read}
    constants = {
        variable.name: jnp.asarray(variable.get_value())
        for variable in model.full.data_vars
        if variable.name not in own_names
    }
    n_cells = padded_cells(store)
    return Target(
        columns=tuple(store.columns[name] for name in names),
        position=list(store.columns).index(names[0]),
        program=program,
        alternative=None,
        reads=tuple(name for name in by_column if store.columns[name].n_missing),
        host_designs={},
        given=Given(
            rows=tuple(_custom_rows(model, store.columns[name], n_cells) for name in names),
            fixed=constants,
            columns=_complete(store, by_column),
            mask=None,
            design_columns=tuple(_design_columns(design, name) for name in names),
        ),
        labels=ParameterLabels(*jaxify.recorded_labels(model.full), {}),
    )


def at_new_rows(
    target: Target,
    program: FixedProgram | FixedSteps,
    store: ColumnStore,
    learned: ColumnStore,
    given: Mapping[str, NDArray[np.float64]],
) -> Target:
    """Let a target's model draw cells of rows that it was not learned from.

    Parameters
    ----------
    target : Target
        As it was bound to the data that it was learned from.
    program : FixedProgram or FixedSteps
        Draws given parameters.
    store : ColumnStore
        The new rows.
    learned : ColumnStore
        The data that it was learned from.
    given : mapping of str to ndarray of shape (n_new,)
        Known parameters in the new rows.

    Returns
    -------
    Target
    """
    n_cells = store.n_rows if store.n_rows <= FEW_ROWS else padded_cells(store)
    read = (*target.reads, *target.given.columns)
    rows = []
    for column, before in zip(target.columns, target.given.rows, strict=True):
        own = store.columns[column.name]
        filled = np.where(own.observed, own.values, learned.columns[column.name].known_values[0])
        bound = _rows(own, filled.astype(before.observed.dtype), n_cells)
        if before.limits is not None:
            nothing = jnp.full(n_cells, jnp.inf)
            bound = bound._replace(limits=(-nothing, nothing))
        rows.append(bound)
    return replace(
        target,
        columns=tuple(store.columns[column.name] for column in target.columns),
        program=cast(Program, program),  # all that a sweep over new rows does is visit it
        alternative=None,
        needs_sums=False,
        reads=tuple(name for name in read if store.columns[name].n_missing),
        given=target.given._replace(
            rows=tuple(rows),
            fixed=target.given.fixed | {name: jnp.asarray(value) for name, value in given.items()},
            columns=_complete(store, read),
        ),
    )


def custom_program(
    model: CustomModel, by_column: tuple[str, ...]
) -> ModelProgram | steps.StepsProgram:
    """Compile a custom model with the kernel that suits it, or that the user wants."""
    names, wanted = model.targets, model.sampling.kernel
    owner = " and ".join(map(repr, names))
    if wanted == "pymc":
        return _steps_program(model, by_column, owner)
    key = (names, by_column, model.sampling, model.store.n_rows, tuple(model.children.items()))
    if kept := reuse.find_program(key, model.full):
        return kept
    others = other_steps(model.full)
    if others and wanted == "auto":
        return _steps_program(model, by_column, owner)
    if others:
        raise ModelError(
            f"The custom model for {owner} has variables that PyMC samples by "
            f"{', '.join(others)}, which the gradient-based kernel {wanted!r} cannot move. Use "
            "kernel='auto' or 'pymc', or marginalize them, for example with pm.Mixture."
        )
    try:
        return reuse.keep_program(key, model.full, _jax_program(model, by_column))
    except ModelError:
        if wanted != "auto":
            raise
        return _steps_program(model, by_column, owner)


def _jax_program(model: CustomModel, by_column: tuple[str, ...]) -> ModelProgram:
    names = model.targets
    read = (*model.predictors, *names)
    functions = jaxify.jaxify(model.full, names, tuple(data_name(name) for name in read))
    inputs = tuple(data_name(name) for name in names)
    draw: CellDraw = WholeDraw()
    if any(model.children.values()):
        draw = BlockDraw(inputs, tuple(names.index(name) for name in model.parents_first))
    return ModelProgram(
        functions,
        custom_kernel(model.sampling),
        target_inputs=inputs,
        row_inputs=ColumnInputs(by_column),
        censored=(),
        draw=draw,
        inner_steps=model.sampling.inner_steps or default_transitions(model.store.n_rows),
        masked=None,
    )


def _steps_program(
    model: CustomModel, by_column: tuple[str, ...], owner: str
) -> steps.StepsProgram:
    if any(model.children.values()):
        raise ModelError(
            f"The targets {owner} of a block depend on each other, which takes a gradient-based "
            "kernel, but the model has discrete variables or an operation without a JAX version "
            "(or kernel='pymc'). Let the targets share only parameters, or marginalize."
        )
    return steps.StepsProgram(model, by_column)


def column_input(column: Column, values: NDArray[np.float64]) -> NDArray[np.generic]:
    """Give values of a column in the type that models read: numbers or int32 codes."""
    return values.astype(np.int32) if column.levels else values


def _complete(store: ColumnStore, names: tuple[str, ...]) -> dict[str, Array]:
    complete = (store.columns[name] for name in names if not store.columns[name].n_missing)
    return {c.name: on_device(column_input(c, c.values)) for c in complete}


@lru_cache(maxsize=64)
def _shared_program(
    family: Family,
    n_levels: int,
    n_design: int,
    draw: PMM | None,
    moves: Moves,
    has_limits: bool,
) -> ModelProgram | SharedProgram:
    @cache
    def write() -> ModelProgram:
        blueprint = generic_blueprint(family, n_levels, n_design, has_limits)
        masked = COEFFICIENTS if n_design else None
        return _program(blueprint, draw, moves, SharedInputs(), masked)

    if not is_built_in(family) or exports_folder() is None:
        return write()  # only its code could tell another family from those of the same name
    parts = (family.name, family.link, n_levels, n_design, draw, has_limits, moves.transitions)
    return SharedProgram(repr(parts), moves.kernel, write)


def _program(
    blueprint: Blueprint,
    draw: PMM | None,
    moves: Moves,
    inputs: SharedInputs | FormulaInputs,
    masked: str | None,
) -> ModelProgram:
    is_discrete = blueprint.family.support.is_discrete
    parts = zip(blueprint.designs, blueprint.predictors, strict=True)
    designs = {name: np.zeros((2, len(part.design_names))) for name, part in parts}
    given = dict.fromkeys(blueprint.family.given, np.ones(2))
    two_rows = RegressionRows(designs, given, np.zeros(2, np.int32 if is_discrete else np.float64))
    known = CensoredRows(designs, given, np.full(2, -np.inf), np.full(2, np.inf))
    written = write_regression(blueprint, two_rows, known if blueprint.has_limits else None)
    row_inputs = (*blueprint.designs, *blueprint.family.given)
    expressions = {}
    cells: CellDraw = PredictiveDraw((*row_inputs, OBSERVED_DATA))
    if blueprint.has_limits:
        expressions[LIMITS_POTENTIAL] = written.model[LIMITS_POTENTIAL]
        cells = LimitedDraw((*row_inputs, OBSERVED_DATA), is_discrete)
    elif draw is not None:
        expressions[ETA] = written.eta
        cells = MatchingDraw(row_inputs, draw.donors)
    if blueprint.is_normal_linear:
        parent = written.parameters.parent
        expressions |= {LOCATION: parent.location, SLOPES: parent.coefficients}
        expressions[SPREAD] = written.parameters.auxiliary[SIGMA]
    functions = jaxify.jaxify(
        written.model,
        (blueprint.target,),
        (*blueprint.row_data, *blueprint.censored_data),
        expressions,
    )
    is_plain = set(functions.value_names) == {LEVEL_INTERCEPTS, COEFFICIENTS}
    knows_curvature = blueprint.family.is_softmax and is_plain and not blueprint.parent.groups
    return ModelProgram(
        functions,
        moves.kernel,
        target_inputs=(OBSERVED_DATA,),
        row_inputs=inputs,
        censored=row_inputs if blueprint.has_limits else (),
        draw=cells,
        inner_steps=moves.transitions,
        masked=masked,
        row_curvature=_level_curvature if knows_curvature else None,
        by_moments=blueprint.is_normal_linear,
        conjugate=_conjugate_names(written.model) if moves.kernel is CONJUGATE else None,
    )


def _level_curvature(
    values: dict[str, Array], inputs: Inputs, mask: Array | None, weights: Array
) -> Array:
    """Give the curvature of a regression of levels; see `RowCurvature`."""
    design = inputs[PREDICTORS_DATA] if mask is None else inputs[PREDICTORS_DATA] * mask
    return softmax_curvature(values[LEVEL_INTERCEPTS], values[COEFFICIENTS], design, weights)


def _conjugate_names(model: pm.Model) -> ConjugateNames:
    values = {rv.name: model.rvs_to_values[rv].name for rv in model.free_RVs}
    spread, coefficients = values.pop(SIGMA), values.pop(COEFFICIENTS, None)
    (location,) = values.values()
    return ConjugateNames(location, spread, coefficients)


def _filled(column: Column) -> NDArray[np.float64]:
    filled = column.values.copy()
    filled[column.missing_rows] = column.known_values[0]
    return filled


def padded_cells(store: ColumnStore) -> int:
    """Give the number of cells that each visit draws; one number, so that programs are shared."""
    most = max((store.columns[name].n_drawn for name in store.drawn), default=0)
    step = max(MIN_CELL_STEP, math.ceil(store.n_rows / CELL_STEPS))
    return math.ceil(most / step) * step


def _left_out(column: Column, n_cells: int) -> Array | None:
    """List the rows of weight 0, where sums over the others come sooner from those over all."""
    weights = np.where(column.observed, column.row_weights, 0.0)
    n_rows, rows = len(weights), np.flatnonzero(weights == 0.0)
    if len(rows) > n_cells or 2 * n_cells > n_rows or not np.isin(weights, (0.0, 1.0)).all():
        return None
    padded = np.full(n_cells, n_rows)
    padded[: len(rows)] = rows
    return on_device(padded)


def _rows(column: Column, observed: NDArray[np.generic], n_cells: int) -> Rows:
    drawn = np.full(n_cells, len(column.values))
    drawn[: column.n_drawn] = column.drawn_rows
    written = drawn.copy()
    written[: column.n_drawn][~column.drawn_missing] = len(column.values)
    limits = None
    if column.limits is not None:
        lower, upper = np.full(n_cells, -np.inf), np.full(n_cells, np.inf)
        lower[: column.n_drawn] = column.limits[0][column.drawn_rows]
        upper[: column.n_drawn] = column.limits[1][column.drawn_rows]
        limits = on_device(lower), on_device(upper)
    return Rows(
        on_device(observed),
        on_device(np.where(column.observed, column.row_weights, 0.0)),
        on_device(drawn),
        on_device(written),
        limits,
    )


def _custom_rows(model: CustomModel, column: Column, n_cells: int) -> Rows:
    rows = _rows(column, column_input(column, _filled(column)), n_cells)
    relevant = model.relevant_rows[column.name]
    return rows._replace(weights=on_device(np.where(relevant, column.row_weights, 0.0)))


def _design_columns(design: Design, name: str) -> DesignColumns | None:
    if name not in design.encodings:
        return None
    encoding = design.encodings[name]
    table = np.zeros((0, len(encoding.names))) if encoding.table is None else encoding.table
    return DesignColumns(
        on_device(np.arange(design.width)[design.slices[name]]),
        on_device(encoding.centers),
        on_device(table),
    )

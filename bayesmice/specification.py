"""The specification: data and models, checked and resolved once, at the front door."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
from numpy.typing import NDArray

from bayesmice.data import (
    Bounds,
    Column,
    ColumnStore,
    Limits,
    Scale,
    check_frame,
    encode,
    limits_within_bounds,
    read_bounds,
    read_limits,
    unused_categories,
)
from bayesmice.errors import ModelError, SpecificationError
from bayesmice.events import Event, Severity
from bayesmice.kernels import Target, custom_target, regression_target
from bayesmice.models import (
    FAMILIES,
    UNBOUNDED,
    Custom,
    CustomModel,
    Design,
    Family,
    Regression,
    RegressionModel,
    Surroundings,
    check_description,
    check_signature,
    learn_design,
    resolve_custom,
    resolve_regression,
)
from bayesmice.models.custom import NO_PARAMETERS, CustomFunction
from bayesmice.models.findings import dependence_findings, regression_findings
from bayesmice.models.sampling import check_sampling
from bayesmice.scheduler import initial_fill

ConditionalModel = RegressionModel | CustomModel
Models = Mapping[Any, Regression | Custom | CustomFunction]
"""By column, or by a tuple of columns."""
Description = Regression | Custom


@dataclass(frozen=True, eq=False)
class Specification:
    """Everything that is decided before the first sweep.

    Attributes
    ----------
    store : ColumnStore
        The data.
    design : Design
        The design that all regressions share.
    models : mapping of str to RegressionModel or CustomModel
        The conditional models, by the column or the block of columns that each imputes; columns
        that do not vary have none.
    fills : mapping of str to ndarray of shape (n_missing,)
        Observed values that stand in missing cells when a model is written for a person to look at.
    events : tuple of Event
        What was noticed.
    """

    store: ColumnStore
    design: Design
    models: Mapping[str, ConditionalModel]
    fills: Mapping[str, NDArray[np.float64]]
    events: tuple[Event, ...]

    @cached_property
    def by_column(self) -> dict[str, ConditionalModel]:
        """The conditional model of each column that has one."""
        return {column: model for model in self.models.values() for column in model.targets}

    @property
    def missing(self) -> dict[str, int]:
        """Number of missing cells of each target that has some, in the order of the data."""
        counts = {
            name: sum(self.store.columns[column].n_missing for column in model.targets)
            for name, model in self.models.items()
        }
        return {name: count for name, count in counts.items() if count}

    @property
    def imputed(self) -> tuple[str, ...]:
        """Columns with missing cells and a model to draw them from, in the order of the data."""
        return tuple(name for name in self.store.incomplete if name in self.by_column)

    @property
    def constant_cells(self) -> dict[str, float]:
        """The one observed value (or level code) of incomplete columns that do not vary."""
        return {
            name: float(self.store.columns[name].known_values[0])
            for name in self.store.incomplete
            if name not in self.by_column
        }

    def target(self, name: str) -> Target:
        """Bind the model of a column or a block to its compiled program."""
        model = self.models[name]
        if isinstance(model, CustomModel):
            return custom_target(model, self.store, self.design)
        if model.visible.is_fixed:
            raise ModelError(NO_PARAMETERS.format(name))
        return regression_target(model, self.store)

    def model(self, name: str) -> ConditionalModel:
        """Find the model of a column, or of a block by the names joined with ``+``."""
        if name in self.models:
            return self.models[name]
        if name not in self.store.columns:
            raise SpecificationError(
                f"{name!r} is not a column of data. Columns: {', '.join(self.store.columns)}."
            )
        if name not in self.by_column:
            raise SpecificationError(
                f"Column {name!r} has one observed value only, so it has no conditional model; its "
                "missing cells get that value."
            )
        return self.by_column[name]

    def write_model(self, name: str) -> pm.Model:
        """Write the PyMC model of a column's observed rows."""
        model = self.model(name)
        if isinstance(model, CustomModel):
            return model.write()
        return model.write(self.store, self.fills).model

    def table(self) -> pd.DataFrame:
        """Tabulate the conditional models, one row per column."""
        return pd.DataFrame(
            [self._row(column) for column in self.store.columns.values()]
        ).set_index("variable")

    def to_json(self) -> str:
        """Describe the conditional models as JSON, for the attributes of a tree."""
        return json.dumps({name: _describe(model) for name, model in self.models.items()})

    def _row(self, column: Column) -> dict[str, object]:
        model = self.by_column.get(column.name)
        priors = {} if model is None else model.describe_priors()
        return {
            "variable": column.name,
            "scale": str(column.scale),
            "missing": column.n_missing,
            "model": "constant" if model is None else _model_text(model),
            "predictors": "" if model is None else ", ".join(model.terms),
            "priors": "; ".join(f"{name} ~ {prior}" for name, prior in priors.items()),
        }


def specify(
    data: object,
    models: Models | None = None,
    bounds: Bounds | None = None,
    limits: Limits | None = None,
) -> Specification:
    """Check data and models, and resolve them.

    Parameters
    ----------
    data : DataFrame
        The data as the user gave them.
    models : mapping of str or tuple of str to Regression, Custom or function, optional
        Conditional models that differ from the default.
    bounds : mapping of str to (lower, upper), optional
        Between which numbers columns lie.
    limits : mapping of str to (lower, upper), optional
        Between which numbers single cells lie.

    Returns
    -------
    Specification
        The resolved specification.

    Raises
    ------
    DataTypeError, DataError
        If the data cannot be imputed.
    SpecificationError, ModelError
        If a model does not fit them.
    """
    frame = check_frame(data)
    given = _check_models(frame, {} if models is None else models)
    store = _read_as_modelled(encode(frame), given, bounds, limits)
    store = read_limits(store, {} if limits is None else limits)
    bounded = read_bounds(store, {} if bounds is None else bounds)
    store = limits_within_bounds(store, bounded)
    design = learn_design(store)
    fills = {name: cells[0] for name, cells in initial_fill(store, 0, [0]).items()}
    among = Surroundings(store, design, fills)
    blocks = {column: columns for columns in given for column in columns}
    resolved: dict[str, ConditionalModel] = {}
    for name in store.columns:
        columns = blocks.get(name, (name,))
        block = "+".join(columns)
        if block not in resolved:
            description = given.get(columns, Regression())
            model = _resolve(columns, description, among, bounded.get(name, UNBOUNDED))
            if model is not None:
                resolved[block] = model
    events = _notices(store, resolved) + _unused_models(store, given)
    events += dependence_findings(store, design)
    for model in resolved.values():
        if isinstance(model, RegressionModel) and model.target.n_missing:
            events += regression_findings(model, store, fills)
    return Specification(store, design, resolved, fills, tuple(events))


def _resolve(
    columns: tuple[str, ...],
    description: Description,
    among: Surroundings,
    bounds: tuple[float, float],
) -> ConditionalModel | None:
    store = among.store
    targets = tuple(store.columns[name] for name in columns)
    if isinstance(description, Custom):
        return _resolve_custom(targets, description, among, bounds)
    (target,) = targets
    if target.is_constant:
        check_description(description, target, among)
        return None
    model = resolve_regression(description, target, among, bounds)
    if target.n_missing and target.name in model.visible.names:
        raise SpecificationError(
            f"Column {target.name!r} has the name of a variable of its own regression, or "
            "of one of its dimensions. Rename the column."
        )
    return model


def _resolve_custom(
    targets: tuple[Column, ...],
    description: Custom,
    among: Surroundings,
    bounds: tuple[float, float],
) -> CustomModel | None:
    owner = " and ".join(repr(target.name) for target in targets)
    if bounds != UNBOUNDED or any(target.has_limits for target in targets):
        raise SpecificationError(
            f"bounds or limits name {owner}, which a custom model imputes. Write them into the "
            "model, with pm.Truncated or pm.Censored, and leave them out here."
        )
    constant = [target.name for target in targets if target.is_constant]
    if constant and len(targets) > 1:
        raise SpecificationError(
            f"The block {owner} holds {constant[0]!r}, which has one observed value only. Take it "
            "out of the block."
        )
    if constant:
        return None
    sampling = check_sampling(
        f"The custom model for {owner}", description.kernel, description.inner_steps
    )
    return resolve_custom(description, targets, among.store, among.fills, sampling)


def _check_models(frame: pd.DataFrame, models: object) -> dict[tuple[str, ...], Description]:
    if not isinstance(models, Mapping):
        raise SpecificationError(
            f"models is {type(models).__name__}; expected a mapping from column names to models, "
            "such as {'bmi': bm.Regression('age')}."
        )
    labels = [str(label) for label in frame.columns]
    checked: dict[tuple[str, ...], Description] = {}
    for key, model in models.items():
        columns = _block(key, labels)
        taken = [name for columns_taken in checked for name in columns_taken if name in columns]
        if taken:
            raise SpecificationError(f"models has two models for {taken[0]!r}. Keep one of them.")
        shown = " and ".join(columns)
        if isinstance(model, Regression) and len(columns) > 1:
            raise SpecificationError(
                f"models gives one bm.Regression to {shown}; a block needs a function that writes "
                "one observed variable per target."
            )
        checked[columns] = model if isinstance(model, Regression) else check_signature(model, shown)
    return checked


def _block(key: object, labels: list[str]) -> tuple[str, ...]:
    """Read a key of ``models``: a column, or a tuple of the columns of a block."""
    if isinstance(key, tuple) and str(key) not in labels:
        columns = tuple(map(str, key))
    else:
        columns = (str(key),)
    for name in columns:
        if name not in labels:
            raise SpecificationError(
                f"models names {name!r}, which is not a column of data. Columns: "
                f"{', '.join(labels)}."
            )
    if len(set(columns)) < len(columns) or not columns:
        raise SpecificationError(
            f"models has the key {key!r}; expected a column, or a tuple of different columns."
        )
    return columns


def _read_as_modelled(
    store: ColumnStore, models: Mapping[tuple[str, ...], Description], *numbers: object
) -> ColumnStore:
    """Read a two-valued numeric column as numbers where its model, bounds or limits do."""
    modelled = {
        name
        for columns, model in models.items()
        for name in columns
        if isinstance(model, Custom) or _draws_numbers(model.family)
    }
    bounded = {str(name) for given in numbers if isinstance(given, Mapping) for name in given}
    changed = {
        name: column.as_continuous(store.series(name))
        for name, column in store.columns.items()
        if name in modelled | bounded
        and column.scale is Scale.BINARY
        and pd.api.types.is_numeric_dtype(store.series(name).dtype)
        and not pd.api.types.is_bool_dtype(store.series(name).dtype)
    }
    return store.with_columns(changed)


def _draws_numbers(family: object) -> bool:
    known = family if isinstance(family, Family) else FAMILIES.get(str(family))
    return known is not None and Scale.CONTINUOUS in known.scales


def _notices(store: ColumnStore, models: Mapping[str, ConditionalModel]) -> list[Event]:
    events = []
    if not store.incomplete:
        events.append(
            Event(
                Severity.INFO,
                "nothing_missing",
                "No cell is missing; every completed data set equals the data.",
            )
        )
    for column in store.columns.values():
        unused = unused_categories(store.series(column.name))
        if unused:
            events.append(
                Event(
                    Severity.INFO,
                    "unused_categories",
                    f"The categories {', '.join(map(str, unused))} were never observed, so they "
                    "are never imputed.",
                    column.name,
                )
            )
        if column.is_constant:
            events.append(_constant_event(column))
        if column.has_limits:
            events.append(_limits_event(column))
        if column.is_identifier:
            events.append(
                Event(
                    Severity.WARNING if column.n_missing else Severity.INFO,
                    "identifier",
                    "Every observed value occurs once, as in an identifier. The column predicts no "
                    "other, and imputed values of it mean little.",
                    column.name,
                )
            )
    for model in models.values():
        if isinstance(model, RegressionModel):
            events += _model_notices(model)
    return events


def _model_notices(model: RegressionModel) -> list[Event]:
    target = model.target
    events = [
        Event(
            Severity.INFO,
            "dropped_predictor",
            f"{name!r} is not a predictor in the model of {target.name!r}: {reason}.",
            target.name,
        )
        for formula in model.formulas.values()
        if not formula.is_plain
        for name, reason in formula.dropped
    ]
    on_host = [factor for formula in model.formulas.values() for factor in formula.host]
    if on_host and target.n_missing:
        events.append(
            Event(
                Severity.INFO,
                "evaluated_on_host",
                f"{', '.join(on_host)} in the model of {target.name!r} cannot be compiled, so "
                "every sweep evaluates it for one chain after the other.",
                target.name,
            )
        )
    is_rounded = model.draw is None and not model.family.support.is_discrete
    if target.is_integer and target.n_missing and not target.levels and is_rounded:
        events.append(
            Event(
                Severity.INFO,
                "rounded",
                "The column holds whole numbers; imputed values are rounded to the nearest one "
                "in completed data.",
                target.name,
            )
        )
    return events


def _unused_models(store: ColumnStore, models: Mapping[tuple[str, ...], object]) -> list[Event]:
    return [
        Event(
            Severity.WARNING,
            "unused_model",
            "The column has one observed value only, so its model is not used.",
            name,
        )
        for columns in models
        for name in columns
        if store.columns[name].is_constant
    ]


def _constant_event(column: Column) -> Event:
    value = column.levels[0] if column.levels else column.known_values[0]
    n_observed = len(column.known_values)
    if not column.n_missing:
        fate = "It cannot predict anything and is left out of all models."
    else:
        fate = (
            f"Its {column.n_missing} missing cells get that value, and it predicts no other column."
        )
    return Event(
        Severity.WARNING if column.n_missing else Severity.INFO,
        "constant_column",
        f"All {n_observed} observed values are {value!s}. {fate}",
        column.name,
    )


def _limits_event(column: Column) -> Event:
    n_limited = int(column.is_limited.sum())
    return Event(
        Severity.INFO,
        "limited_cells",
        f"Of {column.n_missing} cells without an exact value, {n_limited} are known by their "
        "limits; these are imputed within them.",
        column.name,
    )


def _model_text(model: ConditionalModel) -> str:
    if isinstance(model, CustomModel):
        return "custom" if len(model.targets) == 1 else f"custom block {'+'.join(model.targets)}"
    family = model.family
    standard = FAMILIES.get(family.name, family).link
    link = "" if family.link == standard else f" ({family.link})"
    return f"{family.name}{link}" + ("" if model.draw is None else f", {model.draw}")


def _describe(model: ConditionalModel) -> dict[str, object]:
    description: dict[str, object] = {
        "formula": model.formula,
        "priors": model.describe_priors(),
        "kernel": model.sampling.kernel,
    }
    if isinstance(model, CustomModel):
        description |= {"model": "custom", "link": ""}
    else:
        draw = "predictive" if model.draw is None else str(model.draw)
        description |= {"model": model.family.name, "link": model.family.link, "draw": draw}
    return description

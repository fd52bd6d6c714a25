"""The specification: data and models, checked and resolved once, at the front door."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pymc as pm
from numpy.typing import NDArray

from bayesmice.data import Column, ColumnStore, Scale, check_frame, encode, unused_categories
from bayesmice.errors import ModelError, SpecificationError
from bayesmice.events import Event, Severity
from bayesmice.kernels import Target, custom_target, regression_target
from bayesmice.models import (
    CustomModel,
    Design,
    Regression,
    RegressionModel,
    check_description,
    check_signature,
    learn_design,
    resolve_regression,
)
from bayesmice.models.custom import NO_PARAMETERS, CustomFunction
from bayesmice.scheduler import initial_fill

ConditionalModel = RegressionModel | CustomModel


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
        The conditional model of every column that varies.
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

    @property
    def target_names(self) -> tuple[str, ...]:
        """Columns with missing cells and a model to draw them from, in the order of the data."""
        return tuple(name for name in self.store.incomplete if name in self.models)

    @property
    def constant_cells(self) -> dict[str, float]:
        """The one observed value (or level code) of incomplete columns that do not vary."""
        return {
            name: float(self.store.columns[name].observed_values[0])
            for name in self.store.incomplete
            if name not in self.models
        }

    def target(self, name: str) -> Target:
        """Bind the model of a column to its compiled program."""
        model = self.models[name]
        if isinstance(model, CustomModel):
            return custom_target(model, self.store, self.design)
        if model.visible.is_fixed:
            raise ModelError(NO_PARAMETERS.format(name))
        return regression_target(model, self.store)

    def write_model(self, name: str) -> pm.Model:
        """Write the PyMC model of a column's observed rows."""
        if name not in self.store.columns:
            raise SpecificationError(
                f"{name!r} is not a column of data. Columns: {', '.join(self.store.columns)}."
            )
        model = self.models.get(name)
        if model is None:
            raise SpecificationError(
                f"Column {name!r} has one observed value only, so it has no conditional model; its "
                "missing cells get that value."
            )
        if isinstance(model, CustomModel):
            return model.write()
        return model.write(self.store, self.fills)

    def table(self) -> pd.DataFrame:
        """Tabulate the conditional models, one row per column."""
        return pd.DataFrame(
            [self._row(column) for column in self.store.columns.values()]
        ).set_index("variable")

    def to_json(self) -> str:
        """Describe the conditional models as JSON, for the attributes of a tree."""
        return json.dumps(
            {
                name: {
                    "model": _model_name(model),
                    "link": "" if isinstance(model, CustomModel) else model.family.link,
                    "formula": model.formula,
                    "priors": model.describe_priors(),
                }
                for name, model in self.models.items()
            }
        )

    def _row(self, column: Column) -> dict[str, object]:
        model = self.models.get(column.name)
        priors = {} if model is None else model.describe_priors()
        return {
            "variable": column.name,
            "scale": str(column.scale),
            "missing": column.n_missing,
            "model": "constant" if model is None else _model_name(model),
            "predictors": "" if model is None else ", ".join(model.predictors),
            "priors": "; ".join(f"{name} ~ {prior}" for name, prior in priors.items()),
        }


def specify(
    data: object, models: Mapping[str, Regression | CustomFunction] | None
) -> Specification:
    """Check data and models, and resolve them.

    Parameters
    ----------
    data : DataFrame
        The data as the user gave them.
    models : mapping of str to Regression or function, optional
        Conditional models that differ from the default.

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
    store = _read_as_modelled(encode(frame), given)
    design = learn_design(store)
    fills = {name: cells[0] for name, cells in initial_fill(store, 0, [0]).items()}
    resolved: dict[str, ConditionalModel] = {}
    for name, column in store.columns.items():
        description = given.get(name, Regression())
        if column.is_constant:
            if isinstance(description, Regression):
                check_description(description, column, list(store.columns))
            continue
        if isinstance(description, Regression):
            columns = list(store.columns.values())
            regression = resolve_regression(description, column, columns, design)
            if column.n_missing:
                regression.check_name()
            resolved[name] = regression
        else:
            resolved[name] = CustomModel(column, description, store, fills)
            resolved[name].predictors  # noqa: B018  (writes the model once, so that its faults show now)
    events = _notices(store) + _unused_models(store, given)
    return Specification(store, design, resolved, fills, tuple(events))


def _check_models(frame: pd.DataFrame, models: object) -> dict[str, Regression | CustomFunction]:
    if not isinstance(models, Mapping):
        raise SpecificationError(
            f"models is {type(models).__name__}; expected a mapping from column names to models, "
            "such as {'bmi': bm.Regression('age')}."
        )
    labels = [str(label) for label in frame.columns]
    checked: dict[str, Regression | CustomFunction] = {}
    for name, model in models.items():
        if str(name) not in labels:
            raise SpecificationError(
                f"models names {name!r}, which is not a column of data. Columns: "
                f"{', '.join(labels)}."
            )
        checked[str(name)] = (
            model if isinstance(model, Regression) else check_signature(model, str(name))
        )
    return checked


def _read_as_modelled(
    store: ColumnStore, models: Mapping[str, Regression | CustomFunction]
) -> ColumnStore:
    """Read a two-valued numeric column as numbers where its model draws numbers."""
    changed = {
        name: store.columns[name].as_continuous(store.series(name))
        for name, model in models.items()
        if store.columns[name].scale is Scale.BINARY
        and pd.api.types.is_numeric_dtype(store.series(name).dtype)
        and not pd.api.types.is_bool_dtype(store.series(name).dtype)
        and (model.family == "gaussian" if isinstance(model, Regression) else True)
    }
    return store.with_columns(changed)


def _notices(store: ColumnStore) -> list[Event]:
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
        if column.is_integer and column.n_missing and not column.levels:
            events.append(
                Event(
                    Severity.INFO,
                    "rounded",
                    "The column holds whole numbers; imputed values are rounded to the nearest one "
                    "in completed data.",
                    column.name,
                )
            )
    return events


def _unused_models(store: ColumnStore, models: Mapping[str, object]) -> list[Event]:
    return [
        Event(
            Severity.WARNING,
            "unused_model",
            "The column has one observed value only, so its model is not used.",
            name,
        )
        for name in models
        if store.columns[name].is_constant
    ]


def _constant_event(column: Column) -> Event:
    value = column.levels[0] if column.levels else column.observed_values[0]
    n_observed = len(column.observed_values)
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


def _model_name(model: ConditionalModel) -> str:
    return "custom" if isinstance(model, CustomModel) else model.family.name

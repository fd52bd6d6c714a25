"""Notices: what a user should know of data and models before a run."""

from collections.abc import Mapping
from typing import Any, SupportsFloat, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from bayesmice.data import (
    Column,
    ColumnStore,
    unused_categories,
)
from bayesmice.data.times import Origin, origin_text
from bayesmice.events import Event, Severity
from bayesmice.models import (
    Design,
    RegressionModel,
)
from bayesmice.models.findings import dependence_findings, regression_findings
from bayesmice.models.passive import (
    PassiveColumn,
    passive_differences,
)
from bayesmice.specification.reading import ReadData
from bayesmice.specification.resolved import ConditionalModel

UNUSED = "unused_categories"


def notices(
    read_data: ReadData,
    models: Mapping[str, ConditionalModel],
    design: Design,
    fills: Mapping[str, NDArray[np.float64]],
    by: str,
) -> list[Event]:
    """Tell what is worth knowing of data and models.

    Parameters
    ----------
    read_data : ReadData
        The data and what was said of them.
    models : mapping of str to RegressionModel or CustomModel
        The resolved models, by target.
    design : Design
        The design of the data.
    fills : mapping of str to ndarray of shape (n_missing,)
        Observed values that stand in missing cells.
    by : str
        The column that the rows have one level of; nothing is said of it.

    Returns
    -------
    list of Event
        In the order of the data.
    """
    store, passive = read_data.store, read_data.passive
    events = _column_notices(store, models) + _unused_models(store, read_data.models)
    events = [event for event in events if not by or event.variable != by]
    events = [e for e in events if e.code != UNUSED or e.variable not in passive.by_name]
    events += _predictor_notices(read_data, models)
    events += [event for p in passive.ordered for event in _passive_notices(store, p)]
    events += dependence_findings(store, design)
    for model in models.values():
        if isinstance(model, RegressionModel) and model.target.n_drawn:
            events += regression_findings(model, store, fills)
    return events


def _column_notices(store: ColumnStore, models: Mapping[str, ConditionalModel]) -> list[Event]:
    events = []
    if not store.drawn:
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
                    UNUSED,
                    f"The categories {', '.join(map(str, unused))} were never observed, so they "
                    "are never imputed.",
                    column.name,
                )
            )
        if column.is_constant:
            events.append(_constant_event(column))
        elif column.origin is not None:
            events.append(_time_event(column, column.origin))
        if column.n_missing and _are_two_quantities(column, store.series(column.name).dtype):
            events.append(_two_quantities_event(column))
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


def _predictor_notices(read_data: ReadData, models: Mapping[str, ConditionalModel]) -> list[Event]:
    events = []
    if read_data.left_out:
        names = ", ".join(read_data.left_out)
        events.append(
            Event(
                Severity.INFO,
                "not_imputed",
                f"No cell of {names} is wanted and no visit reaches it, so its missing cells stay "
                "missing, and it predicts no other column.",
            )
        )
    for target, asked in read_data.predictors.items():
        model = models.get(target)
        if model is None:
            continue
        beyond = [name for name in model.predictors if name not in asked]
        if beyond:
            events.append(
                Event(
                    Severity.INFO,
                    "named_predictors",
                    f"The model of {target!r} names {', '.join(beyond)}, which predictors leaves "
                    "out; what a formula or a function names is used.",
                    target,
                )
            )
    return events


def _passive_notices(store: ColumnStore, passive: PassiveColumn) -> list[Event]:
    n_different = passive_differences(store, passive)
    if not n_different:
        return []
    return [
        Event(
            Severity.WARNING,
            "passive_differs",
            f"{n_different} observed values differ from {passive.text}. They stay as they were "
            "observed; only missing cells are computed.",
            passive.name,
        )
    ]


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
    if column.origin is not None:
        value = column.origin + pd.Timedelta(days=float(column.known_values[0]))
    n_observed = len(column.known_values)
    if not column.n_missing:
        fate = "It cannot predict anything and is left out of all models."
    else:
        fate = (
            f"Its {column.n_missing} missing cells get that value, and it predicts no other column."
        )
    values = f"All {n_observed} observed values are" if n_observed > 1 else "The observed value is"
    return Event(
        Severity.WARNING if column.n_missing else Severity.INFO,
        "constant_column",
        f"{values} {value!s}. {fate}",
        column.name,
    )


def _are_two_quantities(column: Column, dtype: Any) -> bool:
    """Whether a column holds two numbers that are no codes, as 0 and 1 or 1 and 2 are."""
    if not is_numeric_dtype(dtype) or is_bool_dtype(dtype) or len(column.levels) != 2:
        return False
    first, second = (float(cast(SupportsFloat, level)) for level in column.levels)
    return not (first.is_integer() and second == first + 1)


def _two_quantities_event(column: Column) -> Event:
    first, second = column.levels
    return Event(
        Severity.INFO,
        "two_numbers",
        f"Only the numbers {first!s} and {second!s} were observed, so the column is imputed as a "
        "binary one: each missing cell gets one of them. A model that draws numbers, such as "
        "bm.Regression(family='gaussian'), reads it as continuous.",
        column.name,
    )


def _time_event(column: Column, origin: Origin) -> Event:
    return Event(
        Severity.INFO,
        "time_predictor",
        f"The column holds times. It predicts other columns by the number of {origin_text(origin)} "
        "and is not imputed.",
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

"""Reading: data and what a user says of them, checked but not yet resolved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmice.data import (
    Bounds,
    ColumnStore,
    Limits,
    Scale,
    check_frame,
    encode,
    limits_within_bounds,
    read_bounds,
    read_ignore,
    read_limits,
    read_weights,
    read_where,
    weigh,
)
from bayesmice.data.libraries import read_data, read_table
from bayesmice.errors import SpecificationError
from bayesmice.models import (
    FAMILIES,
    Custom,
    Family,
    Regression,
    check_signature,
)
from bayesmice.models.custom import CustomFunction
from bayesmice.models.passive import (
    Passive,
    PassiveColumns,
    read_passive,
)
from bayesmice.models.predictors import (
    Predictors,
    read_predictors,
)

Models = Mapping[Any, Regression | Custom | CustomFunction]
"""By column, or by a tuple of columns."""
Description = Regression | Custom


@dataclass(frozen=True, eq=False)
class ReadData:
    """Data and what was said of them, checked but not yet resolved.

    Attributes
    ----------
    store : ColumnStore
        The data, with passive columns, limits, wanted cells and weights.
    models : mapping of tuple of str to Regression or Custom
        Models that were given, by the columns that each imputes.
    bounds : mapping of str to (float, float)
        Bounds of columns.
    passive : PassiveColumns
        Columns that are computed.
    predictors : mapping of str to tuple of str
        Predictors that were given, by target.
    left_out : tuple of str
        Incomplete columns that are neither imputed nor used.
    """

    store: ColumnStore
    models: Mapping[tuple[str, ...], Description]
    bounds: Mapping[str, tuple[float, float]]
    passive: PassiveColumns
    predictors: Mapping[str, tuple[str, ...]]
    left_out: tuple[str, ...]

    def at_rows(self, rows: NDArray[np.intp]) -> "ReadData":
        """Take some rows of the data."""
        return replace(self, store=self.store.at_rows(rows, self.passive.by_name))


def read(
    data: object,
    models: Models | None = None,
    bounds: Bounds | None = None,
    limits: Limits | None = None,
    *,
    predictors: Predictors | None = None,
    passive: Passive | None = None,
    where: object = None,
    ignore: object = None,
    weights: object = None,
    visit_sequence: object = "monotone",
) -> ReadData:
    """Check data and what is said of their columns, cells and rows.

    Parameters
    ----------
    data : DataFrame
        The data as the user gave them, of any library.
    models : mapping of str or tuple of str to Regression, Custom or function, optional
        Conditional models that differ from the default.
    bounds, limits : mapping of str to (lower, upper), optional
        Between which numbers columns, or single cells, lie.
    predictors : DataFrame of bool, or mapping of str to sequence of str, optional
        What ``.`` stands for in the formula of each target.
    passive : mapping of str to str or function, optional
        Columns that are computed from others.
    where : DataFrame or array of bool, of shape (n_rows, n_columns), optional
        Cells whose imputations are wanted.
    ignore, weights : array of shape (n_rows,) or str, optional
        Rows that no model learns from, and how much others count.
    visit_sequence : str, sequence of str, or callable, default "monotone"
        The order of visits: a column that a list leaves out, and of which no cell is wanted, is
        not used.

    Returns
    -------
    ReadData
        All of it, checked.

    Raises
    ------
    DataTypeError, DataError
        If the data cannot be imputed.
    SpecificationError
        If something does not fit them.
    """
    frame, library = read_data(data)
    store = encode(check_frame(frame), library)
    if where is not None:
        store = read_where(store, read_table(where, "where", frame.index))
    store, computed = read_passive(store, {} if passive is None else passive)
    _check_computed_cells(store, computed)
    given = _check_models(list(store.columns), {} if models is None else models)
    _check_passive_models(given, computed)
    _check_times(store, given, bounds, limits)
    store = _read_as_modelled(store, given, bounds, limits)
    store = read_limits(store, {} if limits is None else limits)
    bounded = read_bounds(store, {} if bounds is None else bounds)
    store = limits_within_bounds(store, bounded)
    store = weigh(
        store,
        None if ignore is None else read_ignore(store, ignore),
        None if weights is None else read_weights(store, weights),
    )
    asked = read_predictors(list(store.columns), {} if predictors is None else predictors)
    left_out = _left_out(store, given, computed, visit_sequence)
    return ReadData(store, given, bounded, computed, asked, left_out)


def _check_computed_cells(store: ColumnStore, passive: PassiveColumns) -> None:
    for name in passive.by_name:
        if not store.columns[name].drawn_missing.all():
            raise SpecificationError(
                f"where wants observed cells of {name!r}, a passive column; only its missing cells "
                "are computed. Delete the values that you want computed."
            )


def _check_times(
    store: ColumnStore, models: Mapping[tuple[str, ...], Description], *numbers: object
) -> None:
    """Refuse what only columns that can be imputed have."""
    modelled = {name for columns in models for name in columns}
    bounded = {str(name) for given in numbers if isinstance(given, Mapping) for name in given}
    for name, column in store.columns.items():
        if not column.is_time:
            continue
        if name in modelled | bounded:
            argument = "models names" if name in modelled else "bounds or limits name"
            raise SpecificationError(
                f"{argument} {name!r}, a column of times. Times predict other columns, and are not "
                "imputed. Leave the column out here, or turn it into numbers."
            )
        if column.n_drawn:
            raise SpecificationError(
                f"where wants cells of {name!r}, a column of times, which are not imputed. Mark "
                "none of them, or turn the column into numbers."
            )


def _left_out(
    store: ColumnStore,
    models: Mapping[tuple[str, ...], Description],
    passive: PassiveColumns,
    visit_sequence: object,
) -> tuple[str, ...]:
    """Name the incomplete columns that no visit reaches, and of which no cell is wanted."""
    if isinstance(visit_sequence, str) or not isinstance(visit_sequence, Sequence):
        return ()
    visited = {str(name) for name in visit_sequence}
    visited |= {name for block in models if visited & {"+".join(block), *block} for name in block}
    return tuple(
        name
        for name in store.incomplete
        if name not in visited
        and name not in passive.by_name
        and not len(store.columns[name].wanted_rows)
    )


def _check_passive_models(
    given: Mapping[tuple[str, ...], Description], passive: PassiveColumns
) -> None:
    for columns in given:
        for name in columns:
            if name in passive.by_name:
                raise SpecificationError(
                    f"models and passive both name {name!r}. A column is drawn from a model, or "
                    "computed from others: leave one of them out."
                )


def _check_models(labels: list[str], models: object) -> dict[tuple[str, ...], Description]:
    if not isinstance(models, Mapping):
        raise SpecificationError(
            f"models is {type(models).__name__}; expected a mapping from column names to models, "
            "such as {'bmi': bm.Regression('age')}."
        )
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

"""Rows and cells: which cells are imputed, which rows models learn from, and what they count."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bayesmice.data.columns import ColumnStore, Mask, Values
from bayesmice.errors import SpecificationError

Weights = str | ArrayLike
"""The name of a column, or one number per row."""


def read_where(store: ColumnStore, where: object) -> ColumnStore:
    """Let imputations be wanted for chosen cells.

    Parameters
    ----------
    store : ColumnStore
        The data.
    where : DataFrame or array-like of bool, of shape (n_rows, n_columns)
        What the user gave: True for the cells that are to be imputed. A data frame is read by its
        column labels; columns that it lacks keep their missing cells.

    Returns
    -------
    ColumnStore
        In which columns know the cells that are wanted.

    Raises
    ------
    SpecificationError
        If it has another shape, other labels or another index than the data, or is not boolean.
    """
    by_column = _by_column(store, where)
    for name in by_column:
        if wanted_name(name) in store.columns:
            raise SpecificationError(
                f"where names {name!r}, whose wanted cells are called {wanted_name(name)!r} in the "
                "tree of results, which is a column of data. Rename it."
            )
    return store.with_columns(
        {name: store.columns[name].with_where(wanted) for name, wanted in by_column.items()}
    )


def wanted_name(column: str) -> str:
    """Name what holds the wanted cells of a column in a tree, without blanks as netCDF asks."""
    return f"{column.replace(' ', '_')}_wanted"


def _by_column(store: ColumnStore, where: object) -> dict[str, Mask]:
    shape = (store.n_rows, len(store.columns))
    if isinstance(where, pd.DataFrame):
        unknown = [str(label) for label in where.columns if str(label) not in store.columns]
        if unknown:
            raise SpecificationError(
                f"where has a column {unknown[0]!r}, which is not a column of data. Columns: "
                f"{', '.join(store.columns)}."
            )
        if len(where) != store.n_rows or not where.index.equals(store.frame.index):
            raise SpecificationError(
                f"where has {len(where)} rows and an index of its own; expected the {store.n_rows} "
                "rows of data in the same order. Start from data.isna()."
            )
        labels = [str(label) for label in where.columns]
        columns = [_marks("where", where.iloc[:, i].to_numpy()) for i in range(len(labels))]
        return dict(zip(labels, columns, strict=True))
    array = np.asarray(where)
    if array.shape != shape:
        raise SpecificationError(
            f"where has shape {array.shape}; expected that of data, {shape}, with True for the "
            "cells to impute. Start from data.isna()."
        )
    marks = _marks("where", array)
    return {name: marks[:, position] for position, name in enumerate(store.columns)}


def read_ignore(store: ColumnStore, ignore: object) -> Mask:
    """Mark the rows that are imputed, but that no model learns from.

    Parameters
    ----------
    store : ColumnStore
        The data.
    ignore : array-like of bool, of shape (n_rows,), or str
        What the user gave: one mark per row, or the name of a boolean column.

    Returns
    -------
    ndarray of shape (n_rows,)
        True for rows that are left out of all likelihoods.

    Raises
    ------
    SpecificationError
        If it is of another form, or all rows are ignored.
    """
    given = _column_or_array(store, "ignore", ignore)
    marks = _marks("ignore", given)
    if marks.all():
        raise SpecificationError(
            f"ignore marks all {store.n_rows} rows, so there is nothing to learn from. Leave some "
            "rows unmarked."
        )
    return marks


def read_weights(store: ColumnStore, weights: object) -> Values:
    """Read the weight of each row in the likelihoods.

    Parameters
    ----------
    store : ColumnStore
        The data.
    weights : array-like of shape (n_rows,), or str
        What the user gave: numbers of at least zero, or the name of a column of such numbers.

    Returns
    -------
    ndarray of shape (n_rows,)
        The weights as they were given; they are not scaled.

    Raises
    ------
    SpecificationError
        If they are of another form, not finite, negative, or all zero.
    """
    given = _column_or_array(store, "weights", weights)
    try:
        series = pd.Series(given).astype("Float64")
        numbers = np.asarray(series.to_numpy(dtype=float, na_value=np.nan), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SpecificationError(
            f"weights cannot be read as numbers: {error}. Expected one number per row."
        ) from error
    bad = np.flatnonzero(~np.isfinite(numbers) | (numbers < 0))
    if len(bad):
        raise SpecificationError(
            f"weights is {numbers[bad[0]]:g} in row {bad[0]}; expected finite numbers of at least "
            "0. A row that should not count gets the weight 0."
        )
    if not numbers.any():
        raise SpecificationError(
            "weights are zero in all rows, so there is nothing to learn from. Give some rows a "
            "weight above 0."
        )
    return numbers


def read_condition(store: ColumnStore, condition: object) -> NDArray[np.intp]:
    """Find the rows that a condition chooses.

    Parameters
    ----------
    store : ColumnStore
        The data.
    condition : array-like of bool, of shape (n_rows,), or callable
        What the user gave: one mark per row, or a function from the data to that.

    Returns
    -------
    ndarray of shape (n_chosen,)
        Positions of the rows, ascending.

    Raises
    ------
    SpecificationError
        If it is of another form, or chooses no row.
    """
    given = condition
    if callable(condition):
        given = condition(store.library.give_back(store.frame.copy()))
        if store.library.schema:  # a null, where a missing value was compared
            given = pd.array(np.asarray(given), dtype="boolean")
    if isinstance(given, pd.Series | pd.api.extensions.ExtensionArray) and (
        pd.api.types.is_bool_dtype(given.dtype)
    ):
        given = given.fillna(value=False)  # NA, where a missing value was compared
    marks = _marks("condition", _row_array(store, "condition", given))
    if not marks.any():
        raise SpecificationError(
            f"condition chooses none of the {store.n_rows} rows. Keep at least one."
        )
    return np.flatnonzero(marks)


def weigh(store: ColumnStore, ignore: Mask | None, weights: Values | None) -> ColumnStore:
    """Let rows count in likelihoods by their weights, and ignored rows not at all.

    Parameters
    ----------
    store : ColumnStore
        The data.
    ignore : ndarray of shape (n_rows,) or None
        Rows that are left out.
    weights : ndarray of shape (n_rows,) or None
        Weights of the others.

    Returns
    -------
    ColumnStore
        In which columns know the weights of their rows.

    Raises
    ------
    SpecificationError
        If a column has no observed value in a row that counts, or cells with limits: what is known
        of those has no weight.
    """
    if ignore is None and weights is None:
        return store
    combined = np.ones(store.n_rows) if weights is None else weights
    if ignore is not None:
        combined = np.where(ignore, 0.0, combined)
    argument = " and ".join(
        name for name, given in (("ignore", ignore), ("weights", weights)) if given is not None
    )
    weighted = {name: column.with_weights(combined) for name, column in store.columns.items()}
    for name, column in weighted.items():
        if column.has_limits:
            raise SpecificationError(
                f"limits names {name!r}, and {argument} says how rows count; cells with limits "
                "always count fully. Leave one of them out, or write the model as a function."
            )
        if not column.fitted.any():
            raise SpecificationError(
                f"Column {name!r} has no observed value in the rows that count by {argument}, so "
                "no model can be fitted to it. Let more rows count, or drop the column."
            )
    return store.with_columns(weighted)


def _column_or_array(store: ColumnStore, argument: str, given: object) -> NDArray[np.generic]:
    if isinstance(given, str):
        if given not in store.columns:
            raise SpecificationError(
                f"{argument} is {given!r}, which is not a column of data. Columns: "
                f"{', '.join(store.columns)}."
            )
        return np.asarray(store.series(given).to_numpy())
    return _row_array(store, argument, given, ", or the name of a column")


def _row_array(
    store: ColumnStore, argument: str, given: object, otherwise: str = ""
) -> NDArray[np.generic]:
    if isinstance(given, pd.Series) and not given.index.equals(store.frame.index):
        raise SpecificationError(
            f"{argument} is a Series whose index differs from that of data. Give it the same rows "
            "in the same order."
        )
    array = np.asarray(given)
    if array.shape != (store.n_rows,):
        raise SpecificationError(
            f"{argument} has shape {array.shape}; expected one value per row, "
            f"({store.n_rows},){otherwise}."
        )
    return array


def _marks(argument: str, values: NDArray[np.generic]) -> Mask:
    if values.dtype == bool:
        return np.array(values, dtype=bool)
    if pd.isna(values).any() or not set(np.unique(values).tolist()) <= {0, 1}:
        raise SpecificationError(
            f"{argument} holds {_example(values)!r}; expected True or False everywhere."
        )
    return np.asarray(values, dtype=float).astype(bool)


def _example(values: NDArray[np.generic]) -> object:
    flat: Sequence[object] = np.ravel(values).tolist()
    return next(value for value in flat if value is pd.NA or value not in (0, 1))

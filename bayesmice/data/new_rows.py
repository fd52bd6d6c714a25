"""New rows: data that are read as the data were that models learned from."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from bayesmice.data.columns import Column, ColumnStore, level_codes, numbers
from bayesmice.data.dtypes import missing_cells
from bayesmice.data.libraries import read_data
from bayesmice.data.times import has_zone, is_time, time_origin
from bayesmice.errors import DataError, DataTypeError


def encode_new_rows(
    data: object, learned: ColumnStore, computed: Collection[str] = ()
) -> ColumnStore:
    """Read rows with the scales and the levels of the data that models learned from.

    Parameters
    ----------
    data : DataFrame of shape (n_new, n_columns)
        The new rows, with the columns of those data in any order, of any library.
    learned : ColumnStore
        The data that models learned from.
    computed : collection of str, optional
        Columns that may be absent, since they are computed.

    Returns
    -------
    ColumnStore
        The new rows, with their columns in the order of ``learned``. A column keeps its dtype
        unless it can take that of ``learned`` without a loss. Times are counted from the same day.

    Raises
    ------
    DataTypeError
        If it is no DataFrame, or a column holds another kind of values than it did.
    DataError
        If it has no row, lacks a column or has others, or holds infinities or unknown levels.

    Examples
    --------
    >>> import pandas as pd
    >>> from bayesmice.data import encode
    >>> learned = encode(pd.DataFrame({"hyp": ["no", "yes", "no"], "bmi": [20.0, 31.0, 26.5]}))
    >>> encode_new_rows(pd.DataFrame({"bmi": [25], "hyp": [None]}), learned).incomplete
    ('hyp',)
    """
    given, library = read_data(data, "new rows", "transform")
    if library.name == learned.library.name:
        library = learned.library  # whose types the columns take, where nothing is lost
    if not len(given):
        raise DataError("The new rows are none: the data frame has 0 rows. Give at least one.")
    places = _places(given, learned, computed)
    series, columns = [], {}
    for name, place in places.items():
        taken, columns[name] = read_like(given.iloc[:, place], learned, name)
        series.append(taken)
    frame = pd.concat(series, axis=1)
    frame.columns = given.columns[list(places.values())]
    frame.attrs = dict(given.attrs)
    return ColumnStore(frame, columns, library)


def read_like(series: pd.Series, learned: ColumnStore, name: str) -> tuple[pd.Series, Column]:
    """Read a series with the scale, the levels and, if it can, the dtype of a column.

    Parameters
    ----------
    series : Series of shape (n_new,)
        Its values in new rows.
    learned : ColumnStore
        The data that models learned from.
    name : str
        The column.

    Returns
    -------
    tuple of (Series, Column)
    """
    column = learned.columns[name]
    if column.is_time:
        _check_times(series, learned.series(name), f"Column {name!r} of the new rows")
        times = numbers(series, column.origin)
        return series, Column(name, column.scale, times, (), origin=column.origin)
    taken = _like(series, column, learned.series(name))
    values = level_codes(taken, column.levels) if column.levels else numbers(taken)
    return taken, Column(name, column.scale, values, column.levels, column.is_integer)


def _places(data: pd.DataFrame, learned: ColumnStore, computed: Collection[str]) -> dict[str, int]:
    """Find where each column stands, and check that they are the right ones."""
    names = [str(label) for label in data.columns]
    repeated = {name for name in names if names.count(name) > 1}
    unknown = [name for name in names if name not in learned.columns]
    absent = [name for name in learned.columns if name not in names and name not in computed]
    known = ", ".join(learned.columns)
    if repeated:
        raise DataError(f"The new rows have duplicate column names: {', '.join(sorted(repeated))}.")
    if absent:
        raise DataError(
            f"The new rows lack the column {absent[0]!r}, which the models were fitted with. Add "
            f"it, with missing values where it is not known. Columns: {known}."
        )
    if unknown:
        raise DataError(
            f"The new rows have a column {unknown[0]!r}, which the models do not know. Leave it "
            f"out. Columns: {known}."
        )
    return {name: names.index(name) for name in learned.columns if name in names}


def _like(series: pd.Series, column: Column, learned: pd.Series) -> pd.Series:
    """Give a series the dtype that its column had, if nothing is lost."""
    where = f"Column {column.name!r} of the new rows"
    is_empty = bool(missing_cells(series).all())
    if column.levels:
        _check_levels(series, column, where)
    elif not (is_empty or _holds_numbers(series.dtype)):
        raise DataTypeError(
            f"{where} has dtype {series.dtype}; the models were fitted to numbers "
            f"({learned.dtype}). Convert it."
        )
    elif not is_empty and np.isinf(numbers(series)).any():
        raise DataError(
            f"{where} holds infinite values. Replace them with NaN if they stand for missing."
        )
    if series.dtype == learned.dtype:
        return series
    if column.levels or is_empty:
        return _converted(series, learned.dtype)
    converted = _converted(series, learned.dtype)
    is_same = np.array_equal(numbers(converted), numbers(series), equal_nan=True)
    return converted if is_same else series


def _converted(series: pd.Series, dtype: Any) -> pd.Series:
    if isinstance(dtype, np.dtype) and dtype.kind in "biu" and series.isna().any():
        # No such value stands for missing: the nearest dtype that has one.
        dtype = pd.BooleanDtype() if dtype.kind == "b" else np.dtype(np.float64)
    converted: pd.Series = series.astype(dtype)
    return converted


def _check_times(series: pd.Series, learned: pd.Series, where: str) -> None:
    dtype: Any = series.dtype
    is_like = is_time(dtype) and dtype.kind == learned.dtype.kind
    if not is_like or has_zone(dtype) != has_zone(learned.dtype):
        raise DataTypeError(
            f"{where} has dtype {dtype}; the models were fitted to times ({learned.dtype}), with "
            "or without a time zone in both. Convert it."
        )
    time_origin(series)  # refuses missing times


def _holds_numbers(dtype: Any) -> bool:
    return bool(types.is_numeric_dtype(dtype)) and not types.is_complex_dtype(dtype)


def _check_levels(series: pd.Series, column: Column, where: str) -> None:
    unknown = series[np.isnan(level_codes(series, column.levels)) & ~missing_cells(series)]
    if len(unknown):
        raise DataError(
            f"{where} holds {str(unknown.iloc[0])!r}, which is no level that the models know: "
            f"{', '.join(map(str, column.levels))}. Replace it with a missing value to have it "
            "imputed, or fit models to data that show this level."
        )

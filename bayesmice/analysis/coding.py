"""Completed data sets as numbers, with the same level codes in all of them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from bayesmice.data import Column
from bayesmice.data.columns import encode_column, numbers
from bayesmice.data.dtypes import as_categorical
from bayesmice.data.times import is_time
from bayesmice.errors import DataError, DataTypeError

FEW = 3
"""Distinct numbers that tell a column of two values from one of more."""


@dataclass(frozen=True, eq=False)
class CodedFrame:
    """One completed data set as numbers.

    Attributes
    ----------
    values : dict of str to ndarray of shape (n_rows,)
        Values of continuous columns, days of times, int32 level codes of all others; 0 where
        missing.
    incomplete : dict of str to int
        Numbers of missing cells, of the columns that have some.
    rows : list of length n_rows
        Names of the rows: the index where its labels are plain and unique, else positions.
    """

    values: dict[str, NDArray[np.generic]]
    incomplete: dict[str, int]
    rows: list[object]


def find_columns(frames: Iterable[pd.DataFrame]) -> dict[str, Column]:
    """Read every column over all data sets, so that a code or a day means the same in each.

    Parameters
    ----------
    frames : iterable of DataFrame
        Completed data sets with the same columns.

    Returns
    -------
    dict of str to Column
        With the levels, or the origin of times, over all data sets; its values mean nothing.

    Raises
    ------
    DataTypeError
        If one is not a data frame.
    DataError
        If there is none, or their columns differ.
    """
    seen: dict[str, list[pd.Series]] = {}
    labels: list[str] | None = None
    for position, frame in enumerate(frames):
        if not isinstance(frame, pd.DataFrame):
            raise DataTypeError(
                f"Data set {position} is a {type(frame).__name__}; expected a pandas DataFrame. "
                "Pass the completed data frames, one per imputation."
            )
        own = [str(label) for label in frame.columns]
        labels = own if labels is None else labels
        if own != labels or len(set(own)) < len(own):
            raise DataError(
                f"Data set {position} has the columns {', '.join(own)}; expected those of data set "
                f"0, each once: {', '.join(labels)}."
            )
        for name, (_, series) in zip(own, frame.items(), strict=True):
            seen.setdefault(name, []).append(_distinct(as_categorical(series)))
    if labels is None:
        raise DataError("There is no data set to analyse. Pass at least one completed data frame.")
    return {
        name: encode_column(pd.concat(parts, ignore_index=True).rename(name), name)
        for name, parts in seen.items()
    }


def code_frame(frame: pd.DataFrame, columns: dict[str, Column]) -> CodedFrame:
    """Turn one data set into numbers.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        A completed data set.
    columns : dict of str to Column
        From `find_columns`.

    Returns
    -------
    CodedFrame
        The numbers.
    """
    coded: dict[str, NDArray[np.generic]] = {}
    incomplete: dict[str, int] = {}
    for (name, column), (_, series) in zip(columns.items(), frame.items(), strict=True):
        if column.levels:
            codes = pd.Index(column.levels, dtype=object).get_indexer(
                pd.Index(series, dtype=object)
            )
            missing = codes < 0
            coded[name] = np.where(missing, 0, codes).astype(np.int32)
        else:
            values = numbers(series, column.origin)
            missing = np.isnan(values)
            coded[name] = np.where(missing, 0.0, values)
        if missing.any():
            incomplete[name] = int(missing.sum())
    return CodedFrame(coded, incomplete, _row_names(frame.index))


def _distinct(series: pd.Series) -> pd.Series:
    """Keep what tells the levels of a column: each value once, and of numbers only a few."""
    if is_time(series.dtype):
        return pd.Series([series.min()], dtype=series.dtype)
    observed = series.dropna().drop_duplicates()
    is_number = types.is_numeric_dtype(series.dtype) and not types.is_bool_dtype(series.dtype)
    few: pd.Series = observed.head(FEW) if is_number else observed
    return few


def _row_names(index: pd.Index) -> list[object]:
    plain = types.is_string_dtype(index.dtype) or types.is_integer_dtype(index.dtype)
    if isinstance(index, pd.MultiIndex) or not (plain and index.is_unique):
        return list(range(len(index)))
    return list(index.tolist())

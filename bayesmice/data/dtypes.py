"""Dtypes beyond NumPy's: nullable ones, and those that Arrow backs, read as their NumPy fellows."""

from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from bayesmice.data.times import is_time, without_arrow


def missing_cells(series: pd.Series) -> NDArray[np.bool_]:
    """Mark missing cells: what pandas calls missing, and NaN wherever it stands.

    A float column of Arrow can hold both a NaN and a missing value, and pandas then calls only the
    second missing.

    Parameters
    ----------
    series : Series of shape (n_rows,)
        A column.

    Returns
    -------
    ndarray of shape (n_rows,)

    Examples
    --------
    >>> missing_cells(pd.Series([1.0, None, 2.0], dtype="Float64")).tolist()
    [False, True, False]
    """
    missing = series.isna().to_numpy(dtype=bool)
    if types.is_float_dtype(series.dtype) and not isinstance(series.dtype, np.dtype):
        return missing | np.isnan(series.to_numpy(dtype=float, na_value=np.nan))
    return missing


def missing_table(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Mark the missing cells of all columns, of shape (n_rows, n_columns)."""
    columns = [missing_cells(frame.iloc[:, place]) for place in range(frame.shape[1])]
    return np.stack(columns, axis=1)


def is_dictionary(dtype: Any) -> bool:
    """Whether a dtype is Arrow's kind of categories."""
    return isinstance(dtype, pd.ArrowDtype) and hasattr(dtype.pyarrow_dtype, "index_type")


def as_categorical(series: pd.Series) -> pd.Series:
    """Read a dictionary column of Arrow as a categorical one, and any other as it is.

    Parameters
    ----------
    series : Series of shape (n_rows,)
        A column.

    Returns
    -------
    Series of shape (n_rows,)
        With the values of the dictionary as categories, in their order; ordered if it says so.
    """
    if not is_dictionary(series.dtype):
        return series
    array: Any = series.array
    categorical: pd.Series = array.__arrow_array__().to_pandas()
    return pd.Series(categorical.array, index=series.index, name=series.name)


def as_dictionary(series: pd.Series, dtype: Any) -> pd.Series:
    """Turn a categorical column into a dictionary column of Arrow.

    Parameters
    ----------
    series : Series of shape (n_rows,)
        What `as_categorical` gave, or the same with other values.
    dtype : ArrowDtype
        The dtype to return.

    Returns
    -------
    Series of shape (n_rows,)
        The dictionary has all categories, also those that no row shows.
    """
    pa = import_module("pyarrow")
    array = dictionary_array(pa, series.array, dtype.pyarrow_dtype)
    return pd.Series(pd.arrays.ArrowExtensionArray(array), index=series.index, name=series.name)


def dictionary_array(pa: Any, values: Any, arrow_type: Any) -> Any:
    """Write a categorical array as an array of Arrow with a dictionary of the same order."""
    codes = pa.array(values.codes, mask=values.codes < 0).cast(arrow_type.index_type)
    categories = pa.array(values.categories.tolist(), type=arrow_type.value_type)
    return pa.DictionaryArray.from_arrays(codes, categories, ordered=arrow_type.ordered)


def as_numpy(frame: pd.DataFrame) -> pd.DataFrame:
    """Give complete columns the dtypes of NumPy (and pandas' own text, categories and times).

    Libraries of models know those; many fail at nullable dtypes, and at those that Arrow backs.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        Data.

    Returns
    -------
    DataFrame of shape (n_rows, n_columns)
        The same values; an incomplete column of whole numbers becomes one of floats, one of
        booleans an object column.
    """
    columns = [_numpy_series(frame.iloc[:, i]) for i in range(frame.shape[1])]
    changed = pd.concat(columns, axis=1)
    changed.columns = frame.columns
    return changed


def _numpy_series(series: pd.Series) -> pd.Series:
    dtype: Any = series.dtype
    if is_dictionary(dtype):
        return as_categorical(series)
    if isinstance(dtype, pd.ArrowDtype) and is_time(dtype):
        return without_arrow(series)
    if isinstance(dtype, pd.ArrowDtype) and types.is_string_dtype(dtype):
        texts = series.astype(object).where(series.notna(), None).tolist()
        return pd.Series(texts, index=series.index, name=series.name)
    if types.is_bool_dtype(dtype):
        return series.astype(object if series.isna().any() else bool)
    if types.is_integer_dtype(dtype) and series.isna().any():
        return series.astype(float)
    if types.is_numeric_dtype(dtype) and hasattr(dtype, "numpy_dtype"):
        return series.astype(dtype.numpy_dtype)
    return series

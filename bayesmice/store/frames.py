"""Between a column store and the variables that hold it in a tree."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from pandas.api import types

from bayesmice.data import Column, ColumnStore, Scale
from bayesmice.errors import StoreError

INDEX_VARIABLE = "index_level_{}"
ROW = "row"


def observed_dataset(store: ColumnStore) -> xr.Dataset:
    """Hold the data as they came.

    Parameters
    ----------
    store : ColumnStore
        The data.

    Returns
    -------
    xarray.Dataset
        One variable per column over ``row``: values of a continuous column, level codes of any
        other, NaN where missing. Attributes say how to make the data frame again.
    """
    variables: dict[str, xr.Variable] = {
        column.name: xr.Variable(
            ROW, column.values, column_attributes(column) | _frame_attributes(store, column.name)
        )
        for column in store.columns.values()
    }
    coords: dict[str, xr.Variable] = {ROW: xr.Variable(ROW, np.arange(store.n_rows))}
    index = store.frame.index
    if not _is_default(index):
        for level in range(index.nlevels):
            coords[INDEX_VARIABLE.format(level)] = xr.Variable(
                ROW, _index_values(index.get_level_values(level))
            )
    return xr.Dataset(
        variables,
        coords,
        attrs={
            "long_name": "the data as they came",
            "column_labels": _to_json([_plain(label) for label in store.frame.columns]),
            "column_index_names": _to_json(list(store.frame.columns.names)),
            "index_names": _to_json(list(index.names)),
            "index_dtypes": json.dumps([] if _is_default(index) else _index_dtypes(index)),
        },
    )


def column_attributes(column: Column) -> dict[str, object]:
    """Describe a column: CF flags for levels, and the scale."""
    attributes: dict[str, object] = {"long_name": column.name, "scale": str(column.scale)}
    if column.levels:
        attributes["flag_values"] = np.arange(len(column.levels))
        attributes["flag_meanings"] = " ".join(
            str(level).replace(" ", "_") for level in column.levels
        )
        attributes["levels"] = _to_json([_plain(level) for level in column.levels])
    return attributes


def store_from_dataset(observed: xr.Dataset) -> ColumnStore:
    """Make the column store again.

    Parameters
    ----------
    observed : xarray.Dataset
        What `observed_dataset` made.

    Returns
    -------
    ColumnStore
        The same columns, and a data frame with the same labels, index and dtypes.
    """
    columns = {str(name): _column(str(name), array) for name, array in observed.data_vars.items()}
    index = _index(observed)
    series = [
        _series(columns[str(name)], array, index) for name, array in observed.data_vars.items()
    ]
    labels = [
        tuple(label) if isinstance(label, list) else label
        for label in json.loads(observed.attrs["column_labels"])
    ]
    frame = pd.concat(series, axis=1)
    names = json.loads(observed.attrs["column_index_names"])
    if labels and all(isinstance(label, tuple) for label in labels):
        frame.columns = pd.MultiIndex.from_tuples(labels, names=names)
    else:
        frame.columns = pd.Index(labels, name=names[0])
    return ColumnStore(frame, columns)


def _column(name: str, array: xr.DataArray) -> Column:
    return Column(
        name,
        Scale(array.attrs["scale"]),
        np.asarray(array.to_numpy(), dtype=float),
        tuple(json.loads(array.attrs.get("levels", "[]"))),
        types.is_integer_dtype(_dtype(array.attrs)),
    )


def _series(column: Column, array: xr.DataArray, index: pd.Index) -> pd.Series:
    dtype = _dtype(array.attrs)
    if not column.levels:
        return pd.Series(column.values, index=index).astype(dtype)
    values = np.empty(len(column.values), dtype=object)
    values[column.observed] = [column.levels[int(code)] for code in column.observed_values]
    return pd.Series(values, index=index, dtype=object).astype(dtype)


def _frame_attributes(store: ColumnStore, name: str) -> dict[str, object]:
    dtype = store.series(name).dtype
    if isinstance(dtype, pd.CategoricalDtype):
        categories = [_plain(category) for category in dtype.categories]
        return {
            "dtype": "category",
            "categories": _to_json(categories),
            "categories_dtype": str(dtype.categories.dtype),
            "ordered": int(bool(dtype.ordered)),
        }
    return {"dtype": str(dtype)}


def _dtype(attributes: Mapping[str, Any]) -> Any:
    if attributes["dtype"] != "category":
        return pd.api.types.pandas_dtype(attributes["dtype"])
    categories = pd.Index(
        json.loads(str(attributes["categories"])), dtype=str(attributes["categories_dtype"])
    )
    return pd.CategoricalDtype(categories, ordered=bool(attributes["ordered"]))


def _is_default(index: pd.Index) -> bool:
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1


def _index_dtypes(index: pd.Index) -> list[str]:
    return [str(index.get_level_values(level).dtype) for level in range(index.nlevels)]


def _index_values(level: pd.Index) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    if types.is_numeric_dtype(level.dtype) or types.is_datetime64_dtype(level.dtype):
        return np.asarray(level)
    return np.asarray(level.astype(str), dtype=object)


def _index(observed: xr.Dataset) -> pd.Index:
    dtypes: list[Any] = json.loads(observed.attrs["index_dtypes"])
    names = json.loads(observed.attrs["index_names"])
    if not dtypes:
        return pd.RangeIndex(observed.sizes[ROW], name=names[0])
    levels: list[pd.Index] = [
        pd.Index(observed[INDEX_VARIABLE.format(level)].to_numpy()).astype(dtype)
        for level, dtype in enumerate(dtypes)
    ]
    if len(levels) == 1:
        return levels[0].rename(names[0])
    return pd.MultiIndex.from_arrays(levels, names=names)


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    return [_plain(part) for part in value] if isinstance(value, tuple) else value


def _to_json(values: list[object]) -> str:
    try:
        return json.dumps(values)
    except TypeError as error:
        raise StoreError(
            f"The labels {values!r:.100} hold values that cannot be written to a file: {error}. "
            "Convert them to strings or numbers."
        ) from error

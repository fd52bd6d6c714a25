"""Between a column store and the variables that hold it in a tree."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from pandas.api import types

from bayesmice.data import Column, ColumnStore, Scale, limit_names
from bayesmice.data.columns import encode_column
from bayesmice.data.dtypes import as_dictionary, is_dictionary
from bayesmice.data.libraries import library_from
from bayesmice.data.rows import wanted_name
from bayesmice.data.times import instants, is_time, origin_from_ticks, times_from_instants
from bayesmice.store.dtypes import (
    categories_from,
    describe_dtype,
    dtype_from,
    is_plain,
    levels_from,
    to_json,
)

INDEX_VARIABLE = "index_level_{}"
ROW = "row"
WEIGHT = "row_weight"
LONG_NAME, UNITS = "long_name", "units"
WORDS = (LONG_NAME, UNITS)
"""Attributes of the data that say something of single columns."""
TIME_TYPE, TIME_ORIGIN = "time_type", "time_origin"


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
        other, NaN where missing; cells with limits keep what was recorded, and their limits are
        coordinates. Attributes say how to make the data frame again.
    """
    variables: dict[str, xr.Variable] = {
        column.name: xr.Variable(
            ROW,
            stored_values(store, column),
            column_attributes(store, column.name)
            | {"description": f"{_what(column)} as they came, NaN where missing"}
            | describe_dtype(store.series(column.name))
            | _time_attributes(store, column),
        )
        for column in store.columns.values()
    }
    rows = {LONG_NAME: "position of the row in the data"}
    coords: dict[str, xr.Variable] = {ROW: xr.Variable(ROW, np.arange(store.n_rows), rows)}
    for column in store.columns.values():
        coords |= _limit_coords(store, column) | _where_coords(column)
    weights = next(iter(store.columns.values())).weights
    if weights is not None:
        coords[WEIGHT] = xr.Variable(ROW, weights, {LONG_NAME: "weight in all likelihoods"})
    index = store.frame.index
    if not is_default(index):
        for level in range(index.nlevels):
            coords[INDEX_VARIABLE.format(level)] = xr.Variable(
                ROW,
                _index_values(index.get_level_values(level)),
                {LONG_NAME: f"level {level} of the index of the data"},
            )
    return xr.Dataset(
        variables,
        coords,
        attrs={
            LONG_NAME: "the data as they came",
            "column_labels": to_json(list(store.frame.columns)),
            "column_index_names": to_json(list(store.frame.columns.names)),
            "index_names": to_json(list(index.names)),
            "index_dtypes": json.dumps([] if is_default(index) else _describe_index(index)),
            **store.library.attributes,
        },
    )


def _time_attributes(store: ColumnStore, column: Column) -> dict[str, str | int]:
    """Say how times are counted: xarray's own way loses distant years and nanoseconds."""
    if column.origin is None:
        return {}
    dtype = instants(store.series(column.name)).dtype
    origin = instants(pd.Series([column.origin])).astype(dtype)
    return {TIME_TYPE: str(dtype), TIME_ORIGIN: int(origin.astype(np.int64)[0])}


def _limit_coords(store: ColumnStore, column: Column) -> dict[str, xr.Variable]:
    if column.limits is None:
        return {}
    units = {key: word for key, word in _words(store, column.name).items() if key == UNITS}
    ends = zip(("lower", "upper"), limit_names(column.name), column.limits, strict=True)
    return {
        name: xr.Variable(ROW, limit, units | {LONG_NAME: f"{end} limits of {column.name}"})
        for end, name, limit in ends
    }


def _where_coords(column: Column) -> dict[str, xr.Variable]:
    if column.where is None:
        return {}
    return {
        wanted_name(column.name): xr.Variable(
            ROW,
            column.where.astype(np.int8),
            {LONG_NAME: f"cells of {column.name} whose imputations are wanted"},
        )
    }


def stored_values(store: ColumnStore, column: Column) -> NDArray[np.generic]:
    """Give whole numbers where none is missing, and times, as such: floats are not exact."""
    if column.levels:
        return column.values  # noqa: PD011
    series = store.series(column.name)
    if column.is_time:
        return instants(series).astype(np.int64)
    dtype: Any = series.dtype
    if column.is_integer and not series.isna().any():
        return series.to_numpy(dtype=getattr(dtype, "numpy_dtype", dtype))
    return series.to_numpy(dtype=float, na_value=np.nan)


def smallest_codes(column: Column, codes: NDArray[np.generic]) -> NDArray[np.generic]:
    """Hold level codes, none of them missing, in the smallest integers that do."""
    return codes.astype(np.min_scalar_type(-max(len(column.levels), 2)))


def column_attributes(store: ColumnStore, name: str) -> dict[str, object]:
    """Describe a column: its name and units in the user's words, its scale, CF flags for levels.

    Parameters
    ----------
    store : ColumnStore
        The data. Where ``frame.attrs["units"]`` or ``frame.attrs["long_name"]`` map the label of
        the column to text, that is what it is called, and measured in.
    name : str
        The column.

    Returns
    -------
    dict of str to object
        Attributes of a variable that holds values or level codes of the column.
    """
    column = store.columns[name]
    attributes: dict[str, object] = {LONG_NAME: name}
    attributes |= _words(store, name) | {"scale": str(column.scale)}
    if column.levels:
        attributes["flag_values"] = np.arange(len(column.levels))
        attributes["flag_meanings"] = " ".join(
            str(level).replace(" ", "_") for level in column.levels
        )
        attributes["levels"] = to_json(column.levels)
    return attributes


def _what(column: Column) -> str:
    return "level codes" if column.levels else "values"


def _words(store: ColumnStore, name: str) -> dict[str, str]:
    """Give what the user calls a column, and its units, as far as the attributes of data say it.

    pandas keeps attributes of a whole frame, and forgets those of its columns.
    """
    words = {}
    for key in WORDS:
        by_label = store.frame.attrs.get(key)
        if isinstance(by_label, Mapping) and store.label(name) in by_label:
            words[key] = str(by_label[store.label(name)])
    return words


def _frame_words(store: ColumnStore, observed: xr.Dataset) -> dict[str, dict[object, str]]:
    """Give the user's words for columns as they stood in the attributes of the data."""
    words: dict[str, dict[object, str]] = {}
    for name, array in observed.data_vars.items():
        for key in WORDS:
            if key in array.attrs and array.attrs[key] != name:
                words.setdefault(key, {})[store.label(str(name))] = str(array.attrs[key])
    return words


def rows_dim(column: str) -> str:
    """Name the dimension of a column's missing cells."""
    return f"{column}_{ROW}"


def store_from_dataset(observed: xr.Dataset) -> ColumnStore:
    """Make the column store again.

    Parameters
    ----------
    observed : xarray.Dataset
        What `observed_dataset` made.

    Returns
    -------
    ColumnStore
        The same columns, and a data frame with the same labels, index and dtypes, and the same
        words for columns in its attributes.
    """
    index = _index(observed)
    columns, series = {}, []
    for name, array in observed.data_vars.items():
        columns[str(name)], values = _column(str(name), array, observed)
        series.append(values.set_axis(index))
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
    store = ColumnStore(frame, columns, library_from(observed.attrs))
    frame.attrs |= _frame_words(store, observed)
    return store


def _column(
    name: str, array: xr.DataArray, observed: xr.Dataset
) -> tuple[Column, "pd.Series[Any]"]:
    """Make a column again, and how it stood in the data."""
    dtype = dtype_from(array.attrs)
    if is_time(dtype):
        time_type = str(array.attrs[TIME_TYPE])
        times = times_from_instants(array.to_numpy().astype(time_type), dtype)
        origin = origin_from_ticks(int(array.attrs[TIME_ORIGIN]), time_type, dtype)
        return _asked(encode_column(times, name, origin), observed), times
    column = Column(
        name,
        Scale(array.attrs["scale"]),
        np.asarray(array.to_numpy(), dtype=float),
        levels_from(array.attrs.get("levels", "[]"), dtype),
        types.is_integer_dtype(dtype),
    )
    return _asked(column, observed), _series(column, array, dtype)


def _asked(recorded: Column, observed: xr.Dataset) -> Column:
    """Add what the user said of a column's cells and rows."""
    name = recorded.name
    if WEIGHT in observed.coords:
        recorded = recorded.with_weights(observed[WEIGHT].to_numpy())
    if wanted_name(name) in observed.coords:
        recorded = recorded.with_where(observed[wanted_name(name)].to_numpy().astype(bool))
    lower, upper = limit_names(name)
    if lower not in observed.coords:
        return recorded
    return recorded.with_limits(observed[lower].to_numpy(), observed[upper].to_numpy())


def _series(column: Column, array: xr.DataArray, dtype: Any) -> "pd.Series[Any]":
    if not column.levels:
        return pd.Series(array.to_numpy()).astype(dtype)
    values = np.empty(len(column.values), dtype=object)
    values[column.observed] = [column.levels[int(code)] for code in column.observed_values]
    series: pd.Series[Any] = pd.Series(values, dtype=object)
    if is_dictionary(dtype):
        return as_dictionary(series.astype(categories_from(array.attrs)), dtype)
    return series.astype(dtype)


def is_default(index: pd.Index) -> bool:
    """Whether an index just counts rows."""
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1


def _is_native(dtype: Any) -> bool:
    """Whether a file holds the values of a dtype as they are."""
    return isinstance(dtype, np.dtype) and dtype.kind in "biufM"


def _describe_index(index: pd.Index) -> list[dict[str, Any]]:
    levels = [index.get_level_values(position) for position in range(index.nlevels)]
    return [
        {"pandas_dtype": "str"}
        if isinstance(level.dtype, pd.IntervalDtype)
        else describe_dtype(level)
        for level in levels
    ]


def _index_values(level: pd.Index) -> NDArray[np.generic]:
    if _is_native(level.dtype):
        return np.asarray(level)
    return np.array([to_json(value) for value in level], dtype=object)


def decode_index(observed: xr.Dataset) -> xr.Dataset:
    """Let the dates of an index be dates again, which files hold as numbers.

    Parameters
    ----------
    observed : xarray.Dataset
        What `observed_dataset` made, read from a file without decoding of times.

    Returns
    -------
    xarray.Dataset
    """
    prefix = INDEX_VARIABLE.format("")
    encoded = {name: observed[name] for name in observed.coords if str(name).startswith(prefix)}
    decoded = xr.decode_cf(xr.Dataset(coords=encoded), decode_timedelta=False)
    return observed.assign_coords(decoded.drop_encoding().coords)


def _index(observed: xr.Dataset) -> pd.Index:
    described = json.loads(observed.attrs["index_dtypes"])
    names = [tuple(n) if isinstance(n, list) else n for n in _names(observed, "index_names")]
    if not described:
        return pd.RangeIndex(observed.sizes[ROW], name=names[0])
    levels: list[pd.Index] = [
        _index_level(observed[INDEX_VARIABLE.format(position)].to_numpy(), dtype_from(attributes))
        for position, attributes in enumerate(described)
    ]
    if len(levels) == 1:
        return levels[0].rename(names[0])
    return pd.MultiIndex.from_arrays(levels, names=names)


def _index_level(stored: NDArray[Any], dtype: Any) -> pd.Index:
    if _is_native(dtype):
        native: pd.Index = pd.Index(stored).astype(dtype)
        return native
    values = [json.loads(text) for text in stored]
    index: pd.Index = pd.Index(values, dtype=object if is_plain(dtype) else None).astype(dtype)
    return index


def _names(observed: xr.Dataset, attribute: str) -> list[Any]:
    names: list[Any] = json.loads(observed.attrs[attribute])
    return names

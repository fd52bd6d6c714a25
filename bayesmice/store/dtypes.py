"""Dtypes and labels of pandas as text, as the attributes of a tree hold them."""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from bayesmice.data.dtypes import as_categorical, is_dictionary
from bayesmice.data.times import is_time
from bayesmice.errors import StoreError

ARROW = "arrow"
CATEGORY = "category"
OF_CATEGORIES = "categories_"


def describe_dtype(series: "pd.Series[Any] | pd.Index[Any]") -> dict[str, Any]:
    """Describe a dtype so that it can be made again from text.

    Parameters
    ----------
    series : Series or Index
        A column, or a level of an index.

    Returns
    -------
    dict of str to object
        ``pandas_dtype``, and whatever its name does not say: categories, the type of Arrow that
        backs it, where text is stored. The values of an Arrow dictionary are its categories.
    """
    dtype: Any = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return {"pandas_dtype": CATEGORY} | _describe_categories(dtype)
    if is_dictionary(dtype):
        categorical: Any = as_categorical(pd.Series(series)).dtype
        return {"pandas_dtype": ARROW} | _arrow_type(dtype) | _describe_categories(categorical)
    if isinstance(dtype, pd.ArrowDtype):
        return {"pandas_dtype": ARROW} | _arrow_type(dtype)
    if isinstance(dtype, pd.StringDtype):
        return {"pandas_dtype": str(dtype), "storage": dtype.storage}
    return {"pandas_dtype": str(dtype)}


def dtype_from(attributes: Mapping[str, Any]) -> Any:
    """Make a dtype again from what `describe_dtype` gave.

    Parameters
    ----------
    attributes : mapping of str to object
        What it gave, also from a file.

    Returns
    -------
    pandas or numpy dtype

    Raises
    ------
    StoreError
        If pyarrow backs it, and is not installed.
    """
    name = str(attributes["pandas_dtype"])
    if name == CATEGORY:
        return categories_from(attributes)
    if name == ARROW:
        pa = _pyarrow()
        schema = pa.ipc.read_schema(pa.py_buffer(b64decode(attributes["arrow_type"])))
        return pd.ArrowDtype(schema.field(0).type)
    if attributes.get("storage", "") == "python":
        return pd.StringDtype("python", na_value=pd.NA if name == "string" else np.nan)
    return pd.api.types.pandas_dtype(name)


def categories_from(attributes: Mapping[str, Any]) -> pd.CategoricalDtype:
    """Make the categories of a column again from what `describe_dtype` gave."""
    own = {
        name.removeprefix(OF_CATEGORIES): value
        for name, value in attributes.items()
        if name.startswith(OF_CATEGORIES)
    }
    dtype = dtype_from(own | {"pandas_dtype": own["dtype"]})
    categories = _categories(json.loads(str(attributes["categories"])), dtype)
    return pd.CategoricalDtype(categories, ordered=bool(attributes["ordered"]))


def levels_from(text: str, dtype: Any) -> tuple[object, ...]:
    """Make the levels of a column again from what `to_json` gave: those of dates are no text."""
    levels = json.loads(text)
    if not isinstance(dtype, pd.CategoricalDtype) or is_plain(dtype.categories.dtype):
        return tuple(levels)
    by_text = {_plain(category): category for category in dtype.categories}
    return tuple(by_text[level] for level in levels)


def _categories(values: list[Any], dtype: Any) -> Any:
    if isinstance(dtype, pd.IntervalDtype):
        left, right = (pd.Index(ends).astype(dtype.subtype) for ends in zip(*values, strict=True))
        closed: Any = dtype.closed
        return pd.IntervalIndex.from_arrays(left, right, closed=closed)
    if is_plain(dtype):
        return pd.Index(values, dtype=dtype)
    if is_time(dtype):
        made = pd.Timedelta if dtype.kind == "m" else pd.Timestamp
        return pd.Index([made(value) for value in values]).astype(dtype)
    return pd.Index(values).astype(dtype)


def is_plain(dtype: Any) -> bool:
    """Whether JSON can hold the values of a dtype; others, such as intervals, become text."""
    return bool(
        types.is_numeric_dtype(dtype)
        or types.is_string_dtype(dtype)
        or types.is_object_dtype(dtype)
    )


def to_json(value: object) -> str:
    """Give labels as JSON can hold them: missing ones as null, anything unusual as text."""
    return json.dumps(_plain(value))


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, tuple | list | pd.Index):
        return [_plain(part) for part in value]
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return None
    return value if isinstance(value, str | bool | int | float) else str(value)


def _describe_categories(dtype: pd.CategoricalDtype) -> dict[str, Any]:
    categories = dtype.categories
    own = describe_dtype(categories)
    own["dtype"] = own.pop("pandas_dtype")
    is_interval = isinstance(categories.dtype, pd.IntervalDtype)
    values = [[c.left, c.right] for c in categories] if is_interval else categories.tolist()
    return {
        "categories": to_json(values),
        **{f"{OF_CATEGORIES}{name}": value for name, value in own.items()},
        "ordered": int(bool(dtype.ordered)),
    }


def _arrow_type(dtype: pd.ArrowDtype) -> dict[str, str]:
    """Write a type as Arrow writes it to files; its name does not say all, nor can it be read."""
    schema = _pyarrow().schema([("column", dtype.pyarrow_dtype)])
    return {"arrow_type": b64encode(schema.serialize().to_pybytes()).decode()}


def _pyarrow() -> Any:
    try:
        return import_module("pyarrow")
    except ModuleNotFoundError as error:
        raise StoreError(
            "The data have dtypes that pyarrow backs, and pyarrow is not installed. Install it to "
            "open the file."
        ) from error

"""Measurement scales: what kind of variable a column holds, by its dtype and observed values."""

from datetime import date
from enum import StrEnum
from numbers import Number
from typing import Any

import pandas as pd
from pandas.api import types

from bayesmice.data.dtypes import missing_cells
from bayesmice.errors import DataError


class Scale(StrEnum):
    """The measurement scale of a column, which decides its default conditional model."""

    CONTINUOUS = "continuous"
    BINARY = "binary"
    NOMINAL = "nominal"
    ORDINAL = "ordinal"


def measurement_scale(column: pd.Series) -> Scale:
    """Tell on which scale a column is measured.

    Numbers are continuous, booleans and columns with exactly two observed values are binary,
    ordered categories are ordinal, and strings, objects and unordered categories are nominal.

    Parameters
    ----------
    column : Series of shape (n_rows,)
        One column of the data.

    Returns
    -------
    Scale
        The scale.

    Raises
    ------
    DataError
        If the dtype is one that no conditional model describes (periods, complex numbers, lists),
        or an object column holds numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> measurement_scale(pd.Series([1.5, None, 2.0, 7.0])).value
    'continuous'
    >>> measurement_scale(pd.Series(["no", "yes", None])).value
    'binary'
    """
    dtype = column.dtype
    if types.is_bool_dtype(dtype):
        return Scale.BINARY
    if types.is_complex_dtype(dtype) or not _is_describable(dtype):
        raise DataError(
            f"Column {column.name!r} has dtype {dtype}, which no conditional model describes. "
            "Convert it to numbers or categories, or leave it out of the data."
        )
    observed = column[~missing_cells(column)]
    if types.is_object_dtype(dtype):
        _refuse_objects_that_are_not_labels(observed)
    is_two_valued = observed.nunique() == 2
    if is_two_valued:
        return Scale.BINARY
    if types.is_numeric_dtype(dtype):
        return Scale.CONTINUOUS
    if isinstance(dtype, pd.CategoricalDtype) and dtype.ordered:
        return Scale.ORDINAL
    return Scale.NOMINAL


def _is_describable(dtype: Any) -> bool:
    is_decimal = isinstance(dtype, pd.ArrowDtype) and dtype.kind == "O"
    return not isinstance(dtype, pd.SparseDtype) and bool(
        (types.is_numeric_dtype(dtype) and not is_decimal)
        or types.is_string_dtype(dtype)
        or types.is_object_dtype(dtype)
        or isinstance(dtype, pd.CategoricalDtype)
    )


def _refuse_objects_that_are_not_labels(observed: pd.Series) -> None:
    content = types.infer_dtype(observed, skipna=True)
    if content in {"integer", "floating", "mixed-integer-float", "decimal", "complex"}:
        raise DataError(
            f"Column {observed.name!r} has dtype object but holds numbers ({content}). "
            f"Convert it, for example with data[{observed.name!r}].astype(float)."
        )
    if content not in {"string", "boolean", "empty"}:
        kinds = dict.fromkeys(type(value).__name__ for value in observed)
        odd = next((v for v in observed if not isinstance(v, str | bool)), observed.iloc[0])
        shown = " ".join(repr(odd).split())
        raise DataError(
            f"Column {observed.name!r} has dtype object and holds {' and '.join(kinds)} values, "
            f"such as {shown:.60}; expected either strings or booleans. {_remedy(odd)}"
        )


def _remedy(value: object) -> str:
    if isinstance(value, date):
        return "Convert dates with pd.to_datetime, or count the days from one of them."
    if isinstance(value, bytes):
        return "Decode it to strings, for example with .str.decode('utf-8')."
    if isinstance(value, str | bool | Number):
        return (
            "Convert it to strings, for example with .map(str, na_action='ignore'), or to numbers."
        )
    return "Convert it to strings, numbers or a categorical, or leave it out of the data."

"""Libraries of data frames: the pandas frame of data from any of them, and the way back.

Inside, all data are pandas. What a user gave is read once, at the front door, and a `Library`
remembers where it came from and which types its columns had there; whoever hands data to the user
lets it `give_back` a pandas frame.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from io import BytesIO
from typing import Any

import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from bayesmice.data.dtypes import dictionary_array
from bayesmice.data.times import instants, is_time
from bayesmice.errors import DataError, DataTypeError, StoreError
from bayesmice.later import later

# Frames of pandas do without narwhals.
nw: Any = later("narwhals.stable.v2")
exceptions: Any = later("narwhals.exceptions")

AnyFrame = Any
"""A data frame of pandas, polars, pyarrow, or another library that narwhals reads eagerly."""
WITH_PANDAS_DTYPES = ("modin.pandas", "cudf")
"""Libraries whose data frames are made from pandas', and have its dtypes."""
WHOLE = tuple(f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64))
FLOATS = ("Float32", "Float64")
TIMES = ("Date", "Datetime", "Duration")


@dataclass(frozen=True)
class Library:
    """The library that data came from, and the types of their columns there.

    Attributes
    ----------
    name : str
        Its module, such as ``"polars"``.
    schema : bytes
        The types of the columns as Arrow writes them to files; empty for pandas, and for libraries
        that have its dtypes.
    """

    name: str = "pandas"
    schema: bytes = b""

    def give_back(self, frame: pd.DataFrame) -> Any:
        """Turn a pandas frame into one of this library.

        Parameters
        ----------
        frame : DataFrame
            Data with the dtypes that `read_data` gave. Columns that the data did not have get the
            types that the library would give their values.

        Returns
        -------
        DataFrame or Table
            With the types that the columns came with. Cells that are still missing are null,
            whether they came as null or as NaN. The same object for pandas.

        Raises
        ------
        StoreError
            If the library is not installed.

        Examples
        --------
        >>> import polars as pl
        >>> data = pl.DataFrame({"x": pl.Series([1, None], dtype=pl.Int8)})
        >>> frame, library = read_data(data)
        >>> back = library.give_back(frame.fillna(7))
        >>> back.schema, back["x"].to_list()
        (Schema({'x': Int8}), [1, 7])
        """
        if self.name == "pandas":
            return frame
        try:
            module = import_module(self.name)
        except ModuleNotFoundError as error:
            raise StoreError(
                f"The data came as a data frame of {self.name}, which is not installed, so "
                f"completed data cannot be given back as one. Install {self.name}, or take pandas "
                "frames from imputations.in_pandas."
            ) from error
        writer = WRITERS.get(self.name)
        return module.DataFrame(frame) if writer is None else writer(frame, self.schema)

    @property
    def attributes(self) -> dict[str, str]:
        """What a file remembers of it."""
        return {"library": self.name, "library_schema": b64encode(self.schema).decode()}


PANDAS = Library()


def library_from(attributes: Mapping[str, Any]) -> Library:
    """Make a library again from the attributes of a file.

    Parameters
    ----------
    attributes : mapping of str to object
        What `Library.attributes` gave, or no word of a library for pandas.

    Returns
    -------
    Library

    Raises
    ------
    StoreError
        If it is no library that is known: a file must not import what it likes.
    """
    name = str(attributes.get("library", PANDAS.name))
    known = (PANDAS.name, *WRITERS, *WITH_PANDAS_DTYPES)
    if name not in known:
        raise StoreError(
            f"The file says that its data came as a data frame of {name!r}; this version of "
            f"bayesmice knows {', '.join(known)}. Open it with the version that wrote it."
        )
    return Library(name, b64decode(attributes.get("library_schema", "")))


def read_data(
    data: object, argument: str = "data", reader: str = "MICE"
) -> tuple[pd.DataFrame, Library]:
    """Read data of any library as a pandas frame.

    Parameters
    ----------
    data : DataFrame or Table
        Data of pandas, polars, pyarrow, or another library that narwhals reads eagerly.
    argument : str, default "data"
        What errors call it.
    reader : str, default "MICE"
        The function that reads it, for errors.

    Returns
    -------
    DataFrame of shape (n_rows, n_columns)
        The same object for pandas. Otherwise whole numbers and booleans keep their width, and are
        nullable where cells are missing; an Enum and an ordered dictionary become ordered
        categories, a Categorical unordered ones, sorted. Null and NaN are both missing.
    Library
        The way back.

    Raises
    ------
    DataTypeError
        If it is no data frame, or one that is not in memory.
    DataError
        If it has duplicate column names, or a column of a type that no model describes.

    Examples
    --------
    >>> import polars as pl
    >>> frame, library = read_data(pl.DataFrame({"age": [30, None], "sex": ["f", "m"]}))
    >>> frame.dtypes.astype(str).to_dict(), library.name
    ({'age': 'Int64', 'sex': 'str'}, 'polars')
    """
    native = data if isinstance(data, pd.DataFrame) else nw.to_native(data, pass_through=True)
    if isinstance(native, pd.DataFrame):
        return native, PANDAS
    try:
        frame = nw.from_native(native, pass_through=True)
    except exceptions.DuplicateError as error:
        raise DataError(
            f"{argument} has duplicate column names. Rename them, since models and results are "
            f"found by name. ({' '.join(str(error).split())})"
        ) from error
    if isinstance(frame, nw.LazyFrame):
        raise DataTypeError(
            f"{argument} is a {_kind(native)}, which is not in memory. Imputation needs all rows "
            "at once: call collect() (or what loads data in that library), and pass the result."
        )
    module = nw.get_native_namespace(frame).__name__ if isinstance(frame, nw.DataFrame) else ""
    if module not in (*WRITERS, *WITH_PANDAS_DTYPES):
        raise DataTypeError(
            f"{reader} expected {argument} as a data frame (pandas, polars, pyarrow or another "
            f"that narwhals reads), got {type(data).__name__}. "
            "Convert it, for example with pd.DataFrame(data, columns=[...])."
        )
    if module in WITH_PANDAS_DTYPES:
        return frame.to_pandas(), Library(module)
    columns = {column.name: _read_column(column) for column in frame.iter_columns()}
    read = pd.DataFrame(columns, index=pd.RangeIndex(len(frame)))
    return read, Library(module, SCHEMAS[module](native))


def read_table(table: object, argument: str, index: pd.Index) -> object:
    """Read an argument that may be a data frame of any library.

    Parameters
    ----------
    table : object
        What the user gave.
    argument : str
        What errors call it.
    index : Index
        The rows of the data, for a frame of a library without an index.

    Returns
    -------
    object
        A pandas frame for a data frame of any library; anything else as it is.
    """
    if isinstance(table, pd.DataFrame) or not is_frame(table):
        return table
    frame, library = read_data(table, argument)
    if library.schema and len(frame) == len(index):
        return frame.set_axis(index)
    return frame


def is_frame(table: object) -> bool:
    """Whether something is a data frame of a library that narwhals knows."""
    if table is None or isinstance(table, pd.DataFrame):  # told without importing narwhals
        return table is not None
    try:
        frame = nw.from_native(table, pass_through=True)
    except exceptions.DuplicateError:
        return True
    return isinstance(frame, nw.DataFrame | nw.LazyFrame)


def _kind(native: object) -> str:
    return f"{type(native).__module__.split('.')[0]} {type(native).__name__}"


@cache
def _kinds(*names: str) -> tuple[type, ...]:
    return tuple(getattr(nw, name) for name in names)


def _read_column(column: Any) -> "pd.Series[Any]":
    dtype = column.dtype
    missing = column.is_null().to_numpy()
    if isinstance(dtype, _kinds(*WHOLE)):
        numbers = column.fill_null(0).to_numpy()
        if not missing.any():
            return pd.Series(numbers)
        return pd.Series(pd.arrays.IntegerArray(numbers.copy(), missing.copy()))
    if isinstance(dtype, nw.Boolean):
        marks = column.fill_null(value=False).to_numpy()
        if not missing.any():
            return pd.Series(marks)
        return pd.Series(pd.arrays.BooleanArray(marks.copy(), missing.copy()))
    if isinstance(dtype, _kinds(*FLOATS)):
        return pd.Series(column.to_numpy())
    if isinstance(dtype, _kinds(*TIMES)):
        zone = getattr(dtype, "time_zone", None)
        times: pd.Series[Any] = pd.Series(column.to_numpy())
        return times if zone is None else times.dt.tz_localize("UTC").dt.tz_convert(zone)
    if isinstance(dtype, nw.String):
        return pd.Series(column.to_list())
    if isinstance(dtype, nw.Enum):
        return pd.Series(pd.Categorical(column.to_list(), dtype.categories, ordered=True))
    if isinstance(dtype, nw.Categorical):
        native: Any = column.to_native()
        if hasattr(native, "unify_dictionaries"):
            return pd.Series(native.to_pandas())
        # The categories of polars belong to the whole process, in the order they were first seen.
        return pd.Series(pd.Categorical(column.to_list()))
    if missing.all():
        return pd.Series([None] * len(column), dtype=object)
    raise DataError(
        f"Column {column.name!r} has the type {dtype}, which no conditional model describes. "
        "Convert it to numbers or categories, or leave it out of the data."
    )


def _values(series: pd.Series) -> NDArray[Any] | list[Any]:
    """Give the values of a column as other libraries read them, None where one is missing."""
    dtype: Any = series.dtype
    if is_time(dtype):
        times = instants(series)
        # Seconds are a unit that polars does not have.
        return times.astype(f"{times.dtype.kind}8[ms]") if "[s]" in str(times.dtype) else times
    missing = series.isna().to_numpy(dtype=bool)
    if types.is_numeric_dtype(dtype) and not missing.any():
        return series.to_numpy(dtype=getattr(dtype, "numpy_dtype", dtype))
    values: list[Any] = series.astype(object).where(~missing, None).tolist()
    return values


def _zone(dtype: Any) -> str | None:
    return None if getattr(dtype, "tz", None) is None else str(dtype.tz)


def _polars_schema(data: Any) -> bytes:
    file = BytesIO()
    data.clear().write_ipc(file)
    return file.getvalue()


def _to_polars(frame: pd.DataFrame, schema: bytes) -> Any:
    pl: Any = import_module("polars")
    came = pl.read_ipc(BytesIO(schema)).schema
    return pl.DataFrame(
        [
            _polars_series(pl, str(label), series, came.get(str(label)))
            for label, series in frame.items()
        ]
    )


def _polars_series(pl: Any, name: str, series: pd.Series, dtype: Any) -> Any:
    values = _values(series)
    if is_time(series.dtype):
        zone = _zone(series.dtype)
        times = pl.Series(name, values)
        if zone is not None:
            times = times.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
        return times if dtype is None else times.cast(dtype)
    if dtype is None and isinstance(series.dtype, pd.CategoricalDtype):
        dtype = pl.Categorical
        if series.dtype.ordered and types.is_string_dtype(series.dtype.categories.dtype):
            dtype = pl.Enum(series.dtype.categories.tolist())
    if dtype is not None and dtype.is_integer() and types.is_float_dtype(series.dtype):
        dtype = None  # new rows may hold other numbers than the data did
    return pl.Series(name, values, dtype=dtype)


def _pyarrow_schema(data: Any) -> bytes:
    schema: bytes = data.schema.serialize().to_pybytes()
    return schema


def _to_pyarrow(frame: pd.DataFrame, schema: bytes) -> Any:
    pa: Any = import_module("pyarrow")
    came = pa.ipc.read_schema(pa.py_buffer(schema))
    fields, arrays = [], []
    for label, series in frame.items():
        name = str(label)
        field = came.field(name) if name in came.names else None
        if field is not None and pa.types.is_integer(field.type):
            field = None if types.is_float_dtype(series.dtype) else field
        array = _arrow_array(pa, series, None if field is None else field.type)
        fields.append(pa.field(name, array.type) if field is None else field)
        arrays.append(array)
    return pa.table(arrays, schema=pa.schema(fields, came.metadata))


def _arrow_array(pa: Any, series: pd.Series, arrow_type: Any) -> Any:
    if isinstance(series.dtype, pd.CategoricalDtype):
        if arrow_type is None:
            return pa.array(series)
        return dictionary_array(pa, series.array, arrow_type)
    values = _values(series)
    if is_time(series.dtype):
        zone = _zone(series.dtype)
        times = pa.array(values)
        if zone is not None:
            times = times.cast(pa.timestamp(times.type.unit, zone))
        return times if arrow_type is None else times.cast(arrow_type)
    return pa.array(values, type=arrow_type)


WRITERS: Mapping[str, Callable[[pd.DataFrame, bytes], Any]] = {
    "polars": _to_polars,
    "pyarrow": _to_pyarrow,
}
SCHEMAS: Mapping[str, Callable[[Any], bytes]] = {
    "polars": _polars_schema,
    "pyarrow": _pyarrow_schema,
}

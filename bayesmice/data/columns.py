"""The column store: the data as arrays of numbers with their response indicator, and the way back.

Continuous columns keep their values; times become days. Columns on any other scale become level
codes 0, 1, ..., in the order of their levels. Only levels that were observed count: a category that
no row shows cannot be learned, so it is never imputed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from bayesmice.data.dtypes import as_categorical, as_dictionary, is_dictionary, missing_cells
from bayesmice.data.libraries import PANDAS, Library
from bayesmice.data.representable import check_levels
from bayesmice.data.scales import Scale, measurement_scale
from bayesmice.data.times import Origin, days_since, is_time, time_origin

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Column:
    """One column of the data as numbers.

    Attributes
    ----------
    name : str
        The column's label as a string.
    scale : Scale
        Its measurement scale.
    values : ndarray of shape (n_rows,)
        Values of a continuous column, level codes of any other; NaN where missing.
    levels : tuple
        The value that each code stands for, in order; empty for a continuous column.
    is_integer : bool
        Whether the column holds whole numbers only by its dtype; imputed values are then rounded.
    limits : (ndarray, ndarray) or None
        Lower and upper limits of each cell, of shape (n_rows,), both included; infinite where
        nothing is known. A cell with a finite limit counts as missing, and is imputed within its
        limits.
    where : ndarray of shape (n_rows,) or None
        The cells whose imputations are wanted; None for the missing ones.
    weights : ndarray of shape (n_rows,) or None
        Weight of each row in a likelihood, zero for a row that nothing is learned from; None for
        one everywhere.
    origin : Timestamp, Timedelta or None
        For a column of times, from where its days are counted. Such a column is complete, predicts
        others, and has no model.
    """

    name: str
    scale: Scale
    values: Values
    levels: tuple[object, ...]
    is_integer: bool = False
    limits: tuple[Values, Values] | None = None
    where: Mask | None = None
    weights: Values | None = None
    origin: Origin | None = None

    @property
    def is_time(self) -> bool:
        """Whether the column holds times, which only predict."""
        return self.origin is not None

    @cached_property
    def is_limited(self) -> Mask:
        """Which cells, of shape (n_rows,), are known by their limits only."""
        if self.limits is None:
            return np.zeros(len(self.values), dtype=bool)
        return np.isfinite(self.limits[0]) | np.isfinite(self.limits[1])

    @property
    def has_limits(self) -> bool:
        """Whether some cells are known by their limits."""
        return self.limits is not None

    @cached_property
    def known_values(self) -> Values:
        """The values that are learned from, and a value within the limits of each cell with some.

        Of shape (n_known,); what a model is scaled by.
        """
        if self.limits is None:
            return self.values[self.fitted]
        return np.concatenate([self.observed_values, self.within_limits[self.is_limited]])

    @cached_property
    def within_limits(self) -> Values:
        """A value within the limits of each cell, of shape (n_rows,); NaN where there are none.

        The middle of an interval; under a single limit the median of the observed values, or the
        limit where that lies beyond.
        """
        if self.limits is None:
            return np.full(len(self.values), np.nan)
        lower, upper = self.limits
        is_interval = np.isfinite(lower) & np.isfinite(upper)
        ends = (np.where(is_interval, limit, 0.0) for limit in self.limits)
        typical = np.median(self.observed_values) if len(self.observed_values) else 0.0
        inside = np.where(is_interval, 0.5 * sum(ends), np.clip(typical, lower, upper))
        return np.where(self.is_limited, inside, np.nan)

    @cached_property
    def observed(self) -> Mask:
        """Response indicator of shape (n_rows,): True where a value was observed."""
        return ~np.isnan(self.values)

    @cached_property
    def row_weights(self) -> Values:
        """Weight of each row in a likelihood, of shape (n_rows,)."""
        return np.ones(len(self.values)) if self.weights is None else self.weights

    @cached_property
    def fitted(self) -> Mask:
        """Rows, of shape (n_rows,), that models learn from: observed, with a weight above zero."""
        return self.observed & (self.row_weights > 0)

    @cached_property
    def observed_values(self) -> Values:
        """The observed values or codes, of shape (n_observed,)."""
        return self.values[self.observed]

    @cached_property
    def missing_rows(self) -> NDArray[np.intp]:
        """Positions of the missing cells, ascending."""
        return np.flatnonzero(~self.observed)

    @property
    def n_missing(self) -> int:
        """Number of missing cells."""
        return len(self.missing_rows)

    @cached_property
    def drawn_rows(self) -> NDArray[np.intp]:
        """Positions of the cells that every sweep draws: missing ones, and others that are wanted.

        A draw for an observed cell is kept beside the data: models go on reading what was observed.
        """
        if self.where is None:
            return self.missing_rows
        return np.flatnonzero(~self.observed | self.where)

    @property
    def n_drawn(self) -> int:
        """Number of cells that every sweep draws."""
        return len(self.drawn_rows)

    @cached_property
    def wanted_rows(self) -> NDArray[np.intp]:
        """Positions of the cells whose imputations are wanted, ascending."""
        return self.missing_rows if self.where is None else np.flatnonzero(self.where)

    @cached_property
    def drawn_missing(self) -> Mask:
        """Which of the drawn cells, of shape (n_drawn,), are missing."""
        return ~self.observed[self.drawn_rows]

    @cached_property
    def drawn_wanted(self) -> Mask:
        """Which of the drawn cells, of shape (n_drawn,), are wanted."""
        if self.where is None:
            return np.ones(self.n_drawn, dtype=bool)
        return self.where[self.drawn_rows]

    @cached_property
    def is_constant(self) -> bool:
        """Whether all values that are learned from are equal."""
        return bool(np.ptp(self.known_values) == 0) if len(self.known_values) else True

    @property
    def is_identifier(self) -> bool:
        """Whether the column labels rows: no two of at least three observed levels are equal."""
        return len(self.levels) > 2 and len(self.levels) == len(self.observed_values)

    @property
    def has_number_levels(self) -> bool:
        """Whether the levels are 0 and 1 (or False and True), so that codes and values agree."""
        return self.scale is Scale.BINARY and all(
            isinstance(level, bool | int | float | np.number | np.bool_) and level == code
            for code, level in enumerate(self.levels)
        )

    def is_same(self, other: "Column") -> bool:
        """Whether another column holds the same values, and asks for the same cells."""
        arrays = [
            (self.values, other.values),  # noqa: PD011
            (self.row_weights, other.row_weights),
        ]
        if self.limits is not None and other.limits is not None:
            arrays += zip(self.limits, other.limits, strict=True)
        return (
            self.levels == other.levels
            and self.has_limits == other.has_limits
            and np.array_equal(self.wanted_rows, other.wanted_rows)
            and all(np.array_equal(one, two, equal_nan=True) for one, two in arrays)
        )

    def as_continuous(self, series: pd.Series) -> "Column":
        """Return this column read as plain numbers, for a model that draws numbers."""
        return replace(self, scale=Scale.CONTINUOUS, values=numbers(series), levels=())

    def with_where(self, wanted: Mask) -> "Column":
        """Return this column with other cells whose imputations are wanted, of shape (n_rows,)."""
        return replace(self, where=wanted)

    def with_weights(self, weights: Values) -> "Column":
        """Return this column with a weight for each row, of shape (n_rows,)."""
        return replace(self, weights=weights)

    def with_all_levels(self, series: pd.Series) -> "Column":
        """Return this column with all levels that its dtype knows, for values that are computed.

        Parameters
        ----------
        series : Series
            The column as it stands in the data.
        """
        dtype = as_categorical(series).dtype
        if isinstance(dtype, pd.CategoricalDtype):
            levels = tuple(dtype.categories.tolist())
        elif types.is_bool_dtype(dtype):
            levels = (False, True)
        else:
            return self
        scale = self.scale if len(levels) > 2 or self.scale is not Scale.NOMINAL else Scale.BINARY
        return replace(
            self,
            scale=Scale.BINARY if types.is_bool_dtype(dtype) else scale,
            levels=levels,
            values=level_codes(series, levels),
        )

    def at_rows(self, rows: NDArray[np.intp], keep_levels: bool = False) -> "Column":
        """Return some rows of this column, with the levels that were observed in them, or all."""
        values, levels = self.values[rows], self.levels
        if levels and not keep_levels:
            present = np.unique(values[~np.isnan(values)]).astype(np.intp)
            codes = np.full(len(levels), np.nan)
            codes[present] = np.arange(len(present))
            values = np.where(
                np.isnan(values), np.nan, codes[np.nan_to_num(values).astype(np.intp)]
            )
            levels = tuple(levels[code] for code in present)
        lower, upper = self.limits or (None, None)
        return replace(
            self,
            values=values,
            levels=levels,
            limits=None if lower is None or upper is None else (lower[rows], upper[rows]),
            where=None if self.where is None else self.where[rows],
            weights=None if self.weights is None else self.weights[rows],
        )

    def with_limits(self, lower: Values, upper: Values) -> "Column":
        """Return this column with cells that are known by their limits.

        Parameters
        ----------
        lower, upper : ndarray of shape (n_rows,)
            Limits, infinite where there are none.
        """
        limited = np.isfinite(lower) | np.isfinite(upper)
        values = np.where(limited, np.nan, self.values)
        return replace(self, values=values, limits=(lower, upper))


@dataclass(frozen=True, eq=False)
class ColumnStore:
    """All columns of a data set as numbers, and the frame they came from.

    Attributes
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        The data as they came; a private copy.
    columns : mapping of str to Column
        The columns in order.
    library : Library
        The library that the data came from.
    """

    frame: pd.DataFrame
    columns: Mapping[str, Column]
    library: Library = PANDAS

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.frame)

    @property
    def incomplete(self) -> tuple[str, ...]:
        """Names of the columns with missing cells, in the order of the data."""
        return tuple(name for name, column in self.columns.items() if column.n_missing)

    @property
    def drawn(self) -> tuple[str, ...]:
        """Names of the columns of which every sweep draws cells, in the order of the data."""
        return tuple(name for name, column in self.columns.items() if column.n_drawn)

    @property
    def wanted(self) -> tuple[str, ...]:
        """Names of the columns with cells to be imputed for the user, in the order of the data."""
        return tuple(name for name, column in self.columns.items() if len(column.wanted_rows))

    def label(self, name: str) -> object:
        """Give the label that a column has in the frame."""
        return self.frame.columns[list(self.columns).index(name)]

    def series(self, name: str) -> pd.Series:
        """Give a column of the frame by its position, which is safe for any label."""
        return self.frame.iloc[:, list(self.columns).index(name)]

    def with_columns(self, changed: Mapping[str, Column]) -> "ColumnStore":
        """Return a store in which some columns are read differently."""
        return replace(
            self,
            columns={name: changed.get(name, column) for name, column in self.columns.items()},
        )

    def at_rows(self, rows: NDArray[np.intp], computed: Collection[str] = ()) -> "ColumnStore":
        """Return some rows of the data, read as in the whole; computed columns keep all levels."""
        columns = {n: column.at_rows(rows, n in computed) for n, column in self.columns.items()}
        return replace(self, frame=self.frame.iloc[rows], columns=columns)

    def complete(self, cells: Mapping[str, Values]) -> pd.DataFrame:
        """Fill the cells whose imputations are wanted.

        Parameters
        ----------
        cells : mapping of str to ndarray of shape (n_wanted,)
            For each column that has such cells their imputed values or codes, in row order.

        Returns
        -------
        DataFrame of shape (n_rows, n_columns)
            The data with every such cell filled; other cells, index, dtypes and categories as they
            came.
        """
        filled = []
        for position, column in enumerate(self.columns.values()):
            series = self.frame.iloc[:, position].copy()
            if len(column.wanted_rows):
                series = fill(series, column.wanted_rows, column, cells[column.name])
            filled.append(series)
        return self.framed(filled)

    def framed(self, series: Sequence[pd.Series], index: pd.Index | None = None) -> pd.DataFrame:
        """Make a data frame of one series per column, with the labels and attributes of the data.

        Parameters
        ----------
        series : sequence of Series
            The columns in order.
        index : Index, optional
            Labels of the rows; those of the series by default.
        """
        framed = pd.concat(series, axis=1)
        framed.columns = self.frame.columns
        if index is not None:
            framed.index = index
        framed.attrs = dict(self.frame.attrs)
        return framed


def encode(frame: pd.DataFrame, library: Library = PANDAS) -> ColumnStore:
    """Turn a checked data frame into a column store.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        Data that passed `bayesmice.data.checks.check_frame`.
    library : Library, default PANDAS
        The library that they came from.

    Returns
    -------
    ColumnStore
        The columns as numbers.
    """
    columns = {
        str(label): encode_column(frame.iloc[:, position], str(label))
        for position, label in enumerate(frame.columns)
    }
    return ColumnStore(frame.copy(), columns, library)


def encode_column(series: pd.Series, name: str, origin: Origin | None = None) -> Column:
    """Encode one column by its measurement scale; days from an origin, if one is given."""
    if is_time(series.dtype):
        origin = time_origin(series) if origin is None else origin
        return Column(name, Scale.CONTINUOUS, numbers(series, origin), (), origin=origin)
    series = as_categorical(series)
    scale = measurement_scale(series)
    is_integer = bool(types.is_integer_dtype(series.dtype))
    if scale is Scale.CONTINUOUS:
        return Column(name, scale, numbers(series), (), is_integer)
    levels = observed_levels(series)
    check_levels(name, levels)
    return Column(name, scale, level_codes(series, levels), levels, is_integer)


def observed_levels(series: pd.Series) -> tuple[object, ...]:
    """List the observed levels: categories in their order, anything else sorted."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        return tuple(series.cat.remove_unused_categories().cat.categories.tolist())
    return tuple(sorted(series[~missing_cells(series)].unique().tolist()))


def level_codes(values: Any, levels: Sequence[object]) -> Values:
    """Give the code of each value, NaN for what is missing or no level.

    Parameters
    ----------
    values : array-like of shape (n_rows,)
        Values of a column.
    levels : sequence
        Its levels.

    Returns
    -------
    ndarray of shape (n_rows,)
    """
    known: Any = pd.Index(tuple(levels), dtype=object)
    codes = known.get_indexer(pd.Index(values, dtype=object))
    return np.where(codes < 0, np.nan, codes.astype(float))


def unused_categories(series: pd.Series) -> tuple[object, ...]:
    """List categories that the dtype declares but no row shows."""
    categorical = as_categorical(series)
    if not isinstance(categorical.dtype, pd.CategoricalDtype):
        return ()
    observed = set(observed_levels(categorical))
    return tuple(level for level in categorical.cat.categories if level not in observed)


def decode(column: Column, cells: Values, dtype: Any) -> "pd.Series[Any]":
    """Turn imputed numbers into values of the column's dtype.

    Parameters
    ----------
    column : Column
        The column.
    cells : ndarray of shape (n_cells,)
        Imputed values of a continuous column, or level codes.
    dtype : pandas or numpy dtype
        The dtype to return.

    Returns
    -------
    Series of shape (n_cells,)
        Values of that dtype. Integer dtypes get continuous draws rounded to the nearest whole
        number that they can hold, short floats the nearest number that they can hold.
    """
    if column.levels:
        levels = np.empty(len(column.levels), dtype=object)
        levels[:] = column.levels
        values: pd.Series[Any] = pd.Series(levels[cells.astype(np.intp)], dtype=dtype)
        return values
    numbers = pd.Series(_whole(cells, dtype) if column.is_integer else _within(cells, dtype))
    converted: pd.Series[Any] = numbers.astype(dtype)
    return converted


def recode(cells: Values, column: Column, whole: Column) -> Values:
    """Turn level codes of one column into those of another that has its levels too.

    Parameters
    ----------
    cells : ndarray
        Codes of the first column, NaN where missing; numbers if it has no levels.
    column, whole : Column
        The two. Where the second has no levels, codes become the numbers that they stand for.

    Returns
    -------
    ndarray
        Of the same shape.
    """
    if column.levels == whole.levels:
        return cells
    codes = (
        [whole.levels.index(level) for level in column.levels] if whole.levels else column.levels
    )
    known = ~np.isnan(cells)
    recoded = np.full(cells.shape, np.nan)
    recoded[known] = np.array(codes, dtype=float)[cells[known].astype(np.intp)]
    return recoded


def fill(series: pd.Series, rows: NDArray[np.intp], column: Column, cells: Values) -> pd.Series:
    """Put imputed cells into some rows of a series that is the caller's own, keeping its dtype."""
    # A dictionary of Arrow would lose its order, and the levels that no row shows.
    fillable = as_categorical(series)
    fillable.iloc[rows] = decode(column, cells, fillable.dtype)
    return as_dictionary(fillable, series.dtype) if is_dictionary(series.dtype) else fillable


def _whole(cells: Values, dtype: Any) -> Values:
    """Round, and stay within what the dtype can hold; new rows may hold whole numbers as floats."""
    if types.is_float_dtype(dtype):
        return np.rint(cells)
    limits = np.iinfo(getattr(dtype, "numpy_dtype", dtype))
    return np.clip(np.rint(cells), limits.min, limits.max)


def _within(cells: Values, dtype: Any) -> Values:
    """Stay within what a float dtype can hold: half precision ends at 65,504."""
    if not types.is_float_dtype(dtype):
        return cells
    largest = float(np.finfo(getattr(dtype, "numpy_dtype", dtype)).max)
    return np.clip(cells, -largest, largest)


def numbers(series: pd.Series, origin: Origin | None = None) -> Values:
    """Give the values of a column of numbers, or of times by their origin; NaN where missing."""
    if origin is not None:
        return days_since(series, origin)
    return series.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)

"""Completed data in other shapes: long, wide and stacked tables, and a dataset of xarray."""

from collections.abc import Hashable

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayesmice.data import Column, ColumnStore
from bayesmice.data.columns import decode, fill
from bayesmice.data.times import instants
from bayesmice.errors import DataError
from bayesmice.store.frames import (
    INDEX_VARIABLE,
    ROW,
    column_attributes,
    is_default,
    smallest_codes,
    stored_values,
)

IMP, ID = ".imp", ".id"
"""Columns of a long table, as R's mice calls them."""
IMPUTATION = "imputation"


def imputed_cells(imputed: xr.Dataset, name: str) -> NDArray[np.float64]:
    """Read the cells of a column.

    Parameters
    ----------
    imputed : xarray.Dataset
        The group ``imputations`` of a tree, or one imputation of it.
    name : str
        The column.

    Returns
    -------
    ndarray of shape (m, n_wanted) or (n_wanted,)
        Values or level codes.
    """
    cells: NDArray[np.float64] = imputed[name].to_numpy().astype(float)
    return cells


def stacked_frame(
    store: ColumnStore, imputed: xr.Dataset, include_original: bool = False
) -> pd.DataFrame:
    """Put all completed data sets below each other.

    Every column is made once, in its final length: there are no m data frames on the way.

    Parameters
    ----------
    store : ColumnStore
        The data.
    imputed : xarray.Dataset
        The group ``imputations`` of their tree.
    include_original : bool, default False
        Whether the data as they came stand first.

    Returns
    -------
    DataFrame of shape (m * n_rows, n_columns)
        With ``n_rows`` more where the original is included. Each copy has the index of the data.
    """
    copies = imputed.sizes[IMPUTATION] + include_original
    rows = np.tile(np.arange(store.n_rows), copies)
    starts = store.n_rows * np.arange(int(include_original), copies)
    series = []
    for position, column in enumerate(store.columns.values()):
        values = store.frame.iloc[:, position]
        repeated = values.set_axis(pd.RangeIndex(store.n_rows)).take(rows)
        repeated.index = pd.RangeIndex(len(rows))
        if len(column.wanted_rows):
            places = (starts[:, None] + column.wanted_rows).ravel()
            cells = imputed_cells(imputed, column.name).ravel()
            repeated = fill(repeated, places, column, cells)
        series.append(repeated)
    return store.framed(series, store.frame.index.take(rows))


def long_frame(
    store: ColumnStore, imputed: xr.Dataset, include_original: bool = False
) -> pd.DataFrame:
    """Put all completed data sets below each other, and say which is which.

    Parameters
    ----------
    store, imputed, include_original
        As in `stacked_frame`.

    Returns
    -------
    DataFrame of shape (m * n_rows, 2 + n_columns)
        With ``.imp``, the number of the imputation counted from 1, 0 for the original, and
        ``.id``, the number of the row counted from 1, as first columns.

    Raises
    ------
    DataError
        If the data have columns of these names.
    """
    check_long_names(store)
    table = stacked_frame(store, imputed, include_original)
    numbers = long_numbers(store, imputed.sizes[IMPUTATION], include_original)
    for position, (name, values) in enumerate(zip((IMP, ID), numbers, strict=True)):
        table.insert(position, _label(store, name), values)
    return table


def _label(store: ColumnStore, name: str) -> Hashable:
    """Give the label of a further column, with as many levels as the data's own have."""
    deeper = [""] * (store.frame.columns.nlevels - 1)
    return (name, *deeper) if deeper else name


def long_numbers(
    store: ColumnStore, m: int, include_original: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the numbers of imputations and rows, from 1, as they stand in a long table."""
    imputations = np.arange(0 if include_original else 1, m + 1)
    rows = np.arange(1, store.n_rows + 1)
    return np.repeat(imputations, store.n_rows), np.tile(rows, len(imputations))


def check_long_names(store: ColumnStore) -> None:
    """Refuse data whose columns are called as those that a long table adds."""
    for name in (IMP, ID):
        if name in store.columns or _label(store, name) in store.frame.columns:
            raise DataError(
                f"A long table has the columns {IMP!r} and {ID!r} of its own, and the data have a "
                f"column {name!r} too. Rename it before imputing, or use stacked()."
            )


def wide_frame(store: ColumnStore, imputed: xr.Dataset) -> pd.DataFrame:
    """Put all completed data sets beside each other.

    Parameters
    ----------
    store, imputed
        As in `stacked_frame`.

    Returns
    -------
    DataFrame of shape (n_rows, m * n_columns)
        Columns ``bmi.1``, ``chl.1``, ..., ``bmi.2``, ``chl.2``, ...: imputations are counted from
        1.
    """
    frames: list[pd.Series] = []
    names: list[str] = []
    cells = {name: imputed_cells(imputed, name) for name in store.wanted}
    for imputation in range(imputed.sizes[IMPUTATION]):
        for position, column in enumerate(store.columns.values()):
            series = store.frame.iloc[:, position]
            if column.name in cells:
                series = series.copy()
                chosen = cells[column.name][imputation]
                series = fill(series, column.wanted_rows, column, chosen)
            frames.append(series)
            names.append(f"{column.name}.{imputation + 1}")
    table = pd.concat(frames, axis=1)
    table.columns = pd.Index(names)
    table.attrs = dict(store.frame.attrs)
    return table


def completed_dataset(store: ColumnStore, imputed: xr.Dataset) -> xr.Dataset:
    """Arrange all completed data sets as a dataset of xarray.

    Parameters
    ----------
    store, imputed
        As in `stacked_frame`.

    Returns
    -------
    xarray.Dataset
        One variable per column, over ``imputation`` and ``row``; over ``row`` alone where nothing
        was imputed. Columns with levels hold codes with CF attributes, as in the tree. The index of
        the data is in the coordinates ``index_level_0``, ``index_level_1``, ...
    """
    m = imputed.sizes[IMPUTATION]
    variables = {}
    for column in store.columns.values():
        values: NDArray[np.generic]
        is_time = column.is_time
        values = instants(store.series(column.name)) if is_time else stored_values(store, column)
        if len(column.wanted_rows):
            values = np.tile(values.astype(float), (m, 1))
            values[:, column.wanted_rows] = _completed_cells(store, imputed, column)
        variables[column.name] = xr.Variable(
            (IMPUTATION, ROW)[-values.ndim :],
            _compact(column, values),
            column_attributes(store, column.name),
        )
    coords = {
        IMPUTATION: xr.Variable(IMPUTATION, np.arange(m), {"long_name": "imputation"}),
        ROW: xr.Variable(ROW, np.arange(store.n_rows), {"long_name": "position in the data"}),
    }
    index = store.frame.index
    if not is_default(index):
        for position in range(index.nlevels):
            level = index.get_level_values(position)
            name = "index" if level.name is None else str(level.name)
            coords[INDEX_VARIABLE.format(position)] = xr.Variable(
                ROW, level.to_numpy(), {"long_name": name}
            )
    return xr.Dataset(variables, coords, {"long_name": "completed data"})


def _completed_cells(
    store: ColumnStore, imputed: xr.Dataset, column: Column
) -> NDArray[np.float64]:
    """Give imputed cells as completed data have them, rounded to their dtype; codes stay codes."""
    cells = imputed_cells(imputed, column.name)
    if column.levels:
        return cells
    decoded = decode(column, cells.ravel(), store.series(column.name).dtype)
    return decoded.to_numpy(dtype=float, na_value=np.nan).reshape(cells.shape)


def _compact(column: Column, values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Hold codes and whole numbers as integers, unless some are missing."""
    if values.dtype.kind != "f" or np.isnan(values).any():
        return values
    if column.levels:
        return smallest_codes(column, values)
    return values.astype(np.int64) if column.is_integer else values

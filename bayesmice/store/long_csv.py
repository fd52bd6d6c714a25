"""Long tables as CSV files that R's mice reads."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from pandas.api import types

from bayesmice.data import Column, ColumnStore
from bayesmice.errors import DataError
from bayesmice.store.files import check_folder
from bayesmice.store.shapes import (
    ID,
    IMP,
    IMPUTATION,
    check_long_names,
    imputed_cells,
    long_numbers,
)

MISSING = "NA"


def write_long_csv(store: ColumnStore, imputed: xr.Dataset, path: str | os.PathLike[str]) -> Path:
    """Write the original and all completed data sets below each other, one after the other.

    Parameters
    ----------
    store : ColumnStore
        The data.
    imputed : xarray.Dataset
        The group ``imputations`` of their tree.
    path : path-like
        Where to.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    DataError
        If the data have columns ``.imp`` or ``.id``, or a level that R reads as missing.
    FileNotFoundError
        If the folder does not exist.
    """
    check_long_names(store)
    _check_levels(store)
    check_folder(path)
    m = imputed.sizes[IMPUTATION]
    number, row = long_numbers(store, 1, False)
    cells = {name: imputed_cells(imputed, name) for name in store.wanted}
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        for imputation in range(m + 1):
            frame = store.frame
            if imputation:
                chosen = {name: own[imputation - 1] for name, own in cells.items()}
                frame = store.complete(chosen)
            columns = {IMP: imputation * number, ID: row} | {
                name: _text(column, frame.iloc[:, position])
                for position, (name, column) in enumerate(store.columns.items())
            }
            table = pd.DataFrame(columns)
            table.to_csv(file, index=False, header=not imputation, na_rep=MISSING)
    return Path(path)


def r_script(store: ColumnStore, path: str | os.PathLike[str]) -> str:
    """Write the lines of R that read what `write_long_csv` wrote, with all levels in their order.

    Columns are named by their places, since R changes names that it would have to quote.

    Parameters
    ----------
    store : ColumnStore
        The data.
    path : path-like
        The CSV file.

    Returns
    -------
    str
        A program that makes ``imputations``, a mids object.
    """
    columns = list(store.columns.values())
    factors = {
        place: column for place, column in enumerate(columns, 3) if _is_factor(store, column)
    }
    classes = ['"character"' if place in factors else "NA" for place in range(1, len(columns) + 3)]
    lines = [
        f"long <- read.csv({json.dumps(os.fspath(path), ensure_ascii=False)}, "
        'fileEncoding = "UTF-8",',
        f"  colClasses = c({', '.join(classes)}))",
    ]
    for place, column in factors.items():
        dtype = store.series(column.name).dtype
        is_ordered = isinstance(dtype, pd.CategoricalDtype) and dtype.ordered
        levels = ", ".join(
            json.dumps(level, ensure_ascii=False) for level in _levels(store, column)
        )
        lines.append(
            f"long[[{place}]] <- factor(long[[{place}]], levels = c({levels}), "
            f"ordered = {'TRUE' if is_ordered else 'FALSE'})"
        )
    where = _where_lines(store)
    argument = ", where = where" if where else ""
    lines += [*where, f"imputations <- mice::as.mids(long{argument})"]
    return "\n".join(lines) + "\n"


def _where_lines(store: ColumnStore) -> list[str]:
    """Tell R which cells were imputed where they are not just the missing ones."""
    lines = []
    for place, column in enumerate(store.columns.values(), 1):
        wanted = np.zeros(store.n_rows, dtype=bool)
        wanted[column.wanted_rows] = True
        missing = store.series(column.name).isna().to_numpy()
        for marks, value in ((wanted & ~missing, "TRUE"), (missing & ~wanted, "FALSE")):
            if marks.any():
                lines.append(f"where[c({_numbers(marks)}), {place}] <- {value}")
    if not lines:
        return []
    return [f"where <- is.na(long[long${IMP} == 0, -(1:2), drop = FALSE])", *lines]


def _numbers(marks: NDArray[np.bool_]) -> str:
    return ", ".join(str(row + 1) for row in np.flatnonzero(marks))


def _is_factor(store: ColumnStore, column: Column) -> bool:
    """Whether R should hold a column as a factor: it holds levels that are no booleans."""
    is_number = types.is_numeric_dtype(store.series(column.name).dtype)
    return not (is_number or column.is_time or _is_logical(column))


def _is_logical(column: Column) -> bool:
    return bool(column.levels) and all(isinstance(v, bool | np.bool_) for v in column.levels)


def _levels(store: ColumnStore, column: Column) -> list[str]:
    dtype = store.series(column.name).dtype
    levels = dtype.categories if isinstance(dtype, pd.CategoricalDtype) else column.levels
    return [str(level) for level in levels]


def _check_levels(store: ColumnStore) -> None:
    for column in store.columns.values():
        if _is_factor(store, column) and MISSING in _levels(store, column):
            raise DataError(
                f"Column {column.name!r} has the level {MISSING!r}, which R reads as missing. "
                "Rename the level before imputing."
            )


def _text(column: Column, series: pd.Series) -> pd.Series:
    """Give values as R reads them; numbers stay numbers."""
    if types.is_numeric_dtype(series.dtype) and not types.is_bool_dtype(series.dtype):
        return series.reset_index(drop=True)
    values = series.astype(object).reset_index(drop=True)
    spelling = {True: "TRUE", False: "FALSE"}.get if _is_logical(column) else str
    return values.map(spelling, na_action="ignore")

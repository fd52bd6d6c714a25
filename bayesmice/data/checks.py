"""What a data frame must be before anything is computed from it."""

import numpy as np
import pandas as pd
from pandas.api import types

from bayesmice.data.dtypes import missing_cells
from bayesmice.data.libraries import read_data
from bayesmice.data.representable import check_name, check_size
from bayesmice.errors import DataError

RESERVED_NAMES = frozenset(
    {
        "row",
        "row_weight",
        "chain",
        "draw",
        "statistic",
        "imputation",
        "imputation_chain",
        "imputation_sweep",
        "plot_axis",
    }
)
LARGEST_EXACT = 2**53
RESERVED_PREFIX = "index_level_"


def check_frame(data: object) -> pd.DataFrame:
    """Check that data can be imputed at all.

    Parameters
    ----------
    data : DataFrame
        The data as the user gave them, of any library.

    Returns
    -------
    DataFrame
        The same object, or what `bayesmice.data.libraries.read_data` made of it.

    Raises
    ------
    DataTypeError
        If it is not a data frame.
    DataError
        If it is empty, has duplicate or unusable column names, a column without an observed value,
        infinities, or numbers or text that cannot be computed with or written.
    """
    table = check_table(data, "MICE")
    check_names(column_names(table))
    for position in range(table.shape[1]):
        _check_column(table.iloc[:, position])
    return table


def check_table(data: object, reader: str) -> pd.DataFrame:
    """Check that data are a table with columns that can be told apart, whatever it holds.

    Parameters
    ----------
    data : DataFrame
        The data as the user gave them, of any library.
    reader : str
        The function that reads them, for the error.

    Returns
    -------
    DataFrame
        The same object for pandas, or what `bayesmice.data.libraries.read_data` made of it.

    Raises
    ------
    DataTypeError
        If it is not a data frame.
    DataError
        If it is empty, or has duplicate column names.
    """
    frame, _ = read_data(data, reader=reader)
    if frame.shape[0] == 0 or frame.shape[1] == 0:
        raise DataError(
            f"data has {frame.shape[0]} rows and {frame.shape[1]} columns; expected at least one "
            "of each."
        )
    names = pd.Index(column_names(frame), dtype=object)
    if names.has_duplicates:
        repeated = ", ".join(dict.fromkeys(repr(name) for name in names[names.duplicated()]))
        raise DataError(
            f"data has duplicate column names: {repeated}. Rename them, since models and results "
            "are found by name."
        )
    return frame


def column_names(data: pd.DataFrame) -> list[str]:
    """Give the names by which columns are found: the text of their labels.

    Parameters
    ----------
    data : DataFrame
        The data.

    Returns
    -------
    list of str
        In the order of the columns.
    """
    return [str(label) for label in data.columns]


def check_names(names: list[str]) -> None:
    """Refuse column names that stand for something else in a tree.

    Parameters
    ----------
    names : list of str
        The names of all columns.

    Raises
    ------
    DataError
        If a name is one of these.
    """
    for name in names:
        check_name(name)
        if "/" in name or name == "" or name in RESERVED_NAMES or name.startswith(RESERVED_PREFIX):
            raise DataError(
                f"data has a column named {name!r}. Names that are empty, hold a '/', start with "
                f"{RESERVED_PREFIX!r}, or "
                f"are one of {', '.join(sorted(RESERVED_NAMES))} stand for something else in the "
                "tree of results. Rename it."
            )
        if name.endswith("_row") and name.removesuffix("_row") in names:
            raise DataError(
                f"data has the columns {name.removesuffix('_row')!r} and {name!r}; in the tree of "
                "results the second is "
                "the name of the first one's rows. Rename one."
            )


def _check_column(column: pd.Series) -> None:
    if missing_cells(column).all():
        raise DataError(
            f"Column {str(column.name)!r} has no observed value, so no model can be fitted to it. "
            "Drop the column, or fill in the values you know."
        )
    if types.is_numeric_dtype(column.dtype) and not types.is_bool_dtype(column.dtype):
        values = column.to_numpy(
            dtype=complex if types.is_complex_dtype(column.dtype) else float, na_value=np.nan
        )
        if types.is_integer_dtype(column.dtype) and column.isna().any():
            _check_exact(column)
        n_infinite = int(np.isinf(values).sum())
        if n_infinite:
            raise DataError(
                f"Column {str(column.name)!r} holds {n_infinite} infinite value(s). "
                "Replace them with NaN if they stand for missing, or with the number they stand "
                "for."
            )
        if not types.is_complex_dtype(column.dtype):
            check_size(str(column.name), values)


def _check_exact(column: pd.Series) -> None:
    largest = max(abs(int(value)) for value in (column.min(), column.max()))
    if largest > LARGEST_EXACT:
        raise DataError(
            f"Column {str(column.name)!r} has missing cells and whole numbers up to {largest}, "
            "which floating point cannot hold exactly. Convert identifiers to strings, or rescale."
        )

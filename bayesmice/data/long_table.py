"""Long tables: the data as they came and their imputations below each other, as R writes them."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmice.data.checks import check_frame
from bayesmice.data.columns import Column, ColumnStore, Values, encode_column
from bayesmice.data.libraries import read_data, read_table
from bayesmice.data.rows import read_where
from bayesmice.errors import DataError

HINT = (
    "In R, complete(imp, 'long', include = TRUE) makes such a table; here "
    "imputations.long(include_original=True) does."
)


@dataclass(frozen=True, eq=False)
class LongTable:
    """What a long table says.

    Attributes
    ----------
    store : ColumnStore
        The data.
    cells : dict of str to ndarray of shape (m, n_wanted)
        Imputed values or level codes of each column that has some.
    m : int
        Number of imputations.
    """

    store: ColumnStore
    cells: dict[str, Values]
    m: int


@dataclass(frozen=True, eq=False)
class _Places:
    """Where the rows stand in the table.

    Attributes
    ----------
    original : ndarray of shape (n_rows,)
        Those of the original.
    imputed : ndarray of shape (m, n_rows)
        Those of each imputation, in the order of the original.
    numbers : list of int
        What the table calls the imputations.
    ids : Index of shape (n_rows,) or None
        What it calls the rows.
    """

    original: NDArray[np.intp]
    imputed: NDArray[np.intp]
    numbers: list[int]
    ids: pd.Index | None


def read_long(
    table: object,
    imp: Hashable,
    id: Hashable | None,
    where: object,
) -> LongTable:
    """Read a long table.

    Parameters
    ----------
    table : DataFrame of any library
        The original and its imputations, in any order of rows and columns.
    imp : label
        The column with the number of the imputation, 0 for the original.
    id : label or None
        The column by which rows belong together; None if they come in the same order in every
        imputation.
    where : DataFrame or array of bool, of shape (n_rows, n_columns), or None
        The cells that were imputed; None for those that the original lacks.

    Returns
    -------
    LongTable

    Raises
    ------
    DataTypeError
        If it is no data frame.
    DataError
        If it cannot be read as an original with imputations of it, or cannot be held.
    SpecificationError
        If ``where`` is of another form.
    """
    long, library = read_data(table, "the long table", "from_long")
    taken = [_position(long, "imp", imp)]
    taken += [] if id is None else [_position(long, "id", id)]
    numbers = _imputation_numbers(long.iloc[:, taken[0]], imp)
    ids = None if id is None else pd.Index(long.iloc[:, taken[1]])
    places = _places(numbers, ids, imp, id)
    data = long.iloc[:, [k for k in range(long.shape[1]) if k not in taken]]
    if data.columns.nlevels == 1:
        data.columns = data.columns.infer_objects()  # numbers, now that '.imp' is not among them
    check_frame(data)
    whole = [
        encode_column(data.iloc[:, position], str(label))
        for position, label in enumerate(data.columns)
    ]
    frame = data.iloc[places.original]
    frame.index = _row_labels(long.index, places)
    store = ColumnStore(
        frame,
        {column.name: column.at_rows(places.original, keep_levels=True) for column in whole},
        library,
    )
    if where is not None:
        store = read_where(store, read_table(where, "where", frame.index))
    cells = {}
    for column in whole:
        own = store.columns[column.name]
        imputed = column.values[places.imputed]  # noqa: PD011
        _check_observed(own, imputed, store, places)
        if len(own.wanted_rows):
            cells[column.name] = imputed[:, own.wanted_rows]
            _check_complete(own, cells[column.name], places)
    return LongTable(store, cells, len(places.numbers))


def _position(table: pd.DataFrame, argument: str, label: Hashable) -> int:
    """Find a column, also under several levels of labels of which the others are empty."""
    found = [
        position
        for position, own in enumerate(table.columns)
        if own == label or (isinstance(own, tuple) and own[0] == label and not any(own[1:]))
    ]
    if len(found) == 1:
        return found[0]
    if len(found) > 1:
        raise DataError(f"The table has {len(found)} columns {label!r}. Keep one of them.")
    columns = ", ".join(map(repr, table.columns))
    if label in table.index.names:
        advice = "It is a level of the index: use table.reset_index()."
    elif argument == "imp":
        advice = f"Name the column with the number of the imputation by imp=. {HINT}"
    else:
        advice = (
            "Name the column that says which rows belong together by id=, or say id=None if rows "
            "come in the same order in every imputation."
        )
    raise DataError(f"The table has no column {label!r}. Columns: {columns}. {advice}")


def _imputation_numbers(series: pd.Series, imp: Hashable) -> NDArray[np.int64]:
    if series.isna().any():
        row = int(np.flatnonzero(series.isna())[0])
        raise DataError(
            f"Column {imp!r} is missing in row {row}; expected the number of the imputation, 0 for "
            "the original, in every row."
        )
    try:
        numbers = pd.to_numeric(pd.Series(series.array.astype(object))).to_numpy(dtype=float)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"Column {imp!r} holds {series.tolist()[0]!r}, and others that are not all numbers; "
            "expected the number of the imputation, 0 for the original."
        ) from error
    odd = np.flatnonzero(~np.isfinite(numbers) | (numbers < 0) | (numbers != np.rint(numbers)))
    if len(odd):
        example = series.iloc[odd].tolist()[0]
        raise DataError(
            f"Column {imp!r} holds {example!r}; expected whole numbers, 0 for the original and "
            "others for the imputations."
        )
    return numbers.astype(np.int64)


def _places(
    numbers: NDArray[np.int64],
    ids: pd.Index | None,
    imp: Hashable,
    id: Hashable | None,
) -> _Places:
    found, counts = np.unique(numbers, return_counts=True)
    if 0 not in found:
        raise DataError(
            f"The table has no rows of the original, with 0 in {imp!r}, so it does not say which "
            f"cells were imputed. {HINT}"
        )
    if len(found) == 1:
        raise DataError(
            f"The table has rows of the original only, with 0 in {imp!r}, and no imputation. {HINT}"
        )
    for number, count in zip(found[1:], counts[1:], strict=True):
        if count != counts[0]:
            raise DataError(
                f"Imputation {number} has {count} rows, and the original has {counts[0]}. Every "
                "imputation needs all rows."
            )
    original = np.flatnonzero(numbers == 0)
    rows = [np.flatnonzero(numbers == number) for number in found[1:]]
    own = None if ids is None else ids.take(original)
    if ids is not None and own is not None:
        _check_ids(own, id)
        rows = [
            _in_order(own, ids.take(places), places, int(number), id)
            for number, places in zip(found[1:], rows, strict=True)
        ]
    return _Places(original, np.stack(rows), found[1:].tolist(), own)


def _check_ids(own: pd.Index, id: Hashable | None) -> None:
    advice = "Say id=None if rows come in the same order in every imputation."
    if own.hasnans:
        raise DataError(f"Column {id!r} is missing in rows of the original. {advice}")
    if own.has_duplicates:
        repeated = own[own.duplicated()].tolist()[0]
        raise DataError(
            f"Column {id!r} holds {repeated!r} for several rows of the original, so it does not "
            f"say which rows belong together. {advice}"
        )


def _in_order(
    own: pd.Index,
    ids: pd.Index,
    places: NDArray[np.intp],
    number: int,
    id: Hashable | None,
) -> NDArray[np.intp]:
    """Bring the rows of an imputation into the order of the original."""
    positions = own.get_indexer(ids)
    unknown = np.flatnonzero(positions < 0)
    if len(unknown):
        example = ids[unknown].tolist()[0]
        raise DataError(
            f"Imputation {number} has a row with the {id!r} {example!r}, which no row of the "
            "original has. Every imputation needs the rows of the original."
        )
    if len(np.unique(positions)) < len(positions):
        repeated = ids[ids.duplicated()].tolist()[0]
        raise DataError(
            f"Imputation {number} has several rows with the {id!r} {repeated!r}, and lacks others. "
            "Every imputation needs every row of the original once."
        )
    ordered = np.empty_like(places)
    ordered[positions] = places
    return ordered


def _row_labels(index: pd.Index, places: _Places) -> pd.Index:
    """Label the rows: by the index, if it goes along with them, or else by what ids say."""
    own = index.take(places.original)
    n_rows = len(own)
    if not all(own.equals(index.take(rows)) for rows in places.imputed):
        if places.ids is None:
            return pd.RangeIndex(n_rows)
        counted = pd.RangeIndex(1, n_rows + 1)
        return pd.RangeIndex(n_rows) if places.ids.equals(counted) else places.ids.rename(None)
    if own.equals(pd.RangeIndex(n_rows)):
        return pd.RangeIndex(n_rows, name=own.name)
    return own


def _check_observed(column: Column, imputed: Values, store: ColumnStore, places: _Places) -> None:
    """Refuse imputations of other cells than those that are wanted."""
    kept = np.ones(store.n_rows, dtype=bool)
    kept[column.wanted_rows] = False
    same = np.equal(imputed, column.values) | (np.isnan(imputed) & ~column.observed)
    differs = np.argwhere(~same & kept)
    if not len(differs):
        return
    imputation, row = differs[0]
    before = _shown(column, column.values[row])  # noqa: PD011
    after = _shown(column, imputed[imputation, row])
    raise DataError(
        f"Column {column.name!r} holds {before} in the original and {after} in imputation "
        f"{places.numbers[imputation]}, in row {row} (counted from 0). Cells that were observed "
        "stay as they are; if this one was imputed too, mark it in where=."
    )


def _check_complete(column: Column, cells: Values, places: _Places) -> None:
    missing = np.argwhere(np.isnan(cells))
    if len(missing):
        imputation, cell = missing[0]
        raise DataError(
            f"Column {column.name!r} is still missing in imputation {places.numbers[imputation]}, "
            f"in row {column.wanted_rows[cell]} (counted from 0). Complete it, drop the column, or "
            "mark the cells that were imputed in where=."
        )


def _shown(column: Column, value: Any) -> str:
    if np.isnan(value):
        return "a missing value"
    return repr(column.levels[int(value)] if column.levels else float(value))

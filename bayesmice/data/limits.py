"""Bounds and limits: what is known of where numbers lie.

Bounds belong to a column: every one of its values lies between them, so that its distribution is
truncated there. Limits belong to single cells whose value was not observed exactly, such as one
below a detection limit; they are censored.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bayesmice.data.columns import Column, ColumnStore, Values
from bayesmice.data.scales import Scale
from bayesmice.errors import SpecificationError

Bounds = Mapping[str, tuple[float | None, float | None]]
Limits = Mapping[str, tuple[ArrayLike | None, ArrayLike | None]]
Interval = tuple[float, float]


def limit_names(column: str) -> tuple[str, str]:
    """Name what holds a column's lower and upper limits in a tree.

    Without blanks, since netCDF lists such names with blanks between them.
    """
    name = column.replace(" ", "_")
    return f"{name}_lower_limit", f"{name}_upper_limit"


def read_bounds(store: ColumnStore, bounds: object) -> dict[str, Interval]:
    """Check bounds.

    Parameters
    ----------
    store : ColumnStore
        The data.
    bounds : mapping of str to (lower, upper)
        What the user gave; None for no bound on one side.

    Returns
    -------
    dict of str to (float, float)
        Bounds by column, infinite where there is none. Those of whole numbers are so narrow that a
        number within them stays within what the user gave when it is rounded.

    Raises
    ------
    SpecificationError
        If they are of another form, name no continuous column, or exclude an observed value or
        what the limits of a cell allow.
    """
    read = {}
    for name, pair in _pairs("bounds", store, bounds).items():
        lower, upper = (_bound(name, side, end) for side, end in zip(pair, (-1, 1), strict=True))
        column = store.columns[name]
        narrow = tuple(map(float, _narrowed(column, np.array(lower), np.array(upper))))
        if not (lower < upper and narrow[0] < narrow[1]):
            whole = " with whole numbers between them" if column.is_integer else ""
            raise SpecificationError(
                f"bounds of {name!r} are {lower:g} and {upper:g}; expected the lower one first, "
                f"and a smaller number{whole}."
            )
        observed = column.observed_values
        outside = observed[(observed < lower) | (observed > upper)]
        if len(outside):
            raise SpecificationError(
                f"bounds of {name!r} are {lower:g} and {upper:g}, but {len(outside)} observed "
                f"values lie outside, such as {outside[0]:g}. Widen the bounds, or correct the "
                "data."
            )
        if column.limits is not None:
            low, high = column.limits
            apart = np.flatnonzero(column.is_limited & ((high <= narrow[0]) | (low >= narrow[1])))
            if len(apart):
                row = apart[0]
                raise SpecificationError(
                    f"bounds of {name!r} are {lower:g} and {upper:g}, but its limits in row {row} "
                    f"are {low[row]:g} and {high[row]:g}. Correct one of them."
                )
        read[name] = (narrow[0], narrow[1])
    return read


def limits_within_bounds(store: ColumnStore, bounds: Mapping[str, Interval]) -> ColumnStore:
    """Let the limits of cells end at the bounds of their column.

    Parameters
    ----------
    store : ColumnStore
        The data, with limits.
    bounds : mapping of str to (float, float)
        Bounds that `read_bounds` gave.

    Returns
    -------
    ColumnStore
        The data, with limits that lie within the bounds.
    """
    changed = {}
    for name, (lower, upper) in bounds.items():
        column = store.columns[name]
        if column.limits is not None:
            limited = column.is_limited
            changed[name] = column.with_limits(
                np.where(limited, np.maximum(column.limits[0], lower), -np.inf),
                np.where(limited, np.minimum(column.limits[1], upper), np.inf),
            )
    return store.with_columns(changed)


def read_limits(store: ColumnStore, limits: object) -> ColumnStore:
    """Let cells be known by their limits.

    Parameters
    ----------
    store : ColumnStore
        The data.
    limits : mapping of str to (lower, upper)
        What the user gave: for each column two arrays of shape (n_rows,), or numbers for missing
        cells, or None for no limit on one side. NaN and infinities stand for no limit.

    Returns
    -------
    ColumnStore
        In which cells with limits count as missing.

    Raises
    ------
    SpecificationError
        If they are of another form, name no continuous column, are in the wrong order, or exclude
        the recorded value of a cell.
    """
    changed = {}
    for name, pair in _pairs("limits", store, limits).items():
        lower, upper = (
            _limit(name, side, end, store) for side, end in zip(pair, (-1, 1), strict=True)
        )
        if np.isfinite(lower).any() or np.isfinite(upper).any():
            changed[name] = _with_limits(store.columns[name], lower, upper)
    _check_names(store, changed)
    return store.with_columns(changed)


def _with_limits(column: Column, lower: Values, upper: Values) -> Column:
    limited = np.isfinite(lower) | np.isfinite(upper)
    recorded = column.values  # noqa: PD011
    narrow = _narrowed(column, lower, upper)
    reasons = (
        (
            ~(lower < upper),
            "expected the lower one to be smaller. A value that is known exactly belongs in the "
            "column",
        ),
        (
            (recorded < lower) | (recorded > upper),
            "the value recorded there lies outside. Correct one of them",
        ),
        (~(narrow[0] < narrow[1]), "the column holds whole numbers, and none lies between them"),
    )
    for wrong, reason in reasons:
        rows = np.flatnonzero(limited & wrong)
        if len(rows):
            raise SpecificationError(
                f"limits of {column.name!r} in row {rows[0]} are {lower[rows[0]]:g} and "
                f"{upper[rows[0]]:g}; {reason}."
            )
    return column.with_limits(*narrow)


def _check_names(store: ColumnStore, limited: Mapping[str, Column]) -> None:
    taken = set(store.columns)
    for column in limited:
        for name in limit_names(column):
            if name in taken:
                raise SpecificationError(
                    f"limits names {column!r}, whose limits are called {name!r} in the tree of "
                    "results, which is the name of something else. Rename one of the columns."
                )
            taken.add(name)


def _narrowed(column: Column, lower: Values, upper: Values) -> tuple[Values, Values]:
    """Let numbers be rounded without leaving an interval, in a column of whole numbers."""
    if not column.is_integer:
        return lower, upper
    least = np.nextafter(np.ceil(lower) - 0.5, np.inf)
    most = np.nextafter(np.floor(upper) + 0.5, -np.inf)
    return (
        np.where(np.isfinite(lower), np.maximum(lower, least), lower),
        np.where(np.isfinite(upper), np.minimum(upper, most), upper),
    )


def _pairs(argument: str, store: ColumnStore, given: object) -> dict[str, tuple[Any, Any]]:
    if not isinstance(given, Mapping):
        raise SpecificationError(
            f"{argument} is {type(given).__name__}; expected a mapping from column names to "
            "(lower, upper)."
        )
    pairs = {}
    for key, pair in given.items():
        name = str(key)
        if name not in store.columns:
            raise SpecificationError(
                f"{argument} names {name!r}, which is not a column of data. Columns: "
                f"{', '.join(store.columns)}."
            )
        if store.columns[name].scale is not Scale.CONTINUOUS:
            raise SpecificationError(
                f"{argument} names {name!r}, which is {store.columns[name].scale}; only continuous "
                "columns have them."
            )
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise SpecificationError(
                f"{argument} of {name!r} is {pair!r:.80}; expected a pair (lower, upper), with "
                "None for no limit on one side."
            )
        pairs[name] = (pair[0], pair[1])
    return pairs


def _bound(name: str, value: object, end: int) -> float:
    expected = "a number or None; limits of single cells belong into limits="
    number = _number(f"A bound of {name!r}", value, end, expected)
    if np.isnan(number):
        raise SpecificationError(f"A bound of {name!r} is NaN; expected {expected}.")
    return number


def _number(what: str, value: object, end: int, expected: str) -> float:
    if value is None:
        return end * np.inf
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise SpecificationError(f"{what} is {value!r:.80}; expected {expected}.")
    return float(value)


def _limit(name: str, value: Any, end: int, store: ColumnStore) -> NDArray[np.float64]:
    column = store.columns[name]
    if value is None or np.ndim(value) == 0:
        expected = "a number for all missing cells, one number per row, or None"
        number = _number(f"A limit of {name!r}", value, end, expected)
        return np.where(column.observed | ~np.isfinite(number), end * np.inf, number)
    if isinstance(value, pd.Series) and not value.index.equals(store.frame.index):
        raise SpecificationError(
            f"A limit of {name!r} is a Series whose index differs from that of data. Give it "
            "the same rows in the same order."
        )
    try:
        array = pd.array(value, dtype="Float64").to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise SpecificationError(
            f"A limit of {name!r} cannot be read as numbers: {error}. Expected one number per row, "
            "NaN for no limit."
        ) from error
    if array.shape != (store.n_rows,):
        raise SpecificationError(
            f"A limit of {name!r} has shape {array.shape}; expected one number per row, "
            f"({store.n_rows},)."
        )
    return np.where(np.isfinite(array), array, end * np.inf)

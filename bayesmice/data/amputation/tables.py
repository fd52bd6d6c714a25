"""Patterns and weights of `ampute` as tables with a row per pattern and a column per column."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmice.errors import SpecificationError

Matrix = NDArray[np.float64]
Flags = NDArray[np.bool_]


def read_patterns(patterns: Any, names: Sequence[str]) -> Flags:
    """Read what each pattern makes missing.

    Parameters
    ----------
    patterns : None, sequence, array-like or DataFrame
        As a user gives them to `ampute`.
    names : sequence of str
        The columns of the data.

    Returns
    -------
    ndarray of bool, of shape (n_patterns, n_columns)
        True for missing. A pattern may make nothing missing.

    Raises
    ------
    SpecificationError
        If a pattern is not made of columns of the data, or of zeros and ones.
    """
    if patterns is None:
        return np.eye(len(names), dtype=bool)
    if _has_names(patterns):
        return np.stack([_read_named(pattern, names) for pattern in patterns])
    kept = _read_table("patterns", patterns, names, absent=1.0)
    odd = ~np.isin(kept, (0, 1))
    if odd.any():
        i, j = np.argwhere(odd)[0].tolist()
        raise SpecificationError(
            f"patterns holds {kept[i, j]:g} for {names[j]!r} in pattern {i} (counted from 0); "
            "expected 0 for a column that the pattern makes missing, and 1 for one that it keeps."
        )
    return np.asarray(kept == 0)


def _has_names(patterns: Any) -> bool:
    """Tell whether patterns are given by the names of columns rather than by zeros and ones."""
    if isinstance(patterns, str | np.ndarray) or not isinstance(patterns, Sequence):
        return False
    return any(
        isinstance(pattern, str)
        or (isinstance(pattern, Sequence) and any(isinstance(name, str) for name in pattern))
        for pattern in patterns
    )


def _read_named(pattern: Any, names: Sequence[str]) -> Flags:
    wanted = [pattern] if isinstance(pattern, str) else [str(name) for name in pattern]
    _check_known("patterns", wanted, names)
    return np.isin(names, wanted)


def read_weights(weights: Any, holes: Flags, mechanism: str, names: Sequence[str]) -> Matrix:
    """Read the weights of columns in the scores of each pattern.

    Parameters
    ----------
    weights : None, array-like or DataFrame
        As a user gives them to `ampute`.
    holes : ndarray of bool, of shape (n_patterns, n_columns)
        What each pattern makes missing.
    mechanism : str
        "MAR", "MNAR" or "MCAR".
    names : sequence of str
        The columns of the data.

    Returns
    -------
    ndarray of shape (n_patterns, n_columns)
        Weights; zeros for MCAR.

    Raises
    ------
    SpecificationError
        If they have the wrong shape, or do not agree with the mechanism.
    """
    if mechanism == "MCAR":
        if weights is not None:
            raise SpecificationError(
                "mechanism is 'MCAR', where holes depend on nothing, but weights were given. Leave "
                "them out, or say 'MAR' or 'MNAR'."
            )
        return np.zeros(holes.shape)
    if weights is None:
        table = (holes if mechanism == "MNAR" else ~holes).astype(float)
    else:
        table = _read_table("weights", weights, names, absent=0.0)
    if len(table) != len(holes):
        raise SpecificationError(
            f"weights has {len(table)} rows, and there are {len(holes)} patterns; expected one row "
            "for each."
        )
    for i in np.flatnonzero(holes.any(axis=1)).tolist():
        _check_weights(i, table[i], holes[i], mechanism, names)
    return table


def _check_weights(
    i: int, weights: Matrix, holes: Flags, mechanism: str, names: Sequence[str]
) -> None:
    if mechanism == "MAR" and holes.all():
        raise SpecificationError(
            f"Pattern {i} (counted from 0) makes all columns missing, so under mechanism 'MAR' no "
            "value is left that holes could depend on. Say 'MNAR' or 'MCAR', or keep a column."
        )
    inside = [repr(names[j]) for j in np.flatnonzero(holes & (weights != 0)).tolist()]
    if mechanism == "MAR" and inside:
        raise SpecificationError(
            f"mechanism is 'MAR', but weights of pattern {i} (counted from 0) are not zero for "
            f"{', '.join(inside)}, which it makes missing. Set them to zero, or say "
            "mechanism='MNAR'."
        )
    if not weights.any():
        raise SpecificationError(
            f"All weights of pattern {i} (counted from 0) are zero, so that nothing decides which "
            "rows get holes. Give a column weight, or say mechanism='MCAR'."
        )


def _read_table(argument: str, given: Any, names: Sequence[str], absent: float) -> Matrix:
    """Arrange numbers in the columns of the data; a frame need not have all of them."""
    if not isinstance(given, pd.DataFrame):
        table = np.atleast_2d(read_numbers(argument, given))
        if table.ndim != 2 or table.shape[1] != len(names) or len(table) == 0:
            raise SpecificationError(
                f"{argument} has shape {np.shape(given)}; expected one row per pattern and "
                f"{len(names)} columns, one for each of {', '.join(names)}."
            )
        return table
    labels = [str(label) for label in given.columns]
    _check_known(argument, labels, names)
    if len(set(labels)) < len(labels) or len(given) == 0:
        raise SpecificationError(
            f"{argument} is a frame with {len(given)} rows and the columns {', '.join(labels)}; "
            "expected one row per pattern, and no column twice."
        )
    table = np.full((len(given), len(names)), absent)
    table[:, [names.index(label) for label in labels]] = read_numbers(argument, given)
    return table


def _check_known(argument: str, wanted: Sequence[str], names: Sequence[str]) -> None:
    for name in wanted:
        if name not in names:
            raise SpecificationError(
                f"{argument} names {name!r}, which is not a column of data. Columns: "
                f"{', '.join(names)}."
            )


def read_numbers(argument: str, given: Any) -> Matrix:
    """Read finite numbers.

    Parameters
    ----------
    argument : str
        Its name, for the error.
    given : array-like
        What a user gave.

    Returns
    -------
    ndarray
        The numbers, in the shape they have.

    Raises
    ------
    SpecificationError
        If they are not all finite numbers, or rows differ in length.
    """
    try:
        numbers = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        numbers = np.array(np.nan)
    if not np.isfinite(numbers).all():
        raise SpecificationError(
            f"{argument} is {given!r:.200}; expected finite numbers, in rows of equal length."
        )
    return numbers

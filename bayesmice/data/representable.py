"""What floating point and text can hold: sizes of numbers, and strings that can be written."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from bayesmice.errors import DataError

LARGEST = 1e75
"""Fourth powers, as in the variance of a variance, of numbers up to here are finite."""

NAMES_OF_FOLDERS = frozenset({".", "..", ".zarray", ".zattrs", ".zgroup", ".zmetadata"})
NO_TEXT = "a null character or half of a surrogate pair"


def check_size(name: str, values: NDArray[np.float64]) -> None:
    """Check that variances, and their squares, can be computed from the numbers of a column.

    Parameters
    ----------
    name : str
        The column.
    values : ndarray of shape (n_rows,)
        Its numbers; NaN where missing, at least one observed.

    Raises
    ------
    DataError
        If they are too large, or differ by too little.
    """
    observed = values[~np.isnan(values)]
    largest, spread = np.abs(observed).max(), np.ptp(observed)
    if largest > LARGEST:
        size = f"numbers as large as {largest:.3g}"
    elif 0 < spread < 1 / LARGEST:
        size = f"numbers that differ by {spread:.3g} at most"
    else:
        return
    raise DataError(
        f"Column {name!r} holds {size}; expected numbers up to {LARGEST:g} that are equal or "
        f"differ by more than {1 / LARGEST:g}, so that variances and their squares can be "
        "computed. Express it in other units."
    )


def check_name(name: str) -> None:
    """Check that the name of a column can be written as text.

    Parameters
    ----------
    name : str
        The name.

    Raises
    ------
    DataError
        If it is no Unicode text, or a part of a path.
    """
    if not _is_text(name):
        raise DataError(
            f"data has a column named {name!r}, which holds {NO_TEXT} and cannot be written as "
            "text. Rename it."
        )
    if name in NAMES_OF_FOLDERS or "\\" in name:
        raise DataError(
            f"data has a column named {name!r}, which stands for something else in the folders "
            "that a run can be saved to. Rename it."
        )


def check_levels(name: str, levels: Iterable[object]) -> None:
    """Check that the levels of a column can be written as text.

    Parameters
    ----------
    name : str
        The column.
    levels : iterable of object
        Its observed levels.

    Raises
    ------
    DataError
        If a string among them is no Unicode text.
    """
    for level in levels:
        if isinstance(level, str) and not _is_text(level):
            raise DataError(
                f"Column {name!r} holds {level!r:.60}, which holds {NO_TEXT} and cannot be written "
                "as text. Decode the data with the encoding that they were written in."
            )


def _is_text(text: str) -> bool:
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False

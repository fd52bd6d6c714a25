"""Supports: which values a family can describe."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Support:
    """The set of values that a distribution can take.

    Attributes
    ----------
    text : str
        The set in words, such as ``"greater than 0"``.
    contains : callable
        From values to an array of booleans.
    is_discrete : bool
        Whether its values are whole numbers.
    """

    text: str
    contains: Callable[[Values], NDArray[np.bool_]]
    is_discrete: bool = False


def _is_whole(values: Values) -> NDArray[np.bool_]:
    return np.asarray(values == np.rint(values))


REAL = Support("any number", np.isfinite)
POSITIVE = Support("greater than 0", lambda values: values > 0)
NONNEGATIVE = Support("0 or greater", lambda values: values >= 0)
UNIT_INTERVAL = Support("strictly between 0 and 1", lambda values: (values > 0) & (values < 1))
ANGLES = Support(
    "angles in radians from -pi to pi", lambda values: (values >= -np.pi) & (values <= np.pi)
)
COUNTS = Support(
    "whole numbers of at least 0", lambda values: (values >= 0) & _is_whole(values), True
)
CODES = Support("levels", lambda values: (values >= 0) & _is_whole(values), True)

SUPPORTS: Mapping[str, Support] = {
    "real": REAL,
    "positive": POSITIVE,
    "nonnegative": NONNEGATIVE,
    "unit_interval": UNIT_INTERVAL,
    "angles": ANGLES,
    "counts": COUNTS,
}
"""What a user may call them."""

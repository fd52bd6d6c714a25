"""Matching parameters by their names."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

import pandas as pd

from bayesmice.errors import PoolingError


def positions(labels: Iterable[Hashable], names: Sequence[Hashable], what: str) -> list[int]:
    """Find where each name stands among the labels.

    Parameters
    ----------
    labels : iterable of hashable
        The labels to be reordered.
    names : sequence of hashable
        The names of the parameters, in the order that is wanted.
    what : str
        What is labelled, for the error.

    Returns
    -------
    list of int
        One position per name.

    Raises
    ------
    PoolingError
        If the labels are not the names, each as often as the other.

    Examples
    --------
    >>> positions(["age", "bmi"], ["bmi", "age"], what="The covariance")
    [1, 0]
    """
    labels = list(labels)
    if Counter(labels) != Counter(names):
        raise PoolingError(
            f"{what} is labelled {labels}, and the parameters are {list(names)}. "
            f"Label both with the same names, or leave out its labels."
        )
    place = {label: position for position, label in enumerate(labels)}
    return [place[name] for name in names]


def labels(values: object) -> tuple[Hashable, ...]:
    """Give the labels of the rows of a Series or DataFrame, and nothing for anything else.

    Examples
    --------
    >>> labels(pd.Series({"age": 1.0})), labels([1.0])
    (('age',), ())
    """
    return tuple(values.index) if isinstance(values, pd.Series | pd.DataFrame) else ()

"""The design: which number stands for which column in the linear predictors of all regressions.

There is one design for the whole data set. Every regression uses it and leaves out what it does not
use, so that all targets of one family share one compiled program. What a column's encoding learns
(centers, units, levels) is learned once, from the observed data.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayesmice.data import Column, ColumnStore, Scale


@dataclass(frozen=True, eq=False)
class Encoding:
    """How one column enters the design.

    Attributes
    ----------
    column : str
        Name of the data column.
    names : tuple of str
        One name per design column: the column's own name, or ``hyp[T.yes]`` for an indicator of a
        level.
    centers : ndarray of shape (width,)
        Means of the design columns over the observed rows; they are subtracted.
    units : ndarray of shape (width,)
        The step that a default prior calls one unit: the standard deviation of a continuous column,
        1 for an indicator.
    table : ndarray of shape (n_levels, width) or None
        Centered design row of each level; None for a continuous column.
    """

    column: str
    names: tuple[str, ...]
    centers: NDArray[np.float64]
    units: NDArray[np.float64]
    table: NDArray[np.float64] | None

    def encode(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Encode values or codes of shape (...,) as centered columns of shape (..., width)."""
        if self.table is None:
            return values[..., None] - self.centers
        return self.table[values.astype(np.intp)]


@dataclass(frozen=True, eq=False)
class Design:
    """The encodings of all columns, side by side.

    Attributes
    ----------
    encodings : mapping of str to Encoding
        By column name; constant columns and identifiers have none, since they can predict nothing.
    """

    encodings: Mapping[str, Encoding]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of all design columns."""
        return tuple(name for encoding in self.encodings.values() for name in encoding.names)

    @property
    def width(self) -> int:
        """Number of design columns."""
        return len(self.names)

    @cached_property
    def centers(self) -> NDArray[np.float64]:
        """What was subtracted from each design column, of shape (width,)."""
        return _joined([encoding.centers for encoding in self.encodings.values()])

    @cached_property
    def units(self) -> NDArray[np.float64]:
        """The unit of each design column, of shape (width,)."""
        return _joined([encoding.units for encoding in self.encodings.values()])

    @cached_property
    def slices(self) -> Mapping[str, slice]:
        """Which design columns belong to each data column."""
        ends = np.cumsum([len(encoding.names) for encoding in self.encodings.values()])
        return {
            name: slice(int(end) - len(encoding.names), int(end))
            for (name, encoding), end in zip(self.encodings.items(), ends, strict=True)
        }

    def included(self, columns: tuple[str, ...]) -> NDArray[np.bool_]:
        """Mark the design columns, of shape (width,), that belong to the given data columns."""
        marks = np.zeros(self.width, dtype=bool)
        for column in columns:
            marks[self.slices[column]] = True
        return marks


def learn_design(store: ColumnStore) -> Design:
    """Learn how each column that varies enters linear predictors.

    Parameters
    ----------
    store : ColumnStore
        The data.

    Returns
    -------
    Design
        Continuous columns and 0/1 columns enter as they are, others as indicators of every level
        but the first (treatment coding); all centered at their observed means.
    """
    return Design(
        {
            name: learn_encoding(column)
            for name, column in store.columns.items()
            if not column.is_constant and not column.is_identifier
        }
    )


def learn_encoding(column: Column) -> Encoding:
    """Learn the encoding of one column that has at least two different observed values."""
    observed = column.known_values
    if column.scale is Scale.CONTINUOUS:
        return Encoding(
            column.name,
            (column.name,),
            np.array([observed.mean()]),
            np.array([observed.std(ddof=1)]),
            None,
        )
    n_levels = len(column.levels)
    indicators = np.eye(n_levels)[:, 1:]
    centers = indicators[observed.astype(np.intp)].mean(axis=0)
    names = (
        (column.name,)
        if column.has_number_levels
        else tuple(f"{column.name}[T.{level}]" for level in column.levels[1:])
    )
    return Encoding(column.name, names, centers, np.ones(n_levels - 1), indicators - centers)


def _joined(parts: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.concatenate(parts) if parts else np.zeros(0)

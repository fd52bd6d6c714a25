"""Tables of a page: text to be shown, and what their columns are sorted by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes
    ----------
    text : str
        What is shown.
    sort : str
        What it is sorted by: a number as text, or the text.
    is_number : bool
        Whether it is a number, which stands on the right.
    """

    text: str
    sort: str
    is_number: bool


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes
    ----------
    caption : str
        What it shows.
    head : sequence of str
        Names of its columns.
    rows : sequence of sequence of Cell
        Its rows.
    is_filtered : bool
        Whether a page offers to filter its rows by their text.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    is_filtered: bool = False

    def is_number(self, position: int) -> bool:
        """Tell whether a column holds numbers only."""
        return bool(self.rows) and all(row[position].is_number for row in self.rows)


MANY_ROWS = 10
"""From here on a page offers to filter rows."""


def table(caption: str, frame: pd.DataFrame, names: Mapping[str, str] | None = None) -> Table:
    """Make a table of a data frame's columns.

    Parameters
    ----------
    caption : str
        What it shows.
    frame : DataFrame
        The values; the index is not shown.
    names : mapping of str to str, optional
        What columns are called on the page.
    """
    called = names or {}
    return Table(
        caption,
        [called.get(str(name), str(name)) for name in frame.columns],
        [[cell(value) for value in row] for row in frame.itertuples(index=False)],
        len(frame) > MANY_ROWS,
    )


def cell(value: Any) -> Cell:
    """Show a value: numbers with four digits, what is not defined as a dash."""
    if isinstance(value, Cell):
        return value
    if isinstance(value, bool | np.bool_):
        value = "yes" if value else "no"
    if not isinstance(value, int | float | np.number):
        return Cell(str(value), str(value), False)
    if not np.isfinite(float(value)):
        return Cell("–" if np.isnan(float(value)) else "infinite", str(float(value)), True)
    whole = isinstance(value, int | np.integer)
    return Cell(number(int(value) if whole else float(value)), repr(float(value)), True)


def share(value: float) -> Cell:
    """Show a share as percent."""
    return Cell(percent(value), repr(value), True)


def number(value: float) -> str:
    """Write a number with four digits; whole numbers with all of theirs, in groups of three."""
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def percent(share: float) -> str:
    """Write a share as percent; one that is small but not zero never as zero."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    return f"{100 * share:.1f} %"

"""Hiding observed cells, so that what is imputed there can be compared with what was observed."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from bayesmice.data.columns import Column, ColumnStore

Rows = NDArray[np.intp]


def hideable_rows(column: Column, among: Rows, share: float, rng: Generator) -> Rows:
    """Choose observed cells of a column that a model can do without.

    Parameters
    ----------
    column : Column
        The column.
    among : ndarray of shape (n_group,)
        Positions of the rows that one model learns from.
    share : float
        Which share of the cells to hide, of those that the model learns from.
    rng : Generator
        Where chance comes from.

    Returns
    -------
    ndarray of shape (n_hidden,)
        Positions, ascending. At least one, and the share rounded to a whole number, if so many can
        be hidden: every level keeps one cell, and numbers keep two different values.
    """
    rows = among[column.fitted[among]]
    values, codes, counts = np.unique(
        column.values[rows],
        return_inverse=True,
        return_counts=True,
    )
    least = len(values) if column.levels else 2
    wanted = max(round(share * len(rows)), 1)
    hidden: list[int] = []
    n_left = len(values)
    for place in rng.permutation(len(rows)):
        if len(hidden) == wanted:
            break
        is_last = counts[codes[place]] == 1
        if is_last and n_left <= least:
            continue
        n_left -= int(is_last)
        counts[codes[place]] -= 1
        hidden.append(int(rows[place]))
    return np.sort(np.array(hidden, dtype=np.intp))


def with_hidden_cells(store: ColumnStore, hidden: Mapping[str, Rows]) -> ColumnStore:
    """Let cells count as missing, and want no imputations but theirs.

    Parameters
    ----------
    store : ColumnStore
        The data.
    hidden : mapping of str to ndarray of shape (n_hidden,)
        Positions of the cells to hide, by column.

    Returns
    -------
    ColumnStore
        Whose columns lack them. The frame still has them: whoever completes it fills them.
    """
    return store.with_columns(
        {name: _without(column, hidden.get(name)) for name, column in store.columns.items()}
    )


def _without(column: Column, rows: Rows | None) -> Column:
    wanted = np.zeros(len(column.values), dtype=bool)
    if rows is None or not len(rows):
        return replace(column, where=wanted)
    wanted[rows] = True
    return replace(
        column,
        values=np.where(wanted, np.nan, column.values),
        where=wanted,
    )

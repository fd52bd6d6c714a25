"""Columns as a command line describes them: missing words, ordered levels, identifiers."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from bayesmice.commands.failures import CommandError

MANY_TEXTS = 20
"""A column of at least so many texts that are all different is an identifier."""


def without_words(frame: pd.DataFrame, words: Sequence[str]) -> pd.DataFrame:
    """Let cells that hold one of the words be missing."""
    numbers = [number for word in words if (number := _number(word)) is not None]
    for name, column in frame.items():
        if pd.api.types.is_bool_dtype(column.dtype):
            continue
        if pd.api.types.is_numeric_dtype(column.dtype):
            is_word = column.isin(numbers)
        else:
            is_word = column.astype(object).map(lambda cell: str(cell) in words).astype(bool)
        if is_word.any():
            frame[name] = column.mask(is_word)
            if isinstance(column.dtype, pd.CategoricalDtype):
                frame[name] = frame[name].cat.remove_unused_categories()
    return frame


def in_order(frame: pd.DataFrame, orders: Iterable[tuple[str, Sequence[str]]]) -> pd.DataFrame:
    """Let the levels of columns have an order: the one given, or the one of the file."""
    for name, levels in orders:
        frame[name] = _ordered(name, frame[name], levels)
    return frame


def _ordered(name: str, column: "pd.Series[Any]", levels: Sequence[str]) -> "pd.Series[Any]":
    is_number = pd.api.types.is_numeric_dtype(column.dtype)
    has_labels = isinstance(column.dtype, pd.CategoricalDtype)
    if not levels:
        if has_labels:
            return column.cat.as_ordered()
        if not is_number:
            raise CommandError(
                f"Column {name!r} holds texts, whose order is not known: give --ordered "
                f"{name}=low<middle<high, with its own levels."
            )
        return column.astype(pd.CategoricalDtype(sorted(column.dropna().unique()), ordered=True))
    if is_number:
        raise CommandError(
            f"Column {name!r} holds numbers, which have an order: give --ordered {name}."
        )
    texts = column.astype(object)
    unknown = [level for level in texts.dropna().unique() if level not in levels]
    if unknown:
        raise CommandError(
            f"--ordered {name}={'<'.join(levels)} lacks {', '.join(map(repr, unknown))}."
        )
    return texts.astype(pd.CategoricalDtype(list(levels), ordered=True))


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


def check_texts(frame: pd.DataFrame) -> None:
    """Refuse a column of identifiers: as a category of as many levels as rows it is of no use."""
    for name, column in frame.items():
        known = column.dropna()
        is_text = known.map(lambda cell: isinstance(cell, str)).all()
        if is_text and len(known) >= MANY_TEXTS and known.is_unique:
            raise CommandError(
                f"Column {name!r} has {len(known)} texts that are all different. If they identify "
                f"rows, give --id {name}; if they are dates, --dates {name}; otherwise --leave-out "
                f"{name}."
            )

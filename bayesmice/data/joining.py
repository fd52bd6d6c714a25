"""Joining columns of several data sets, by rows or as the same column read in several ways."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from bayesmice.data.columns import Column, Mask, Values, recode
from bayesmice.data.scales import Scale
from bayesmice.data.times import Origin, days_since


def common_terms(parts: Sequence[Column], dtype: Any) -> list[Column]:
    """Read the same column of several data sets in the same terms.

    Parameters
    ----------
    parts : sequence of Column
        The column in each data set.
    dtype : pandas or numpy dtype
        What holds all of their values.

    Returns
    -------
    list of Column
        The same columns, whose codes count the levels of all. Where one of them holds numbers, all
        do: two numbers are levels where nothing but them was observed.
    """
    origins = [part.origin for part in parts if part.origin is not None]
    if origins:
        return [_from(min(origins), part) for part in parts]
    levels = _common_levels(parts, dtype)
    scale = parts[0].scale if parts[0].levels == levels else _scale(levels, dtype)
    is_integer = bool(types.is_integer_dtype(dtype))
    terms = replace(parts[0], scale=scale, levels=levels, is_integer=is_integer)
    return [
        replace(
            part,
            scale=scale,
            levels=levels,
            is_integer=is_integer,
            values=recode(part.values, part, terms),
        )
        for part in parts
    ]


def _from(origin: Origin, part: Column) -> Column:
    """Count the days of a column of times from another day."""
    if part.origin is None:
        return part
    (later,) = days_since(pd.Series([part.origin]), origin)
    return replace(part, values=part.values + later, origin=origin)  # noqa: PD011


def _common_levels(parts: Sequence[Column], dtype: Any) -> tuple[object, ...]:
    union = {level for part in parts for level in part.levels}
    if isinstance(dtype, pd.CategoricalDtype):
        return tuple(level for level in dtype.categories.tolist() if level in union)
    is_number = types.is_numeric_dtype(dtype) and not types.is_bool_dtype(dtype)
    if is_number and not (len(union) == 2 and all(part.levels for part in parts)):
        return ()
    return tuple(sorted(union, key=lambda level: (isinstance(level, str), level)))


def _scale(levels: tuple[object, ...], dtype: Any) -> Scale:
    if not levels:
        return Scale.CONTINUOUS
    if len(levels) == 2 or types.is_bool_dtype(dtype):
        return Scale.BINARY
    is_ordered = isinstance(dtype, pd.CategoricalDtype) and dtype.ordered
    return Scale.ORDINAL if is_ordered else Scale.NOMINAL


def below_each_other(parts: Sequence[Column]) -> Column:
    """Join the rows of columns that are read in the same terms.

    Parameters
    ----------
    parts : sequence of Column
        What `common_terms` gave.

    Returns
    -------
    Column
        Its rows are those of the first part, then those of the second, and so on.
    """
    return replace(
        parts[0],
        values=np.concatenate([part.values for part in parts]),  # noqa: PD011
        limits=_limits(parts),
        where=_where(parts),
        weights=_weights(parts),
    )


def _limits(parts: Sequence[Column]) -> tuple[Values, Values] | None:
    if not any(part.has_limits for part in parts):
        return None
    ends = []
    for side, nothing in enumerate((-np.inf, np.inf)):
        ends.append(
            np.concatenate(
                [
                    np.full(len(part.values), nothing) if part.limits is None else part.limits[side]
                    for part in parts
                ]
            )
        )
    return ends[0], ends[1]


def _where(parts: Sequence[Column]) -> Mask | None:
    if all(part.where is None for part in parts):
        return None
    return np.concatenate([~part.observed if part.where is None else part.where for part in parts])


def _weights(parts: Sequence[Column]) -> Values | None:
    if all(part.weights is None for part in parts):
        return None
    return np.concatenate([part.row_weights for part in parts])

"""Make holes in complete data, for simulation studies: van Buuren's multivariate amputation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, overload

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray
from pandas.api import types

from bayesmice.arguments import random_generator
from bayesmice.data.amputation.chances import Groups, score_rows
from bayesmice.data.amputation.plan import Plan, read_plan
from bayesmice.data.checks import check_table, column_names
from bayesmice.data.columns import level_codes, observed_levels
from bayesmice.data.libraries import AnyFrame, read_data
from bayesmice.errors import DataError, SpecificationError, warn_caller

Matrix = NDArray[np.float64]
Flags = NDArray[np.bool_]
Positions = NDArray[np.int64]
Patterns = ArrayLike | pd.DataFrame | Sequence[str | Sequence[str]]
Mechanism = Literal["MAR", "MNAR", "MCAR"]
Kind = Literal["RIGHT", "LEFT", "MID", "TAIL"]


@dataclass(frozen=True)
class Amputation:
    """What `ampute` did, and with which probabilities: the answer to ``details=True``.

    Attributes
    ----------
    data : DataFrame of shape (n_rows, n_columns)
        The data with holes.
    rows : DataFrame of shape (n_rows, 4)
        What happened to each row: ``pattern``, the pattern that it could get (counted from 0, in
        the order of ``patterns``); ``score``, its standardized weighted sum among the rows of that
        pattern (NaN for MCAR); ``probability`` of getting holes; and ``amputed``, whether it did.
    patterns : DataFrame of int, of shape (n_patterns, n_columns)
        0 for what a pattern makes missing, 1 for what it keeps. Patterns that keep all are left
        out.
    frequencies : ndarray of shape (n_patterns,)
        Share of the rows that could get each pattern.
    weights : DataFrame of shape (n_patterns, n_columns)
        Weights of the columns in the scores; zeros for MCAR.
    proportion : float
        Expected share of rows with holes.
    """

    data: AnyFrame
    rows: pd.DataFrame
    patterns: pd.DataFrame
    frequencies: Matrix
    weights: pd.DataFrame
    proportion: float


@overload
def ampute(
    data: AnyFrame,
    proportion: float = ...,
    mechanism: Mechanism = ...,
    patterns: Patterns | None = ...,
    weights: ArrayLike | pd.DataFrame | None = ...,
    type: Kind | Sequence[Kind] = ...,
    frequencies: ArrayLike | None = ...,
    *,
    odds: Sequence[float] | Sequence[Sequence[float]] | None = ...,
    standardize: bool = ...,
    proportion_of: Literal["rows", "cells"] = ...,
    details: Literal[False] = ...,
    random_seed: int | Generator | None = ...,
) -> AnyFrame: ...


@overload
def ampute(
    data: AnyFrame,
    proportion: float = ...,
    mechanism: Mechanism = ...,
    patterns: Patterns | None = ...,
    weights: ArrayLike | pd.DataFrame | None = ...,
    type: Kind | Sequence[Kind] = ...,
    frequencies: ArrayLike | None = ...,
    *,
    odds: Sequence[float] | Sequence[Sequence[float]] | None = ...,
    standardize: bool = ...,
    proportion_of: Literal["rows", "cells"] = ...,
    details: Literal[True],
    random_seed: int | Generator | None = ...,
) -> Amputation: ...


def ampute(
    data: AnyFrame,
    proportion: float = 0.5,
    mechanism: Mechanism = "MAR",
    patterns: Patterns | None = None,
    weights: ArrayLike | pd.DataFrame | None = None,
    type: Kind | Sequence[Kind] = "RIGHT",
    frequencies: ArrayLike | None = None,
    *,
    odds: Sequence[float] | Sequence[Sequence[float]] | None = None,
    standardize: bool = True,
    proportion_of: Literal["rows", "cells"] = "rows",
    details: bool = False,
    random_seed: int | Generator | None = None,
) -> AnyFrame | Amputation:
    r"""Make holes in complete data, as R's ``ampute`` does.

    Each row is given one of the patterns at random, and then gets the holes of that pattern or
    stays whole. How likely it gets them depends on its score, a weighted sum of its values [1]_.

    Parameters
    ----------
    data : DataFrame of shape (n_rows, n_columns)
        Data without a missing cell. Never changed.
    proportion : float, default 0.5
        Expected share of rows that get holes, from 0 to 1.
    mechanism : {"MAR", "MNAR", "MCAR"}, default "MAR"
        What the chance of holes depends on: values that the pattern keeps, values that it makes
        missing, or nothing. It chooses the default weights.
    patterns : optional
        What can be missing together. Either names, one element per pattern: ``["bmi", ["bmi",
        "chl"]]`` has a pattern that makes ``bmi`` missing, and one that makes both missing. Or an
        array-like of shape (n_patterns, n_columns), 0 for missing and 1 for kept; or a DataFrame of
        that kind, whose columns are found by name, and which keeps columns that it does not name.
        By default there is one pattern for each column, in which it alone is missing.
    weights : array-like or DataFrame of shape (n_patterns, n_columns), optional
        Weights of the columns in the score of each pattern; a DataFrame finds columns by name, and
        gives those that it does not name zero. Default: 1 for all columns that the pattern keeps
        (MAR) or makes missing (MNAR), 0 for the others.
    type : {"RIGHT", "LEFT", "MID", "TAIL"} or a sequence of them, default "RIGHT"
        Which scores get holes most often: high ones, low ones, those in the middle, or those at
        both ends. One for all patterns, or one for each.
    frequencies : array-like of shape (n_patterns,), optional
        Relative frequency of each pattern; they need not sum to one. Equal by default.
    odds : sequence of float, or one such sequence per pattern, optional
        Instead of ``type``: cut the scores of a pattern at quantiles into as many groups as there
        are numbers, and make holes in the groups with these relative probabilities. ``(1, 2, 3,
        4)`` is what R does with ``cont = FALSE``.
    standardize : bool, default True
        Whether columns are standardized before they are weighed, so that weights do not depend on
        units. Over the rows of the pattern.
    proportion_of : {"rows", "cells"}, default "rows"
        Whether ``proportion`` is the share of rows with holes, or of missing cells.
    details : bool, default False
        Whether to return the probabilities and patterns too.
    random_seed : int or numpy Generator, optional
        Seed of the draws, or where they come from. Each call differs without one.

    Returns
    -------
    DataFrame of shape (n_rows, n_columns)
        A copy of the data with holes, index and column order as they were. Whole numbers and
        booleans that can get holes become the nullable types ``Int64`` and ``boolean``, which stay
        whole numbers and booleans. With ``details=True`` an `Amputation` instead, whose ``data`` is
        this frame.

    Raises
    ------
    DataTypeError
        If ``data`` is not a DataFrame.
    DataError
        If the data have missing cells, or a column with a weight has no number to weigh.
    SpecificationError
        If the proportion is not from 0 to 1 or cannot be reached, if patterns, weights,
        frequencies, types or odds do not match each other or the data, or if the mechanism is MAR
        and weights or patterns say otherwise.

    Warns
    -----
    UserWarning
        If all rows of a pattern (three or more) have the same score, so that nothing decides
        between them.

    See Also
    --------
    missing_pattern : The patterns of data with holes.
    bayesmice.testing.simulate : Repeats a whole study.

    Notes
    -----
    With z the score of a row, standardized over the rows that were given the same pattern, a row
    gets holes with log odds :math:`b + z` (RIGHT), :math:`b - z` (LEFT), :math:`b - |z|` (MID) or
    :math:`b + |z|` (TAIL). The shift b is solved for each pattern so that the mean of the
    probabilities is the proportion, whatever the scores look like. (R solves it for a sample of
    normal scores, so that its proportion is off where scores are skewed.)

    Numbers, booleans, the levels of ordered categories (counted from 0) and two categories or
    texts (0 and 1, in their order) can be weighed. More unordered categories or texts cannot: give
    them weight zero, or make indicators of them.

    Patterns that keep all columns mean what they mean in R: rows that are never given holes. So
    ``proportion=1`` with the patterns and frequencies of a data set gives others the same mixture.
    Here ``proportion_of="cells"`` is exact for any patterns; in R it is where all patterns make
    equally many columns missing.

    Under MAR no pattern gives weight to a column that it makes missing: the chance of holes would
    depend on values that are not there. R has no such check.

    References
    ----------
    .. [1] Schouten, Lugtig and Vink (2018), Journal of Statistical Computation and Simulation 88,
       2909-2930; van Buuren (2018), Flexible Imputation of Missing Data, 2nd ed., section 3.2.

    Examples
    --------
    >>> import bayesmice as bm
    >>> weeks = bm.load_dataset("whiteside")[["Temp", "Gas"]]
    >>> bm.ampute(weeks, 0.5, random_seed=1).isna().sum().to_dict()
    {'Temp': 10, 'Gas': 14}

    Holes in the gas of a fifth of the weeks, mostly of cold ones:

    >>> drawn = bm.ampute(weeks, 0.2, patterns=["Gas"], type="LEFT", details=True, random_seed=1)
    >>> drawn.rows["probability"].mean().round(9)
    np.float64(0.2)
    >>> drawn.rows.head(3).round(2)
       pattern  score  probability  amputed
    0        0  -2.06         0.60    False
    1        0  -2.03         0.59    False
    2        0  -1.63         0.49    False
    """
    table, library = read_data(data, reader="ampute")
    names = column_names(check_table(table, "ampute"))
    _check_complete(table, names)
    plan = read_plan(
        names,
        proportion=proportion,
        mechanism=mechanism,
        patterns=patterns,
        weights=weights,
        kinds=type,
        frequencies=frequencies,
        odds=odds,
        proportion_of=proportion_of,
    )
    rng = random_generator(random_seed, "holes")
    pattern = rng.choice(len(plan.holes), size=len(table), p=plan.frequencies)
    scores = score_rows(_numbers(table, names, plan), pattern, plan.weights, standardize)
    probability = _probabilities(scores, pattern, plan)
    amputed = rng.random(len(table)) < probability
    holes = plan.holes[pattern] & amputed[:, None]
    with_holes = library.give_back(_make_holes(table, holes, plan))
    if not details:
        return with_holes
    rows = {
        "pattern": pattern,
        "score": scores if plan.weights.any() else np.nan,
        "probability": probability,
        "amputed": amputed,
    }
    return Amputation(
        data=with_holes,
        rows=pd.DataFrame(rows, index=table.index),
        patterns=pd.DataFrame((~plan.holes).astype(int), columns=table.columns),
        frequencies=plan.frequencies,
        weights=pd.DataFrame(plan.weights, columns=table.columns),
        proportion=plan.proportion,
    )


def _check_complete(data: pd.DataFrame, names: list[str]) -> None:
    n_missing = data.isna().to_numpy().sum(axis=0)
    if n_missing.any():
        found = ", ".join(
            f"{name!r} has {n}" for name, n in zip(names, n_missing, strict=True) if n
        )
        raise DataError(
            f"ampute makes holes in complete data, but cells are missing: {found}. Take the "
            "complete rows (data.dropna()), or impute first."
        )


def _numbers(data: pd.DataFrame, names: list[str], plan: Plan) -> Matrix:
    """Write columns that have weights as numbers, and others as zeros."""
    numbers = np.zeros(data.shape)
    for j in np.flatnonzero(plan.weights.any(axis=0)).tolist():
        numbers[:, j] = _as_numbers(data.iloc[:, j], names[j])
    return numbers


def _as_numbers(column: pd.Series, name: str) -> Matrix:
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype) and (dtype.ordered or len(dtype.categories) == 2):
        return np.asarray(column.cat.codes, dtype=float)
    if types.is_string_dtype(dtype) and column.nunique() == 2:
        return level_codes(column, observed_levels(column))
    if not types.is_numeric_dtype(dtype) or types.is_complex_dtype(dtype):
        raise DataError(
            f"Column {name!r} has dtype {dtype} and no numbers that could be weighed, but it has a "
            "weight in the scores that decide on holes. Leave it out of weights=, for example with "
            "a DataFrame that names the other columns, or make it numbers or ordered categories."
        )
    numbers = column.to_numpy(dtype=float)
    if not np.isfinite(numbers).all():
        raise DataError(
            f"Column {name!r} holds infinite values, which no score can be made of. Replace them, "
            "or give the column no weight."
        )
    return numbers


def _probabilities(scores: Matrix, pattern: Positions, plan: Plan) -> Matrix:
    """Give the probability of holes of each row, from the rows that were given its pattern."""
    probability = np.zeros(len(scores))
    for i, chances in enumerate(plan.chances):
        rows = pattern == i
        if not rows.any():
            continue
        own = scores[rows]
        if isinstance(chances, Groups) and not chances.can_cut(own):
            raise SpecificationError(
                f"Rows of pattern {i} (counted from 0) have too few different scores to be cut "
                f"into {len(chances.odds)} groups of equal size. Give fewer odds, or weights to "
                "more columns."
            )
        # Two rows often have the same score by chance: standardized columns cancel.
        if len(own) > 2 and plan.weights[i].any() and not own.any():
            warn_caller(
                f"All {len(own)} rows of pattern {i} (counted from 0) have the same score, so they "
                "get holes completely at random. Give weights to columns that vary."
            )
        probability[rows] = chances.probabilities(own, plan.proportion)
    return probability


def _make_holes(data: pd.DataFrame, holes: Flags, plan: Plan) -> pd.DataFrame:
    """Empty cells. dtypes depend on what can be missing, not on what happens to be."""
    with_holes = data.copy()
    for j in np.flatnonzero(plan.holes.any(axis=0)).tolist():
        column = data.iloc[:, j]
        if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iub":
            column = column.convert_dtypes()
        # pandas takes a Series, and keeps its dtype; its stubs do not know.
        with_holes.isetitem(j, column.mask(holes[:, j]))  # type: ignore[arg-type]
    return with_holes

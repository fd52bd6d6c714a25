"""What a user asks of `ampute`, checked once, with every default filled in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmice.data.amputation.chances import PULLS, Chances, Curve, Groups
from bayesmice.data.amputation.tables import read_numbers, read_patterns, read_weights
from bayesmice.errors import SpecificationError

Matrix = NDArray[np.float64]
Flags = NDArray[np.bool_]

MECHANISMS = ("MAR", "MNAR", "MCAR")
ROUNDING = 1e-12


@dataclass(frozen=True)
class Plan:
    """Patterns, and what decides which rows get them.

    Attributes
    ----------
    holes : ndarray of bool, of shape (n_patterns, n_columns)
        What each pattern makes missing: at least one column.
    frequencies : ndarray of shape (n_patterns,)
        Probability that a row is given a pattern.
    weights : ndarray of shape (n_patterns, n_columns)
        Weights of the columns in the scores; zeros where holes depend on nothing.
    chances : tuple of Chances
        How scores become probabilities, by pattern.
    proportion : float
        Expected share of rows that get holes.
    """

    holes: Flags
    frequencies: Matrix
    weights: Matrix
    chances: tuple[Chances, ...]
    proportion: float


def read_plan(
    names: Sequence[str],
    *,
    proportion: Any,
    mechanism: Any,
    patterns: Any,
    weights: Any,
    kinds: Any,
    frequencies: Any,
    odds: Any,
    proportion_of: Any,
) -> Plan:
    """Check the arguments of `ampute` and fill in defaults.

    Parameters
    ----------
    names : sequence of str
        The columns of the data.
    proportion, mechanism, patterns, weights, kinds, frequencies, odds, proportion_of
        As a user gives them to `ampute`; ``kinds`` is its ``type``.

    Returns
    -------
    Plan
        The plan. Patterns that make nothing missing are left out of it, and the rows that they
        would have been given out of the proportion.

    Raises
    ------
    SpecificationError
        If an argument is wrong, or they do not match each other or the data.
    """
    _check_word("mechanism", mechanism, MECHANISMS)
    _check_word("proportion_of", proportion_of, ("rows", "cells"))
    share = _read_share(proportion)
    holes = read_patterns(patterns, names)
    frequency = _read_frequencies(frequencies, len(holes))
    table = read_weights(weights, holes, mechanism, names)
    chances = _read_chances(kinds, odds, len(holes), mechanism)

    makes = np.flatnonzero(holes.any(axis=1)).tolist()
    used = frequency[makes].sum()
    if used == 0:
        raise SpecificationError(
            "No pattern that a row could be given makes anything missing. Mark with 0 what a "
            "pattern makes missing, and give it a frequency above zero."
        )
    plan = Plan(
        holes=holes[makes],
        frequencies=frequency[makes] / used,
        weights=table[makes],
        chances=tuple(chances[i] for i in makes),
        proportion=share * used,
    )
    if proportion_of == "cells":
        plan = replace(plan, proportion=_rows_for_cells(share, plan))
    _check_odds_reach(plan)
    return plan


def _check_word(argument: str, value: Any, words: Sequence[str]) -> None:
    if not isinstance(value, str) or value not in words:
        raise SpecificationError(
            f"{argument} is {value!r}; expected one of {', '.join(repr(word) for word in words)}."
        )


def _read_share(proportion: Any) -> float:
    is_number = isinstance(proportion, Real) and not isinstance(proportion, bool)
    if not is_number or not 0 <= float(proportion) <= 1:
        raise SpecificationError(
            f"proportion is {proportion!r}; expected a number from 0 to 1. For 30 percent say 0.3."
        )
    return float(proportion)


def _read_frequencies(frequencies: Any, k: int) -> Matrix:
    if frequencies is None:
        return np.full(k, 1 / k)
    shares = read_numbers("frequencies", frequencies)
    if shares.shape != (k,):
        raise SpecificationError(
            f"frequencies has shape {shares.shape}, and there are {k} patterns; expected one "
            "number for each."
        )
    if (shares < 0).any() or not shares.any():
        raise SpecificationError(
            f"frequencies is {frequencies!r:.200}; expected numbers that are not negative, and not "
            "all zero."
        )
    return np.asarray(shares / shares.sum())


def _read_chances(kinds: Any, odds: Any, k: int, mechanism: str) -> Sequence[Chances]:
    words = list(kinds) if np.ndim(kinds) == 1 else [kinds]
    for word in words:
        _check_word("type", word, tuple(PULLS))
    is_default = set(words) == {"RIGHT"}
    if mechanism == "MCAR" and not (is_default and odds is None):
        raise SpecificationError(
            "mechanism is 'MCAR', where holes depend on nothing, but "
            f"{'odds' if is_default else 'type'} says which scores get them. Leave it out, or say "
            "'MAR' or 'MNAR'."
        )
    if odds is None:
        return [Curve(word) for word in _for_each("type", words, k)]
    if not is_default:
        raise SpecificationError(
            f"type is {kinds!r} and odds were given, and each says which scores get holes. Give "
            "one of them."
        )
    is_nested = isinstance(odds, Iterable) and any(isinstance(row, Iterable) for row in odds)
    rows = list(odds) if is_nested else [odds]
    return [_read_odds(row) for row in _for_each("odds", rows, k)]


def _for_each(argument: str, given: list[Any], k: int) -> list[Any]:
    if len(given) not in (1, k):
        raise SpecificationError(
            f"{argument} is given for {len(given)} patterns, and there are {k}; expected one for "
            "all, or one for each."
        )
    return given * k if len(given) == 1 else given


def _read_odds(row: Any) -> Groups:
    numbers = read_numbers("odds", row)
    if numbers.ndim != 1 or (numbers < 0).any() or not numbers.any():
        raise SpecificationError(
            f"odds holds {row!r:.200}; expected one number per group of scores, not negative and "
            "not all zero."
        )
    return Groups(tuple(float(number) for number in numbers))


def _rows_for_cells(share: float, plan: Plan) -> float:
    """Give the share of rows that must get holes for a share of all cells to be missing."""
    per_row = float(plan.frequencies @ plan.holes.mean(axis=1))
    if share > per_row * (1 + ROUNDING):
        raise SpecificationError(
            f"proportion is {share:g} of the cells, but with holes in every row these patterns "
            f"make only {per_row:.4g} of them missing. Lower it, or use patterns with more holes."
        )
    return min(share / per_row, 1.0)


def _check_odds_reach(plan: Plan) -> None:
    for chances in plan.chances:
        if isinstance(chances, Groups):
            reach = sum(odds > 0 for odds in chances.odds) / len(chances.odds)
            if plan.proportion > reach * (1 + ROUNDING):
                raise SpecificationError(
                    f"{plan.proportion:.4g} of the rows should get holes, but odds "
                    f"{chances.odds} leave only {reach:.4g} of the rows a chance. Lower the "
                    "proportion, or use fewer zeros."
                )

"""Scores of rows, and how likely rows with these scores get holes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit

Matrix = NDArray[np.float64]
Positions = NDArray[np.int64]

ROUNDING = 1e-12
"""Numbers that differ by less than this share of what they are made of are equal."""
PULLS: Mapping[str, Callable[[Matrix], Matrix]] = {
    "RIGHT": lambda z: z,
    "LEFT": lambda z: -z,
    "MID": lambda z: -np.abs(z),
    "TAIL": np.abs,
}
"""What is added to the shift on the scale of log odds, by type of chances."""


class Chances(Protocol):
    """How scores become probabilities."""

    def probabilities(self, scores: Matrix, proportion: float) -> Matrix:
        """Give the probability of holes of each row.

        Parameters
        ----------
        scores : ndarray of shape (n_rows,)
            Standardized scores of the rows that were given one pattern.
        proportion : float
            The mean that the probabilities have, from 0 to 1.

        Returns
        -------
        ndarray of shape (n_rows,)
            Probabilities.
        """


@dataclass(frozen=True)
class Curve:
    """Log odds that go with the score, and a shift that makes the expected proportion exact.

    Attributes
    ----------
    kind : str
        "RIGHT", "LEFT", "MID" or "TAIL": which scores get holes most often.
    """

    kind: str

    def probabilities(self, scores: Matrix, proportion: float) -> Matrix:
        """Give the probability of holes of each row; see `Chances`."""
        if proportion in (0.0, 1.0):
            return np.full(len(scores), proportion)
        pull = PULLS[self.kind](scores)
        if np.ptp(pull) < ROUNDING:
            return np.full(len(scores), proportion)
        # Beyond its largest and least pull, all rows are less and more likely than asked.
        low, high = logit(proportion) - pull.max() - 1, logit(proportion) - pull.min() + 1
        shift = brentq(lambda b: expit(b + pull).mean() - proportion, low, high, xtol=ROUNDING)
        return np.asarray(expit(shift + pull))


@dataclass(frozen=True)
class Groups:
    """Scores cut at quantiles into groups, in which holes have given relative probabilities.

    Attributes
    ----------
    odds : tuple of float
        Relative probabilities of the groups, from the lowest scores to the highest.
    """

    odds: tuple[float, ...]

    def probabilities(self, scores: Matrix, proportion: float) -> Matrix:
        """Give the probability of holes of each row; see `Chances`.

        No probability exceeds one: where it would, the other groups make up for it. If groups
        without odds have more rows than ``1 - proportion`` leaves, since rows do not part into
        groups of equal size, all others get holes.
        """
        group = np.searchsorted(self._cuts(scores)[1:-1], scores, side="right")
        odds = np.asarray(self.odds)[group] / max(self.odds)
        if proportion >= (odds > 0).mean():
            return (odds > 0).astype(float)
        certain = np.zeros(len(odds), dtype=bool)
        while True:  # each round makes a group certain, and never all of them
            rest = proportion * len(odds) - certain.sum()
            probabilities = np.where(certain, 1.0, rest * odds / odds[~certain].sum())
            if (probabilities <= 1).all():
                return probabilities
            certain |= probabilities > 1

    def can_cut(self, scores: Matrix) -> bool:
        """Tell whether scores are different enough to be cut into the groups.

        Parameters
        ----------
        scores : ndarray of shape (n_rows,)
            Scores of the rows that were given one pattern. With fewer rows than groups, some groups
            are empty in any case.

        Returns
        -------
        bool
            Whether all groups are there.
        """
        return len(scores) < len(self.odds) or bool((np.diff(self._cuts(scores)) > 0).all())

    def _cuts(self, scores: Matrix) -> Matrix:
        return np.quantile(scores, np.linspace(0, 1, len(self.odds) + 1))


def score_rows(numbers: Matrix, pattern: Positions, weights: Matrix, standardize: bool) -> Matrix:
    """Score rows by weighted sums of their values, standardized among the rows of each pattern.

    Parameters
    ----------
    numbers : ndarray of shape (n_rows, n_columns)
        The data as numbers; columns without weights are not looked at.
    pattern : ndarray of int, of shape (n_rows,)
        The pattern that each row was given.
    weights : ndarray of shape (n_patterns, n_columns)
        Weights of the columns in each pattern.
    standardize : bool
        Whether columns are standardized first. A column that is constant among the rows of a
        pattern then counts for nothing. (R standardizes none of them if one is constant.)

    Returns
    -------
    ndarray of shape (n_rows,)
        Scores of mean 0 and standard deviation 1 in every pattern, or zeros where they do not vary.
    """
    scores = np.zeros(len(numbers))
    for i, weight in enumerate(weights):
        used, rows = weight != 0, pattern == i
        if not (used.any() and rows.any()):
            continue
        values = numbers[np.ix_(rows, used)]
        if standardize:
            values = _standardized(values, np.abs(values).max(axis=0))
        terms = values * weight[used]
        size = np.abs(terms).sum(axis=1).max()
        scores[rows] = _standardized(terms.sum(axis=1), size)
    return scores


def _standardized(values: Matrix, size: Matrix) -> Matrix:
    """Center columns and divide them by their standard deviations; zeros where they are constant.

    Columns are constant where they differ by rounding errors of numbers of a size. They are scaled
    by their range first, so that no sum of squares over- or underflows.
    """
    low = values.min(axis=0)
    spread = values.max(axis=0) - low
    varies = spread > ROUNDING * size
    scaled = np.where(varies, (values - low) / np.where(varies, spread, 1.0), 0.0)
    deviations = scaled - scaled.mean(axis=0)
    sd = np.sqrt((deviations**2).sum(axis=0) / max(len(values) - 1, 1))
    return np.where(varies, deviations / np.where(varies, sd, 1.0), 0.0)

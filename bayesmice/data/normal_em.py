"""Mean and covariance of a multivariate normal sample with missing cells, by maximum likelihood."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesmice.errors import DataError

Matrix = NDArray[np.float64]

TOLERANCE = 1e-9
"""Largest change of an iteration at the end, in standard deviations of the observed values."""
MAX_ITERATIONS = 20_000
SINGULAR = 1e-8
"""Eigenvalues of a correlation matrix below this are those of columns that determine each other."""


@dataclass(frozen=True, eq=False)
class Pattern:
    """The rows in which the same columns are observed.

    Attributes
    ----------
    observed : ndarray of shape (n_columns,)
        True for the columns that they show.
    cells : ndarray of shape (n_rows, n_observed)
        Their values.
    """

    observed: NDArray[np.bool_]
    cells: Matrix

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.cells)


@dataclass(frozen=True, eq=False)
class NormalFit:
    """A multivariate normal distribution that was fitted to incomplete data.

    Attributes
    ----------
    mean : ndarray of shape (n_columns,)
        Maximum likelihood estimate.
    covariance : ndarray of shape (n_columns, n_columns)
        Maximum likelihood estimate: with complete data sums of squares over n, not n - 1.
    iterations : int
        How many the algorithm took.
    """

    mean: Matrix
    covariance: Matrix
    iterations: int


def find_patterns(values: Matrix) -> list[Pattern]:
    """Part rows by the columns that they show.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        Numbers, NaN where missing.

    Returns
    -------
    list of Pattern
        Rows that show nothing are in none.
    """
    observed = ~np.isnan(values)
    different, which = np.unique(observed, axis=0, return_inverse=True)
    return [
        Pattern(shown, values[which.ravel() == at][:, shown])
        for at, shown in enumerate(different)
        if shown.any()
    ]


def fit_normal(values: Matrix) -> NormalFit:
    r"""Estimate mean and covariance by the EM algorithm.

    The E-step replaces the missing part of a row by its regression on the observed part, and adds
    the residual covariance of that regression to the sum of squares; the M-step takes mean and
    covariance of the result [1]_. The likelihood rises in every iteration.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        Numbers, NaN where missing; every column varies, and every two columns are observed together
        in some row.

    Returns
    -------
    NormalFit

    Raises
    ------
    DataError
        If the iterations come to no end: the data then say too little of some covariance.

    Notes
    -----
    Where columns determine each other exactly, regressions use the pseudo-inverse, which leaves out
    directions in which there is no variance.

    References
    ----------
    .. [1] Little and Rubin (2020), Statistical Analysis with Missing Data, 3rd ed., section 11.2.

    Examples
    --------
    >>> fit = fit_normal(np.array([[1.0, 2.0], [2.0, 2.5], [3.0, 4.5], [4.0, np.nan]]))
    >>> fit.mean.round(3).tolist()  # 4.25 is where the regression on the first column leads
    [2.5, 3.625]
    """
    center, spread = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    patterns = find_patterns((values - center) / spread)
    n_columns = values.shape[1]
    mean, covariance = np.zeros(n_columns), np.eye(n_columns)
    for iteration in range(1, MAX_ITERATIONS + 1):
        new_mean, new_covariance = _em_step(patterns, mean, covariance)
        change = max(np.abs(new_mean - mean).max(), np.abs(new_covariance - covariance).max())
        mean, covariance = new_mean, new_covariance
        if change < TOLERANCE:
            scale = np.outer(spread, spread)
            return NormalFit(center + spread * mean, scale * covariance, iteration)
    raise DataError(
        f"Mean and covariance could not be estimated: after {MAX_ITERATIONS} iterations of the EM "
        "algorithm they still change. The observed cells say too little of some covariance: leave "
        "out columns that are hardly observed together with others."
    )


def pseudo_inverse(covariance: Matrix) -> tuple[Matrix, int]:
    """Invert a covariance matrix in the directions that vary.

    Parameters
    ----------
    covariance : ndarray of shape (k, k)
        A covariance matrix.

    Returns
    -------
    tuple of (ndarray of shape (k, k), int)
        The inverse, and the number of these directions.
    """
    spread = np.sqrt(np.diag(covariance))
    spread = np.where(spread > 0, spread, 1.0)
    roots, directions = np.linalg.eigh(covariance / np.outer(spread, spread))
    varies = roots > SINGULAR
    kept = directions[:, varies]
    inverse = (kept / roots[varies]) @ kept.T
    return inverse / np.outer(spread, spread), int(varies.sum())


def _em_step(patterns: list[Pattern], mean: Matrix, covariance: Matrix) -> tuple[Matrix, Matrix]:
    n_columns, n_rows = len(mean), sum(pattern.n_rows for pattern in patterns)
    total, squares = np.zeros(n_columns), np.zeros((n_columns, n_columns))
    for pattern in patterns:
        shown, hidden = pattern.observed, ~pattern.observed
        deviations = np.zeros((pattern.n_rows, n_columns))
        deviations[:, shown] = pattern.cells - mean[shown]
        if hidden.any():
            inverse, _ = pseudo_inverse(covariance[np.ix_(shown, shown)])
            between = covariance[np.ix_(hidden, shown)]
            slopes = between @ inverse
            deviations[:, hidden] = deviations[:, shown] @ slopes.T
            residual = covariance[np.ix_(hidden, hidden)] - slopes @ between.T
            squares[np.ix_(hidden, hidden)] += pattern.n_rows * residual
        total += deviations.sum(axis=0)
        squares += deviations.T @ deviations
    shift = total / n_rows
    return mean + shift, squares / n_rows - np.outer(shift, shift)

"""From results of the imputations, one by one, to arrays with the imputations on the first axis."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bayesmice.errors import PoolingError
from bayesmice.pooling.complete import CompleteDataResult
from bayesmice.pooling.labels import positions
from bayesmice.pooling.rubin import FloatArray
from bayesmice.pooling.transforms import IDENTITY, Transform


@dataclass(frozen=True, eq=False)
class StackedResults:
    """The same parameters, in the same order, from every imputation.

    Attributes
    ----------
    names : tuple of hashable
        Of the k parameters, in the order of imputation 0.
    q_hat : ndarray of shape (m, k)
        Estimates.
    covariances : ndarray of shape (m, k, k)
        Complete-data covariance matrices, NaN off the diagonal where only variances are known.
    df_complete : ndarray of shape (m,)
        Residual degrees of freedom.
    transform : Transform
        The scale of the estimates.
    n_nests : int or None
        Number of nests of equal size that the imputations come in, one after the other; None where
        there is one level.
    """

    names: tuple[Hashable, ...]
    q_hat: FloatArray
    covariances: FloatArray
    df_complete: FloatArray
    transform: Transform = IDENTITY
    n_nests: int | None = None

    @property
    def m(self) -> int:
        """Number of imputations."""
        return len(self.q_hat)

    @property
    def variances(self) -> FloatArray:
        """Squared standard errors, of shape (m, k)."""
        return np.diagonal(self.covariances, axis1=1, axis2=2)

    def without(self, unit: int) -> "StackedResults":
        """Leave out one imputation, or one nest where there are nests."""
        units = self.n_nests or self.m
        kept = np.arange(self.m) // (self.m // units) != unit
        return replace(
            self,
            q_hat=self.q_hat[kept],
            covariances=self.covariances[kept],
            df_complete=self.df_complete[kept],
            n_nests=None if self.n_nests is None else units - 1,
        )


def stack_results(
    results: Sequence[CompleteDataResult],
    imputations: Sequence[int] | None = None,
    n_nests: int | None = None,
) -> StackedResults:
    """Check the results, put their parameters in the order of the first, and stack them.

    Parameters
    ----------
    results : sequence of CompleteDataResult
        One per imputation; at least one.
    imputations : sequence of int, optional
        Their numbers, for the errors; 0, 1, 2... by default.
    n_nests : int, optional
        Number of nests of equal size that they come in.

    Returns
    -------
    StackedResults

    Raises
    ------
    PoolingError
        If shapes do not fit, names are repeated or differ between imputations, a number is not
        finite, or a variance is negative. The text names the imputation and the parameter.

    Examples
    --------
    >>> one = CompleteDataResult(("a", "b"), np.array([1.0, 2.0]), np.eye(2))
    >>> two = CompleteDataResult(("b", "a"), np.array([2.5, 1.5]), np.eye(2))
    >>> stack_results([one, two]).q_hat
    array([[1. , 2. ],
           [1.5, 2.5]])
    """
    numbers = range(len(results)) if imputations is None else imputations
    for imputation, result in zip(numbers, results, strict=True):
        _check_shapes(imputation, result)
        _check_names(imputation, result)
        _check_numbers(imputation, result)
    _check_same_names(results, numbers)
    _check_same_scale(results, numbers)
    names = results[0].names
    orders = [[result.names.index(name) for name in names] for result in results]
    pairs = list(zip(results, orders, strict=True))
    return StackedResults(
        names=names,
        q_hat=np.stack([result.estimates[order] for result, order in pairs]),
        covariances=np.stack(
            [_matrix(result.covariance)[np.ix_(order, order)] for result, order in pairs]
        ),
        df_complete=np.array([result.df_complete for result in results]),
        transform=results[0].transform,
        n_nests=n_nests,
    )


def split_stack(
    estimates: FloatArray | pd.DataFrame, covariances: object
) -> list[CompleteDataResult]:
    """Split stacked arrays into one result per imputation.

    Parameters
    ----------
    estimates : ndarray or DataFrame of shape (m, k)
        One row per imputation; the columns of a DataFrame name the parameters.
    covariances : ndarray of shape (m, k, k), or ndarray or DataFrame of shape (m, k)
        Covariance matrices, or variances alone. The columns of a DataFrame may be in another order
        than those of ``estimates``.

    Returns
    -------
    list of CompleteDataResult
        With infinite degrees of freedom.

    Raises
    ------
    PoolingError
        If the shapes or the columns do not fit, or the entries are not numbers.

    Examples
    --------
    >>> [one, two] = split_stack(np.array([[1.0], [2.0]]), np.array([[0.1], [0.2]]))
    >>> two.estimates, two.covariance
    (array([2.]), array([0.2]))
    """
    try:
        q_hat = np.asarray(estimates, dtype=np.float64)
        u = np.asarray(covariances, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise PoolingError(f"Stacked estimates and covariances must be numbers: {error}") from error
    if u.shape not in (q_hat.shape, (*q_hat.shape, q_hat.shape[1])):
        raise PoolingError(
            f"Stacked estimates must have the shape (m, k), and their covariances (m, k, k) or "
            f"their variances (m, k); got {q_hat.shape} and {u.shape}."
        )
    names: tuple[Hashable, ...] = tuple(range(q_hat.shape[1]))
    if isinstance(estimates, pd.DataFrame):
        names = tuple(estimates.columns)
    if isinstance(covariances, pd.DataFrame):
        u = u[:, positions(covariances.columns, names, what="The table of variances")]
    return [CompleteDataResult(names, *row) for row in zip(q_hat, u, strict=True)]


def _matrix(covariance: FloatArray) -> FloatArray:
    if covariance.ndim == 2:
        return covariance
    matrix = np.full((len(covariance), len(covariance)), np.nan)
    np.fill_diagonal(matrix, covariance)
    return matrix


def _check_shapes(imputation: int, result: CompleteDataResult) -> None:
    shape, k = result.estimates.shape, len(result.names)
    if k == 0 or shape != (k,) or result.covariance.shape not in ((k,), (k, k)):
        raise PoolingError(
            f"Imputation {imputation} has {k} parameter names, estimates of shape {shape} and a "
            f"covariance of shape {result.covariance.shape}. With k parameters, at least one, "
            f"estimates must have the shape (k,) and their covariance (k, k), or (k,) for "
            f"variances alone."
        )


def _check_names(imputation: int, result: CompleteDataResult) -> None:
    repeated = sorted({repr(name) for name in result.names if result.names.count(name) > 1})
    if repeated:
        raise PoolingError(
            f"Imputation {imputation} has more than one parameter of the name "
            f"{', '.join(repeated)}. Pooling goes by name: give each parameter its own."
        )


def _check_numbers(imputation: int, result: CompleteDataResult) -> None:
    diagonal = result.covariance if result.covariance.ndim == 1 else np.diag(result.covariance)
    # One row per parameter: a number of its own, or its row of the covariance matrix.
    rows = result.covariance.reshape(len(result.names), -1)
    for what, wrong, shown in (
        ("the estimate {}; it must be finite", ~np.isfinite(result.estimates), result.estimates),
        ("the variance {}; it must not be negative", diagonal < 0, diagonal),
        ("the variance {}; it must be finite", ~np.isfinite(diagonal), diagonal),
        ("a covariance that is not finite", ~np.isfinite(rows).all(axis=1), diagonal),
    ):
        if wrong.any():
            first = int(np.argmax(wrong))
            raise PoolingError(
                f"Imputation {imputation}: parameter {result.names[first]!r} has "
                f"{what.format(shown[first])}. Look at the fit to this completed data set: a "
                f"column without variation or a perfect predictor are the usual reasons."
            )


def _check_same_names(results: Sequence[CompleteDataResult], numbers: Sequence[int]) -> None:
    first = results[0].names
    differences = []
    for imputation, result in zip(numbers, results, strict=True):
        lacks = [repr(name) for name in first if name not in result.names]
        adds = [repr(name) for name in result.names if name not in first]
        parts = [
            f"{verb} {', '.join(names)}"
            for verb, names in (("lacks", lacks), ("adds", adds))
            if names
        ]
        if parts:
            differences.append(f"imputation {imputation} {' and '.join(parts)}")
    if differences:
        raise PoolingError(
            f"pool needs the same parameters from every imputation. Compared with imputation "
            f"{numbers[0]}: "
            f"{'; '.join(differences)}. A category that is absent from some completed data sets "
            f"is the usual reason: merge it with another one before the analysis."
        )


def _check_same_scale(results: Sequence[CompleteDataResult], numbers: Sequence[int]) -> None:
    scale = results[0].transform.name
    for imputation, result in zip(numbers, results, strict=True):
        if result.transform.name != scale:
            raise PoolingError(
                f"Imputation {imputation} comes on the scale {result.transform.name!r}, and "
                f"imputation {numbers[0]} on {scale!r}. Give all of them the same transform."
            )

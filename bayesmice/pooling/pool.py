"""The verb `pool`: from the results of m analyses to one."""

import warnings
from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bayesmice.errors import PoolingError
from bayesmice.pooling.adapters import CompleteDataResult, read_result
from bayesmice.pooling.labels import positions
from bayesmice.pooling.results import PooledResults
from bayesmice.pooling.rubin import FloatArray, pool_covariance, pool_rubin
from bayesmice.pooling.stacking import split_stack, stack_results


def pool(results: Iterable[Any], *, df_complete: ArrayLike | None = None) -> PooledResults:
    r"""Pool the analyses of m completed data sets into one, by Rubin's rules.

    The pooled estimate is the mean over imputations, and its variance is the mean of the squared
    standard errors plus :math:`1 + 1/m` times the variance of the estimates over imputations [1]_.
    Tests and intervals come from a t distribution with the degrees of freedom of [2]_.

    Parameters
    ----------
    results : iterable of results, or a tuple of stacked arrays
        At least two, one per imputation, each of them

        - a fitted model with ``params`` and ``cov_params()``, as those of statsmodels are; or
        - a tuple ``(estimates, covariance)``: a Series, 1-d array or number, and its covariance
          as a DataFrame or 2-d array, or its variances as a Series, 1-d array or number.

        Or all at once, a tuple ``(estimates, covariances)``: an array or DataFrame of shape (m, k)
        and an array of shape (m, k, k), or variances of shape (m, k).

        Parameters are matched by name, and reported in the order of the first result. Those without
        names are matched by position and called 0, 1, 2...
    df_complete : float, array-like of shape (k,) or Series, optional
        Degrees of freedom had no value been missing; ``np.inf`` for large-sample inference. By
        default the results' own ``df_resid``, also for models that are themselves tested with a
        normal distribution (as R's mice does), and infinite where the results have none. A Series
        is matched by name.

    Returns
    -------
    PooledResults
        Its ``summary()`` is the table to report.

    Raises
    ------
    PoolingError
        If there are fewer than two results, one is of an unknown type, their parameters are not the
        same, a name is repeated, shapes do not fit, a number is not finite, or a variance is
        negative.

    Warns
    -----
    UserWarning
        If a fit did not converge, or the residual degrees of freedom differ between results: the
        smallest are then used for all.

    Notes
    -----
    Assumes that estimates are approximately normal: pool log odds ratios rather than odds ratios,
    and Fisher's z rather than a correlation. Not for p-values, test statistics or R squared.

    References
    ----------
    .. [1] Rubin (1987), Multiple Imputation for Nonresponse in Surveys, p. 76.
    .. [2] Barnard and Rubin (1999), Biometrika 86, 948-955.

    Examples
    --------
    >>> fits = [
    ...     (pd.Series({"age": 1.0, "bmi": 0.2}), np.diag([0.04, 0.01])),
    ...     (pd.Series({"age": 1.2, "bmi": 0.1}), np.diag([0.05, 0.01])),
    ...     (pd.Series({"age": 0.8, "bmi": 0.3}), np.diag([0.06, 0.01])),
    ... ]
    >>> table = pool(fits, df_complete=50).summary()
    >>> table[["estimate", "std_error", "df", "fmi"]].round(3)  # doctest: +NORMALIZE_WHITESPACE
          estimate  std_error     df    fmi
    term
    age        1.0      0.321  5.677  0.628
    bmi        0.2      0.153  4.722  0.682
    """
    complete = _read(results)
    if len(complete) < 2:
        raise PoolingError(
            f"pool needs at least 2 results to estimate the between-imputation variance; "
            f"got {len(complete)}. Run mice(m=5) or more."
        )
    _warn_unconverged(complete)
    stack = stack_results(complete)
    if df_complete is None:
        df_complete = _smallest_df(stack.df_complete)
    elif isinstance(df_complete, pd.Series):
        order = positions(df_complete.index, stack.names, what="df_complete")
        df_complete = np.asarray(df_complete, dtype=np.float64)[order]
    variances = np.diagonal(stack.covariances, axis1=1, axis2=2)
    return PooledResults(
        terms=_terms(stack.names),
        pooled=pool_rubin(stack.q_hat, variances, df_complete=df_complete),
        covariance=pool_covariance(stack.q_hat, stack.covariances),
    )


def _read(results: Iterable[Any]) -> list[CompleteDataResult]:
    if isinstance(results, tuple) and len(results) == 2:
        estimates, covariances = results
        if isinstance(estimates, np.ndarray | pd.DataFrame) and estimates.ndim == 2:
            return split_stack(estimates, covariances)
        if isinstance(estimates, np.ndarray | pd.Series | float | int):
            raise PoolingError(
                "pool got one tuple (estimates, covariance), and needs one per imputation. Pass a "
                "list of such tuples, or stack the estimates to the shape (m, k) and the "
                "covariances to (m, k, k)."
            )
    if not isinstance(results, Iterable):
        raise PoolingError(
            f"pool needs an iterable of results, one per imputation; got one "
            f"{type(results).__name__}. Pass a list of the fits to all completed data sets."
        )
    return [read_result(result, imputation) for imputation, result in enumerate(results)]


def _warn_unconverged(results: list[CompleteDataResult]) -> None:
    unconverged = [str(i) for i, result in enumerate(results) if not result.converged]
    if unconverged:
        warnings.warn(
            f"The analysis of {len(unconverged)} of {len(results)} imputations did not converge: "
            f"{', '.join(unconverged)} (counted from 0). Their estimates are pooled as they are.",
            UserWarning,
            stacklevel=3,
        )


def _smallest_df(df_complete: FloatArray) -> float:
    values = np.unique(df_complete)
    if len(values) > 1:
        warnings.warn(
            f"The residual degrees of freedom differ between imputations: "
            f"{', '.join(f'{value:g}' for value in values)}. The smallest are used for all; pass "
            f"df_complete= to choose others.",
            UserWarning,
            stacklevel=3,
        )
    return float(values[0])


def _terms(names: tuple[Hashable, ...]) -> pd.Index:
    terms = pd.Index(list(names))
    return terms if isinstance(terms, pd.MultiIndex) else terms.rename("term")

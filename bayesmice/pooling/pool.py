"""The verb `pool`: from the results of m analyses to one."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from bayesmice.errors import PoolingError, warn_caller
from bayesmice.pooling.labels import positions
from bayesmice.pooling.posterior import pool_posterior
from bayesmice.pooling.results import PooledResults
from bayesmice.pooling.rubin import FloatArray
from bayesmice.pooling.rules import DfMethod, Pooling, Rule
from bayesmice.pooling.stacking import split_stack, stack_results
from bayesmice.pooling.student import checked_level
from bayesmice.pooling.usable import read_usable


def pool(
    results: Iterable[Any] | xr.DataTree,
    *,
    df_complete: ArrayLike | None = None,
    df_method: DfMethod = "barnard_rubin",
    rule: Rule = "rubin1987",
    conf_level: float = 0.95,
    drop_failed: bool = False,
) -> PooledResults:
    r"""Pool the analyses of m completed data sets into one, by Rubin's rules.

    The pooled estimate is the mean over imputations, and its variance is the mean of the squared
    standard errors plus :math:`1 + 1/m` times the variance of the estimates over imputations [1]_.
    Tests and intervals come from a t distribution with the degrees of freedom of [2]_.

    Parameters
    ----------
    results : iterable of results, or a tuple of stacked arrays
        At least two, one per imputation, each of them

        - a fitted model of statsmodels, or anything with ``params`` and ``cov_params()``;
        - a fitted model of linearmodels or lifelines, or a result of marginaleffects;
        - a tuple ``(estimates, covariance)``: a Series, 1-d array, number or fitted linear model of
          scikit-learn, and its covariance as a DataFrame or 2-d array, or its variances as a
          Series, 1-d array or number;
        - a quantity from `bayesmice.quantities`; or
        - anything for which an adapter was registered with `complete_data_result`.

        A tree of posteriors from `Imputations.sample` is pooled by posterior means and covariances;
        `pool_posterior` chooses variables.

        A list of lists is nested imputation: the results of each nest in a list of its own, all of
        the same length [3]_.

        Or all at once, a tuple ``(estimates, covariances)``: an array or DataFrame of shape (m, k)
        and an array of shape (m, k, k), or variances of shape (m, k).

        Parameters are matched by name, and reported in the order of the first result. Those without
        names are matched by position and called 0, 1, 2...
    df_complete : float, array-like of shape (k,) or Series, optional
        Degrees of freedom had no value been missing; ``np.inf`` for large-sample inference. By
        default the results' own ``df_resid``, also for models that are themselves tested with a
        normal distribution (as R's mice does), and infinite where the results have none. A Series
        is matched by name.
    df_method : {"barnard_rubin", "rubin", "infinite"}, default "barnard_rubin"
        Degrees of freedom of the reference distribution: with the small-sample correction of
        [2]_, without it, or a normal distribution.
    rule : {"rubin1987", "reiter2003", "mixture"}, default "rubin1987"
        Reiter's rule is for partially synthetic data, not for missing values. The mixture is that
        of the complete-data distributions, each a t distribution with ``df_complete`` degrees of
        freedom: what stacking posterior draws gives. It needs many imputations, a hundred or more.
    conf_level : float, default 0.95
        Level of the intervals in tables.
    drop_failed : bool, default False
        Leave out imputations whose analysis failed or did not converge. It should rarely be more
        than a few: what is left out may differ from what stays.

    Returns
    -------
    PooledResults
        Its ``summary()`` is what to report, its ``table`` the same as a data frame.

    Raises
    ------
    PoolingError
        If there are fewer than two results, one is of an unknown type, their parameters are not the
        same, a name is repeated, shapes do not fit, a number is not finite, a variance is negative,
        or a rule is not known.

    Warns
    -----
    UserWarning
        If a fit did not converge, or the residual degrees of freedom differ between results: the
        smallest are then used for all. If imputations are left out by ``drop_failed``.

    Notes
    -----
    Assumes that estimates are approximately normal: pool log odds ratios rather than odds ratios
    (``summary(exponentiate=True)`` shows odds ratios), and Fisher's z rather than a correlation
    (`pool_scalar`). Not for p-values or test statistics: see `anova`.

    References
    ----------
    .. [1] Rubin (1987), Multiple Imputation for Nonresponse in Surveys, p. 76.
    .. [2] Barnard and Rubin (1999), Biometrika 86, 948-955.
    .. [3] Shen (2000), Nested Multiple Imputation, Harvard University.

    Examples
    --------
    >>> fits = [
    ...     (pd.Series({"age": 1.0, "bmi": 0.2}), np.diag([0.04, 0.01])),
    ...     (pd.Series({"age": 1.2, "bmi": 0.1}), np.diag([0.05, 0.01])),
    ...     (pd.Series({"age": 0.8, "bmi": 0.3}), np.diag([0.06, 0.01])),
    ... ]
    >>> table = pool(fits, df_complete=50).table
    >>> table[["estimate", "std_error", "df", "fmi"]].round(3)  # doctest: +NORMALIZE_WHITESPACE
          estimate  std_error     df    fmi
    term
    age        1.0      0.321  5.677  0.628
    bmi        0.2      0.153  4.722  0.682
    """
    if isinstance(results, xr.DataTree):
        results = pool_posterior(results)
    listed, n_nests = _listed(results)
    complete = read_usable(listed, drop_failed=drop_failed)
    if len(complete) < 2:
        raise PoolingError(
            f"pool needs at least 2 results to estimate the between-imputation variance; "
            f"got {len(complete)}. Run mice(m=5) or more."
        )
    if n_nests is not None and len(complete) < len(listed):
        raise PoolingError(
            "drop_failed=True cannot leave out single imputations of nested ones: every nest needs "
            "the same number. Leave out the whole nest before pooling."
        )
    stack = stack_results(list(complete.values()), list(complete), n_nests)
    if df_complete is None:
        df_complete = _smallest_df(stack.df_complete)
    elif isinstance(df_complete, pd.Series):
        order = positions(df_complete.index, stack.names, what="df_complete")
        df_complete = np.asarray(df_complete, dtype=np.float64)[order]
    pooling = Pooling(rule, df_method, np.asarray(df_complete, dtype=np.float64))
    pooling.check()
    pooled = PooledResults(
        stack, pooling, checked_level(conf_level), tuple(listed[number] for number in complete)
    )
    pooled.df  # noqa: B018 - whatever is wrong with the numbers is said here, not at the first look
    return pooled


def _listed(results: Iterable[Any]) -> tuple[list[Any], int | None]:
    """One result per imputation, and the number of nests where they are nested."""
    if isinstance(results, tuple) and len(results) == 2:
        estimates, covariances = results
        if isinstance(estimates, np.ndarray | pd.DataFrame) and estimates.ndim == 2:
            return list(split_stack(estimates, covariances)), None
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
    listed = list(results)
    if not listed or not all(isinstance(nest, list) for nest in listed):
        return listed, None
    sizes = sorted({len(nest) for nest in listed})
    if len(sizes) > 1:
        raise PoolingError(
            f"Nested imputation needs the same number of results in every nest; got nests of "
            f"{', '.join(map(str, sizes))}."
        )
    return [result for nest in listed for result in nest], len(listed)


def _smallest_df(df_complete: FloatArray) -> float:
    values = np.unique(df_complete)
    if len(values) > 1:
        warn_caller(
            f"The residual degrees of freedom differ between imputations: "
            f"{', '.join(f'{value:g}' for value in values)}. The smallest are used for all; pass "
            f"df_complete= to choose others.",
        )
    return float(values[0])

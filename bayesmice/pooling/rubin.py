"""Rubin's rules on arrays: imputations on the first axis, parameters on the others."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesmice.errors import PoolingError

FloatArray = NDArray[np.float64]


class PooledEstimate(NamedTuple):
    r"""Pooled estimates in Rubin's letters, each an array with one entry per parameter.

    Attributes
    ----------
    q_bar : ndarray of shape (k,)
        Pooled estimate :math:`\bar Q`, in the units of the estimand.
    u_bar : ndarray of shape (k,)
        Within-imputation variance :math:`\bar U`, in squared units.
    b : ndarray of shape (k,)
        Between-imputation variance :math:`B`, in squared units.
    t : ndarray of shape (k,)
        Total variance :math:`T = \bar U + (1 + 1/m) B`, in squared units.
    df : ndarray of shape (k,)
        Barnard-Rubin degrees of freedom :math:`\nu` of the reference t distribution.
    riv : ndarray of shape (k,)
        Relative increase in variance due to the missing values, :math:`(1 + 1/m) B / \bar U`.
    lambda_ : ndarray of shape (k,)
        Share of the total variance due to the missing values, :math:`(1 + 1/m) B / T`.
    fmi : ndarray of shape (k,)
        Fraction of missing information, :math:`(r + 2/(\nu + 3)) / (1 + r)` with ``r = riv``.
    m : int
        Number of imputations.
    df_complete : ndarray of shape (k,)
        Degrees of freedom had no value been missing.
    """

    q_bar: FloatArray
    u_bar: FloatArray
    b: FloatArray
    t: FloatArray
    df: FloatArray
    riv: FloatArray
    lambda_: FloatArray
    fmi: FloatArray
    m: int
    df_complete: FloatArray


class PooledCovariance(NamedTuple):
    r"""Covariance matrices of the pooled estimates, each of shape (k, k) and in squared units.

    Attributes
    ----------
    within : ndarray of shape (k, k)
        Mean of the complete-data covariance matrices, :math:`\bar U`.
    between : ndarray of shape (k, k)
        Covariance matrix of the estimates over imputations, :math:`B`.
    total : ndarray of shape (k, k)
        :math:`T = \bar U + (1 + 1/m) B`.
    """

    within: FloatArray
    between: FloatArray
    total: FloatArray


def pool_rubin(
    q_hat: ArrayLike, u: ArrayLike, *, df_complete: ArrayLike = np.inf
) -> PooledEstimate:
    r"""Pool complete-data estimates over imputations by Rubin's rules.

    The pooled estimate is the mean over imputations. Its total variance adds what the sample leaves
    uncertain to what the missing values leave uncertain: :math:`T = \bar U + (1 + 1/m) B` [1]_.

    Parameters
    ----------
    q_hat : array-like of shape (m, k) or (m,)
        Estimates, one row per imputation, in the units of the estimand.
    u : array-like of the shape of q_hat
        Squared standard errors, in squared units.
    df_complete : float or array-like of shape (k,), default np.inf
        Degrees of freedom had no value been missing; finite values apply the small-sample
        correction of [2]_.

    Returns
    -------
    PooledEstimate
        Named tuple of arrays of shape (k,), or of shape () where ``q_hat`` has shape (m,).

    Raises
    ------
    PoolingError
        If ``m < 2``: the between-imputation variance is then undefined. If the shapes differ, an
        estimate or variance is not finite, a variance is negative, or ``df_complete`` is negative.

    Notes
    -----
    Assumes approximate normality of ``q_hat``: pool a log odds ratio, not an odds ratio. The rule
    is for one parameter at a time, and not for statistics without a standard error.

    With :math:`\lambda = (1 + 1/m) B / T` the degrees of freedom are

    .. math::

        \nu = \left(\frac{\lambda^2}{m - 1} + \frac{1}{\nu_{obs}}\right)^{-1}, \qquad
        \nu_{obs} = (1 - \lambda)\,\nu_{com}\,\frac{\nu_{com} + 1}{\nu_{com} + 3}.

    No floor is put on :math:`\lambda`. Limits: :math:`B = 0` gives :math:`\lambda = 0` and
    :math:`\nu = \nu_{obs}` (infinite if ``df_complete`` is); :math:`\bar U = 0` gives
    :math:`\lambda = 1`, ``riv`` infinite and ``fmi`` 1. Where both are zero, there is no variance
    to divide, and ``df``, ``riv``, ``lambda_`` and ``fmi`` are NaN.

    References
    ----------
    .. [1] Rubin (1987), Multiple Imputation for Nonresponse in Surveys, p. 76.
    .. [2] Barnard and Rubin (1999), Biometrika 86, 948-955.

    Examples
    --------
    >>> pooled = pool_rubin([[1.0], [2.0], [3.0]], [[0.5], [0.5], [0.5]])
    >>> pooled.q_bar, pooled.b
    (array([2.]), array([1.]))
    >>> pooled.t.round(4), pooled.df.round(4), pooled.fmi.round(4)
    (array([1.8333]), array([3.7812]), array([0.8077]))
    """
    q_hat, u = _checked(q_hat, u)
    m, shape = q_hat.shape[0], q_hat.shape[1:]
    df_complete = _checked_df(df_complete, shape)
    # Measured from the first imputation, equal estimates have a between variance of exactly 0.
    shift = q_hat - q_hat[0]
    b = np.asarray(shift.var(axis=0, ddof=1))
    u_bar = np.asarray(u.mean(axis=0))
    added = (1 + 1 / m) * b
    t = u_bar + added
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        riv, lambda_, observed = added / u_bar, added / t, u_bar / t
    df = _barnard_rubin(m, lambda_, observed, df_complete)
    return PooledEstimate(
        q_bar=np.asarray(q_hat[0] + shift.mean(axis=0)),
        u_bar=u_bar,
        b=b,
        t=np.asarray(t),
        df=df,
        riv=np.asarray(riv),
        lambda_=np.asarray(lambda_),
        # (riv + 2 / (df + 3)) / (1 + riv), written so that it has its limit where u_bar is 0.
        fmi=np.asarray(lambda_ + observed * 2 / (df + 3)),
        m=m,
        df_complete=df_complete,
    )


def pool_covariance(q_hat: ArrayLike, covariances: ArrayLike) -> PooledCovariance:
    r"""Within-, between- and total covariance matrices of the pooled estimates.

    .. math::

        \bar U = \frac 1 m \sum_i U_i, \qquad
        B = \frac 1 {m - 1} \sum_i (\hat Q_i - \bar Q)(\hat Q_i - \bar Q)', \qquad
        T = \bar U + (1 + 1/m) B

    Parameters
    ----------
    q_hat : array-like of shape (m, k)
        Estimates, one row per imputation, in the units of the estimands.
    covariances : array-like of shape (m, k, k)
        Complete-data covariance matrices, in squared units. Entries off the diagonal may be NaN
        where they are not known; they are then NaN in ``within`` and ``total``.

    Returns
    -------
    PooledCovariance
        Named tuple of arrays of shape (k, k).

    Raises
    ------
    PoolingError
        If ``m < 2``, the shapes do not fit, an estimate or variance is not finite, or a variance
        is negative.

    Notes
    -----
    :math:`B` has rank at most ``m - 1``: with few imputations the total covariance matrix is not
    for tests of several parameters at once.

    References
    ----------
    Rubin (1987), Multiple Imputation for Nonresponse in Surveys, p. 76-77.

    Examples
    --------
    >>> pool_covariance([[1.0, 0.0], [3.0, 1.0]], [np.eye(2), np.eye(2)]).total
    array([[4.  , 1.5 ],
           [1.5 , 1.75]])
    """
    covariances = np.asarray(covariances, dtype=np.float64)
    if covariances.ndim != 3 or covariances.shape[1] != covariances.shape[2]:
        raise PoolingError(
            f"covariances must have the shape (m, k, k), one square matrix per imputation; "
            f"got {covariances.shape}."
        )
    q_hat, _ = _checked(q_hat, np.diagonal(covariances, axis1=1, axis2=2))
    m = q_hat.shape[0]
    shift = q_hat - q_hat[0]
    deviation = shift - shift.mean(axis=0)
    between = deviation.T @ deviation / (m - 1)
    within = covariances.mean(axis=0)
    return PooledCovariance(within, between, within + (1 + 1 / m) * between)


def _barnard_rubin(
    m: int, lambda_: FloatArray, observed: FloatArray, df_complete: FloatArray
) -> FloatArray:
    """Degrees of freedom of Barnard and Rubin (1999), with ``observed = 1 - lambda_``."""
    finite = np.isfinite(df_complete)
    nu_com = np.where(finite, df_complete, 0.0)
    nu_obs = observed * nu_com * (nu_com + 1) / (nu_com + 3)
    small_sample = (m - 1) * nu_obs / ((m - 1) + lambda_**2 * nu_obs)
    with np.errstate(divide="ignore"):
        large_sample = (m - 1) / lambda_**2
    return np.asarray(np.where(finite, small_sample, large_sample))


def _checked(q_hat: ArrayLike, u: ArrayLike) -> tuple[FloatArray, FloatArray]:
    q_hat, u = np.asarray(q_hat, dtype=np.float64), np.asarray(u, dtype=np.float64)
    if q_hat.ndim not in (1, 2) or q_hat.shape != u.shape:
        raise PoolingError(
            f"Estimates and variances must both have the shape (m, k), one row per imputation; "
            f"got {q_hat.shape} and {u.shape}."
        )
    if q_hat.shape[0] < 2:
        raise PoolingError(
            f"Rubin's rules need at least 2 imputations to estimate the between-imputation "
            f"variance; got {q_hat.shape[0]}. Run mice(m=5) or more."
        )
    for what, values, wrong in (
        ("estimate", q_hat, ~np.isfinite(q_hat)),
        ("variance", u, ~(np.isfinite(u) & (u >= 0))),
    ):
        if wrong.any():
            where = np.argwhere(wrong)[0]
            parameter = f", parameter {where[1]}" if len(where) == 2 else ""
            raise PoolingError(
                f"Imputation {where[0]}{parameter}: the {what} is {values[tuple(where)]}. "
                f"Estimates must be finite, and variances finite and not negative."
            )
    return q_hat, u


def _checked_df(df_complete: ArrayLike, shape: tuple[int, ...]) -> FloatArray:
    given = np.asarray(df_complete, dtype=np.float64)
    if given.shape not in ((), shape):
        raise PoolingError(
            f"df_complete must be one number or one per parameter, of shape {shape}; "
            f"got shape {given.shape}."
        )
    if not (given >= 0).all():
        raise PoolingError(
            f"df_complete must not be negative or NaN; got {given}. "
            f"Use np.inf where the complete-data analysis is a large-sample one."
        )
    return np.array(np.broadcast_to(given, shape))

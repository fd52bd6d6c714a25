"""Two-stage (nested) multiple imputation."""

import numpy as np
from numpy.typing import ArrayLike

from bayesmice.errors import PoolingError
from bayesmice.pooling.rubin import FloatArray, PooledCovariance, PooledEstimate


def pool_nested(q_hat: ArrayLike, u: ArrayLike) -> PooledEstimate:
    r"""Pool estimates of m nests of n imputations each.

    Part of the missing values is imputed m times, and the rest n times given each of those. The
    total variance has a part for either stage [1]_:

    .. math::

        T = \bar U + \frac 1 n \left(1 + \frac 1 m\right) MS_b + \left(1 - \frac 1 n\right) MS_w

    with the mean squares :math:`MS_b` between and :math:`MS_w` within nests, and

    .. math::

        \nu^{-1} = \frac 1 {m - 1} \left(\frac{(1 + 1/m) MS_b / n} T\right)^2
        + \frac 1 {m (n - 1)} \left(\frac{(1 - 1/n) MS_w} T\right)^2 .

    Parameters
    ----------
    q_hat : array-like of shape (m, n, k)
        Estimates in the units of the estimands.
    u : array-like of shape (m, n, k)
        Squared standard errors, in squared units.

    Returns
    -------
    PooledEstimate
        ``m`` is the number of all imputations, and ``b`` the variance that T holds besides
        :math:`\bar U`, divided by 1 + 1/m.

    Raises
    ------
    PoolingError
        If there are fewer than two nests, or fewer than two imputations in each.

    References
    ----------
    .. [1] Shen (2000), Nested Multiple Imputation, Harvard University; Rubin (2003), Statistica
       Neerlandica 57, 3-18; Harel (2007), Journal of Official Statistics 23, 535-552.

    Examples
    --------
    >>> pooled = pool_nested([[[1.0], [2.0]], [[2.0], [5.0]]], np.ones((2, 2, 1)))
    >>> float(pooled.q_bar[0]), float(pooled.t[0])
    (2.5, 5.25)
    """
    q_hat, u = np.asarray(q_hat, dtype=np.float64), np.asarray(u, dtype=np.float64)
    m, n, k = q_hat.shape
    if m < 2 or n < 2:
        raise PoolingError(
            f"Nested imputation needs at least 2 nests of 2 imputations; got {m} nests of {n}. "
            f"For one level pass a flat list of results."
        )
    between, inside = _deviations(q_hat)
    first = (1 + 1 / m) * (between**2).sum(axis=0) / (m - 1)
    second = (1 - 1 / n) * (inside**2).sum(axis=0) / (m * (n - 1))
    u_bar = u.mean(axis=(0, 1))
    t = u_bar + first + second
    with np.errstate(divide="ignore", invalid="ignore"):
        riv, lambda_ = (t - u_bar) / u_bar, (t - u_bar) / t
        df = 1 / ((first / t) ** 2 / (m - 1) + (second / t) ** 2 / (m * (n - 1)))
        fmi = lambda_ + (u_bar / t) * 2 / (df + 3)
    return PooledEstimate(
        q_bar=q_hat.mean(axis=(0, 1)),
        u_bar=u_bar,
        b=(first + second) / (1 + 1 / (m * n)),
        t=t,
        df=df,
        riv=riv,
        lambda_=lambda_,
        fmi=fmi,
        m=m * n,
        df_complete=np.full(k, np.inf),
    )


def nested_covariance(q_hat: ArrayLike, covariances: ArrayLike) -> PooledCovariance:
    """Covariance matrices of estimates from nested imputations.

    Parameters
    ----------
    q_hat : array-like of shape (m, n, k)
        Estimates, by nest and imputation.
    covariances : array-like of shape (m, n, k, k)
        Complete-data covariance matrices; NaN off the diagonal where only variances are known.

    Returns
    -------
    PooledCovariance
        ``between`` is what the total holds besides ``within``, divided by 1 + 1/(mn); its diagonal
        is ``b`` of `pool_nested`.
    """
    q_hat = np.asarray(q_hat, dtype=np.float64)
    m, n, _ = q_hat.shape
    between, inside = _deviations(q_hat)
    added = (1 + 1 / m) * between.T @ between / (m - 1)
    added = added + (1 - 1 / n) * inside.T @ inside / (m * (n - 1))
    within = np.asarray(covariances, dtype=np.float64).mean(axis=(0, 1))
    return PooledCovariance(within, added / (1 + 1 / (m * n)), within + added)


def _deviations(q_hat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Of nests from the mean of all, and of imputations from their nests; exactly 0 for copies."""
    shifted = q_hat - q_hat[0, 0]
    of_nest = shifted.mean(axis=1)
    inside = shifted - shifted[:, :1]
    inside = inside - inside.mean(axis=1, keepdims=True)
    return of_nest - of_nest.mean(axis=0), inside.reshape(-1, q_hat.shape[2])

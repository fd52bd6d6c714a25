"""Reiter's rule for partially synthetic data."""

import numpy as np
from numpy.typing import ArrayLike

from bayesmice.pooling.rubin import PooledEstimate, pool_rubin


def pool_reiter(q_hat: ArrayLike, u: ArrayLike) -> PooledEstimate:
    r"""Pool estimates from partially synthetic data sets.

    Observed values were replaced by draws, so each data set is a full sample, and the spread over
    data sets adds only the noise of a finite number of them [1]_:

    .. math:: T = \bar U + B / m, \qquad \nu = (m - 1) \left(1 + \frac{\bar U}{B / m}\right)^2

    Parameters
    ----------
    q_hat : array-like of shape (m, k) or (m,)
        Estimates, one row per synthetic data set, in the units of the estimands.
    u : array-like of the shape of q_hat
        Squared standard errors, in squared units.

    Returns
    -------
    PooledEstimate
        ``riv`` is :math:`(B / m) / \bar U` and ``lambda_`` :math:`(B / m) / T`, the shares that the
        synthesis adds. ``fmi`` is NaN: nothing is missing.

    Raises
    ------
    PoolingError
        As `pool_rubin`.

    Notes
    -----
    Not for missing data: intervals would be far too narrow.

    References
    ----------
    .. [1] Reiter (2003), Survey Methodology 29, 181-188.

    Examples
    --------
    >>> pooled = pool_reiter([1.0, 2.0, 3.0], [0.5, 0.5, 0.5])
    >>> round(float(pooled.t), 4), round(float(pooled.df), 4)
    (0.8333, 12.5)
    """
    rubin = pool_rubin(q_hat, u)
    added = rubin.b / rubin.m
    t = rubin.u_bar + added
    with np.errstate(divide="ignore", invalid="ignore"):
        df = (rubin.m - 1) * (1 + rubin.u_bar / added) ** 2
        return rubin._replace(
            t=t,
            df=np.asarray(df),
            riv=np.asarray(added / rubin.u_bar),
            lambda_=np.asarray(added / t),
            fmi=np.full_like(t, np.nan),
        )

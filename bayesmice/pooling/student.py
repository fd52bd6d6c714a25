"""Tests and intervals from a t distribution, down to no degrees of freedom."""

import numpy as np

from bayesmice.errors import PoolingError
from bayesmice.later import later
from bayesmice.pooling.rubin import FloatArray

stats = later("scipy.stats")


def two_sided_p_value(statistic: FloatArray, df: FloatArray) -> FloatArray:
    r"""Probability that :math:`|t_\nu|` is at least the statistic's absolute value.

    Parameters
    ----------
    statistic : ndarray of shape (k,)
        Estimates divided by their standard errors.
    df : ndarray of shape (k,)
        Degrees of freedom, from 0 to infinity. The limit at 0 is a p-value of 1.

    Returns
    -------
    ndarray of shape (k,)
        NaN where the statistic or its degrees of freedom are.

    Examples
    --------
    >>> two_sided_p_value(np.array([2.0, 2.0]), np.array([5.0, np.inf])).round(4)
    array([0.1019, 0.0455])
    """
    p_value = 2 * stats.t.sf(np.abs(statistic), df)
    return np.where((df == 0) & ~np.isnan(statistic), 1.0, p_value)


def two_sided_quantile(conf_level: float, df: FloatArray) -> FloatArray:
    r"""Half width, in standard errors, of the central interval of :math:`t_\nu`.

    Parameters
    ----------
    conf_level : float
        Coverage of the interval, between 0 and 1.
    df : ndarray of shape (k,)
        Degrees of freedom, from 0 to infinity. Infinite where the quantile is too large for a
        floating-point number, as it is at 95 % with less than about 0.008 degrees of
        freedom.

    Returns
    -------
    ndarray of shape (k,)
        NaN where the degrees of freedom are.

    Raises
    ------
    PoolingError
        If ``conf_level`` does not lie between 0 and 1.

    Examples
    --------
    >>> two_sided_quantile(0.95, np.array([0.0, 5.0, np.inf])).round(3)
    array([  inf, 2.571, 1.96 ])
    """
    tail = (1 - checked_level(conf_level)) / 2
    quantile = stats.t.isf(tail, df)
    # SciPy's quantile stops short of those that overflow; its tail probability tells which.
    overflows = (df < 1) & ~np.isclose(stats.t.sf(quantile, df), tail, rtol=1e-6, atol=0)
    return np.where(overflows, np.inf, quantile)


def checked_level(conf_level: float) -> float:
    """Refuse a confidence level that is none.

    Parameters
    ----------
    conf_level : float
        Between 0 and 1.

    Returns
    -------
    float
        The same.

    Raises
    ------
    PoolingError
        If it does not lie between 0 and 1.

    Examples
    --------
    >>> checked_level(0.9)
    0.9
    """
    if not 0 < conf_level < 1:
        raise PoolingError(
            f"conf_level must lie between 0 and 1; got {conf_level}. "
            f"For a 95 % interval pass conf_level=0.95."
        )
    return conf_level

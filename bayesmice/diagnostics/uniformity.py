"""Whether numbers are uniform: simultaneous bands of their empirical distribution function.

N independent uniform numbers are counted below the K points i / K. The counts form a Markov chain,
each increment being binomial given the last count, so probabilities of staying within limits at all
points at once are computed exactly, by a forward recursion.

References
----------
Säilynoja, Bürkner and Vehtari (2022), Statistics and Computing 32, 32.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesmice.errors import SpecificationError
from bayesmice.later import later

stats = later("scipy.stats")
optimize = later("scipy.optimize")

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

NEGLIGIBLE = 1e-8


class Band(NamedTuple):
    """Limits of an empirical distribution function.

    Attributes
    ----------
    points : ndarray of shape (K,)
        Where it is evaluated, i / K.
    lower, upper : ndarray of shape (K,)
        Shares of the numbers that are at most the point, at least and at most.
    gamma : float
        Probability that the function leaves the band at any one point, at most.
    """

    points: FloatArray
    lower: FloatArray
    upper: FloatArray
    gamma: float


def uniform_band(n: int, k: int = 50, conf_level: float = 0.99) -> Band:
    """Band that holds the empirical distribution function of n uniform numbers at all points.

    Parameters
    ----------
    n : int
        Number of numbers.
    k : int, default 50
        Number of points.
    conf_level : float, default 0.99
        Probability that the function stays within the band at all points.

    Returns
    -------
    Band

    Raises
    ------
    SpecificationError
        If ``conf_level`` does not lie between 0 and 1.

    Examples
    --------
    >>> band = uniform_band(200, 50, 0.99)
    >>> float(band.lower[24]), float(band.upper[24])
    (0.38, 0.62)
    """
    if not 0 < conf_level < 1:
        raise SpecificationError(f"conf_level must lie between 0 and 1; got {conf_level}.")

    def excess(log_gamma: float) -> float:
        return stay_probability(n, *_limits(n, k, np.exp(log_gamma))) - conf_level

    widest, narrowest = np.log(1e-12), np.log(1 - conf_level)
    # With few numbers the counts are so coarse that one point decides for all.
    is_coarse = excess(narrowest) >= 0
    found = narrowest if is_coarse else optimize.brentq(excess, widest, narrowest, xtol=1e-6)
    gamma = float(np.exp(found))
    # The counts are whole numbers: take the widest band that the search brackets.
    gamma = gamma if excess(np.log(gamma)) >= 0 else gamma * (1 - 1e-5)
    lower, upper = _limits(n, k, gamma)
    return Band(np.arange(1, k + 1) / k, lower / n, upper / n, gamma)


def uniformity_p_value(values: ArrayLike, k: int = 50) -> float:
    """Probability that uniform numbers deviate from their distribution as much as these do.

    The deviation is the smallest of the two-sided binomial tail probabilities at the points, and
    its distribution is exact; below 1e-8 its bound of Bonferroni is given.

    Parameters
    ----------
    values : array-like of shape (n,)
        Numbers between 0 and 1, independent of each other.
    k : int, default 50
        Number of points.

    Returns
    -------
    float

    Examples
    --------
    >>> uniformity_p_value((np.arange(100) + 0.5) / 100)
    1.0
    >>> uniformity_p_value(np.linspace(0, 0.8, 100)) < 1e-3
    True
    """
    numbers = np.asarray(values, dtype=np.float64)
    n, points = len(numbers), np.arange(1, k) / k
    counts = np.searchsorted(np.sort(numbers), points, side="right")
    tails = np.minimum(stats.binom.cdf(counts, n, points), stats.binom.sf(counts - 1, n, points))
    gamma = min(1.0, 2 * float(tails.min()))
    if k * gamma < NEGLIGIBLE:
        return k * gamma
    # Counts whose own tail probability is larger than that: the interior of the deviation.
    lower = stats.binom.ppf(gamma / 2 * (1 + 1e-12), n, points).astype(np.int64)
    lower += (2 * stats.binom.cdf(lower, n, points) <= gamma * (1 + 1e-12)).astype(np.int64)
    upper = stats.binom.isf(gamma / 2 * (1 + 1e-12), n, points).astype(np.int64)
    upper -= (2 * stats.binom.sf(upper - 1, n, points) <= gamma * (1 + 1e-12)).astype(np.int64)
    if (lower > upper).any():
        return 1.0
    inside = stay_probability(n, np.append(lower, n), np.append(upper, n))
    return float(np.clip(1 - inside, 0, 1))


def stay_probability(n: int, lower: IntArray, upper: IntArray) -> float:
    """Probability that the counts of n uniform numbers stay within limits at all points.

    Parameters
    ----------
    n : int
        Number of numbers.
    lower, upper : ndarray of shape (K,)
        Limits, included, of the numbers that are at most i / K.

    Returns
    -------
    float

    Examples
    --------
    >>> round(stay_probability(2, np.array([1, 2]), np.array([1, 2])), 12)
    0.5
    """
    k = len(lower)
    states, mass = np.array([0]), np.array([1.0])
    for i in range(k):
        step = 1 / (k - i)
        following = np.arange(lower[i], upper[i] + 1)
        increments = following[None, :] - states[:, None]
        moves = stats.binom.pmf(increments, n - states[:, None], step)
        states, mass = following, mass @ moves
    return float(mass.sum())


def _limits(n: int, k: int, gamma: float) -> tuple[IntArray, IntArray]:
    points = np.arange(1, k + 1) / k
    lower = stats.binom.ppf(gamma / 2, n, points).astype(np.int64)
    upper = stats.binom.ppf(1 - gamma / 2, n, points).astype(np.int64)
    return lower, upper

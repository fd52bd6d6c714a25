r"""Observed values among their draws: ranks, coverage of intervals, probabilities of levels.

If an observed value and its m draws come from the same distribution, each of the m + 1 ranks is
equally probable. So the value lies below the k-th smallest draw with probability k / (m + 1),
whatever the distribution is and however small m; intervals of draws are honest in this sense.
"""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]


class Ranks(NamedTuple):
    """Where values lie among their draws.

    Attributes
    ----------
    below, equal : ndarray of shape (n_cells,)
        How many draws are smaller than the value, and how many equal it.
    m : int
        Number of draws.
    """

    below: Counts
    equal: Counts
    m: int

    @property
    def ends(self) -> tuple[Numbers, Numbers]:
        """Between which shares of the distribution a value lies; ties widen the gap."""
        return self.below / (self.m + 1), (self.below + self.equal + 1) / (self.m + 1)


def ranks_among(values: Numbers, draws: Numbers) -> Ranks:
    """Rank values among their draws.

    Parameters
    ----------
    values : ndarray of shape (n_cells,)
        What was observed.
    draws : ndarray of shape (m, n_cells)
        Draws of the same cells.

    Returns
    -------
    Ranks
    """
    return Ranks((draws < values).sum(axis=0), (draws == values).sum(axis=0), len(draws))


def randomized_pit(ranks: Ranks, rng: Generator) -> Numbers:
    """Give probability integral transforms, uniform on (0, 1) if values and draws are alike.

    Within the gap that m draws leave, and among ties, the place is drawn at random [1]_.

    Parameters
    ----------
    ranks : Ranks
        Of n_cells values.
    rng : Generator
        Where chance comes from.

    Returns
    -------
    ndarray of shape (n_cells,)

    References
    ----------
    .. [1] Czado, Gneiting and Held (2009), Biometrics 65, 1254-1261.
    """
    lower, upper = ranks.ends
    return lower + (upper - lower) * rng.random(len(lower))


def inside_interval(ranks: Ranks, level: float) -> Numbers:
    """Say how far values lie inside the central interval of their distribution.

    Parameters
    ----------
    ranks : Ranks
        Of n_cells values.
    level : float
        Probability of the interval, such as 0.95.

    Returns
    -------
    ndarray of shape (n_cells,)
        1 inside, 0 outside; where an end of the interval falls into the gap between draws in which
        the value lies, the share of the gap that is inside. The mean over cells is ``level`` if
        values and draws are alike, for any number of draws.
    """
    lower, upper = ranks.ends
    low, high = (1 - level) / 2, (1 + level) / 2
    overlap = np.minimum(upper, high) - np.maximum(lower, low)
    inside: Numbers = np.clip(overlap, 0, None) / (upper - lower)
    return inside


def draw_quantiles(draws: Numbers, shares: Numbers) -> Numbers:
    """Estimate quantiles so that intervals between them have their probability on average.

    Parameters
    ----------
    draws : ndarray of shape (m, n_cells)
        Draws.
    shares : ndarray of shape (n_quantiles,)
        Between 0 and 1.

    Returns
    -------
    ndarray of shape (n_quantiles, n_cells)
        The k-th smallest of m draws stands for the share k / (m + 1), with straight lines between.
        Fewer draws than a share needs (39 for 2.5 %) give the smallest or the largest.
    """
    quantiles: Numbers = np.quantile(draws, shares, axis=0, method="weibull")
    return quantiles


def level_counts(draws: Numbers, n_levels: int) -> Counts:
    """Count how often each level was drawn, of shape (n_levels, n_cells)."""
    return np.stack([(draws == code).sum(axis=0) for code in range(n_levels)])


def log_scores(counts: Counts, codes: NDArray[np.intp]) -> Numbers:
    r"""Give the logarithm of the probability of the levels that were observed.

    Parameters
    ----------
    counts : ndarray of shape (n_levels, n_cells)
        How often each level was drawn.
    codes : ndarray of shape (n_cells,)
        The observed levels.

    Returns
    -------
    ndarray of shape (n_cells,)
        In nats. A level that m draws never show has not the probability 0: half a draw is added to
        every level, :math:`(c + 1/2) / (m + K/2)` [1]_.

    References
    ----------
    .. [1] Krichevsky and Trofimov (1981), IEEE Transactions on Information Theory 27, 199-207.
    """
    drawn = counts[codes, np.arange(len(codes))]
    return np.log((drawn + 0.5) / (counts.sum(axis=0) + len(counts) / 2))


def share_errors(counts: Counts) -> Numbers:
    r"""Give standard errors of the difference between observed and predicted shares of levels.

    Parameters
    ----------
    counts : ndarray of shape (n_levels, n_cells)
        How often each level was drawn.

    Returns
    -------
    ndarray of shape (n_levels,)
        With c of m draws, the variance of an observed 0 or 1 minus c / m is
        :math:`p (1 - p) (1 + 1/m)`, and :math:`\frac{c}{m} (1 - \frac{c}{m}) \frac{m}{m - 1}`
        estimates p (1 - p) without bias.
    """
    m, n_cells = counts[:, 0].sum(), counts.shape[1]
    shares = counts / m
    variances = shares * (1 - shares) * (m + 1) / (m - 1)
    errors: Numbers = np.sqrt(variances.sum(axis=1)) / n_cells
    return errors

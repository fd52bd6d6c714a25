r"""How large R-hat is by chance, how strongly sweeps depend on each other, how many are needed.

All of it rests on one fact. Let a run of M chains be split into 2M halves of N sweeps each. If the
chains are stationary, a mean over N sweeps that depend on each other varies as one over
:math:`N/\tau` independent ones, where :math:`\tau = 1 + 2 \sum_t \rho_t` is the integrated
autocorrelation time [1]_. So the variance between the halves is that within times
:math:`\tau F / N`, where F follows an F distribution of 2M - 1 and 2M(N - 1) degrees of freedom (as
in an analysis of variance; exact for independent normal draws, and normal scores are nearly that),
and by the definition of R-hat [2]_

.. math:: \hat R^2 = 1 + (\tau F - 1) / N.

R-hat is the larger of two such numbers, one of locations and one of spreads.

References
----------
.. [1] Sokal (1997), Monte Carlo methods in statistical mechanics, in Functional Integration,
   Springer, 131-192; Geyer (1992), Statistical Science 7, 473-483.
.. [2] Gelman and Rubin (1992), Statistical Science 7, 457-472.
"""

import math

import numpy as np
from numpy.typing import NDArray

from bayesmice.diagnostics.rhat import MIN_DRAWS, Chains, is_defined
from bayesmice.later import later

stats = later("scipy.stats")

MAX_R_HAT = 1.05
"""Up to here chains count as mixed; also where `until` stops by default."""
MIN_SWEEPS = 10
"""With fewer, as few numbers cannot reassure anybody; also where `until` begins to look."""
ALARM_RATE = 0.05
"""Share of runs in which chains that mix well enough exceed the bound of alarm by chance."""
KINDS = 2
"""R-hat is the larger of two numbers, one of locations and one of spreads."""
MAX_SWEEPS = 1_000_000
"""No search goes on beyond."""


def chance_bound(n_chains: int, n_sweeps: int, n_quantities: int) -> float:
    r"""Give the R-hat that the largest of several seldom exceeds though chains mix well enough.

    Well enough means that the mean of :math:`\hat R^2` is 1.05 squared, so that
    :math:`\tau_0 = 1 + (1.05^2 - 1) N`. The bound is the quantile of :math:`1 + (\tau_0 F - 1) / N`
    that all numbers together exceed in one of twenty runs at most (Bonferroni).

    Parameters
    ----------
    n_chains, n_sweeps : int
        Of the run; at least 2 chains and 4 sweeps.
    n_quantities : int
        How many have an R-hat.

    Returns
    -------
    float
        Above 1.05. It comes down to about 1.1 for many chains and sweeps, and is far larger for
        few.

    Examples
    --------
    >>> [round(chance_bound(5, sweeps, 14), 2) for sweeps in (10, 20, 40, 1000)]
    [1.39, 1.25, 1.19, 1.14]
    """
    half = n_sweeps // 2
    time = 1 + (MAX_R_HAT**2 - 1) * half
    rate = ALARM_RATE / (KINDS * max(n_quantities, 1))
    ratio = stats.f.isf(rate, 2 * n_chains - 1, 2 * n_chains * (half - 1))
    return math.sqrt(1 + (time * float(ratio) - 1) / half)


def autocorrelation(chains: Chains) -> float:
    """Estimate the correlation of a quantity between one sweep and the next.

    Deviations are those from the mean over all chains: chains of few sweeps that stand apart, or
    drift, have a correlation near 1, as their distribution over all of them does.

    Parameters
    ----------
    chains : ndarray of shape (n_chains, n_draws)
        All sweeps.

    Returns
    -------
    float
        From about -1 to 1; NaN where R-hat of several chains is not defined.
    """
    if not is_defined(chains):
        return math.nan
    deviations = chains - chains.mean()
    products = (deviations[:, 1:] * deviations[:, :-1]).mean()
    return float(products / (deviations**2).mean())


def autocorrelation_time(chains: Chains, ess_bulk: float) -> float:
    r"""Give the integrated autocorrelation time: how many sweeps are worth one independent draw.

    Draws by bulk effective sample size, which sums autocorrelations up to where they become noise
    (Geyer's initial monotone sequence), but sees few of them, or none, in chains of ten sweeps. So
    it is at least :math:`(1 + \rho) / (1 - \rho)`, which a first-order autoregression with the
    correlation :math:`\rho` of neighbouring sweeps has. No run shows more than its own length.

    Parameters
    ----------
    chains : ndarray of shape (n_chains, n_draws)
        All sweeps.
    ess_bulk : float
        Their bulk effective sample size.

    Returns
    -------
    float
        In sweeps.
    """
    n_chains, n_draws = chains.shape
    rho = autocorrelation(chains)
    if math.isnan(rho) or not ess_bulk > 0:
        return math.nan
    by_size = n_chains * 2 * (n_draws // 2) / ess_bulk
    by_neighbours = (1 + rho) / (1 - rho) if rho < 1 else math.inf
    return float(min(max(by_size, by_neighbours), n_draws))


def sweeps_needed(times: NDArray[np.float64], n_chains: int, at_least: int = MIN_SWEEPS) -> int:
    r"""Estimate how long a run has to be for all R-hats to come below 1.05 with even chances.

    The smallest number of sweeps with
    :math:`\prod_q P(\tau_q F \le 1 + (1.05^2 - 1) N)^2 \ge 1/2` over the quantities q. For many
    chains that is where the slowest has :math:`N = (\tau - 1) / (1.05^2 - 1)`, some 20 times its
    autocorrelation time in all.

    Parameters
    ----------
    times : ndarray of shape (n_quantities,)
        Autocorrelation times, in sweeps.
    n_chains : int
        Number of chains, at least 2.
    at_least : int
        Where to begin.

    Returns
    -------
    int
        Sweeps in all, those that were run included.

    Examples
    --------
    >>> sweeps_needed(np.array([1.0, 9.0]), n_chains=200)
    164
    """
    low = max(at_least, MIN_DRAWS)
    if _chances(times, n_chains, low) >= 0.5:
        return low
    high = low
    while _chances(times, n_chains, high) < 0.5 and high < MAX_SWEEPS:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _chances(times, n_chains, middle) >= 0.5 else (middle, high)
    return high


def _chances(times: NDArray[np.float64], n_chains: int, n_sweeps: int) -> float:
    half = n_sweeps // 2
    allowed = (1 + (MAX_R_HAT**2 - 1) * half) / times
    below = stats.f.logcdf(allowed, 2 * n_chains - 1, 2 * n_chains * (half - 1))
    return math.exp(KINDS * float(np.sum(below)))

"""Ranks of chains among each other, and how far they stray by chance."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Numbers = NDArray[np.float64]

COVERAGE = 0.95
SIMULATIONS = 1000
MAX_POINTS = 200
"""Points of a line."""
SEED = 214
"""Of the permutations: the band of a picture is always the same."""


def rank_grid(n_chains: int, n_sweeps: int) -> Numbers:
    """Give the fractional ranks at which chains are compared, from 0 to 1."""
    grid: Numbers = np.linspace(0, 1, min(n_chains * n_sweeps, MAX_POINTS) + 1)
    return grid


def rank_differences(chains: Numbers) -> Numbers:
    """Give the share of each chain's values below fractional ranks, less what is expected.

    Parameters
    ----------
    chains : ndarray of shape (n_chains, n_sweeps)
        Values.

    Returns
    -------
    ndarray of shape (n_chains, n_points)
        At `rank_grid`. Values above zero: the chain has more small values than all together. NaN
        where values are not finite, or all the same.
    """
    grid = rank_grid(*chains.shape)
    if not np.isfinite(chains).all() or np.ptp(chains) == 0:
        return np.full((len(chains), len(grid)), np.nan)
    ranks = rankdata(chains.ravel(), method="average").reshape(chains.shape) / chains.size
    return _differences(ranks, grid)


@lru_cache(maxsize=32)
def rank_band(n_chains: int, n_sweeps: int) -> float:
    """Give how far chains stray at most, with a probability of 95 % for all of them together.

    Simulated: values that are independent, and of the same distribution in all chains, have ranks
    in an order that is as likely as any other.

    Parameters
    ----------
    n_chains, n_sweeps : int
        Of the run.

    Returns
    -------
    float
        Half the height of the band around zero.
    """
    rng, grid = np.random.default_rng(SEED), rank_grid(n_chains, n_sweeps)
    ranks = (np.arange(n_chains * n_sweeps) + 1.0) / (n_chains * n_sweeps)
    largest = [
        np.abs(_differences(rng.permutation(ranks).reshape(n_chains, n_sweeps), grid)).max()
        for _ in range(SIMULATIONS)
    ]
    return float(np.quantile(largest, COVERAGE))


def _differences(ranks: Numbers, grid: Numbers) -> Numbers:
    # Half a rank less than the first one, so that rounding never moves a value past its own rank.
    edges = grid + 0.5 / ranks.size
    below = np.stack([np.searchsorted(np.sort(own), edges) for own in ranks])
    differences: Numbers = below / ranks.shape[1] - grid
    return differences

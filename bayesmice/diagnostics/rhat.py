"""Rank-normalized split R-hat, of many quantities at once."""

import numpy as np
from numpy.typing import NDArray

from bayesmice.later import later

special = later("scipy.special")
stats = later("scipy.stats")

Chains = NDArray[np.float64]

MIN_DRAWS = 4
"""Fewer sweeps cannot be split into halves of two."""
BLOM = 3 / 8
"""Offset of ranks whose normal scores are nearly unbiased (Blom 1958)."""


def r_hat(chains: Chains) -> float:
    """Compute rank-normalized split R-hat of one quantity.

    Parameters
    ----------
    chains : ndarray of shape (n_chains, n_draws)
        At least two chains.

    Returns
    -------
    float
        NaN where it is not defined; see `r_hats`.
    """
    return float(r_hats(chains[None])[0])


def r_hats(chains: Chains) -> NDArray[np.float64]:
    """Compute rank-normalized split R-hat [1]_ of several quantities.

    The larger of that of the normal scores, which chains of different location raise, and that of
    the normal scores of distances from the median, which chains of different spread raise.

    Parameters
    ----------
    chains : ndarray of shape (n_quantities, n_chains, n_draws)
        At least two chains.

    Returns
    -------
    ndarray of shape (n_quantities,)
        NaN where it is not defined: for a single chain, fewer than four draws, values that are not
        finite or all the same. Infinite for chains that each stand still.

    References
    ----------
    .. [1] Vehtari, Gelman, Simpson, Carpenter and Buerkner (2021), Bayesian Analysis 16, 667-718.

    Examples
    --------
    >>> chains = np.random.default_rng(0).normal(size=(2, 4, 100))
    >>> chains[1, 3] += 2
    >>> r_hats(chains).round(1).tolist()
    [1.0, 1.3]
    """
    found = np.full(len(chains), np.nan)
    if chains.shape[1] < 2:
        return found
    defined = np.array([is_defined(own) for own in chains], dtype=bool)
    if defined.any():
        half = chains.shape[2] // 2
        split = np.concatenate([chains[..., :half], chains[..., -half:]], axis=1)[defined]
        folded = np.abs(split - np.median(split, axis=(1, 2), keepdims=True))
        # Distances may be the same everywhere where values are not; they then say nothing.
        found[defined] = np.fmax(_plain(_scores(split)), _plain(_scores(folded)))
    return found


def is_defined(chains: Chains) -> bool:
    """Whether chains of shape (n_chains, n_draws) are long enough, finite, and not constant."""
    return bool(chains.shape[1] >= MIN_DRAWS and np.isfinite(chains).all() and np.ptp(chains) > 0)


def _scores(values: Chains) -> Chains:
    flat = values.reshape(len(values), -1)
    ranks = stats.rankdata(flat, method="average", axis=1)
    scores: Chains = special.ndtri((ranks - BLOM) / (flat.shape[1] + 1 - 2 * BLOM))
    return scores.reshape(values.shape)


def _plain(values: Chains) -> NDArray[np.float64]:
    n = values.shape[2]
    between = n * values.mean(axis=2).var(axis=1, ddof=1)
    within = values.var(axis=2, ddof=1).mean(axis=1)
    # Chains that each stand still have no variance within.
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: NDArray[np.float64] = np.sqrt((between / within + n - 1) / n)
    return ratio

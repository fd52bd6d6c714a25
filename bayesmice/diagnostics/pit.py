"""LOO-PIT: where observed values lie in the distributions that were predicted without them."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesmice.diagnostics.conditional import Conditional
from bayesmice.later import later

special = later("scipy.special")

Numbers = NDArray[np.float64]

EFFICIENCY_ROWS = 200
"""Rows that the relative efficiency of the draws is averaged over."""


@dataclass(frozen=True, eq=False)
class LooPit:
    """Leave-one-out probability integral transforms of observed values.

    Attributes
    ----------
    by_row : xarray.DataArray
        Between 0 and 1, over the rows of the data in which the column was observed.
    pareto_k : xarray.DataArray
        Shape of the tail of each row's importance weights.
    good_k : float
        Larger ones make a value unreliable, with this many draws.
    p_value : float
        Of the hypothesis that the values are uniform.
    """

    by_row: xr.DataArray
    pareto_k: xr.DataArray
    good_k: float
    p_value: float

    @property
    def n_bad_k(self) -> int:
        """Rows whose value is unreliable."""
        return int((self.pareto_k > self.good_k).sum())


def loo_pit(conditional: Conditional, random_seed: int = 0) -> LooPit:
    r"""Compute the LOO-PIT values of a column under its conditional model.

    Row i's value is the probability, given all other observed rows, of a value below the observed
    one. Values of a model that is right are uniform. Draws of the row count by Pareto-smoothed
    importance weights [1]_; the observed value counts as one more draw of mean weight, at a random
    place among those that equal it:

    .. math:: u_i = \frac{\sum_s w_{is} 1[\tilde y_{is} < y_i]
        + U_i (\bar w_i + \sum_s w_{is} 1[\tilde y_{is} = y_i])}{\bar w_i + \sum_s w_{is}},

    with :math:`U_i` uniform. With equal weights that is exactly uniform for any number of draws,
    and for discrete values too.

    Parameters
    ----------
    conditional : Conditional
        The column, in a tree with its log-likelihood and posterior predictive draws.
    random_seed : int, default 0
        Seed of the random places.

    Returns
    -------
    LooPit

    Notes
    -----
    Values of different rows depend on each other a little, as they share the other rows. The
    p-value combines pointwise tests of the order statistics by Cauchy's distribution, which holds
    under dependence [2]_. A model with a free location and scale follows the observed values, as in
    the test of Lilliefors, so it alarms less often than its level says.

    References
    ----------
    .. [1] Vehtari, Simpson, Gelman, Yao and Gabry (2024), Journal of Machine Learning Research 25,
       72.
    .. [2] Tesso et al. (2026), LOO-PIT predictive model checking, arXiv 2603.02928.
    """
    # ArviZ takes longer to import than a small run takes, so only those who ask for it wait for it.
    from arviz_stats.base import array_stats

    log_likelihood = conditional.log_likelihood.transpose("row", "chain", "draw").to_numpy()
    predicted = conditional.predicted.transpose("row", "chain", "draw").to_numpy()
    observed = conditional.observed.to_numpy()
    n_rows, n_draws = len(observed), conditional.n_draws
    chosen = np.linspace(0, n_rows - 1, min(n_rows, EFFICIENCY_ROWS)).astype(int)
    efficiency = relative_efficiency(log_likelihood[chosen])
    log_weights, k = smoothed_weights(log_likelihood.reshape(n_rows, -1), efficiency)
    weights = np.exp(log_weights - special.logsumexp(log_weights, axis=1, keepdims=True))
    random = np.random.default_rng(random_seed).random(n_rows)
    values = weighted_pit(observed, predicted.reshape(n_rows, -1), weights, random)
    p_value, _, _ = array_stats.uniformity_test(values, method="pot_c")
    rows = conditional.observed.coords
    return LooPit(
        xr.DataArray(values, rows, "row", conditional.title),
        xr.DataArray(np.asarray(k), rows, "row", conditional.title),
        min(1 - 1 / np.log10(n_draws), 0.7),
        float(p_value),
    )


def smoothed_weights(log_likelihood: Numbers, efficiency: float) -> tuple[Numbers, Numbers]:
    """Smooth the importance weights that leave each row out, and give the shapes of their tails.

    Parameters
    ----------
    log_likelihood : ndarray of shape (n_rows, n_draws)
        Of each row; raw weights are its inverses.
    efficiency : float
        Effective share of the draws.

    Returns
    -------
    (ndarray of shape (n_rows, n_draws), ndarray of shape (n_rows,))
        Logarithms of weights, up to a constant, and Pareto k. A row whose weights are all the same
        needs no smoothing; one whose tail is a single value, where chains stood still, has an
        infinite k.
    """
    from arviz_stats.base import array_stats

    log_weights, k = -log_likelihood, np.full(len(log_likelihood), -np.inf)
    for row, own in enumerate(log_likelihood):
        if np.ptp(own) == 0:
            continue
        try:
            # ArviZ takes log-likelihoods and inverts them itself.
            log_weights[row], k[row] = array_stats.psislw(own, r_eff=efficiency)
        except ValueError:
            k[row] = np.inf
    return log_weights, k


def weighted_pit(
    observed: Numbers, predicted: Numbers, weights: Numbers, random: Numbers
) -> Numbers:
    """Find the places of observed values among weighted draws.

    Parameters
    ----------
    observed : ndarray of shape (n_rows,)
        Observed values.
    predicted, weights : ndarray of shape (n_rows, n_draws)
        Draws, and their weights, which sum to 1 in each row.
    random : ndarray of shape (n_rows,)
        Uniform numbers.

    Returns
    -------
    ndarray of shape (n_rows,)

    Examples
    --------
    >>> equal = np.full((1, 3), 1 / 3)
    >>> float(weighted_pit(np.array([2.0]), np.array([[1.0, 1.5, 3.0]]), equal, np.array([0.5]))[0])
    0.625
    """
    own = 1 / predicted.shape[1]
    below = (weights * (predicted < observed[:, None])).sum(axis=1)
    ties = (weights * (predicted == observed[:, None])).sum(axis=1)
    return np.asarray((below + random * (ties + own)) / (1 + own))


def relative_efficiency(log_likelihood: Numbers) -> float:
    """Average the effective share of draws over rows, of shape (n_rows, n_chains, n_draws)."""
    from arviz_stats.base import array_stats

    n_draws = log_likelihood[0].size
    shifted = np.exp(log_likelihood - log_likelihood.max(axis=(1, 2), keepdims=True))
    if log_likelihood.shape[2] < 4:
        return 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = array_stats.ess(shifted, method="mean", chain_axis=1, draw_axis=2)
    share = np.nanmean(np.asarray(effective)) / n_draws if np.isfinite(effective).any() else 1.0
    return float(np.clip(share, 1 / n_draws, 1.0))

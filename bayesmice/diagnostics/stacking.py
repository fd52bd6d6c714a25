"""Weights of models by how well they predict, one row left out after the other.

References
----------
Yao, Vehtari, Simpson and Gelman (2018), Bayesian Analysis 13, 917-1007.
"""

import numpy as np
from numpy.typing import NDArray

from bayesmice.later import later

special = later("scipy.special")

Numbers = NDArray[np.float64]

STEPS, TOLERANCE = 5000, 1e-9


def stacking_weights(elpd: Numbers) -> Numbers:
    r"""Weigh models so that their mixture predicts best.

    Parameters
    ----------
    elpd : ndarray of shape (n_models, n_predictions)
        Log predictive densities, over all rows of all imputations.

    Returns
    -------
    ndarray of shape (n_models,)
        Weights that sum to 1 and maximize :math:`\sum_i \log \sum_j w_j \exp(\mathrm{elpd}_{ji})`.

    Notes
    -----
    By the EM algorithm of mixtures with known components, whose steps never lower that sum.

    Examples
    --------
    >>> stacking_weights(np.log([[0.9, 0.9], [0.1, 0.1]])).round(6)
    array([1., 0.])
    """
    density = np.exp(elpd - elpd.max(axis=0))
    weights = np.full(len(elpd), 1 / len(elpd))
    for _ in range(STEPS):
        share = weights[:, None] * density
        updated = (share / share.sum(axis=0)).mean(axis=1)
        if np.abs(updated - weights).max() < TOLERANCE:
            return np.asarray(updated)
        weights = updated
    return weights


def pseudo_bma_weights(elpd: Numbers) -> Numbers:
    """Weigh models by the exponential of their elpd, of shape (n_models,)."""
    return np.asarray(special.softmax(elpd))

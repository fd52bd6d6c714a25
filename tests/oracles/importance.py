"""Posteriors of few parameters by importance sampling: an oracle that shares no code with engines.

Proposals come from t distributions, wider than the posterior: first around the mode with the
curvature there, then with the mean and covariance that the first ones found.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

Array = NDArray[np.float64]
LogDensity = Callable[[Array], Array]
"""From positions of shape (n, n_dim) to log-densities of shape (n,)."""
DF, WIDER = 6, 1.3
FIRST, SECOND = 10_000, 150_000
LEAST_EFFECTIVE = 30_000


class WeightedSample(NamedTuple):
    """Positions of shape (n, n_dim), weights that sum to one, and what they are worth."""

    positions: Array
    weights: Array
    effective_size: float


def importance_sample(log_density: LogDensity, start: Array) -> WeightedSample:
    """Sample a posterior, and check that no region was missed that the proposals could show."""
    found = optimize.minimize(lambda at: -log_density(at[None])[0], start, method="BFGS")
    rng = np.random.default_rng()
    first = _propose(rng, log_density, found.x, found.hess_inv, FIRST)
    mean = first.weights @ first.positions
    offset = first.positions - mean
    covariance = (offset * first.weights[:, None]).T @ offset
    sample = _propose(rng, log_density, mean, covariance, SECOND)
    assert sample.effective_size > LEAST_EFFECTIVE, sample.effective_size
    assert sample.weights.max() < 1e-3, "a proposal that a heavy tail needs more of"
    return sample


def _propose(
    rng: np.random.Generator, log_density: LogDensity, center: Array, covariance: Array, n: int
) -> WeightedSample:
    proposal = stats.multivariate_t(center, WIDER**2 * covariance, df=DF, seed=rng)
    positions = proposal.rvs(n).reshape(n, len(center))
    log_weights = log_density(positions) - proposal.logpdf(positions)
    weights = special.softmax(log_weights)
    return WeightedSample(positions, weights, float(1 / (weights @ weights)))

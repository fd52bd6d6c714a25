"""Maximum likelihood of a multivariate normal distribution with missing values, by SciPy.

The likelihood of the observed values is a sum over patterns of missing values of normal densities
of what is observed in them; a general optimizer maximizes it. EM, which other software uses, gives
the same maximum.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, stats

Array = NDArray[np.float64]


class NormalFit(NamedTuple):
    """Mean of shape (p,) and covariance of shape (p, p), with the divisor n."""

    mean: Array
    covariance: Array


def fit_normal(data: pd.DataFrame) -> NormalFit:
    """Maximize the likelihood of the observed values."""
    values = data.to_numpy(float)
    center, scale = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    standard = (values - center) / scale
    p = values.shape[1]
    lower = np.tril_indices(p)
    seen = ~np.isnan(standard)
    patterns = [
        (kept, standard[(seen == kept).all(axis=1)][:, kept])
        for kept in np.unique(seen, axis=0)
        if kept.any()
    ]

    def unpack(theta: Array) -> tuple[Array, Array]:
        root = np.zeros((p, p))
        root[lower] = theta[p:]
        return theta[:p], root @ root.T

    def loss(theta: Array) -> float:
        mean, covariance = unpack(theta)
        by_pattern = (
            stats.multivariate_normal.logpdf(rows, mean[kept], covariance[np.ix_(kept, kept)])
            for kept, rows in patterns
        )
        return -float(sum(np.sum(part) for part in by_pattern))

    start = np.concatenate([np.zeros(p), np.eye(p)[lower]])
    found = optimize.minimize(loss, start, method="BFGS", options={"gtol": 1e-3})
    mean, covariance = unpack(found.x)
    return NormalFit(center + scale * mean, covariance * np.outer(scale, scale))

"""Linear regression with a conjugate prior: the posterior and its predictive distribution.

The prior is normal and inverse gamma: sigma^2 ~ InverseGamma(shape, scale), and given sigma every
coefficient is N(0, width^2 sigma^2). Its figures for one data set were computed in R too: see the
tests of predictive draws.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from posterior_checks import ExactDistribution
from scipy import stats

Array = NDArray[np.float64]
POINTS = 200_000


@dataclass(frozen=True)
class ConjugatePosterior:
    """Coefficients are N(mean, sigma^2 covariance), and sigma^2 is InverseGamma(shape, scale)."""

    mean: Array
    covariance: Array
    shape: float
    scale: float

    def predictive(self, row: Array) -> stats.rv_continuous:
        """Give the t distribution of a new value with this row of the design."""
        spread = np.sqrt(self.scale / self.shape * (1 + row @ self.covariance @ row))
        return stats.t(2 * self.shape, row @ self.mean, spread)

    def exact(self, names: tuple[str, ...]) -> ExactDistribution:
        """Give independent draws of the coefficients and of log sigma."""
        rng = np.random.default_rng()
        variance = stats.invgamma(self.shape, scale=self.scale).rvs(POINTS, random_state=rng)
        noise = rng.normal(size=(POINTS, len(self.mean))) @ np.linalg.cholesky(self.covariance).T
        coefficients = self.mean + np.sqrt(variance)[:, None] * noise
        values = dict(zip(names, coefficients.T, strict=True)) | {"log sigma": np.log(variance) / 2}
        return ExactDistribution(values, np.full(POINTS, 1 / POINTS), POINTS)


def conjugate_posterior(
    design: Array, y: Array, width: float, shape: float, scale: float
) -> ConjugatePosterior:
    precision = design.T @ design + np.eye(design.shape[1]) / width**2
    mean = np.linalg.solve(precision, design.T @ y)
    residual = y @ y - mean @ precision @ mean
    return ConjugatePosterior(
        mean, np.linalg.inv(precision), shape + len(y) / 2, scale + float(residual) / 2
    )

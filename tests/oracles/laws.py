"""The distribution of a target in every family, by SciPy: densities and distribution functions.

Written from the definitions of the families in the documentation; shares no code with the engine.
Parameters have the shape (n, 1), or (n, k, 1) where they have k elements, and predictors (rows,).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

Array = NDArray[np.float64]
Parameters = Mapping[str, Array]


@dataclass(frozen=True)
class Law:
    """Distributions of shape (n, rows).

    Attributes
    ----------
    log_density : callable
        Of values of shape (rows,) or (n, rows).
    upto, before : callable
        Probability of values up to one, with and without itself.
    """

    log_density: Callable[[Array], Array]
    upto: Callable[[Array], Array]
    before: Callable[[Array], Array]

    def integrals(self, values: Array, rng: np.random.Generator) -> Array:
        """Give probability integral transforms, at a random place within each probability."""
        low, high = self.before(values), self.upto(values)
        return low + rng.random(low.shape) * (high - low)


def continuous(distribution: Any) -> Law:
    return Law(distribution.logpdf, distribution.cdf, distribution.cdf)


def discrete(distribution: Any) -> Law:
    return Law(distribution.logpmf, distribution.cdf, lambda value: distribution.cdf(value - 1))


def with_zeros(present: Law, psi: Array) -> Law:
    """Mix zeros, of probability 1 - psi, with a law of positive numbers or of counts."""

    def log_density(value: Array) -> Array:
        # A density at zero belongs to counts only: positive numbers are never zero.
        at_zero = present.upto(np.zeros(1))
        rest = np.log(psi) + present.log_density(np.where(value == 0, 1.0, value))
        return np.where(value == 0, np.log(1 - psi + psi * at_zero), rest)

    return Law(
        log_density,
        lambda value: np.where(value < 0, 0.0, 1 - psi + psi * present.upto(value)),
        lambda value: np.where(value <= 0, 0.0, 1 - psi + psi * present.before(value)),
    )


def levels(probabilities: Array) -> Law:
    """Give the law of level codes from probabilities of shape (n, levels, rows)."""
    ends = np.concatenate([np.zeros_like(probabilities[:, :1]), probabilities.cumsum(axis=1)], 1)

    def at(table: Array, code: Array) -> Array:
        place = np.broadcast_to(code, (len(table), table.shape[2])).astype(int)[:, None]
        return np.take_along_axis(table, place, axis=1)[:, 0]

    return Law(
        lambda code: np.log(at(probabilities, code)),
        lambda code: at(ends, code + 1),
        lambda code: at(ends, code),
    )


def eta(p: Parameters, x: Array) -> Array:
    return p["Intercept"] + p["x"] * x


def gaussian(p: Parameters, x: Array, n: Array) -> Law:
    return continuous(stats.norm(eta(p, x), p["sigma"]))


def student_t(p: Parameters, x: Array, n: Array) -> Law:
    return continuous(stats.t(p["nu"], eta(p, x), p["sigma"]))


def skew_normal(mean: Array, sd: Array, skewness: Array) -> Any:
    """Find the distribution with three moments (Azzalini 1985).

    The standard one has the mean c = delta sqrt(2 / pi), the variance 1 - c^2 and the skewness
    (4 - pi) / 2 (c / sqrt(1 - c^2))^3.
    """
    ratio = np.cbrt(2 * skewness / (4 - np.pi))
    c = np.sin(np.arctan(ratio))
    delta = c * np.sqrt(np.pi / 2)
    scale = sd / np.sqrt(1 - c**2)
    return stats.skewnorm(delta / np.sqrt(1 - delta**2), mean - scale * c, scale)


def skewnormal(p: Parameters, x: Array, n: Array) -> Law:
    return continuous(skew_normal(eta(p, x), p["sigma"], p["skewness"]))


def lognormal(p: Parameters, x: Array, n: Array) -> Law:
    return continuous(stats.lognorm(p["sigma"], scale=np.exp(eta(p, x))))


def gamma(p: Parameters, x: Array, n: Array) -> Law:
    return continuous(stats.gamma(p["alpha"], scale=np.exp(eta(p, x)) / p["alpha"]))


def weibull(p: Parameters, x: Array, n: Array) -> Law:
    mean_of_unit_scale = special.gamma(1 + 1 / p["alpha"])
    return continuous(stats.weibull_min(p["alpha"], scale=np.exp(eta(p, x)) / mean_of_unit_scale))


def beta(p: Parameters, x: Array, n: Array) -> Law:
    mean = special.expit(eta(p, x))
    return continuous(stats.beta(mean * p["kappa"], (1 - mean) * p["kappa"]))


def bernoulli(p: Parameters, x: Array, n: Array) -> Law:
    return discrete(stats.bernoulli(special.expit(eta(p, x))))


def binomial(p: Parameters, x: Array, n: Array) -> Law:
    return discrete(stats.binom(n, special.expit(eta(p, x))))


def categorical(p: Parameters, x: Array, n: Array) -> Law:
    others = eta(p, x)
    scores = np.concatenate([np.zeros_like(others[:, :1]), others], axis=1)
    return levels(special.softmax(scores, axis=1))


def cumulative(p: Parameters, x: Array, n: Array) -> Law:
    slope = (p["x"] * x)[:, None]
    upto = stats.logistic.cdf(p["cutpoints"] - slope)
    first, last = np.zeros_like(upto[:, :1]), np.ones_like(upto[:, :1])
    return levels(np.diff(np.concatenate([first, upto, last], axis=1), axis=1))


def poisson(p: Parameters, x: Array, n: Array) -> Law:
    return discrete(stats.poisson(np.exp(eta(p, x))))


def negativebinomial(p: Parameters, x: Array, n: Array) -> Law:
    mean = np.exp(eta(p, x))
    return discrete(stats.nbinom(p["alpha"], p["alpha"] / (p["alpha"] + mean)))


def zero_inflated_poisson(p: Parameters, x: Array, n: Array) -> Law:
    return with_zeros(poisson(p, x, n), p["psi"])


def zero_inflated_negativebinomial(p: Parameters, x: Array, n: Array) -> Law:
    return with_zeros(negativebinomial(p, x, n), p["psi"])


def hurdle_gamma(p: Parameters, x: Array, n: Array) -> Law:
    return with_zeros(gamma(p, x, n), p["psi"])


def hurdle_lognormal(p: Parameters, x: Array, n: Array) -> Law:
    return with_zeros(lognormal(p, x, n), p["psi"])


def vonmises(p: Parameters, x: Array, n: Array) -> Law:
    distribution = stats.vonmises(p["kappa"], loc=2 * np.arctan(eta(p, x)))

    # SciPy's distribution function goes on growing around the circle.
    def upto(value: Array) -> Array:
        return np.asarray(distribution.cdf(value) - distribution.cdf(np.full(1, -np.pi)))

    return Law(distribution.logpdf, upto, upto)

"""Parameters of small models: their priors, and the scales on which they are free of bounds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pymc as pm
from laws import Array
from scipy import special, stats


class Scale(NamedTuple):
    """How a parameter is freed of its bounds.

    Attributes
    ----------
    free, bind : callable
        From arrays of shape (n, k) to free ones, and back.
    log_jacobian : callable
        Of binding, at free arrays of shape (n, k): an array of shape (n,).
    """

    free: Callable[[Array], Array]
    bind: Callable[[Array], Array]
    log_jacobian: Callable[[Array], Array]


def _gaps(cuts: Array) -> Array:
    return np.concatenate([cuts[:, :1], np.log(np.diff(cuts, axis=1))], axis=1)


def _cuts(free: Array) -> Array:
    return np.concatenate([free[:, :1], np.exp(free[:, 1:])], axis=1).cumsum(axis=1)


def _log_share_slope(free: Array) -> Array:
    return special.log_expit(free) + special.log_expit(-free)


REAL = Scale(lambda v: v, lambda u: u, lambda u: np.zeros(len(u)))
POSITIVE = Scale(np.log, np.exp, lambda u: u.sum(axis=1))
SHARE = Scale(special.logit, special.expit, lambda u: _log_share_slope(u).sum(axis=1))
ORDERED = Scale(_gaps, _cuts, lambda u: u[:, 1:].sum(axis=1))
LARGEST_SKEWNESS = 0.9
SKEWNESS = Scale(
    lambda v: special.logit((v / LARGEST_SKEWNESS + 1) / 2),
    lambda u: LARGEST_SKEWNESS * (2 * special.expit(u) - 1),
    lambda u: _log_share_slope(u).sum(axis=1) + np.log(2 * LARGEST_SKEWNESS),
)


@dataclass(frozen=True)
class Parameter:
    """A parameter, with its prior as PyMC and as SciPy know it."""

    engine: Any
    prior: Any
    scale: Scale = REAL
    size: int = 1
    is_vector: bool = False


def normal(mean: float, sd: float, scale: Scale = REAL, size: int = 0) -> Parameter:
    prior = pm.Normal.dist(mean, sd), stats.norm(mean, sd)
    return Parameter(*prior, scale, max(size, 1), size > 0)


def half_normal(sd: float) -> Parameter:
    return Parameter(pm.HalfNormal.dist(sd), stats.halfnorm(scale=sd), POSITIVE)


def gamma(shape: float, rate: float) -> Parameter:
    prior = pm.Gamma.dist(shape, rate), stats.gamma(shape, scale=1 / rate)
    return Parameter(*prior, POSITIVE)


def share(a: float, b: float) -> Parameter:
    return Parameter(pm.Beta.dist(a, b), stats.beta(a, b), SHARE)


def skewness() -> Parameter:
    bound = LARGEST_SKEWNESS
    return Parameter(pm.Uniform.dist(-bound, bound), stats.uniform(-bound, 2 * bound), SKEWNESS)

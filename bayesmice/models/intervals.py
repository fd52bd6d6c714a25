"""Log-probabilities of intervals, for cells that are known by their limits.

Every function takes lower and upper limits, both included, of shape (n,). Limits may be infinite
element by element, and gradients stay finite there: infinite numbers are replaced before they enter
arithmetic, since the derivative of a branch that is not taken still multiplies zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from bayesmice.later import later
from bayesmice.models.normal import LOG_2, LOG_ROOT_2PI, log_ndtr
from bayesmice.models.quadrature import log_integral
from bayesmice.models.skewness import direct_parameters, log_standard_density

if TYPE_CHECKING:
    import pytensor.tensor as pt
    from pytensor.tensor.variable import TensorVariable
else:
    pt = later("pytensor.tensor")

NARROW = 1e-2
"""Normal intervals whose width times (1 + distance from the mean), in standard deviations, is below
this take the midpoint rule with its first correction; what that leaves out is below 1e-11."""

type LogTail = Callable[[TensorVariable, TensorVariable], TensorVariable]


def normal(
    lower: TensorVariable, upper: TensorVariable, mu: TensorVariable, sigma: TensorVariable
) -> TensorVariable:
    """Give log-probabilities of intervals of normal distributions.

    Intervals of the upper half are mirrored into the lower one, where probabilities keep their
    relative precision.
    """
    has_lower, has_upper = pt.gt(lower, -np.inf), pt.lt(upper, np.inf)
    a = (pt.switch(has_lower, lower, mu) - mu) / sigma
    b = (pt.switch(has_upper, upper, mu) - mu) / sigma
    is_mirrored = has_lower & (pt.invert(has_upper) | (a + b > 0))
    low, high = pt.switch(is_mirrored, -b, a), pt.switch(is_mirrored, -a, b)
    is_bounded = has_lower & has_upper
    log_high = log_ndtr(high)

    width = pt.switch(is_bounded, b - a, 1.0)
    middle = (low + high) / 2.0
    is_narrow = is_bounded & (width * (1.0 + pt.abs(middle)) < NARROW)
    ratio = log_ndtr(low) - log_high
    wide = log_high + pt.log1mexp(pt.switch(is_bounded & pt.invert(is_narrow), ratio, -1.0))

    width, middle = pt.switch(is_narrow, width, 1.0), pt.switch(is_narrow, middle, 0.0)
    correction = pt.log1p(width**2 * (middle**2 - 1.0) / 24.0)
    narrow = pt.log(width) - middle**2 / 2.0 - LOG_ROOT_2PI + correction
    bounded = pt.switch(is_narrow, narrow, wide)
    return pt.switch(is_bounded, bounded, pt.switch(has_lower | has_upper, log_high, 0.0))


def truncated_normal(
    low: TensorVariable,
    high: TensorVariable,
    /,
    mu: TensorVariable,
    sigma: TensorVariable,
    lower: TensorVariable,
    upper: TensorVariable,
) -> TensorVariable:
    """Give log-probabilities of intervals of truncated normal distributions."""
    inside = normal(pt.maximum(low, lower), pt.minimum(high, upper), mu, sigma)
    return inside - normal(lower, upper, mu, sigma)


def lognormal(
    lower: TensorVariable, upper: TensorVariable, mu: TensorVariable, sigma: TensorVariable
) -> TensorVariable:
    """Give log-probabilities of intervals of log-normal distributions."""
    return normal(_log(lower), _log(upper), mu, sigma)


def weibull(
    lower: TensorVariable, upper: TensorVariable, mu: TensorVariable, alpha: TensorVariable
) -> TensorVariable:
    """Give log-probabilities of intervals of Weibull distributions with mean ``mu``."""
    has_lower, has_upper = lower > 0, pt.lt(upper, np.inf)
    log_scale = pt.log(mu) - pt.gammaln(1.0 + 1.0 / alpha)
    from_lower, from_upper = (
        pt.switch(known, pt.exp(alpha * (pt.log(pt.switch(known, limit, 1.0)) - log_scale)), 0.0)
        for known, limit in ((has_lower, lower), (has_upper, upper))
    )
    inside = pt.switch(has_upper, from_lower - from_upper, -1.0)
    return pt.switch(has_upper, pt.log1mexp(inside), 0.0) - from_lower


def student_t(
    lower: TensorVariable,
    upper: TensorVariable,
    mu: TensorVariable,
    sigma: TensorVariable,
    nu: TensorVariable,
) -> TensorVariable:
    """Give log-probabilities of intervals of t distributions.

    A t variable is sqrt(nu) sinh(u), where u has a density proportional to cosh(u)^(-nu).
    """
    scale = sigma * pt.sqrt(nu)
    low, high = (_standardized(limit, mu, scale, pt.arcsinh) for limit in (lower, upper))
    return log_integral(_log_cosh_kernel, (nu,), low, high, pt.zeros_like(low))


def _log_cosh_kernel(u: TensorVariable, nu: TensorVariable) -> TensorVariable:
    size = pt.abs(u)
    log_cosh = size + pt.log1p(pt.exp(-2.0 * size)) - LOG_2
    return pt.gammaln((nu + 1.0) / 2.0) - pt.gammaln(nu / 2.0) - 0.5 * np.log(np.pi) - nu * log_cosh


def skew_normal(
    lower: TensorVariable,
    upper: TensorVariable,
    mu: TensorVariable,
    sigma: TensorVariable,
    skewness: TensorVariable,
) -> TensorVariable:
    """Give log-probabilities of intervals of skew-normal distributions."""
    location, scale, slant = direct_parameters(mu, sigma, skewness)
    low, high = (_standardized(limit, location, scale, lambda z: z) for limit in (lower, upper))
    # Right of the mode, where a large slant has left only the normal factor.
    peak = 3.0 * slant / (2.0 + slant**2)
    return log_integral(log_standard_density, (slant,), low, high, peak)


def gamma(
    lower: TensorVariable, upper: TensorVariable, mu: TensorVariable, alpha: TensorVariable
) -> TensorVariable:
    """Give log-probabilities of intervals of gamma distributions with mean ``mu``."""
    log_rate = pt.log(alpha) - pt.log(mu)
    low, high = _log(lower) + log_rate, _log(upper) + log_rate
    return log_integral(_log_gamma_kernel, (alpha,), low, high, pt.log(alpha))


def _log_gamma_kernel(u: TensorVariable, alpha: TensorVariable) -> TensorVariable:
    return alpha * u - pt.exp(u) - pt.gammaln(alpha)


def beta(
    lower: TensorVariable, upper: TensorVariable, mu: TensorVariable, kappa: TensorVariable
) -> TensorVariable:
    """Give log-probabilities of intervals of beta distributions with mean ``mu``."""
    a, b = mu * kappa, (1.0 - mu) * kappa
    low, high = _logit(lower), _logit(upper)
    return log_integral(_logit_beta_kernel, (a, b), low, high, pt.log(a) - pt.log(b))


def _logit_beta_kernel(u: TensorVariable, a: TensorVariable, b: TensorVariable) -> TensorVariable:
    log_constant = pt.gammaln(a + b) - pt.gammaln(a) - pt.gammaln(b)
    return log_constant - a * pt.softplus(-u) - b * pt.softplus(u)


def poisson(lower: TensorVariable, upper: TensorVariable, mu: TensorVariable) -> TensorVariable:
    """Give log-probabilities of intervals of Poisson distributions.

    At most k events happen in a time of mu if the time of event k + 1, a gamma variable, is later.
    """

    def log_tail(count: TensorVariable, is_upper: TensorVariable) -> TensorVariable:
        shape, time = count + 1.0, pt.log(mu) + pt.zeros_like(count)
        low, high = pt.switch(is_upper, -np.inf, time), pt.switch(is_upper, time, np.inf)
        return log_integral(_log_gamma_kernel, (shape,), low, high, pt.log(shape))

    return _counts(lower, upper, mu, log_tail)


def negative_binomial(
    lower: TensorVariable, upper: TensorVariable, mu: TensorVariable, alpha: TensorVariable
) -> TensorVariable:
    """Give log-probabilities of intervals of negative binomial distributions.

    Their tails are those of a beta variable with shapes alpha and k + 1 at alpha / (alpha + mu).
    """

    def log_tail(count: TensorVariable, is_upper: TensorVariable) -> TensorVariable:
        at = pt.log(alpha) - pt.log(mu) + pt.zeros_like(count)
        low, high = pt.switch(is_upper, at, -np.inf), pt.switch(is_upper, np.inf, at)
        shapes = (alpha + pt.zeros_like(count), count + 1.0)
        return log_integral(_logit_beta_kernel, shapes, low, high, pt.log(alpha) - pt.log1p(count))

    return _counts(lower, upper, mu, log_tail)


def binomial(
    lower: TensorVariable, upper: TensorVariable, p: TensorVariable, n: TensorVariable
) -> TensorVariable:
    """Give log-probabilities of intervals of binomial distributions.

    Their tails are those of a beta variable with shapes n - k and k + 1 at 1 - p.
    """

    def log_tail(count: TensorVariable, is_upper: TensorVariable) -> TensorVariable:
        at = pt.log1p(-p) - pt.log(p) + pt.zeros_like(count)
        low, high = pt.switch(is_upper, at, -np.inf), pt.switch(is_upper, np.inf, at)
        # A count of n or more is never asked for: that tail is nothing or everything.
        shapes = (pt.maximum(n - count, 1.0), count + 1.0)
        peak = pt.log(shapes[0]) - pt.log(shapes[1])
        return log_integral(_logit_beta_kernel, shapes, low, high, peak)

    inside = _counts(lower, pt.switch(upper >= n, np.inf, upper), n * p, log_tail)
    return pt.switch(lower > n, -np.inf, inside)


def zero_inflated_poisson(
    lower: TensorVariable, upper: TensorVariable, mu: TensorVariable, psi: TensorVariable
) -> TensorVariable:
    """Give log-probabilities of intervals of zero-inflated Poisson distributions."""
    return _zero_inflated(lower, upper, psi, poisson(lower, upper, mu))


def zero_inflated_negative_binomial(
    lower: TensorVariable,
    upper: TensorVariable,
    mu: TensorVariable,
    alpha: TensorVariable,
    psi: TensorVariable,
) -> TensorVariable:
    """Give log-probabilities of intervals of zero-inflated negative binomial distributions."""
    return _zero_inflated(lower, upper, psi, negative_binomial(lower, upper, mu, alpha))


def _zero_inflated(
    lower: TensorVariable, upper: TensorVariable, psi: TensorVariable, log_count: TensorVariable
) -> TensorVariable:
    log_absent, log_present = pt.log1p(-psi), pt.log(psi) + log_count
    either = log_absent + pt.softplus(log_present - log_absent)
    return pt.switch((lower <= 0) & (upper >= 0), either, log_present)


def _counts(
    lower: TensorVariable,
    upper: TensorVariable,
    mean: TensorVariable,
    log_tail: LogTail,
) -> TensorVariable:
    """Take the difference of two tails on the side of the mean where the interval lies.

    ``log_tail(count, is_upper)`` is the log-probability of more than ``count`` where ``is_upper``,
    of at most ``count`` elsewhere.
    """
    first, last = pt.ceil(lower), pt.floor(upper)
    is_upper = first > mean
    has_below, has_last = first > 0, pt.lt(last, np.inf)
    below, end = pt.switch(has_below, first - 1.0, 0.0), pt.switch(has_last, last, 0.0)
    larger = log_tail(pt.switch(is_upper, below, end), is_upper)
    smaller = log_tail(pt.switch(is_upper, end, below), is_upper)
    larger = pt.switch(is_upper | has_last, larger, 0.0)
    is_difference = pt.switch(is_upper, has_last, has_below)
    ratio = pt.switch(is_difference, smaller - larger, -1.0)
    return larger + pt.switch(is_difference, pt.log1mexp(ratio), 0.0)


def _standardized(
    limit: TensorVariable,
    center: TensorVariable,
    unit: TensorVariable,
    transform: Callable[[TensorVariable], TensorVariable],
) -> TensorVariable:
    is_known = pt.invert(pt.isinf(limit))
    return pt.switch(
        is_known, transform((pt.switch(is_known, limit, center) - center) / unit), limit
    )


def _log(limit: TensorVariable) -> TensorVariable:
    return pt.switch(limit > 0, pt.log(pt.switch(limit > 0, limit, 1.0)), -np.inf)


def _logit(limit: TensorVariable) -> TensorVariable:
    is_inside = (limit > 0) & (limit < 1)
    inside = pt.switch(is_inside, limit, 0.5)
    outside = pt.switch(limit <= 0, -np.inf, np.inf)
    return pt.switch(is_inside, pt.log(inside) - pt.log1p(-inside), outside)

"""Likelihoods that PyMC lacks, parametrizes otherwise, or computes with too little precision.

Each function writes an observed variable: ``likelihood(name, **parameters, observed=..., dims=)``.
Log-densities and their first two derivatives have to be finite wherever the search for a mode may
lead, not only near the posterior.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from bayesmice.later import later
from bayesmice.models.intervals import normal as normal_interval
from bayesmice.models.normal import log_ndtr
from bayesmice.models.skewness import direct_parameters, log_density

if TYPE_CHECKING:
    import pymc as pm
    import pytensor.tensor as pt
    from pytensor.tensor.variable import TensorVariable
else:
    pm, pt = later("pymc"), later("pytensor.tensor")

LOG_SMALL, LOG_LARGE = -30.0, 700.0
"""Below the first, log(exp(exp(x)) - 1) is x to full precision; beyond the second, exp(x) leaves
the range of floats."""

LARGE_SHAPE = 1e6
"""Above this, Stirling's series leaves less than 1e-7 out of a difference of log-gammas."""


def of_pymc(distribution: str) -> Callable[..., TensorVariable]:
    """Give the likelihood that a distribution of PyMC is, by its name."""

    def write(name: str, **rest: object) -> TensorVariable:
        return getattr(pm, distribution)(name, **rest)

    return write


NORMAL = of_pymc("Normal")


def skew_normal(
    name: str, mu: TensorVariable, sigma: TensorVariable, skewness: TensorVariable, **rest: object
) -> TensorVariable:
    """Write a skew-normal variable by its mean, standard deviation and skewness."""

    def draw(
        mu: TensorVariable, sigma: TensorVariable, skewness: TensorVariable, size: TensorVariable
    ) -> TensorVariable:
        location, scale, slant = direct_parameters(mu, sigma, skewness)
        return pm.SkewNormal.dist(mu=location, sigma=scale, alpha=slant, size=size)

    return pm.CustomDist(
        name, mu, sigma, skewness, logp=log_density, dist=draw, class_name="SkewNormal", **rest
    )


def truncated_normal(
    name: str,
    mu: TensorVariable,
    sigma: TensorVariable,
    lower: TensorVariable,
    upper: TensorVariable,
    **rest: object,
) -> TensorVariable:
    """Write a normal variable truncated at limits, which may be infinite element by element."""

    def logp(
        value: TensorVariable,
        mu: TensorVariable,
        sigma: TensorVariable,
        lower: TensorVariable,
        upper: TensorVariable,
    ) -> TensorVariable:
        inside = pm.logp(pm.Normal.dist(mu, sigma), value) - normal_interval(
            lower, upper, mu, sigma
        )
        return pt.switch((value >= lower) & (value <= upper), inside, -np.inf)

    def draw(
        mu: TensorVariable,
        sigma: TensorVariable,
        lower: TensorVariable,
        upper: TensorVariable,
        size: TensorVariable,
    ) -> TensorVariable:
        return pm.TruncatedNormal.dist(mu, sigma, lower=lower, upper=upper, size=size)

    return pm.CustomDist(
        name, mu, sigma, lower, upper, logp=logp, dist=draw, class_name="TruncatedNormal", **rest
    )


def gamma(name: str, mu: TensorVariable, alpha: TensorVariable, **rest: object) -> TensorVariable:
    """Write a gamma variable with a mean."""
    return pm.Gamma(name, alpha=alpha, beta=alpha / mu, **rest)


def weibull(name: str, mu: TensorVariable, alpha: TensorVariable, **rest: object) -> TensorVariable:
    """Write a Weibull variable with a mean, by the logarithm of its scale."""

    def logp(value: TensorVariable, mu: TensorVariable, alpha: TensorVariable) -> TensorVariable:
        log_value = pt.log(value)
        log_hazard = alpha * (log_value - pt.log(mu) + pt.gammaln(1.0 + 1.0 / alpha))
        return pt.log(alpha) - log_value + log_hazard - pt.exp(log_hazard)

    def draw(mu: TensorVariable, alpha: TensorVariable, size: TensorVariable) -> TensorVariable:
        scale = mu * pt.exp(-pt.gammaln(1.0 + 1.0 / alpha))
        return pm.Weibull.dist(alpha=alpha, beta=scale, size=size)

    return pm.CustomDist(name, mu, alpha, logp=logp, dist=draw, class_name="Weibull", **rest)


def negative_binomial(
    name: str, mu: TensorVariable, alpha: TensorVariable, **rest: object
) -> TensorVariable:
    """Write an overdispersed count; a mean that overflows keeps its derivatives."""
    return pm.CustomDist(
        name,
        mu,
        alpha,
        logp=_log_negative_binomial,
        dist=_draw_negative_binomial,
        class_name="NegativeBinomial",
        **rest,
    )


def zero_inflated_poisson(
    name: str, mu: TensorVariable, psi: TensorVariable, **rest: object
) -> TensorVariable:
    """Write a Poisson count of which a share 1 - psi was replaced by zeros."""

    def logp(value: TensorVariable, mu: TensorVariable, psi: TensorVariable) -> TensorVariable:
        return _zero_inflated(value, psi, lambda count: _log_poisson(count, mu))

    def draw(mu: TensorVariable, psi: TensorVariable, size: TensorVariable) -> TensorVariable:
        return _present(psi, size) * pm.Poisson.dist(mu, size=size)

    return pm.CustomDist(
        name, mu, psi, logp=logp, dist=draw, class_name="ZeroInflatedPoisson", **rest
    )


def zero_inflated_negative_binomial(
    name: str, mu: TensorVariable, alpha: TensorVariable, psi: TensorVariable, **rest: object
) -> TensorVariable:
    """Write a negative binomial count of which a share 1 - psi was replaced by zeros."""

    def logp(
        value: TensorVariable, mu: TensorVariable, alpha: TensorVariable, psi: TensorVariable
    ) -> TensorVariable:
        return _zero_inflated(value, psi, lambda count: _log_negative_binomial(count, mu, alpha))

    def draw(
        mu: TensorVariable, alpha: TensorVariable, psi: TensorVariable, size: TensorVariable
    ) -> TensorVariable:
        return _present(psi, size) * _draw_negative_binomial(mu, alpha, size)

    return pm.CustomDist(
        name,
        mu,
        alpha,
        psi,
        logp=logp,
        dist=draw,
        class_name="ZeroInflatedNegativeBinomial",
        **rest,
    )


def hurdle_gamma(
    name: str, mu: TensorVariable, alpha: TensorVariable, psi: TensorVariable, **rest: object
) -> TensorVariable:
    """Write a variable that is zero, or with probability psi gamma with a mean."""

    def logp(
        value: TensorVariable, mu: TensorVariable, alpha: TensorVariable, psi: TensorVariable
    ) -> TensorVariable:
        return _hurdle(value, psi, lambda positive: _log_gamma(positive, mu, alpha))

    def draw(
        mu: TensorVariable, alpha: TensorVariable, psi: TensorVariable, size: TensorVariable
    ) -> TensorVariable:
        return _present(psi, size) * pm.Gamma.dist(alpha=alpha, beta=alpha / mu, size=size)

    return pm.CustomDist(
        name, mu, alpha, psi, logp=logp, dist=draw, class_name="HurdleGamma", **rest
    )


def hurdle_lognormal(
    name: str, mu: TensorVariable, sigma: TensorVariable, psi: TensorVariable, **rest: object
) -> TensorVariable:
    """Write a variable that is zero, or with probability psi log-normal."""

    def logp(
        value: TensorVariable, mu: TensorVariable, sigma: TensorVariable, psi: TensorVariable
    ) -> TensorVariable:
        base = pm.LogNormal.dist(mu, sigma)
        return _hurdle(value, psi, lambda positive: pm.logp(base, positive))

    def draw(
        mu: TensorVariable, sigma: TensorVariable, psi: TensorVariable, size: TensorVariable
    ) -> TensorVariable:
        return _present(psi, size) * pm.LogNormal.dist(mu, sigma, size=size)

    return pm.CustomDist(
        name, mu, sigma, psi, logp=logp, dist=draw, class_name="HurdleLogNormal", **rest
    )


def _log_gamma(value: TensorVariable, mu: TensorVariable, alpha: TensorVariable) -> TensorVariable:
    log_value = pt.log(value)
    log_scaled = log_value + pt.log(alpha) - pt.log(mu)
    scaled = pt.exp(pt.minimum(log_scaled, LOG_LARGE))
    return alpha * log_scaled - scaled - log_value - pt.gammaln(alpha)


def _log_poisson(count: TensorVariable, mu: TensorVariable) -> TensorVariable:
    log_mu = pt.log(mu)
    return count * log_mu - pt.exp(pt.minimum(log_mu, LOG_LARGE)) - pt.gammaln(count + 1.0)


def _log_negative_binomial(
    count: TensorVariable, mu: TensorVariable, alpha: TensorVariable
) -> TensorVariable:
    log_odds = pt.log(mu) - pt.log(alpha)
    # Differences of log-gammas lose their digits where alpha is large; Stirling's series does not.
    is_large = alpha > LARGE_SHAPE
    small, large = pt.minimum(alpha, LARGE_SHAPE), pt.maximum(alpha, LARGE_SHAPE)
    series = (large - 0.5) * pt.log1p(count / large) + count * (pt.log(count + large) - 1.0)
    rising = pt.switch(is_large, series, pt.gammaln(count + small) - pt.gammaln(small))
    log_terms = alpha * pt.softplus(log_odds) + count * pt.softplus(-log_odds)
    return rising - pt.gammaln(count + 1.0) - log_terms


def _draw_negative_binomial(
    mu: TensorVariable, alpha: TensorVariable, size: TensorVariable
) -> TensorVariable:
    return pm.Poisson.dist(pm.Gamma.dist(alpha=alpha, beta=alpha / mu, size=size))


def _zero_inflated(
    value: TensorVariable,
    psi: TensorVariable,
    log_count: Callable[[TensorVariable], TensorVariable],
) -> TensorVariable:
    log_absent, log_present = pt.log1p(-psi), pt.log(psi)
    log_zero = log_present + log_count(pt.zeros_like(value))
    either = log_absent + pt.softplus(log_zero - log_absent)
    return pt.switch(pt.eq(value, 0), either, log_present + log_count(value))


def _hurdle(
    value: TensorVariable,
    psi: TensorVariable,
    log_positive: Callable[[TensorVariable], TensorVariable],
) -> TensorVariable:
    is_zero = pt.eq(value, 0)
    positive = log_positive(pt.switch(is_zero, 1.0, value))
    return pt.switch(is_zero, pt.log1p(-psi), pt.log(psi) + positive)


def _present(psi: TensorVariable, size: TensorVariable) -> TensorVariable:
    return pm.Bernoulli.dist(psi, size=size)


def beta(name: str, mu: TensorVariable, kappa: TensorVariable, **rest: object) -> TensorVariable:
    """Write a beta variable with a mean."""
    return pm.Beta(name, mu=mu, nu=kappa, **rest)


def beta_at_logit(
    name: str, eta: TensorVariable, kappa: TensorVariable, **rest: object
) -> TensorVariable:
    """Write a beta variable; 1 - mu would lose its precision where the mean is near 1."""
    return pm.Beta(name, alpha=kappa * pt.sigmoid(eta), beta=kappa * pt.sigmoid(-eta), **rest)


def bernoulli_at_logit(name: str, eta: TensorVariable, **rest: object) -> TensorVariable:
    """Write a binary variable by its log-odds; PyMC's density takes twice as many logarithms."""

    def logp(value: TensorVariable, eta: TensorVariable) -> TensorVariable:
        return -pt.softplus(pt.switch(value > 0, -eta, eta))

    def draw(eta: TensorVariable, size: TensorVariable) -> TensorVariable:
        return pm.Bernoulli.dist(logit_p=eta, size=size)

    return pm.CustomDist(name, eta, logp=logp, dist=draw, class_name="Bernoulli", **rest)


def bernoulli_at_probit(name: str, eta: TensorVariable, **rest: object) -> TensorVariable:
    """Write a binary variable by its probit."""
    return bernoulli_at_logit(name, _log_odds_of_probit(eta), **rest)


def bernoulli_at_cloglog(name: str, eta: TensorVariable, **rest: object) -> TensorVariable:
    """Write a binary variable by the complementary log-log of its probability."""
    return bernoulli_at_logit(name, _log_odds_of_cloglog(eta), **rest)


def binomial(name: str, p: TensorVariable, n: TensorVariable, **rest: object) -> TensorVariable:
    """Write a number of successes."""
    return pm.Binomial(name, n=pt.cast(n, "int64"), p=p, **rest)


def binomial_at_logit(
    name: str, eta: TensorVariable, n: TensorVariable, **rest: object
) -> TensorVariable:
    """Write a number of successes by their log-odds."""
    return pm.Binomial(name, n=pt.cast(n, "int64"), logit_p=eta, **rest)


def binomial_at_probit(
    name: str, eta: TensorVariable, n: TensorVariable, **rest: object
) -> TensorVariable:
    """Write a number of successes by the probit of their probability."""
    return binomial_at_logit(name, _log_odds_of_probit(eta), n, **rest)


def binomial_at_cloglog(
    name: str, eta: TensorVariable, n: TensorVariable, **rest: object
) -> TensorVariable:
    """Write a number of successes by the complementary log-log of their probability."""
    return binomial_at_logit(name, _log_odds_of_cloglog(eta), n, **rest)


def _log_odds_of_probit(eta: TensorVariable) -> TensorVariable:
    return log_ndtr(eta) - log_ndtr(-eta)


def _log_odds_of_cloglog(eta: TensorVariable) -> TensorVariable:
    # For p = 1 - exp(-t) with t = exp(eta), the odds are exp(t) - 1.
    rate = pt.exp(pt.clip(eta, LOG_SMALL, LOG_LARGE))
    return pt.switch(eta > LOG_SMALL, rate + pt.log1mexp(-rate), eta)


def categorical(name: str, eta: TensorVariable, **rest: object) -> TensorVariable:
    """Write a level by the linear predictors of all levels."""

    def logp(value: TensorVariable, eta: TensorVariable) -> TensorVariable:
        # Levels first, so that sums over few levels run along many rows.
        by_level = pt.special.log_softmax(pt.moveaxis(eta, -1, 0), axis=0)
        return _at_level(by_level, value)

    def draw(eta: TensorVariable, size: TensorVariable) -> TensorVariable:
        return pm.Categorical.dist(logit_p=eta, size=size)

    return pm.CustomDist(
        name, eta, logp=logp, dist=draw, class_name="Categorical", signature="(k)->()", **rest
    )


def ordered_logit(
    name: str, eta: TensorVariable, cutpoints: TensorVariable, **rest: object
) -> TensorVariable:
    """Write an ordered level: a logistic variable around ``eta``, cut into levels.

    PyMC's differences of sigmoids are zero beyond 37 on the upper side.
    """

    def logp(
        value: TensorVariable, eta: TensorVariable, cutpoints: TensorVariable
    ) -> TensorVariable:
        lower, upper, has_lower, has_upper = _cuts(value, cutpoints)
        below = pt.switch(has_lower, pt.softplus(lower - eta), 0.0)
        above = pt.switch(has_upper, pt.softplus(eta - upper), 0.0)
        # sigmoid(b) - sigmoid(a) = sigmoid(b) sigmoid(-a) (1 - exp(a - b))
        gaps = pt.log1mexp(cutpoints[..., :-1] - cutpoints[..., 1:])
        between = _at_level(pt.moveaxis(gaps, -1, 0), value - 1)
        return between - below - above

    def draw(
        eta: TensorVariable, cutpoints: TensorVariable, size: TensorVariable
    ) -> TensorVariable:
        return _level(pm.Logistic.dist(eta, 1.0, size=size), cutpoints)

    return pm.CustomDist(
        name,
        eta,
        cutpoints,
        logp=logp,
        dist=draw,
        class_name="OrderedLogistic",
        signature="(),(k)->()",
        **rest,
    )


def ordered_probit(
    name: str, eta: TensorVariable, cutpoints: TensorVariable, **rest: object
) -> TensorVariable:
    """Write an ordered level: a normal variable around ``eta``, cut into levels."""

    def logp(
        value: TensorVariable, eta: TensorVariable, cutpoints: TensorVariable
    ) -> TensorVariable:
        lower, upper, has_lower, has_upper = _cuts(value, cutpoints)
        low, high = pt.switch(has_lower, lower, -np.inf), pt.switch(has_upper, upper, np.inf)
        return normal_interval(low, high, eta, pt.ones_like(eta))

    def draw(
        eta: TensorVariable, cutpoints: TensorVariable, size: TensorVariable
    ) -> TensorVariable:
        return _level(pm.Normal.dist(eta, 1.0, size=size), cutpoints)

    return pm.CustomDist(
        name,
        eta,
        cutpoints,
        logp=logp,
        dist=draw,
        class_name="OrderedProbit",
        signature="(),(k)->()",
        **rest,
    )


def _cuts(
    level: TensorVariable, cutpoints: TensorVariable
) -> tuple[TensorVariable, TensorVariable, TensorVariable, TensorVariable]:
    """Find the cutpoints around levels, and whether there is one below and one above."""
    last = cutpoints.shape[-1] - 1
    by_level = pt.moveaxis(cutpoints, -1, 0)
    lower, upper = _at_level(by_level, level - 1), _at_level(by_level, level)
    return lower, upper, level > 0, level <= last


def _at_level(by_level: TensorVariable, level: TensorVariable) -> TensorVariable:
    """Take elements of the first axis, 0 for a level that is none.

    An indexed read would be faster, but its derivative adds to places one after the other.
    """
    (n_levels, *rest) = by_level.type.shape
    if n_levels is None:
        inside = pt.clip(level, 0, by_level.shape[0] - 1)
        found = by_level[inside] if not rest else by_level[inside, pt.arange(by_level.shape[1])]
        return pt.switch(pt.eq(inside, level), found, 0.0)
    levels = np.arange(n_levels).reshape(-1, *(1,) * max(len(rest), 1))
    if not rest:
        by_level = pt.shape_padright(by_level, level.ndim)
    return pt.sum(pt.switch(pt.eq(level, levels), by_level, 0.0), axis=0)


def _level(latent: TensorVariable, cutpoints: TensorVariable) -> TensorVariable:
    return pt.sum(pt.shape_padright(latent) > cutpoints, axis=-1)

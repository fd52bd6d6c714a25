"""JAX versions of random draws and functions that PyTensor lacks or has wrong.

Importing this module registers them with PyTensor, once for the whole process. Draws match those
that NumPy or SciPy would make in distribution, not in bits.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytensor.tensor.random.basic as ptr
from jax.scipy.special import betainc, expit, gammainc, gammaincc, log_ndtr, ndtri
from pymc.distributions.continuous import (
    MoyalRV,
    RiceRV,
    SkewNormalRV,
    SkewStudentTRV,
    TruncatedNormalRV,
    WaldRV,
)
from pymc.distributions.discrete import DiscreteUniformRV
from pymc.logprob.utils import CheckParameterValue
from pytensor.link.jax.dispatch.basic import jax_funcify
from pytensor.link.jax.dispatch.random import jax_sample_fn
from pytensor.raise_op import Assert
from pytensor.scalar.math import (
    BetaIncInv,
    Erfcx,
    GammaIncCInv,
    GammaIncInv,
    Log1mexp,
    NdtriExp,
    Softplus,
)
from pytensor.tensor.math import Dot

type Array = jax.Array
type Shape = tuple[int, ...]
type Sampler = Callable[..., Array]
"""``sampler(key, shape, *parameters)``: independent draws, with parameters that broadcast."""

TINY = 1e-300
"""Least draw of a positive distribution: small shapes would round to zero, outside the support."""

LOWEST, BISECTIONS = -700.0, 64
"""Where bisection of logarithms and log-odds starts, and its steps: to the last digit."""

NEWTON_STEPS = 4
"""From the start used in `ndtri_exp`, enough for full precision from -1e-3 to -1e300."""


def ndtri_exp(log_p: Array) -> Array:
    """Invert the logarithm of the standard normal distribution function.

    PyTensor's version takes the exponential first, which is zero below -745.
    """
    in_range = log_p > -300.0
    far = jnp.where(in_range, -300.0, log_p)
    # The leading terms of log Phi(z) for z << 0 are -z^2 / 2 - log(-z sqrt(2 pi)).
    start = -jnp.sqrt(-2.0 * far - jnp.log(-4.0 * jnp.pi * far))
    tail = start
    for _ in range(NEWTON_STEPS):
        log_cdf = log_ndtr(tail)
        log_slope = -0.5 * tail**2 - 0.5 * jnp.log(2.0 * jnp.pi) - log_cdf
        tail = tail - (log_cdf - far) * jnp.exp(-log_slope)
    return jnp.where(in_range, ndtri(jnp.exp(log_p)), tail)


def log1mexp(x: Array) -> Array:
    """Give log(1 - exp(x)) for x < 0; unlike PyTensor's, with finite derivatives near zero."""
    is_small = x > -jnp.log(2.0)
    # The branch that is not taken has to stay finite: its derivative still multiplies zero.
    small, large = jnp.where(is_small, x, -1.0), jnp.where(is_small, -1.0, x)
    return jnp.where(is_small, jnp.log(-jnp.expm1(small)), jnp.log1p(-jnp.exp(large)))


@jax.custom_jvp
def sigmoid(x: Array) -> Array:
    """Give 1 / (1 + exp(-x)), from the one exponential that `softplus` needs too."""
    below = jnp.exp(-jnp.abs(x))
    return jnp.where(x >= 0, 1.0, below) / (1.0 + below)


@sigmoid.defjvp
def _sigmoid_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    return sigmoid(x), dx * sigmoid(x) * sigmoid(-x)


@jax.custom_jvp
def softplus(x: Array) -> Array:
    """Give log(1 + exp(x)); PyTensor's branches have no finite derivatives above 709.

    Value and derivative share their exponential, so this takes half the time of `jax.nn.softplus`.
    """
    return jnp.maximum(x, 0.0) + jnp.log1p(jnp.exp(-jnp.abs(x)))


@softplus.defjvp
def _softplus_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    return softplus(x), dx * sigmoid(x)


def dot(x: Array, y: Array) -> Array:
    """Multiply; PyTensor writes a vector as a matrix of one column.

    XLA takes several times as long for the derivative of such a product as for that of a vector.
    """
    if x.ndim == y.ndim == 2 and y.shape[1] == 1:
        return jnp.dot(x, y[:, 0])[:, None]
    return jnp.dot(x, y)


@jax.custom_jvp
def erfcx(x: Array) -> Array:
    """Give exp(x^2) erfc(x), with derivatives from its differential equation.

    In jax 0.12 second derivatives of arrays fail, and those of scalars take seconds to compile.
    """
    return jax.scipy.special.erfcx(x)


@erfcx.defjvp
def _erfcx_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    value = erfcx(x)
    is_far = x > 1e6
    near, far = jnp.where(is_far, 0.0, x), jnp.where(is_far, x, 1.0)
    # What cancels here stays small beside the derivative of x^2, which logarithms add to it.
    slope = 2.0 * near * value - 2.0 / jnp.sqrt(jnp.pi)
    return value, dx * jnp.where(is_far, -1.0 / (jnp.sqrt(jnp.pi) * far**2), slope)


def _invert(
    increasing: Callable[[Array], Array], value: Array, low: Array | float, high: Array | float
) -> Array:
    def halve(_: int, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bracket
        middle = 0.5 * (low + high)
        is_below = increasing(middle) < value
        return jnp.where(is_below, middle, low), jnp.where(is_below, high, middle)

    shape = jnp.broadcast_shapes(jnp.shape(value), jnp.shape(low), jnp.shape(high))
    bracket = jnp.broadcast_to(low, shape), jnp.broadcast_to(high, shape)
    found: Array = jax.lax.fori_loop(0, BISECTIONS, halve, bracket)[1]
    return found


def gammaincinv(a: Array, p: Array) -> Array:
    """Invert the incomplete gamma function by bisection of the logarithm."""
    highest = jnp.log(a + 40.0 * jnp.sqrt(a) + 800.0)
    return jnp.exp(_invert(lambda log_x: gammainc(a, jnp.exp(log_x)), p, LOWEST, highest))


def gammainccinv(a: Array, q: Array) -> Array:
    """Invert the complement of the incomplete gamma function."""
    highest = jnp.log(a + 40.0 * jnp.sqrt(a) + 800.0)
    return jnp.exp(_invert(lambda log_x: -gammaincc(a, jnp.exp(log_x)), -q, LOWEST, highest))


def betaincinv(a: Array, b: Array, p: Array) -> Array:
    """Invert the incomplete beta function by bisection of the log-odds."""
    a, b, p = jnp.broadcast_arrays(a, b, p)
    log_odds = _invert(lambda at: betainc(a, b, expit(at)), p, LOWEST, -LOWEST)
    return expit(log_odds)


def skew_normal(key: Array, shape: Shape, mu: Array, sigma: Array, alpha: Array) -> Array:
    """Draw from skew-normal distributions (Azzalini 1985)."""
    half, other = jax.random.normal(key, (2, *shape))
    # alpha / sqrt(1 + alpha^2) and 1 / sqrt(1 + alpha^2), also for an infinite alpha.
    angle = jnp.arctan(alpha)
    return mu + sigma * (jnp.sin(angle) * jnp.abs(half) + jnp.cos(angle) * other)


def skew_student_t(key: Array, shape: Shape, a: Array, b: Array, mu: Array, sigma: Array) -> Array:
    """Draw from skew t distributions (Jones and Faddy 2003)."""
    first, second = jax.random.split(key)
    x, y = jax.random.gamma(first, a, shape), jax.random.gamma(second, b, shape)
    return mu + sigma * jnp.sqrt(a + b) * (jnp.sqrt(x / y) - jnp.sqrt(y / x)) / 2.0


def weibull(key: Array, shape: Shape, alpha: Array) -> Array:
    """Draw from Weibull distributions of unit scale."""
    return jnp.maximum(jax.random.exponential(key, shape) ** (1.0 / alpha), TINY)


def gamma(key: Array, shape: Shape, alpha: Array, scale: Array) -> Array:
    """Draw from gamma distributions."""
    return jnp.maximum(jax.random.gamma(key, alpha, shape) * scale, TINY)


def beta(key: Array, shape: Shape, alpha: Array, beta: Array) -> Array:
    """Draw from beta distributions, strictly between 0 and 1 as PyMC does."""
    drawn = jax.random.beta(key, alpha, beta, shape)
    return jnp.clip(drawn, TINY, np.nextafter(1.0, 0.0))


def wald(key: Array, shape: Shape, mu: Array, lam: Array, alpha: Array) -> Array:
    """Draw from shifted Wald distributions (Michael, Schucany and Haas 1976)."""
    first, second = jax.random.split(key)
    half = mu * jax.random.normal(first, shape) ** 2 / (2.0 * lam)
    # The smaller root of their quadratic, written without a difference of like numbers.
    smaller = mu / (1.0 + half + jnp.sqrt(half * (half + 2.0)))
    takes_smaller = jax.random.uniform(second, shape) * (mu + smaller) <= mu
    return alpha + jnp.where(takes_smaller, smaller, mu * (mu / smaller))


def triangular(key: Array, shape: Shape, lower: Array, mode: Array, upper: Array) -> Array:
    """Draw from triangular distributions by their inverse distribution functions."""
    u = jax.random.uniform(key, shape)
    width, left = upper - lower, mode - lower
    return jnp.where(
        u * width < left,
        lower + jnp.sqrt(u * width * left),
        upper - jnp.sqrt((1.0 - u) * width * (upper - mode)),
    )


def rice(key: Array, shape: Shape, b: Array, sigma: Array) -> Array:
    """Draw from Rice distributions: lengths of normal vectors in the plane."""
    along, across = jax.random.normal(key, (2, *shape))
    return sigma * jnp.hypot(b + along, across)


def moyal(key: Array, shape: Shape, mu: Array, sigma: Array) -> Array:
    """Draw from Moyal distributions: minus the logarithm of a squared normal variable."""
    return mu - 2.0 * sigma * jnp.log(jnp.abs(jax.random.normal(key, shape)))


def uniform(key: Array, shape: Shape, lower: Array, upper: Array) -> Array:
    """Draw from uniform distributions."""
    return lower + (upper - lower) * jax.random.uniform(key, shape)


def discrete_uniform(key: Array, shape: Shape, lower: Array, upper: Array) -> Array:
    """Draw whole numbers between two, both included."""
    lower, upper = jnp.asarray(lower).astype(int), jnp.asarray(upper).astype(int)
    return jax.random.randint(key, shape, lower, upper + 1, dtype=lower.dtype)


def binomial(key: Array, shape: Shape, n: Array, p: Array) -> Array:
    """Draw from binomial distributions."""
    return jax.random.binomial(key, n, p, shape)


def truncated_normal(
    key: Array, shape: Shape, mu: Array, sigma: Array, lower: Array, upper: Array
) -> Array:
    """Draw from normal distributions between limits, by the inverse distribution function.

    Intervals of the upper half are mirrored into the lower one, where probabilities keep their
    precision, and are handled by the logarithms of these, so that no interval is too far out.
    """
    a, b = (lower - mu) / sigma, (upper - mu) / sigma
    sign = jnp.where(a + b > 0, -1.0, 1.0)
    a, b = jnp.where(sign < 0, -b, a), jnp.where(sign < 0, -a, b)
    log_below, log_upto = log_ndtr(a), log_ndtr(b)
    log_inside = log_upto + jnp.log1p(-jnp.exp(log_below - log_upto))
    # Zero would give minus infinity where there is no lower limit.
    u = jax.random.uniform(key, shape, minval=TINY)
    z = ndtri_exp(jnp.logaddexp(log_below, jnp.log(u) + log_inside))
    return jnp.clip(mu + sigma * sign * z, lower, upper)


def von_mises(key: Array, shape: Shape, mu: Array, kappa: Array) -> Array:
    """Draw from von Mises distributions on [-pi, pi] (Best and Fisher 1979).

    Where their rejection sampler would lose precision, the distribution is uniform (kappa below
    1e-8) or normal (kappa above 1e6) to the same precision; NumPy uses the same bounds.
    """
    loop_key, side_key, narrow_key, flat_key = jax.random.split(key, 4)
    kappa = jnp.broadcast_to(kappa, shape)
    has_peak, is_narrow = kappa >= 1e-8, kappa > 1e6
    within = jnp.where(has_peak & ~is_narrow, kappa, 1.0)
    r = 1.0 + jnp.sqrt(1.0 + 4.0 * within**2)
    rho = (r - jnp.sqrt(2.0 * r)) / (2.0 * within)
    # The exact s cancels for a small kappa; the series is exact to kappa^3.
    s = jnp.where(within < 1e-5, 1.0 / within + within, (1.0 + rho**2) / (2.0 * rho))

    def unfinished(state: tuple[Array, Array, Array]) -> Array:
        return ~jnp.all(state[1])

    def propose(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        key, done, cosine = state
        key, own = jax.random.split(key)
        u, v = jax.random.uniform(own, (2, *shape))
        z = jnp.cos(jnp.pi * u)
        w = (1.0 + s * z) / (s + z)
        y = within * (s - w)
        accepts = (y * (2.0 - y) > v) | (jnp.log(y / v) + 1.0 - y >= 0.0)
        return key, done | accepts, jnp.where(done, cosine, w)

    # A kappa that is not a number accepts nothing; it must not keep the loop running.
    start = (loop_key, jnp.isnan(kappa), jnp.ones(shape))
    cosine = jax.lax.while_loop(unfinished, propose, start)[2]
    side = jnp.where(jax.random.bernoulli(side_key, 0.5, shape), 1.0, -1.0)
    angle = side * jnp.arccos(jnp.clip(cosine, -1.0, 1.0))
    flat = jax.random.uniform(flat_key, shape, minval=-jnp.pi, maxval=jnp.pi)
    narrow = jax.random.normal(narrow_key, shape) / jnp.sqrt(jnp.where(is_narrow, kappa, 1.0))
    centered = jnp.where(is_narrow, narrow, jnp.where(has_peak, angle, flat))
    centered = jnp.where(jnp.isnan(kappa), jnp.nan, centered)
    return jnp.mod(mu + centered + jnp.pi, 2.0 * jnp.pi) - jnp.pi


def categorical(key: Array, shape: Shape, p: Array) -> Array:
    """Draw categories by the logarithms of their probabilities.

    PyTensor 3.3 hands `jax.random.categorical` the log-odds of each category instead, which makes
    likely categories, and likely components of a mixture, too likely.
    """
    return jax.random.categorical(key, jnp.log(p), shape=shape)


def unchecked(value: Array, *conditions: Array) -> Array:
    """Give a value without checking conditions, which a compiled program cannot raise errors for.

    PyTensor's version warns of each check, and PyMC checks every parameter.
    """
    return value


FUNCTIONS: Mapping[type, Callable[..., Array]] = {
    Assert: unchecked,
    BetaIncInv: betaincinv,
    CheckParameterValue: unchecked,
    Dot: dot,
    Erfcx: erfcx,
    GammaIncCInv: gammainccinv,
    GammaIncInv: gammaincinv,
    Log1mexp: log1mexp,
    NdtriExp: ndtri_exp,
    Softplus: softplus,
}

SAMPLERS: Mapping[type, Sampler] = {
    DiscreteUniformRV: discrete_uniform,
    MoyalRV: moyal,
    RiceRV: rice,
    SkewNormalRV: skew_normal,
    SkewStudentTRV: skew_student_t,
    TruncatedNormalRV: truncated_normal,
    WaldRV: wald,
    ptr.BetaRV: beta,
    ptr.BinomialRV: binomial,
    ptr.CategoricalRV: categorical,
    ptr.GammaRV: gamma,
    ptr.TriangularRV: triangular,
    ptr.UniformRV: uniform,
    ptr.VonMisesRV: von_mises,
    ptr.WeibullRV: weibull,
}


def _register_function(op: type, function: Callable[..., Array]) -> None:
    jax_funcify.register(op, lambda op, **kwargs: function)


def _register_sampler(variable: type, sampler: Sampler) -> None:
    def make(op: Any, node: Any) -> Callable[..., Array]:
        def sample(key: Array, size: Shape | None, dtype: str, *parameters: Array) -> Array:
            shape = size
            if shape is None:
                shape = jnp.broadcast_shapes(
                    *(
                        jnp.shape(parameter)[: jnp.ndim(parameter) - core]
                        for parameter, core in zip(parameters, op.ndims_params, strict=True)
                    )
                )
            return sampler(key, tuple(shape), *parameters).astype(dtype)

        return sample

    jax_sample_fn.register(variable, make)


for _op, _function in FUNCTIONS.items():
    _register_function(_op, _function)
for _variable, _sampler in SAMPLERS.items():
    _register_sampler(_variable, _sampler)

"""The built-in families against SciPy: log-densities, intervals, supports, default priors."""

from functools import cache

import jax
import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from family_targets import ALL_FAMILIES, LINKED_FAMILIES, TARGETS, column, linked
from pytensor.graph.replace import graph_replace
from scipy import special, stats
from scipy.optimize import brentq

import bayesmice.kernels.dispatch  # noqa: F401, as in every compiled model
from bayesmice.kernels.jaxify import jax_function
from bayesmice.models import intervals
from bayesmice.models.catalog import FAMILIES
from bayesmice.models.families import STANDARD
from bayesmice.models.priors import ScaledPrior
from bayesmice.models.skewness import LARGEST_SKEWNESS, direct_parameters


def skew_normal(mu, sd, skewness):
    """SciPy's distribution of this mean, standard deviation and skewness."""
    slant = brentq(lambda slant: stats.skewnorm(slant).stats("s") - skewness, -1e3, 1e3)
    mean, variance = stats.skewnorm(slant).stats()
    scale = sd / np.sqrt(variance)
    return stats.skewnorm(slant, mu - scale * mean, scale)


def weibull(mu, alpha):
    return stats.weibull_min(alpha, scale=mu / special.gamma(1 + 1 / alpha))


def negative_binomial(mu, alpha):
    return stats.nbinom(alpha, alpha / (alpha + mu))


def truncated_normal(mu, sigma, lower, upper):
    return stats.truncnorm((lower - mu) / sigma, (upper - mu) / sigma, mu, sigma)


def log_zero_inflated(y, base, psi):
    return np.log((1 - psi) * (y == 0) + psi * base.pmf(y))


def log_hurdle(y, base, psi):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(y == 0, np.log1p(-psi), np.log(psi) + base.logpdf(np.where(y == 0, 1, y)))


def log_skew_normal(y, mu, sigma, skewness):
    rows = zip(*np.broadcast_arrays(y, mu, sigma, skewness), strict=True)
    return np.array([skew_normal(*parameters).logpdf(value) for value, *parameters in rows])


LOG_DENSITIES = {
    "gaussian": lambda y, mu, sigma: stats.norm(mu, sigma).logpdf(y),
    "t": lambda y, mu, sigma, nu: stats.t(nu, mu, sigma).logpdf(y),
    "skewnormal": log_skew_normal,
    "lognormal": lambda y, mu, sigma: stats.lognorm(sigma, scale=np.exp(mu)).logpdf(y),
    "gamma": lambda y, mu, alpha: stats.gamma(alpha, scale=mu / alpha).logpdf(y),
    "weibull": lambda y, mu, alpha: weibull(mu, alpha).logpdf(y),
    "beta": lambda y, mu, kappa: stats.beta(mu * kappa, (1 - mu) * kappa).logpdf(y),
    "bernoulli": lambda y, p: stats.bernoulli(p).logpmf(y),
    "binomial": lambda y, p, n: stats.binom(n, p).logpmf(y),
    "poisson": lambda y, mu: stats.poisson(mu).logpmf(y),
    "negativebinomial": lambda y, mu, alpha: negative_binomial(mu, alpha).logpmf(y),
    "zero_inflated_poisson": lambda y, mu, psi: log_zero_inflated(y, stats.poisson(mu), psi),
    "zero_inflated_negativebinomial": lambda y, mu, alpha, psi: log_zero_inflated(
        y, negative_binomial(mu, alpha), psi
    ),
    "hurdle_gamma": lambda y, mu, alpha, psi: log_hurdle(
        y, stats.gamma(alpha, scale=mu / alpha), psi
    ),
    "hurdle_lognormal": lambda y, mu, sigma, psi: log_hurdle(
        y, stats.lognorm(sigma, scale=np.exp(mu)), psi
    ),
    "vonmises": lambda y, mu, kappa: stats.vonmises(kappa, mu).logpdf(y),
    "truncated_gaussian": lambda y, mu, sigma, lower, upper: truncated_normal(
        mu, sigma, lower, upper
    ).logpdf(y),
}
"""By the parameters' names, each on its own scale."""

INVERSE_LINKS = {
    "identity": lambda eta: eta,
    "log": np.exp,
    "logit": special.expit,
    "probit": special.ndtr,
    "cloglog": lambda eta: -np.expm1(-np.exp(eta)),
    "tan_half": lambda eta: 2 * np.arctan(eta),
}

SETTINGS = {
    "sigma": (0.3, 1.0, 4.0),
    "nu": (2.0, 30.0, 1.2),
    "skewness": (0.2, -0.9, 0.6),
    "alpha": (0.6, 3.0, 40.0),
    "kappa": (0.8, 6.0, 60.0),
    "psi": (0.1, 0.5, 0.98),
}
"""Three values of every auxiliary parameter."""

ETAS = (-1.3, 0.2, 2.4)
UNEVEN_LEVELS = np.array([[0.0, 0.4, -2.0], [0.0, 3.0, 1.0], [0.0, -9.0, 9.0]])
CUTPOINTS = np.array([-0.7, 1.1])


def compiled(inputs, expression):
    """Compile an expression of vectors to JAX."""
    function = jax_function(list(inputs), [expression])
    return jax.jit(lambda *values: function(*values)[0])


def log_likelihood(family, y, eta, parameters):
    """Evaluate the log-density of each row that a family writes into a model."""
    discrete = family.support.is_discrete
    values = {"eta": eta, **parameters, "y": y.astype(np.int32 if discrete else np.float64)}
    with pm.Model(coords={"row": range(len(y))}) as model:
        given = {name: pm.Data(name, value) for name, value in values.items()}
        observed = given.pop("y")
        family.write("target", given.pop("eta"), given, observed)
    logp = model.logp(vars=[model["target"]], sum=False)[0]
    inputs = {variable: variable.type() for variable in model.data_vars}
    (logp,) = graph_replace([logp], inputs, strict=False)
    function = compiled(inputs.values(), logp)
    return np.asarray(function(*(values[variable.name] for variable in inputs)))


ONE_PREDICTOR = [pair for pair in LINKED_FAMILIES if pair[0] in LOG_DENSITIES]


@pytest.mark.parametrize(("name", "link"), ONE_PREDICTOR)
def test_log_density_is_scipy_s(name, link):
    family, target = linked(name, link), TARGETS[name]
    settings = {parameter: np.array(SETTINGS[parameter]) for parameter in family.auxiliaries}
    # Every value with every pair of a linear predictor and a setting of the other parameters.
    row, eta, setting = (
        axis.ravel() for axis in np.meshgrid(np.arange(8), ETAS, np.arange(3), indexing="ij")
    )
    row = row.astype(int)
    parameters = {parameter: values[setting] for parameter, values in settings.items()}
    parameters |= {known: values[row] for known, values in target.given.items()}
    y = target.values[row].astype(float)
    found = log_likelihood(family, y, eta, parameters)
    parent = {family.parent: INVERSE_LINKS[link](eta)}
    expected = LOG_DENSITIES[name](y, **parent, **parameters)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_categorical_log_density_is_the_logarithm_of_softmax():
    eta = np.repeat(UNEVEN_LEVELS, 3, axis=0)
    codes = np.tile(np.arange(3), 3)
    found = log_likelihood(linked("categorical", "softmax"), codes, eta, {})
    expected = special.log_softmax(eta, axis=1)[np.arange(9), codes]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(("link", "latent"), [("logit", stats.logistic), ("probit", stats.norm)])
def test_cumulative_log_density_is_that_of_an_interval_of_the_latent_variable(link, latent):
    eta, codes = np.repeat([-2.0, 0.3, 4.0], 3), np.tile(np.arange(3), 3)
    found = log_likelihood(linked("cumulative", link), codes, eta, {"cutpoints": CUTPOINTS})
    cuts = np.array([-np.inf, *CUTPOINTS, np.inf])
    expected = np.log(latent(eta).cdf(cuts[codes + 1]) - latent(eta).cdf(cuts[codes]))
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_cumulative_log_density_keeps_its_digits_far_from_the_cutpoints(link):
    low, high = CUTPOINTS
    log_cdf = special.log_expit if link == "logit" else special.log_ndtr
    codes = np.tile(np.arange(3), 2)
    eta = np.repeat([-60.0, 60.0], 3)
    found = log_likelihood(linked("cumulative", link), codes, eta, {"cutpoints": CUTPOINTS})

    def between(lower, upper):
        return log_cdf(upper) + np.log1p(-np.exp(log_cdf(lower) - log_cdf(upper)))

    below = [0.0, between(-60 - high, -60 - low), log_cdf(-60 - high)]
    above = [log_cdf(low - 60), between(low - 60, high - 60), 0.0]
    np.testing.assert_allclose(found, [*below, *above], rtol=1e-9, atol=1e-12)


def test_skewness_next_to_zero_continues_the_density():
    """The series at zero meets the general expression, in value and in slope."""
    y = np.array([-2.0, 0.1, 1.5])

    def density(skewness):
        family = linked("skewnormal", "identity")
        fixed = {"sigma": np.full(3, 1.3), "skewness": np.full(3, skewness)}
        return log_likelihood(family, y, np.zeros(3), fixed)

    np.testing.assert_allclose(density(0.0), stats.norm(0, 1.3).logpdf(y), rtol=1e-12)
    slope = (density(1e-7) - density(-1e-7)) / 2e-7
    x = y / 1.3
    np.testing.assert_allclose(slope, (x**3 - 3 * x) / 6, atol=0.02)


def test_direct_parameters_have_the_mean_deviation_and_skewness_they_came_from():
    skewness = np.array([-0.99, -0.3, 1e-3, 0.5, LARGEST_SKEWNESS])
    inputs = pt.vectors("mu", "sigma", "skewness")
    given = (np.full(5, 2.0), np.full(5, 1.5), skewness)
    location, scale, slant = (
        np.asarray(compiled(inputs, part)(*given)) for part in direct_parameters(*inputs)
    )
    mean, variance, skew = stats.skewnorm(slant, location, scale).stats("mvs")
    np.testing.assert_allclose(mean, 2.0, rtol=1e-10)
    np.testing.assert_allclose(variance, 1.5**2, rtol=1e-10)
    np.testing.assert_allclose(skew, skewness, rtol=1e-7)
    assert 0 < stats.halfnorm.stats(moments="s") - LARGEST_SKEWNESS < 1e-3


REAL_LIMITS = [
    (-np.inf, 0.4),
    (0.4, np.inf),
    (-1.0, 2.0),
    (0.3, 0.3 + 1e-6),
    (-np.inf, -6.0),
    (7.0, np.inf),
    (7.0, 7.5),
    (-8.0, -6.0),
]
POSITIVE_LIMITS = [
    (0.0, 0.5),
    (-np.inf, 2.0),
    (2.0, np.inf),
    (0.4, 3.0),
    (1e-4, 1e-3),
    (11.0, np.inf),
    (9.0, 9.1),
    (1.0, 1.0 + 1e-6),
]
SHARE_LIMITS = [
    (0.0, 0.3),
    (0.3, 1.0),
    (0.2, 0.4),
    (-np.inf, 1e-3),
    (0.99, np.inf),
    (0.99, 0.999),
    (1e-4, 1e-3),
    (0.5, 0.5 + 1e-6),
]
COUNT_LIMITS = [
    (0, 3),
    (3, np.inf),
    (-np.inf, 0),
    (2, 2),
    (0, 0),
    (2.5, 6.2),
    (40, np.inf),
    (40, 45),
    (0, np.inf),
    (7, 9),
]

INTERVALS = {
    "gaussian": (intervals.normal, stats.norm, [(0.5, 1.5), (-1, 0.4)], REAL_LIMITS),
    "t": (
        intervals.student_t,
        lambda mu, sigma, nu: stats.t(nu, mu, sigma),
        [(0.5, 1.5, 3.0), (0, 1, 1.0), (-1, 0.6, 40.0)],
        REAL_LIMITS,
    ),
    "skewnormal": (
        intervals.skew_normal,
        skew_normal,
        [(0.5, 1.5, 0.5), (0, 2, -0.9), (0, 2, 0.95)],
        REAL_LIMITS[:5],
    ),
    "lognormal": (
        intervals.lognormal,
        lambda mu, sigma: stats.lognorm(sigma, scale=np.exp(mu)),
        [(0.5, 1.5), (-0.3, 0.5)],
        POSITIVE_LIMITS,
    ),
    "gamma": (
        intervals.gamma,
        lambda mu, alpha: stats.gamma(alpha, scale=mu / alpha),
        [(1.5, 0.5), (1.5, 3.0), (2, 60.0)],
        POSITIVE_LIMITS,
    ),
    "weibull": (intervals.weibull, weibull, [(1.5, 0.5), (1.5, 3.0)], POSITIVE_LIMITS),
    "beta": (
        intervals.beta,
        lambda mu, kappa: stats.beta(mu * kappa, (1 - mu) * kappa),
        [(0.3, 1.5), (0.6, 40.0)],
        SHARE_LIMITS,
    ),
    "poisson": (intervals.poisson, stats.poisson, [(0.2,), (3.0,), (30.0,)], COUNT_LIMITS),
    "negativebinomial": (
        intervals.negative_binomial,
        negative_binomial,
        [(0.2, 2.0), (3.0, 0.6), (30.0, 50.0)],
        COUNT_LIMITS,
    ),
    "binomial": (
        intervals.binomial,
        lambda p, n: stats.binom(n, p),
        [(0.05, 60), (0.4, 60), (0.9, 60)],
        COUNT_LIMITS,
    ),
}


def log_probability(distribution, lower, upper):
    """Take the difference of SciPy's tails on the side where they are small."""
    if hasattr(distribution.dist, "pmf"):
        lower = np.ceil(lower) - 1
    below, beyond = distribution.logcdf(lower), distribution.logsf(upper)
    if below > np.log(0.5):
        inside, outside = distribution.logsf(lower), beyond
    else:
        inside, outside = distribution.logcdf(upper), below
    return inside + np.log1p(-np.exp(outside - inside))


FAR_LIMITS = {"beta": (1 - 1e-9, np.inf), "binomial": (59.5, np.inf)}
"""Where SciPy's probabilities underflow; for other families from 1,000 on."""


@cache
def interval_cases(name):
    """Limits and parameters by row, the far limits last, and what gives values and gradients."""
    log_interval, _, settings, limits = INTERVALS[name]
    rows = [(*limit, *setting) for setting in settings for limit in limits]
    rows += [(*FAR_LIMITS.get(name, (1e3, np.inf)), *setting) for setting in settings]
    values = np.array(rows, float).T
    inputs = [pt.vector() for _ in values]
    function = jax_function(inputs, [log_interval(*inputs)])

    @jax.jit
    def measure(limits, parameters):
        def total(parameters):
            found = function(*limits, *parameters)[0]
            return found.sum(), found

        gradient, found = jax.grad(total, has_aux=True)(parameters)
        return found, gradient

    return values, measure


@pytest.mark.parametrize("name", INTERVALS)
def test_log_probability_of_an_interval_is_scipy_s(name):
    log_interval, distribution, settings, _ = INTERVALS[name]
    assert FAMILIES[name].log_interval is log_interval
    values, measure = interval_cases(name)
    found = measure(values[:2], list(values[2:]))[0][: -len(settings)]
    rows = values.T[: -len(settings)]
    expected = [log_probability(distribution(*row[2:]), *row[:2]) for row in rows]
    # SciPy's own differences limit the narrow intervals.
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=2e-6)


@pytest.mark.parametrize("name", INTERVALS)
def test_log_probability_of_an_interval_has_a_gradient(name):
    """By central differences; also where limits are infinite or far in the tail."""
    values, measure = interval_cases(name)
    limits, parameters = values[:2], values[2:]
    found, gradient = measure(limits, list(parameters))
    assert np.all(np.isfinite(found))
    # A number of trials is known.
    for position in range(len(parameters) - (name == "binomial")):
        assert np.all(np.isfinite(gradient[position]))
        step = np.zeros_like(parameters)
        step[position] = 1e-5 * np.abs(parameters[position]) + 1e-7
        high, low = (measure(limits, list(parameters + s))[0] for s in (step, -step))
        numeric = (np.asarray(high) - np.asarray(low)) / (2 * step[position])
        scale = 1 + np.abs(numeric) + np.abs(np.asarray(found))
        np.testing.assert_allclose(gradient[position] / scale, numeric / scale, atol=1e-4)


@pytest.mark.parametrize(
    ("log_interval", "base"),
    [
        (intervals.zero_inflated_poisson, lambda mu, alpha: stats.poisson(mu)),
        (intervals.zero_inflated_negative_binomial, negative_binomial),
    ],
)
def test_zero_inflation_adds_its_share_to_intervals_that_contain_zero(log_interval, base):
    mu, alpha, psi = 3.0, 0.7, 0.6
    limits = np.array([(0, 2), (-np.inf, 0), (1, 4), (2, np.inf)])
    has_alpha = log_interval is intervals.zero_inflated_negative_binomial
    parameters = [mu, alpha, psi] if has_alpha else [mu, psi]
    values = [*limits.T, *(np.full(4, value) for value in parameters)]
    inputs = [pt.vector() for _ in values]
    found = compiled(inputs, log_interval(*inputs))(*values)
    counts = [np.exp(log_probability(base(mu, alpha), *limit)) for limit in limits]
    zero = (1 - psi) * np.array([1, 1, 0, 0])
    np.testing.assert_allclose(np.exp(found), zero + psi * np.array(counts), rtol=1e-8)


SUPPORTS = {
    "any number": ([-1e300, 0, 3], [np.inf]),
    "greater than 0": ([1e-300, 7], [0, -1]),
    "0 or greater": ([0, 7], [-1e-9]),
    "strictly between 0 and 1": ([1e-9, 0.5], [0, 1, 1.5]),
    "angles in radians from -pi to pi": ([-np.pi, 0, np.pi], [3.2]),
    "whole numbers of at least 0": ([0, 12], [-1, 0.5]),
    "levels": ([0, 1, 2], [0.5]),
}


@pytest.mark.parametrize("name", ALL_FAMILIES)
def test_support_is_told_in_words_and_holds_the_family_s_values(name):
    support = ALL_FAMILIES[name].support
    inside, outside = SUPPORTS[support.text]
    assert np.all(support.contains(np.array(inside, float)))
    assert not np.any(support.contains(np.array(outside, float)))
    assert np.all(support.contains(TARGETS[name].values.astype(float)))


@pytest.mark.parametrize("name", ALL_FAMILIES)
def test_default_priors_are_finite_at_any_scale_and_differ_in_their_arguments_only(name):
    family, target = ALL_FAMILIES[name], TARGETS[name]
    standard = default_priors(family, STANDARD)
    for unit in (1e-9, 1.0, 1e9) if target.has_units else (1.0,):
        summary = family.summary(column(family, target.values * unit))
        assert np.all(np.isfinite([summary.center, summary.unit]))
        scales = family.coefficient_scale(summary, np.ones(2))
        assert np.all(np.isfinite(scales) & (scales > 0))
        priors = default_priors(family, summary)
        for parameter, prior in priors.items():
            assert isinstance(prior, ScaledPrior)
            assert prior.distribution == standard[parameter].distribution
            assert prior.arguments.keys() == standard[parameter].arguments.keys()
            assert prior.fixed.keys() == standard[parameter].fixed.keys()
            for argument, value in prior.arguments.items():
                assert np.all(np.isfinite(value)), (parameter, argument)
                assert argument == "mu" or np.all(np.asarray(value) > 0)


def default_priors(family, summary):
    auxiliary = {
        name: parameter.default_prior(summary) for name, parameter in family.auxiliaries.items()
    }
    return {"location": family.location_prior(summary)} | auxiliary


def test_default_priors_follow_the_scale_on_which_the_linear_predictor_is():
    positive = np.array([1.0, 2.0, 4.0, 9.0])
    logs = np.log(positive)

    def summary(name, values):
        family = ALL_FAMILIES[name]
        found = family.summary(column(family, np.asarray(values, float)))
        return found.center, found.unit

    assert summary("gaussian", positive) == pytest.approx((4.0, positive.std(ddof=1)))
    assert summary("lognormal", positive) == pytest.approx((logs.mean(), logs.std(ddof=1)))
    assert summary("gamma", positive) == pytest.approx((np.log(4.0), 1.0))
    assert summary("beta", [0.1, 0.3]) == pytest.approx((special.logit(0.2), 1.0))
    assert summary("hurdle_gamma", [0, *positive]) == pytest.approx((np.log(4.0), 1.0))
    assert summary("hurdle_lognormal", [0, *positive]) == pytest.approx(
        (logs.mean(), logs.std(ddof=1))
    )
    assert summary("hurdle_lognormal", [0, 0, 4.0]) == pytest.approx((np.log(4.0), 1.0))
    assert summary("zero_inflated_poisson", [0, 0, 3, 5]) == pytest.approx((np.log(4.0), 1.0))
    assert summary("vonmises", [-1.0, 2.0]) == (0.0, 1.0)


def test_default_priors_of_shapes_are_centered_where_moments_put_them():
    values = np.array([2.0, 3.0, 5.0, 6.0])
    mean, sd = values.mean(), values.std(ddof=1)

    def scale(name, parameter, values):
        family = ALL_FAMILIES[name]
        prior = family.auxiliaries[parameter].default_prior(family.summary(column(family, values)))
        return prior.arguments["beta"]

    assert scale("gamma", "alpha", values) == pytest.approx((mean / sd) ** 2)
    assert scale("beta", "kappa", values / 10) == pytest.approx(mean * (10 - mean) / sd**2 - 1)
    assert scale("vonmises", "kappa", values / 10) == pytest.approx(100 / sd**2)
    # The approximation of the Weibull shape is good to a few percent.
    exact = weibull(mean, scale("weibull", "alpha", values))
    assert exact.std() == pytest.approx(sd, rel=0.05)

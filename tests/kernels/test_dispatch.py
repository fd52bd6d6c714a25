"""What is registered with PyTensor: draws by their distributions, functions by SciPy.

Draws of one fixed random key are compared with SciPy's distribution functions, by
Kolmogorov-Smirnov where they are continuous and by a chi-square test where not. Each check has a
false alarm rate of 1e-5, so that the file has one of less than 1e-3.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from family_targets import LINKED_FAMILIES, TARGETS, conditional_model, linked
from jax.flatten_util import ravel_pytree
from pytensor.graph.replace import graph_replace
from pytensor.graph.traversal import ancestors
from pytensor.tensor.random.type import RandomType
from scipy import special, stats

from bayesmice.kernels import dispatch
from bayesmice.kernels.jaxify import jax_function, jaxify

pytestmark = pytest.mark.long

N_DRAWS = 20_000
FALSE_ALARM = 1e-5


def draw(variable, key=0):
    """Draw an unnamed PyMC variable by its JAX version."""
    generators = [
        v for v in ancestors([variable]) if v.owner is None and isinstance(v.type, RandomType)
    ]
    fresh = {generator: generator.type() for generator in generators}
    sample = jax_function([*fresh.values()], graph_replace([variable], fresh, strict=False))
    keys = jax.random.split(jax.random.key(key), len(generators))
    states = [{"jax_state": jax.random.key_data(k)} for k in keys]
    return np.asarray(jax.jit(lambda *given: sample(*given)[0])(*states))


def check_continuous(sample, cdf):
    assert np.all(np.isfinite(sample))
    assert stats.kstest(sample, cdf).pvalue > FALSE_ALARM


def check_discrete(sample, pmf):
    """Compare counts of whole numbers with their probabilities; rare ones are pooled."""
    values = np.arange(sample.min(), sample.max() + 1)
    expected = pmf(values) * len(sample)
    is_common = expected > 10
    counts = np.array([(sample == value).sum() for value in values[is_common]])
    rest = len(sample) - counts.sum()
    expected = np.append(expected[is_common], len(sample) - expected[is_common].sum())
    counts = np.append(counts, rest)
    kept = expected > 1
    assert rest == 0 or expected[-1] > 1e-3
    share = len(sample) / expected[kept].sum()
    assert stats.chisquare(counts[kept], expected[kept] * share).pvalue > FALSE_ALARM


CONTINUOUS = {
    "skew normal": (pm.SkewNormal.dist, {"mu": 1, "sigma": 2, "alpha": 4}, stats.skewnorm(4, 1, 2)),
    "skewed left": (pm.SkewNormal.dist, {"mu": 0, "sigma": 1, "alpha": -1}, stats.skewnorm(-1)),
    "skew t": (
        pm.SkewStudentT.dist,
        {"a": 3, "b": 1.5, "mu": 1, "sigma": 2},
        stats.jf_skew_t(3, 1.5, 1, 2),
    ),
    "weibull": (pm.Weibull.dist, {"alpha": 0.7, "beta": 3}, stats.weibull_min(0.7, scale=3)),
    "gamma": (pm.Gamma.dist, {"alpha": 0.3, "beta": 2}, stats.gamma(0.3, scale=0.5)),
    "beta": (pm.Beta.dist, {"alpha": 0.4, "beta": 1.7}, stats.beta(0.4, 1.7)),
    "wald": (pm.Wald.dist, {"mu": 3, "lam": 0.5}, stats.invgauss(6, scale=0.5)),
    "triangular": (
        pm.Triangular.dist,
        {"lower": -1, "c": 2, "upper": 3},
        stats.triang(0.75, -1, 4),
    ),
    "rice": (pm.Rice.dist, {"nu": 1, "sigma": 2}, stats.rice(0.5, scale=2)),
    "moyal": (pm.Moyal.dist, {"mu": 1, "sigma": 2}, stats.moyal(1, 2)),
    "uniform": (pm.Uniform.dist, {"lower": -1, "upper": 4}, stats.uniform(-1, 5)),
}

DISCRETE = {
    "binomial, few": (pm.Binomial.dist, {"n": 7, "p": 0.3}, stats.binom(7, 0.3)),
    "binomial, many": (pm.Binomial.dist, {"n": 400, "p": 0.8}, stats.binom(400, 0.8)),
    "beta-binomial": (
        pm.BetaBinomial.dist,
        {"n": 9, "alpha": 0.7, "beta": 2},
        stats.betabinom(9, 0.7, 2),
    ),
    "discrete uniform": (pm.DiscreteUniform.dist, {"lower": -2, "upper": 4}, stats.randint(-2, 5)),
    "geometric": (pm.Geometric.dist, {"p": 0.3}, stats.geom(0.3)),
    "negative binomial": (
        pm.NegativeBinomial.dist,
        {"mu": 3, "alpha": 0.6},
        stats.nbinom(0.6, 0.6 / 3.6),
    ),
}


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_draws_follow_the_distribution_function(name):
    dist, parameters, reference = CONTINUOUS[name]
    check_continuous(draw(dist(**parameters, size=N_DRAWS)), reference.cdf)


@pytest.mark.parametrize("name", DISCRETE)
def test_draws_of_whole_numbers_follow_the_probabilities(name):
    dist, parameters, reference = DISCRETE[name]
    check_discrete(draw(dist(**parameters, size=N_DRAWS)), reference.pmf)


@pytest.fixture(scope="module")
def compiled():
    """Samplers, compiled once for parameters of any value."""
    names = ("von_mises", "truncated_normal")
    return {name: jax.jit(getattr(dispatch, name), static_argnums=1) for name in names}


@pytest.mark.parametrize("kappa", [1e-9, 1e-6, 0.1, 2.0, 50.0, 1e5, 1e7])
def test_von_mises_draws_follow_the_distribution_function(compiled, kappa):
    sample = compiled["von_mises"](jax.random.key(0), (N_DRAWS,), 2.5, kappa)
    assert np.all(np.abs(sample) <= np.pi)
    centered = np.mod(np.asarray(sample) - 2.5 + np.pi, 2 * np.pi) - np.pi
    check_continuous(centered, stats.vonmises(kappa).cdf)


@pytest.mark.parametrize(
    ("lower", "upper"),
    [(-1, 2), (-np.inf, np.inf), (-np.inf, -5), (5, np.inf), (-8, 40), (39, 39.5), (-300, -299)],
)
def test_truncated_normal_draws_follow_the_distribution_function(compiled, lower, upper):
    sample = compiled["truncated_normal"](
        jax.random.key(0), (N_DRAWS,), 10.0, 2.0, 10 + 2.0 * lower, 10 + 2.0 * upper
    )
    z = (np.asarray(sample) - 10) / 2
    assert z.min() >= lower - 1e-9
    assert z.max() <= upper + 1e-9
    # By logarithms on the side of zero where probabilities keep their digits.
    sign = -1 if lower + upper > 0 else 1
    low, high = sorted((sign * lower, sign * upper))
    below, inside = special.log_ndtr(low), special.log_ndtr(high)
    mass = special.log_ndtr(sign * z)
    shares = (1 - np.exp(below - mass)) * np.exp(mass - inside) / (1 - np.exp(below - inside))
    check_continuous(shares, stats.uniform.cdf)


def test_categories_are_drawn_by_their_probabilities():
    p = np.array([0.6, 0.25, 0.1, 0.05])
    rows = np.broadcast_to(p, (N_DRAWS, 4))
    check_discrete(draw(pm.Categorical.dist(p=rows)), stats.rv_discrete(values=(range(4), p)).pmf)


def test_components_of_a_mixture_are_drawn_by_their_weights():
    zeros = draw(pm.ZeroInflatedPoisson.dist(psi=0.8, mu=2.0, size=N_DRAWS)) == 0
    assert stats.binomtest(zeros.sum(), N_DRAWS, 0.2 + 0.8 * np.exp(-2)).pvalue > FALSE_ALARM


def test_draws_that_would_round_to_the_edge_stay_inside():
    gamma = draw(pm.Gamma.dist(1e-3, 1.0, size=1_000))
    weibull = draw(pm.Weibull.dist(alpha=1e-3, beta=1.0, size=1_000))
    beta = draw(pm.Beta.dist(1e-3, 1e-3, size=1_000))
    assert gamma.min() > 0
    assert weibull.min() > 0
    assert beta.min() > 0
    assert beta.max() < 1


def test_parameters_that_are_not_numbers_do_not_keep_a_sampler_running(compiled):
    kappa = np.array([np.nan, 2.0])
    sample = compiled["von_mises"](jax.random.key(0), (2,), 0.0, kappa)
    np.testing.assert_array_equal(np.isnan(sample), [True, False])


def test_the_checks_notice_a_wrong_sampler():
    rng = np.random.default_rng()
    with pytest.raises(AssertionError):
        check_continuous(rng.normal(0, 1.1, N_DRAWS), stats.norm.cdf)
    with pytest.raises(AssertionError):
        check_discrete(rng.poisson(3.2, N_DRAWS), stats.poisson(3).pmf)


def test_normal_quantiles_of_log_probabilities_reach_into_the_tail():
    log_p = np.array([-1e-3, -1.0, -299.0, -301.0, -800.0, -1e6, -1e12])
    found = dispatch.ndtri_exp(jnp.asarray(log_p))
    np.testing.assert_allclose(found, special.ndtri_exp(log_p), rtol=1e-9)


def test_inverse_incomplete_functions_are_scipy_s():
    a, b = np.array([[0.2, 1.0, 7.0, 300.0], [2.0, 0.5, 9.0, 40.0]])[:, :, None]
    p = np.array([0.01, 0.5, 0.99])
    for name, shapes in (("gammaincinv", (a,)), ("gammainccinv", (a,)), ("betaincinv", (a, b))):
        found = jax.jit(getattr(dispatch, name))(*shapes, p)
        np.testing.assert_allclose(found, getattr(special, name)(*shapes, p), rtol=1e-9)


def function_of(expression):
    """Compile a function of a vector from PyTensor to JAX, as models are compiled."""
    x = pt.vector("x")
    function = jax_function([x], [expression(x)])
    return lambda value: function(value)[0]


@pytest.mark.parametrize(
    ("expression", "at"),
    [
        (pt.softplus, [-800.0, -1.0, 1.0, 800.0]),
        (pt.log1mexp, [-800.0, -1.0, -1e-3, -1e-17]),
        (pt.erfcx, [-5.0, 0.0, 3.0, 1e4]),
    ],
    ids=["softplus", "log1mexp", "erfcx"],
)
def test_functions_have_finite_first_and_second_derivatives(expression, at):
    function = function_of(expression)
    gradient = jax.jit(jax.grad(lambda x: function(x).sum()))
    hessian = jax.jit(jax.hessian(lambda x: function(x).sum()))
    assert np.all(np.isfinite(gradient(jnp.array(at))))
    assert np.all(np.isfinite(hessian(jnp.array(at))))


def test_second_derivatives_of_erfcx_follow_its_differential_equation():
    x = np.array([-2.0, 0.5, 4.0])
    hessian = jax.jit(jax.hessian(lambda x: function_of(pt.erfcx)(x).sum()))
    second = np.diagonal(hessian(jnp.asarray(x)))
    first = 2 * x * special.erfcx(x) - 2 / np.sqrt(np.pi)
    np.testing.assert_allclose(second, 2 * special.erfcx(x) + 2 * x * first, rtol=1e-8)


@pytest.mark.parametrize(("name", "link"), LINKED_FAMILIES)
def test_every_family_has_a_smooth_density_at_the_start(name, link):
    """At any scale of the target; the search for a mode begins with these derivatives."""
    family, target = linked(name, link), TARGETS[name]
    model = conditional_model(family, target)
    row_inputs = ("x", "observed", *target.given)
    functions = jaxify(model, ("y",), row_inputs)

    @jax.jit
    def measure(inputs):
        start, unravel = ravel_pytree(functions.initial(inputs))

        def logdensity(position):
            values = unravel(position)
            likelihood = functions.log_likelihood(values, inputs)["y"].sum()
            return functions.log_prior(values, inputs) + likelihood

        return logdensity(start), jax.grad(logdensity)(start), jax.hessian(logdensity)(start)

    for unit in (1e-9, 1.0, 1e9) if target.has_units else (1.0,):
        scaled = type(target)(
            target.values * unit,
            {k: v * (unit if k != "n" else 1.0) for k, v in target.given.items()},
        )
        inputs = {
            v.name: jnp.asarray(v.get_value()) for v in conditional_model(family, scaled).data_vars
        }
        for derivative in measure(inputs):
            assert np.all(np.isfinite(derivative)), unit

"""Posterior sampling of one model for many data sets, against closed forms.

Statistical checks of a mean allow five Monte Carlo standard errors: one false alarm in 1.7 million
comparisons, and there are fewer than fifty in this file.
"""

from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
import pymc as pm
import pytensor
import pytest
from scipy import stats

from bayesmice.errors import ModelError, SamplingError
from bayesmice.kernels import posterior as blackjax_module
from bayesmice.kernels.adaptation import run_chain
from bayesmice.kernels.cache import configure_jax
from bayesmice.kernels.likeness import find_changed
from bayesmice.kernels.posterior import blackjax_sampler
from bayesmice.kernels.posterior_choice import posterior_sampler
from bayesmice.kernels.posterior_sampler import PosteriorSettings
from bayesmice.kernels.posterior_steps import StepsSampler
from bayesmice.kernels.sharing import observed_values, share_models

pytestmark = pytest.mark.long

PRIOR_SD, NOISE_SD, N = 3.0, 2.0, 25
SETTINGS = PosteriorSettings(
    draws=1000, tune=500, chains=4, random_seed=11, target_accept=0.8, log_likelihood=True
)
OUTCOMES = [
    np.random.default_rng(i).normal(i, NOISE_SD, N) for i in range(3)
]  # one completed data set each


def normal_mean(y, bake=False):
    """Write a conjugate model; its data are named, or baked in as constants."""
    with pm.Model(coords={"row": np.arange(len(y))}) as model:
        seen = y if bake else pm.Data("data[y]", y, dims="row")
        mu = pm.Normal("mu", 0, PRIOR_SD)
        pm.Deterministic("twice", 2 * mu)
        pm.Deterministic("fitted", mu + np.zeros(len(y)))
        pm.Normal("y", mu, NOISE_SD, observed=seen)
    return model


def closed_form(y):
    precision = 1 / PRIOR_SD**2 + len(y) / NOISE_SD**2
    return y.sum() / NOISE_SD**2 / precision, precision**-0.5


def monte_carlo_error(draws):
    """Of the mean, by batches: 20 per chain."""
    batches = draws.reshape(draws.shape[0], 20, -1).mean(axis=2)
    return batches.std(ddof=1) / np.sqrt(batches.size)


@pytest.fixture(scope="module")
def compiled():
    """One sampler for three data sets whose columns were baked in, and its draws of each."""
    configure_jax()
    (shared,) = share_models(normal_mean(y, bake=True) for y in OUTCOMES)
    sampler = blackjax_sampler(shared.model, SETTINGS)
    with ThreadPoolExecutor(2) as executor:
        begun = [sampler.begin(i, shared.data[i], executor) for i in range(3)]
        return sampler, shared, [wait() for wait in begun]


@pytest.mark.parametrize("imputation", [0, 1, 2])
def test_every_posterior_is_that_of_its_own_data_set(compiled, imputation):
    drawn = compiled[2][imputation].parameters["mu"]
    mean, sd = closed_form(OUTCOMES[imputation])
    assert abs(drawn.mean() - mean) < 5 * monte_carlo_error(drawn)
    assert abs(((drawn - mean) ** 2).mean() - sd**2) < 5 * monte_carlo_error((drawn - mean) ** 2)
    assert stats.kstest(drawn[:, ::10].ravel(), stats.norm(mean, sd).cdf).pvalue > 1e-6


def test_log_likelihood_is_that_of_every_row_at_every_draw(compiled):
    drawn = compiled[2][1]
    mu = drawn.parameters["mu"][..., None]
    np.testing.assert_allclose(
        drawn.log_likelihood["y"], stats.norm.logpdf(OUTCOMES[1], mu, NOISE_SD), rtol=1e-8
    )


def test_deterministic_variables_are_recorded_unless_they_are_as_long_as_the_data(compiled):
    drawn = compiled[2][0].parameters
    assert set(drawn) == {"mu", "twice"}
    np.testing.assert_array_equal(drawn["twice"], 2 * drawn["mu"])


def test_statistics_of_every_transition_are_kept(compiled):
    statistics = compiled[2][0].statistics
    assert {values.shape for values in statistics.values()} == {(4, 1000)}
    mu = compiled[2][0].parameters["mu"]
    joint = stats.norm.logpdf(mu, 0, PRIOR_SD) + stats.norm.logpdf(
        OUTCOMES[0], mu[..., None], NOISE_SD
    ).sum(axis=-1)
    np.testing.assert_allclose(statistics["lp"], joint)
    # A trajectory of d doublings has at most 2^d - 1 steps, and more than those of d - 1.
    assert (statistics["n_steps"] < 2 ** statistics["tree_depth"]).all()
    assert (statistics["step_size"] == statistics["step_size"][:, :1]).all()
    assert 0.7 < statistics["acceptance_rate"].mean() < 0.98


def test_draws_of_a_data_set_do_not_depend_on_the_others(compiled):
    sampler, shared, drawn = compiled
    with ThreadPoolExecutor(1) as executor:
        again = sampler.begin(2, shared.data[2], executor)()
    for name, values in drawn[2].parameters.items():
        np.testing.assert_array_equal(again.parameters[name], values)
    assert not np.array_equal(drawn[0].parameters["mu"][0], drawn[0].parameters["mu"][1])


def test_a_program_is_compiled_once_however_many_data_sets_there_are(monkeypatch):
    counts = {"compiled": 0, "converted": 0}
    compile_lowered, convert = jax.stages.Lowered.compile, blackjax_module.jaxify

    def count_compile(self, *args, **kwargs):
        counts["compiled"] += 1
        return compile_lowered(self, *args, **kwargs)

    def count_convert(*args):
        counts["converted"] += 1
        return convert(*args)

    monkeypatch.setattr(jax.stages.Lowered, "compile", count_compile)
    monkeypatch.setattr(blackjax_module, "jaxify", count_convert)
    (shared,) = share_models(normal_mean(y + i) for y in OUTCOMES for i in range(4))
    settings = PosteriorSettings(10, 10, 1, 1, 0.8, False)
    sampler = blackjax_sampler(shared.model, settings)
    with ThreadPoolExecutor(2) as executor:
        waits = [sampler.begin(i, data, executor) for i, data in enumerate(shared.data)]
        means = [wait().parameters["mu"].mean() for wait in waits]
    assert counts == {"compiled": 1, "converted": 1}
    assert len(set(means)) == 12


def test_chains_as_one_batch_have_the_same_posterior(compiled):
    sampler, shared, _ = compiled
    places = np.array([[0, chain] for chain in range(4, 8)])
    drawn = sampler._draw_together(places, shared.data[0]).parameters["mu"]
    mean, sd = closed_form(OUTCOMES[0])
    assert abs(drawn.mean() - mean) < 5 * monte_carlo_error(drawn)
    assert abs(((drawn - mean) ** 2).mean() - sd**2) < 5 * monte_carlo_error((drawn - mean) ** 2)


def test_adaptation_finds_scales_that_are_far_apart_and_then_stops():
    """Without a mass matrix, a trajectory would need a million steps to cross the widest one."""
    scales = jnp.array([1e-3, 1.0, 1e3])

    def run(key):
        return run_chain(
            key, jnp.zeros(3), lambda x: -0.5 * jnp.sum((x / scales) ** 2), (800, 1000), 0.8
        )

    positions, statistics = jax.jit(run)(jax.random.key(1))
    assert positions.shape == (1000, 3)
    assert (statistics["step_size"] == statistics["step_size"][0]).all()
    assert statistics["n_steps"].mean() < 16
    assert 0.65 < statistics["acceptance_rate"].mean() < 0.95
    squares = np.asarray((positions / scales) ** 2).T[:, None]
    for one in squares:
        assert abs(one.mean() - 1) < 5 * monte_carlo_error(one)


def with_changes(y=None, sd=1.0, shape=2, bounds=(0.0, 1.0), trials=10, noise=pm.Normal):
    y = OUTCOMES[0] if y is None else y
    with pm.Model() as model:
        a = pm.Normal("a", 0, sd, shape=shape)
        b = pm.Uniform("b", *bounds)
        c = pm.Normal("c", transform=pm.distributions.transforms.Interval(*bounds))
        k = pm.Binomial("k", trials, b, observed=np.arange(len(y)) % 3)
        noise("y", mu=a.sum() + b + c + 0 * k.sum(), sigma=1.0, observed=y)
    return model


@pytest.mark.parametrize(
    "changes",
    [
        {"y": OUTCOMES[0][:-1]},
        {"shape": 3},
        {"bounds": (0.0, 2.0)},
        {"trials": 11},
        {"noise": pm.Cauchy},
    ],
    ids=["rows", "shape", "bounds kept by a transform", "an integer constant", "distribution"],
)
def test_models_that_differ_in_more_than_data_need_programs_of_their_own(changes):
    if "noise" in changes:
        changes = {
            "noise": lambda name, mu, sigma, observed: pm.Cauchy(name, mu, sigma, observed=observed)
        }
    assert find_changed(with_changes(), with_changes(**changes)) is None
    assert len(share_models([with_changes(), with_changes(**changes), with_changes()])) == 2


def test_models_that_differ_in_numbers_share_a_program():
    one, two = with_changes(), with_changes(OUTCOMES[1], sd=2.0)
    changed = find_changed(one, two)
    assert sorted(np.shape(value) for value in changed.values()) == [(), (N,)]
    assert find_changed(one, with_changes()) == {}


def with_own_density(y, scale=1.0):
    with pm.Model() as model:
        a = pm.Normal("a")
        pm.Deterministic("twice", 2 * a)
        seen = pm.Data("data[y]", y)
        pm.CustomDist("y", a, logp=lambda v, a: -scale * abs(v - a), observed=seen)
    return model


def test_densities_of_ones_own_share_a_program_where_only_data_differ():
    one = with_own_density(OUTCOMES[0])
    changed = find_changed(one, with_own_density(OUTCOMES[1]))
    assert [leaf.name for leaf in changed] == ["data[y]"]
    assert find_changed(one, with_own_density(OUTCOMES[1], scale=2.0)) is None


def test_data_of_every_member_are_kept_by_name():
    (shared,) = share_models(normal_mean(y) for y in OUTCOMES)
    for imputation, y in enumerate(OUTCOMES):
        np.testing.assert_array_equal(shared.data[imputation]["data[y]"], y)
        np.testing.assert_array_equal(
            observed_values(shared.model, shared.data[imputation])["y"], y
        )


def count_model(y):
    with pm.Model() as model:
        seen = pm.Data("data[y]", y)
        k = pm.DiscreteUniform("k", 0, 8)
        pm.Poisson("y", k + 0.5, observed=seen)
    return model


def test_steps_sample_discrete_parameters_and_take_up_each_data_set():
    counts = [np.array([2, 4, 3, 5], dtype=np.int32), np.array([7, 6, 8, 9], dtype=np.int32)]
    (shared,) = share_models(count_model(y) for y in counts)
    settings = PosteriorSettings(600, 100, 1, 3, 0.8, True)
    k = np.arange(9)
    with pytensor.config.change_flags(mode="FAST_COMPILE"), ThreadPoolExecutor(1) as executor:
        name, sampler = posterior_sampler(shared.model, settings, "auto")
        drawn = [sampler.begin(i, shared.data[i], executor)() for i in (0, 1, 0)]
    assert name == "pymc"
    for imputation, y in enumerate(counts):
        density = np.exp(stats.poisson.logpmf(y[:, None], k + 0.5).sum(axis=0))
        mean = (k * density).sum() / density.sum()
        draws = drawn[imputation].parameters["k"].astype(float)
        assert abs(draws.mean() - mean) < 5 * monte_carlo_error(draws)
        np.testing.assert_allclose(
            drawn[imputation].log_likelihood["y"],
            stats.poisson.logpmf(y, drawn[imputation].parameters["k"][..., None] + 0.5),
        )
    np.testing.assert_array_equal(drawn[0].parameters["k"], drawn[2].parameters["k"])


def test_steps_sample_continuous_parameters_too():
    (shared,) = share_models(normal_mean(y) for y in OUTCOMES[:2])
    settings = PosteriorSettings(600, 200, 1, 3, 0.8, False)
    with pytensor.config.change_flags(mode="FAST_COMPILE"), ThreadPoolExecutor(1) as executor:
        _, sampler = posterior_sampler(shared.model, settings, "pymc")
        found = sampler.begin(1, shared.data[1], executor)()
        sampler.begin(0, shared.data[0], executor)()
        again = sampler.begin(1, shared.data[1], executor)()
    np.testing.assert_array_equal(again.parameters["mu"], found.parameters["mu"])
    mu, (mean, sd) = found.parameters["mu"], closed_form(OUTCOMES[1])
    assert set(found.parameters) == {"mu", "twice"}
    assert abs(mu.mean() - mean) < 5 * monte_carlo_error(mu)
    assert abs(((mu - mean) ** 2).mean() - sd**2) < 5 * monte_carlo_error((mu - mean) ** 2)
    assert 0.6 < found.statistics["acceptance_rate"].mean() < 1
    assert (found.statistics["tree_depth"] >= 1).all()


def test_a_discrete_parameter_is_refused_by_nuts():
    settings = PosteriorSettings(10, 10, 1, 1, 0.8, False)
    for sampler in ("blackjax", "nutpie"):
        if sampler == "nutpie":
            pytest.importorskip("nutpie")
        with pytest.raises(ModelError, match=r"discrete parameter 'k'.*use sampler='pymc'"):
            posterior_sampler(count_model(np.array([1, 2], dtype=np.int32)), settings, sampler)


def model_without_jax_version():
    with pm.Model() as model:
        mu = pm.Normal("mu")
        opaque = pytensor.wrap_py(itypes=[mu.type], otypes=[mu.type])(lambda x: x * 1.0)
        pm.Normal("y", opaque(mu), 1, observed=OUTCOMES[0])
    return model


def test_what_jax_cannot_run_is_left_to_steps_or_refused():
    settings = PosteriorSettings(10, 10, 1, 1, 0.8, False)
    name, sampler = posterior_sampler(model_without_jax_version(), settings, "auto")
    assert name == "pymc"
    assert isinstance(sampler, StepsSampler)
    with pytest.raises(
        ModelError, match=r"JAX cannot run the analysis model: No JAX.*sampler='pymc'"
    ):
        posterior_sampler(model_without_jax_version(), settings, "blackjax")


def test_a_start_without_density_is_an_error_of_the_steps():
    with pm.Model() as model:
        k = pm.Poisson("k", 1)
        pm.Potential("impossible", pm.math.switch(k >= 0, -np.inf, 0.0))
        pm.Poisson("y", k + 1, observed=[1, 2])
    settings = PosteriorSettings(10, 10, 1, 1, 0.8, False)
    sampler = StepsSampler(model, settings)
    with (
        pytensor.config.change_flags(mode="FAST_COMPILE"),
        ThreadPoolExecutor(1) as executor,
        pytest.raises(SamplingError, match=r"no finite log-density.*imputation 4"),
    ):
        sampler.begin(4, {}, executor)()


@pytest.mark.statistical
def test_nutpie_has_the_same_posteriors():
    pytest.importorskip("nutpie")
    (shared,) = share_models(normal_mean(y, bake=True) for y in OUTCOMES)
    name, sampler = posterior_sampler(shared.model, SETTINGS, "nutpie")
    assert name == "nutpie"
    with ThreadPoolExecutor(1) as executor:
        drawn = [sampler.begin(i, shared.data[i], executor)() for i in range(3)]
        again = sampler.begin(1, shared.data[1], executor)()
    np.testing.assert_array_equal(again.parameters["mu"], drawn[1].parameters["mu"])
    for y, found in zip(OUTCOMES, drawn, strict=True):
        mean, sd = closed_form(y)
        mu = found.parameters["mu"]
        assert set(found.parameters) == {"mu", "twice"}
        assert abs(mu.mean() - mean) < 5 * monte_carlo_error(mu)
        assert abs(((mu - mean) ** 2).mean() - sd**2) < 5 * monte_carlo_error((mu - mean) ** 2)
        np.testing.assert_allclose(
            found.log_likelihood["y"], stats.norm.logpdf(y, mu[..., None], NOISE_SD)
        )
        assert {v.shape for v in found.statistics.values()} == {(4, 1000)}

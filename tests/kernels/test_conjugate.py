"""Exact draws of regressions with normal priors, against quadrature; seeds are fresh.

Chains are independent draws from one posterior, after enough transitions for slices to come from
far away. Each test compares 15 quantities of 20,000 chains at a false alarm of one in 30,000; a
mean that is off by 0.04 posterior standard deviations is noticed.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pymc as pm
import pytest
from courses import course_of
from jax.flatten_util import ravel_pytree
from posterior_checks import ExactDistribution, moment_p_values, smallest
from quadrature import on_grid
from scipy import stats

import bayesmice as bm
from bayesmice.kernels import with_sums
from bayesmice.kernels.cells import rows_at
from bayesmice.kernels.conjugate import CONJUGATE, MIN_ROWS, conjugate_transitions
from bayesmice.kernels.moments import (
    around_fit,
    log_likelihood,
    moments_of,
    moments_without,
    sums_of,
)
from bayesmice.kernels.slicing import slice_move
from bayesmice.scheduler import initial_fill, start_chains
from bayesmice.scheduler.chains import varying_columns
from bayesmice.specification import specify

CHAINS, TRANSITIONS = 20_000, 30
ALARM = 1 / 30_000


def line(n: int, noise: float) -> pd.DataFrame:
    """A predictor and a target, with one further row that lacks the target."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=n + 1)
    y = 20.0 + 2.0 * x + noise * rng.normal(size=n + 1)
    y[n] = np.nan
    return pd.DataFrame({"x": x, "y": y})


def exact(data: pd.DataFrame, spread_prior, axes: dict[str, np.ndarray]) -> ExactDistribution:
    """The posterior of intercept, slope and log sigma by default priors of the first two."""
    x, y = data["x"].to_numpy()[:-1], data["y"].to_numpy()[:-1]
    mean_x, unit_x, unit_y = data["x"].mean(), data["x"].std(ddof=1), y.std(ddof=1)

    def density(at: dict[str, np.ndarray]) -> np.ndarray:
        intercept, slope, sigma = at["Intercept"], at["x"], np.exp(at["log sigma"])
        total = stats.norm(y.mean(), 2.5 * unit_y).logpdf(intercept + slope * mean_x)
        total += stats.norm(0, 2.5 * unit_y / unit_x).logpdf(slope)
        total += spread_prior(unit_y).logpdf(sigma) + at["log sigma"]
        for one_x, one_y in zip(x, y, strict=True):
            total += stats.norm(intercept + slope * one_x, sigma).logpdf(one_y)
        return total

    return ExactDistribution.from_grid(on_grid(axes, density))


def half_t(unit: float) -> stats.rv_continuous:
    return stats.t(3, scale=unit)


def drawn(data: pd.DataFrame, model: bm.Regression) -> dict[str, np.ndarray]:
    """Draws of many chains of the kernel alone, given the data as the engine reads them."""
    specification = specify(data, {"y": model})
    target = specification.target("y")
    program = target.program
    assert program.kernel is CONJUGATE
    fill = initial_fill(specification.store, 0, [0])
    state = start_chains(course_of(specification, [target]), fill, [0])
    design = with_sums(state.design) if target.needs_sums else state.design
    columns = varying_columns(state, target, np.arange(1))
    inputs = program.inputs(design.rows[0], {k: v[0] for k, v in columns.items()}, target.given)
    start, unravel = ravel_pytree(program.model.initial(inputs))
    sums = None if design.sums is None else design.sums[0]
    density = program.logdensity(unravel, inputs, target.given, sums)

    def chain(key: jax.Array) -> dict[str, jax.Array]:
        empty, is_first = CONJUGATE.empty(len(start)), jnp.asarray(True)
        begun = CONJUGATE.tune(key, empty, start, is_first, density)
        moved, _ = CONJUGATE.steps(jax.random.split(key, TRANSITIONS), begun, density)
        used = program._masked(unravel(moved.position), target.given.mask)
        return program.model.parameters(used, inputs)

    seed = int(np.random.SeedSequence().generate_state(1)[0])
    found = jax.jit(jax.vmap(chain))(jax.random.split(jax.random.key(seed), CHAINS))
    own = list(target.labels.kept.get("coefficients", [0]))
    return {
        "Intercept": np.asarray(found["Intercept"]),
        "x": np.asarray(found["coefficients"])[:, own[0]],
        "log sigma": np.log(np.asarray(found["sigma"])),
    }


def axes(center: tuple[float, float, float], width: tuple[float, float, float]):
    names = ("Intercept", "x", "log sigma")
    return {
        name: np.linspace(middle - half, middle + half, 61)
        for name, middle, half in zip(names, center, width, strict=True)
    }


@pytest.mark.parametrize("formula", [".", "I(x)"], ids=["shared", "own design"])
def test_many_rows_have_a_good_proposal(formula: str) -> None:
    data = line(60, noise=1.5)
    assert len(data) > MIN_ROWS
    x, y = data["x"].to_numpy()[:-1], data["y"].to_numpy()[:-1]
    slope, intercept = np.polyfit(x, y, 1)
    error = 1.5 / np.sqrt(60)
    spread = np.log((y - intercept - slope * x).std(ddof=2))
    grid = axes((intercept, slope, spread), (6 * error, 7 * error, 0.6))
    p_values = moment_p_values(drawn(data, bm.Regression(formula)), exact(data, half_t, grid))
    assert smallest(p_values) > ALARM, p_values


def test_a_strong_prior_against_the_data_is_sampled_by_slices() -> None:
    data = line(30, noise=1.5)
    model = bm.Regression(priors={"sigma": pm.HalfNormal.dist(0.15)})
    x, y = data["x"].to_numpy()[:-1], data["y"].to_numpy()[:-1]
    slope, intercept = np.polyfit(x, y, 1)
    grid = axes((intercept, slope, -0.03), (1.1, 1.2, 0.5))
    p_values = moment_p_values(
        drawn(data, model), exact(data, lambda unit: stats.halfnorm(scale=0.15), grid)
    )
    assert smallest(p_values) > ALARM, p_values


def test_a_target_that_is_determined_has_a_standard_deviation_near_its_bound() -> None:
    """Default priors begin at 1e-4 units; slices follow a density that rises towards the bound."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=41)
    data = pd.DataFrame({"x": x, "y": 3.0 + 2.0 * x})
    data.loc[40, "y"] = np.nan
    unit = data["y"].std(ddof=1)
    imputations = bm.MICE(data).mice(m=20, sweeps=12, progressbar=False)
    sigma = imputations.tree["conditionals/y/posterior/sigma"].to_numpy() / unit
    last = sigma[:, -4:]
    assert (last > 1e-4).all()
    assert (last < 1.2e-4).all()
    assert (np.diff(last, axis=1) != 0).all(), "chains do not move"
    np.testing.assert_allclose(
        imputations.tree["imputations"]["y"].to_numpy(), 3.0 + 2.0 * x[40], atol=1e-3 * unit
    )


def test_the_first_visit_draws_from_about_the_posterior() -> None:
    """A single transition forgets where a chain is, but not that it begins without any slope."""
    data = line(1000, noise=0.1)
    run = bm.MICE(data, {"y": bm.Regression(inner_steps=1)}).mice(m=50, sweeps=1, progressbar=False)
    sigma = run.tree["conditionals/y/posterior/sigma"].to_numpy()[:, 0]
    x, y = data["x"].to_numpy()[:-1], data["y"].to_numpy()[:-1]
    residuals = y - np.polyval(np.polyfit(x, y, 1), x)
    expected = residuals.std(ddof=2)
    assert np.abs(sigma / expected - 1).max() < 7 / np.sqrt(2 * len(x))


def test_which_regressions_draw_exactly() -> None:
    data = line(30, noise=1.0).assign(z=np.arange(31.0))

    def kernel(model: bm.Regression) -> str:
        return specify(data, {"y": model}).target("y").program.kernel.name

    assert kernel(bm.Regression()) == "conjugate"
    assert kernel(bm.Regression("x + I(x**2)")) == "conjugate"
    assert kernel(bm.Regression(priors={"sigma": pm.HalfNormal.dist(1)})) == "conjugate"
    assert kernel(bm.Regression(priors={"x": pm.StudentT.dist(3)})) == "hmc"
    assert kernel(bm.Regression(priors={"sigma": 1.0})) == "hmc"
    assert kernel(bm.Regression("0 + x")) == "hmc"
    assert kernel(bm.Regression(kernel="hmc")) == "hmc"
    assert kernel(bm.Regression(family="t")) == "hmc"
    assert kernel(bm.Regression(distributional={"sigma": "x"})) == "hmc"
    assert kernel(bm.Regression(priors={"coefficients": bm.priors.horseshoe()})) == "nuts"


def test_moments_give_the_likelihood_of_weighted_rows() -> None:
    rng = np.random.default_rng()
    n, width = 200, 4
    design, observed = rng.normal(size=(n, width)), 1e6 + rng.normal(size=n)
    weights = rng.choice([0.0, 0.5, 1.0, 3.0], n)
    moments = moments_of(jnp.asarray(design), jnp.asarray(observed), jnp.asarray(weights))
    for _ in range(5):
        location, slopes, sigma = 1e6 + rng.normal(), rng.normal(size=width), rng.gamma(2.0)
        by_row = stats.norm(location + design @ slopes, sigma).logpdf(observed)
        coefficients = jnp.asarray([location - float(moments.center), *slopes])
        found = log_likelihood(moments.n, moments.residual_square(coefficients), jnp.asarray(sigma))
        np.testing.assert_allclose(float(found), by_row @ weights, rtol=1e-9)
        closer = around_fit(
            moments, jnp.asarray(design), jnp.asarray(observed), jnp.asarray(weights)
        )
        again = closer.residual_square(coefficients)
        np.testing.assert_allclose(float(again), float(moments.residual_square(coefficients)))


def test_sums_over_all_rows_give_the_moments_of_some() -> None:
    """Also where the design has deviations from something else than the mean of those rows."""
    rng = np.random.default_rng()
    n, width, place, center = 150, 4, 2, 30.0
    design = rng.normal(size=(n, width)) + 0.7
    is_left_out = rng.random(n) < 0.3
    weights = jnp.asarray(np.where(is_left_out, 0.0, 1.0))
    expected = moments_of(jnp.asarray(design), jnp.asarray(design[:, place] + center), weights)
    places = np.full(80, n)
    places[: is_left_out.sum()] = np.flatnonzero(is_left_out)
    left_out, is_row = rows_at(jnp.asarray(design), jnp.asarray(places))
    assert is_row.sum() == is_left_out.sum()
    sums = sums_of(jnp.asarray(design))
    found = moments_without(sums, left_out, jnp.asarray(place), jnp.asarray(center))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-10)


def test_residuals_of_a_target_that_is_determined_keep_their_digits() -> None:
    rng = np.random.default_rng(4)
    design = rng.normal(size=(100, 3))
    slopes, noise = np.array([100.0, -3.0, 0.0]), 1e-8 * rng.normal(size=100)
    observed, weights = 500.0 + design @ slopes + noise, rng.choice([0.0, 1.0, 2.0], 100)
    arrays = [jnp.asarray(values) for values in (design, observed, weights)]
    moments = around_fit(moments_of(*arrays), *arrays)
    coefficients = jnp.asarray([500.0 - float(moments.center), *slopes])
    found = float(moments.residual_square(coefficients))
    np.testing.assert_allclose(
        found, weights @ (observed - 500.0 - design @ slopes) ** 2, rtol=1e-4
    )


@pytest.mark.parametrize(
    "law",
    [stats.gamma(0.7), stats.norm(3.0, 0.01), stats.expon(-50.0, 20.0)],
    ids=["gamma", "norm", "expon"],
)
def test_slices_leave_a_distribution_as_it_is(law: stats.rv_continuous) -> None:
    name, arguments = law.dist.name, law.args
    density = {
        "gamma": lambda x: jnp.where(x > 0, -0.3 * jnp.log(jnp.abs(x)) - x, -jnp.inf),
        "norm": lambda x: -0.5 * ((x - 3.0) / 0.01) ** 2,
        "expon": lambda x: jnp.where(x > -50.0, -(x + 50.0) / 20.0, -jnp.inf),
    }[name]
    seed = int(np.random.SeedSequence().generate_state(1)[0])
    start = law.rvs(4000, random_state=np.random.default_rng(seed))

    def move(key: jax.Array, position: jax.Array) -> jax.Array:
        for step in range(2):
            position = slice_move(jax.random.fold_in(key, step), position, density, 1.0)
        return position

    keys = jax.random.split(jax.random.key(seed), len(start))
    moved = np.asarray(jax.jit(jax.vmap(move))(keys, jnp.asarray(start)))
    assert (moved != start).all(), arguments
    assert stats.kstest(moved, law.cdf).pvalue > 1e-6


def test_slices_stay_where_no_density_is() -> None:
    key = jax.random.key(0)
    for nothing in (-jnp.inf, jnp.nan):
        stayed = slice_move(key, jnp.asarray(0.5), lambda x, value=nothing: x * 0 + value, 1.0)
        assert float(stayed) == 0.5


def test_more_transitions_where_there_are_few_rows() -> None:
    """What one transition keeps is the share of coefficients in rows."""
    for n_rows in (10, 50, 300, 2000, 10**6):
        for n_dim in (2, 20, 100):
            kept = min(n_dim / n_rows, 0.75) ** conjugate_transitions(n_rows, n_dim)
            assert kept < 0.11

"""The compiled programs: the same densities as the models a user sees, shared within a family."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pymc as pm
import pytest
from courses import course_of
from jax.flatten_util import ravel_pytree

import bayesmice as bm
from bayesmice.kernels import regression_target
from bayesmice.kernels.choice import MAX_CURVATURE_DIM
from bayesmice.kernels.curvature import find_curvature
from bayesmice.kernels.hmc import HMC, splitting
from bayesmice.kernels.nuts import NUTS
from bayesmice.kernels.programs import sum_over_rows
from bayesmice.scheduler import initial_fill, start_chains
from bayesmice.scheduler.chains import varying_columns
from bayesmice.specification import Specification, specify


@pytest.fixture(scope="module")
def mixed_data() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    n = 60
    frame = pd.DataFrame({"x": rng.normal(50, 10, n)})
    frame["y"] = frame["x"] / 5 + rng.normal(size=n)
    frame["flag"] = pd.array(frame["y"] + rng.normal(size=n) > 10, dtype="boolean")
    frame["kind"] = rng.choice(["a", "b", "c"], n)
    stage = np.clip((frame["x"] / 20 + rng.normal(size=n)).astype(int), 0, 3)
    frame["stage"] = pd.Categorical.from_codes(stage, ["I", "II", "III", "IV"], ordered=True)
    for name in frame:
        frame.loc[rng.random(n) < 0.2, name] = None
    return frame


def engine_density(specification: Specification, name: str):
    """Log-density of the engine over the initial fill that `write_model` shows."""
    target = specification.target(name)
    fill = initial_fill(specification.store, 0, [0])
    state = start_chains(course_of(specification, [target]), fill, [0])
    program = target.program
    columns = varying_columns(state, target, np.arange(1))
    own = {key: column[0] for key, column in columns.items()}
    inputs = program.inputs(state.design.rows[0], own, target.given)
    start, unravel = ravel_pytree(program.model.initial(inputs))
    return program.logdensity(unravel, inputs, target.given), start, unravel, target


@pytest.mark.parametrize("name", ["x", "flag", "kind", "stage"])
@pytest.mark.parametrize("own_prior", [False, True])
def test_engine_and_visible_model_have_the_same_density(
    mixed_data: pd.DataFrame, name: str, own_prior: bool
) -> None:
    """Up to the prior of coefficients that the target does not use, which is constant here."""
    other = "y"
    models = {name: bm.Regression(priors={other: pm.StudentT.dist(3, sigma=0.4)})}
    specification = specify(mixed_data, models if own_prior else None)
    logdensity, start, unravel, target = engine_density(specification, name)
    visible = specification.write_model(name)
    density = visible.compile_logp(mode="FAST_COMPILE")

    rng = np.random.default_rng()
    differences = []
    mask = target.given.mask
    unused = None if mask is None else np.flatnonzero(np.asarray(mask) == 0)
    for _ in range(5):
        position = unravel(start + rng.normal(0, 0.3, start.shape))
        shown = dict(position)
        if unused is not None:
            position["coefficients"] = position["coefficients"].at[unused].set(0.7)
            shown["coefficients"] = np.delete(np.asarray(position["coefficients"]), unused, axis=0)
        flat, _ = ravel_pytree(position)
        differences.append(float(logdensity(flat)) - float(density(shown)))
    np.testing.assert_allclose(differences, differences[0], rtol=0, atol=1e-8)


RICH = {
    "interactions, powers and functions": (
        "y",
        bm.Regression("x*flag + I(x**2) + np.exp(x / 50) + C(stage):x"),
    ),
    "splines and learned scales": ("y", bm.Regression("bs(x, df=4) + scale(x) + kind")),
    "no intercept": ("y", bm.Regression("0 + kind + x")),
    "a group's prior": (
        "y",
        bm.Regression("x + C(kind) + stage", priors={"C(kind)": pm.Normal.dist(0, 0.3)}),
    ),
    "a standard deviation with predictors": (
        "y",
        bm.Regression(
            "x + flag",
            distributional={"sigma": "x + kind"},
            priors={"sigma_Intercept": pm.Normal.dist(0, 2), "sigma_x": pm.Normal.dist(0, 0.1)},
        ),
    ),
    "probit": (
        "stage",
        bm.Regression("x + y", link="probit", priors={"x": pm.Normal.dist(0, 0.1)}),
    ),
    "a function of the user's": (
        "y",
        bm.Regression("own(x) + kind", extra_namespace={"own": lambda x: np.asarray(x) ** 2}),
    ),
}


@pytest.mark.parametrize("case", RICH)
def test_rich_regressions_are_compiled_as_they_are_shown(
    mixed_data: pd.DataFrame, case: str
) -> None:
    name, regression = RICH[case]
    specification = specify(mixed_data, {name: regression})
    logdensity, start, unravel, _ = engine_density(specification, name)
    density = specification.write_model(name).compile_logp(mode="FAST_COMPILE")
    rng = np.random.default_rng()
    for _ in range(3):
        position = unravel(start + rng.normal(0, 0.1, start.shape))
        flat, _ = ravel_pytree(position)
        shown = float(density({key: np.asarray(value) for key, value in position.items()}))
        assert np.isfinite(shown)
        np.testing.assert_allclose(float(logdensity(flat)), shown, rtol=1e-7)


def test_columns_of_a_family_share_one_program() -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(rng.normal(size=(40, 20)), columns=[f"v{i}" for i in range(20)])
    frame = frame.mask(rng.random(frame.shape) < 0.1)
    specification = specify(frame, {"v3": bm.Regression(priors={"v4": pm.Normal.dist(0, 1)})})
    programs = {name: specification.target(name).program for name in specification.missing}
    assert len({id(program) for name, program in programs.items() if name != "v3"}) == 1
    assert programs["v3"] is not programs["v4"]


def test_a_program_is_compiled_once_for_all_columns_sweeps_and_runs() -> None:
    rng = np.random.default_rng(6)
    frame = pd.DataFrame(rng.normal(size=(48, 11)), columns=list("pqrstuvwxyz"))
    for position, name in enumerate("pqrst"):
        frame.loc[rng.choice(48, 2 + 5 * position, replace=False), name] = np.nan
    program = specify(frame, None).target("p").program
    assert program.move._cache_size() == 0, "another test uses eleven gaussian columns"
    bm.MICE(frame).mice(m=2, sweeps=5, progressbar=False)
    bm.MICE(frame + 1.0).mice(m=2, sweeps=3, progressbar=False)
    assert program.move._cache_size() == 1


def test_rows_without_an_observed_value_have_no_weight(mixed_data: pd.DataFrame) -> None:
    specification = specify(mixed_data, None)
    model = specification.models["x"]
    target = regression_target(model, specification.store)
    expected = mixed_data["x"].notna().to_numpy().astype(float)
    np.testing.assert_array_equal(target.given.rows[0].weights, expected)
    assert (
        float(sum_over_rows(jnp.ones(len(expected)), target.given.rows[0].weights))
        == expected.sum()
    )


def test_curvature_of_a_gaussian_is_its_covariance_wherever_it_starts() -> None:
    rng = np.random.default_rng(7)
    root = rng.normal(size=(5, 5)) * np.array([1e-6, 1.0, 1e3, 1e6, 10.0])[:, None]
    covariance, mean = root @ root.T, np.array([1e-5, 2.0, -3e3, 4e6, 5.0])
    precision = np.linalg.inv(covariance)

    def logdensity(position: jax.Array) -> jax.Array:
        return -0.5 * (position - mean) @ precision @ (position - mean)

    found = find_curvature(logdensity, jnp.asarray(mean + 30 * np.sqrt(np.diag(covariance))))
    whitened = np.linalg.solve(root, np.asarray(found.whiten))
    np.testing.assert_allclose(whitened @ whitened.T, np.eye(5), atol=1e-5)
    assert np.linalg.norm(np.linalg.solve(root, np.asarray(found.mode) - mean)) < 1e-2


def test_the_mode_is_found_where_the_density_is_not_concave() -> None:
    """A log-scale far too small: the curvature is negative, and a plain Newton step goes astray."""
    residuals = jnp.asarray([0.5, -1.0, 2.0, -0.3, 1.1])

    def logdensity(position: jax.Array) -> jax.Array:
        return jnp.sum(-0.5 * (residuals / jnp.exp(position[0])) ** 2 - position[0])

    exact = 0.5 * np.log(np.mean(np.asarray(residuals) ** 2))
    for start in (-6.0, 9.0):
        found = find_curvature(logdensity, jnp.asarray([start]))
        assert abs(float(found.mode[0]) - exact) < 1e-2


@pytest.mark.parametrize("n_dim", [1, 25, 26, 2000])
def test_a_splitting_covers_the_trajectory(n_dim: int) -> None:
    kicks, drifts = splitting(n_dim)
    assert sum(kicks) == pytest.approx(1.0)
    assert sum(drifts) == pytest.approx(1.0)
    assert len(kicks) == len(drifts) + 1
    assert kicks == pytest.approx(kicks[::-1])
    assert drifts == pytest.approx(drifts[::-1])


@pytest.mark.long
def test_levels_whose_posterior_is_far_from_gaussian_are_moved_well() -> None:
    """R's boys: stages of puberty, two thirds of them missing, tell regions apart in part."""
    data = pd.read_csv(Path(__file__).parent / "reference" / "boys.csv")
    for name, letter, n_stages in (("gen", "G", 5), ("phb", "P", 6)):
        stages = [f"{letter}{stage}" for stage in range(1, n_stages + 1)]
        data[name] = pd.Categorical(data[name], stages, ordered=True)
    run = bm.MICE(data).mice(m=4, sweeps=8, progressbar=False)
    assert "kernel_changed" not in set(run.events["code"])
    acceptance = run.tree["conditionals/reg/sample_stats/acceptance_rate"]
    assert float(acceptance.mean()) > 0.85, "one step accepts 0.6"


@pytest.mark.parametrize("frequency", [0.8, 1.0, 1.25])
def test_two_steps_are_enough_for_a_gaussian_of_any_width(frequency: float) -> None:
    """Also where the curvature is stale; leapfrog steps would accept a hundredth."""
    n_dim = 2000

    def logdensity(position: jax.Array) -> jax.Array:
        return -0.5 * jnp.sum((frequency * position) ** 2)

    drawn = np.random.default_rng(2).normal(size=n_dim) / frequency
    state = HMC.empty(n_dim)._replace(position=jnp.asarray(drawn))
    moved, info = HMC.steps(jax.random.split(jax.random.key(0), 20), state, logdensity)
    assert float(info.acceptance_rate) > 0.98
    assert int(info.n_steps) == 120
    kept = np.dot(drawn, moved.position) / np.dot(drawn, drawn)
    assert abs(kept) < 0.1
    assert abs(np.mean((frequency * np.asarray(moved.position)) ** 2) - 1.0) < 0.16


def test_wide_models_get_nuts_instead_of_a_dense_curvature() -> None:
    rng = np.random.default_rng(8)
    wide = MAX_CURVATURE_DIM + 2
    frame = pd.DataFrame(rng.normal(size=(4, wide)), columns=[f"v{i}" for i in range(wide)])
    frame["v0"] = [np.nan, 0.0, 1.0, 1.0]
    assert specify(frame, None).target("v0").program.kernel is NUTS
    assert specify(frame.iloc[:, :20], None).target("v0").program.kernel is HMC


@pytest.mark.parametrize("formula", [".", "x * stage"], ids=["shared", "own"])
@pytest.mark.parametrize("bounds", [{}, {"y": (-5, 40)}], ids=["gaussian", "truncated"])
def test_engine_and_visible_model_have_the_same_density_where_cells_have_limits(
    mixed_data: pd.DataFrame, formula: str, bounds: dict[str, tuple[float, float]]
) -> None:
    """Up to a constant: the prior of coefficients that the target does not use."""
    y = mixed_data["y"].to_numpy()
    upper = np.where(y < 9, 9.0, np.nan)
    lower = np.where((y > 8) & (y < 9) | np.isnan(y) & (np.arange(60) % 2 > 0), 8.0, np.nan)
    specification = specify(
        mixed_data, {"y": bm.Regression(formula)}, bounds=bounds, limits={"y": (lower, upper)}
    )
    logdensity, start, unravel, target = engine_density(specification, "y")
    density = specification.write_model("y").compile_logp(mode="FAST_COMPILE")
    mask = target.given.mask
    unused = None if mask is None else np.flatnonzero(np.asarray(mask) == 0)
    rng, differences = np.random.default_rng(), []
    for _ in range(5):
        position = unravel(start + rng.normal(0, 0.3, start.shape))
        shown = dict(position)
        if unused is not None:
            position["coefficients"] = position["coefficients"].at[unused].set(0.7)
            shown["coefficients"] = np.delete(np.asarray(position["coefficients"]), unused, axis=0)
        flat, _ = ravel_pytree(position)
        differences.append(float(logdensity(flat)) - float(density(shown)))
    np.testing.assert_allclose(differences, differences[0], rtol=0, atol=1e-8)
    gradient = jax.grad(logdensity)(start)
    assert np.isfinite(np.asarray(gradient)).all()


def _slope_model(scale, own_column="x"):
    def model(data):
        slope = pm.Normal("slope", 0, scale)
        pm.Normal("y", slope * data[own_column], 1.0, observed=data["y"])

    return model


def _custom_target(frame, model):
    specification = bm.MICE(frame, models={"y": model})._problem.group().specification
    return specification.target("y")


def test_custom_models_that_differ_in_their_data_share_a_program():
    rng = np.random.default_rng(0)
    frames = [
        pd.DataFrame({"x": rng.normal(size=12), "z": rng.normal(size=12), "y": rng.normal(size=12)})
        for _ in range(3)
    ]
    for frame, row in zip(frames, (2, 5, 7), strict=True):
        frame.loc[row, "y"] = np.nan
    first = _custom_target(frames[0], _slope_model(2.0))
    assert _custom_target(frames[1], _slope_model(2.0)).program is first.program
    assert _custom_target(frames[0], _slope_model(3.0)).program is not first.program
    assert _custom_target(frames[2], _slope_model(2.0, "z")).program is not first.program
    assert _custom_target(frames[1].head(10), _slope_model(2.0)).program is not first.program
    nuts = bm.Custom(_slope_model(2.0), kernel="hmc")
    assert _custom_target(frames[1], nuts).program is not first.program


def test_a_shared_program_draws_from_the_data_that_it_is_given():
    """Two data sets of one program: their slopes are 10 and -10, known to 0.3."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=40)
    for slope in (10.0, -10.0):
        frame = pd.DataFrame({"x": x, "y": slope * x + rng.normal(size=40)})
        frame.loc[3, "y"] = np.nan
        run = bm.MICE(frame, models={"y": _slope_model(20.0)}).mice(3, 10, progressbar=False)
        drawn = run.tree["conditionals/y/posterior/slope"].isel(draw=slice(5, None))
        assert abs(float(drawn.mean()) - slope) < 1

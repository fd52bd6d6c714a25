"""The curvature of regressions of levels in closed form, against differentiating twice."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from courses import course_of
from jax.flatten_util import ravel_pytree

import bayesmice as bm
from bayesmice.kernels import softmax
from bayesmice.kernels.cache import configure_jax
from bayesmice.kernels.kernel import StructuredDensity
from bayesmice.kernels.softmax import softmax_curvature
from bayesmice.models.regression import MANY_LEVELS
from bayesmice.scheduler import initial_fill, start_chains
from bayesmice.specification import specify

configure_jax()

N_ROWS, N_DESIGN, N_LEVELS = 50, 3, 4


@pytest.mark.parametrize("rows_at_once", [N_ROWS, 7, 1])
def test_it_is_the_curvature_of_the_log_likelihood_however_rows_are_parted(
    monkeypatch: pytest.MonkeyPatch, rows_at_once: int
) -> None:
    shape = (1 + N_DESIGN, N_LEVELS - 1)
    monkeypatch.setattr(softmax, "BLOCK", rows_at_once * shape[0] * shape[1])
    rng = np.random.default_rng(4)
    design, weights = rng.normal(size=(N_ROWS, N_DESIGN)), rng.random(N_ROWS)
    level, slopes = rng.integers(0, N_LEVELS, N_ROWS), jnp.asarray(rng.normal(size=shape))

    def log_likelihood(flat: jax.Array) -> jax.Array:
        odds = flat.reshape(shape)[0] + design @ flat.reshape(shape)[1:]
        logs = jax.nn.log_softmax(jnp.pad(odds, ((0, 0), (1, 0))))
        return jnp.sum(weights * logs[jnp.arange(N_ROWS), level])

    found = softmax_curvature(slopes[0], slopes[1:], jnp.asarray(design), jnp.asarray(weights))
    twice = -jax.hessian(log_likelihood)(slopes.ravel())
    np.testing.assert_allclose(found, twice, rtol=1e-10, atol=1e-12)


def frame(n_levels: int) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    data = pd.DataFrame(rng.normal(size=(60, 2)), columns=["a", "b"])
    codes = np.append(np.arange(n_levels), rng.integers(0, n_levels, 60 - n_levels))
    data["kind"] = pd.Categorical.from_codes(codes, [f"level {i}" for i in range(n_levels)])
    data.loc[:3, "a"] = np.nan
    data.loc[50:, "kind"] = None
    return data


def density(data: pd.DataFrame, model: bm.Regression):
    """The log-density of the conditional posterior of the levels, and a position."""
    specification = specify(data, {"kind": model})
    target = specification.target("kind")
    fill = initial_fill(specification.store, 0, [0])
    state = start_chains(course_of(specification, [target]), fill, [0])
    columns = {name: values[0] for name, values in state.columns.items()}
    inputs = target.program.inputs(state.design.rows[0], columns, target.given)
    start, unravel = ravel_pytree(target.program.model.initial(inputs))
    position = jnp.asarray(np.random.default_rng(1).normal(size=start.size))
    return target.program.logdensity(unravel, inputs, target.given), position


@pytest.mark.long
@pytest.mark.parametrize("n_levels", [4, MANY_LEVELS + 1])
def test_the_density_of_a_nominal_column_knows_its_curvature(n_levels: int) -> None:
    """In the program that others share, where own columns are masked, and in one of its own."""
    logdensity, position = density(frame(n_levels), bm.Regression())
    assert isinstance(logdensity, StructuredDensity)
    twice = -jax.jit(jax.hessian(logdensity.logdensity))(position)
    np.testing.assert_allclose(logdensity.curvature(position), twice, rtol=1e-9, atol=1e-9)


@pytest.mark.long
def test_many_levels_carry_no_coefficients_of_their_own_columns() -> None:
    n_levels = MANY_LEVELS + 1
    _, position = density(frame(n_levels), bm.Regression())
    assert position.size == 3 * (n_levels - 1)


@pytest.mark.long
def test_priors_of_one_s_own_leave_the_closed_form_alone() -> None:
    logdensity, _ = density(frame(4), bm.Regression(priors={"a": 0.0}))
    assert not isinstance(logdensity, StructuredDensity)

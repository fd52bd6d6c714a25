"""Estimates of the parameters, from wherever a chain stands: near the mode of its posterior.

The distance is measured in posterior standard deviations along the principal axes.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from courses import course_of
from jax.flatten_util import ravel_pytree
from scipy import optimize

import bayesmice as bm
from bayesmice.kernels.curvature import find_curvature
from bayesmice.kernels.hmc import HMC
from bayesmice.kernels.kernel import Kernel
from bayesmice.kernels.nuts import NUTS
from bayesmice.models.draws import PMM
from bayesmice.scheduler import initial_fill, start_chains
from bayesmice.specification import specify

pytestmark = pytest.mark.long

DRAWS = 50


def make_data(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(9)  # Fixed, so that compiled programs are found again.
    frame = pd.DataFrame(rng.normal(size=(n, 3)), columns=list("abc"))
    signal = frame["a"] - 2 * frame["b"]
    frame["count"] = pd.array(np.rint(3 * signal + rng.normal(size=n)), dtype="Int64")
    stage = np.digitize(signal + rng.logistic(size=n), [-1.0, 0.0, 1.5])
    stage[:4] = range(4)
    frame["stage"] = pd.Categorical.from_codes(stage, list("abcd"), ordered=True)
    frame.loc[0, ["count", "stage"]] = None
    frame.loc[n - 1, "stage"] = "a"
    return frame


def posterior(n: int, name: str):
    """Log-density of a column's conditional posterior, and where the search for it begins."""
    specification = specify(make_data(n), {"stage": bm.Regression(draw=PMM(2))})
    target = specification.target(name)
    fill = initial_fill(specification.store, 0, [0])
    state = start_chains(course_of(specification, [target]), fill, [0])
    inputs = target.program.inputs(state.design.rows[0], {}, target.given)
    start, unravel = ravel_pytree(target.program.model.initial(inputs))
    return jax.jit(target.program.logdensity(unravel, inputs, target.given)), start


def distances(estimates: np.ndarray, mode: np.ndarray, whiten: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.linalg.solve(whiten, (estimates - mode).T), axis=0)


@pytest.mark.parametrize(("n", "name"), [(12, "count"), (12, "stage"), (200, "count")])
def test_hmc_climbs_to_the_mode_from_typical_draws_also_with_a_stale_curvature(
    n: int, name: str
) -> None:
    logdensity, start = posterior(n, name)
    found = jax.jit(lambda: find_curvature(logdensity, start))()
    mode, whiten = np.asarray(found.mode), np.asarray(found.whiten)

    def draw_and_estimate(key: jax.Array, staleness: float) -> tuple[jax.Array, jax.Array]:
        laplace_draw = found.mode + found.whiten @ jax.random.normal(key, start.shape)
        state = HMC.empty(start.size)._replace(position=laplace_draw, whiten=found.whiten)
        state, _ = HMC.steps(jax.random.split(key, 5), state, logdensity)
        stale = state._replace(whiten=staleness * state.whiten)
        return state.position, HMC.estimate(stale, logdensity)

    keys = jax.random.split(jax.random.key(0), DRAWS)
    chains = jax.jit(jax.vmap(draw_and_estimate, in_axes=(0, None)))
    for staleness in (1.0, 2.0, 0.6):
        positions, estimates = map(np.asarray, chains(keys, staleness))
        assert np.median(distances(positions, mode, whiten)) > 1.0, "these are no typical draws"
        assert (distances(estimates, mode, whiten) < 0.05).all()


@pytest.mark.parametrize("kernel", [HMC, NUTS], ids=lambda kernel: kernel.name)
def test_an_estimate_is_where_scipy_finds_the_maximum(kernel: Kernel) -> None:
    logdensity, start = posterior(60, "stage")
    gradient = jax.jit(jax.grad(logdensity))
    found = optimize.minimize(
        lambda position: -float(logdensity(position)),
        np.asarray(start),
        jac=lambda position: -np.asarray(gradient(position)),
        method="BFGS",
    )
    whiten = jax.jit(find_curvature, static_argnums=0)(logdensity, jnp.asarray(found.x)).whiten
    state = (
        HMC.empty(start.size)._replace(whiten=whiten) if kernel is HMC else NUTS.empty(start.size)
    )
    away = jnp.asarray(found.x) + whiten @ jnp.ones(start.size)
    estimate = jax.jit(lambda: kernel.estimate(state._replace(position=away), logdensity))()
    assert distances(np.asarray(estimate)[None], found.x, np.asarray(whiten)).max() < 0.05

"""Chains whose conditional posterior moves far away between two visits."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayesmice as bm
from bayesmice.kernels.hmc import HMC, HMCState
from bayesmice.kernels.kernel import lost_depth

N_DIM = 4


def standard_normal(position: jax.Array) -> jax.Array:
    return -0.5 * jnp.sum(position**2)


def tuned_from(position: np.ndarray) -> HMCState:
    state = HMCState(jnp.asarray(position), jnp.eye(N_DIM))
    start = jnp.full(N_DIM, 50.0)
    return HMC.tune(jax.random.key(3), state, start, jnp.asarray(False), standard_normal)


def test_tuning_leaves_a_chain_in_its_posterior_where_it_is() -> None:
    position = np.array([2.0, -3.0, 0.5, 4.0])
    np.testing.assert_array_equal(tuned_from(position).position, position)


@pytest.mark.parametrize("distance", [30.0, np.inf])
def test_tuning_brings_a_lost_chain_back(distance: float) -> None:
    """Also one whose density has become zero."""
    found = np.asarray(tuned_from(np.array([distance, 0, 0, 0])).position)
    assert 0 < np.sum(found**2) < 40


def test_a_converged_chain_is_never_taken_for_lost() -> None:
    for n_dim in (1, 2, 5, 20, 100, 600):
        assert stats.chi2.sf(2 * lost_depth(n_dim), n_dim) < 1e-12


def test_chains_follow_a_posterior_that_moves_by_dozens_of_standard_deviations() -> None:
    """Two columns that are missing together determine a third: its noise shrinks quickly."""
    rng = np.random.default_rng(12)
    n = 3000
    height = rng.normal(size=n)
    mass = 0.5 * height + rng.normal(size=n)
    weight = 0.7 * height + 0.7 * mass + rng.normal(0, 0.1, n)
    data = pd.DataFrame({"weight": weight, "height": height, "mass": mass})
    data.loc[:5, "weight"] = np.nan
    data.loc[n - 900 :, ["height", "mass"]] = np.nan
    imputations = bm.MICE(data).mice(m=4, sweeps=15, random_seed=5, progressbar=False)
    weight_model = imputations.tree["conditionals/weight"]
    sigma = weight_model["posterior"]["sigma"].to_numpy()[:, -3:]
    np.testing.assert_allclose(sigma, 0.1, rtol=0.15)
    moved = np.diff(weight_model["posterior"]["sigma"].to_numpy()[:, 8:], axis=1) != 0
    assert moved.mean() > 0.7

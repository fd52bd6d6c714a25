"""A chain whose first kernel does badly goes on with NUTS, whatever the others do."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pymc as pm
import pytest

from bayesmice import MICE, Regression
from bayesmice.kernels import choice, targets
from bayesmice.kernels.hmc import HMC
from bayesmice.kernels.kernel import Info, one_by_one
from bayesmice.scheduler import switching
from bayesmice.scheduler.switching import PATIENCE

pytestmark = pytest.mark.long

SWEEPS = PATIENCE + 3
BY_HMC = {"c": Regression("a + b", priors={"a": pm.StudentT.dist(3)}, inner_steps=1)}
"""With a prior that is not normal, which exact draws are not for."""


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(rng.normal(size=(50, 3)), columns=list("abc"))
    frame["c"] += frame["a"]
    frame["c"] = frame["c"].mask(rng.random(50) < 0.2)
    return frame


def impute(frame, m, models=None):
    return MICE(frame, models).mice(m=m, sweeps=SWEEPS, random_seed=3, progressbar=False)


@pytest.fixture
def bad_second_chain(monkeypatch):
    """Let the scheduler see a second chain that accepts little."""
    original = switching.acceptance_through_burn_in

    def seen(lane):
        acceptance = original(lane)
        acceptance[1:2] = 0.2
        return acceptance

    monkeypatch.setattr(switching, "acceptance_through_burn_in", seen)


def test_a_chain_that_accepts_little_goes_on_with_nuts(frame, bad_second_chain):
    run = impute(frame, 3, BY_HMC)
    events = run.events.query("code == 'kernel_changed'")
    assert set(events["chain"]) == {1}
    assert set(events["sweep"]) == {PATIENCE}
    assert "accepted 0.20 of its hmc transitions" in events["message"].iloc[0]
    assert "goes on with nuts" in events["message"].iloc[0]
    steps = run.tree["conditionals/c/sample_stats"]["n_steps"].to_numpy()
    assert (steps[[0, 2]] == 3).all(), "the other chains keep their kernel"
    assert (np.log2(steps[1, PATIENCE:] + 1) % 1 == 0).all(), "NUTS takes 2**k - 1 steps"
    for completed in run:
        assert completed.notna().all().all()


def test_the_other_chains_do_not_notice(frame, bad_second_chain):
    """Imputation 0 is the same, bit by bit, whether or not the second chain changed its kernel."""
    alone, beside = impute(frame, 1, BY_HMC), impute(frame, 2, BY_HMC)
    assert "kernel_changed" not in set(alone.events["code"])
    assert "kernel_changed" in set(beside.events["code"])
    pd.testing.assert_frame_equal(alone.completed(0), beside.completed(0), check_exact=True)


def test_a_kernel_that_the_user_chose_is_kept(frame, bad_second_chain):
    models = {name: Regression(kernel="hmc") for name in frame}
    assert "kernel_changed" not in set(impute(frame, 2, models).events["code"])


def test_a_posterior_that_hmc_cannot_move_in_is_left_to_nuts(frame, monkeypatch):
    """Every transition of a crippled HMC is rejected; NUTS must take over and move."""

    def stuck(key, state, logdensity):
        density = logdensity(state.position)
        nothing = jnp.zeros(())
        return state, Info(nothing, jnp.asarray(False), -density, density, jnp.asarray(3), nothing)

    monkeypatch.setattr(choice, "HMC", crippled := replace(HMC, steps=one_by_one(stuck)))
    monkeypatch.setattr(targets, "HMC", crippled)
    # Priors of their own, so that no other test shares these programs.
    models = {"c": Regression("a", priors={"sigma": 0.7})}
    run = impute(frame[["a", "c"]], 1, models)
    assert len(run.events.query("code == 'kernel_changed'")) == 1
    slope = run.tree["conditionals/c/posterior"]["coefficients"].to_numpy().ravel()
    assert len(np.unique(slope[PATIENCE:])) == SWEEPS - PATIENCE

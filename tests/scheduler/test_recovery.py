"""A chain that breaks down is repeated, given up if that does not help, and disturbs no other."""

import numpy as np
import pandas as pd
import pytest
from small_frames import logarithm_of_a_draw, numbers_and_sex

import bayesmice as bm
from bayesmice.kernels.programs import ModelProgram

pytestmark = pytest.mark.long

SWEEPS = 5


@pytest.fixture(scope="module")
def frame():
    return numbers_and_sex().drop(columns="sex")


def impute(frame, m=3, **settings):
    mice = bm.MICE(frame, **settings)
    return mice, mice.mice(m=m, sweeps=SWEEPS, random_seed=3, progressbar=False)


def break_chain(monkeypatch, chain, visits):
    """Let what one chain draws be NaN in some visits of all targets, counted from 0."""
    honest, count = ModelProgram.visit, [0]

    def visit(self, moment, chains, *rest):
        state, recorded, design = honest(self, moment, chains, *rest)
        is_due = count[0] in visits
        count[0] += 1
        sick = np.flatnonzero(np.asarray(chains) == chain)
        if is_due and len(sick):
            cells = tuple(values.at[sick].set(np.nan) for values in recorded.cells)
            recorded = recorded._replace(cells=cells)
            design = design._replace(rows=design.rows.at[sick].set(np.nan))
        return state, recorded, design

    monkeypatch.setattr(ModelProgram, "visit", visit)


def test_a_chain_recovers_and_the_others_do_not_notice(frame, monkeypatch):
    _, honest = impute(frame)
    break_chain(monkeypatch, 1, {2 * 3})  # the first visit of sweep 3
    _, run = impute(frame)
    told = run.events.query("code == 'chain_recovered'")
    assert told[["chain", "sweep", "variable", "severity"]].to_numpy().tolist() == [
        [1, 3, "y", "warning"]
    ]
    assert "repeated once, and the chain goes on" in told["message"].iloc[0]
    assert run.m == 3
    for i in (0, 2):
        pd.testing.assert_frame_equal(run.completed(i), honest.completed(i), check_exact=True)
    assert run.completed(1).notna().all().all()
    assert not run.completed(1).equals(honest.completed(1))
    before = honest.tree["conditionals/y/posterior"]["sigma"].sel(chain=1).to_numpy()
    after = run.tree["conditionals/y/posterior"]["sigma"].sel(chain=1).to_numpy()
    np.testing.assert_array_equal(after[:3], before[:3])
    assert np.isfinite(after).all()


def test_a_chain_that_does_not_recover_is_left_out_and_the_others_finish(frame, monkeypatch):
    _, honest = impute(frame)
    break_chain(monkeypatch, 1, range(4, 1000))
    with pytest.warns(UserWarning, match=r"Of 3 chains 1 were given up \(1\)"):
        _, run = impute(frame)
    assert run.m == 2
    assert run.tree["imputations"]["imputation_chain"].to_numpy().tolist() == [0, 2]
    assert run.tree["sweep_stats"]["chain"].to_numpy().tolist() == [0, 2]
    pd.testing.assert_frame_equal(run.completed(0), honest.completed(0), check_exact=True)
    pd.testing.assert_frame_equal(run.completed(1), honest.completed(2), check_exact=True)
    failed = run.events.query("code == 'chain_failed'")
    assert failed[["chain", "sweep", "severity"]].to_numpy().tolist() == [[1, 2, "error"]]
    monkeypatch.undo()
    longer = run.extend(2, progressbar=False)
    mice = bm.MICE(frame)
    straight = mice.mice(m=3, sweeps=SWEEPS + 2, random_seed=3, progressbar=False)
    pd.testing.assert_frame_equal(longer.completed(1), straight.completed(2), check_exact=True)


def test_without_any_chain_left_the_run_is_an_error_that_keeps_what_was_finished(
    frame, monkeypatch
):
    break_chain(monkeypatch, 0, range(4, 1000))
    mice = bm.MICE(frame)
    with pytest.raises(bm.SamplingError, match="No chain could go on after sweep 2") as caught:
        mice.mice(m=1, sweeps=SWEEPS, random_seed=3, progressbar=False)
    assert "Look at the model with mice.model('y').debug()" in str(caught.value)
    assert mice.imputations.tree.attrs["sweeps"] == 2
    assert mice.imputations.completed(0).notna().all().all()


def test_chains_whose_density_ends_in_another_sweep_recover_by_other_draws():
    """Repeating the sweep draws other values."""
    frame, settings = logarithm_of_a_draw()
    mice = bm.MICE(frame, **settings)
    run = mice.mice(m=3, sweeps=10, random_seed=5, progressbar=False)
    recovered = run.events.query("code == 'chain_recovered'")
    assert len(recovered) > 0, "of 270 draws around 1 with a deviation of 0.4 some are negative"
    assert run.m == 3
    assert all(completed.notna().all().all() for completed in run)
    assert np.isfinite(run.tree["conditionals/effect/sample_stats"]["lp"]).all()
    # Repeated sweeps are repeated in a replay too; the transform of sd is its logarithm.
    run.add_log_likelihood("effect", progressbar=False).add_log_prior("effect")
    conditional = run.tree["conditionals/effect"]
    priors = conditional["log_prior"].to_dataset()
    made = conditional["log_likelihood"]["effect"].sum("row") + priors["slope"] + priors["sd"]
    made = made + np.log(conditional["posterior"]["sd"])
    np.testing.assert_allclose(conditional["sample_stats"]["lp"], made, rtol=1e-10)

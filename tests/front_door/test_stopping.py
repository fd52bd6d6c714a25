"""What ends a run: a stopping rule, a callback, an interrupt, an error."""

import re
import signal

import numpy as np
import pandas as pd
import pytest
from arviz_stats.base import array_stats

import bayesmice as bm
from bayesmice.diagnostics import StoppingRule, until, worst_r_hat
from bayesmice.store import RunRecorder


@pytest.fixture(autouse=True)
def interruptible():
    """Let Ctrl-C interrupt, also where tests run in the background, in which shells ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def run(mice, m=3, sweeps=None, **settings):
    return mice.mice(m=m, sweeps=sweeps, random_seed=3, progressbar=False, **settings)


def stopped(imputations):
    return imputations.events.query("code == 'stopped'")


# rules


def test_the_worst_r_hat_is_that_of_arviz_and_is_named():
    rng = np.random.default_rng(2)
    calm, apart = rng.normal(size=(2, 4, 30, 2))
    apart[0, :, 1] += 5
    worst = worst_r_hat({"calm": calm, "apart": apart})
    assert (worst.column, worst.quantity) == ("apart", "sd")
    assert worst.value == float(array_stats.rhat(apart[:, :, 1]))
    assert str(worst).startswith(f"{worst.value:.3f} (apart, sd of imputed cells)")


def test_a_single_chain_is_split_and_what_is_not_defined_is_passed_over():
    rng = np.random.default_rng(2)
    drift = np.linspace(0, 5, 40)[None, :, None] + rng.normal(size=(1, 40, 2))
    assert worst_r_hat({"x": drift}).value > 1.5
    lone_cell = np.stack([rng.normal(size=(3, 20)), np.full((3, 20), np.nan)], axis=-1)
    assert worst_r_hat({"x": lone_cell}).quantity == "mean"
    assert worst_r_hat({"x": np.full((3, 20, 2), np.nan)}) is None


def test_a_rule_says_why_it_stops():
    now = [0.0]
    rule = StoppingRule(until(1.1, 5, 20, max_minutes=2), clock=lambda: now[0])
    rng = np.random.default_rng(0)
    mixed = worst_r_hat({"x": rng.normal(size=(4, 200, 2))})
    apart = worst_r_hat({"x": rng.normal(size=(4, 20, 2)) + 9 * np.arange(4)[:, None, None]})
    assert rule.reason(4, mixed) is None
    assert "below 1.1" in rule.reason(5, mixed)
    assert rule.reason(19, apart) is None
    assert "as many as were allowed" in rule.reason(20, apart)
    assert rule.reason(6, None) is None
    now[0] = 121.0
    assert "since 2 minutes have passed" in rule.reason(7, apart)


def test_a_run_stops_when_its_chains_have_mixed(numbers):
    mice = bm.MICE(numbers)
    imputations = run(mice, m=4, sweeps=bm.until(rhat=1.3, min_sweeps=8, max_sweeps=80))
    n_sweeps = imputations.tree.attrs["sweeps"]
    (message,) = stopped(imputations)["message"]
    assert message.startswith(f"Stopped after {n_sweeps} sweeps: the largest R-hat is 1.")
    assert "below 1.3" in message
    table = imputations.convergence().table
    cells = table[table["quantity"].str.endswith("imputed cells")]
    assert cells["r_hat"].max() < 1.3
    straight = run(mice, m=4, sweeps=n_sweeps)
    for one, other in zip(imputations, straight, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_a_run_that_does_not_mix_stops_at_its_limit_with_a_warning(numbers):
    """Two columns that determine each other where both are missing hardly move."""
    slow = numbers.assign(twin=numbers["y"] + 1e-3 * numbers["x"] ** 2)
    rule = bm.until(rhat=1.01, min_sweeps=4, max_sweeps=6)
    imputations = run(bm.MICE(slow), m=6, sweeps=rule)
    assert imputations.tree.attrs["sweeps"] == 6
    assert stopped(imputations)["severity"].tolist() == ["warning"]
    assert "as many as were allowed" in stopped(imputations)["message"].iloc[0]


def test_chains_with_several_imputations_go_on_after_they_have_mixed(numbers):
    rule = bm.until(rhat=50, min_sweeps=5)
    imputations = run(bm.MICE(numbers), m=4, chains=2, thin=3, sweeps=rule)
    assert imputations.tree.attrs["sweeps"] == 5 + 2 * 3
    assert imputations.tree["imputations"]["imputation_sweep"].to_numpy().tolist() == [7, 7, 10, 10]


def test_a_stopped_run_can_be_extended(numbers):
    mice = bm.MICE(numbers)
    imputations = run(mice, sweeps=bm.until(rhat=50, min_sweeps=5)).extend(3, progressbar=False)
    for one, other in zip(imputations, run(mice, sweeps=8), strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


BAD = {
    "a bound of one": ({"rhat": 1}, "rhat is 1; expected a number above 1"),
    "a word": ({"rhat": "1.05"}, "rhat is '1.05'"),
    "too few sweeps": ({"min_sweeps": 3}, "min_sweeps is 3; expected a whole number of at least 4"),
    "a wrong order": ({"min_sweeps": 30, "max_sweeps": 20}, "expected the smaller number first"),
    "no time": ({"max_minutes": 0}, "max_minutes is 0; expected a positive number"),
}


@pytest.mark.parametrize(("settings", "text"), BAD.values(), ids=BAD)
def test_a_rule_out_of_range_is_refused(settings, text):
    with pytest.raises(bm.SpecificationError, match=re.escape(text)):
        bm.until(**settings)


# von Hippel


def test_m_is_chosen_by_von_hippels_rule(numbers):
    frame = numbers.copy()
    frame.loc[10:20, "y"] = None
    mice = bm.MICE(frame)
    chosen = run(mice, m="auto", sweeps=3)
    (message,) = chosen.events.query("code == 'm_chosen'")["message"]
    assert message.startswith(f"m={chosen.m}: by von Hippel's rule")
    pilot = run(mice, m=20, sweeps=3)

    def means(data):
        columns = data[["y", "z"]]
        return columns.mean(), columns.var() / len(data)

    wanted = int(pilot.analyze(means, progressbar=False).pool().recommended_m().max())
    assert wanted > 20
    assert chosen.m == wanted
    for one, other in zip(pilot, list(chosen)[:20], strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_an_analysis_of_ones_own_decides_over_m(numbers):
    def certain(data):
        return pd.Series({"mean of x": data["x"].mean()}), np.array([data["x"].var() / len(data)])

    chosen = run(bm.MICE(numbers), m="auto", sweeps=2, analysis=certain)
    assert chosen.m == 20, "x is complete, so that no imputation is needed for its mean"
    assert "the analysis ask for 2" in chosen.events.query("code == 'm_chosen'")["message"].iloc[0]


# callbacks


def test_a_callback_sees_each_sweep_and_can_stop(numbers):
    infos = []

    def look(info):
        infos.append(info)
        if info.sweep == 3:
            info.stop("that is enough")

    imputations = run(bm.MICE(numbers), sweeps=10, callback=look)
    assert [info.sweep for info in infos] == [0, 1, 2, 3]
    assert imputations.tree.attrs["sweeps"] == 4
    assert stopped(imputations)["message"].tolist() == ["Stopped after 4 sweeps: that is enough."]
    last = infos[-1]
    assert (last.sweeps, last.chains) == (10, (0, 1, 2))
    assert last.seconds > 0
    np.testing.assert_array_equal(last.cells["y"], imputations.tree["imputations"]["y"])
    posterior = imputations.tree["conditionals/y/posterior"].isel(draw=-1)
    np.testing.assert_array_equal(last.parameters["y"]["sigma"], posterior["sigma"])
    assert last.statistics["y"]["acceptance_rate"].shape == (3,)
    straight = run(bm.MICE(numbers), sweeps=4)
    pd.testing.assert_frame_equal(straight.completed(2), imputations.completed(2), check_exact=True)


def test_a_callback_that_raises_leaves_the_finished_sweeps(numbers):
    def fail(info):
        if info.sweep == 2:
            raise LookupError("the callback's own error")

    mice = bm.MICE(numbers)
    with pytest.raises(LookupError, match="the callback's own error") as caught:
        run(mice, sweeps=10, callback=fail)
    assert "3 finished sweeps are kept in mice.imputations" in caught.value.__notes__[0]
    kept = mice.imputations
    assert kept.tree.attrs["sweeps"] == 3
    straight = run(bm.MICE(numbers), sweeps=10)
    assert_frames = zip(kept.extend(7, progressbar=False), straight, strict=True)
    for one, other in assert_frames:
        pd.testing.assert_frame_equal(one, other, check_exact=True)


# interrupts


def interrupt_in(monkeypatch, visit):
    """Press Ctrl-C while the n-th visit is under way."""
    from bayesmice.scheduler import sweeps

    honest, count = sweeps._visit_lane, [0]

    def visiting(*arguments):
        count[0] += 1
        if count[0] == visit:
            signal.raise_signal(signal.SIGINT)
        return honest(*arguments)

    monkeypatch.setattr(sweeps, "_visit_lane", visiting)


@pytest.mark.parametrize("visit", [7, 8])
def test_ctrl_c_keeps_all_whole_sweeps(numbers, monkeypatch, visit):
    """Two targets a sweep: the interrupt comes at the first or second visit of the fourth."""
    mice = bm.MICE(numbers)
    interrupt_in(monkeypatch, visit)
    with pytest.warns(UserWarning, match="interrupted after 3 of 10 sweeps, which were kept"):
        imputations = run(mice, sweeps=10)
    assert imputations.tree.attrs["sweeps"] == 3
    assert imputations is mice.imputations
    assert len(imputations.events.query("code == 'interrupted'")) == 1
    straight = run(bm.MICE(numbers), sweeps=10)
    for one, other in zip(imputations.extend(7, progressbar=False), straight, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_ctrl_c_before_the_first_sweep_has_ended_is_what_it_is(numbers, monkeypatch):
    mice = bm.MICE(numbers)
    interrupt_in(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        run(mice, sweeps=10)
    with pytest.raises(bm.NotRunError):
        _ = mice.imputations


def test_a_thinned_run_that_is_interrupted_in_its_burn_in_has_the_last_sweeps(numbers, monkeypatch):
    interrupt_in(monkeypatch, 7)
    with pytest.warns(UserWarning, match="interrupted after 3"):
        imputations = run(bm.MICE(numbers), m=6, chains=2, burn_in=10)
    assert imputations.m == 2
    assert imputations.tree["imputations"]["imputation_sweep"].to_numpy().tolist() == [2, 2]


def test_a_thinned_run_that_was_interrupted_can_be_extended(numbers, monkeypatch):
    interrupt_in(monkeypatch, 7)
    settings = {"m": 4, "chains": 2, "thin": 2}
    with pytest.warns(UserWarning, match="interrupted after 3 of 14"):
        imputations = run(bm.MICE(numbers), burn_in=10, **settings)
    with pytest.raises(bm.SpecificationError, match="Extend it by at least 4 sweeps"):
        imputations.extend(3, progressbar=False)
    imputations.extend(7, progressbar=False)
    assert imputations.tree.attrs["sweeps"] == 10
    straight = run(bm.MICE(numbers), burn_in=6, **settings)
    for one, other in zip(imputations, straight, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_ctrl_c_while_a_sweep_is_recorded_comes_after_it(numbers, monkeypatch):
    """The state of the chains and what was recorded of them never part."""
    honest, count = RunRecorder.record, [0]

    def recording(self, left):
        count[0] += 1
        if count[0] == 3:
            signal.raise_signal(signal.SIGINT)
        honest(self, left)

    monkeypatch.setattr(RunRecorder, "record", recording)
    mice = bm.MICE(numbers)
    with pytest.warns(UserWarning, match="interrupted after 3 of 10 sweeps"):
        imputations = run(mice, sweeps=10)
    straight = run(bm.MICE(numbers), sweeps=10)
    for one, other in zip(imputations.extend(7, progressbar=False), straight, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_ctrl_c_ends_an_extension_with_a_warning_and_leaves_added_chains_out(numbers, monkeypatch):
    mice = bm.MICE(numbers)
    imputations = run(mice, sweeps=4)
    with monkeypatch.context() as patch:
        interrupt_in(patch, 2 * 2 + 1)
        with pytest.warns(UserWarning, match="interrupted after 6 of 9 sweeps"):
            imputations.extend(5, progressbar=False)
    with monkeypatch.context() as patch:
        interrupt_in(patch, 2 * 2 + 1)
        with pytest.raises(KeyboardInterrupt):
            imputations.more(2, progressbar=False)
    imputations.extend(3, progressbar=False).more(2, progressbar=False)
    for one, other in zip(imputations, run(mice, m=5, sweeps=9), strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)

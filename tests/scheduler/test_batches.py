"""However chains are parted into batches, each is the same, bit for bit."""

import threading

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from same_runs import assert_same_run
from small_frames import numbers_and_sex

import bayesmice as bm
from bayesmice.kernels import Target
from bayesmice.kernels.programs import ModelProgram
from bayesmice.running import means
from bayesmice.scheduler import Batch, Standing, join, part, switching

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def frame():
    return numbers_and_sex()


@pytest.fixture
def threads(monkeypatch):
    """Let runs of any size be parted among so many threads."""

    def part_among(number):
        monkeypatch.setattr(means, "threads_for", lambda *arguments: number)

    return part_among


def run(frame, *, m=5, sweeps=4, settings=None, **how):
    mice = bm.MICE(frame, **(settings or {}))
    return mice.mice(m=m, sweeps=sweeps, random_seed=3, progressbar=False, **how)


@pytest.mark.parametrize("settings", [{}, {"by": "sex"}, {"passive": {"r": "y / z"}}], ids=str)
@pytest.mark.parametrize("chunk", [None, 4])
def test_batches_of_threads_and_chunks_give_the_same_tree(frame, threads, chunk, settings):
    threads(1)
    whole = run(frame, settings=settings)
    threads(2)  # three chains and two, to which one is added; or three batches of two
    parted = run(frame, settings=settings, chunk=chunk)
    assert_same_run(parted, whole)
    threads(1)
    assert_same_run(parted.extend(2, progressbar=False), run(frame, settings=settings, sweeps=6))


@pytest.mark.parametrize(
    ("n_chains", "size", "sizes", "n_repeated"),
    [
        (5, 4, [3, 3], 1),
        (6, 4, [3, 3], 0),
        (7, 3, [3, 3, 3], 2),
        (4, 9, [4], 0),
        (3, 1, [1] * 3, 0),
    ],
)
def test_batches_have_one_size_and_repeat_the_last_chain(n_chains, size, sizes, n_repeated):
    ids = np.arange(10, 10 + n_chains)
    standing = Standing(ids, {"y": ids[:, None] * 1.0}, {})
    batches = part([Batch((standing,))], size)
    assert [batch.size for batch in batches] == sizes
    assert [batch.n_repeated for batch in batches] == [0] * (len(sizes) - 1) + [n_repeated]
    assert [chain for batch in batches for chain in batch.ids] == ids.tolist()
    last = batches[-1].standings[0]
    assert (last.ids[len(batches[-1].ids) :] == ids[-1]).all()
    np.testing.assert_array_equal(last.cells["y"][:, 0], last.ids)
    np.testing.assert_array_equal(join(batches).standings[0].ids, ids)


def test_batches_are_joined_where_chains_are_added(frame, threads):
    threads(2)
    grown = run(frame, m=3).more(2, progressbar=False)
    threads(1)
    whole = run(frame, m=5)
    assert_same_data(grown, whole)
    assert_same_data(grown.extend(1, progressbar=False), whole.extend(1, progressbar=False))


def assert_same_data(one, other):
    for left, right in zip(one, other, strict=True):
        pd.testing.assert_frame_equal(left, right, check_exact=True)


def test_callbacks_and_stopping_rules_see_all_chains(frame, threads):
    def watched(number, **how):
        threads(number)
        seen = []

        def callback(info):
            seen.append((info.chains, info.cells["y"].copy(), info.parameters["y"]["sigma"].copy()))

        return seen, run(frame, sweeps=bm.until(rhat=50, min_sweeps=4), callback=callback, **how)

    (one, whole), (two, parted) = watched(1), watched(2, chunk=2)
    assert len(one) == len(two) > 3
    for left, right in zip(one, two, strict=True):
        assert left[0] == right[0] == (0, 1, 2, 3, 4)
        np.testing.assert_array_equal(left[1], right[1])
        np.testing.assert_array_equal(left[2], right[2])
    assert_same_run(parted, whole)


def test_chains_change_kernels_in_any_batch(frame, threads, monkeypatch):
    """With a threshold that some chains miss and others do not, lanes are parted in both runs."""
    settings = {"models": {"y": bm.Regression(priors={"x": pm.Normal.dist(0, 1)})}}
    rates = run(frame, sweeps=5, settings=settings).tree["conditionals/y/sample_stats"]
    threshold = float(rates["acceptance_rate"].mean("draw").median())
    monkeypatch.setattr(switching, "LOW_ACCEPTANCE", threshold + 1e-9)
    threads(1)
    whole = run(frame, sweeps=7, settings=settings)
    changed = whole.events.query("code == 'kernel_changed' and variable == 'y'")
    assert 0 < len(changed) < 5
    threads(2)
    assert_same_run(run(frame, sweeps=7, settings=settings), whole)


def break_chains(monkeypatch, broken):
    """Let what some chains draw be NaN in some sweeps: broken(chain, sweep)."""
    honest = ModelProgram.visit

    def visit(self, moment, chains, *rest):
        state, recorded, design = honest(self, moment, chains, *rest)
        ids, sweep = np.asarray(chains).tolist(), int(moment.sweep)
        sick = np.array([p for p, c in enumerate(ids) if broken(c, sweep)], dtype=int)
        if len(sick):
            cells = tuple(values.at[sick].set(np.nan) for values in recorded.cells)
            recorded = recorded._replace(cells=cells)
        return state, recorded, design

    monkeypatch.setattr(ModelProgram, "visit", visit)


@pytest.mark.parametrize("chunk", [None, 2])
def test_chains_recover_or_are_given_up_in_any_batch(frame, threads, monkeypatch, chunk):
    def broken(chain, sweep):
        once = (chain, sweep) in {(1, 2), (4, 1)}  # 4 is the chain that is repeated
        return once or (chain in {0, 3, 4} and sweep % (1 << 24) == 3)

    break_chains(monkeypatch, broken)
    threads(1)
    with pytest.warns(UserWarning, match=r"Of 5 chains 3 were given up \(0, 3, 4\)"):
        whole = run(frame, sweeps=6)
    threads(2)
    with pytest.warns(UserWarning, match=r"Of 5 chains 3 were given up \(0, 3, 4\)"):
        parted = run(frame, sweeps=6, chunk=chunk)
    assert_same_run(parted, whole)


def test_an_error_in_another_thread_is_raised_and_whole_sweeps_are_kept(
    frame, threads, monkeypatch
):
    def broken(chain, sweep):
        if chain == 4 and sweep == 2:
            raise RuntimeError("the last batch")
        return False

    whole = run(frame, sweeps=2)
    break_chains(monkeypatch, broken)
    threads(2)
    mice = bm.MICE(frame)
    with pytest.raises(RuntimeError, match="the last batch"):
        mice.mice(m=5, sweeps=4, random_seed=3, progressbar=False)
    monkeypatch.undo()
    assert mice.imputations.tree.attrs["sweeps"] == 2
    longer = mice.imputations.extend(1, progressbar=False)
    assert_same_run(longer, whole.extend(1, progressbar=False))


def test_an_interrupt_ends_all_threads_and_keeps_whole_sweeps(frame, threads, monkeypatch):
    threads(2)
    n_threads = threading.active_count()

    def broken(chain, sweep):
        if chain == 0 and sweep == 3:
            raise KeyboardInterrupt  # in the thread that called
        return False

    break_chains(monkeypatch, broken)
    with pytest.warns(UserWarning, match="interrupted after 3 of 6 sweeps"):
        stopped = run(frame, sweeps=6)
    monkeypatch.undo()
    assert threading.active_count() == n_threads
    longer = stopped.extend(3, progressbar=False)
    assert_same_data(longer, run(frame, sweeps=6))


def test_threads_compile_a_program_once(threads):
    threads(2)
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(31, 13)), columns=[f"x{i}" for i in range(13)])
    frame = frame.mask(rng.random(frame.shape) < 0.1)
    mice = bm.MICE(frame)
    program = next(iter(targets(mice))).program
    assert program.move._cache_size() == 0, "another test uses thirteen gaussian columns"
    mice.mice(m=5, sweeps=2, random_seed=1, progressbar=False)
    assert program.move._cache_size() == 1


def targets(mice: bm.MICE) -> list[Target]:
    specification = mice._problem.groups[0].specification
    return [specification.target(name) for name in specification.missing]

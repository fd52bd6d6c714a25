"""Programs are compiled ahead of their first visits, side by side, and nothing else changes."""

from concurrent.futures import Future
from threading import current_thread, main_thread

import jax
import numpy as np
import pandas as pd
import pytest

import bayesmice as bm
from bayesmice.kernels import shared
from bayesmice.kernels.targets import _shared_program
from bayesmice.scheduler import ahead, batches


@pytest.fixture
def data(export_folder):
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.normal(size=(43, 3)), columns=["x", "y", "z"])
    frame["smokes"] = rng.random(43) < 0.5
    frame = frame.astype({"smokes": "boolean"}).mask(rng.random((43, 4)) < 0.2)
    _shared_program.cache_clear()  # so that nothing was compiled before
    return frame


def impute(data, **arguments):
    return bm.MICE(data).mice(m=3, sweeps=2, random_seed=1, progressbar=False, **arguments)


@pytest.fixture
def compiled(monkeypatch):
    """Who compiled or loaded a program, one thread for each."""
    threads = []
    compile_it = jax.stages.Lowered.compile

    def noting(self, *arguments, **keywords):
        threads.append(current_thread())
        return compile_it(self, *arguments, **keywords)

    monkeypatch.setattr(jax.stages.Lowered, "compile", noting)
    return threads


def test_each_program_is_compiled_once_and_not_by_the_main_thread(data, compiled):
    impute(data)
    assert len(compiled) == 2, "one for numbers, one for the binary column"
    assert main_thread() not in compiled
    impute(data)
    assert len(compiled) == 2, "a further run finds them"


@pytest.fixture
def all_threads_tell():
    """Let JAX log what it compiles; its context manager would let the main thread do so only."""
    jax.config.update("jax_log_compiles", True)
    yield
    jax.config.update("jax_log_compiles", False)


@pytest.mark.usefixtures("all_threads_tell")
def test_a_visit_does_not_compile_again_what_was_compiled_ahead(data, caplog):
    impute(data)
    for step in ("Compiling jit(call)", "Finished XLA compilation of jit(call)"):
        assert sum(text.startswith(step) for text in caplog.messages) == 2


def test_without_it_the_bits_are_the_same(data, monkeypatch):
    with_it = impute(data).long()
    _shared_program.cache_clear()
    monkeypatch.setattr(batches, "compile_ahead", lambda *arguments: None)
    pd.testing.assert_frame_equal(with_it, impute(data).long(), check_exact=True)


def test_each_visit_waits_for_its_own_program_once(data, monkeypatch):
    waited, wait = [], shared.wait

    def noting(futures):
        waited.append(len(futures))
        return wait(futures)

    monkeypatch.setattr(shared, "wait", noting)
    impute(data)
    assert waited == [1, 1]


def test_what_fails_ahead_is_left_to_the_visit(data, monkeypatch):
    asked = []

    class Failing:
        def __init__(self, *arguments):
            pass

        def submit(self, function):
            asked.append(function)
            future = Future()
            future.set_exception(MemoryError("as if there were no room"))
            return future

        def shutdown(self, wait):
            assert not wait

    expected = impute(data).long()
    _shared_program.cache_clear()
    monkeypatch.setattr(ahead, "ThreadPoolExecutor", Failing)
    pd.testing.assert_frame_equal(expected, impute(data).long(), check_exact=True)
    assert len(asked) == 2


def test_batches_share_what_was_compiled(data, compiled):
    impute(data, chunk=2)
    assert len(compiled) == 2, "both batches have two chains, one of them a repetition"
    assert main_thread() not in compiled

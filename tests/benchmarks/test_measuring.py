"""Stopwatch and memory of child processes."""

import sys
import time

import numpy as np
import pytest
from speed.measuring import (
    Figure,
    ProcessFailedError,
    child_environment,
    empty_caches,
    last_words,
    measure,
)

MB = 10**6


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code]


def test_a_child_that_allocates_300_mb_is_seen_to():
    held = measure(python("x = bytearray(300_000_000); x[::4096] = b'1' * 73243"), {})
    assert 300 * MB <= held.peak_bytes < 400 * MB


def test_a_child_is_not_billed_for_the_memory_of_its_parent():
    """Linux would hand the peak of this process on to one that it starts itself."""
    fat = np.ones(40 * MB)
    assert measure(python("pass"), {}).peak_bytes < 100 * MB < fat.nbytes


def test_memory_of_a_grandchild_counts():
    code = "x = bytearray(200_000_000); x[::4096] = b'1' * 48829"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {code!r}])"
    assert measure(python(outer), {}).peak_bytes >= 200 * MB


def test_what_a_child_prints_comes_back_and_its_time_is_its_own():
    before = time.perf_counter()
    done = measure(python("import time; time.sleep(0.3); print('said')"), {})
    assert done.printed == "said\n"
    assert 0.3 <= done.seconds <= time.perf_counter() - before
    assert done.cpu_seconds < done.seconds


def test_a_failing_child_is_an_error_with_its_last_words():
    with pytest.raises(ProcessFailedError, match=r"ended with 1: KeyError: 'lost'$"):
        measure(python("{}['lost']"), {})


def test_a_program_that_is_not_there_is_an_error():
    with pytest.raises(ProcessFailedError, match="nowhere could not be started: FileNotFound"):
        measure(["nowhere"], {"PATH": "/usr/bin:/bin"})


def test_last_words_of_r_are_not_that_it_halts():
    output = "Error in library(mice) : there is no package called 'mice'\nExecution halted\n"
    assert last_words(output) == "Error in library(mice) : there is no package called 'mice'"
    assert last_words("\n") == "it said nothing"


def test_children_keep_bytecode_files(monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    environment = child_environment(A="b")
    assert "PYTHONDONTWRITEBYTECODE" not in environment
    assert environment["A"] == "b"


def test_empty_caches_are_gone_afterwards():
    code = "import os; f = os.environ['JAX_COMPILATION_CACHE_DIR']; os.makedirs(f); print(f)"
    with empty_caches() as environment:
        folder = measure([sys.executable, "-S", "-c", code], environment).printed.strip()
    again = f"import os; print(os.path.exists({folder!r}))"
    assert measure(python(again), {}).printed == "False\n"


def test_a_figure_is_the_median_of_its_runs():
    figure = Figure("W1", "bayesmice", "cold", (3.0, 1.0, 10.0))
    assert figure.median == 3.0
    assert figure.unit == "s"
    assert Figure("W1", "bayesmice", "peak_memory", (1.0,)).unit == "bytes"

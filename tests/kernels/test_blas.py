"""Linear algebra of compiled programs runs in one thread, and of nothing else."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import threadpoolctl

import bayesmice as bm
from bayesmice.kernels import one_blas_thread
from bayesmice.kernels.blas import _controller
from bayesmice.kernels.programs import ModelProgram


def threads() -> set[int]:
    pools = (info for info in _controller().info() if info["user_api"] == "blas")
    return {pool["num_threads"] for pool in pools}


def test_one_thread_as_long_as_anybody_wants_it() -> None:
    with threadpoolctl.threadpool_limits(3, user_api="blas"):
        before = threads()
        with one_blas_thread():
            with one_blas_thread():
                assert threads() == {1}
            assert threads() == {1}
        assert threads() == before


def test_an_error_gives_the_threads_back() -> None:
    with threadpoolctl.threadpool_limits(3, user_api="blas"):
        before = threads()
        try:
            with one_blas_thread():
                raise ValueError
        except ValueError:
            assert threads() == before


def test_a_run_has_one_thread_and_a_user_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    honest, within, between = ModelProgram.visit, [], []

    def visit(self: ModelProgram, *arguments: Any) -> Any:
        within.append(threads())
        return honest(self, *arguments)

    monkeypatch.setattr(ModelProgram, "visit", visit)
    data = pd.DataFrame({"x": [1.0, 2.5, np.nan, 4.0, 5.5], "y": [2.0, 3.5, 5.0, np.nan, 4.5]})
    with threadpoolctl.threadpool_limits(3, user_api="blas"):
        before = threads()
        bm.MICE(data).mice(
            m=2, sweeps=1, progressbar=False, callback=lambda info: between.append(threads())
        )
        assert threads() == before
    assert within == [{1}, {1}]
    assert between == [before]

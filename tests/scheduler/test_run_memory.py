"""Memory of a run, by the formula of docs/scale.md, and what chunk= bounds of it."""

import gc
import tracemalloc

import jax
import numpy as np
import pandas as pd
import pytest

import bayesmice as bm
from bayesmice.running import means
from bayesmice.scheduler.batches import MovingBatch

pytestmark = pytest.mark.long

P, SWEEPS = 8, 3


@pytest.fixture
def measured(monkeypatch):
    """Give peaks of XLA's and NumPy's arrays in bytes, and the number of missing cells."""
    seen = []
    honest = MovingBatch.sweep

    def looked_at(self, sweep, before_visit):
        seen.append(xla_bytes())
        swept = honest(self, sweep, before_visit)
        seen.append(xla_bytes())
        return swept

    monkeypatch.setattr(MovingBatch, "sweep", looked_at)

    def measure(n, m, chunk):
        rng = np.random.default_rng(1)
        values = rng.normal(size=(n, P))
        values[rng.random((n, P)) < 0.2] = np.nan
        mice = bm.MICE(pd.DataFrame(values, columns=[f"x{i}" for i in range(P)]))
        mice.mice(m=m, sweeps=1, random_seed=1, progressbar=False, chunk=chunk)  # compiles
        seen.clear()
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        try:
            mice.mice(m=m, sweeps=SWEEPS, random_seed=1, progressbar=False, chunk=chunk)
            numpy_bytes = tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()
        return max(seen), numpy_bytes, int(np.isnan(values).sum())

    return measure


def xla_bytes():
    return sum(array.nbytes for array in jax.live_arrays())


@pytest.mark.parametrize(("n", "m", "chunk"), [(4000, 12, None), (8000, 12, 3), (4000, 24, 3)])
def test_peak_memory_follows_its_formula(measured, n, m, chunk):
    xla, numpy, missing = measured(n, m, chunk)
    c = m if chunk is None else chunk
    formula = 8 * (2 * c * n * P + 2 * n * P + 9 * m * missing)
    assert 0.6 * formula < xla + numpy < formula


def test_chunk_bounds_how_many_designs_there_are(measured, monkeypatch):
    monkeypatch.setattr(means, "threads_for", lambda *arguments: 1)  # nothing else is under way
    whole, _, _ = measured(4000, 12, None)
    parted, _, _ = measured(4000, 12, 3)
    assert whole - parted == pytest.approx((12 - 3) * 4000 * P * 8, rel=0.05)

"""What a tree takes: data, imputed cells, and little else."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from bayesmice.data import encode
from bayesmice.scheduler import Left
from bayesmice.store import RunDescription, RunRecorder, StrandRecord, build_tree

N, P, M, MISSING = 1_000_000, 10, 5, 0.2
WORD = 8


@pytest.fixture(scope="module")
def run():
    """As if five chains had run two sweeps over a million rows; of each, the last is kept."""
    rng = np.random.default_rng(1)
    values = rng.random((N, P))
    values[rng.random((N, P)) < MISSING] = np.nan
    store = encode(pd.DataFrame(values, columns=[f"x{i}" for i in range(P)]))
    recorder = RunRecorder([], store.incomplete)
    for _ in range(2):
        cells = {name: rng.random((M, store.columns[name].n_missing)) for name in store.incomplete}
        recorder.record(Left({}, {}, cells))
        recorder.keep_only({recorder.n_sweeps - 1})
    strand = StrandRecord("", np.arange(N), store, recorder, {}, {}, [])
    description = RunDescription([(c, 1) for c in range(M)], range(M), 2, 1, store.incomplete, "{}")
    return store, strand, description


def n_bytes(tree):
    """Count every array once, wherever it is held."""
    return sum(
        variable.nbytes
        for node in tree.subtree
        for variable in node.to_dataset(inherit=False).variables.values()
    )


def test_a_tree_takes_little_more_than_data_and_imputed_cells(run):
    store, strand, description = run
    n_cells = sum(column.n_missing for column in store.columns.values())
    needed = WORD * (N * P + M * n_cells)
    tracemalloc.start()
    tree = build_tree(store, [strand], [], description)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert n_bytes(tree) <= 1.3 * needed
    assert n_bytes(tree) == pytest.approx(1.15 * needed, rel=0.01), "as docs/tree.md says"
    assert held <= 1.3 * needed
    assert peak <= 1.3 * needed, "nothing large is made on the way"
    cells = tree["imputations"]["x3"].to_numpy()
    np.testing.assert_array_equal(cells, strand.recorder.cells["x3"])


def test_a_chain_that_is_no_imputation_costs_its_cells(run):
    """One imputation of five chains: the other four are needed to go on."""
    store, strand, description = run
    fewer = RunDescription(description.picks[:1], description.chains, 2, 1, store.incomplete, "{}")
    tree = build_tree(store, [strand], [], fewer)
    n_cells = sum(column.n_missing for column in store.columns.values())
    assert tree["state/cells"].shape == (M - 1, n_cells)
    assert tree["state/stood_chain"].to_numpy().tolist() == [1, 2, 3, 4]

"""Which observed cells can be hidden."""

import numpy as np
import pandas as pd
import pytest

from bayesmice.data import encode
from bayesmice.data.hiding import hideable_rows, with_hidden_cells


def column_of(values, **kept):
    return encode(pd.DataFrame({"x": values, "other": range(len(values))})).columns["x"]


def chosen(values, share, seed=0):
    column = column_of(values)
    rows = np.arange(len(values))
    return column, hideable_rows(column, rows, share, np.random.default_rng(seed))


def test_the_share_is_one_of_observed_cells() -> None:
    values = np.where(np.arange(200) % 4 == 0, np.nan, np.arange(200.0))
    column, rows = chosen(values, 0.1)
    assert len(rows) == 15  # of 150
    assert column.observed[rows].all()
    assert rows.tolist() == sorted(set(rows.tolist()))


def test_at_least_one_cell_is_hidden() -> None:
    assert len(chosen([1.0, 2.0, 3.0, 5.0], 0.01)[1]) == 1


@pytest.mark.parametrize("seed", range(20))
def test_every_level_keeps_a_cell(seed) -> None:
    values = ["a"] * 6 + ["b"] * 2 + ["c"]
    _, rows = chosen(values, 0.5, seed)
    assert len(rows) == round(0.5 * 9)
    left = set(np.delete(np.array(values), rows))
    assert left == {"a", "b", "c"}


def test_levels_that_occur_once_are_never_hidden() -> None:
    assert chosen(list("abcdef"), 0.5)[1].tolist() == []


@pytest.mark.parametrize("seed", range(20))
def test_numbers_keep_two_different_values(seed) -> None:
    values = [1.0] * 5 + [2.0, 3.0]
    _, rows = chosen(values, 0.5, seed)
    assert len(np.unique(np.delete(values, rows))) >= 2
    assert len(rows) == 4


def test_each_cell_is_hidden_equally_often() -> None:
    # 2,000 choices of 2 in 10 cells: each is hidden 400 times, give or take 17.9.
    counts = np.zeros(10)
    for seed in range(2000):
        counts[chosen(np.arange(10.0), 0.2, seed)[1]] += 1
    assert np.abs(counts - 400).max() < 5 * np.sqrt(2000 * 0.2 * 0.8)


def test_rows_without_weight_keep_their_cells() -> None:
    column = column_of(np.arange(10.0)).with_weights(np.repeat([0.0, 1.0], 5))
    rows = hideable_rows(column, np.arange(10), 0.4, np.random.default_rng(1))
    assert len(rows) == 2
    assert (rows >= 5).all()


def test_hidden_cells_count_as_missing_and_are_the_only_ones_wanted() -> None:
    store = encode(pd.DataFrame({"x": [1.0, np.nan, 3.0, 4.0], "y": [np.nan, 1.0, 2.0, 3.0]}))
    hidden = with_hidden_cells(store, {"x": np.array([2])})
    assert hidden.columns["x"].missing_rows.tolist() == [1, 2]
    assert hidden.wanted == ("x",)
    assert hidden.columns["x"].wanted_rows.tolist() == [2]
    assert hidden.drawn == ("x", "y")
    assert store.columns["x"].missing_rows.tolist() == [1]

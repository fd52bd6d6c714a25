"""Patterns, pairs and flux of missing cells: what R says of the same data, by hand, bad input."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayesmice as bm

R = json.loads((Path(__file__).parent / "reference" / "missingness.json").read_text())
NAMES = list(R["results"])


def frame(name):
    if name not in R["data"]:
        return bm.load_dataset(name)
    given = R["data"][name]
    return pd.DataFrame(
        {key: column if isinstance(column, list) else [column] for key, column in given.items()}
    )


@pytest.mark.parametrize("name", [name for name in NAMES if name != "one row"])
def test_patterns_are_those_of_r(name) -> None:
    table, expected = bm.missing_pattern(frame(name)), R["results"][name]["pattern"]
    np.testing.assert_array_equal(table, expected["patterns"])
    assert table.index.names == ["pattern", "n_rows", "n_missing"]
    assert table.index.get_level_values("pattern").tolist() == list(range(len(table)))
    assert table.index.get_level_values("n_rows").tolist() == expected["rows"]
    assert table.index.get_level_values("n_missing").tolist() == expected["missing_in_patterns"]
    assert table.columns.get_level_values("column").tolist() == expected["columns"]
    assert table.columns.get_level_values("n_missing").tolist() == expected["missing_in_columns"]
    assert sum(n for _, n in table.columns) == expected["cells"]


@pytest.mark.parametrize("name", NAMES)
def test_pairs_are_those_of_r(name) -> None:
    data = frame(name)
    pairs = bm.missing_pairs(data)
    for letters, table in pairs._asdict().items():
        np.testing.assert_array_equal(table, R["results"][name]["pairs"][letters])
        assert table.index.tolist() == table.columns.tolist() == data.columns.tolist()
    assert (sum(pairs) == len(data)).all(axis=None)


@pytest.mark.parametrize("name", NAMES)
def test_flux_is_that_of_r(name) -> None:
    expected = {key: np.array(of, float) for key, of in R["results"][name]["flux"].items()}
    found = bm.flux(frame(name))
    assert list(found.columns) == list(expected)
    for key, numbers in expected.items():
        np.testing.assert_allclose(found[key], numbers, rtol=1e-12, atol=1e-14, err_msg=key)


def test_shares_of_nothing_are_among_what_was_compared() -> None:
    assert bm.flux(frame("whiteside"))["outflux"].isna().all()
    assert np.isnan(bm.flux(frame("mixed")).loc["never", "fico"])
    assert bm.flux(frame("mixed")).loc["never", "outflux"] == 0


def test_by_hand() -> None:
    """Two columns, four rows: both, first only, second only, neither."""
    data = pd.DataFrame({"a": [1.0, 1.0, None, None], "b": ["x", None, "x", None]})
    table = bm.missing_pattern(data)
    assert table.to_numpy().tolist() == [[1, 1], [1, 0], [0, 1], [0, 0]]
    pairs = bm.missing_pairs(data)
    assert all(table.loc["a", "b"] == 1 for table in pairs)
    assert [pairs.rr.loc["a", "a"], pairs.mm.loc["a", "a"], pairs.rm.loc["a", "a"]] == [2, 2, 0]
    expected = {"pobs": 0.5, "influx": 0.25, "outflux": 0.25, "ainb": 0.5, "aout": 0.5, "fico": 0.5}
    assert bm.flux(data).loc["a"].to_dict() == expected


def test_patterns_agree_with_a_count_by_hand_in_wide_data() -> None:
    """More columns than a byte has bits, and than any machine word."""
    rng = np.random.default_rng()
    values = np.where(rng.random((200, 70)) < 0.02, np.nan, 1.0)
    data = pd.DataFrame(values, columns=[f"x{j}" for j in range(70)])
    order = data.isna().sum().sort_values(kind="stable").index
    patterns, n_rows = np.unique(data[order].isna(), axis=0, return_counts=True)
    table = bm.missing_pattern(data)
    assert table.columns.get_level_values("column").tolist() == order.tolist()
    np.testing.assert_array_equal(table == 0, patterns)
    assert table.index.get_level_values("n_rows").tolist() == n_rows.tolist()


def test_one_row_is_sorted_too() -> None:
    """R sorts only the counts of a single row, so that its table contradicts itself."""
    table = bm.missing_pattern(frame("one row"))
    assert list(table.columns) == [("b", 0), ("a", 1), ("c", 1)]
    assert table.to_numpy().tolist() == [[1, 0, 0]]
    of_r = R["results"]["one row"]["pattern"]
    assert of_r["missing_in_columns"] == [0, 1, 1]
    assert of_r["patterns"] == [[0, 1, 0]]


def test_complete_data_have_one_pattern() -> None:
    table = bm.missing_pattern(bm.load_dataset("whiteside"))
    assert table.index.tolist() == [(0, 56, 0)]
    assert table.to_numpy().tolist() == [[1, 1, 1]]


def test_every_dtype_is_read_and_the_data_stay_as_they_are(every_dtype) -> None:
    before = every_dtype.copy(deep=True)
    table = bm.missing_pattern(every_dtype)
    pd.testing.assert_frame_equal(every_dtype, before)
    assert table.index.tolist() == [(0, 5, 0), (1, 1, 14)]
    missing = [name for name, n in table.columns if n]
    assert set(missing) == set(every_dtype) - {"int", "bool"}
    assert bm.flux(every_dtype).loc["float", "pobs"] == 5 / 6
    assert bm.missing_pairs(every_dtype).mm.loc["ordered", "str"] == 1


def test_one_column() -> None:
    data = pd.DataFrame({"a": [1.0, None, 2.0]})
    assert bm.missing_pattern(data).index.tolist() == [(0, 2, 0), (1, 1, 1)]
    flux = bm.flux(data).loc["a"]
    assert flux["pobs"] == 2 / 3
    assert np.isnan(flux["ainb"])


@pytest.mark.parametrize("describe", [bm.missing_pattern, bm.missing_pairs, bm.flux])
@pytest.mark.parametrize(
    ("data", "error", "text"),
    [
        (pd.Series([1.0, None]), bm.DataTypeError, "that narwhals reads), got Series. Conv"),
        ([1.0, None], bm.DataTypeError, "that narwhals reads), got list. Convert"),
        (pd.DataFrame(), bm.DataError, "data has 0 rows and 0 columns; expected at least one"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), bm.DataError, "duplicate column names: 'a'"),
    ],
    ids=["vector", "list", "empty", "names"],
)
def test_what_is_no_table_is_refused(describe, data, error, text) -> None:
    with pytest.raises(error, match=re.escape(text)):
        describe(data)
    if error is bm.DataTypeError:
        with pytest.raises(error, match=f"^{describe.__name__} expected"):
            describe(data)

"""Encoding to numbers and back: nothing but the missing cells may change."""

import numpy as np
import pandas as pd
import pytest

from bayesmice.data import Scale, encode
from bayesmice.data import unused_categories as list_unused

INDEXES = {
    "default": pd.RangeIndex(6),
    "reversed": pd.Index([5, 4, 3, 2, 1, 0]),
    "not unique": pd.Index([1, 1, 0, 0, 1, 0], name="id"),
    "strings": pd.Index(list("fedcba")),
    "dates": pd.date_range("2020-01-31", periods=6, freq="ME"),
    "multi": pd.MultiIndex.from_product([["a", "b"], [3, 1, 2]], names=["group", None]),
    "multi, not unique": pd.MultiIndex.from_arrays([["a"] * 6, [1] * 6]),
    "with NaN": pd.Index([np.nan, np.nan, 1.0, 2.0, 3.0, 4.0]),
}


def fill_with(store, number):
    """The same number or level code in every missing cell."""
    return {
        name: np.full(store.columns[name].n_missing, float(number)) for name in store.incomplete
    }


def test_levels_become_codes_in_the_order_of_the_levels(every_dtype):
    columns = encode(every_dtype).columns
    assert columns["str"].levels == ("a", "b", "c")
    np.testing.assert_array_equal(columns["str"].values, [1, np.nan, 0, 2, 2, 1])
    assert columns["ordered"].levels == ("low", "mid", "high")
    np.testing.assert_array_equal(columns["ordered"].values, [1, np.nan, 0, 2, 0, 1])
    assert columns["category of numbers"].levels == (1, 3, 20)
    np.testing.assert_array_equal(columns["two floats"].values, [0, np.nan, 1, 1, 0, 0])
    assert columns["boolean"].levels == (False, True)


def test_numbers_keep_their_values(every_dtype):
    columns = encode(every_dtype).columns
    for name in ("float", "Float64", "int", "Int64"):
        expected = [float("nan") if pd.isna(value) else float(value) for value in every_dtype[name]]
        np.testing.assert_array_equal(columns[name].values, expected)
        assert columns[name].levels == ()


def test_the_response_indicator_is_what_pandas_calls_observed(every_dtype):
    store = encode(every_dtype)
    for name, column in store.columns.items():
        np.testing.assert_array_equal(column.observed, every_dtype[name].notna())
        assert column.n_missing == every_dtype[name].isna().sum()
    assert store.incomplete == tuple(name for name in every_dtype if every_dtype[name].isna().any())


@pytest.mark.parametrize("code", [0, 1])
def test_completing_fills_missing_cells_and_leaves_everything_else(every_dtype, code):
    store = encode(every_dtype)
    completed = store.complete(fill_with(store, code))
    assert list(completed.columns) == list(every_dtype.columns)
    assert not completed.isna().any().any()
    for name in every_dtype:
        assert completed[name].dtype == every_dtype[name].dtype, name
        seen = every_dtype[name].notna()
        pd.testing.assert_series_equal(completed[name][seen], every_dtype[name][seen])
    missing_cell = completed.iloc[1]
    for name in store.incomplete:
        levels = store.columns[name].levels
        assert missing_cell[name] == (levels[code] if levels else code), name


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES.keys())
def test_the_index_is_returned_unchanged(every_dtype, index):
    every_dtype.index = index
    completed = encode(every_dtype).complete(fill_with(encode(every_dtype), 1))
    assert completed.index.identical(index)
    assert completed["Int64"].tolist() == [3, 1, 4, 1, 5, 9]
    assert completed["string"].tolist() == ["b", "b", "a", "c", "c", "b"]


@pytest.mark.parametrize(
    "columns",
    [
        pd.Index([0, 1]),
        pd.Index(["two words", "lambda"], name="variables"),
        pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["u", "v"]),
        pd.Index([("a", 1), "b"], dtype=object),
    ],
    ids=["ints", "spaces and a keyword", "MultiIndex", "a tuple among strings"],
)
def test_column_labels_are_returned_unchanged_whatever_they_are(columns):
    rows = [[1.0, 2.0], [np.nan, 3.0], [5.0, np.nan], [6.0, 4.0]]
    frame = pd.DataFrame(rows, columns=columns)
    store = encode(frame)
    assert tuple(store.columns) == tuple(str(label) for label in columns)
    completed = store.complete({name: np.array([9.5]) for name in store.columns})
    assert completed.columns.identical(columns)
    np.testing.assert_array_equal(completed.to_numpy(), [[1, 2], [9.5, 3], [5, 9.5], [6, 4]])


def test_the_caller_s_frame_is_never_changed(every_dtype):
    before = every_dtype.copy(deep=True)
    store = encode(every_dtype)
    store.complete(fill_with(store, 0))
    pd.testing.assert_frame_equal(every_dtype, before)


def test_later_changes_to_the_caller_s_frame_do_not_reach_the_store(every_dtype):
    store = encode(every_dtype)
    every_dtype.loc[0, "float"] = 99.0
    assert store.complete(fill_with(store, 0)).loc[0, "float"] == 1.5
    assert store.columns["float"].observed_values[0] == 1.5


def test_changing_a_completed_frame_does_not_reach_the_store(every_dtype):
    store = encode(every_dtype)
    completed = store.complete(fill_with(store, 0))
    completed.loc[0, "int"] = 99
    completed.loc[0, "float"] = 99.0
    again = store.complete(fill_with(store, 0))
    assert again.loc[0, "int"] == 3
    assert again.loc[0, "float"] == 1.5


def test_unused_categories_and_their_order_survive_but_have_no_code(half_used):
    frame = pd.DataFrame({"stage": half_used})
    store = encode(frame)
    assert store.columns["stage"].levels == ("high", "low")
    completed = store.complete({"stage": np.array([0.0])})
    assert completed["stage"].dtype == half_used.dtype
    assert completed["stage"].tolist() == ["low", "high", "high", "low", "high", "low"]


def test_unused_categories_are_listed_in_their_order(half_used):
    assert list_unused(half_used) == ("never", "nor this")
    assert list_unused(pd.Series(["a", None])) == ()


@pytest.mark.parametrize(
    ("drawn", "expected"), [(2.4, 2), (2.6, 3), (-0.4, 0), (-2.7, -3)], ids=str
)
def test_integer_columns_get_draws_rounded_to_the_nearest_whole_number(drawn, expected):
    store = encode(pd.DataFrame({"count": pd.Series([3, None, 5, 8], dtype="Int64")}))
    completed = store.complete({"count": np.array([drawn])})
    assert completed["count"].tolist() == [3, expected, 5, 8]
    assert completed["count"].dtype == "Int64"


def test_float_columns_of_whole_numbers_are_not_rounded():
    store = encode(pd.DataFrame({"x": [3.0, np.nan, 5.0, 8.0]}))
    assert store.complete({"x": np.array([2.4])})["x"].tolist() == [3.0, 2.4, 5.0, 8.0]


@pytest.mark.parametrize(
    ("dtype", "drawn"), [("UInt8", -3.2), ("UInt8", 300.4), ("Int8", 140.0)], ids=str
)
def test_draws_beyond_a_small_integer_dtype_still_complete_the_column(dtype, drawn):
    store = encode(pd.DataFrame({"age": pd.Series([30, None, 50, 80], dtype=dtype)}))
    completed = store.complete({"age": np.array([drawn])})
    assert completed["age"].dtype == dtype
    assert completed["age"].notna().all()
    assert completed["age"].drop(1).tolist() == [30, 50, 80]


@pytest.mark.parametrize("dtype", ["float16", "float32", "Float32", "float64"])
@pytest.mark.parametrize("drawn", [-1e60, 7e4, 1e60])
def test_draws_beyond_a_short_float_dtype_stay_finite(dtype, drawn):
    store = encode(pd.DataFrame({"age": pd.Series([30, None, 50, 80], dtype=dtype)}))
    completed = store.complete({"age": np.array([drawn])})
    assert completed["age"].dtype == dtype
    limit = float(np.finfo(dtype.lower()).max)
    assert completed["age"][1] == np.dtype(dtype.lower()).type(np.clip(drawn, -limit, limit))


def test_large_integers_that_were_observed_are_kept_exactly():
    exact = 2**60 + 1
    store = encode(pd.DataFrame({"id": pd.Series([exact, None, 5, 8], dtype="Int64")}))
    assert store.complete({"id": np.array([7.0])})["id"].tolist() == [exact, 7, 5, 8]


def test_constant_columns_are_known_by_their_observed_values():
    frame = pd.DataFrame({"k": [2.0, np.nan, 2.0], "s": ["a", None, "a"], "x": [1.0, 2.0, 3.0]})
    columns = encode(frame).columns
    assert [columns[name].is_constant for name in frame] == [True, True, False]


def test_attributes_of_the_frame_are_kept(every_dtype):
    every_dtype.attrs = {"source": "a survey"}
    store = encode(every_dtype)
    assert store.complete(fill_with(store, 0)).attrs == {"source": "a survey"}


def test_a_two_valued_column_can_be_read_as_plain_numbers(every_dtype):
    column = encode(every_dtype).columns["two floats"].as_continuous(every_dtype["two floats"])
    assert column.scale is Scale.CONTINUOUS
    np.testing.assert_array_equal(column.values, [2.5, np.nan, 7.5, 7.5, 2.5, 2.5])

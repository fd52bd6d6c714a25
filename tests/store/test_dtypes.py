"""Dtypes in files: every dtype comes back as it came, to the nanosecond and to the last level."""

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xarray as xr

from bayesmice.data import encode
from bayesmice.errors import BayesMiceError
from bayesmice.store import dtypes, read_tree, store_from_dataset, write_tree
from bayesmice.store.frames import observed_dataset
from bayesmice.store.tree import FORMAT, GROUPS

LETTERS = ["y", None, "z", "x", "y", "z"]
INSTANTS = np.array([-(10**18) - 1, 0, 1, 10**9 + 7, 10**18, 1603587600 * 10**9 + 5])


def arrow(values, of):
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.array(values, of)))


def dictionary(ordered):
    codes = pa.array([2, None, 0, 3, 2, 0], pa.int8())
    values = pa.array(["z", "unused", "y", "x"])
    array = pa.DictionaryArray.from_arrays(codes, values, ordered=ordered)
    return pd.Series(pd.arrays.ArrowExtensionArray(array))


NUMBERS = {
    "float32": pd.Series([1.5, None, 2.1, 7, -3, 0.1], dtype="float32"),
    "Float32": pd.Series([1.5, None, 2.1, 7, -3, 0.1], dtype="Float32"),
    "double[pyarrow]": arrow([1.5, None, 2.1, 7, -3, 0.1], pa.float64()),
    "float[pyarrow]": arrow([1.5, None, 2.1, 7, -3, 0.1], pa.float32()),
    "uint8": pd.Series([3, 1, 4, 1, 5, 255], dtype="uint8"),
    "int16": pd.Series([3, 1, 4, 1, 5, -30_000], dtype="int16"),
    "UInt8": pd.Series([3, None, 4, 1, 5, 255], dtype="UInt8"),
    "Int64": pd.Series([3, None, 4, 1, 5, 2**53], dtype="Int64"),
    "uint64": pd.Series([3, 1, 4, 1, 5, 2**64 - 1], dtype="uint64"),
    "int64[pyarrow]": arrow([3, None, 4, 1, 5, 2**53], pa.int64()),
    "complete int64[pyarrow]": arrow([3, 1, 4, 1, 5, 2**62 + 1], pa.int64()),
    "uint8[pyarrow]": arrow([3, None, 4, 1, 5, 255], pa.uint8()),
    "two floats[pyarrow]": arrow([2.5, None, 7.5, 7.5, 2.5, 2.5], pa.float64()),
}
BOOLEANS = {
    "bool": pd.Series([True, False, True, True, False, False]),
    "boolean": pd.Series([True, None, True, True, False, False], dtype="boolean"),
    "bool[pyarrow]": arrow([True, None, True, True, False, False], pa.bool_()),
}
TEXT = {
    "str": pd.Series(LETTERS, dtype="str"),
    "str in Python": pd.Series(LETTERS, dtype=pd.StringDtype("python", na_value=np.nan)),
    "string": pd.Series(LETTERS, dtype=pd.StringDtype("pyarrow")),
    "string in Python": pd.Series(LETTERS, dtype=pd.StringDtype("python")),
    "string of Arrow": arrow(LETTERS, pa.string()),
    "large string of Arrow": arrow(LETTERS, pa.large_string()),
}
LEVELS = {
    "ordered": pd.Series(pd.Categorical(LETTERS, ["z", "never", "y", "x"], ordered=True)),
    "unordered": pd.Series(pd.Categorical(LETTERS, ["z", "never", "y", "x"])),
    "dictionary": dictionary(ordered=False),
    "ordered dictionary": dictionary(ordered=True),
    "dictionary of numbers": pd.Series(
        pd.arrays.ArrowExtensionArray(
            pa.DictionaryArray.from_arrays(
                pa.array([0, None, 1, 2, 0, 1], pa.int16()), pa.array([30, 4, 1], pa.int32())
            )
        )
    ),
    "categories of intervals": pd.Series(pd.cut([0.1, np.nan, 1 / 3, 7, 0.2, 2], 3)),
    "categories of whole intervals": pd.Series(
        pd.cut([1, 2, 3, 4, 5, 9], [0, 2, 4, 9], right=False)
    ),
    "categories of dates": pd.Series(
        pd.Categorical(
            pd.DatetimeIndex(
                [pd.Timestamp("2020-02-01 12:30:01.000000001"), None]
                + [pd.Timestamp("1999-12-31"), pd.Timestamp("2030")] * 2
            )
        )
    ),
    "categories of instants": pd.Series(
        pd.date_range("2020", periods=3, tz="UTC").repeat(2)
    ).astype("category"),
    "categories of durations": pd.Series(
        pd.Categorical(pd.TimedeltaIndex([pd.Timedelta("1s"), pd.Timedelta("1ms"), None] * 2))
    ),
    "categories of periods": pd.Series(
        pd.Categorical(pd.PeriodIndex(["2020-02", None, *["2021-01", "2020-12"] * 2], freq="M"))
    ),
    "categories in Arrow": pd.Series(
        pd.Categorical(LETTERS, pd.Index(["z", "y", "x"], dtype=pd.ArrowDtype(pa.string())))
    ),
}
TIMES = {
    "datetime64[ns]": pd.Series(INSTANTS.view("datetime64[ns]")),
    "datetime64[s]": pd.Series(
        np.array(["1500-02-01", "2020-03-01T12:00", "2500-01-01"] * 2, dtype="datetime64[s]")
    ),
    "across the end of summer time": pd.Series(INSTANTS.view("datetime64[ns]"))
    .dt.tz_localize("UTC")
    .dt.tz_convert("Europe/Berlin"),
    "fixed offset": pd.Series(pd.date_range("2020", periods=6, tz="UTC+05:30")),
    "timedelta64[ns]": pd.Series(INSTANTS.view("timedelta64[ns]")),
    "timestamp of Arrow": arrow(INSTANTS, pa.timestamp("ns", "Asia/Tokyo")),
    "milliseconds of Arrow": arrow(INSTANTS // 10**6, pa.timestamp("ms")),
    "date of Arrow": arrow([-1, 0, 18_000, 18_001, 7, 8], pa.int32()).pipe(
        lambda days: arrow(days.array.__arrow_array__().cast(pa.date32()).to_pylist(), pa.date32())
    ),
    "duration of Arrow": arrow(INSTANTS // 10**6, pa.duration("ms")),
}
COLUMNS = NUMBERS | BOOLEANS | TEXT | LEVELS | TIMES


@pytest.fixture(scope="module")
def frame():
    return pd.DataFrame(COLUMNS)


@pytest.fixture(scope="module")
def store(frame):
    return encode(frame)


@pytest.fixture(scope="module", params=["nc", "zarr"])
def opened(request, store, tmp_path_factory):
    """The store as it is read from a file."""
    groups = {f"/{group}": xr.Dataset() for group in GROUPS}
    root = xr.Dataset(attrs={"format": FORMAT})
    tree = xr.DataTree.from_dict(groups | {"/": root, "/observed_data": observed_dataset(store)})
    path = write_tree(tree, tmp_path_factory.mktemp("files") / f"run.{request.param}")
    return store_from_dataset(read_tree(path)["observed_data"].to_dataset())


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_comes_back_from_a_file_as_it_came(opened, frame, name):
    pd.testing.assert_series_equal(opened.series(name), frame[name])
    assert opened.frame[name].dtype == frame[name].dtype


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_from_a_file_is_read_the_same(opened, store, name):
    before, after = store.columns[name], opened.columns[name]
    assert after.scale is before.scale
    assert list(after.levels) == list(before.levels)
    assert (after.is_integer, after.origin) == (before.is_integer, before.origin)
    np.testing.assert_array_equal(after.values, before.values)


@pytest.mark.parametrize("name", TIMES)
def test_rows_taken_from_the_data_are_counted_from_the_same_day(store, name):
    late = np.flatnonzero(store.columns[name].values > 0)
    again = store_from_dataset(observed_dataset(store.at_rows(late)))
    assert again.columns[name].origin == store.columns[name].origin
    np.testing.assert_array_equal(again.columns[name].values, store.columns[name].values[late])


def test_cells_are_completed_in_every_dtype_and_observed_ones_stay(store, opened, frame):
    cells = {name: np.zeros(store.columns[name].n_missing) for name in store.incomplete}
    for completed in (store.complete(cells), opened.complete(cells)):
        assert not completed.isna().any(axis=None)
        for name in frame:
            seen = frame[name].notna()
            assert completed[name].dtype == frame[name].dtype, name
            pd.testing.assert_series_equal(completed[name][seen], frame[name][seen])


@pytest.mark.parametrize("name", ["dictionary", "ordered dictionary"])
def test_a_dictionary_keeps_its_order_and_the_levels_that_no_row_shows(store, opened, name):
    cells = {column: np.zeros(store.columns[column].n_missing) for column in store.incomplete}
    for read in (store, opened):
        array = read.complete(cells)[name].array.__arrow_array__()
        assert array.chunk(0).dictionary.to_pylist() == ["z", "unused", "y", "x"]
        assert array.to_pylist()[1] == "z"


def test_categories_keep_their_order_and_the_levels_that_no_row_shows(opened):
    assert opened.series("ordered").cat.categories.tolist() == ["z", "never", "y", "x"]
    assert opened.series("ordered").cat.ordered


def test_without_pyarrow_a_file_with_its_dtypes_says_what_to_install(monkeypatch, store):
    observed = observed_dataset(store)

    def absent(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(dtypes, "import_module", absent)
    with pytest.raises(ValueError, match=re.escape("pyarrow is not installed")) as caught:
        store_from_dataset(observed)
    assert isinstance(caught.value, BayesMiceError)

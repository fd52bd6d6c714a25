"""Limits of cells in the tree and in files: the store comes back the same, and so do the frames."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesmice import Imputations, open_imputations
from bayesmice.data import encode, read_limits
from bayesmice.scheduler import Left as SweepLeft
from bayesmice.store import (
    RunDescription,
    RunRecorder,
    StrandRecord,
    build_tree,
    store_from_dataset,
)
from bayesmice.store.frames import observed_dataset

NAN = np.nan
M = 2


@pytest.fixture
def data():
    """Heaped whole numbers without and with missing ones, a detection limit, a name with blanks."""
    return pd.DataFrame(
        {
            "x": [0.5, 1.0, 1.5, 2.0, 2.5],
            "age": [31, 40, 42, 50, 2**53 + 1],
            "small": np.array([5, 10, 11, 12, 15], dtype=np.int8),
            "Int64": pd.array([3, None, 20, 7, None], dtype="Int64"),
            "my dose": [NAN, 2.0, NAN, 3.5, 6.0],
            "float32": np.array([1.5, 2.5, NAN, 4.0, 5.0], dtype=np.float32),
        }
    )


@pytest.fixture
def store(data):
    limits = {
        "age": ([NAN, 37, NAN, 47, NAN], [NAN, 43, NAN, 53, NAN]),
        "small": ([3, 8, NAN, NAN, NAN], None),
        "Int64": ([NAN, 0, 15, NAN, NAN], [NAN, 4, 25, NAN, NAN]),
        "my dose": (None, [0.5, NAN, 0.7, NAN, NAN]),
        "float32": (2.0, 3.0),
    }
    return read_limits(encode(data), limits)


@pytest.fixture
def imputations(store):
    """As if a run had drawn cells: 0.25 apart, from the lower limits on."""
    cells = {
        name: np.clip(
            1.25 * np.arange(1, M + 1)[:, None],
            *(limit[store.columns[name].missing_rows] for limit in store.columns[name].limits),
        )
        for name in store.incomplete
    }
    run = RunDescription([(0, 0), (1, 0)], [0, 1], 1, 1, list(store.incomplete), "{}")
    recorder = RunRecorder([], list(cells))
    recorder.record(SweepLeft({}, {}, cells))
    strand = StrandRecord("", np.arange(store.n_rows), store, recorder, {}, {}, [])
    return Imputations(build_tree(store, [strand], [], run), store)


def test_limits_are_coordinates_of_the_columns_that_have_them(store, imputations):
    observed = imputations.tree["observed_data"].to_dataset()
    np.testing.assert_array_equal(
        observed["my_dose_upper_limit"], [0.5, np.inf, 0.7, *[np.inf] * 2]
    )
    np.testing.assert_array_equal(observed["my_dose_lower_limit"], [-np.inf] * 5)
    assert observed["age_upper_limit"].dims == ("row",)
    assert observed["age_upper_limit"].attrs["long_name"] == "upper limits of age"
    assert "x_lower_limit" not in observed.coords
    assert list(observed.data_vars) == list(store.columns)


def test_recorded_values_of_heaped_cells_are_kept_as_they_came(data, imputations):
    observed = imputations.tree["observed_data"].to_dataset()
    for name in ("age", "small"):
        np.testing.assert_array_equal(observed[name], data[name])
        assert observed[name].dtype == data[name].dtype
    np.testing.assert_array_equal(observed["Int64"], [3, NAN, 20, 7, NAN])


def test_the_missing_cells_are_those_without_an_exact_value(imputations):
    group = imputations.tree["imputations"].to_dataset()
    assert group["age_row"].to_numpy().tolist() == [1, 3]
    assert group["my dose_row"].to_numpy().tolist() == [0, 2]
    assert group["Int64_row"].to_numpy().tolist() == [1, 2, 4]


def check_same(before, after):
    assert list(after.columns) == list(before.columns)
    pd.testing.assert_frame_equal(after.frame, before.frame)
    for name, column in before.columns.items():
        again = after.columns[name]
        np.testing.assert_array_equal(again.values, column.values)
        assert (again.limits is None) == (column.limits is None)
        for one, other in zip(again.limits or (), column.limits or (), strict=True):
            np.testing.assert_array_equal(one, other)
        assert (again.scale, again.is_integer) == (column.scale, column.is_integer)


def test_the_store_comes_back_the_same_from_the_tree(store):
    check_same(store, store_from_dataset(observed_dataset(store)))


def test_the_store_and_the_completed_frames_come_back_the_same_from_a_file(
    store, imputations, tmp_path
):
    opened = open_imputations(imputations.to_netcdf(tmp_path / "run.nc"))
    check_same(store, store_from_dataset(opened.tree["observed_data"].to_dataset()))
    for before, after in zip(imputations, opened, strict=True):
        pd.testing.assert_frame_equal(after, before)
        pd.testing.assert_series_equal(after.dtypes, store.frame.dtypes)
    for before, after in zip(imputations.tree.subtree, opened.tree.subtree, strict=True):
        xr.testing.assert_identical(
            after.to_dataset(inherit=False), before.to_dataset(inherit=False)
        )
    assert repr(opened) == repr(imputations)


def test_completed_frames_hold_imputed_values_in_place_of_heaped_ones(data, imputations):
    completed = imputations.completed(1)
    assert completed["age"].tolist() == [31, 37, 42, 47, 2**53 + 1]
    assert completed["small"].tolist() == [3, 8, 11, 12, 15]
    assert completed["Int64"].tolist() == [3, 2, 15, 7, 2]
    assert completed["my dose"].tolist() == [0.5, 2.0, 0.7, 3.5, 6.0]
    pd.testing.assert_series_equal(completed["x"], data["x"])

"""Files: what is written comes back the same, and a failure leaves nothing behind."""

import json
import os
import re
import stat

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesmice import MICE, open_imputations
from bayesmice.errors import BayesMiceError

pytestmark = pytest.mark.long

INDEXES = {
    "not unique": pd.Index([1, 2] * 12, name="id"),
    "reversed": pd.RangeIndex(23, -1, -1),
    "offset": pd.RangeIndex(5, 29, name="id"),
    "strings": pd.Index([f"row {i}" for i in range(24)]),
    "days, shuffled": pd.DatetimeIndex(
        np.random.default_rng(1).permutation(pd.date_range("2020", periods=24).to_numpy())
    ),
    "months": pd.period_range("2020", periods=24, freq="M"),
    "booleans": pd.Index([True, False] * 12),
    "with NaN": pd.Index([np.nan, *range(23)]),
    "Int64": pd.Index([None, *range(23)], dtype="Int64"),
    "multi": pd.MultiIndex.from_product([list("ab"), range(12)], names=["group", None]),
    "multi, not unique": pd.MultiIndex.from_arrays([["a"] * 24, [1.5] * 24]),
    "categories": pd.CategoricalIndex(["b", "a"] * 12, categories=["b", "a"], ordered=True),
    "strings with a missing one": pd.Index([None, *map(str, range(23))]),
    "time zone": pd.DatetimeIndex(
        np.random.default_rng(1).permutation(pd.date_range("2020", periods=24).to_numpy())
    ).tz_localize("UTC"),
    "numbers and strings": pd.Index([1, "a"] * 12, dtype=object),
}
LABELS = {
    "ints": [0, 1],
    "tuples": pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["u", "v"]),
    "named": pd.Index(["my x", "my y"], name="variables"),
    "mixed": pd.Index([("a", 1), "y"], dtype=object),
    "floats": [0.5, 1.5],
    "odd": ["a:b", "<b>"],
}


@pytest.fixture(scope="module")
def small(quick):
    return quick()


def assert_same_frames(imputations, path):
    imputations.to_netcdf(path)
    opened = open_imputations(path)
    assert len(opened) == len(imputations)
    for before, after in zip(imputations.data, opened.data, strict=True):
        pd.testing.assert_frame_equal(after, before, check_freq=False)


def test_every_dtype_comes_back_the_same(run, data, tmp_path):
    assert_same_frames(run, tmp_path / "run.nc")
    completed = open_imputations(tmp_path / "run.nc").completed(0)
    for name in data:
        assert completed[name].dtype == data[name].dtype
        seen = data[name].notna()
        pd.testing.assert_series_equal(completed[name][seen], data[name][seen])


def test_a_plain_boolean_column_comes_back_the_same(tmp_path):
    frame = pd.DataFrame({"flag": [True, False, True], "k": [1.0, None, 1.0]})
    imputations = MICE(frame).mice(m=1, sweeps=1, random_seed=1, progressbar=False)
    assert_same_frames(imputations, tmp_path / "run.nc")


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES.keys())
def test_every_index_comes_back_the_same(quick, index, tmp_path):
    imputations = quick(index=index)
    assert imputations.completed(0).index.identical(index)
    assert_same_frames(imputations, tmp_path / "run.nc")


def test_an_index_of_intervals_comes_back_as_text(quick, tmp_path):
    path = quick(index=pd.interval_range(0, 24)).to_netcdf(tmp_path / "run.nc")
    assert open_imputations(path).completed(0).index[:2].tolist() == ["(0, 1]", "(1, 2]"]


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS.keys())
def test_column_labels_come_back_the_same(quick, labels, tmp_path):
    assert_same_frames(quick(columns=labels), tmp_path / "run.nc")


def test_the_tree_comes_back_the_same(run, tmp_path):
    opened = open_imputations(run.to_netcdf(tmp_path / "run.nc"))
    assert [node.path for node in opened.tree.subtree] == [n.path for n in run.tree.subtree]
    for before, after in zip(run.tree.subtree, opened.tree.subtree, strict=True):
        xr.testing.assert_identical(
            after.to_dataset(inherit=False), before.to_dataset(inherit=False)
        )


def test_the_tree_of_a_single_target_comes_back_the_same(quick, tmp_path):
    imputations = quick(columns=["age", "weight"])
    opened = open_imputations(imputations.to_netcdf(tmp_path / "run.nc"))
    assert json.loads(imputations.tree.attrs["visit_sequence"]) == ["weight"]
    assert json.loads(opened.tree.attrs["visit_sequence"]) == ["weight"]


def test_everything_that_imputations_offer_works_after_opening(small, tmp_path):
    opened = open_imputations(str(small.to_netcdf(str(tmp_path / "run.nc"))))
    assert repr(opened) == repr(small)
    assert opened._repr_html_() == small._repr_html_()
    pd.testing.assert_frame_equal(opened.convergence().table, small.convergence().table)
    pd.testing.assert_frame_equal(opened.events, small.events)
    opened.to_netcdf(tmp_path / "again.nc")
    pd.testing.assert_frame_equal(
        open_imputations(tmp_path / "again.nc").completed(1), small.completed(1)
    )


def test_an_empty_event_log_comes_back_the_same(tmp_path):
    frame = pd.DataFrame({"k": [1.0, 2.0, 4.0], "s": ["a", "b", "c"]})
    imputations = MICE(frame).mice(m=1, sweeps=1, random_seed=1, progressbar=False)
    imputations.tree["event_log"] = imputations.tree["event_log"].isel(event=slice(0))
    opened = open_imputations(imputations.to_netcdf(tmp_path / "run.nc"))
    assert opened.events.empty
    pd.testing.assert_frame_equal(opened.events, imputations.events)


def test_large_integers_that_were_observed_are_kept_exactly(tmp_path):
    exact = [2**60 + i for i in range(24)]
    frame = pd.DataFrame({"id": exact, "k": [1.0, None] * 12})
    imputations = MICE(frame).mice(m=1, sweeps=1, random_seed=1, progressbar=False)
    assert imputations.completed(0)["id"].tolist() == exact
    opened = open_imputations(imputations.to_netcdf(tmp_path / "run.nc"))
    assert opened.completed(0)["id"].tolist() == exact


def test_a_failed_write_leaves_the_old_file_and_no_other(small, quick, tmp_path, monkeypatch):
    path = small.to_netcdf(tmp_path / "run.nc")
    before = path.read_bytes()

    def fail(self, filepath, **options):
        with open(filepath, "wb") as file:
            file.write(b"half a file")
        raise OSError("No space left on device")

    monkeypatch.setattr(xr.DataTree, "to_netcdf", fail)
    with pytest.raises(OSError, match="No space left"):
        quick().to_netcdf(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["run.nc"]


def test_writing_again_replaces_the_file_and_leaves_no_other(small, quick, tmp_path):
    path = small.to_netcdf(tmp_path / "run.nc")
    assert quick(columns=["a", "b"]).to_netcdf(path) == path
    assert list(open_imputations(path).completed(0)) == ["a", "b"]
    assert os.listdir(tmp_path) == ["run.nc"]


def test_an_open_file_can_be_overwritten_by_its_own_reader(small, tmp_path):
    path = small.to_netcdf(tmp_path / "run.nc")
    opened = open_imputations(path)
    opened.to_netcdf(path)
    pd.testing.assert_frame_equal(open_imputations(path).completed(0), small.completed(0))


def test_a_file_has_the_permissions_of_any_new_file(small, tmp_path):
    written = small.to_netcdf(tmp_path / "run.nc")
    other = tmp_path / "other"
    other.touch()
    assert stat.S_IMODE(written.stat().st_mode) == stat.S_IMODE(other.stat().st_mode)


def test_a_missing_file_is_not_found(tmp_path):
    with pytest.raises(FileNotFoundError, match=re.escape("There is no file")):
        open_imputations(tmp_path / "nothing.nc")


def refused(path, text):
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        open_imputations(path)
    assert isinstance(caught.value, BayesMiceError)
    assert path.name in str(caught.value)


@pytest.mark.parametrize("content", ["age,bmi\n1,2\n", ""], ids=["text", "empty"])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / "data.csv"
    path.write_text(content)
    refused(path, "cannot be read as a netCDF file")


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused(small, tmp_path, share):
    path = small.to_netcdf(tmp_path / "run.nc")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    refused(path, "It may be truncated or of another kind")


def test_netcdf_of_another_program_is_refused(tmp_path):
    path = tmp_path / "other.nc"
    xr.Dataset({"temperature": ("x", [1.0, 2.0])}).to_netcdf(path, engine="h5netcdf")
    refused(path, "says its format is None; this version of bayesmice reads")


def test_another_format_is_refused_with_both_numbers(small, tmp_path):
    path = tmp_path / "new.nc"
    tree = small.tree.copy()
    own = tree.attrs["format"]
    tree.attrs["format"] = "bayesmice 99"
    tree.to_netcdf(path, engine="h5netcdf")
    refused(path, f"says its format is 'bayesmice 99'; this version of bayesmice reads {own!r}")


def test_a_tree_without_its_data_is_refused(small, tmp_path):
    path = tmp_path / "part.nc"
    tree = small.tree.copy()
    del tree["observed_data"]
    tree.to_netcdf(path, engine="h5netcdf")
    refused(path, "observed_data")

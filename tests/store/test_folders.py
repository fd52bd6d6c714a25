"""Zarr folders: read one imputation at a time, refused when something of them is missing."""

import json
import re
import shutil
import sys

import pandas as pd
import pytest
import xarray as xr

from bayesmice import MICE, StoreError, open_imputations
from bayesmice.store import folders

OPENED = []
WATCH = {"on": False}


def note(event, arguments):
    if WATCH["on"] and event == "open":
        OPENED.append(str(arguments[0]))


sys.addaudithook(note)  # hooks cannot be removed, so this one sleeps between tests


@pytest.fixture
def opened_files():
    """Names of the files that are opened from now on."""
    OPENED.clear()
    WATCH["on"] = True
    yield OPENED
    WATCH["on"] = False


@pytest.fixture(scope="module")
def small(quick):
    return quick().add_log_likelihood(progressbar=False)


@pytest.fixture(scope="module")
def written(small, tmp_path_factory):
    return small.to_zarr(tmp_path_factory.mktemp("written") / "run.zarr")


@pytest.fixture
def folder(written, tmp_path):
    """Give a copy: it is faster than writing."""
    return shutil.copytree(written, tmp_path / "run.zarr")


def test_completing_one_imputation_reads_the_file_of_that_one_only(small, folder, opened_files):
    opened = open_imputations(folder)
    del opened_files[:]
    completed = opened.completed(1)
    read = [name for name in opened_files if "run.zarr" in name]
    assert read == [str(folder / "imputations/y/1.0")]
    pd.testing.assert_frame_equal(completed, small.completed(1))


def test_opening_reads_no_imputation_and_no_value_of_every_row(small, folder, opened_files):
    opened = open_imputations(folder)
    chunks = [name for name in opened_files if not name.rpartition("/")[2].startswith(".")]
    assert chunks, "coordinates are read"
    assert not any("imputations/y/" in name or "log_likelihood/y/" in name for name in chunks)
    xr.testing.assert_identical(opened.tree, small.tree)


def test_a_lazy_tree_can_be_changed_in_memory(small, folder):
    opened = open_imputations(folder)
    opened.tree["imputations"]["y"][0, 0] = 77.0
    assert opened.completed(0)["y"][0] == 77.0
    assert opened.completed(1)["y"][0] == small.completed(1)["y"][0]
    assert open_imputations(folder).completed(0)["y"][0] != 77.0


def test_a_folder_is_replaced_by_its_own_reader(small, folder):
    opened = open_imputations(folder)
    opened.to_zarr(folder)
    for imputations in (opened, open_imputations(folder)):
        xr.testing.assert_identical(imputations.tree, small.tree)
    opened.to_netcdf(folder.with_name("run.nc"))
    shutil.rmtree(folder)
    xr.testing.assert_identical(open_imputations(folder.with_name("run.nc")).tree, small.tree)


def test_another_reader_is_told_that_the_folder_was_replaced_or_removed(small, folder):
    opened = open_imputations(folder)
    small.to_zarr(folder)
    with pytest.raises(StoreError, match=r"run.zarr' was replaced or removed since it was opened"):
        opened.completed(0)
    opened = open_imputations(folder)
    shutil.rmtree(folder)
    with pytest.raises(StoreError, match="was replaced or removed"):
        opened.completed(0)


def test_a_file_that_goes_missing_after_opening_is_not_taken_for_a_missing_value(folder):
    opened = open_imputations(folder)
    (folder / "imputations/y/1.0").unlink()
    with pytest.raises(StoreError, match="the array 'imputations/y' has 1 file of"):
        opened.completed(1)


@pytest.mark.parametrize("where", ["imputations/y/0.0", "sweep_stats/y/0.0.0", "observed_data/x/0"])
def test_a_folder_with_a_missing_or_truncated_file_is_refused(folder, where):
    file = folder / where
    content = file.read_bytes()
    file.write_bytes(content[:-1])
    with pytest.raises(StoreError, match=r"run.zarr. is truncated: the array") as caught:
        open_imputations(folder)
    assert where.rpartition("/")[0] in str(caught.value)
    file.unlink()
    with pytest.raises(StoreError, match=r"run.zarr. is truncated: the array"):
        open_imputations(folder)


@pytest.mark.parametrize("where", [".zattrs", ".zgroup", "imputations", "sweep_stats/y/.zarray"])
def test_a_folder_without_its_descriptions_is_refused(folder, where):
    path = folder / where
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(StoreError, match=r"run.zarr'"):
        open_imputations(folder)


def test_a_folder_that_is_garbled_is_refused(folder):
    (folder / "observed_data/x/.zarray").write_text("no json")
    with pytest.raises(StoreError, match="cannot be read as a Zarr folder"):
        open_imputations(folder)


def test_folders_of_other_programs_and_formats_are_refused(folder, tmp_path):
    other = tmp_path / "other.zarr"
    xr.Dataset({"temperature": ("x", [1.0, 2.0])}).to_zarr(other, consolidated=False)
    with pytest.raises(StoreError, match="says its format is None; this version of bayesmice"):
        open_imputations(other)
    plain = tmp_path / "plain.zarr"
    plain.mkdir()
    (plain / "thesis.txt").write_text("years of work")
    with pytest.raises(StoreError, match="cannot be read as a Zarr folder"):
        open_imputations(plain)
    attributes = folder / ".zattrs"
    said = json.loads(attributes.read_text()) | {"format": "bayesmice 99"}
    attributes.write_text(json.dumps(said))
    with pytest.raises(StoreError, match=re.escape("says its format is 'bayesmice 99'")):
        open_imputations(folder)


@pytest.mark.parametrize("name", ["thesis.zarr", "thesis"])
def test_a_folder_of_another_kind_is_never_replaced(small, tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "chapter").write_text("years of work")
    with pytest.raises(StoreError, match="a folder that bayesmice did not write"):
        (small.to_zarr if name.endswith("zarr") else small.to_netcdf)(folder)
    assert (folder / "chapter").read_text() == "years of work"
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_without_zarr_a_sentence_says_what_to_install(small, folder, monkeypatch):
    monkeypatch.setattr(folders, "find_spec", lambda name: None)
    with pytest.raises(StoreError, match=re.escape("Install bayesmice[zarr]")):
        small.to_zarr(folder)
    with pytest.raises(StoreError, match=re.escape("Install bayesmice[zarr]")):
        open_imputations(folder)


@pytest.mark.parametrize("name", ["run.zarr", "run.nc"])
def test_words_of_the_user_come_back_and_are_never_taken_for_dates(tmp_path, name):
    """xarray takes numbers whose units are days for spans of time."""
    days = pd.date_range("2020", periods=24)[::-1]
    frame = pd.DataFrame({"stay": range(24), "dose": [None, *range(1, 24)], 3: 0.5}, index=days)
    frame.attrs = {
        "units": {"stay": "days", "dose": "days since 2000-01-01", 3: "kg"},
        "long_name": {"stay": "length of stay"},
        "source": "a ward",
    }
    imputations = MICE(frame).mice(m=2, sweeps=1, random_seed=1, progressbar=False)
    observed = imputations.tree["observed_data"]
    assert observed["stay"].attrs["long_name"] == "length of stay"
    assert observed["dose"].attrs["long_name"] == "dose"
    for group in ("observed_data", "imputations", "sweep_stats"):
        assert imputations.tree[group]["dose"].attrs["units"] == "days since 2000-01-01"
    (imputations.to_zarr if name.endswith("zarr") else imputations.to_netcdf)(tmp_path / name)
    opened = open_imputations(tmp_path / name)
    xr.testing.assert_identical(opened.tree, imputations.tree)
    completed = opened.completed(0)
    pd.testing.assert_frame_equal(completed, imputations.completed(0), check_freq=False)
    assert completed.attrs == {key: frame.attrs[key] for key in ("units", "long_name")}

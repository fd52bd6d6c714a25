"""Compiled programs are forgotten before the system kills the process."""

import numpy as np
import pandas as pd
import pytest

import bayesmice as bm
from bayesmice.kernels import room

pytestmark = pytest.mark.long

needs_maps = pytest.mark.skipif(not room.MAPS.exists(), reason="the system has no memory maps")


def n_maps():
    return room.MAPS.read_bytes().count(b"\n")


def normal_data(n_rows):
    data = pd.DataFrame(np.random.default_rng(n_rows).normal(size=(n_rows, 2)), columns=["a", "b"])
    data.loc[: n_rows // 4, "b"] = np.nan
    return data


def impute(n_rows):
    mice = bm.MICE(normal_data(n_rows))
    return mice.mice(m=2, sweeps=2, random_seed=1, progressbar=False).completed(1)


@pytest.fixture
def files(tmp_path):
    """Give a system whose process has as many maps as it is told."""

    def told(n_used, n_allowed):
        (tmp_path / "maps").write_text("a map\n" * n_used)
        (tmp_path / "max").write_text(f"{n_allowed}\n")
        return tmp_path / "maps", tmp_path / "max"

    return told


@pytest.fixture
def compiled(monkeypatch):
    """Let programs seem to have been compiled since maps were counted."""
    monkeypatch.setattr(room.compilations(), "n_new", room.BETWEEN_LOOKS)


@pytest.mark.usefixtures("compiled")
def test_programs_are_forgotten_when_half_of_the_maps_are_used(files):
    assert room.make_room(*files(50, 100))


@pytest.mark.usefixtures("compiled")
def test_programs_stay_while_there_is_room(files):
    assert not room.make_room(*files(49, 100))


def test_maps_are_not_counted_before_programs_were_compiled(files, monkeypatch):
    monkeypatch.setattr(room.compilations(), "n_new", room.BETWEEN_LOOKS - 1)
    assert not room.make_room(*files(100, 100))


@pytest.mark.usefixtures("compiled")
def test_a_system_without_maps_has_no_limit(tmp_path):
    assert not room.make_room(tmp_path / "none", tmp_path / "none")


@needs_maps
def test_a_process_that_imputes_ever_other_data_keeps_its_maps(monkeypatch):
    first = impute(40)
    allowed = n_maps() + 1500
    limit = int(room.MAX_MAPS.read_text())
    monkeypatch.setattr(room, "FULL", allowed / limit)
    monkeypatch.setattr(room, "BETWEEN_LOOKS", 4)
    counts = []
    for n_rows in range(60, 180, 16):
        impute(n_rows)
        counts.append(n_maps())
    # One run takes less than a thousand.
    assert max(counts) < allowed + 1000
    pd.testing.assert_frame_equal(impute(40), first)

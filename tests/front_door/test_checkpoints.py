"""Checkpoints: a run that is killed at any moment ends as if nothing had happened."""

import os
import random
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayesmice as bm
from bayesmice.store import files, read_tree, write_tree

pytestmark = pytest.mark.long

PROGRAM = """
import sys, time
import numpy as np, pandas as pd, bayesmice as bm
rng = np.random.default_rng(5)
x = rng.normal(size=24)
frame = pd.DataFrame({"x": x, "y": x + rng.normal(size=24), "z": 20 + rng.normal(size=24)})
frame.loc[0:3, "y"] = None
frame.loc[6:9, "z"] = None
path, sweeps, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
def slowly(info):
    time.sleep(pause)
mice = bm.MICE(frame)
imputations = mice.mice(
    m=2, sweeps=sweeps, random_seed=3, progressbar=False, callback=slowly,
    checkpoint=path, every=2,
)
print("finished", imputations.tree.attrs["sweeps"], flush=True)
"""


def run(frame, path=None, *, m=2, sweeps=6, **settings):
    mice = bm.MICE(frame)
    return mice.mice(
        m=m, sweeps=sweeps, random_seed=3, progressbar=False, checkpoint=path, every=2, **settings
    )


def assert_same(one, other):
    for left, right in zip(one, other, strict=True):
        pd.testing.assert_frame_equal(left, right, check_exact=True)
    for path in ("sweep_stats", "conditionals/y/posterior", "conditionals/z/sample_stats"):
        xr.testing.assert_identical(one.tree[path].to_dataset(), other.tree[path].to_dataset())


class InterruptedRunError(RuntimeError):
    pass


def failing_at(sweep):
    def callback(info):
        if info.sweep == sweep:
            raise InterruptedRunError

    return callback


@pytest.mark.parametrize("name", ["run.nc", "run.zarr"])
def test_a_run_is_taken_up_from_its_checkpoint(numbers, tmp_path, name):
    path = tmp_path / name
    with pytest.raises(InterruptedRunError):
        run(numbers, path, callback=failing_at(4))
    assert read_tree(path).attrs["sweeps"] == 4
    swept = []
    resumed = run(numbers, path, callback=lambda info: swept.append(info.sweep))
    assert swept == [4, 5], "the sweeps of the checkpoint are not run again"
    assert_same(resumed, run(numbers))
    (message,) = resumed.events.query("code == 'resumed'")["message"]
    assert f"{name}' after 4 sweeps" in message
    assert_same(bm.open_imputations(path), resumed)


def test_a_finished_checkpoint_gives_its_result_at_once(numbers, tmp_path):
    path = tmp_path / "run.nc"
    first = run(numbers, path)
    swept = []
    again = run(numbers, path, callback=lambda info: swept.append(info.sweep))
    assert swept == []
    assert_same(first, again)


def test_a_fresh_seed_is_that_of_the_checkpoint(numbers, tmp_path):
    path = tmp_path / "run.nc"
    mice = bm.MICE(numbers)
    settings = {"m": 2, "sweeps": 6, "progressbar": False, "checkpoint": path, "every": 2}
    with pytest.raises(InterruptedRunError):
        mice.mice(callback=failing_at(3), **settings)
    seed = int(read_tree(path).attrs["random_seed"])
    straight = mice.mice(m=2, sweeps=6, random_seed=seed, progressbar=False)
    assert_same(mice.mice(**settings), straight)


def test_a_run_with_a_rule_and_thinned_chains_is_taken_up(numbers, tmp_path):
    rule = bm.until(rhat=50, min_sweeps=5)
    settings = {"m": 4, "chains": 2, "thin": 2, "sweeps": rule}
    for stop in (2, 5, 7):
        path = tmp_path / f"run{stop}.nc"
        with pytest.raises(InterruptedRunError):
            run(numbers, path, callback=failing_at(stop), **settings)
        assert_same(run(numbers, path, **settings), run(numbers, **settings))


def test_the_checkpoint_of_another_run_is_refused_and_left_as_it_was(numbers, tmp_path):
    path = tmp_path / "run.nc"
    run(numbers, path)
    before = path.read_bytes()
    other = numbers.copy()
    other.loc[23, "y"] += 1e-9
    for frame, settings, text in (
        (numbers, {"m": 3}, "belongs to another run: its m is 2, and here it is 3"),
        (numbers, {"sweeps": 7}, "its burn_in is 5, and here it is 6"),
        (other, {}, "belongs to other data: the values of 'y'"),
        (numbers[["x", "y"]], {}, "belongs to other data: 24 rows with the columns x, y, z"),
    ):
        with pytest.raises(bm.SpecificationError, match=text):
            run(frame, path, **settings)
    with pytest.raises(bm.SpecificationError, match="its random_seed is 3, and here it is 4"):
        bm.MICE(numbers).mice(m=2, sweeps=6, random_seed=4, progressbar=False, checkpoint=path)
    models = {"y": bm.Regression("x")}
    with pytest.raises(bm.StoreError, match="The model for 'y' is not the one of the file"):
        bm.MICE(numbers, models).mice(
            m=2, sweeps=6, random_seed=3, progressbar=False, checkpoint=path
        )
    assert path.read_bytes() == before


def test_a_file_of_another_kind_is_never_overwritten(numbers, tmp_path):
    path = tmp_path / "thesis.nc"
    path.write_text("years of work")
    with pytest.raises(bm.StoreError, match="cannot be read as a netCDF file"):
        run(numbers, path)
    assert path.read_text() == "years of work"
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        run(numbers, tmp_path / "nowhere" / "run.nc")


@pytest.mark.parametrize("name", ["run.nc", "run.zarr"])
def test_a_crash_while_writing_leaves_the_older_checkpoint_whole(
    imputations, tmp_path, monkeypatch, name
):
    path = tmp_path / name
    write_tree(imputations.tree, path)
    changed = imputations.tree.copy()
    changed.attrs["sweeps"] = 99
    # A crash in the middle of the writing, and one between the two steps of the replacement.
    with monkeypatch.context() as patch:
        patch.setattr(files, "_replace_folder", lambda partial, destination: 1 / 0)
        patch.setattr(files.Path, "replace", lambda *arguments: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            write_tree(changed, path)
    assert read_tree(path).attrs["sweeps"] == imputations.tree.attrs["sweeps"]
    if name.endswith("zarr"):
        path.rename(tmp_path / files.REPLACED.format(name))
        assert read_tree(path).attrs["sweeps"] == imputations.tree.attrs["sweeps"]
    write_tree(changed, path)
    assert read_tree(path).attrs["sweeps"] == 99
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_what_killed_processes_left_half_written_is_swept_away(imputations, tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left = tmp_path / files.PARTIAL.format("run.nc", gone.pid)
    left.mkdir()
    (left / "run.nc").write_text("half")
    running = tmp_path / files.PARTIAL.format("run.nc", os.getppid())
    running.mkdir()
    write_tree(imputations.tree, tmp_path / "run.nc")
    assert not left.exists()
    assert running.exists()


def killed_again_and_again(path, sweeps, kills, pause, longest):
    """Kill the program after random times, so many times, and then let it end by itself."""
    command = [sys.executable, "-c", PROGRAM, str(path), str(sweeps), str(pause)]
    for _ in range(kills):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            process.wait(random.uniform(0, longest))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_a_killed_run_ends_as_if_it_had_not_been(numbers, tmp_path):
    path = tmp_path / "run.zarr"
    assert "finished 30" in killed_again_and_again(path, 30, 2, 0.1, 8.0)
    assert_same(bm.open_imputations(path), run(numbers, sweeps=30))


@pytest.mark.statistical
@pytest.mark.parametrize("name", ["run.nc", "run.zarr"])
def test_ten_kills_at_random_moments_change_nothing(numbers, tmp_path, name):
    """With both kinds of file, 24 kills; moments are drawn anew each time.

    From the start of the process on, or from its first checkpoint: imports, compilation, sweeps and
    writing are all hit. The pauses between sweeps keep the run from ending before.
    """
    path = tmp_path / name
    assert "finished 400" in killed_again_and_again(path, 400, 10, 0.02, 8.0)
    assert_same(bm.open_imputations(path), run(numbers, sweeps=400))
    assert np.isfinite(bm.open_imputations(path).completed(0)).all().all()

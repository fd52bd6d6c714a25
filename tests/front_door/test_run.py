"""Runs: the seed decides, chains are alone, the data stay as they were."""

import json

import numpy as np
import pandas as pd
import pytest

from bayesmice import MICE


@pytest.fixture(scope="module")
def two_families(numbers):
    frame = numbers[["x", "y"]].copy()
    frame["kind"] = np.resize(["a", "b", "c", "a"], 24)
    frame.loc[12:15, "kind"] = None
    return frame


def test_an_imputation_does_not_depend_on_how_many_are_made(two_families, impute):
    one, two = impute(two_families, m=1), impute(two_families, m=2)
    five = impute(two_families, m=5)
    assert (len(one), len(two), len(five)) == (1, 2, 5)
    pd.testing.assert_frame_equal(one.completed(0), five.completed(0), check_exact=True)
    for i in range(2):
        pd.testing.assert_frame_equal(two.completed(i), five.completed(i), check_exact=True)
    for name in ("y", "kind"):
        posterior = f"conditionals/{name}/posterior"
        for parameter in two.tree[posterior].data_vars:
            np.testing.assert_array_equal(
                two.tree[posterior][parameter], five.tree[posterior][parameter].isel(chain=[0, 1])
            )


def test_the_same_seed_gives_the_same_imputations(numbers, impute):
    first, second = impute(numbers, random_seed=4), impute(numbers, random_seed=np.int64(4))
    for one, other in zip(first, second, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_another_seed_and_another_chain_give_other_imputations(numbers, impute):
    first, second = impute(numbers, random_seed=4), impute(numbers, random_seed=5)
    drawn = [first.completed(0), first.completed(1), second.completed(0), second.completed(1)]
    cells = [tuple(frame.loc[0:3, "y"]) for frame in drawn]
    assert len(set(cells)) == 4
    assert len(set(np.concatenate(cells))) == 16


def test_a_fresh_seed_is_recorded_and_repeats_the_run(numbers, impute):
    fresh, other = impute(numbers, random_seed=None), impute(numbers, random_seed=None)
    assert fresh.tree.attrs["random_seed"] != other.tree.attrs["random_seed"]
    again = impute(numbers, random_seed=int(fresh.tree.attrs["random_seed"]))
    pd.testing.assert_frame_equal(fresh.completed(1), again.completed(1), check_exact=True)


@pytest.mark.parametrize("seed", [0, 2**32, 2**63 - 1])
def test_the_seed_is_recorded_exactly(numbers, impute, seed):
    assert impute(numbers, random_seed=seed).tree.attrs["random_seed"] == str(seed)


def test_seeds_that_differ_in_their_high_bits_give_other_imputations(numbers, impute):
    low, high = impute(numbers, random_seed=1), impute(numbers, random_seed=2**32 + 1)
    assert not np.isin(low.completed(0).loc[0:3, "y"], high.completed(0).loc[0:3, "y"]).any()


def test_numpy_s_global_random_state_is_neither_read_nor_written(numbers, impute):
    np.random.seed(1)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = impute(numbers)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    np.random.seed(2)  # noqa: NPY002
    pd.testing.assert_frame_equal(first.completed(0), impute(numbers).completed(0))


def test_the_last_run_is_kept(numbers):
    mice = MICE(numbers)
    first = mice.mice(m=2, sweeps=2, random_seed=1, progressbar=False)
    assert mice.imputations is first
    second = mice.mice(m=2, sweeps=2, random_seed=2, progressbar=False)
    assert mice.imputations is second
    assert isinstance(mice.data, list)
    for one, other in zip(mice.data, second, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_the_caller_s_frame_is_never_changed(numbers, impute):
    frame = numbers.copy(deep=True)
    impute(frame)
    pd.testing.assert_frame_equal(frame, numbers)


def test_changing_the_data_after_the_specification_changes_nothing(numbers, impute):
    frame = numbers.copy(deep=True)
    mice = MICE(frame)
    frame.loc[5, "y"] = 1e6
    frame.loc[5, "x"] = -1e6
    completed = mice.mice(m=2, sweeps=2, random_seed=3, progressbar=False).completed(0)
    pd.testing.assert_frame_equal(completed, impute(numbers).completed(0), check_exact=True)


def test_observed_cells_are_exactly_those_of_the_data(numbers, imputations):
    for completed in imputations:
        assert not completed.isna().any().any()
        observed = numbers.notna()
        pd.testing.assert_frame_equal(completed.where(observed), numbers, check_exact=True)


def test_one_imputation_and_one_sweep_are_enough(numbers, impute):
    imputations = impute(numbers, m=1, sweeps=1)
    assert len(imputations) == 1
    assert imputations.completed(0).notna().all().all()


def test_targets_are_visited_from_the_fewest_missing_cells_on(numbers, impute):
    frame = numbers.copy()
    frame.loc[10:12, "y"] = None
    assert json.loads(impute(frame).tree.attrs["visit_sequence"]) == ["z", "y"]
    assert json.loads(impute(numbers).tree.attrs["visit_sequence"]) == ["y", "z"]


def test_the_progress_bar_shows_only_when_it_is_wanted(numbers, capsys):
    mice = MICE(numbers)
    mice.mice(m=2, sweeps=2, random_seed=1, progressbar=False)
    assert capsys.readouterr() == ("", "")
    mice.mice(m=2, sweeps=2, random_seed=1, progressbar=True)
    shown = "".join(capsys.readouterr())
    assert shown.startswith("2 sweeps in ")

"""Imputations that are chosen, filtered and put together: every value is kept, the rest is told."""

import re

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayesmice as bm
from bayesmice.errors import BayesMiceError


@pytest.fixture(scope="module")
def others(impute, numbers):
    """The same data and models, another seed."""
    return impute(numbers, sweeps=5, random_seed=4)


def same_frames(found, expected):
    assert len(found) == len(expected)
    for one, two in zip(found, expected, strict=True):
        pd.testing.assert_frame_equal(one, two)


def check_usable(imputations, path):
    """Whatever they come from: they are complete, pooled, saved and opened, and do not go on."""
    for frame in imputations:
        assert frame.notna().all().all()
    if imputations.m > 1:
        fits = imputations.analyze(
            lambda f: (f["x"].mean(), f["x"].var() / len(f)), progressbar=False
        )
        fits.pool()
    write = imputations.to_zarr if path.suffix == ".zarr" else imputations.to_netcdf
    opened = bm.open_imputations(write(path))
    same_frames(opened, imputations.data)
    pd.testing.assert_frame_equal(opened.events, imputations.events)
    assert repr(opened) == repr(imputations)
    for given in (opened, imputations):
        for go_on in (given.extend, given.more):
            with pytest.raises(RuntimeError, match="needs the run behind the imputations") as error:
                go_on(2, progressbar=False)
            assert isinstance(error.value, BayesMiceError)
            assert given.tree.attrs["origin"] in str(error.value)


def by_hand(original, m=2):
    """Fill the cells of every column with its observed values, and hold the frames."""
    frames = [original]
    for i in range(m):
        filled = {
            name: column.dropna().iloc[i % column.count()] for name, column in original.items()
        }
        frames.append(original.fillna(filled))
    numbered = [frame.assign(**{".imp": i}) for i, frame in enumerate(frames)]
    return bm.from_long(pd.concat(numbered), id=None)


def patients(kinds, categories="abc", ordered=False, index=None):
    kind = pd.Categorical(kinds, list(categories), ordered=ordered)
    x = np.arange(len(kinds)) + 0.5
    frame = pd.DataFrame({"x": x, "kind": kind}, index=index)
    frame.loc[frame.index[0], "x"] = np.nan
    return frame


CHOICES = {
    "list": ([2, 0], [2, 0]),
    "slice": (slice(1, None), [1, 2]),
    "backwards": (slice(None, None, -1), [2, 1, 0]),
    "array": (np.array([1, 2]), [1, 2]),
    "from the end": ([-1], [2]),
    "one": (1, [1]),
    "marks": ([True, False, True], [0, 2]),
}


@pytest.mark.parametrize(("choice", "expected"), CHOICES.values(), ids=CHOICES.keys())
def test_imputations_are_chosen_as_elements_of_an_array(choice, expected):
    imputations = by_hand(patients(["a", "b", "c", None, "a"]), 3)
    chosen = imputations.select(choice)
    assert chosen.m == len(chosen.data) == chosen.tree.attrs["m"] == len(expected)
    same_frames(chosen, [imputations.completed(i) for i in expected])
    assert chosen.tree["imputations"]["imputation"].to_numpy().tolist() == [*range(len(expected))]


@pytest.mark.parametrize(
    ("choice", "kind", "text"),
    [
        ([3], IndexError, "select got [3]; there are 3 imputations, counted from 0 to 2"),
        ([True], IndexError, "there are 3 imputations"),
        ([], ValueError, "chooses none of the 3 imputations"),
        (slice(9, None), ValueError, "chooses none of the 3 imputations"),
        ([0, 0], ValueError, "chooses an imputation twice"),
        ([0, -3], ValueError, "chooses an imputation twice"),
        ([0.5], ValueError, "expected numbers of imputations"),
        ("first", ValueError, "expected numbers of imputations"),
        ([[0], [1]], ValueError, "expected numbers of imputations"),
    ],
)
def test_a_choice_that_cannot_be_made_is_refused(choice, kind, text):
    imputations = by_hand(patients(["a", "b", "c", None, "a"]), 3)
    with pytest.raises(kind, match=re.escape(text)):
        imputations.select(choice)


def test_a_choice_keeps_the_chains_that_it_was_taken_from(imputations, tmp_path):
    chosen = imputations.select([1])
    for path in ("sweep_stats", "conditionals/y/posterior", "conditionals/z/sample_stats"):
        whole = imputations.tree[path].to_dataset()
        xr.testing.assert_identical(chosen.tree[path].to_dataset(), whole.sel(chain=[1]))
    assert chosen.tree["imputations"]["imputation_chain"].to_numpy().tolist() == [1]
    assert chosen.convergence().table["ess_bulk"].notna().any()
    last = chosen.events["message"].iloc[-1]
    assert last == "Chosen from 2 imputations, counted from 0: 1."
    assert len(chosen.events) == len(imputations.events) + 1
    assert "from a choice of imputations (select)" in repr(chosen)
    check_usable(chosen, tmp_path / "some.nc")
    assert imputations.m == 2


def test_a_choice_keeps_its_draws_of_an_analysis_model(imputations):
    tree = imputations.tree.copy()
    draws = xr.Dataset(
        {"b": (("imputation", "chain", "draw"), np.arange(8.0).reshape(2, 2, 2))},
        {"imputation": [0, 1], "chain": [0, 1]},
    )
    tree["posterior"] = xr.DataTree(draws)
    chosen = bm.Imputations(tree, imputations._store).select([1]).tree["posterior"]
    assert chosen["b"].to_numpy().ravel().tolist() == [4, 5, 6, 7]
    assert chosen["imputation"].to_numpy().tolist() == [0]


def test_rows_are_filtered_in_every_imputation(imputations, numbers, tmp_path):
    keep = numbers["x"] > 0
    for condition in (keep, keep.to_numpy(), keep.tolist(), lambda data: data["x"] > 0):
        some = imputations.filter_rows(condition)
        same_frames(some, [frame[keep] for frame in imputations])
    assert 0 < len(some.tree["imputations"]["y"]["y_row"]) < 4
    for path in ("sweep_stats", "conditionals/y/posterior", "conditionals/z/sample_stats"):
        whole = imputations.tree[path].to_dataset()
        xr.testing.assert_identical(some.tree[path].to_dataset(), whole)
    assert some.events["message"].iloc[-1].startswith(f"Chosen {keep.sum()} of 24 rows.")
    pd.testing.assert_frame_equal(some.convergence().table, imputations.convergence().table)
    check_usable(some, tmp_path / "some.nc")


def test_a_condition_sees_the_data_as_they_came(imputations, numbers):
    seen = []
    imputations.filter_rows(lambda data: seen.append(data) or data["y"].isna())
    pd.testing.assert_frame_equal(seen[0], numbers)
    complete = imputations.filter_rows(numbers.notna().all(axis=1))
    same_frames(complete, [numbers.dropna()] * 2)
    assert complete.incomplete == []


def test_a_missing_mark_counts_as_false():
    original = patients(["a", "b", "c", None, "a"], index=list("pqrst"))
    original = original.assign(n=pd.array([1, None, 3, 4, 5], "Int64"))
    imputations = by_hand(original)
    condition = original["n"] > 2
    assert condition.isna().sum() == 1
    assert imputations.filter_rows(condition).completed(0)["n"].tolist() == [3, 4, 5]
    assert imputations.filter_rows(condition.array).completed(0)["n"].tolist() == [3, 4, 5]


def test_levels_that_are_imputed_only_survive_a_filter(tmp_path):
    original = patients(["a", "b", None, "b"])
    table = pd.concat([original, original.fillna({"kind": "c", "x": 1.0})])
    imputations = bm.from_long(table.assign(**{".imp": [0] * 4 + [1] * 4}), id=None)
    some = imputations.filter_rows([False, False, True, True])
    assert some.completed(0)["kind"].tolist() == ["c", "b"]
    assert some.completed(0)["kind"].dtype == original["kind"].dtype
    check_usable(some, tmp_path / "some.nc")


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ([True] * 3, "condition has shape (3,); expected one value per row, (24,)."),
        ([False] * 24, "condition chooses none of the 24 rows"),
        ([0.5] * 24, "condition holds 0.5; expected True or False"),
        (["x"] * 24, "condition holds 'x'; expected True or False"),
        ([True] * 23 + [pd.NA], "condition holds <NA>; expected True or False"),
        (lambda data: data.iloc[:3]["x"] > 0, "condition is a Series whose index differs"),
        (lambda data: data.dropna()["x"] > 0, "condition is a Series whose index differs"),
    ],
)
def test_a_condition_that_says_nothing_of_rows_is_refused(imputations, condition, text):
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        imputations.filter_rows(condition)
    assert isinstance(caught.value, BayesMiceError)


def test_imputations_of_the_same_data_are_put_together(imputations, others, tmp_path):
    both = bm.concat([imputations, others])
    same_frames(both, [*imputations, *others])
    for path in ("sweep_stats", "conditionals/y/posterior", "conditionals/z/sample_stats"):
        found = both.tree[path].to_dataset()
        assert found["chain"].to_numpy().tolist() == [0, 1, 2, 3]
        for part, chains in ((imputations, [0, 1]), (others, [2, 3])):
            own = part.tree[path].to_dataset()
            xr.testing.assert_equal(found.sel(chain=chains).assign_coords(chain=[0, 1]), own)
    imputed = both.tree["imputations"]
    assert imputed["imputation_chain"].to_numpy().tolist() == [0, 1, 2, 3]
    assert imputed["imputation_sweep"].to_numpy().tolist() == [4] * 4
    assert both.convergence().table["r_hat"].notna().all()
    assert both.tree.attrs["random_seed"] == "3, 4"
    assert both.events["message"].iloc[-1] == "Put together 2 + 2 imputations of the same data."
    check_usable(both, tmp_path / "some.zarr")
    same_frames(both.select([2, 3]), others.data)
    chosen = both.select([3]).tree["sweep_stats"]
    xr.testing.assert_equal(
        chosen.to_dataset().drop_vars("chain"),
        others.tree["sweep_stats"].to_dataset().sel(chain=[1]).drop_vars("chain"),
    )


def test_events_follow_the_new_numbers_of_their_chains(imputations, others):
    tree = others.tree.copy()
    log = tree["event_log"].to_dataset()
    tree["event_log"] = xr.DataTree(
        log.assign(chain=log["chain"].copy(data=[1, *log["chain"][1:]]))
    )
    both = bm.concat([imputations, bm.Imputations(tree, others._store)])
    found = both.events["chain"].tolist()
    assert found == [*imputations.events["chain"], 3, *others.events["chain"][1:], -1]


def test_what_does_not_fit_together_is_left_out(imputations, impute, numbers):
    models = {"y": bm.Regression("x")}
    other_models = bm.concat([imputations, impute(numbers, models, sweeps=5, random_seed=4)])
    assert "conditionals" not in other_models.tree.children
    assert set(other_models.convergence().table["quantity"]) == {
        "mean of imputed cells",
        "sd of imputed cells",
    }
    assert "of other models, are left out" in other_models.events["message"].iloc[-1]
    shorter = bm.concat([imputations, impute(numbers, random_seed=4)])
    assert not shorter.tree["sweep_stats"].data_vars
    assert "of other sweeps are left out" in shorter.events["message"].iloc[-1]
    for both in (other_models, shorter):
        same_frames(both.select([0, 1]), imputations.data)
    with pytest.raises(RuntimeError, match="There are no sweeps to diagnose: these imputations"):
        shorter.convergence()


def test_a_run_and_a_table_are_put_together(imputations):
    table = bm.from_long(imputations.long(include_original=True))
    both = bm.concat([imputations, table])
    same_frames(both, imputations.data * 2)
    assert both.tree["imputations"]["imputation_chain"].to_numpy().tolist() == [0, 1, -1, -1]


def test_runs_of_the_same_seed_are_warned_of(imputations):
    with pytest.warns(UserWarning, match="Some imputation is in two of the parts"):
        bm.concat([imputations, imputations.select([1])])


def test_levels_that_one_part_imputed_only_are_read_in_common_terms():
    original = patients(["a", "b", None, "b"])
    filled = [original.fillna({"kind": kind, "x": 1.0}) for kind in "ac"]
    parts = [
        bm.from_long(pd.concat([original, f]).assign(**{".imp": [0] * 4 + [1] * 4}), id=None)
        for f in filled
    ]
    for order in ([0, 1], [1, 0]):
        both = bm.concat([parts[k] for k in order])
        same_frames(both, [filled[k] for k in order])


def test_other_data_are_not_the_same(imputations, impute, numbers):
    for other, text in (
        (numbers.assign(x=numbers["x"] + 1), "the values of 'x', their limits, its wanted cells"),
        (numbers.iloc[1:], "part 0 has 24 rows, and part 1 has 23"),
        (numbers.set_axis(range(5, 29)), "or another index"),
        (numbers.rename(columns={"x": "w"}), "part 1 lacks 'x'"),
        (numbers.assign(w=1.0), "part 1 has 'w', which part 0 lacks"),
        (numbers[["z", "y", "x"]], "the columns of part 1 come in another order"),
        (numbers.astype({"x": "float32"}), "'x' as float64 in part 0, and as float32 in part 1"),
    ):
        with pytest.raises(ValueError, match=re.escape(text)) as caught:
            bm.concat([imputations, by_hand(other)])
        assert isinstance(caught.value, BayesMiceError)


def test_rows_are_put_below_each_other(tmp_path):
    one, two = patients(["a", "b", None, "b"]), patients(["c", None, "b", "c", "b"])
    parts = [by_hand(one), by_hand(two)]
    both = bm.concat(parts, dim="row")
    expected = [pd.concat(frames, ignore_index=True) for frames in zip(*parts, strict=True)]
    same_frames(both, expected)
    assert both.completed(0)["kind"].dtype == one["kind"].dtype
    assert both.incomplete == ["x", "kind"]
    assert "Put together 4 + 5 rows." in both.events["message"].iloc[-1]
    check_usable(both, tmp_path / "some.nc")
    same_frames(both.filter_rows([True] * 4 + [False] * 5), parts[0].data)


def test_rows_of_runs_are_put_together_without_what_each_knew_of_its_rows(imputations, others):
    both = bm.concat([imputations, others], dim="row")
    expected = [pd.concat(f, ignore_index=True) for f in zip(imputations, others, strict=True)]
    same_frames(both, expected)
    assert "conditionals" not in both.tree.children
    assert len(both.events) == len(imputations.events) + len(others.events) + 1
    with pytest.raises(RuntimeError, match="There are no sweeps to diagnose"):
        both.convergence()


def test_rows_keep_labels_that_do_not_just_count():
    one = patients(["a", "b", None], index=["p", "q", "r"])
    two = patients(["a", "b", None], index=["q", "s", "t"])
    both = bm.concat([by_hand(one), by_hand(two)], dim="row")
    assert both.completed(0).index.tolist() == ["p", "q", "r", "q", "s", "t"]


def test_numbers_of_several_dtypes_and_scales_are_put_together(tmp_path):
    one = pd.DataFrame({"x": [1.0, 2, np.nan, 1], "n": [1, 2, 3, 4], "k": [1.0, 2, 1, 2]})
    two = pd.DataFrame({"x": [3.5, np.nan, 1.0], "n": [1.0, np.nan, 3.5], "k": [2.0, np.nan, 1]})
    parts = [by_hand(one), by_hand(two)]
    for order in (parts, parts[::-1]):
        both = bm.concat(order, dim="row")
        same_frames(both, [pd.concat(f, ignore_index=True) for f in zip(*order, strict=True)])
        assert both._store.columns["k"].scale == "binary"
        check_usable(both, tmp_path / "some.nc")


@pytest.mark.parametrize(
    ("other", "text"),
    [
        (
            patients(["a", "b", "d"], "abd"),
            "category [a, b, c] in part 0, and as category [a, b, d",
        ),
        (
            patients(["a", "b", "c"], "cba", ordered=True),
            "category [a, b, c] in part 0, and as category [c < b < a",
        ),
        (patients(["a", "b"], ordered=True), "and as category [a < b < c] in part 1"),
        (patients(["a", "b"]).astype({"kind": object}), "and as object in part 1"),
        (patients(["a", "b"]).rename(columns={"x": "w"}), "part 1 lacks 'x'"),
        (patients(["a", "b"]).assign(x=[True, False]), "'x' as float64 in part 0, and as bool"),
    ],
)
def test_rows_of_other_columns_or_levels_are_refused(other, text):
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        bm.concat([by_hand(patients(["a", "b", "c", None])), by_hand(other)], dim="row")
    assert isinstance(caught.value, BayesMiceError)


def test_categories_without_an_order_can_be_listed_in_any():
    one, two = patients(["a", "b", None, "a"]), patients(["c", None, "b", "b"], "cba")
    parts = [by_hand(one), by_hand(two)]
    both = bm.concat(parts, dim="row")
    same_frames(both, [pd.concat(f, ignore_index=True) for f in zip(*parts, strict=True)])
    assert both.completed(0)["kind"].cat.categories.tolist() == ["a", "b", "c"]


def test_rows_keep_the_cells_that_were_wanted(tmp_path):
    one, two = patients(["a", "b", None, "b"]), patients(["c", None, "b", "c", "b"])
    where = one.isna()
    where.loc[3, "kind"] = True
    filled = one.fillna({"x": 1.0, "kind": "a"})
    filled.loc[3, "kind"] = "c"
    table = pd.concat([one, filled, filled]).assign(**{".imp": np.repeat([0, 1, 2], 4)})
    parts = [bm.from_long(table, id=None, where=where), by_hand(two)]
    both = bm.concat(parts, dim="row")
    same_frames(both, [pd.concat(f, ignore_index=True) for f in zip(*parts, strict=True)])
    assert both.tree["imputations"]["kind_row"].to_numpy().tolist() == [2, 3, 5]
    check_usable(both, tmp_path / "some.nc")


def test_columns_are_put_beside_each_other(imputations, numbers, impute, tmp_path):
    other = impute(numbers.add_suffix(" too"), sweeps=5, random_seed=4)
    both = bm.concat([imputations, other], dim="column")
    expected = [pd.concat(f, axis=1) for f in zip(imputations, other, strict=True)]
    same_frames(both, expected)
    for part in (imputations, other):
        for name in part.tree["conditionals"].children:
            for group in ("posterior", "sample_stats"):
                path = f"conditionals/{name}/{group}"
                found, own = both.tree[path].to_dataset(), part.tree[path].to_dataset()
                xr.testing.assert_identical(found, own)
    assert set(both.tree["sweep_stats"].data_vars) == {"y", "z", "y too", "z too"}
    assert both.convergence().table["variable"].nunique() == 4
    assert "Nothing connects the imputed values" in both.events["message"].iloc[-1]
    check_usable(both, tmp_path / "some.nc")


def test_columns_of_runs_of_other_lengths_are_put_together(imputations, numbers, impute):
    other = impute(numbers.add_suffix("2"), sweeps=2)
    both = bm.concat([imputations, other], dim="column")
    same_frames(both, [pd.concat(f, axis=1) for f in zip(imputations, other, strict=True)])
    assert not both.tree["sweep_stats"].data_vars
    assert both.tree["conditionals/y2/posterior"].sizes["draw"] == 2
    assert set(both.convergence().table["variable"]) == {"y", "z", "y2", "z2"}
    assert both.tree["imputations"]["imputation_sweep"].to_numpy().tolist() == [-1, -1]


def test_weights_of_rows_are_kept_where_all_columns_have_them(numbers, imputations):
    weights = np.linspace(0.5, 1.5, 24)
    weighted = [
        bm.MICE(frame, weights=weights).mice(m=2, sweeps=2, random_seed=1, progressbar=False)
        for frame in (numbers, numbers.add_suffix("2"))
    ]
    both = bm.concat(weighted, dim="column")
    np.testing.assert_array_equal(both.tree["observed_data"]["row_weight"], weights)
    mixed = bm.concat([imputations, weighted[1]], dim="column")
    assert "row_weight" not in mixed.tree["observed_data"].coords
    rows = bm.concat([imputations, weighted[0]], dim="row")
    expected = [*np.ones(24), *weights]
    np.testing.assert_array_equal(rows.tree["observed_data"]["row_weight"], expected)


def test_columns_of_the_same_name_or_other_rows_are_refused():
    one = by_hand(patients(["a", "b", None]))
    for other, text in (
        (patients(["a", None, "b"]), "data has duplicate column names: 'x', 'kind'"),
        (
            patients(["a", "b"]).add_suffix("2"),
            "the index of part 1 (2 rows) is not that of part 0",
        ),
        (patients(["a", "b", "b"], index=[3, 2, 1]).add_suffix("2"), "expects the same rows"),
        (
            patients(["a", "b", "b"])[["x"]].set_axis(["x_row"], axis=1),
            "the columns 'x' and 'x_row'",
        ),
    ):
        with pytest.raises(ValueError, match=re.escape(text)) as caught:
            bm.concat([one, by_hand(other)], dim="column")
        assert isinstance(caught.value, BayesMiceError)


@pytest.mark.parametrize("dim", ["row", "column"])
def test_other_numbers_of_imputations_are_refused(dim):
    original = patients(["a", "b", "b", None])
    with pytest.raises(ValueError, match=re.escape("2 imputations in part 0 and 3 in part 1")):
        bm.concat([by_hand(original), by_hand(original.add_suffix("2"), 3)], dim=dim)


def test_wrong_arguments_of_concat_are_refused(imputations):
    with pytest.raises(ValueError, match="dim='rows'; expected 'imputation', 'row' or 'column'"):
        bm.concat([imputations, imputations], dim="rows")
    with pytest.raises(ValueError, match=re.escape("concat got 1 part(s); expected at least 2")):
        bm.concat([imputations])
    with pytest.raises(TypeError, match="concat got DataFrame as part 1; expected Imputations"):
        bm.concat([imputations, imputations.completed(0)])
    with pytest.raises(TypeError, match="concat got one Imputations; expected a list of them"):
        bm.concat(imputations)

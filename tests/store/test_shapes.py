"""Completed data below each other, beside each other, and as a dataset of xarray.

The completed frames are made by hand, and `from_long` holds them. So what is expected needs none
of the code under test, and nothing is compiled.
"""

import json
import re
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

import bayesmice as bm
from bayesmice.errors import BayesMiceError

R = json.loads((Path(__file__).parent / "reference" / "long_tables.json").read_text())["shapes"]
M = 3
INDEXES = {
    "strings": pd.Index([f"row {i}" for i in range(24)], name="id"),
    "whole numbers": pd.Index(np.arange(24)[::-1] * 7),
    "not unique": pd.Index([1, 2] * 12),
    "all the same": pd.Index(["a"] * 24),
    "of two levels": pd.MultiIndex.from_product([list("ab"), range(12)], names=["group", None]),
    "of two levels, not unique": pd.MultiIndex.from_arrays([["a"] * 24, [1.5] * 24]),
    "days": pd.date_range("2020", periods=24, name="day"),
    "categories": pd.CategoricalIndex(["b", "a"] * 12, categories=["b", "a"], ordered=True),
}


def by_hand(original, m=M):
    """Fill every missing cell with an observed value of its column, another one each time."""
    frames = []
    for imputation in range(m):
        frame = original.copy()
        for name in frame:
            column = frame[name]
            observed = column.dropna().array
            places = np.flatnonzero(column.isna())
            chosen = observed.take((places * 5 + imputation * 7) % len(observed))
            filled = column.array.copy()
            filled[places] = chosen
            frame[name] = pd.Series(filled, index=frame.index, dtype=column.dtype)
        frames.append(frame)
    return frames


def below_each_other(frames, first=0):
    """The same as `long`, by pandas."""
    numbered = []
    for number, frame in enumerate(frames, first):
        table = frame.copy()
        deeper = ("",) * (frame.columns.nlevels - 1)
        table.insert(0, (".imp", *deeper) if deeper else ".imp", number)
        table.insert(1, (".id", *deeper) if deeper else ".id", np.arange(1, len(frame) + 1))
        numbered.append(table)
    return pd.concat(numbered)


def held(original, completed):
    return bm.from_long(below_each_other([original, *completed]))


@pytest.fixture(scope="module")
def original(data):
    arrow = data[["float", "str"]].set_axis(["arrow number", "arrow text"], axis=1)
    arrow = arrow.astype({"arrow number": "double[pyarrow]", "arrow text": "string[pyarrow]"})
    frame = pd.concat([data, arrow], axis=1)
    frame.attrs["source"] = "made up"
    return frame


@pytest.fixture(scope="module")
def completed(original):
    return by_hand(original)


@pytest.fixture(scope="module")
def imputations(original, completed):
    return held(original, completed)


def test_every_dtype_comes_back_in_a_long_table(original, completed, imputations):
    for include, frames, first in ((False, completed, 1), (True, [original, *completed], 0)):
        table = imputations.long(include_original=include)
        expected = below_each_other(frames, first)
        pd.testing.assert_frame_equal(table, expected)
        assert list(table)[:2] == [".imp", ".id"]
        assert table.attrs == {"source": "made up"}
    assert imputations.long()[".imp"].unique().tolist() == [1, 2, 3]


def test_a_stacked_table_has_the_same_rows(completed, imputations):
    stacked = imputations.stacked()
    pd.testing.assert_frame_equal(stacked, pd.concat(completed))
    pd.testing.assert_frame_equal(stacked, imputations.long().iloc[:, 2:])
    assert stacked.attrs == {"source": "made up"}


def test_a_wide_table_has_the_same_columns(original, completed, imputations):
    wide = imputations.wide()
    expected = pd.concat([f.add_suffix(f".{i}") for i, f in enumerate(completed, 1)], axis=1)
    pd.testing.assert_frame_equal(wide, expected)
    assert wide.attrs == {"source": "made up"}


def test_all_shapes_hold_the_completed_data(imputations):
    long, stacked, wide = imputations.long(), imputations.stacked(), imputations.wide()
    n_rows = len(stacked) // M
    for i, frame in enumerate(imputations.data):
        own = long[long[".imp"] == i + 1].drop(columns=[".imp", ".id"])
        pd.testing.assert_frame_equal(own, frame, check_index_type=False)
        part = stacked.iloc[i * n_rows : (i + 1) * n_rows]
        pd.testing.assert_frame_equal(part, frame, check_index_type=False)
        beside = wide[[f"{name}.{i + 1}" for name in frame]].set_axis(frame.columns, axis=1)
        pd.testing.assert_frame_equal(beside, frame)


@pytest.mark.parametrize("rows", R)
def test_names_and_numbers_are_those_of_r(rows):
    r = R[rows]
    original = pd.DataFrame({"age": [1.0, 2, 3, 1], "bmi": [None, 22.7, None, 20.4]})
    original = original.assign(hyp=[np.nan, 1, 2, np.nan], chl=[180.0, 187, np.nan, np.nan])
    original.index = pd.Index([int(row) if row.isdigit() else row for row in r["rows"]])
    imputations = held(original, by_hand(original, 2))
    long = imputations.long(include_original=True)
    assert list(long) == r["columns"]
    assert long[".imp"].tolist() == r["imp"]
    assert long[".id"].tolist() == r["id"]
    assert len(imputations.long()) == r["without"]
    assert list(imputations.wide()) == r["broad"]
    assert list(imputations.stacked().shape) == r["stacked"]
    assert long.index.tolist() == original.index.tolist() * 3  # R drops the names of rows


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES.keys())
def test_the_index_is_kept_with_its_type(index):
    rng = np.random.default_rng(3)
    original = pd.DataFrame({"x": rng.normal(size=24), "y": rng.normal(size=24)}, index=index)
    original.iloc[2:5, 0] = np.nan
    completed = by_hand(original)
    imputations = held(original, completed)
    repeated = pd.concat([original] * M).index
    for table in (imputations.long(), imputations.stacked()):
        pd.testing.assert_index_equal(table.index, repeated, exact=True)
    assert imputations.wide().index.equals(index)
    assert imputations.wide().index.names == index.names
    assert imputations.long()[".id"].tolist() == [*range(1, 25)] * M
    pd.testing.assert_frame_equal(imputations.stacked(), pd.concat(completed))


def test_levels_of_column_labels_and_labels_that_are_no_strings_are_kept():
    tuples = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["u", "v"])
    for labels in (tuples, pd.Index([0, 1], name="n")):
        original = pd.DataFrame([[1.0, 2.5], [np.nan, 3.0], [4.0, 0.5]], columns=labels)
        completed = by_hand(original)
        imputations = held(original, completed)
        assert imputations.stacked().columns.identical(labels)
        assert imputations.long().iloc[:, 2:].columns.tolist() == labels.tolist()
        pd.testing.assert_frame_equal(imputations.long(), below_each_other(completed, 1))
        assert list(imputations.wide())[:2] == [f"{label}.1" for label in labels]


def test_a_column_that_a_long_table_adds_is_refused():
    original = pd.DataFrame({".id": ["p", "q", "r"], "x": [1.0, np.nan, 3.0]})
    table = below_each_other([original.rename(columns={".id": "who"})] * 2).fillna({"x": 2.0})
    table.loc[(table[".imp"] == 0) & (table["who"] == "q"), "x"] = np.nan
    named = table.rename(columns={".imp": "n", ".id": "k", "who": ".id"})
    imputations = bm.from_long(named, imp="n", id="k")
    text = "A long table has the columns '.imp' and '.id' of its own, and the data have a column"
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        imputations.long()
    assert isinstance(caught.value, BayesMiceError)
    assert list(imputations.stacked()) == [".id", "x"]
    deep = pd.MultiIndex.from_product([["n", "k", ".imp", "x"], [""]])
    deeper = bm.from_long(named.set_axis(deep, axis=1), imp="n", id="k")
    with pytest.raises(ValueError, match=re.escape("the data have a column '.imp' too")):
        deeper.long()


def test_a_table_can_be_changed_without_changing_imputations(imputations):
    before = imputations.completed(0)
    for table in (imputations.long(), imputations.stacked(), imputations.wide()):
        table.loc[:] = table.iloc[::-1].to_numpy()
    pd.testing.assert_frame_equal(imputations.completed(0), before)


def test_a_dataset_holds_the_completed_data(original, completed, imputations):
    dataset = imputations.to_dataset()
    assert dict(dataset.sizes) == {"imputation": M, "row": 24}
    assert list(dataset.data_vars) == list(original)
    assert dataset["complete int"].dims == ("row",)
    for name, array in dataset.drop_vars("complete int").items():
        assert array.dims == ("imputation", "row")
        for i, frame in enumerate(completed):
            values = array.to_numpy()[i]
            if "levels" in array.attrs:
                assert values.dtype == np.int8
                values = [json.loads(array.attrs["levels"])[code] for code in values]
            assert list(values) == frame[name].tolist()


def test_a_dataset_describes_levels_as_the_tree_does(imputations):
    dataset, tree = imputations.to_dataset(), imputations.tree["imputations"]
    for name in tree.data_vars:
        for attribute in ("long_name", "scale", "flag_meanings", "levels"):
            assert dataset[name].attrs.get(attribute) == tree[name].attrs.get(attribute)
    assert dataset["my stage"].attrs["flag_meanings"] == "stage_0 I II"
    assert dataset["my stage"].attrs["flag_values"].tolist() == [0, 1, 2]
    assert dataset["Int64"].dtype == dataset["complete int"].dtype == np.int64


def test_a_dataset_has_the_index_as_coordinates():
    index = pd.MultiIndex.from_arrays([list("aabb"), [4, 3, 2, 1]], names=["group", None])
    original = pd.DataFrame({"x": [1.0, np.nan, 3.0, 4.0]}, index=index)
    dataset = held(original, by_hand(original)).to_dataset()
    assert dataset["index_level_0"].to_numpy().tolist() == list("aabb")
    assert dataset["index_level_1"].to_numpy().tolist() == [4, 3, 2, 1]
    assert dataset["index_level_0"].attrs["long_name"] == "group"
    assert dataset["x"].groupby("index_level_0").mean("row").sizes["index_level_0"] == 2
    assert set(held(original.reset_index(drop=True), by_hand(original)).to_dataset().coords) == {
        "imputation",
        "row",
    }


def test_large_whole_numbers_are_exact_in_every_shape():
    exact = [2**60 + i for i in range(3)]
    original = pd.DataFrame({"n": exact, "x": [1.0, np.nan, 2.0]})
    imputations = held(original, by_hand(original))
    assert imputations.stacked()["n"].tolist() == exact * M
    assert imputations.wide()["n.2"].tolist() == exact
    assert imputations.to_dataset()["n"].to_numpy().tolist() == exact


def test_a_long_table_is_made_without_completed_frames_on_the_way():
    n_rows, m = 20_000, 10
    rng = np.random.default_rng(2)
    original = pd.DataFrame(rng.normal(size=(n_rows, 6)), columns=list("abcdef"))
    original.loc[::5, ["a", "b"]] = np.nan
    imputations = held(original, by_hand(original, m))
    size = imputations.long().memory_usage(deep=True).sum()
    tracemalloc.start()
    imputations.long()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.6 * size


def test_pooled_estimates_are_the_same_from_every_shape(original, imputations):
    def fit(frame):
        return smf.ols("Float64 ~ float32 + Int64", frame.astype({"Int64": float})).fit()

    by_object = imputations.analyze(fit, progressbar=False).pool().table
    by_list = bm.pool([fit(frame) for frame in imputations.data]).table
    by_table = bm.pool([fit(part) for _, part in imputations.long().groupby(".imp")]).table
    pd.testing.assert_frame_equal(by_list, by_object)
    pd.testing.assert_frame_equal(by_table, by_object)
    assert by_object["fmi"].gt(0).all()

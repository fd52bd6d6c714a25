"""Bounds of columns and limits of cells: what is read, and what is refused."""

import re

import numpy as np
import pandas as pd
import pytest

from bayesmice.data import encode, limit_names, limits_within_bounds, read_bounds, read_limits
from bayesmice.errors import BayesMiceError
from bayesmice.scheduler import initial_fill

NAN, INF = np.nan, np.inf


def store_of(**columns):
    return encode(pd.DataFrame(columns))


@pytest.fixture
def store():
    return store_of(
        x=[1.0, 2.0, NAN, 4.0, NAN],
        k=pd.array([3, 5, None, 7, 9], dtype="Int64"),
        kind=["a", "b", "c", None, "a"],
        flag=[0, 1, 0, 1, 0],
    )


def limits_of(store, name="x"):
    column = store.columns[name]
    return [] if column.limits is None else [limit.tolist() for limit in column.limits]


def refused(read, store, given, text):
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        read(store, given)
    assert isinstance(caught.value, BayesMiceError)


@pytest.mark.parametrize(
    ("pair", "read"),
    [
        ((0, 10), (0.0, 10.0)),
        ([None, 10], (-INF, 10.0)),
        ((np.float32(0.5), None), (0.5, INF)),
        ((1, 4), (1.0, 4.0)),
        ((None, None), (-INF, INF)),
        ((-INF, INF), (-INF, INF)),
    ],
    ids=str,
)
def test_bounds_are_read_as_numbers_and_include_the_observed_values(store, pair, read):
    assert read_bounds(store, {"x": pair}) == {"x": read}


BOUNDS = {
    "no mapping": ([("x", (0, 1))], "bounds is list; expected a mapping from column names to"),
    "unknown": ({"w": (0, 1)}, "bounds names 'w', which is not a column of data. Columns: x, k,"),
    "nominal": ({"kind": (0, 1)}, "bounds names 'kind', which is nominal; only continuous"),
    "binary": ({"flag": (0, 1)}, "bounds names 'flag', which is binary; only continuous"),
    "a number": ({"x": 5}, "bounds of 'x' is 5; expected a pair (lower, upper), with None"),
    "three": ({"x": (0, 1, 2)}, "bounds of 'x' is (0, 1, 2); expected a pair"),
    "text": ({"x": ("0", 9)}, "A bound of 'x' is '0'; expected a number or None"),
    "a boolean": ({"x": (False, 9)}, "A bound of 'x' is False; expected a number or None"),
    "NaN": ({"x": (NAN, 9)}, "A bound of 'x' is NaN; expected a number or None"),
    "an array": ({"x": (np.zeros(5), 9)}, "expected a number or None; limits of single cells"),
    "wrong order": ({"x": (9, 0)}, "bounds of 'x' are 9 and 0; expected the lower one first"),
    "equal": ({"x": (4, 4)}, "bounds of 'x' are 4 and 4; expected the lower one first"),
    "below": ({"x": (1.5, None)}, "bounds of 'x' are 1.5 and inf, but 1 observed values lie outs"),
    "above": ({"x": (None, 1.5)}, "2 observed values lie outside, such as 2. Widen the bounds"),
    "no whole number": ({"k": (3.2, 3.8)}, "with whole numbers between them"),
}


@pytest.mark.parametrize(("given", "text"), BOUNDS.values(), ids=BOUNDS.keys())
def test_bounds_that_cannot_be_are_refused(store, given, text):
    refused(read_bounds, store, given, text)


def test_numbers_within_bounds_of_whole_numbers_stay_there_when_they_are_rounded(store):
    for given in ((0.2, 9.9), (-0.5, 10.5), (2.5, 9), (3, None), (2.999, 1e6)):
        lower, upper = read_bounds(store, {"k": given})["k"]
        low, high = given[0], INF if given[1] is None else given[1]
        assert low <= lower
        assert upper <= high
        assert low <= np.rint(lower)
        assert np.rint(min(upper, 1e9)) <= high
    assert read_bounds(store, {"k": (-0.5, 10)})["k"] == pytest.approx((-0.5, 10))


def test_limits_by_row_mark_their_cells_as_missing_and_leave_the_others(store):
    lower = np.array([NAN, NAN, 2.5, 3.5, NAN])
    read = read_limits(store, {"x": (lower, [NAN, NAN, INF, 4.5, NAN])})
    assert limits_of(read) == [[-INF, -INF, 2.5, 3.5, -INF], [INF, INF, INF, 4.5, INF]]
    column = read.columns["x"]
    np.testing.assert_array_equal(column.values, [1.0, 2.0, NAN, NAN, NAN])
    np.testing.assert_array_equal(column.is_limited, [False, False, True, True, False])
    assert column.missing_rows.tolist() == [2, 3, 4]
    assert limits_of(store) == []
    assert read.columns["k"] is store.columns["k"]


@pytest.mark.parametrize(
    "upper",
    [
        [NAN, NAN, 0.5, NAN, 0.5],
        [None, None, 0.5, None, 0.5],
        (INF, INF, 0.5, INF, 0.5),
        pd.array([None, None, 0.5, None, 0.5], dtype="Float64"),
        pd.Series([None, None, 0.5, None, 0.5]),
        pd.Series([None, None, 0.5, None, 0.5], dtype="Float64"),
        np.array([NAN, NAN, 0.5, NAN, 0.5], dtype=np.float32),
        0.5,
        np.float64(0.5),
    ],
    ids=["NaN", "None", "infinity", "Float64", "Series", "Series of Float64", "float32", "number",
         "NumPy number"],
)  # fmt: skip
def test_limits_may_come_in_many_forms_and_a_number_is_for_missing_cells(store, upper):
    read = read_limits(store, {"x": (None, upper)})
    assert limits_of(read) == [[-INF] * 5, [INF, INF, 0.5, INF, 0.5]]


@pytest.mark.parametrize("pair", [(None, None), (NAN, NAN), ([NAN] * 5, None), ([INF] * 5, -INF)])
def test_limits_that_say_nothing_change_nothing(store, pair):
    assert limits_of(read_limits(store, {"x": pair})) == []


def test_heaped_cells_lose_their_recorded_value_to_their_limits():
    store = store_of(age=[31, 40, 42, 50])
    read = read_limits(store, {"age": ([NAN, 37.5, NAN, 47.5], [NAN, 42.5, NAN, 52.5])})
    np.testing.assert_array_equal(read.columns["age"].values, [31, NAN, 42, NAN])
    assert read.frame["age"].tolist() == [31, 40, 42, 50]
    assert [limit[1] for limit in limits_of(read, "age")] == [37.5 + 2**-47, 42.5 - 2**-47]


LIMITS = {
    "no mapping": (3, "limits is int; expected a mapping from column names to (lower, upper)"),
    "unknown": ({"w": (0, 1)}, "limits names 'w', which is not a column of data"),
    "nominal": ({"kind": (0, 1)}, "limits names 'kind', which is nominal"),
    "an array": ({"x": np.zeros((2, 5))}, "expected a pair (lower, upper)"),
    "text": ({"x": ("a", None)}, "A limit of 'x' is 'a'; expected a number for all missing cells"),
    "texts": ({"x": (list("abcde"), None)}, "A limit of 'x' cannot be read as numbers: could not"),
    "too few": (
        {"x": ([1.0, 2.0], None)},
        "A limit of 'x' has shape (2,); expected one number per",
    ),
    "two columns": ({"x": (np.zeros((5, 1)), None)}, "A limit of 'x' cannot be read as numbers"),
    "another index": (
        {"x": (pd.Series(np.zeros(5), index=range(1, 6)), None)},
        "A limit of 'x' is a Series whose index differs from that of data",
    ),
    "wrong order": ({"x": (3, 2)}, "limits of 'x' in row 2 are 3 and 2; expected the lower one"),
    "equal": ({"x": (3, 3)}, "A value that is known exactly belongs in the column."),
    "outside": (
        {"x": ([NAN, 2.5, NAN, NAN, NAN], None)},
        "limits of 'x' in row 1 are 2.5 and inf; the value recorded there lies outside. Correct",
    ),
    "no whole number": (
        {"k": (2.2, 2.9)},
        "limits of 'k' in row 2 are 2.2 and 2.9; the column holds whole numbers, and none lies",
    ),
}


@pytest.mark.parametrize(("given", "text"), LIMITS.values(), ids=LIMITS.keys())
def test_limits_that_cannot_be_are_refused(store, given, text):
    refused(read_limits, store, given, text)


def test_names_of_limits_in_the_tree_must_be_free():
    assert limit_names("my x") == ("my_x_lower_limit", "my_x_upper_limit")
    store = store_of(x=[1.0, NAN, 3.0, 7.0], x_lower_limit=[1.0, 2.0, 4.0, 5.0])
    text = "limits names 'x', whose limits are called 'x_lower_limit' in the tree of results"
    refused(read_limits, store, {"x": (0, None)}, text)
    store = store_of(**{"my x": [1.0, NAN, 3.0, 7.0], "my_x": [1.0, NAN, 4.0, 8.0]})
    refused(read_limits, store, {"my x": (0, None), "my_x": (0, None)}, "limits names 'my_x'")


def test_limits_end_at_the_bounds_of_their_column(store):
    limited = read_limits(store, {"x": ([NAN, NAN, -5, NAN, NAN], [NAN, 3, 0.5, NAN, NAN])})
    bounds = read_bounds(limited, {"x": (0, 10)})
    within = limits_within_bounds(limited, bounds)
    assert limits_of(within) == [[-INF, 0, 0, -INF, -INF], [INF, 3, 0.5, INF, INF]]
    text = "bounds of 'x' are 0.5 and 10, but its limits in row 2 are -5 and 0.5. Correct one"
    refused(read_bounds, limited, {"x": (0.5, 10)}, text)


def test_a_cell_is_represented_by_a_value_within_its_limits():
    store = store_of(x=[1.0, 2.0, 9.0, *[NAN] * 5])
    lower = [*[NAN] * 3, 4, NAN, 5, 0, NAN]
    upper = [*[NAN] * 3, 6, 0.5, NAN, NAN, NAN]
    column = read_limits(store, {"x": (lower, upper)}).columns["x"]
    np.testing.assert_array_equal(column.within_limits, [*[NAN] * 3, 5, 0.5, 5, 2, NAN])
    assert column.known_values.tolist() == [1, 2, 9, 5, 0.5, 5, 2]
    assert column.has_limits
    assert not store.columns["x"].has_limits


def test_the_initial_fill_lies_within_the_limits():
    rng = np.random.default_rng()
    values = np.where(rng.random(500) < 0.4, rng.normal(size=500), NAN)
    lower = np.where(rng.random(500) < 0.5, rng.normal(scale=4, size=500), -INF)
    upper = lower + rng.exponential(size=500)
    open_above = rng.random(500) < 0.5
    upper[open_above] = INF
    is_free = rng.random(500) < 0.3
    lower[is_free | ~np.isnan(values)], upper[is_free | ~np.isnan(values)] = NAN, NAN
    store = read_limits(store_of(x=values), {"x": (lower, upper)})
    cells = initial_fill(store, 1, [0, 1])["x"]
    rows = store.columns["x"].missing_rows
    low, high = (limit[rows] for limit in store.columns["x"].limits)
    assert ((cells >= low) & (cells <= high)).all()
    assert np.isfinite(cells).all()
    observed = store.columns["x"].observed_values
    has_observed = ((observed >= low[:, None]) & (observed <= high[:, None])).any(axis=1)
    assert np.isin(cells[:, has_observed], observed).all()
    assert has_observed.any()
    assert not has_observed.all()


def test_a_column_of_limits_only_is_filled_within_them():
    store = store_of(x=[1.0, 5.0, 9.0])
    column = read_limits(store, {"x": ([0, 4, 8], [2, 6, 10])}).columns["x"]
    assert len(column.observed_values) == 0
    assert column.known_values.tolist() == [1, 5, 9]
    assert not column.is_constant
    cells = initial_fill(store.with_columns({"x": column}), 1, range(3))["x"]
    assert ((cells >= [0, 4, 8]) & (cells <= [2, 6, 10])).all()

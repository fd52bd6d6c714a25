"""Columns of several data sets in the same terms, and below each other."""

import numpy as np
import pandas as pd
import pytest

from bayesmice.data import Scale
from bayesmice.data.columns import decode, encode_column, recode
from bayesmice.data.joining import below_each_other, common_terms

LETTERS = pd.CategoricalDtype(["c", "a", "b"])
ORDERED = pd.CategoricalDtype(["low", "mid", "high"], ordered=True)
CASES = {
    "text": (["b", None, "a"], ["c", "c"], "str", Scale.NOMINAL, ("a", "b", "c")),
    "two texts": (["b", None], ["a", "b"], "str", Scale.BINARY, ("a", "b")),
    "categories": (["b", None, "a"], ["c", "a"], LETTERS, Scale.NOMINAL, ("c", "a", "b")),
    "ordered": (["mid"], ["low", "high", None], ORDERED, Scale.ORDINAL, ("low", "mid", "high")),
    "booleans": ([True, None], [False, True], "boolean", Scale.BINARY, (False, True)),
    "two numbers": ([2.0, 7.0, None], [7.0, 2.0], float, Scale.BINARY, (2.0, 7.0)),
    "other two numbers": ([2.0, 7.0, None], [7.0, 3.0], float, Scale.CONTINUOUS, ()),
    "two numbers and more": ([2.0, 7.0, None], [1.5, 2.5, 7.0], float, Scale.CONTINUOUS, ()),
    "whole numbers": ([1, 2, None], [1, 2, 3], "Int64", Scale.CONTINUOUS, ()),
}


@pytest.mark.parametrize(("one", "two", "dtype", "scale", "levels"), CASES.values(), ids=CASES)
def test_columns_are_read_in_common_terms(one, two, dtype, scale, levels):
    series = [pd.Series(values, dtype=dtype) for values in (one, two)]
    for order in (series, series[::-1]):
        parts = [encode_column(own, "k") for own in order]
        joined = below_each_other(common_terms(parts, order[0].dtype))
        whole = pd.concat(order, ignore_index=True)
        assert (joined.scale, joined.levels) == (scale, levels)
        observed = whole.dropna()
        decoded = decode(joined, joined.observed_values, whole.dtype)
        assert decoded.tolist() == observed.tolist()
        assert np.flatnonzero(joined.observed).tolist() == observed.index.tolist()


def test_codes_of_a_part_become_codes_of_all():
    one, two = (encode_column(pd.Series(list(text)), "k") for text in ("bda", "cab"))
    terms, _ = common_terms([one, two], pd.Series(["a"]).dtype)
    codes = np.array([[0.0, 2.0], [1.0, np.nan]])
    assert recode(codes, one, one) is codes
    np.testing.assert_array_equal(recode(codes, one, terms), [[0, 3], [1, np.nan]])


def test_what_is_known_of_cells_and_rows_is_put_below_each_other():
    plain = encode_column(pd.Series([1.0, None, 2.5]), "k")
    known = encode_column(pd.Series([0.5, 4.0, 3.0]), "k")
    limited = known.with_limits(np.array([-np.inf, 3.0, -np.inf]), np.array([1.0, np.inf, np.inf]))
    special = limited.with_where(np.array([True, False, True]))
    weighed = special.with_weights(np.array([2.0, 0.0, 1.0]))
    joined = below_each_other([plain, weighed])
    assert joined.limits[0].tolist() == [-np.inf] * 4 + [3.0, -np.inf]
    assert joined.limits[1].tolist() == [np.inf] * 3 + [1.0, np.inf, np.inf]
    assert joined.wanted_rows.tolist() == [1, 3, 5]
    assert joined.row_weights.tolist() == [1, 1, 1, 2, 0, 1]
    alone = below_each_other([plain, known])
    assert (alone.limits, alone.where, alone.weights) == (None, None, None)


def test_columns_are_the_same_if_all_is_known_alike_of_them():
    column = encode_column(pd.Series([1.0, None, 2.5]), "k")
    assert column.is_same(encode_column(pd.Series([1.0, None, 2.5]), "k"))
    limits = np.array([-np.inf, 0.0, -np.inf]), np.full(3, np.inf)
    for other in (
        encode_column(pd.Series([1.0, None, 2.0]), "k"),
        encode_column(pd.Series([1.0, 3.0, 2.5]), "k"),
        column.with_where(np.array([True, True, False])),
        column.with_weights(np.array([1.0, 1.0, 2.0])),
        column.with_limits(*limits),
    ):
        assert not column.is_same(other)
        assert not other.is_same(column)
    lower = column.with_limits(np.array([-np.inf, -1.0, -np.inf]), limits[1])
    assert not column.with_limits(*limits).is_same(lower)

"""Measurement scales: what the dtype and the observed values say a column is."""

import datetime
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from bayesmice.data import Scale, measurement_scale
from bayesmice.errors import BayesMiceError

LEVELS = ["low", "high", None, "mid", "low"]

CONTINUOUS = {
    "float64": pd.Series([1.5, np.nan, 2.0, 7.0]),
    "float32": pd.Series([1.5, np.nan, 2.0, 7.0], dtype="float32"),
    "Float64": pd.Series([1.5, None, 2.0, 7.0], dtype="Float64"),
    "int64": pd.Series([3, 1, 2]),
    "uint8": pd.Series([3, 1, 2], dtype="uint8"),
    "Int64": pd.Series([3, None, 1, 2], dtype="Int64"),
    "double[pyarrow]": pd.Series([1.5, None, 2.0, 7.0], dtype="double[pyarrow]"),
    "uint8[pyarrow]": pd.Series([3, None, 1, 2], dtype="uint8[pyarrow]"),
    "one value": pd.Series([4.0, np.nan, 4.0]),
}
BINARY = {
    "bool": pd.Series([True, False, True]),
    "bool with one value": pd.Series([True, True]),
    "boolean": pd.Series([True, None, False], dtype="boolean"),
    "boolean with one value": pd.Series([True, None], dtype="boolean"),
    "object of booleans": pd.Series([True, None, False], dtype=object),
    "bool[pyarrow]": pd.Series([True, None, False], dtype="bool[pyarrow]"),
    "two values of Arrow, and NaN": pd.Series(
        pd.arrays.ArrowExtensionArray(pa.array([1.5, float("nan"), None, 7.0]))
    ),
    "0 and 1": pd.Series([0, 1, 1]),
    "two floats": pd.Series([1.5, np.nan, 7.0, 7.0]),
    "two Int64": pd.Series([1, None, 2], dtype="Int64"),
    "two strings": pd.Series(["no", "yes", None]),
    "two unordered categories": pd.Series(["no", "yes", None], dtype="category"),
    "two ordered categories": pd.Series(pd.Categorical(["lo", "hi", None], ordered=True)),
    "two of three categories": pd.Series(
        pd.Categorical(["a", "b", None], categories=["a", "b", "c"])
    ),
    "categories of booleans": pd.Series(pd.Categorical([True, False, None])),
}
NOMINAL = {
    "str": pd.Series(LEVELS, dtype="str"),
    "string": pd.Series(LEVELS, dtype="string"),
    "string[pyarrow]": pd.Series(LEVELS, dtype=pd.ArrowDtype(pa.string())),
    "object of strings": pd.Series(LEVELS, dtype=object),
    "unordered categories": pd.Series(LEVELS, dtype="category"),
    "unordered numbers": pd.Series(pd.Categorical([1, 2, 3])),
    "one string": pd.Series(["a", None, "a"]),
    "one object": pd.Series(["a", None, "a"], dtype=object),
}
ORDINAL = {
    "ordered categories": pd.Series(pd.Categorical(LEVELS, ordered=True)),
    "ordered numbers": pd.Series(pd.Categorical([1, 2, 3], ordered=True)),
    "one ordered category": pd.Series(pd.Categorical(["a", None], ordered=True)),
}


def cases(groups):
    return [
        pytest.param(series, scale, id=name)
        for scale, group in groups.items()
        for name, series in group.items()
    ]


@pytest.mark.parametrize(
    ("series", "scale"),
    cases(
        {
            Scale.CONTINUOUS: CONTINUOUS,
            Scale.BINARY: BINARY,
            Scale.NOMINAL: NOMINAL,
            Scale.ORDINAL: ORDINAL,
        }
    ),
)
def test_every_dtype_has_the_scale_that_the_documentation_says(series, scale):
    assert measurement_scale(series) is scale


def test_observed_values_decide_what_is_two_valued_and_missing_ones_do_not_count():
    assert measurement_scale(pd.Series([0.0, 1.0, np.nan])) is Scale.BINARY
    assert measurement_scale(pd.Series([0.0, 1.0, 2.0])) is Scale.CONTINUOUS


@pytest.mark.parametrize(
    ("series", "dtype"),
    [
        (pd.Series(pd.period_range("2020", periods=3, freq="M")), "period"),
        (pd.Series([1 + 2j, 3j, 1j]), "complex128"),
        (pd.Series(["1.5", "2.5"]).astype(pd.ArrowDtype(pa.decimal128(10, 2))), "decimal128"),
        (pd.Series([b"1", b"2"], dtype=pd.ArrowDtype(pa.binary())), "binary"),
        (pd.Series([1, 2], dtype="int64").astype(pd.ArrowDtype(pa.time64("us"))), "time64"),
    ],
    ids=["period", "complex", "decimal", "bytes of Arrow", "time of day"],
)
def test_dtypes_that_no_model_describes_are_refused_by_name(series, dtype):
    with pytest.raises(ValueError, match=rf"Column 'when' has dtype .*{dtype}") as caught:
        measurement_scale(series.rename("when"))
    assert isinstance(caught.value, BayesMiceError)
    assert "Convert it to numbers or categories, or leave it out" in str(caught.value)


@pytest.mark.parametrize(
    ("values", "content"),
    [([1, 2, None, 3], "integer"), ([1.5, 2.5, None], "floating"), ([1, 2.5, 3], "mixed-integer")],
    ids=["int", "float", "both"],
)
def test_numbers_in_an_object_column_are_refused_with_the_conversion(values, content):
    with pytest.raises(ValueError, match=f"dtype object but holds numbers .{content}") as caught:
        measurement_scale(pd.Series(values, dtype=object, name="age"))
    assert isinstance(caught.value, BayesMiceError)
    assert "data['age'].astype(float)" in str(caught.value)


@pytest.mark.parametrize(
    ("values", "kinds", "remedy"),
    [
        ([[1, 2], [3], None], "list values, such as [1, 2]", "leave it out of the data"),
        ([pd.DataFrame({"a": [1]}), None], "DataFrame values, such as a 0 1", "leave it out"),
        ([datetime.date(2020, 1, 1), None], "date values, such as datetime", "pd.to_datetime"),
        ([b"a", b"b", b"c"], "bytes values, such as b'a'", ".str.decode('utf-8')"),
        (["a", 1, "b"], "str and int values, such as 1", ".map(str, na_action='ignore')"),
        (
            ["a", True, None, "b"],
            "str and bool values, such as 'a'",
            ".map(str, na_action='ignore')",
        ),
    ],
    ids=["lists", "tables", "dates", "bytes", "strings and numbers", "strings and booleans"],
)
def test_other_objects_are_refused_by_their_type(values, kinds, remedy):
    column = pd.Series(index=range(len(values)), dtype=object, name="odd")
    for row, value in enumerate(values):
        column.iat[row] = value
    with pytest.raises(ValueError, match=rf"Column 'odd' .*holds {re.escape(kinds)}") as caught:
        measurement_scale(column)
    assert isinstance(caught.value, BayesMiceError)
    assert "expected either strings or booleans" in str(caught.value)
    assert remedy in str(caught.value)

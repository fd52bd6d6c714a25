"""Dtypes beyond NumPy's: what is missing in them, and what libraries of models get instead."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from bayesmice.data.dtypes import as_numpy, missing_cells

NAN = float("nan")
ARROW_FLOATS = pd.Series(pd.arrays.ArrowExtensionArray(pa.array([1.0, NAN, None])))


@pytest.mark.parametrize(
    "series",
    [
        ARROW_FLOATS,
        pd.Series([1.0, NAN, None]),
        pd.Series([1.0, None, pd.NA], dtype="Float64"),
        pd.Series([1, None, pd.NA], dtype="Int8"),
        pd.Series([True, None, NAN], dtype=object),
        pd.Series(["a", None, NAN]),
        pd.Series([True, None, None], dtype="bool[pyarrow]"),
        pd.Series(pd.Categorical(["a", None, NAN])),
        pd.Series(pd.to_datetime(["2020", None, pd.NaT])),
    ],
    ids=lambda series: str(series.dtype),
)
def test_every_marker_of_a_missing_cell_counts(series):
    assert missing_cells(series).tolist() == [False, True, True]


COMPLETE = {
    "Int8": (pd.Series([1, 2], dtype="Int8"), "int8"),
    "Float32": (pd.Series([1.5, 2], dtype="Float32"), "float32"),
    "boolean": (pd.Series([True, False], dtype="boolean"), "bool"),
    "double[pyarrow]": (pd.Series([1.5, 2], dtype="double[pyarrow]"), "float64"),
    "uint16[pyarrow]": (pd.Series([1, 2], dtype="uint16[pyarrow]"), "uint16"),
    "bool[pyarrow]": (pd.Series([True, False], dtype="bool[pyarrow]"), "bool"),
    "string[pyarrow]": (pd.Series(["a", "b"], dtype=pd.ArrowDtype(pa.string())), "str"),
    "dictionary": (
        pd.Series(pd.arrays.ArrowExtensionArray(pa.array(["b", "a"]).dictionary_encode())),
        "category",
    ),
    "timestamp": (
        pd.Series([0, 1]).astype(pd.ArrowDtype(pa.timestamp("us", "UTC"))),
        "datetime64[us, UTC]",
    ),
    "category": (pd.Series(["a", "b"], dtype="category"), "category"),
    "object": (pd.Series(["a", "b"], dtype=object), "object"),
}


@pytest.mark.parametrize(("series", "dtype"), COMPLETE.values(), ids=COMPLETE.keys())
def test_complete_columns_get_dtypes_that_libraries_of_models_know(series, dtype):
    frame = pd.DataFrame({("a", 1): series.set_axis([3, 3]), ("b", 2): [0.5, 1.5]}, index=[3, 3])
    plain = as_numpy(frame)
    assert plain.columns.equals(frame.columns)
    assert plain.index.equals(frame.index)
    assert plain.dtypes.astype(str).tolist() == [dtype, "float64"]
    assert plain.iloc[:, 0].tolist() == series.tolist()


def test_incomplete_columns_keep_their_values():
    frame = pd.DataFrame(
        {
            "whole": pd.array([1, None], dtype="Int64"),
            "arrow": pd.array([1, None], dtype="int8[pyarrow]"),
            "float": pd.array([1.5, None], dtype="Float32"),
            "flag": pd.array([True, None], dtype="boolean"),
        }
    )
    plain = as_numpy(frame)
    assert plain.dtypes.astype(str).tolist() == ["float64", "float64", "float32", "object"]
    np.testing.assert_array_equal(plain.isna(), frame.isna())

"""A frame with every dtype that bayesmice reads."""

import numpy as np
import pandas as pd
import pytest

COLUMNS = {
    "float": pd.Series([1.5, np.nan, 2.0, 7.0, -3.0, 0.1]),
    "float32": pd.Series([1.5, np.nan, 2.0, 7.0, -3.0, 0.1], dtype="float32"),
    "Float64": pd.Series([1.5, None, 2.0, 7.0, -3.0, 0.1], dtype="Float64"),
    "int": pd.Series([3, 1, 4, 1, 5, 9]),
    "Int64": pd.Series([3, None, 4, 1, 5, 9], dtype="Int64"),
    "bool": pd.Series([True, False, True, True, False, False]),
    "boolean": pd.Series([True, None, True, True, False, False], dtype="boolean"),
    "objects of bool": pd.Series([True, None, True, True, False, False], dtype=object),
    "two floats": pd.Series([2.5, np.nan, 7.5, 7.5, 2.5, 2.5]),
    "two Int64": pd.Series([1, None, 2, 2, 1, 1], dtype="Int64"),
    "str": pd.Series(["b", None, "a", "c", "c", "b"], dtype="str"),
    "string": pd.Series(["b", None, "a", "c", "c", "b"], dtype="string"),
    "object": pd.Series(["b", None, "a", "c", "c", "b"], dtype=object),
    "category": pd.Series(pd.Categorical(["b", None, "a", "c", "c", "b"])),
    "category of numbers": pd.Series(pd.Categorical([20, None, 3, 1, 1, 20])),
    "ordered": pd.Series(
        pd.Categorical(["mid", None, "low", "high", "low", "mid"], ["low", "mid", "high"], True)
    ),
}


@pytest.fixture
def every_dtype():
    return pd.DataFrame({name: column.copy() for name, column in COLUMNS.items()})


@pytest.fixture
def half_used():
    """'high' before 'low', and two categories that no row shows."""
    categories = ["never", "high", "low", "nor this"]
    values = ["low", None, "high", "low", "high", "low"]
    return pd.Series(pd.Categorical(values, categories, ordered=True))

"""What a frame must be before anything is computed from it."""

import re

import numpy as np
import pandas as pd
import pytest

from bayesmice.data import check_frame, encode
from bayesmice.errors import BayesMiceError, DataError


def refused(frame, builtin, text):
    with pytest.raises(builtin, match=re.escape(text)) as caught:
        check_frame(frame)
    assert isinstance(caught.value, BayesMiceError)
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (np.zeros((3, 2)), "ndarray"),
        ([[1.0, 2.0]], "list"),
        ({"x": [1.0]}, "dict"),
        (pd.Series([1.0]), "Series"),
        (None, "NoneType"),
    ],
    ids=str,
)
def test_anything_but_a_data_frame_is_a_type_error(data, name):
    message = refused(data, TypeError, f"that narwhals reads), got {name}")
    assert "pd.DataFrame(data" in message


@pytest.mark.parametrize(
    ("frame", "size"),
    [
        (pd.DataFrame(), "0 rows and 0 columns"),
        (pd.DataFrame({"x": []}), "0 rows and 1 columns"),
        (pd.DataFrame(index=range(3)), "3 rows and 0 columns"),
    ],
    ids=["nothing", "no rows", "no columns"],
)
def test_an_empty_frame_is_refused(frame, size):
    refused(frame, ValueError, size)


@pytest.mark.parametrize(
    "labels", [["a", "a", "b"], [1, "1", "b"], ["a", "a", "a"]], ids=["equal", "1 and '1'", "three"]
)
def test_duplicate_names_are_listed(labels):
    frame = pd.DataFrame(np.eye(3), columns=labels)
    message = refused(frame, ValueError, "duplicate column names")
    assert message.count(f"'{labels[0]}'") == 1


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([np.nan, np.nan]),
        pd.Series([None, None], dtype=object),
        pd.Series([None, None], dtype="string"),
        pd.Series([None, None], dtype="boolean"),
        pd.Series(pd.Categorical([None, None], categories=["a"])),
        pd.Series([pd.NaT, pd.NaT]),
    ],
    ids=lambda column: str(column.dtype),
)
def test_a_column_with_no_observed_value_is_named(column):
    frame = pd.DataFrame({"age": [1.0, 2.0], "bmi": column})
    message = refused(frame, ValueError, "Column 'bmi' has no observed value")
    assert "Drop the column" in message


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1.0, np.inf, -np.inf]),
        pd.Series([1.0, -np.inf, np.inf], dtype="float32"),
        pd.Series([1.0, np.inf, np.inf], dtype="Float64"),
    ],
    ids=lambda column: str(column.dtype),
)
def test_infinities_are_counted_and_their_column_named(column):
    frame = pd.DataFrame({"age": [1.0, 2.0, 3.0], "bmi": column})
    message = refused(frame, ValueError, "Column 'bmi' holds 2 infinite value(s)")
    assert "Replace them with NaN" in message


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pd.Series([1.0, 1e76, 3.0]), "numbers as large as 1e+76"),
        (pd.Series([1.0, -1e200, None], dtype="Float64"), "numbers as large as 1e+200"),
        (pd.Series([0.0, 1e-300, None]), "numbers that differ by 1e-300 at most"),
    ],
    ids=["large", "negative", "tiny"],
)
def test_numbers_whose_variance_floating_point_cannot_hold_are_refused(column, said):
    frame = pd.DataFrame({"age": [1.0, 2.0, 3.0], "bmi": column})
    message = refused(frame, ValueError, f"Column 'bmi' holds {said}")
    assert "other units" in message


@pytest.mark.parametrize("column", [[1e75, -1e75], [0.0, 1e-74], [1e-300, 1e-300]], ids=str)
def test_numbers_of_any_other_size_pass(column):
    check_frame(pd.DataFrame({"bmi": column}))


@pytest.mark.parametrize("text", ["\ud83d", "a\0b"], ids=["surrogate", "null"])
def test_text_that_cannot_be_written_is_refused(text):
    label = pd.Index([text], dtype=object)
    found = refused(pd.DataFrame([[1.0], [2.0]], columns=label), ValueError, "a column named")
    assert repr(text) in found
    frame = pd.DataFrame({"mood": pd.Series([text, "b", None], dtype=object)})
    with pytest.raises(DataError, match=r"Column 'mood' holds .*half of a surrogate pair"):
        encode(check_frame(frame))


@pytest.mark.parametrize("name", [".", "..", "m\\s", ".zgroup"])
def test_names_that_a_folder_cannot_hold_are_refused(name):
    refused(pd.DataFrame({name: [1.0]}), ValueError, f"data has a column named {name!r}")


@pytest.mark.parametrize(
    "name",
    ["row", "chain", "draw", "statistic", "imputation", "imputation_chain", "a/b", "index_level_0"],
)
def test_names_that_mean_something_in_the_tree_are_refused(name):
    frame = pd.DataFrame({"x": [1.0, 2.0], name: [1.0, 2.0]})
    assert "Rename it" in refused(frame, ValueError, f"data has a column named {name!r}")


def test_a_name_that_would_hide_the_rows_of_another_column_is_refused():
    frame = pd.DataFrame({"bmi": [1.0, 2.0], "bmi_row": [1.0, 2.0]})
    refused(frame, ValueError, "data has the columns 'bmi' and 'bmi_row'")
    check_frame(pd.DataFrame({"x": [1.0], "bmi_row": [1.0]}))


def test_a_frame_that_passes_is_returned_as_it_is():
    frame = pd.DataFrame({".x": [1.0, np.nan], 7: ["a", None], "two words": [True, False]})
    before = frame.copy(deep=True)
    assert check_frame(frame) is frame
    pd.testing.assert_frame_equal(frame, before)


def test_whole_numbers_that_floats_cannot_hold_are_refused_where_cells_are_missing():
    frame = pd.DataFrame({"id": pd.array([2**60 + 1, None, 3], dtype="Int64")})
    with pytest.raises(DataError, match="'id' has missing cells and whole numbers up to"):
        check_frame(frame)
    check_frame(pd.DataFrame({"id": pd.array([2**53, None, -3], dtype="Int64")}))

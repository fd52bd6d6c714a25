"""Completed data as numbers: the same code, and the same day, in all data sets."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from bayesmice.analysis.coding import code_frame, find_columns

WHEN = pd.Series(pd.to_datetime(["2020-03-03 00:00", "2020-03-01 12:00", "2020-03-05 00:00"]))


@pytest.mark.parametrize("arrow", [False, True], ids=["NumPy", "Arrow"])
def test_times_are_days_since_the_earliest_of_all_data_sets(arrow):
    when = WHEN.astype(pd.ArrowDtype(pa.timestamp("us"))) if arrow else WHEN
    frames = [pd.DataFrame({"when": when.iloc[[0, 2]]}), pd.DataFrame({"when": when})]
    columns = find_columns(frames)
    assert columns["when"].levels == ()
    for frame, days in zip(frames, ([1.5, 3.5], [1.5, 0.0, 3.5]), strict=True):
        np.testing.assert_array_equal(code_frame(frame, columns).values["when"], days)


def test_a_dictionary_of_arrow_is_coded_by_its_order():
    array = pa.DictionaryArray.from_arrays(pa.array([1, 0, 1], pa.int8()), pa.array(["z", "y"]))
    series = pd.Series(pd.arrays.ArrowExtensionArray(array))
    frames = [pd.DataFrame({"kind": series}), pd.DataFrame({"kind": series.iloc[:1]})]
    columns = find_columns(frames)
    assert columns["kind"].levels == ("z", "y")
    assert code_frame(frames[0], columns).values["kind"].tolist() == [1, 0, 1]
    assert code_frame(frames[1], columns).values["kind"].tolist() == [1]

"""Times: days from the earliest instant, exactly, whatever backs the dtype."""

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from bayesmice.data import Scale, encode, encode_new_rows
from bayesmice.data.times import days_since, time_origin
from bayesmice.errors import BayesMiceError

WHEN = ["2020-03-28 12:00", "2020-03-29 12:00", "2020-03-27 00:00"]


def column(series):
    return encode(pd.DataFrame({"when": series, "x": [1.0, 2.0, 4.0]})).columns["when"]


def of_arrow(arrow_type):
    return pd.Series(pd.to_datetime(WHEN)).astype(pd.ArrowDtype(arrow_type))


DATETIMES = {
    "nanoseconds": pd.Series(pd.to_datetime(WHEN)).astype("datetime64[ns]"),
    "seconds": pd.Series(pd.to_datetime(WHEN)).astype("datetime64[s]"),
    "UTC": pd.Series(pd.to_datetime(WHEN, utc=True)),
    "Arrow": of_arrow(pa.timestamp("ms")),
}


@pytest.mark.parametrize("series", DATETIMES.values(), ids=DATETIMES.keys())
def test_instants_are_days_since_the_earliest(series):
    read = column(series)
    assert read.scale is Scale.CONTINUOUS
    assert read.origin == series[2]
    np.testing.assert_array_equal(read.values, [1.5, 2.5, 0.0])


def test_days_have_24_hours_where_clocks_change():
    series = pd.Series(pd.to_datetime(WHEN)).dt.tz_localize("Europe/Berlin")
    np.testing.assert_allclose(column(series).values, [1.5, 2.5 - 1 / 24, 0.0], rtol=1e-15)


def test_dates_of_arrow_are_days():
    series = of_arrow(pa.timestamp("s")).astype(pd.ArrowDtype(pa.date32()))
    np.testing.assert_array_equal(column(series).values, [1.0, 2.0, 0.0])


@pytest.mark.parametrize("dtype", ["timedelta64[ns]", "timedelta64[s]", "duration[ms][pyarrow]"])
def test_durations_are_their_length_in_days(dtype):
    series = pd.Series(pd.to_timedelta(["36h", "-12h", "5D"])).astype(dtype)
    np.testing.assert_array_equal(column(series).values, [1.5, -0.5, 5.0])


def test_a_nanosecond_counts_a_century_from_1970():
    instants = np.array([0, 1, 86_400 * 10**9 + 1], dtype="timedelta64[ns]")
    series = pd.Series(np.datetime64("2070-01-01T00:00:00.000000000") + instants)
    days = column(series).values
    np.testing.assert_allclose(days, [0, 1 / 86_400e9, 1 + 1 / 86_400e9], rtol=1e-6, atol=0)
    assert days[2] > 1


def test_distant_years_do_not_overflow():
    series = pd.Series(np.array(["0100-01-01", "9999-12-31"], dtype="datetime64[us]"))
    days = days_since(series, time_origin(series))
    expected = np.diff(np.array(["0100-01-01", "9999-12-31"], dtype="datetime64[D]"))[0]
    np.testing.assert_array_equal(days, [0, expected.astype(int)])


def test_new_times_are_counted_from_a_given_origin():
    new = pd.Series(pd.to_datetime(["2020-03-26", None]))
    np.testing.assert_array_equal(days_since(new, pd.Timestamp("2020-03-27")), [-1, np.nan])


def test_new_rows_are_counted_from_the_day_of_the_data():
    learned = encode(pd.DataFrame({"when": pd.to_datetime(WHEN), "x": [1.0, 2.0, 4.0]}))
    new = pd.DataFrame({"when": pd.to_datetime(["2020-03-30", "2020-03-26"]), "x": [None, 1.0]})
    read = encode_new_rows(new, learned)
    np.testing.assert_array_equal(read.columns["when"].values, [3.0, -1.0])
    assert read.columns["when"].origin == learned.columns["when"].origin
    pd.testing.assert_series_equal(read.series("when"), new["when"])


@pytest.mark.parametrize(
    ("when", "builtin", "text"),
    [
        ([1.0, 2.0], TypeError, "has dtype float64; the models were fitted to times"),
        (pd.to_timedelta([1, 2], unit="D"), TypeError, "the models were fitted to times"),
        (pd.to_datetime(WHEN[:2], utc=True), TypeError, "with or without a time zone in both"),
        (pd.to_datetime([None, WHEN[0]]), ValueError, "and 1 of them are missing"),
    ],
    ids=["numbers", "durations", "a time zone", "missing"],
)
def test_new_rows_with_other_times_are_refused(when, builtin, text):
    learned = encode(pd.DataFrame({"when": pd.to_datetime(WHEN), "x": [1.0, 2.0, 4.0]}))
    with pytest.raises(builtin, match=re.escape(text)) as caught:
        encode_new_rows(pd.DataFrame({"when": when, "x": [None, 1.0]}), learned)
    assert isinstance(caught.value, BayesMiceError)


@pytest.mark.parametrize(
    ("series", "kind", "remedy"),
    [
        (pd.Series(pd.to_datetime([None, *WHEN[:2]])), "times", "(when - start) / pd.Timedelta"),
        (
            pd.Series(pd.to_datetime([None, *WHEN[:2]], utc=True)).astype(
                pd.ArrowDtype(pa.timestamp("us", "UTC"))
            ),
            "times",
            "(when - start) / pd.Timedelta",
        ),
        (pd.Series(pd.to_timedelta([None, "1D", "2D"])), "durations", "length / pd.Timedelta"),
    ],
    ids=["datetime", "Arrow", "timedelta"],
)
def test_missing_times_are_refused_with_the_remedy(series, kind, remedy):
    text = f"Column 'when' holds {kind}, and 1 of them are missing"
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        column(series)
    assert isinstance(caught.value, BayesMiceError)
    assert remedy in str(caught.value)
    assert "or leave it out of the data" in str(caught.value)

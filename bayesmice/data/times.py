"""Times: dates, instants and durations as the numbers by which they predict.

A column of times has no conditional model, so it is never imputed. It predicts others as a number
of days, counted from its earliest instant: so the numbers are small, also where they are squared or
multiplied by other columns.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmice.errors import DataError

Origin = pd.Timestamp | pd.Timedelta
TICKS_PER_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


def is_time(dtype: Any) -> bool:
    """Whether a dtype holds dates, instants or durations.

    Parameters
    ----------
    dtype : pandas or numpy dtype
        Periods are none: they have no instant.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_time(pd.Series(pd.to_datetime(["2026-03-01"])).dtype), is_time(np.dtype(float))
    (True, False)
    """
    return getattr(dtype, "kind", "") in ("M", "m")


def time_origin(series: pd.Series) -> Origin:
    """Give the instant from which the days of a column are counted.

    Parameters
    ----------
    series : Series of shape (n_rows,)
        A column of times without missing cells.

    Returns
    -------
    Timestamp or Timedelta
        The earliest instant; zero for durations.

    Raises
    ------
    DataError
        If cells are missing: they cannot be imputed.
    """
    n_missing = int(series.isna().sum())
    kind = "durations" if series.dtype.kind == "m" else "times"
    if n_missing:
        instead = "days since a date: (when - start) / pd.Timedelta(days=1) in pandas"
        if kind == "durations":
            instead = "days: length / pd.Timedelta(days=1) in pandas"
        raise DataError(
            f"Column {str(series.name)!r} holds {kind}, and {n_missing} of them are missing; "
            f"{kind} can predict other columns, but are not imputed. Turn the column into numbers "
            f"({instead}), or leave it out of the data."
        )
    return pd.Timedelta(0) if kind == "durations" else _index(series).min()


def days_since(series: pd.Series, origin: Origin) -> NDArray[np.float64]:
    """Give times as numbers.

    Parameters
    ----------
    series : Series of shape (n_rows,)
        A column of times; those with a time zone are compared as instants.
    origin : Timestamp or Timedelta
        Where counting begins.

    Returns
    -------
    ndarray of shape (n_rows,)
        Days of 24 hours from the origin; NaN where a time is missing. Whole days and the rest are
        subtracted apart from each other, so that nothing is lost where the origin is far from 1970.

    Examples
    --------
    >>> when = pd.Series(pd.to_datetime(["2026-03-01 06:00", "2026-03-02 12:00"]))
    >>> days_since(when, pd.Timestamp("2026-03-01"))
    array([0.25, 1.5 ])
    """
    days, rests = _days(_index(series))
    (first,), (first_rest,) = _days(pd.Index([origin]))
    counted = (days - first) + (rests - first_rest)
    return np.where(series.isna().to_numpy(), np.nan, counted)


def instants(series: pd.Series) -> NDArray[np.datetime64 | np.timedelta64]:
    """Give times as NumPy has them, exactly: datetime64 in UTC, or timedelta64."""
    index = _index(series)
    if isinstance(index, pd.DatetimeIndex) and index.tz is not None:
        index = index.tz_convert(None)
    exact: NDArray[np.datetime64 | np.timedelta64] = index.to_numpy()
    return exact


def without_arrow(series: pd.Series) -> pd.Series:
    """Give times that Arrow backs as pandas' own, and any others as they are."""
    return pd.Series(_index(series), index=series.index, name=series.name)


def times_from_instants(values: NDArray[np.generic], dtype: Any) -> pd.Series:
    """Make a column of times again from what `instants` gave.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        datetime64 in UTC, or timedelta64.
    dtype : pandas or numpy dtype
        The dtype of the column.

    Returns
    -------
    Series of shape (n_rows,)
    """
    series = pd.Series(values)
    if has_zone(dtype):
        series = series.dt.tz_localize("UTC")
    return series.astype(dtype)


def origin_from_ticks(ticks: int, time_type: str, dtype: Any) -> Origin:
    """Make an origin again from its ticks in UTC, in the time zone of the column."""
    instant = np.array([ticks], dtype=np.int64).astype(time_type)
    origin: Origin = _index(times_from_instants(instant, dtype))[0]
    return origin


def origin_text(origin: Origin) -> str:
    """Say what the numbers of a column of times are."""
    if isinstance(origin, pd.Timedelta):
        return "days"
    return f"days since {origin}"


def has_zone(dtype: Any) -> bool:
    """Whether times of a dtype have a time zone."""
    arrow = getattr(dtype, "pyarrow_dtype", None)
    return getattr(dtype if arrow is None else arrow, "tz", None) is not None


def _index(series: pd.Series) -> "pd.DatetimeIndex | pd.TimedeltaIndex":
    # The index classes read all of NumPy's, pandas' and Arrow's times alike.
    return pd.TimedeltaIndex(series) if series.dtype.kind == "m" else pd.DatetimeIndex(series)


def _days(index: pd.Index) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Split times into whole days since 1970, and the rest of a day."""
    ticks = index.asi8  # type: ignore[attr-defined]
    per_day = TICKS_PER_DAY[index.unit]  # type: ignore[attr-defined]
    days, rests = np.divmod(ticks, per_day)
    return days, rests / per_day

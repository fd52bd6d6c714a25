"""Times predict other columns by their days, and come back untouched."""

import re

import numpy as np
import pandas as pd
import pymc as pm
import pytest

import bayesmice as bm
from bayesmice.data import encode
from bayesmice.data.joining import below_each_other, common_terms
from bayesmice.errors import BayesMiceError

N = 24
START = pd.Timestamp("1999-12-31 23:59:59.123456789", tz="Europe/Berlin")


@pytest.fixture(scope="module")
def days():
    """Days since the first row, each a whole number of nanoseconds."""
    rng = np.random.default_rng(41)
    return np.concatenate([[0], rng.integers(1, 10**17, N - 1)]) / 86_400e9


@pytest.fixture(scope="module")
def as_days(numbers, days):
    return numbers.assign(when=days, length=np.arange(N) % 7 - 2.5)


@pytest.fixture(scope="module")
def as_times(as_days):
    ticks = pd.to_timedelta(np.rint(as_days["when"] * 86_400e9).astype(np.int64), unit="ns")
    length = pd.to_timedelta(np.rint(as_days["length"] * 86_400e9).astype(np.int64), unit="ns")
    return as_days.assign(when=START + ticks, length=length)


@pytest.fixture(scope="module")
def run(impute, as_times):
    return impute(as_times)


def test_times_predict_as_their_days_do(impute, run, as_days):
    for ours, theirs in zip(run, impute(as_days), strict=True):
        pd.testing.assert_frame_equal(ours[["y", "z"]], theirs[["y", "z"]])


def test_times_come_back_untouched_from_memory_and_files(run, as_times, tmp_path):
    for imputations in (run, bm.open_imputations(run.to_netcdf(tmp_path / "run.nc"))):
        for completed in imputations:
            pd.testing.assert_frame_equal(
                completed[["when", "length"]], as_times[["when", "length"]]
            )
            assert completed.notna().all(axis=None)


def test_rows_put_together_count_their_days_from_the_earliest(run, as_times):
    late = as_times["when"] > as_times["when"].median()
    parts = [run.filter_rows(late), run.filter_rows(~late)]
    joined = bm.concat(parts, dim="row")
    column = joined._store.columns["when"]
    np.testing.assert_allclose(
        column.values, (joined.completed(0)["when"] - START) / pd.Timedelta(days=1), rtol=1e-12
    )
    assert column.origin == START


def test_days_of_two_origins_are_counted_from_the_earlier():
    frames = [pd.DataFrame({"when": pd.to_datetime([day])}) for day in ("2020-03-05", "2020-03-01")]
    columns = [encode(frame).columns["when"] for frame in frames]
    joined = below_each_other(common_terms(columns, frames[0]["when"].dtype))
    assert joined.origin == pd.Timestamp("2020-03-01")
    assert joined.values.tolist() == [4.0, 0.0]


def test_a_dataset_of_xarray_has_the_times_themselves(run, as_times):
    stored = run.to_dataset()
    utc = as_times["when"].dt.tz_convert(None).to_numpy()
    np.testing.assert_array_equal(stored["when"].to_numpy(), utc)
    np.testing.assert_array_equal(stored["length"].to_numpy(), as_times["length"].to_numpy())


def test_times_are_text_in_a_table_for_r(run, as_times, tmp_path):
    table = pd.read_csv(
        run.to_mids_csv(tmp_path / "run.csv", script=tmp_path / "run.R"), dtype={"when": str}
    )
    assert table["when"][:N].tolist() == as_times["when"].astype(str).tolist()
    assert "factor(" not in (tmp_path / "run.R").read_text()


def test_a_reopened_run_goes_on_with_the_same_days(impute, run, as_times, tmp_path):
    opened = bm.open_imputations(run.to_zarr(tmp_path / "run.zarr"))
    opened.extend(1, progressbar=False)
    for ours, theirs in zip(opened, impute(as_times, sweeps=3), strict=True):
        pd.testing.assert_frame_equal(ours, theirs)


def test_the_event_log_says_what_the_numbers_are(run):
    events = run.events.set_index("variable")
    found = events[events["code"] == "time_predictor"]
    assert found.loc["when", "severity"] == "info"
    assert f"the number of days since {START} and is not imputed" in found.loc["when", "message"]
    assert "the number of days and is not imputed" in found.loc["length", "message"]


def test_times_have_no_model(run, as_times):
    mice = bm.MICE(as_times)
    assert set(run.tree["conditionals"].children) == {"y", "z"}
    assert mice.table.loc["when", "model"] == "predictor only"
    assert not mice.predictor_matrix.loc["when"].any()
    assert mice.predictor_matrix.loc[["y", "z"], "when"].all()
    with pytest.raises(ValueError, match="'when' holds times, which predict other columns") as e:
        mice.model("when")
    assert isinstance(e.value, BayesMiceError)


def test_a_formula_can_name_times(as_times, as_days):
    formula = "x + when + np.log(1 + when) + x:when"
    ours = bm.MICE(as_times, {"y": bm.Regression(formula)}).table.loc["y"]
    theirs = bm.MICE(as_days, {"y": bm.Regression(formula)}).table.loc["y"]
    assert ours["predictors"] == theirs["predictors"] == "x, when, np.log(1 + when), x:when"
    assert ours["priors"] == theirs["priors"]


def test_a_custom_model_reads_days(as_times, days):
    seen = []

    def line(data):
        seen.append(data["when"].get_value())
        slope = pm.Normal("slope", 0, 1)
        pm.Normal("y", slope * data["when"], 1, observed=data["y"])

    bm.MICE(as_times, {"y": line}).model("y")
    np.testing.assert_allclose(seen[-1], days[as_times["y"].notna()], rtol=1e-12)


def test_passive_columns_can_be_made_of_times(as_times, days):
    mice = bm.MICE(
        as_times,
        passive={
            "year": "when.dt.year",
            "age": lambda data: (data["when"] - START) / pd.Timedelta(days=1) + data["x"],
        },
    )
    frame = mice._problem.read.store.frame
    assert frame["year"].tolist() == as_times["when"].dt.year.tolist()
    np.testing.assert_allclose(frame["age"], days + as_times["x"])


def test_times_of_one_value_are_constant(numbers):
    mice = bm.MICE(numbers.assign(when=pd.Timestamp("2020-03-01")))
    events = mice._problem.groups[0].specification.events
    (found,) = (event for event in events if event.code == "constant_column")
    assert "All 24 observed values are 2020-03-01 00:00:00" in found.message


REFUSED = {
    "a model": ({"models": {"when": bm.Regression()}}, "models names 'when', a column of times"),
    "bounds": ({"bounds": {"when": (0, None)}}, "bounds or limits name 'when', a column of times"),
    "limits": ({"limits": {"when": (0, 1)}}, "bounds or limits name 'when', a column of times"),
    "wanted cells": ({"where": "all"}, "where wants cells of 'when', a column of times"),
    "groups": ({"by": "when"}, "by is 'when', a column of times"),
    "an existing passive column": (
        {"passive": {"when": "x + y"}},
        "passive['when'] is a column of times",
    ),
    "a new passive column": (
        {"passive": {"later": lambda data: data["when"] + pd.Timedelta(days=1)}},
        "passive['later'] is a column of times",
    ),
    "weights": ({"weights": "when"}, "weights cannot be read as numbers"),
    "marks": ({"ignore": "when"}, "expected True or False everywhere"),
    "trials": (
        {"models": {"y": bm.Regression(family="binomial", trials="when")}},
        "has trials='when', a column of times",
    ),
}


@pytest.mark.parametrize(("arguments", "text"), REFUSED.values(), ids=REFUSED.keys())
def test_what_times_cannot_be_is_refused(as_times, arguments, text):
    frame = as_times
    if arguments.get("where") == "all":
        arguments = {"where": pd.DataFrame(True, index=frame.index, columns=["when"])}
    if "trials" in text:
        frame = frame.assign(y=[None, None, *range(N - 2)])
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        bm.MICE(frame, **arguments)
    assert isinstance(caught.value, BayesMiceError)

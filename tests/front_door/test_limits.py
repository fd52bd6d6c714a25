"""Bounds and limits from end to end: every imputed value lies where it must."""

import re

import numpy as np
import pandas as pd
import pytest

from bayesmice import MICE, Regression
from bayesmice.errors import BayesMiceError

pytestmark = pytest.mark.long

N = 80
M, SWEEPS = 4, 4
NAN = np.nan


@pytest.fixture(scope="module")
def data():
    """A concentration with a detection limit, a heaped age, a sum that cannot be negative."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=N)
    frame = pd.DataFrame({"x": x, "dose": 2 + x + rng.normal(size=N)})
    frame["age"] = np.rint(45 + 6 * x + 4 * rng.normal(size=N)).astype(int)
    frame["sum"] = np.maximum(0.7 + 0.5 * x + 0.5 * rng.normal(size=N), 0.0)
    frame["few"] = pd.array(np.resize([0, 1, 2, None], N), dtype="Int16")
    frame["both"] = frame["sum"].where(frame["sum"] > 0.2)
    frame["binned"] = np.rint(2 * x)
    frame.loc[frame["dose"] < 1.5, "dose"] = None
    frame.loc[40:45, "dose"] = None
    frame.loc[frame["age"] % 5 < 2, "age"] = frame["age"] // 5 * 5
    frame.loc[10:29, "sum"] = None
    return frame


@pytest.fixture(scope="module")
def limits(data):
    """Where the dose is known to be below 1.5 or between 1 and 3, and ages that end in 0 or 5."""
    is_low = data["dose"].isna() & ~data.index.isin(range(40, 46))
    upper = np.where(is_low, 1.5, NAN)
    lower = np.full(N, NAN)
    lower[42], upper[42] = 1.0, 3.0
    is_heaped = data["age"] % 5 == 0
    return {
        "dose": (lower, upper),
        "age": (np.where(is_heaped, data["age"] - 2.2, NAN), data["age"].where(is_heaped) + 2.5),
        "both": (None, np.where(data["both"].isna(), 0.2, NAN)),
        "binned": (data["binned"] - 0.5, data["binned"] + 0.5),
    }


@pytest.fixture(scope="module")
def mice(data, limits):
    models = {"few": Regression(draw="predictive")}
    bounds = {"sum": (0, None), "few": (-0.3, 2.4), "both": (0, 5)}
    return MICE(data, models, bounds=bounds, limits=limits)


@pytest.fixture(scope="module")
def imputations(mice):
    return mice.mice(m=M, sweeps=SWEEPS, random_seed=4, progressbar=False)


def is_limited(limits, name):
    ends = [np.full(N, NAN) if end is None else end for end in limits.get(name, ())]
    return np.any([~np.isnan(end) for end in ends], axis=0) if ends else np.zeros(N, dtype=bool)


def test_nothing_is_missing_and_what_was_observed_stays(data, limits, imputations):
    for completed in imputations:
        assert not completed.isna().any().any()
        for name in data:
            assert completed[name].dtype == data[name].dtype
            exact = data[name].notna() & ~is_limited(limits, name)
            pd.testing.assert_series_equal(completed.loc[exact, name], data.loc[exact, name])


@pytest.mark.parametrize("name", ["dose", "age"])
def test_imputed_values_lie_within_their_limits(limits, imputations, name):
    lower, upper = (np.asarray(end, dtype=float) for end in limits[name])
    for completed in imputations:
        values = completed[name].to_numpy(dtype=float)
        assert (values[~np.isnan(lower)] >= lower[~np.isnan(lower)]).all()
        assert (values[~np.isnan(upper)] <= upper[~np.isnan(upper)]).all()


def test_missing_cells_without_limits_are_not_held_within_any(imputations):
    cells = imputations.tree["imputations"]["dose"].sel(dose_row=[40, 41, 43, 44, 45]).to_numpy()
    assert cells.max() > 1.5


def test_heaped_values_are_replaced_by_whole_numbers_around_them(data, limits, imputations):
    is_heaped = ~np.isnan(limits["age"][0])
    difference = np.stack(
        [frame["age"][is_heaped] - data["age"][is_heaped] for frame in imputations]
    )
    assert set(np.unique(difference)) == {-2, -1, 0, 1, 2}


def test_bounded_columns_stay_within_their_bounds(data, imputations, mice):
    assert mice.table.loc["sum", "model"] == "truncated_gaussian"
    for completed in imputations:
        assert (completed["sum"] >= 0).all()
    assert imputations.tree["imputations"]["sum"].to_numpy().min() < 0.5


def test_the_event_log_counts_cells_with_limits(data, limits, imputations):
    events = imputations.events.query("code == 'limited_cells'").set_index("variable")
    assert set(events.index) == {"dose", "age", "both", "binned"}
    assert set(events["severity"]) == {"info"}
    n_missing = int(data["dose"].isna().sum())
    n_limited = int((~np.isnan(limits["dose"][1])).sum())
    text = f"Of {n_missing} cells without an exact value, {n_limited} are known by their limits"
    assert text in events.loc["dose", "message"]


def test_a_model_with_limits_can_be_looked_at(data, limits, mice):
    model = mice.model("dose")
    assert [potential.name for potential in model.potentials] == ["within_limits"]
    n_limited = int((~np.isnan(limits["dose"][1])).sum())
    assert model["lower_limit"].eval().shape == (n_limited,)
    assert np.isfinite(model.point_logps()["dose"])


def test_limits_and_bounds_of_one_column_both_hold(data, imputations):
    """Values below 0.2 are known to be there, and none can be negative."""
    is_low = data["both"].isna()
    assert is_low.sum() > 5
    for completed in imputations:
        assert completed["both"].between(0, 5).all()
        assert (completed.loc[is_low, "both"] <= 0.2).all()


def test_whole_numbers_within_bounds_stay_there_when_they_are_rounded(imputations):
    for completed in imputations:
        assert completed["few"].isin([0, 1, 2]).all()
    cells = imputations.tree["imputations"]["few"].to_numpy()
    assert (cells % 1 != 0).any()


def test_a_column_may_be_known_by_limits_alone(data, imputations):
    for completed in imputations:
        assert (completed["binned"] - data["binned"]).abs().max() <= 0.5
        assert completed["binned"].nunique() == N


def test_the_same_seed_gives_the_same_cells_within_limits(mice, imputations):
    again = mice.mice(m=M, sweeps=SWEEPS, random_seed=4, progressbar=False)
    for one, other in zip(imputations, again, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_two_values_are_numbers_where_limits_or_bounds_say_so(data):
    frame = data[["x"]].assign(y=np.resize([2.0, 5.0, NAN], N), z=np.resize([1, 2], N))
    assert list(MICE(frame).table["scale"]) == ["continuous", "binary", "binary"]
    mice = MICE(frame, bounds={"z": (0, 3)}, limits={"y": (None, 9)})
    assert list(mice.table["scale"]) == ["continuous"] * 3
    with pytest.raises(ValueError, match="limits names 'flag', which is binary"):
        MICE(frame.assign(flag=frame["y"] > 3), limits={"flag": (0, 1)})


REFUSED = {
    "a family without probabilities of intervals": (
        {"models": {"dose": Regression(family="hurdle_gamma")}, "limits": {"dose": (0, 1)}},
        "limits names 'dose', whose family 'hurdle_gamma' has no probability between limits that "
        "can be differentiated. Families that have: gaussian, t,",
    ),
    "limits outside the support": (
        {"models": {"dose": Regression(family="gamma")}, "limits": {"dose": (None, -1)}},
        "are -inf and -1, where the family 'gamma' has no values: its values are greater than 0.",
    ),
    "no whole number between limits": (
        {
            "models": {"whole": Regression(family="poisson")},
            "limits": {"whole": (2.2, 2.8)},
        },
        "in row 3 are 2.2 and 2.8, where the family 'poisson' has no values: its values are whole",
    ),
    "more than there are trials": (
        {
            "models": {"whole": Regression(family="binomial", trials=9)},
            "limits": {"whole": (10, None)},
        },
        "The model for 'whole' has 9 trials in row 3, but its limits there begin at 10.",
    ),
    "a custom model": (
        {"models": {"dose": lambda data: None}, "limits": {"dose": (0, 1)}},
        "bounds or limits name 'dose', which a custom model imputes. Write them into the model",
    ),
    "bounds of another family": (
        {"models": {"dose": Regression(family="gamma")}, "bounds": {"dose": (0, None)}},
        "bounds names 'dose', whose family is 'gamma'; bounds truncate the gaussian family.",
    ),
    "bounds and limits apart": (
        {"bounds": {"dose": (0, None)}, "limits": {"dose": (None, -0.5)}},
        "bounds of 'dose' are 0 and inf, but its limits in row",
    ),
    "a name of its own model": (
        {"limits": {"censored": (0, None)}},
        "Column 'censored' has the name of a variable of its own regression",
    ),
}


@pytest.mark.parametrize(("arguments", "text"), REFUSED.values(), ids=REFUSED.keys())
def test_limits_and_bounds_that_do_not_fit_a_model_are_refused(data, arguments, text):
    frame = data[["x", "dose"]].assign(whole=[4.0, 2.0, 3.0, *[NAN] * (N - 3)])
    frame["censored"] = frame["whole"]
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        MICE(frame, **arguments)
    assert isinstance(caught.value, BayesMiceError)


def test_limits_of_positive_numbers_may_say_that_they_are_positive(data):
    frame = data[["x"]].assign(y=np.exp(data["x"]))
    frame.loc[:9, "y"] = None
    mice = MICE(frame, {"y": Regression(family="lognormal")}, limits={"y": (0, None)})
    priors = mice.table.loc["y", "priors"]
    assert "inf" not in priors
    assert "nan" not in priors

"""What is noticed before a run: few rows, exact dependence, separation, rare levels."""

import numpy as np
import pandas as pd
import pytest

from bayesmice import MICE, load_dataset
from bayesmice.models import findings
from bayesmice.models.findings import separation
from bayesmice.specification import specify

N = 60


@pytest.fixture
def frame():
    rng = np.random.default_rng()
    frame = pd.DataFrame(rng.normal(size=(N, 3)), columns=list("abc"))
    frame["y"] = frame["a"] + rng.normal(size=N)
    frame.loc[0:4, "y"] = np.nan
    return frame


def found(frame, code):
    return [event for event in specify(frame).events if event.code == code]


CODES = ("few_rows", "rare_level", "separation", "collinear")


def test_clean_data_have_no_findings(frame):
    frame["z"] = np.resize(["u", "v"], N)
    frame.loc[7, "z"] = None
    assert not [event.code for event in specify(frame).events if event.code in CODES]


@pytest.mark.parametrize("slope", [1.0, -0.01, 1e6])
def test_two_equal_columns_are_named(frame, slope):
    frame["twin"] = slope * frame["a"] + 5
    (event,) = found(frame, "collinear")
    assert "'a' and 'twin' are the same but for their scale" in event.message


def test_equal_columns_are_found_where_both_are_incomplete(frame):
    frame["twin"] = frame["a"] * 2
    frame.loc[5:20, "a"] = np.nan
    frame.loc[15:30, "twin"] = np.nan
    assert len(found(frame, "collinear")) == 1


def test_a_sum_of_columns_is_named(frame):
    frame["total"] = frame["a"] - 2 * frame["b"]
    frame.loc[10:12, "total"] = np.nan
    (event,) = found(frame, "collinear")
    assert "'a', 'b', 'total' are linear functions of each other" in event.message
    assert "'c'" not in event.message


def test_nearly_equal_columns_are_not_called_equal(frame):
    frame["near"] = frame["a"] + 1e-3 * np.random.default_rng().normal(size=N)
    assert not found(frame, "collinear")


def test_more_coefficients_than_rows_are_counted():
    rng = np.random.default_rng()
    wide = pd.DataFrame(rng.normal(size=(10, 15))).rename(columns=str)
    wide.iloc[0:3, 0] = np.nan
    (event,) = found(wide, "few_rows")
    assert event.variable == "0"
    assert "7 observed rows are to tell 15 coefficients apart" in event.message


def test_a_level_of_one_row_is_named(frame):
    frame["k"] = np.resize(["u", "v"], N)
    frame.loc[30, "k"] = "w"
    frame.loc[31, "k"] = None
    (event,) = found(frame, "rare_level")
    assert "Observed in one row only: w." in event.message


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        (lambda x: x[:, 0] > 0.1, "complete"),
        (lambda x: x[:, 0] - 2 * x[:, 1] > 0.3, "complete"),
        (lambda x: (x[:, 0] > 0) ^ (x[:, 1] > 0), ""),
    ],
)
def test_separation_is_told_from_overlap(rule, kind):
    x = np.random.default_rng().normal(size=(200, 3))
    assert separation(rule(x), x) == kind


@pytest.mark.parametrize("strength", [0.0, 1.0, 10.0])
def test_what_shows_overlap_quickly_agrees_with_linear_programming(strength, monkeypatch):
    """Also where few rows are close to being parted."""
    rng, honest = np.random.default_rng(), findings.overlap
    quick: list[bool] = []

    def overlap(signed):
        quick.append(bool(honest(signed)))
        return False

    monkeypatch.setattr(findings, "overlap", overlap)
    kinds = []
    for _ in range(40):
        x = rng.normal(size=(int(rng.integers(10, 60)), 3)) * [1.0, 1e-6, 1e6]
        is_one = strength * x[:, 0] + rng.logistic(size=len(x)) > 0
        kinds.append(separation(is_one, x))
    assert not [kind for kind, is_quick in zip(kinds, quick, strict=True) if is_quick and kind]
    if strength < 10:
        assert sum(quick) > 0.8 * kinds.count("") > 10, "linear programs run too often"


def test_an_indicator_without_one_of_the_classes_is_quasi_complete():
    rng = np.random.default_rng()
    x = np.column_stack([np.repeat([0.0, 1.0], 50), rng.normal(size=100)])
    is_one = np.where(x[:, 0] == 1, True, rng.random(100) < 0.5)
    assert separation(is_one, x) == "quasi-complete"


def test_quasi_complete_separation_in_nhanes2_is_known():
    """Nobody of 20 to 39 is hypertensive in R's nhanes2."""
    data = load_dataset("nhanes2")
    young = data.loc[data["age"] == "20-39", "hyp"].dropna()
    assert (young == "no").all()
    (event,) = found(data, "separation")
    assert event.variable == "hyp"
    assert "part yes from the rest" in event.message


def test_awkward_columns_are_imputed_all_the_same(frame):
    """Two equal columns, a sum, complete separation, a rare level: every chain stays finite."""
    frame["twin"] = 3 * frame["a"]
    frame["total"] = frame["a"] + frame["b"]
    frame["flag"] = np.where(frame["b"] > 0, "hi", "lo")
    frame["k"] = np.resize(["u", "v"], N)
    frame.loc[30, "k"] = "w"
    for name, rows in {
        "twin": range(6, 12),
        "total": range(20, 26),
        "flag": [1, 2],
        "k": [5],
    }.items():
        frame.loc[list(rows), name] = None
    imputations = MICE(frame).mice(m=2, sweeps=12, progressbar=False)
    codes = set(imputations.events["code"])
    assert {"collinear", "separation", "rare_level"} <= codes
    for completed in imputations:
        assert completed.notna().all().all()
        gap = (completed["twin"] - 3 * completed["a"]).abs().max()
        assert gap < 0.1 * frame["twin"].std()
        gap = (completed["total"] - completed["a"] - completed["b"]).abs().max()
        assert gap < 0.1 * frame["total"].std()

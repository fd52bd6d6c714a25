"""`check_model` finds what would go wrong in a run, and says what it is."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest

import bayesmice as bm

pytestmark = pytest.mark.long

N = 30


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"x": rng.normal(size=N), "y": rng.gamma(3, 1, N)})
    frame["kind"] = np.resize(["a", "b", "c"], N)
    frame.loc[0:4, "y"] = np.nan
    frame.loc[5:8, "kind"] = None
    return frame


def good(data):
    a = pm.Normal("a", 0, 2)
    offset = pm.Normal("offset", 0, 1, dims="kind")
    mu = pm.math.exp(a + offset[data["kind"]])
    pm.Gamma("y", mu=mu, sigma=pm.HalfNormal("s", 2), observed=data["y"])


def outside(data):
    pm.Beta("y", pm.HalfNormal("a", 2), 1.0, observed=data["y"])


def two_levels(data):
    pm.Bernoulli("kind", logit_p=pm.Normal("a") + 0 * data["x"], observed=data["kind"])


def four_levels(data):
    logits = pm.math.concatenate([[0.0], pm.Normal("eta", 0, 0.1, shape=3)])
    pm.Categorical("kind", logit_p=logits + 0 * data["x"][:, None], observed=data["kind"])


def nothing(data):
    pm.Normal("a")


def unnamed(data):
    pm.Normal("outcome", pm.Normal("a"), 1, observed=data["y"])


def whole(data):
    pm.MvNormal("y", mu=pm.Normal("a") * np.ones(N), cov=np.eye(N), observed=data["y"])


def restless(data, names=iter(f"a{i}" for i in range(99))):  # noqa: B008
    pm.Normal("y", pm.Normal(next(names)), 1, observed=data["y"])


def test_a_good_model_passes_every_check(frame):
    report = bm.check_model(good, frame)
    assert report
    assert report.targets == ("y",)
    assert report.kernel == "nuts"
    assert set(report.table["result"]) == {"passed"}
    checks = set(report.table["check"])
    assert {"form", "log-density at the start", "draws of y", "same seed, same draws"} <= checks
    assert "ready to impute" in repr(report)
    assert "<table" in report._repr_html_()


@pytest.mark.parametrize(
    ("model", "check", "text"),
    [
        (outside, "log-density at the start", "not finite in y"),
        (two_levels, "log-density at the start", "not finite in kind"),
        (four_levels, "draws of kind", "are no level codes from 0 to 2"),
        (nothing, "form", "writes the observed variables (none)"),
        (unnamed, "form", "writes the observed variables outcome; expected names of columns"),
        (whole, "form", "one log-likelihood for all rows together"),
        (restless, "same model each time", "is not"),
    ],
)
def test_a_model_that_would_fail_says_why(frame, model, check, text):
    report = bm.check_model(model, frame)
    assert not report
    found = report.table.set_index("check").loc[check]
    assert found["result"] == "failed"
    assert text in found["detail"]
    assert "not ready to impute" in repr(report)


def test_a_block_and_a_regression_are_checked_too(frame):
    def pair(data):
        a = pm.Normal("a", 0, 2)
        pm.Normal("x", a, 1, observed=data["x"])
        pm.Normal("y", a + data["x"], 1, observed=data["y"])

    assert bm.check_model(pair, frame).targets == ("x", "y")
    report = bm.check_model(bm.Regression("x", family="gamma"), frame, "y")
    assert report.passed
    assert report.kernel == "hmc"
    with pytest.raises(ValueError, match="without a target; name the column"):
        bm.check_model(bm.Regression(), frame)


def test_the_data_are_checked_first():
    with pytest.raises(TypeError, match="expected data as a data frame"):
        bm.check_model(good, [1, 2])

"""Blocks: several targets with one model, drawn from their joint distribution.

The rows are independent given the parameters, which thousands of rows pin down, so imputed cells
can be compared with their exact conditional distribution. Each test raises a false alarm with a
probability below 1e-4, besides what is said of the size of Monte Carlo error.
"""

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy import stats

from bayesmice import MICE, Custom, open_imputations
from bayesmice.specification import specify

N = 4000
ALARM = 1e-4
A, S = 2.0, 1.5
C, D, T = -1.0, 0.8, 0.6


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng()
    first = rng.normal(A, S, N)
    frame = pd.DataFrame({"first": first, "second": C + D * first + rng.normal(0, T, N)})
    for name in frame:
        frame.loc[rng.random(N) < 0.3, name] = np.nan
    return frame


def chained(data):
    """The second depends on the first."""
    a, s = pm.Normal("a", 0, 10), pm.HalfNormal("s", 10)
    c, d, t = pm.Normal("c", 0, 10), pm.Normal("d", 0, 10), pm.HalfNormal("t", 10)
    pm.Normal("first", a, s, observed=data["first"])
    pm.Normal("second", c + d * data["first"], t, observed=data["second"])


@pytest.fixture(scope="module")
def imputed(pair):
    run = MICE(pair, {("first", "second"): chained}).mice(m=1, sweeps=25, progressbar=False)
    return run, run.completed(0)


def test_a_block_has_one_tree_and_fills_all_its_targets(imputed, pair):
    run, completed = imputed
    assert list(run.tree["conditionals"].children) == ["first+second"]
    assert set(run.tree["sweep_stats"].data_vars) == {"first", "second"}
    assert completed.notna().all().all()
    for name in pair:
        seen = pair[name].notna()
        pd.testing.assert_series_equal(completed[name][seen], pair[name][seen])


def test_a_complete_target_of_a_block_is_learned_from_and_left_alone(pair, tmp_path):
    frame = pair.dropna(subset="second").head(40)
    run = MICE(frame, {("first", "second"): chained}).mice(m=2, sweeps=4, progressbar=False)
    run.to_netcdf(tmp_path / "run.nc")
    again = open_imputations(tmp_path / "run.nc", models={("first", "second"): chained})
    for imputed in (run.extend(2, progressbar=False), again.extend(2, progressbar=False)):
        assert set(imputed.tree["imputations"].data_vars) == {"first"}
        assert set(imputed.tree["sweep_stats"].data_vars) == {"first"}
        for completed in imputed:
            pd.testing.assert_series_equal(completed["second"], frame["second"])
    for one, other in zip(run, again, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_parameters_come_from_the_joint_likelihood(imputed):
    run, _ = imputed
    posterior = run.tree["conditionals/first+second/posterior"].isel(draw=-1)
    for name, truth in {"a": A, "s": S, "c": C, "d": D, "t": T}.items():
        # Standard errors are about 0.03 at the most; five of them, five parameters.
        assert abs(float(posterior[name].item()) - truth) < 0.2


def test_a_missing_parent_follows_its_distribution_given_the_child(imputed, pair):
    _, completed = imputed
    only = pair["first"].isna() & pair["second"].notna()
    precision = 1 / S**2 + D**2 / T**2
    mean = (A / S**2 + D * (pair["second"][only] - C) / T**2) / precision
    z = (completed["first"][only] - mean) * np.sqrt(precision)
    assert abs(z.mean()) < 0.25  # four standard errors, and as much for those of the parameters
    assert abs(z.std() - 1) < 0.15
    assert stats.kstest(z - z.mean(), "norm").pvalue > ALARM


def test_where_both_are_missing_they_are_drawn_together(imputed, pair):
    _, completed = imputed
    both = pair.isna().all(axis=1)
    rest = completed["second"][both] - C - D * completed["first"][both]
    assert stats.kstest(rest / T, "norm").pvalue > ALARM / 10
    assert stats.kstest((completed["first"][both] - A) / S, "norm").pvalue > ALARM / 10


def test_a_binary_parent_follows_bayes_rule():
    rng = np.random.default_rng()
    group = rng.random(N) < 0.3
    frame = pd.DataFrame({"group": np.where(group, "b", "a"), "y": rng.normal(2.0 * group, 1.0)})
    frame.loc[rng.random(N) < 0.4, "group"] = None
    frame.loc[rng.random(N) < 0.2, "y"] = np.nan

    def mixture(data):
        logit = pm.Normal("logit", 0, 2)
        mean = pm.Normal("mean", 0, 5, shape=2)
        pm.Bernoulli("group", logit_p=logit, observed=data["group"])
        pm.Normal("y", mean[data["group"]], 1.0, observed=data["y"])

    run = MICE(frame, {("group", "y"): mixture}).mice(m=1, sweeps=15, progressbar=False)
    completed = run.completed(0)
    drawn = frame["group"].isna() & frame["y"].notna()
    odds = 0.3 / 0.7 * np.exp(2.0 * frame["y"][drawn] - 2.0)
    expected = odds / (1 + odds)
    is_b = completed["group"][drawn] == "b"
    for part in (expected < 0.2, (expected >= 0.2) & (expected < 0.8), expected >= 0.8):
        spread = np.sqrt((expected[part] * (1 - expected[part])).sum())
        # Five standard deviations, and two per cent for the parameters' own error.
        assert abs(is_b[part].sum() - expected[part].sum()) < 5 * spread + 0.02 * part.sum()


def test_rows_count_where_they_say_something_of_the_parameters(pair):
    model = specify(pair, {("first", "second"): chained}).model("first")
    assert model.children == {"first": ("second",), "second": ()}
    seen = pair.notna()
    np.testing.assert_array_equal(model.relevant_rows["second"], seen["second"])
    np.testing.assert_array_equal(model.relevant_rows["first"], seen["first"] | seen["second"])


def test_targets_that_share_only_parameters_are_no_chain(pair):
    def shared(data):
        s = pm.HalfNormal("s", 5)
        pm.Normal("first", pm.Normal("a", 0, 10), s, observed=data["first"])
        pm.Normal("second", pm.Normal("c", 0, 10), s, observed=data["second"])

    model = specify(pair, {("second", "first"): shared}).model("first")
    assert model.children == {"first": (), "second": ()}
    completed = MICE(pair, {("first", "second"): shared}).mice(m=1, sweeps=3, progressbar=False)
    assert completed.completed(0).notna().all().all()


def test_a_chain_of_targets_is_refused_by_steps_that_cannot_accept_row_by_row(pair):
    mice = MICE(pair, {("first", "second"): Custom(chained, kernel="pymc")})
    with pytest.raises(ValueError, match="depend on each other, which takes a gradient-based"):
        mice.mice(m=1, sweeps=1, progressbar=False)


def circle(data):
    b = pm.Normal("b")
    pm.Normal("first", b * data["second"], 1, observed=data["first"])
    pm.Normal("second", b * data["first"], 1, observed=data["second"])


def only_one(data):
    pm.Normal("first", pm.Normal("a"), 1, observed=data["first"])


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ({("first", "second"): circle}, "depend on each other in a circle"),
        ({("first", "second"): only_one}, "one observed variable per target, named 'first', 'sec"),
        ({("first", "third"): chained}, "names 'third', which is not a column"),
        ({("first", "first"): chained}, "expected a column, or a tuple of different columns"),
        ({("first", "second"): chained, "first": only_one}, "has two models for 'first'"),
    ],
)
def test_blocks_of_the_wrong_form_are_refused(pair, models, message):
    with pytest.raises(ValueError, match=message):
        MICE(pair, models)

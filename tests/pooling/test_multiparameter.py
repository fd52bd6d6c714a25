"""D1, D2, D3 and D4 on arrays, against mitml, closed forms and invariances."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from bayesmice.errors import PoolingError
from bayesmice.pooling.multiparameter import (
    HypothesisTest,
    ModelLikelihood,
    d1,
    d2,
    d3,
    d4,
    wald_statistics,
)
from bayesmice.pooling.rubin import pool_rubin

REFERENCE = Path(__file__).parent / "reference"
MITML = json.loads((REFERENCE / "multiparameter_cases.json").read_text())
CASES = MITML["cases"]
ALGEBRA = json.loads((REFERENCE / "likelihood_tests.json").read_text())["algebra"]
DF_COMPLETE = {"large": np.inf, "dfcom1000": 1000, "dfcom100": 100, "dfcom21": 21, "dfcom10": 10}


def arrays(name):
    case = CASES[name]
    m, k = case["m"], case["k"]
    return np.reshape(case["Q"], (m, k)), np.reshape(case["U"], (m, k, k)).astype(float)


def number(value):
    return float({"Inf": "inf", "NaN": "nan"}.get(value, value))


def reiter_moments_exist(riv, k, m, df_complete):
    t = k * (m - 1)
    return t > 4 and df_complete * (df_complete + 1) / (df_complete + 3) > 4 * (
        1 + riv * t / (t - 2)
    )


@pytest.mark.parametrize("df", DF_COMPLETE)
@pytest.mark.parametrize("name", CASES)
def test_d1_is_that_of_mitml_in_exact_algebra(name, df):
    theirs = {key: number(value) for key, value in ALGEBRA[name][df].items()}
    ours = d1(*arrays(name), df_complete=DF_COMPLETE[df])
    # At an estimate of exactly 0 F is a square of rounding errors.
    np.testing.assert_allclose(ours.statistic, theirs["F"], rtol=1e-10, atol=1e-28)
    np.testing.assert_allclose(ours.riv, theirs["riv"], rtol=1e-10, atol=1e-15)
    if df == "large" or reiter_moments_exist(theirs["riv"], ours.df1, ours.m, DF_COMPLETE[df]):
        np.testing.assert_allclose(ours.df2, theirs["df2"], rtol=1e-9)
    else:
        # There mitml has negative numbers, NaN, 4 whatever the data, or more than df_complete.
        df_complete = DF_COMPLETE[df]
        observed = df_complete * (df_complete + 1) / (df_complete + 3) / (1 + theirs["riv"])
        large = number(ALGEBRA[name]["large"]["df2"])
        np.testing.assert_allclose(1 / ours.df2, 1 / large + 1 / observed, rtol=1e-9)


@pytest.mark.parametrize("df", DF_COMPLETE)
@pytest.mark.parametrize("name", CASES)
def test_p_values_of_d1_are_those_of_mitml(name, df):
    theirs = CASES[name][f"D1_{df}"]
    ours = d1(*arrays(name), df_complete=DF_COMPLETE[df])
    if ours.df_rule == "Barnard and Rubin (1999)":
        assert ours.p_value == pytest.approx(stats.f.sf(ours.statistic, ours.df1, ours.df2))
    else:
        # Numerical derivatives there.
        np.testing.assert_allclose(ours.p_value, number(theirs["p"]), rtol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_d2_of_wald_statistics_is_that_of_mitml(name):
    theirs = {key: number(value) for key, value in CASES[name]["D2_wald"].items()}
    statistics = wald_statistics(*arrays(name))
    np.testing.assert_allclose(statistics, CASES[name]["wald_statistics"], rtol=1e-6)
    ours = d2(statistics, k=CASES[name]["k"])
    numbers = [ours.statistic, ours.df2, ours.p_value, ours.riv]
    np.testing.assert_allclose(numbers, [theirs[key] for key in ("F", "df2", "p", "riv")], 1e-6)


@pytest.mark.parametrize("name", MITML["D2_from_chisquares"])
def test_d2_of_chi_squares_is_that_of_mitml(name):
    case = MITML["D2_from_chisquares"][name]
    ours = d2(case["d"], k=case["k"])
    numbers = [ours.statistic, ours.df2, ours.p_value, ours.riv]
    expected = [number(case[key]) for key in ("F", "df2", "p", "riv")]
    np.testing.assert_allclose(numbers, expected, rtol=1e-10)


def test_a_negative_d2_is_no_evidence():
    test = d2([0.1, 20, 0.2, 15, 0.05], k=3)
    assert test.statistic < 0
    assert test.p_value == 1


@pytest.mark.parametrize("df", DF_COMPLETE.values())
@pytest.mark.parametrize(("k", "m"), [(1, 3), (1, 5), (3, 2), (4, 7)])
def test_identical_imputations_give_the_complete_data_wald_test(k, m, df):
    rng = np.random.default_rng(3)
    q, root = rng.normal(size=k), rng.normal(size=(k, k + 3))
    u = root @ root.T
    test = d1([q] * m, [u] * m, df_complete=df)
    statistic = q @ np.linalg.solve(u, q) / k
    # Without missing values all rules leave the degrees of freedom of Barnard and Rubin.
    expected_df = df if np.isinf(df) else df * (df + 1) / (df + 3)
    assert (test.riv, test.df1) == (0, k)
    assert test.statistic == pytest.approx(statistic, rel=1e-10)
    assert test.df2 == pytest.approx(expected_df, rel=1e-12)
    expected = stats.chi2.sf(k * statistic, k) if df == np.inf else None
    expected = stats.f.sf(statistic, k, expected_df) if expected is None else expected
    assert test.p_value == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("test", [d3, d4])
def test_identical_imputations_give_the_likelihood_ratio_test(test):
    full = ModelLikelihood(np.full(5, -40.0), -40.0, 6)
    reduced = ModelLikelihood(np.full(5, -44.5), -44.5, 4)
    pooled = test(full, reduced)
    assert (pooled.statistic, pooled.riv, pooled.df2) == (4.5, 0, np.inf)
    assert pooled.p_value == pytest.approx(stats.chi2.sf(9.0, 2), rel=1e-12)
    assert d2([9.0] * 5, k=2).p_value == pytest.approx(pooled.p_value, rel=1e-12)


@pytest.mark.parametrize("m", [2, 3, 4, 5])
@pytest.mark.parametrize("df", [np.inf, 200, 12])
def test_one_parameter_and_few_imputations_are_the_square_of_rubins_t(m, df):
    rng = np.random.default_rng(m)
    q_hat, u = rng.normal(1, 0.3, size=(m, 1)), rng.uniform(0.1, 0.3, size=(m, 1))
    pooled = pool_rubin(q_hat, u, df_complete=df)
    t = pooled.q_bar[0] / np.sqrt(pooled.t[0])
    test = d1(q_hat, u[:, :, None], df_complete=df)
    assert test.statistic == pytest.approx(t**2, rel=1e-12)
    assert test.df2 == pytest.approx(pooled.df[0], rel=1e-12)
    assert test.p_value == pytest.approx(2 * stats.t.sf(abs(t), pooled.df[0]), rel=1e-10)


def test_reiters_degrees_of_freedom_approach_those_of_large_samples():
    large = d1(*arrays("k5_m3")).df2
    assert d1(*arrays("k5_m3"), df_complete=1e9).df2 == pytest.approx(large, rel=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_degrees_of_freedom_grow_with_those_of_complete_data_and_stay_below(name):
    df_complete = np.array([3.0, 10, 30, 100, 1e3, 1e5])
    df = np.array([d1(*arrays(name), df_complete=value).df2 for value in df_complete])
    assert (np.diff(df) > 0).all()
    assert (df < df_complete).all()


def test_no_complete_data_degrees_of_freedom_are_no_evidence():
    test = d1(*arrays("k3_m5"), df_complete=0)
    assert (test.df2, test.p_value) == (0, 1)


@pytest.mark.parametrize("df", [np.inf, 40])
def test_tests_do_not_depend_on_how_the_hypothesis_is_written(df):
    q_hat, u = arrays("k4_m20")
    change = np.array([[1.0, 2, 0, 0], [0, 1e-4, 0, 1], [3, 0, -1, 0], [0, 0, 500, 1]])
    changed = q_hat @ change.T, change @ u @ change.T
    for one, other in (
        (d1(q_hat, u, df_complete=df), d1(*changed, df_complete=df)),
        (d2(wald_statistics(q_hat, u), 4), d2(wald_statistics(*changed), 4)),
    ):
        np.testing.assert_allclose(one.table, other.table, rtol=1e-8)


def test_tests_do_not_depend_on_the_order_of_imputations():
    q_hat, u = arrays("k3_m5")
    order = [3, 0, 4, 1, 2]
    np.testing.assert_allclose(d1(q_hat, u).table, d1(q_hat[order], u[order]).table, rtol=1e-12)
    statistics = wald_statistics(q_hat, u)
    np.testing.assert_allclose(d2(statistics, 3).table, d2(statistics[order], 3).table, rtol=1e-12)


def likelihoods(own, reduced_own, common, reduced_common, h=7, k=3):
    return (
        ModelLikelihood(np.array(own), common, h),
        ModelLikelihood(np.array(reduced_own), reduced_common, h - k),
    )


# Likelihood-ratio statistics 8, 12 and 10 (mean 10), and 7 at common parameters; m = 3, k = 3.
LIKELIHOODS = likelihoods([-50, -49, -51], [-54, -55, -56], -51.5, -55.0)


def test_d3_has_its_closed_form():
    test = d3(*LIKELIHOODS)
    riv = 4 / (3 * 2) * (10 - 7)
    t = 3 * 2
    df = 4 + (t - 4) * (1 + (1 - 2 / t) / riv) ** 2
    assert test.riv == pytest.approx(riv, rel=1e-12)
    assert test.statistic == pytest.approx(7 / (3 * (1 + riv)), rel=1e-12)
    assert test.df2 == pytest.approx(df, rel=1e-12)
    assert test.p_value == pytest.approx(stats.f.sf(test.statistic, 3, df), rel=1e-12)


def test_d4_has_its_closed_forms():
    plain, robust = d4(*LIKELIHOODS), d4(*LIKELIHOODS, ariv="robust")
    assert plain.riv == pytest.approx(4 / (3 * 2) * (10 - 7), rel=1e-12)
    assert plain.df2 == pytest.approx(6 * (1 + 1 / plain.riv) ** 2, rel=1e-12)
    # The larger model has 7 parameters, and twice its log-likelihood is -100 and -103.
    assert robust.riv == pytest.approx(4 / (7 * 2) * 3, rel=1e-12)
    assert robust.df2 == pytest.approx(14 * (1 + 1 / robust.riv) ** 2, rel=1e-12)
    assert robust.statistic == pytest.approx(7 / (3 * (1 + robust.riv)), rel=1e-12)


@pytest.mark.parametrize("test", [d3, d4])
def test_positive_raises_a_negative_variance_increase_to_zero(test):
    models = likelihoods([-50, -50, -50], [-54, -54, -54], -51.0, -55.1)
    assert test(*models).riv == pytest.approx(4 / 6 * (8 - 8.2))
    raised = test(*models, ariv="positive")
    assert (raised.riv, raised.df2) == (0, np.inf)
    assert raised.p_value == pytest.approx(stats.chi2.sf(8.2, 3), rel=1e-12)


@pytest.mark.parametrize("test", [d3, d4])
def test_a_variance_increase_of_minus_one_is_refused(test):
    models = likelihoods([-50, -50, -50], [-54, -54, -54], -51.0, -56.0)
    with pytest.raises(PoolingError, match=r"estimated as -1.333.*ariv='positive'"):
        test(*models)
    assert test(*models, ariv="positive").riv == 0


@pytest.mark.parametrize("test", [d3, d4])
def test_models_that_are_not_nested_are_refused(test):
    full, reduced = LIKELIHOODS
    with pytest.raises(PoolingError, match="4 and 7 parameters"):
        test(reduced, full)
    with pytest.raises(PoolingError, match="3 and 2 imputations"):
        test(full, reduced._replace(maxima=reduced.maxima[:2]))


def test_unknown_ways_to_estimate_the_variance_increase_are_refused():
    with pytest.raises(PoolingError, match=r"D3 knows .* got 'robust'"):
        d3(*LIKELIHOODS, ariv="robust")
    with pytest.raises(PoolingError, match=r"D4 knows .* got 'average'"):
        d4(*LIKELIHOODS, ariv="average")


Q = np.array([[1.0, 2, 3], [1.2, 2.1, 2.7], [0.8, 1.7, 3.1]])
NAMES = ["age", "bmi", "sum of both"]
# The third is the sum of the others, in other units.
SUMS = np.array([[1.0, 0.0], [0.0, 4.0], [1e3, 1e3]])
SINGULAR = SUMS @ SUMS.T


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda u: wald_statistics(Q, [np.eye(3), u, np.eye(3)], names=NAMES),
            "Imputation 1: the covariance matrix is singular, or has a negative variance, in a "
            "combination of 'age', 'bmi', 'sum of both'.",
        ),
        (
            lambda u: d1(Q, [u] * 3, names=NAMES),
            "The mean of the covariance matrices over imputations is singular",
        ),
        (
            lambda u: wald_statistics(Q, [np.eye(3), np.eye(3), np.diag([1, 0, 1])], names=NAMES),
            "Imputation 2: the covariance matrix is singular: the variance of 'bmi' is 0.",
        ),
        (
            lambda u: d1(Q, [np.diag([1, 1, np.nan])] * 3),
            "Imputation 0, parameter 2: the variance is nan",
        ),
        (
            lambda u: d1(Q, [np.where(np.eye(3), 1, np.nan)] * 3, names=NAMES),
            "'age', 'bmi', 'sum of both' must be finite and symmetric. Give whole covariance",
        ),
        (
            lambda u: d1(Q, [np.eye(3) + 0.1 * np.eye(3, k=1)] * 3),
            "must be finite and symmetric",
        ),
        (lambda u: d1(Q[:1], [np.eye(3)]), "at least 2 imputations"),
        (lambda u: d1(Q, [np.eye(2)] * 3), "must both have the shape (m, k)"),
        (lambda u: d1(Q, [np.eye(3)] * 3, df_complete=-1), "df_complete must be one number"),
        (lambda u: d1(Q, [np.eye(3)] * 3, df_complete=[5, 5]), "df_complete must be one number"),
        (lambda u: d2([1.0], k=1), "got statistics of the shape (1,) and k=1"),
        (lambda u: d2([1.0, 2.0], k=0), "k=0"),
        (lambda u: d2([1.0, -2.0], k=1), "Imputation 1: the statistic is -2.0"),
    ],
)
def test_what_cannot_be_tested_is_refused_by_name(call, message):
    with pytest.raises(PoolingError, match=re.escape(message)):
        call(SINGULAR)


def test_units_do_not_decide_what_is_singular():
    units = np.array([1e-9, 1.0, 1e7])
    q_hat, u = arrays("k3_m5")
    scaled = d1(q_hat * units, u * np.outer(units, units))
    np.testing.assert_allclose(scaled.table, d1(q_hat, u).table, rtol=1e-10)


def test_a_test_shows_itself():
    test = HypothesisTest("D1", 4.1, 2, 33.33333, 0.0251, 0.2, 5, "Reiter (2007)", ("a<b = 0",))
    assert test.table.index.tolist() == ["D1"]
    assert test.table.columns.tolist() == ["statistic", "df1", "df2", "p_value", "riv", "m"]
    assert repr(test).splitlines()[:2] == [
        "HypothesisTest: D1, 5 imputations, degrees of freedom of Reiter (2007)",
        "  a<b = 0",
    ]
    assert "33.33" in repr(test)
    assert "a&lt;b = 0" in test._repr_html_()
    assert "<table" in test._repr_html_()


def rejects(rng, *, k, m, df_complete, missing):
    """Impute and test a regression whose k slopes are zero in truth.

    Imputations are draws from the posterior predictive distribution of the normal linear model
    under its noninformative prior, fitted to the rows with an observed outcome: proper in Rubin's
    sense. `df_complete` are the rows less the parameters, and `missing` the share of outcomes.
    """
    n = df_complete + k + 1
    x = np.column_stack([np.ones(n), rng.normal(size=(n, k))])
    y = rng.normal(size=n)
    n_missing = round(missing * n)
    seen = x[n_missing:]
    root = np.linalg.cholesky(np.linalg.inv(seen.T @ seen))
    beta = np.linalg.lstsq(seen, y[n_missing:])[0]
    squares = np.sum((y[n_missing:] - seen @ beta) ** 2)
    sigma = np.sqrt(squares / rng.chisquare(len(seen) - k - 1, size=m))
    drawn = beta + sigma[:, None] * (rng.normal(size=(m, k + 1)) @ root.T)
    completed = np.tile(y, (m, 1))
    completed[:, :n_missing] = drawn @ x[:n_missing].T
    completed[:, :n_missing] += sigma[:, None] * rng.normal(size=(m, n_missing))
    inverse = np.linalg.inv(x.T @ x)
    q_hat = completed @ x @ inverse
    variance = np.sum((completed - q_hat @ x.T) ** 2, axis=1) / df_complete
    u = variance[:, None, None] * inverse[1:, 1:]
    return d1(q_hat[:, 1:], u, df_complete=df_complete).p_value < 0.05


# Low and high: what small m is known to cost, before Monte Carlo error.
@pytest.mark.statistical
@pytest.mark.parametrize(
    ("k", "m", "df_complete", "missing", "low", "high"),
    [
        (3, 5, 40, 0.3, 0.035, 0.06),
        (3, 20, 25, 0.4, 0.035, 0.06),
        (5, 10, 60, 0.5, 0.035, 0.06),
        (2, 3, 30, 0.3, 0.03, 0.07),
        (1, 5, 20, 0.3, 0.03, 0.07),
        (2, 2, 30, 0.2, 0.03, 0.09),
    ],
)
def test_rejection_rate_under_a_true_null_is_near_its_level(k, m, df_complete, missing, low, high):
    rng = np.random.default_rng()
    n = 8000
    settings = {"k": k, "m": m, "df_complete": df_complete, "missing": missing}
    rate = np.mean([rejects(rng, **settings) for _ in range(n)])
    # Five standard errors of a proportion of 8000, which is 0.0024 at a rate of 0.05.
    margin = 5 * np.sqrt(rate * (1 - rate) / n)
    assert low - margin < rate < high + margin, (rate, settings)

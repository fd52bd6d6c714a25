"""Rubin's rules on arrays, against R's mice, exact fractions and closed forms."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bayesmice.errors import PoolingError
from bayesmice.pooling import pool, pool_rubin
from bayesmice.pooling.rubin import pool_covariance

REFERENCE = json.loads((Path(__file__).parent / "reference" / "scalar_cases.json").read_text())
POOLED = [name for name, case in REFERENCE["cases"].items() if "refused" not in case]
REFUSED = [name for name, case in REFERENCE["cases"].items() if "refused" in case]
PAIRS = [(name, index) for name in POOLED for index in range(8)]


def number(value):
    return float({"NA": "nan"}.get(value, value))


def column(values):
    return np.array([[number(value)] for value in values])


def scalar_case(name, index):
    """Inputs, complete-data df, and mice's numbers for one of its 8 complete-data df."""
    case = REFERENCE["cases"][name]
    reference = {**case, **case["by_dfcom"][index]}
    df_complete = number(reference.pop("dfcom"))
    numbers = {key: number(value) for key, value in reference.items() if np.ndim(value) == 0}
    return column(case["Q"]), column(case["U"]), df_complete, numbers


@pytest.mark.parametrize(("name", "index"), PAIRS)
def test_pooled_numbers_are_those_of_mice(name, index):
    q_hat, u, df_complete, mice = scalar_case(name, index)
    pooled = pool_rubin(q_hat, u, df_complete=df_complete)
    ours = (pooled.q_bar, pooled.u_bar, pooled.b, pooled.t, pooled.riv, pooled.lambda_)
    theirs = [mice[key] for key in ("qbar", "ubar", "b", "t", "r", "lambda")]
    np.testing.assert_allclose(np.concatenate(ours), theirs, rtol=1e-10)
    # Where 1 - lambda is 3e-13, mice loses all but 3 of its digits by subtracting; see below.
    df_rtol = 1e-3 if name == "tiny_W" and np.isfinite(df_complete) else 1e-10
    np.testing.assert_allclose(pooled.df, mice["df"], rtol=df_rtol)
    # At riv = Inf mice has Inf/Inf; the limit is 1.
    fmi = 1.0 if name == "zero_W" else mice["fmi"]
    np.testing.assert_allclose(pooled.fmi, fmi, rtol=1e-10)


@pytest.mark.parametrize(("name", "index"), PAIRS)
def test_tests_and_intervals_are_those_of_mice(name, index):
    q_hat, u, df_complete, mice = scalar_case(name, index)
    row = pool((q_hat, u), df_complete=df_complete).table.iloc[0]
    np.testing.assert_allclose(row["std_error"], mice["se"], rtol=1e-10)
    np.testing.assert_allclose(row["statistic"], mice["statistic"], rtol=1e-10)
    if row["df"] < 1e-3:
        # mice takes p-values with 0.001 degrees of freedom or more; these are the limits at 0.
        assert row["p_value"] == pytest.approx(1, abs=1e-8)
        assert (row["ci_low"], row["ci_high"]) == (-np.inf, np.inf)
    else:
        np.testing.assert_allclose(row["p_value"], mice["p_value"], rtol=1e-10)
        interval = row[["ci_low", "ci_high"]].astype(float)
        np.testing.assert_allclose(interval, [mice["ci_lo"], mice["ci_hi"]], rtol=1e-10)


@pytest.mark.parametrize("name", REFUSED)
def test_cases_that_mice_answers_with_na_or_nonsense_are_refused(name):
    case = REFERENCE["cases"][name]
    with pytest.raises(PoolingError):
        pool_rubin(column(case["Q"]), column(case["U"]))


@pytest.mark.parametrize("name", ["basic_m5", "m2", "tiny_W", "tiny_lambda", "hetero_U"])
def test_df_is_the_barnard_rubin_formula_in_exact_fractions(name):
    q, u = (
        [Fraction(float(value)) for value in REFERENCE["cases"][name][key]] for key in ("Q", "U")
    )
    m, nu_com = len(q), Fraction(22)
    q_bar, u_bar = sum(q) / m, sum(u) / m
    added = (1 + Fraction(1, m)) * sum((value - q_bar) ** 2 for value in q) / (m - 1)
    lambda_ = added / (added + u_bar)
    nu_obs = (1 - lambda_) * nu_com * (nu_com + 1) / (nu_com + 3)
    exact = 1 / (lambda_**2 / (m - 1) + 1 / nu_obs)
    pooled = pool_rubin([float(v) for v in q], [float(v) for v in u], df_complete=22)
    assert float(pooled.df) == pytest.approx(float(exact), rel=1e-11, abs=0)


@pytest.mark.parametrize("df_complete", [2.0, 22.0, 1000.0])
def test_identical_imputations_have_the_df_of_the_complete_data_formula(df_complete):
    pooled = pool_rubin([0.1] * 7, [0.3] * 7, df_complete=df_complete)
    assert float(pooled.b) == 0
    assert float(pooled.lambda_) == 0
    limit = df_complete * (df_complete + 1) / (df_complete + 3)
    assert float(pooled.df) == pytest.approx(limit, rel=1e-12)
    assert float(pooled.fmi) == pytest.approx(2 / (limit + 3), rel=1e-12)


def test_identical_imputations_of_a_large_sample_have_infinite_df_and_no_missing_information():
    pooled = pool_rubin([0.1] * 7, [0.3] * 7)
    assert (float(pooled.df), float(pooled.fmi)) == (np.inf, 0)


def test_df_without_between_variance_is_the_limit_of_df_with_little():
    little = pool_rubin([1.0, 1.0 + 1e-7], [1.0, 1.0], df_complete=30)
    none = pool_rubin([1.0, 1.0], [1.0, 1.0], df_complete=30)
    assert float(little.lambda_) > 0
    assert float(little.df) == pytest.approx(float(none.df), rel=1e-10)


def test_no_variance_at_all_leaves_df_undefined_and_the_standard_error_zero():
    pooled = pool_rubin([3.0, 3.0], [0.0, 0.0], df_complete=10)
    assert float(pooled.t) == 0
    assert np.isnan([pooled.df, pooled.riv, pooled.lambda_, pooled.fmi]).all()


def test_each_parameter_has_its_own_complete_data_df():
    q_hat, u = [[1.0, 1.0], [2.0, 2.0]], [[0.5, 0.5], [0.5, 0.5]]
    together = pool_rubin(q_hat, u, df_complete=[5.0, np.inf])
    alone = [pool_rubin([1.0, 2.0], [0.5, 0.5], df_complete=df) for df in (5.0, np.inf)]
    assert together.df.tolist() == [float(one.df) for one in alone]
    assert together.df_complete.tolist() == [5.0, np.inf]


def test_two_parameter_covariance_matrices_by_hand():
    q_hat = [[1.0, 4.0], [2.0, 2.0], [3.0, 0.0]]
    covariances = [np.array([[a, 0.5], [0.5, 2.0]]) for a in (1.0, 2.0, 3.0)]
    within, between, total = pool_covariance(q_hat, covariances)
    # Deviations (-1, 2), (0, 0), (1, -2): cross products (2, -4; -4, 8), over m - 1 = 2.
    np.testing.assert_allclose(within, [[2.0, 0.5], [0.5, 2.0]], rtol=1e-15)
    np.testing.assert_allclose(between, [[1.0, -2.0], [-2.0, 4.0]], rtol=1e-15)
    expected = [[2 + 4 / 3, 0.5 - 8 / 3], [0.5 - 8 / 3, 2 + 16 / 3]]
    np.testing.assert_allclose(total, expected, rtol=1e-15)


def test_order_of_imputations_does_not_matter():
    q_hat = np.array([[1.1, 0.4], [0.9, 0.1], [1.4, 0.3], [1.0, -0.2]])
    u = np.array([[0.04, 0.2], [0.05, 0.1], [0.03, 0.4], [0.06, 0.3]])
    order = [2, 0, 3, 1]
    one = pool_rubin(q_hat, u, df_complete=20)
    other = pool_rubin(q_hat[order], u[order], df_complete=20)
    for before, after in zip(one, other, strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-13)


@pytest.mark.parametrize("c", [1e-6, -3.0, 1e6])
def test_rescaling_a_parameter_rescales_only_its_estimate_and_variances(c):
    q_hat, u = np.array([1.1, 0.9, 1.4]), np.array([0.04, 0.05, 0.03])
    one = pool_rubin(q_hat, u, df_complete=20)
    other = pool_rubin(c * q_hat, c**2 * u, df_complete=20)
    np.testing.assert_allclose(other.q_bar, c * one.q_bar, rtol=1e-12)
    np.testing.assert_allclose(other.t, c**2 * one.t, rtol=1e-12)
    for letter in ("df", "riv", "lambda_", "fmi"):
        np.testing.assert_allclose(getattr(other, letter), getattr(one, letter), rtol=1e-12)


@pytest.mark.parametrize(
    ("q_hat", "u", "df_complete", "text"),
    [
        ([[1.0]], [[1.0]], 5, r"need at least 2 imputations .* got 1\. Run mice\(m=5\) or more\."),
        ([[1.0], [2.0]], [1.0, 1.0], 5, r"shape \(m, k\).*got \(2, 1\) and \(2,\)"),
        ([[1.0, 2.0], [2.0, np.nan]], np.ones((2, 2)), 5, "Imputation 1, parameter 1: the est"),
        ([1.0, 2.0], [-0.5, 1.0], 5, r"Imputation 0: the variance is -0\.5"),
        ([1.0, 2.0], [1.0, np.inf], 5, "Imputation 1: the variance is inf"),
        ([1.0, 2.0], [1.0, 1.0], -1, "df_complete must not be negative or NaN; got -1"),
        ([1.0, 2.0], [1.0, 1.0], np.nan, "df_complete must not be negative or NaN; got nan"),
        ([[1.0], [2.0]], [[1.0], [1.0]], [5, 6], r"one per parameter, of shape \(1,\); got .*2,"),
    ],
)
def test_array_rules_say_what_is_wrong_with_their_input(q_hat, u, df_complete, text):
    with pytest.raises(PoolingError, match=text):
        pool_rubin(q_hat, u, df_complete=df_complete)


def test_covariances_that_are_not_square_are_refused():
    with pytest.raises(PoolingError, match=r"one square matrix per imputation; got \(2, 2\)"):
        pool_covariance(np.ones((2, 2)), np.ones((2, 2)))

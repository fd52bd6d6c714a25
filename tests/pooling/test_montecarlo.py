"""Monte Carlo errors and the number of imputations."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit, logit

from bayesmice.errors import PoolingError
from bayesmice.pooling import pool, pool_rubin
from bayesmice.pooling.montecarlo import jackknife_errors


def pooled(m=12, seed=0):
    q_hat = np.random.default_rng(seed).normal(size=(m, 2))
    return pool((pd.DataFrame(q_hat, columns=["a", "b"]), np.full((m, 2), 0.5)), df_complete=60)


def test_the_error_of_an_estimate_is_the_root_of_b_over_m():
    results = pooled()
    expected = np.sqrt(np.diag(results.between) / results.m)
    np.testing.assert_allclose(results.monte_carlo_errors()["estimate"], expected, rtol=1e-12)


def test_the_error_of_an_odds_ratio_is_that_of_the_exponential():
    results = pooled()
    q_hat = results.stack.q_hat
    without = np.exp((q_hat.sum(axis=0) - q_hat) / (results.m - 1))
    expected = np.sqrt((results.m - 1) * without.var(axis=0))
    errors = results.monte_carlo_errors(exponentiate=True)
    np.testing.assert_allclose(errors["estimate"], expected, rtol=1e-12)


def test_copies_have_no_monte_carlo_error():
    results = pool([(1.5, 0.5)] * 5, df_complete=30)
    np.testing.assert_allclose(results.monte_carlo_errors(), 0, atol=1e-12)


def test_the_error_predicts_how_much_a_repetition_changes():
    """Over 400 repetitions; both spreads have a relative error of 4 %, so 20 % is five of them."""

    def numbers(stack):
        rubin = pool_rubin(stack.q_hat[:, 0], stack.variances[:, 0])
        return np.array([rubin.q_bar, np.sqrt(rubin.t), rubin.q_bar / np.sqrt(rubin.t)])

    runs = [pooled(m=20, seed=None).stack for _ in range(400)]
    spread = np.std([numbers(run) for run in runs], axis=0)
    stated = np.mean([jackknife_errors(run, numbers) ** 2 for run in runs], axis=0) ** 0.5
    np.testing.assert_allclose(stated, spread, rtol=0.2)


def test_two_imputations_have_no_monte_carlo_error():
    with pytest.raises(PoolingError, match="one imputation at a time and need at least 3"):
        pool([(1.0, 0.5), (2.0, 0.5)]).monte_carlo_errors()


def test_the_recommended_number_is_von_hippels_quadratic_rule():
    """m = 1 + (fmi / cv)^2 / 2 at the upper end of the interval for fmi (2020, equation 2)."""
    results = pooled(m=20)
    fmi = results.table["fmi"]
    upper = expit(logit(fmi) + stats.norm.ppf(0.975) * np.sqrt(2 / 20))
    expected = np.ceil(1 + 0.5 * (upper / 0.05) ** 2)
    assert results.recommended_m().tolist() == expected.tolist()
    assert (results.recommended_m(cv=0.1) < expected).all()


def test_without_missing_information_two_imputations_are_enough():
    assert pool([(1.0, 0.5)] * 5).recommended_m().tolist() == [2]


def test_the_recommended_number_keeps_standard_errors_within_the_limit():
    """With m from the rule at the true fmi, the coefficient of variation of T's root is 5 %.

    With U known, B over its expectation is a chi-square of m - 1 degrees of freedom; 4,000
    repetitions give the coefficient to 1.1 %, and the rule itself is a first-order one (3 %).
    """
    fmi = 0.5
    m = round(1 + 0.5 * (fmi / 0.05) ** 2)
    b = np.random.default_rng().chisquare(m - 1, 4000) / (m - 1)
    std_error = np.sqrt(1 + (1 + 1 / m) * b)
    assert std_error.std() / std_error.mean() == pytest.approx(0.05, rel=0.085)


def test_a_tolerance_of_zero_is_refused():
    with pytest.raises(PoolingError, match="cv must be positive"):
        pooled().recommended_m(cv=0)

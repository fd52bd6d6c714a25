"""Rules beside Rubin's of 1987, and degrees of freedom."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bayesmice.errors import PoolingError
from bayesmice.pooling import pool
from bayesmice.pooling.nested import pool_nested
from bayesmice.pooling.rubin import pool_rubin

REITER = json.loads((Path(__file__).parent / "reference" / "reiter_cases.json").read_text())


def pairs(q_hat, u):
    return [(pd.Series({"a": q}), pd.Series({"a": v})) for q, v in zip(q_hat, u, strict=True)]


@pytest.mark.parametrize("name", REITER["cases"])
def test_synthetic_data_are_pooled_as_by_mice(name):
    case = {key: np.asarray(value, dtype=float) for key, value in REITER["cases"][name].items()}
    pooled = pool(pairs(case["Q"], case["U"]), rule="reiter2003", df_complete=50)
    row = pooled.table.iloc[0]
    for column, theirs in (
        ("estimate", "qbar"),
        ("std_error", "se"),
        ("df", "df"),
        ("p_value", "p_value"),
        ("ci_low", "ci_lo"),
        ("ci_high", "ci_hi"),
    ):
        assert row[column] == pytest.approx(case[theirs], rel=1e-10), column
    assert pooled.cov_params().iloc[0, 0] == pytest.approx(case["t"], rel=1e-12)
    assert np.isnan(row["fmi"])


def test_synthetic_data_add_less_than_missing_values_do():
    results = pairs([1.0, 2.0, 4.0], [1.0, 1.0, 1.0])
    assert pool(results, rule="reiter2003").bse["a"] < pool(results).bse["a"]


Q, U = np.array([0.0, 1.0, 5.0]), np.array([1.0, 0.25, 4.0])


def test_the_mixture_has_the_moments_of_stacked_draws():
    """Mean and variance of the mixture, exactly; its quantiles by inverting its distribution."""
    pooled = pool(pairs(Q, U), rule="mixture")
    assert pooled.params["a"] == pytest.approx(2)
    assert pooled.bse["a"] ** 2 == pytest.approx(U.mean() + Q.var())
    assert pooled.cov_params().iloc[0, 0] == pytest.approx(U.mean() + Q.var())
    low, high = pooled.conf_int().loc["a"]
    assert stats.norm.cdf(low, Q, np.sqrt(U)).mean() == pytest.approx(0.025, abs=1e-9)
    assert stats.norm.sf(high, Q, np.sqrt(U)).mean() == pytest.approx(0.025, abs=1e-9)
    below = stats.norm.cdf(0, Q, np.sqrt(U)).mean()
    assert pooled.pvalues["a"] == pytest.approx(2 * below)


def test_the_components_of_a_mixture_are_t_distributions_in_small_samples():
    pooled = pool(pairs(Q, U), rule="mixture", df_complete=6)
    assert pooled.bse["a"] ** 2 == pytest.approx(1.5 * U.mean() + Q.var())
    assert pooled.within.iloc[0, 0] == pytest.approx(1.5 * U.mean())
    low = pooled.conf_int().loc["a", 0]
    assert stats.t.cdf((low - Q) / np.sqrt(U), 6).mean() == pytest.approx(0.025, abs=1e-9)


def test_a_mixture_of_copies_is_the_complete_data_interval():
    low, high = pool(pairs([1.0] * 3, [4.0] * 3), rule="mixture", df_complete=9).conf_int().loc["a"]
    assert (low, high) == pytest.approx(stats.t.interval(0.95, 9, 1, 2))


def test_with_many_imputations_the_mixture_and_rubin_agree():
    """For a normal posterior the mixture is normal with variance U + B; Rubin's T tends to it."""
    m = 4001
    q_hat = stats.norm.ppf((np.arange(m) + 0.5) / m)
    results = pairs(q_hat, np.full(m, 2.0))
    mixture, rubin = pool(results, rule="mixture").conf_int(), pool(results).conf_int()
    np.testing.assert_allclose(mixture, rubin, rtol=2e-3)


def test_degrees_of_freedom_of_1987_ignore_the_sample_size():
    results = pairs(Q, U)
    pooled = pool(results, df_complete=10, df_method="rubin")
    assert pooled.df["a"] == pool(results).df["a"]
    riv = pooled.pooled.riv[0]
    assert pooled.df["a"] == pytest.approx((3 - 1) * (1 + 1 / riv) ** 2)


def test_infinite_degrees_of_freedom_are_a_normal_distribution():
    pooled = pool(pairs(Q, U), df_complete=10, df_method="infinite")
    assert pooled.conf_int().loc["a", 1] == pytest.approx(
        2 + 1.959963984540054 * pooled.bse["a"], rel=1e-12
    )
    assert pooled.table.loc["a", "fmi"] == pooled.table.loc["a", "lambda"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"rule": "rubin"}, "rule='rubin' is not known. Choose one of 'rubin1987', 'reiter2003'"),
        ({"df_method": "small"}, "df_method='small' is not known. Choose one of 'barnard_rubin'"),
        ({"conf_level": 95}, "conf_level must lie between 0 and 1; got 95"),
    ],
)
def test_unknown_words_are_refused_with_those_that_there_are(options, text):
    with pytest.raises(PoolingError, match=text):
        pool(pairs(Q, U), **options)


# Three nests of two, worked by hand in fractions: nest means 1, 3, 8; overall 4.
NESTS = [[(0.0, 1.0), (2.0, 1.0)], [(3.0, 1.0), (3.0, 1.0)], [(7.0, 2.0), (9.0, 0.0)]]


def test_nested_imputations_have_a_variance_for_either_stage():
    pooled = pool([[(q, u) for q, u in nest] for nest in NESTS])
    between = (9 + 1 + 16) / 2
    within = (2 + 0 + 2) / 3
    first, second = 4 / 3 * between, within / 2
    total = 1 + first + second
    assert pooled.params[0] == pytest.approx(4)
    assert pooled.bse[0] ** 2 == pytest.approx(total)
    assert pooled.df[0] == pytest.approx(1 / ((first / total) ** 2 / 2 + (second / total) ** 2 / 3))
    assert pooled.cov_params().iloc[0, 0] == pytest.approx(total)
    assert pooled.m == 6
    assert "nested imputation" in pooled.summary().as_text()
    assert pooled.dataset.attrs["rule"] == "nested"


def test_nests_of_copies_are_imputations_of_one_level():
    q_hat = np.array([1.0, 2.0, 4.0, 3.5])
    nested = pool_nested(np.repeat(q_hat, 3).reshape(4, 3, 1), np.full((4, 3, 1), 0.7))
    flat = pool_rubin(q_hat[:, None], np.full((4, 1), 0.7))
    for name in ("q_bar", "u_bar", "t", "df", "riv", "lambda_", "fmi"):
        assert getattr(nested, name)[0] == pytest.approx(getattr(flat, name)[0], rel=1e-12), name


def test_the_nested_variance_is_unbiased():
    """With known variance components the mean of T is U + (1 + 1/m) (W/n + B) + (1 - 1/n) W.

    The mean over 20,000 repetitions lies within 5 of its standard errors (fails once in a million).
    """
    rng = np.random.default_rng()
    m, n, b, w = 4, 3, 2.0, 1.5
    nests = rng.normal(0, np.sqrt(b), (m, 1, 20000)) + rng.normal(0, np.sqrt(w), (m, n, 20000))
    t = pool_nested(nests, np.full((m, n, 20000), 0.5)).t
    expected = 0.5 + (1 + 1 / m) * (b + w / n) + (1 - 1 / n) * w
    assert abs(t.mean() - expected) < 5 * t.std() / np.sqrt(20000)


@pytest.mark.parametrize(
    ("results", "options", "text"),
    [
        ([NESTS[0]], {}, "at least 2 nests of 2 imputations; got 1 nests of 2"),
        (
            [NESTS[0], NESTS[1][:1]],
            {},
            "same number of results in every nest; got nests of 1, 2",
        ),
        (NESTS, {"rule": "mixture"}, "rule='mixture' is for one level"),
    ],
)
def test_nests_that_cannot_be_pooled_say_why(results, options, text):
    with pytest.raises(PoolingError, match=text):
        pool(results, **options)


def test_nested_monte_carlo_errors_leave_out_whole_nests():
    means = np.array([1.0, 3.0, 8.0])
    errors = pool(NESTS).monte_carlo_errors()
    assert errors["estimate"].iloc[0] == pytest.approx(means.std(ddof=1) / np.sqrt(3))

"""Whole analyses of completed data sets, against the same analyses pooled by R's mice."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

from bayesmice.analysis import quantities
from bayesmice.errors import PoolingError
from bayesmice.pooling import pool, pool_scalar

NEW = pd.DataFrame({"age": ["20-39", "60-99"], "bmi": [25.0, 30.0]}, index=["a", "b"])
COLUMNS = ["estimate", "std_error", "statistic", "df", "p_value", "ci_low", "ci_high"]


@pytest.fixture(scope="module")
def linear(completed):
    return [smf.ols("chl ~ age + bmi", df).fit() for df in completed]


@pytest.fixture(scope="module")
def logistic(completed):
    formula = "I((hyp == 'yes').astype(float)) ~ bmi"
    return [smf.logit(formula, df).fit(disp=0, method="newton", tol=1e-14) for df in completed]


def assert_like_r(pooled, table, rtol=1e-10):
    columns = [*COLUMNS, "riv", "lambda", "fmi"]
    expected = pd.DataFrame(table).set_index("term")[columns]
    np.testing.assert_allclose(pooled.table[columns], expected, rtol=rtol)


def test_linear_models_are_pooled_as_by_mice(linear, r):
    assert_like_r(pool(linear), r["lm"])


def test_logistic_models_are_pooled_as_by_mice(logistic, r):
    assert_like_r(pool(logistic), r["logit"], rtol=1e-6)


def test_generalized_linear_models_are_pooled_as_by_mice(completed, r):
    family = sm.families.Poisson()
    fits = [
        smf.glm("np.round(chl / 20) ~ bmi", df, family=family).fit(tol=1e-14) for df in completed
    ]
    assert_like_r(pool(fits), r["poisson"], rtol=1e-6)


def test_a_cox_model_of_statsmodels_is_pooled_like_that_of_survival(completed, r):
    fits = [
        smf.phreg("chl ~ bmi", df, status=(df["hyp"] == "yes").astype(int), ties="efron").fit()
        for df in completed
    ]
    pooled = pool(fits, df_complete=np.inf)
    assert pooled.params.index.tolist() == ["bmi"]
    for ours, theirs in (("q_bar", "qbar"), ("t", "t"), ("df", "df"), ("fmi", "fmi")):
        assert getattr(pooled.pooled, ours)[0] == pytest.approx(r["cox"][theirs], rel=1e-6)


def test_predictions_of_a_linear_model_are_pooled_row_by_row(linear, r):
    predicted = pool(linear).predict(NEW)
    expected = pd.DataFrame(r["lm_predictions"])
    assert predicted.index.tolist() == ["a", "b"]
    np.testing.assert_allclose(predicted, expected, rtol=1e-9)


def test_predictions_of_a_logistic_model_are_pooled_on_the_logit_scale(logistic, r):
    predicted = pool(logistic).predict(NEW)
    expected = pd.DataFrame(r["logit_predictions"])
    for column, theirs in (("estimate", "estimate"), ("ci_low", "low"), ("ci_high", "high")):
        share = 1 / (1 + np.exp(-expected[theirs]))
        np.testing.assert_allclose(predicted[column], share, rtol=1e-6)
    np.testing.assert_allclose(predicted["std_error"], expected["std_error"], rtol=1e-6)


def test_a_glm_predicts_like_the_model_that_it_is(completed, logistic):
    formula = "I((hyp == 'yes').astype(float)) ~ bmi"
    fits = [smf.glm(formula, df, family=sm.families.Binomial()).fit(tol=1e-14) for df in completed]
    pd.testing.assert_frame_equal(
        pool(fits).predict(NEW), pool(logistic).predict(NEW), rtol=1e-6, atol=0
    )


def test_a_count_model_predicts_means(completed):
    fits = [smf.poisson("np.round(chl / 20) ~ bmi", df).fit(disp=0) for df in completed]
    predicted = pool(fits).predict(NEW)
    linear = [fit.params["Intercept"] + fit.params["bmi"] * NEW["bmi"] for fit in fits]
    np.testing.assert_allclose(predicted["estimate"], np.exp(np.mean(linear, axis=0)), rtol=1e-9)


def test_prediction_intervals_hold_the_residual_variance_too(linear):
    pooled = pool(linear)
    mean, new = pooled.predict(NEW), pooled.predict(NEW, interval="prediction")
    residual = np.mean([fit.scale for fit in linear])
    np.testing.assert_allclose(new["std_error"] ** 2, mean["std_error"] ** 2 + residual, rtol=1e-9)
    np.testing.assert_allclose(new["estimate"], mean["estimate"])


def test_a_prediction_at_another_level_is_wider(linear):
    pooled = pool(linear, conf_level=0.9)
    narrow, wide = pooled.predict(NEW), pooled.predict(NEW, conf_level=0.99)
    assert (wide["ci_low"] < narrow["ci_low"]).all()
    assert (wide["ci_high"] > narrow["ci_high"]).all()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda fits: pool(fits).predict(NEW, interval="both"), "'confidence' or 'prediction'"),
        (
            lambda fits: pool([(f.params, f.cov_params()) for f in fits]).predict(NEW),
            r"Imputation 0: tuple has no get_prediction",
        ),
    ],
)
def test_predictions_that_cannot_be_made_say_why(linear, change, text):
    with pytest.raises(PoolingError, match=text):
        change(linear)


def test_prediction_intervals_are_for_linear_models(logistic):
    with pytest.raises(PoolingError, match=r"interval='prediction' is for linear models"):
        pool(logistic).predict(NEW, interval="prediction")


def test_monte_carlo_errors_are_the_jackknife_of_every_pooled_number(linear, r):
    errors = pool(linear).monte_carlo_errors()
    expected = pd.DataFrame(r["lm_jackknife"])
    np.testing.assert_allclose(errors[expected.columns], expected, rtol=1e-9)


@pytest.mark.parametrize("adjusted", [False, True])
def test_r_squared_is_pooled_as_by_mice(linear, r, adjusted):
    """Its interval in mice takes 1.96 standard errors; ours takes the t distribution."""
    expected = r["adjusted_r_squared" if adjusted else "r_squared"]
    pooled = pool([quantities.r_squared(fit, adjusted=adjusted) for fit in linear])
    row = pooled.table.iloc[0]
    assert row["estimate"] == pytest.approx(expected["estimate"], rel=1e-10)
    assert row["fmi"] == pytest.approx(expected["fmi"], rel=1e-10)
    z, margin = pooled.params.iloc[0], 1.96 * pooled.bse.iloc[0]
    assert np.tanh(z - margin) ** 2 == pytest.approx(expected["ci_low"], rel=1e-10)
    assert np.tanh(z + margin) ** 2 == pytest.approx(expected["ci_high"], rel=1e-10)
    by_number = pool_scalar(
        [fit.rsquared_adj if adjusted else fit.rsquared for fit in linear],
        [1 / (25 - 3)] * 5,
        transform="r_squared",
        u_scale="transformed",
    )
    np.testing.assert_allclose(by_number.table, pooled.table, rtol=1e-12)


def test_the_c_index_has_the_variance_of_survival(completed, r):
    one = completed[0]
    result = quantities.c_index(one["chl"], one["hyp"] == "yes", one["bmi"])
    c, variance = r["concordance"]["estimate"], r["concordance"]["variance"]
    assert 1 / (1 + np.exp(-result.estimates[0])) == pytest.approx(c, rel=1e-12)
    assert result.covariance[0] * (c * (1 - c)) ** 2 == pytest.approx(variance, rel=1e-10)


def test_the_area_under_the_curve_has_the_variance_of_proc(completed, r):
    one = completed[0]
    result = quantities.auc(one["hyp"] == "yes", one["bmi"])
    area, variance = r["auc"]["estimate"], r["auc"]["variance"]
    assert 1 / (1 + np.exp(-result.estimates[0])) == pytest.approx(area, rel=1e-12)
    assert result.covariance[0] * (area * (1 - area)) ** 2 == pytest.approx(variance, rel=1e-10)


def test_a_correlation_has_the_interval_of_cor_test(completed, r):
    one = completed[0]
    result = quantities.correlation(one["bmi"], one["chl"])
    margin = 1.959963984540054 * np.sqrt(result.covariance[0])
    ends = np.tanh(result.estimates[0] + np.array([-margin, margin]))
    np.testing.assert_allclose(ends, r["correlation"], rtol=1e-10)

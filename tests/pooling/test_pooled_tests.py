"""Hypotheses and combinations, asked of pooled results."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

import bayesmice as bm
from bayesmice.pooling import FailedAnalysis
from bayesmice.pooling.hypotheses import wald_test


@pytest.fixture
def fits(completed):
    return [smf.ols("chl ~ age + bmi", df).fit() for df in completed]


def test_a_wald_test_takes_the_degrees_of_freedom_of_the_pooling(fits):
    pooled = bm.pool(fits)
    words = "`age[T.40-59]` = 0, `age[T.60-99]` = 0"
    ours = pooled.wald_test(words)
    assert ours == wald_test(pooled.stack, words, df_complete=21)
    assert ours.df2 < 21
    assert pooled.wald_test(words, df_complete=np.inf).df2 > ours.df2


def test_a_wald_test_of_one_parameter_is_its_t_test(fits):
    """For k = 1 and m = 5 the degrees of freedom of D1 are those of Barnard and Rubin."""
    pooled = bm.pool(fits)
    test = pooled.wald_test("bmi")
    assert test.statistic == pytest.approx(pooled.tvalues["bmi"] ** 2)
    assert test.p_value == pytest.approx(pooled.pvalues["bmi"])


def test_anova_finds_the_terms_that_the_smaller_model_lacks(completed, fits):
    reduced = [smf.ols("chl ~ bmi", df).fit() for df in completed]
    test = bm.anova(fits, reduced)
    assert test == bm.pool(fits).wald_test(["age[T.40-59]", "age[T.60-99]"])


def test_anova_leaves_out_what_failed_in_either_model(completed, fits):
    reduced = [smf.ols("chl ~ bmi", df).fit() for df in completed]
    broken = [*fits[:2], FailedAnalysis(2, ValueError("no fit")), *fits[3:]]
    with pytest.raises(
        bm.PoolingError, match=r"Imputation 2 .* no fit\. Mend it, or pass drop_fail"
    ):
        bm.anova(broken, reduced)
    with pytest.warns(UserWarning, match="1 of 5 imputations failed: 2"):
        test = bm.anova(broken, reduced, drop_failed=True)
    without = bm.anova(fits[:2] + fits[3:], reduced[:2] + reduced[3:])
    assert test == without


def test_a_combination_is_pooled_like_a_parameter(fits):
    """Of a linear one the delta method is exact: a contrast of two levels, as if refitted."""
    pooled = bm.pool(fits)
    contrast = pooled.delta_method({"late": "`age[T.60-99]` - `age[T.40-59]`"})
    weights = pd.Series({"age[T.60-99]": 1.0, "age[T.40-59]": -1.0}).reindex(pooled.terms).fillna(0)
    by_hand = bm.pool(
        [(fit.params @ weights, weights @ fit.cov_params() @ weights) for fit in fits],
        df_complete=21,
    )
    np.testing.assert_allclose(contrast.table, by_hand.table, rtol=1e-8)
    assert contrast.terms.tolist() == ["late"]


def test_a_ratio_of_parameters_is_a_function_of_them(fits):
    pooled = bm.pool(fits)
    by_text = pooled.delta_method("bmi / Intercept")
    by_function = pooled.delta_method(lambda params: params["bmi"] / params["Intercept"])
    np.testing.assert_allclose(by_text.table, by_function.table, rtol=1e-6)

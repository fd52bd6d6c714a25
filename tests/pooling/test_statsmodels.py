"""Fitted models of statsmodels, from the fit to the pooled table."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

from bayesmice.errors import PoolingError
from bayesmice.pooling import pool

M = 4


def completed(imputation):
    """40 rows of which 10 differ from one imputation to the next, without a random number."""
    row = np.arange(40)
    x = np.sin(1.7 * row)
    x[:10] = np.sin(1.7 * row[:10] + 0.4 * imputation)
    y = 1 + 0.5 * x + np.cos(2.3 * row)
    sick = (np.cos(2.3 * row) + x + np.sin(5 * row) > 0.1).astype(int)
    group = np.array(["low", "high", "mid"])[row % 3]
    return pd.DataFrame({"y": y, "x": x, "sick": sick, "group": group, "site": row % 8})


DATA = [completed(imputation) for imputation in range(M)]


def ols(df, formula="y ~ x + group", **settings):
    return smf.ols(formula, df).fit(**settings)


def by_hand(fits, df_complete):
    """Estimate, standard error and df of the pooled coefficients, one coefficient at a time."""
    rows = {}
    for name in fits[0].params.index:
        q = [fit.params[name] for fit in fits]
        w = sum(fit.bse[name] ** 2 for fit in fits) / M
        b = np.var(q, ddof=1)
        lam = (1 + 1 / M) * b / (w + (1 + 1 / M) * b)
        observed = (df_complete + 1) / (df_complete + 3) * df_complete * (1 - lam)
        df = 1 / (lam**2 / (M - 1) + 1 / observed)
        rows[name] = {"estimate": np.mean(q), "std_error": np.sqrt(w + (1 + 1 / M) * b), "df": df}
    return pd.DataFrame(rows).T


def test_ols_is_pooled_with_its_residual_df():
    fits = [ols(df) for df in DATA]
    summary = pool(fits).table
    assert summary.index.tolist() == ["Intercept", "group[T.low]", "group[T.mid]", "x"]
    expected = by_hand(fits, df_complete=36)
    np.testing.assert_allclose(summary[expected.columns], expected, rtol=1e-9)


def test_order_of_terms_is_that_of_the_model():
    pooled = pool([ols(df, "y ~ x + I(x**2) + site") for df in DATA])
    assert pooled.params.index.tolist() == ["Intercept", "x", "I(x ** 2)", "site"]


@pytest.mark.parametrize(
    "fit",
    [
        lambda df: smf.logit("sick ~ x", df).fit(disp=0),
        lambda df: smf.glm("sick ~ x", df, family=sm.families.Binomial()).fit(),
    ],
)
def test_models_tested_with_a_normal_are_pooled_with_their_residual_df(fit):
    fits = [fit(df) for df in DATA]
    expected = by_hand(fits, df_complete=38)
    np.testing.assert_allclose(pool(fits).table[expected.columns], expected, rtol=1e-9)


def test_models_without_labels_take_the_names_of_their_design():
    fits = [sm.OLS(df["y"].to_numpy(), sm.add_constant(df["x"].to_numpy())).fit() for df in DATA]
    pooled = pool(fits)
    assert pooled.params.index.tolist() == ["const", "x1"]
    labelled = pool([ols(df, "y ~ x") for df in DATA])
    np.testing.assert_allclose(pooled.cov_params(), labelled.cov_params(), rtol=1e-9)


def test_a_dispersion_parameter_is_pooled_with_the_coefficients():
    fits = [
        sm.NegativeBinomial(df["site"].to_numpy(), sm.add_constant(df["x"].to_numpy())).fit(disp=0)
        for df in DATA
    ]
    pooled = pool(fits)
    assert pooled.params.index.tolist() == ["const", "x1", "alpha"]
    assert pooled.params["alpha"] == pytest.approx(np.mean([fit.params[2] for fit in fits]))


def test_cluster_robust_covariances_keep_the_df_of_the_clusters():
    fits = [ols(df, cov_type="cluster", cov_kwds={"groups": df["site"]}) for df in DATA]
    expected = by_hand(fits, df_complete=7)
    np.testing.assert_allclose(pool(fits).table[expected.columns], expected, rtol=1e-9)


def test_multinomial_models_are_pooled_per_level_and_term():
    fits = [smf.mnlogit("site ~ x", df.assign(site=df["site"] % 3)).fit(disp=0) for df in DATA]
    pooled = pool(fits)
    assert pooled.params.index.tolist() == [
        ("1", "Intercept"),
        ("1", "x"),
        ("2", "Intercept"),
        ("2", "x"),
    ]
    for level, column in (("1", 0), ("2", 1)):
        slopes = [fit.params.loc["x", column] for fit in fits]
        assert pooled.params[level, "x"] == pytest.approx(np.mean(slopes), rel=1e-12)
        within = np.mean([fit.bse.loc["x", column] ** 2 for fit in fits])
        total = within + 1.25 * np.var(slopes, ddof=1)
        assert pooled.bse[level, "x"] == pytest.approx(np.sqrt(total), rel=1e-9)


def test_multinomial_models_without_labels_are_read_level_by_level():
    labelled = [smf.mnlogit("site ~ x", df.assign(site=df["site"] % 3)).fit(disp=0) for df in DATA]
    fits = [
        sm.MNLogit((df["site"] % 3).to_numpy(), sm.add_constant(df["x"].to_numpy())).fit(disp=0)
        for df in DATA
    ]
    pooled = pool(fits)
    assert pooled.params.index.tolist() == [(0, "const"), (0, "x1"), (1, "const"), (1, "x1")]
    np.testing.assert_allclose(pooled.bse, pool(labelled).bse, rtol=1e-6)


def test_designs_in_another_order_are_aligned():
    fits = [ols(df, "y ~ x + site") for df in DATA]
    mixed = [fits[0], *(ols(df, "y ~ site + x") for df in DATA[1:])]
    pd.testing.assert_frame_equal(pool(mixed).table, pool(fits).table, rtol=1e-9)


def test_a_category_absent_from_one_completed_data_set_is_reported():
    fits = [ols(df) for df in DATA]
    fits[2] = ols(DATA[2].replace({"group": {"mid": "low"}}))
    with pytest.raises(PoolingError, match=r"imputation 2 lacks 'group\[T\.mid\]'"):
        pool(fits)


def test_a_fit_that_stopped_early_is_named():
    fits = [smf.logit("sick ~ x", df).fit(disp=0) for df in DATA]
    fits[1] = smf.logit("sick ~ x", DATA[1]).fit(disp=0, maxiter=1, warn_convergence=False)
    with pytest.warns(UserWarning, match=r"1 of 4 imputations did not converge: 1 \(counted"):
        pool(fits)

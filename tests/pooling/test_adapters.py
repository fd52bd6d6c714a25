"""Results of other libraries: what is read from each, compared with what its own table says."""

import warnings
from types import SimpleNamespace

import marginaleffects
import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from lifelines import CoxPHFitter, WeibullAFTFitter
from linearmodels.iv import IV2SLS
from linearmodels.panel import PanelOLS
from sklearn.linear_model import LinearRegression, LogisticRegression
from statsmodels.miscmodels.ordinal_model import OrderedModel

from bayesmice.errors import PoolingError
from bayesmice.pooling import CompleteDataResult, complete_data_result, pool

N = 120
ROWS = np.arange(N)


def make(imputation):
    """Patients in 12 sites at 10 times; a tenth of x differs between imputations."""
    x = np.where(ROWS < N // 10, np.cos(ROWS + imputation), np.sin(1.3 * ROWS))
    y = 1 + x + np.cos(2.1 * ROWS) + 1.5 * np.sin(5 * (ROWS // 10))
    return pd.DataFrame(
        {
            "x": x,
            "z": np.cos(0.7 * ROWS),
            "y": y,
            "site": ROWS // 10,
            "visit": ROWS % 10,
            "time": np.exp(0.5 * x + 0.5 * np.cos(3.7 * ROWS)),
            "event": (ROWS % 4 > 0).astype(int),
            "grade": np.digitize(y, [0.3, 1.7]),
            "count": np.floor(np.exp(np.clip(y, -1, 2))).astype(int),
        }
    )


def with_grades(df):
    labels = np.array(["low", "middle", "high"])[df["grade"]]
    return df.assign(grade=pd.Categorical(labels, ["low", "middle", "high"]))


OLD_CALLS = [
    pytest.mark.filterwarnings(f"ignore::{kind}")
    for kind in ("DeprecationWarning", "pandas.errors.Pandas4Warning")
]
"""lifelines 0.30 and marginaleffects 0.6 call functions of other packages in ways that will end."""


def with_old_calls(test):
    for mark in OLD_CALLS:
        test = mark(test)
    return test


DATA = [make(imputation) for imputation in range(3)]


def assert_reads(fits, names, estimates, std_errors, df_complete):
    """One result is read as its library shows it, and all are pooled."""
    read = complete_data_result(fits[0])
    covariance = read.covariance
    variances = covariance if covariance.ndim == 1 else np.diag(covariance)
    assert list(read.names) == names
    np.testing.assert_allclose(read.estimates, estimates, rtol=1e-10)
    np.testing.assert_allclose(np.sqrt(variances), std_errors, rtol=1e-8)
    assert read.df_complete == df_complete
    pooled = pool(fits)
    assert pooled.terms.tolist() == names
    all_estimates = [complete_data_result(fit).estimates for fit in fits]
    np.testing.assert_allclose(pooled.params, np.mean(all_estimates, axis=0))


STATSMODELS = {
    "wls": lambda df: smf.wls("y ~ x + z", df, weights=1 + df["visit"]).fit(),
    "glm": lambda df: smf.glm("y ~ x + z", df).fit(),
    "probit": lambda df: smf.probit("event ~ x + z", df).fit(disp=0),
    "poisson": lambda df: smf.poisson("count ~ x + z", df).fit(disp=0),
    "gee": lambda df: smf.gee("y ~ x + z", "site", df).fit(),
    "robust": lambda df: smf.ols("y ~ x + z", df).fit(cov_type="HC3"),
    "quantile": lambda df: smf.quantreg("y ~ x + z", df).fit(),
}


@pytest.mark.parametrize("name", STATSMODELS)
def test_regressions_of_statsmodels(name):
    fits = [STATSMODELS[name](df) for df in DATA]
    names = ["Intercept", "x", "z"]
    assert_reads(fits, names, fits[0].params, fits[0].bse, N - 3)


def test_a_negative_binomial_model_with_its_dispersion():
    fits = [smf.negativebinomial("count ~ x", df).fit(disp=0, maxiter=200) for df in DATA]
    read = complete_data_result(fits[0])
    assert read.names == ("Intercept", "x", "alpha")
    np.testing.assert_allclose(np.sqrt(np.diag(read.covariance)), fits[0].bse, rtol=1e-8)


def test_an_ordered_model_with_its_thresholds():
    fits = [OrderedModel.from_formula("grade ~ x + z", df).fit(disp=0) for df in DATA]
    names = ["x", "z", "0.0/1.0", "1.0/2.0"]
    assert_reads(fits, names, fits[0].params, fits[0].bse, N - 4)


def test_a_proportional_hazards_model_of_statsmodels():
    fits = [smf.phreg("time ~ x + z", df, status=df["event"]).fit() for df in DATA]
    assert_reads(fits, ["x", "z"], fits[0].params, fits[0].bse, N - 2)


def test_the_fixed_effects_of_a_mixed_model():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fits = [smf.mixedlm("y ~ x + z", df, groups="site").fit() for df in DATA]
    names = ["Intercept", "x", "z"]
    assert_reads(fits, names, fits[0].fe_params, fits[0].bse_fe, N - 3)


def test_linearmodels():
    fits = [IV2SLS.from_formula("y ~ 1 + x + z", df).fit() for df in DATA]
    assert_reads(fits, ["Intercept", "x", "z"], fits[0].params, fits[0].std_errors, N - 3)


def test_a_panel_of_linearmodels():
    panels = [df.set_index(["site", "visit"]) for df in DATA]
    fits = [PanelOLS.from_formula("y ~ x + z + EntityEffects", df).fit() for df in panels]
    assert_reads(fits, ["x", "z"], fits[0].params, fits[0].std_errors, N - 14)


@with_old_calls
def test_a_cox_model_of_lifelines():
    columns = ["time", "event", "x", "z"]
    fits = [CoxPHFitter().fit(df[columns], "time", "event") for df in DATA]
    assert_reads(fits, ["x", "z"], fits[0].params_, fits[0].standard_errors_, np.inf)
    hazard_ratios = pool(fits).to_frame(exponentiate=True)["estimate"]
    np.testing.assert_allclose(hazard_ratios, np.exp(pool(fits).params))


@with_old_calls
def test_an_accelerated_failure_time_model_of_lifelines():
    columns = ["time", "event", "x"]
    fits = [WeibullAFTFitter().fit(df[columns], "time", "event") for df in DATA]
    names = [("lambda_", "x"), ("lambda_", "Intercept"), ("rho_", "Intercept")]
    assert_reads(fits, names, fits[0].params_, fits[0].standard_errors_, np.inf)


def test_an_estimator_of_scikit_learn_with_a_given_covariance():
    fits = [(LinearRegression().fit(df[["x", "z"]], df["y"]), np.diag([3, 1, 2])) for df in DATA]
    least_squares = smf.ols("y ~ x + z", DATA[0]).fit()
    assert_reads(fits, ["Intercept", "x", "z"], least_squares.params, np.sqrt([3, 1, 2]), np.inf)


def test_a_classifier_of_scikit_learn_has_parameters_by_class():
    model = LogisticRegression().fit(DATA[0][["x", "z"]], DATA[0]["grade"])
    read = complete_data_result((model, np.ones(9)))
    assert read.names[:3] == ((0, "Intercept"), (0, "x"), (0, "z"))
    np.testing.assert_allclose(read.estimates[4:6], model.coef_[1])
    assert read.estimates[6] == model.intercept_[2]


def test_an_estimator_without_an_intercept_or_names():
    model = LinearRegression(fit_intercept=False).fit(DATA[0][["x", "z"]].to_numpy(), DATA[0]["y"])
    assert complete_data_result((model, [1.0, 1.0])).names == ("x0", "x1")


def test_a_bare_estimator_says_what_to_do():
    with pytest.raises(PoolingError, match=r"LinearRegression has no covariance.*bm\.bootstrap"):
        pool([LinearRegression().fit(df[["x"]], df["y"]) for df in DATA])


@with_old_calls
def test_marginal_effects_are_named_by_what_tells_them_apart():
    fits = [smf.ols("y ~ x + grade", with_grades(df)).fit() for df in DATA]
    effects = [marginaleffects.avg_slopes(fit) for fit in fits]
    table = effects[0].data
    names = list(zip(table["term"], table["contrast"], strict=True))
    assert_reads(effects, names, table["estimate"], table["std_error"], np.inf)


@with_old_calls
def test_average_predictions_are_named_by_their_groups():
    fits = [smf.ols("y ~ x + grade", with_grades(df)).fit() for df in DATA]
    effects = [marginaleffects.avg_predictions(fit, by="grade") for fit in fits]
    table = effects[0].data
    assert_reads(effects, ["low", "middle", "high"], table["estimate"], table["std_error"], np.inf)
    by_hand = [
        fit.predict(with_grades(df)[df["grade"] == 1]).mean()
        for fit, df in zip(fits, DATA, strict=True)
    ]
    assert pool(effects).params["middle"] == pytest.approx(np.mean(by_hand), rel=1e-6)


def test_an_adapter_of_ones_own_is_found_by_type_and_by_base_class():
    class Fit(SimpleNamespace):
        pass

    class Special(Fit):
        pass

    @complete_data_result.register
    def _(result: Fit) -> CompleteDataResult:
        return CompleteDataResult(("beta",), np.array([result.beta]), np.array([0.5]), 30.0)

    pooled = pool([Fit(beta=1.0), Special(beta=2.0), Special(beta=3.0)])
    assert pooled.params.to_dict() == {"beta": 2.0}
    assert pooled.pooled.df_complete.tolist() == [30.0]


@with_old_calls
def test_marginal_effects_of_pooled_fits_keep_their_degrees_of_freedom():
    fits = [smf.ols("y ~ x + grade", with_grades(df)).fit() for df in DATA]
    pooled = pool(fits, conf_level=0.9)
    means = pooled.marginal_effects("avg_predictions", by="grade")
    effects = [marginaleffects.avg_predictions(fit, by="grade") for fit in fits]
    by_hand = pool(effects, df_complete=N - 4, conf_level=0.9)
    pd.testing.assert_frame_equal(means.table, by_hand.table)
    # The slope of x in a model without interactions is its coefficient.
    slope = pooled.marginal_effects().table.loc[[("x", "dY/dX")]]
    np.testing.assert_allclose(slope["estimate"], pooled.params["x"], rtol=1e-6)
    np.testing.assert_allclose(slope["std_error"], pooled.bse["x"], rtol=1e-4)


def test_an_unknown_function_of_marginaleffects_lists_those_that_there_are():
    pooled = pool([smf.ols("y ~ x", df).fit() for df in DATA])
    with pytest.raises(PoolingError, match=r"'ame'\. Choose one of predictions, avg_"):
        pooled.marginal_effects("ame")

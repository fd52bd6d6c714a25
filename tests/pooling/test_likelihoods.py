"""Log-likelihoods of fitted models: their maxima, alone and together, and what has none."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from scipy import stats
from statsmodels.miscmodels.ordinal_model import OrderedModel
from statsmodels.tools.sm_exceptions import SingularMatrixWarning

from bayesmice.errors import PoolingError
from bayesmice.pooling.likelihoods import (
    at_common_maximum,
    at_mean_estimates,
    maximize,
    own_maxima,
    read_likelihoods,
)

REFERENCE = Path(__file__).parent / "reference"
R = json.loads((REFERENCE / "likelihood_tests.json").read_text())["maxima"]
STACKED = pd.read_csv(REFERENCE / "likelihood_data.csv")
STACKED["level"] = pd.cut(STACKED["stage"], [0, 2, 4, 5], labels=False)
DATA = [rows.reset_index(drop=True) for _, rows in STACKED.groupby("imputation")]


def glm(formula, family, **settings):
    return lambda df: smf.glm(formula, df, family=family, **settings).fit(tol=1e-12, maxiter=200)


def cox(df):
    strata = df["imputation"] if df["imputation"].nunique() > 1 else None
    return smf.phreg("age ~ bmi + hc", df, status=df["mature"], strata=strata).fit()


def ordered(df):
    model = OrderedModel.from_formula("stage ~ age + bmi", df, distr="logit")
    return model.fit(method="bfgs", gtol=1e-7, maxiter=500, disp=0)


def negative_binomial(df):
    return smf.negativebinomial("tv ~ age + bmi", df).fit(disp=0, maxiter=500)


# Each fits one data set, or all of them stacked.
MODELS = {
    "gaussian": lambda df: smf.ols("tv ~ age + bmi", df).fit(),
    "gaussian as a glm": glm("tv ~ age + bmi", sm.families.Gaussian()),
    "probit": lambda df: smf.probit("mature ~ age + bmi", df).fit(disp=0),
    "probit as a glm": glm("mature ~ age + bmi", sm.families.Binomial(sm.families.links.Probit())),
    "gamma": glm("tv ~ age + bmi", sm.families.Gamma(sm.families.links.Log())),
    "negative_binomial": negative_binomial,
    "multinomial": lambda df: smf.logit("I((stage > 2) * 1) ~ age + bmi", df).fit(disp=0),
    "multinomial3": lambda df: smf.mnlogit("level ~ age + bmi", df).fit(disp=0),
    "ordered": ordered,
    "cox": cox,
}


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return request.param, read_likelihoods([MODELS[request.param](df) for df in DATA], "D4")


def test_maxima_are_those_of_r(model):
    name, likelihoods = model
    theirs = R[name.removesuffix(" as a glm")]
    np.testing.assert_allclose(own_maxima(likelihoods), theirs["own"], rtol=1e-7)
    pooled = at_common_maximum(likelihoods)
    np.testing.assert_allclose(pooled.maxima, theirs["own"], rtol=1e-7)
    np.testing.assert_allclose(pooled.common, theirs["common"], rtol=1e-7)


def test_the_common_maximum_is_that_of_a_fit_to_the_stacked_data(model):
    name, likelihoods = model
    [stacked] = read_likelihoods([MODELS[name](STACKED)], "D4")
    expected = stacked.at(stacked.estimates) / len(DATA)
    np.testing.assert_allclose(at_common_maximum(likelihoods).common, expected, rtol=1e-9)


def test_the_likelihood_at_the_mean_estimates_lies_below_the_common_maximum(model):
    _, likelihoods = model
    mean, maximum = at_mean_estimates(likelihoods), at_common_maximum(likelihoods)
    assert mean.common < maximum.common < maximum.maxima.mean()
    assert mean.n_parameters == maximum.n_parameters == len(likelihoods[0].estimates)


def test_identical_data_sets_have_their_own_maximum_in_common(model):
    _, likelihoods = model
    same = [likelihoods[0]] * 3
    own = own_maxima(same)[0]
    assert at_common_maximum(same).common == pytest.approx(own, rel=1e-9)
    assert at_mean_estimates(same).common == pytest.approx(own, rel=1e-12)


PARAMETERS = {
    "gaussian": 4,
    "probit": 3,
    "probit as a glm": 3,
    "gamma": 4,
    "negative_binomial": 4,
    "multinomial3": 6,
    "ordered": 6,
    "cox": 2,
}


def test_scales_and_thresholds_count_as_parameters(model):
    name, likelihoods = model
    if name in PARAMETERS:
        assert len(likelihoods[0].estimates) == PARAMETERS[name]


def test_a_linear_model_is_a_normal_density_of_its_residuals():
    fit = smf.wls("tv ~ age + bmi", DATA[0], weights=DATA[0]["hc"]).fit()
    [likelihood] = read_likelihoods([fit], "D3")
    beta, variance = np.array([1.0, 0.5, 0.2]), 30.0
    x = sm.add_constant(DATA[0][["age", "bmi"]])
    scale = np.sqrt(variance / DATA[0]["hc"])
    expected = stats.norm.logpdf(DATA[0]["tv"], x @ beta, scale).sum()
    assert likelihood.at(np.append(beta, variance)) == pytest.approx(expected, rel=1e-12)
    residuals = DATA[0]["tv"] - x @ fit.params.to_numpy()
    assert likelihood.estimates[-1] == pytest.approx(np.mean(DATA[0]["hc"] * residuals**2))


@pytest.mark.parametrize("weights", [1.0, "var_weights"])
@pytest.mark.parametrize("family", ["Gamma", "InverseGaussian", "Gaussian"])
def test_scales_of_generalized_linear_models_maximize_the_likelihood(family, weights):
    df = DATA[0]
    settings = {} if weights == 1.0 else {"var_weights": df["hc"] / 50}
    link = sm.families.links.Log()
    fit = glm("tv ~ age + bmi", getattr(sm.families, family)(link), **settings)(df)
    [likelihood] = read_likelihoods([fit], "D4")
    *beta, scale = likelihood.estimates
    mean = np.exp(sm.add_constant(df[["age", "bmi"]]) @ np.array(beta))
    own = scale / settings.get("var_weights", 1.0)
    densities = {
        "Gamma": lambda phi: stats.gamma(1 / phi, scale=mean * phi),
        "InverseGaussian": lambda phi: stats.invgauss(mean * phi, scale=1 / phi),
        "Gaussian": lambda phi: stats.norm(mean, np.sqrt(phi)),
    }
    values = [densities[family](own * factor).logpdf(df["tv"]).sum() for factor in (0.99, 1, 1.01)]
    assert likelihood.at(likelihood.estimates) == pytest.approx(values[1], rel=1e-10)
    assert values[1] > max(values[0], values[2])


def test_offsets_and_frequencies_count_in_the_common_maximum():
    def fit(df):
        frequencies = 1 + df["stage"] % 3
        offset = np.log(df["age"])
        return glm("tv ~ hc", sm.families.Poisson(), offset=offset, freq_weights=frequencies)(df)

    likelihoods = read_likelihoods([fit(df) for df in DATA], "D4")
    expected = fit(STACKED).llf / len(DATA)
    assert at_common_maximum(likelihoods).common == pytest.approx(expected, rel=1e-10)


def test_discrete_models_keep_their_exposure():
    def fit(df):
        return smf.poisson("tv ~ hc", df, exposure=df["age"]).fit(disp=0)

    likelihoods = read_likelihoods([fit(df) for df in DATA], "D4")
    expected = fit(STACKED).llf / len(DATA)
    assert at_common_maximum(likelihoods).common == pytest.approx(expected, rel=1e-10)


def collinear(df):
    with pytest.warns(SingularMatrixWarning):
        return smf.ols("tv ~ age + I(2e6 * age)", df).fit()


def unconverged(df):
    return smf.logit("mature ~ age + bmi", df).fit(disp=0, maxiter=1, warn_convergence=False)


@pytest.mark.parametrize(
    ("fit", "message"),
    [
        (
            lambda df: smf.gee("tv ~ age", "region", df).fit(),
            "Imputation 0: GEE has no log-likelihood that can be evaluated at other parameters, as "
            "D4 needs. Use D1 or D2 with Wald statistics.",
        ),
        (lambda df: (np.ones(2), np.eye(2)), "Imputation 0: tuple has no log-likelihood"),
        (lambda df: smf.rlm("tv ~ age", df).fit(), "Imputation 0: RLM has no log-likelihood"),
        (lambda df: smf.quantreg("tv ~ age", df).fit(), "QuantReg has no log-likelihood"),
        (
            lambda df: smf.mixedlm("tv ~ age", df, groups=df["region"]).fit(reml=False),
            "MixedLM has no log-likelihood",
        ),
        (
            lambda df: smf.glm("tv ~ age", df, family=sm.families.Poisson()).fit(scale="X2"),
            "GLM is a quasi-likelihood: its scale is estimated beside the likelihood",
        ),
        (
            lambda df: smf.glm("tv ~ age", df, family=sm.families.Tweedie(var_power=1.5)).fit(),
            "GLM is a quasi-likelihood",
        ),
        (
            lambda df: smf.ols("tv ~ age", df).fit(cov_type="HC3"),
            "OLS has a robust covariance matrix (cov_type='HC3'), which D4 would not use",
        ),
        (
            collinear,
            "OLS has a design whose columns depend linearly on each other",
        ),
        (unconverged, "Logit is not at the maximum of its likelihood, which is higher by about"),
        (
            lambda df: smf.logit("mature ~ age + bmi", df).fit_regularized(alpha=5, disp=0),
            "Logit is not at the maximum of its likelihood",
        ),
        (
            lambda df: smf.glm("tv ~ age + bmi", df, family=sm.families.Gaussian()).fit_constrained(
                "bmi = 5"
            ),
            "is not at the maximum of its likelihood",
        ),
    ],
)
def test_what_has_no_likelihood_at_its_maximum_is_refused(fit, message):
    with pytest.raises(PoolingError, match=re.escape(message)):
        read_likelihoods([fit(DATA[0])], "D4")


def test_the_imputation_is_named():
    fits = [MODELS["probit"](DATA[0]), unconverged(DATA[1])]
    with pytest.raises(PoolingError, match="Imputation 1: Logit is not at the maximum"):
        read_likelihoods(fits, "D3")


def test_steps_that_overshoot_are_halved():
    # Newton's steps from 2 alternate and grow: the maximum of -log cosh is at 0.
    top = maximize(
        lambda x: float(-np.log(np.cosh(x[0]))),
        lambda x: -np.tanh(x),
        lambda x: -1 / np.cosh(x[:, None]) ** 2,
        start=np.array([2.0]),
    )
    assert top == pytest.approx(0, abs=1e-5)


def test_a_function_without_a_maximum_is_refused():
    with pytest.raises(PoolingError, match="has no maximum near the mean of the estimates"):
        maximize(
            lambda x: float(x[0]), lambda x: np.ones(1), lambda x: -np.eye(1), start=np.zeros(1)
        )

"""Comparisons of nested models fitted with statsmodels, against R."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from scipy import stats

from bayesmice.errors import PoolingError
from bayesmice.pooling.anova import anova

REFERENCE = Path(__file__).parent / "reference"
R = json.loads((REFERENCE / "likelihood_tests.json").read_text())
STACKED = pd.read_csv(REFERENCE / "likelihood_data.csv")
DATA = [rows.reset_index(drop=True) for _, rows in STACKED.groupby("imputation")]


def ols(formula, **settings):
    return [smf.ols(formula, df).fit(**settings) for df in DATA]


def glm(formula, family, **settings):
    return [
        smf.glm(formula, df, family=family(), **settings).fit(tol=1e-13, maxiter=100) for df in DATA
    ]


BINOMIAL, POISSON = sm.families.Binomial, sm.families.Poisson
MODELS = {
    "lm": lambda: (ols("tv ~ age + bmi + region"), ols("tv ~ age")),
    "lm_nearly_complete": lambda: (ols("age ~ bmi + region"), ols("age ~ bmi")),
    "lm_weights": lambda: tuple(
        [smf.wls(formula, df, weights=df["age"]).fit() for df in DATA]
        for formula in ("tv ~ age + bmi + region", "tv ~ age")
    ),
    "binomial": lambda: (
        glm("mature ~ age + bmi + hc", BINOMIAL),
        glm("mature ~ age", BINOMIAL),
    ),
    "poisson": lambda: (glm("tv ~ age + bmi + hc", POISSON), glm("tv ~ age", POISSON)),
    "poisson_offset": lambda: tuple(
        [
            smf.glm(formula, df, family=POISSON(), offset=np.log(df["age"])).fit(tol=1e-13)
            for df in DATA
        ]
        for formula in ("tv ~ bmi + hc", "tv ~ hc")
    ),
}
ARGUMENTS = {
    "D1_large": {"test": "D1", "df_complete": np.inf},
    "D1_dfcom50": {"test": "D1", "df_complete": 50},
    "D2_wald": {"test": "D2"},
    "D2_likelihood": {"test": "D2", "statistic": "likelihood"},
    "D3": {"test": "D3"},
    "D3_positive": {"test": "D3", "ariv": "positive"},
    "D4": {"test": "D4"},
    "D4_positive": {"test": "D4", "ariv": "positive"},
    "D4_robust": {"test": "D4", "ariv": "robust"},
}


@pytest.fixture(scope="module", params=MODELS)
def models(request):
    return request.param, MODELS[request.param]()


def test_tests_are_those_of_r(models):
    name, fits = models
    for key, theirs in R[name].items():
        ours = anova(*fits, **ARGUMENTS[key])
        expected = [theirs[column] for column in ("F", "df1", "df2", "p", "riv")]
        if name == "poisson_offset" and key == "D1_dfcom50":
            # One parameter and five imputations: mitml has 4 degrees of freedom, whatever the data.
            assert expected[2] == 4
            observed = 50 * 51 / 53 / (1 + ours.riv)
            large = R[name]["D1_large"]["df2"]
            expected[2] = 1 / (1 / large + 1 / observed)
            expected[3] = stats.f.sf(ours.statistic, 1, expected[2])
        ours = ours.table.to_numpy()[0, :-1]
        # An r of 2e-5 is a difference of numbers that agree to 5 digits, and df2 goes by 1 / r².
        rtol = 1e-5 if name == "lm_nearly_complete" else 1e-6
        np.testing.assert_allclose(ours, expected, rtol=rtol, err_msg=key)


def test_d1_takes_the_residual_degrees_of_freedom_of_the_larger_model():
    fits = MODELS["lm"]()
    own, given = anova(*fits), anova(*fits, df_complete=fits[0][0].df_resid)
    assert own == given
    assert own.df2 < anova(*fits, df_complete=np.inf).df2
    assert own.hypothesis == (
        "region[T.east] = 0",
        "region[T.north] = 0",
        "region[T.south] = 0",
        "region[T.west] = 0",
        "bmi = 0",
    )


@pytest.mark.parametrize("test", ["D2", "D3", "D4"])
def test_identical_imputations_give_the_likelihood_ratio_test_of_one(test):
    full = smf.logit("mature ~ age + bmi + hc", DATA[0]).fit(disp=0)
    reduced = smf.logit("mature ~ age", DATA[0]).fit(disp=0)
    statistic = 2 * (full.llf - reduced.llf)
    arguments = {"statistic": "likelihood"} if test == "D2" else {}
    pooled = anova([full] * 4, [reduced] * 4, test=test, **arguments)
    assert pooled.statistic == pytest.approx(statistic / 2, rel=1e-7)
    assert pooled.riv == pytest.approx(0, abs=1e-9)
    assert pooled.p_value == pytest.approx(stats.chi2.sf(statistic, 2), rel=1e-6)


def test_identical_imputations_give_the_f_test_of_one():
    full = smf.ols("tv ~ age + bmi + hc", DATA[0]).fit()
    reduced = smf.ols("tv ~ age", DATA[0]).fit()
    f_value, _, k = full.compare_f_test(reduced)
    pooled = anova([full] * 4, [reduced] * 4)
    assert (pooled.df1, pooled.riv) == (k, 0)
    assert pooled.statistic == pytest.approx(f_value, rel=1e-9)
    df = full.df_resid
    assert pooled.df2 == pytest.approx(df * (df + 1) / (df + 3), rel=1e-12)


@pytest.mark.parametrize(
    "arguments",
    [{}, {"test": "D2"}, {"test": "D2", "statistic": "likelihood"}, {"test": "D3"}, {"test": "D4"}],
)
def test_the_order_of_imputations_does_not_matter(arguments):
    full, reduced = MODELS["lm"]()
    one = anova(full, reduced, **arguments)
    other = anova(iter(full[::-1]), iter(reduced[::-1]), **arguments)
    np.testing.assert_allclose(one.table, other.table, rtol=1e-8)


def test_d4_does_not_depend_on_how_the_models_are_written():
    full, reduced = MODELS["lm"]()
    other = ols("tv ~ I(age - 12) + I(bmi + 2 * age) + C(region, Treatment('west'))")
    one, two = (anova(larger, reduced, test="D4", ariv="robust") for larger in (full, other))
    np.testing.assert_allclose(one.table, two.table, rtol=1e-7)
    # The names of the smaller model are not those of the other one, so that no list is given.
    assert (one.hypothesis[-1], two.hypothesis) == ("bmi = 0", ())


@pytest.mark.parametrize("fit", ["probit", "mnlogit", "negativebinomial", "poisson", "phreg"])
def test_tests_of_one_hypothesis_agree_on_evidence(fit):
    outcome = {"probit": "mature", "mnlogit": "level", "phreg": "age"}.get(fit, "tv")
    rest = "hc + stage" if fit == "phreg" else "age + hc"

    def fits(formula):
        settings = [{"status": df["mature"]} if fit == "phreg" else {} for df in DATA]
        fitting = {} if fit == "phreg" else {"disp": 0, "method": "newton"}
        return [
            getattr(smf, fit)(formula, df.assign(level=df["stage"] // 2), **more).fit(**fitting)
            for df, more in zip(DATA, settings, strict=True)
        ]

    full, reduced = fits(f"{outcome} ~ {rest} + bmi"), fits(f"{outcome} ~ {rest}")
    wald = anova(full, reduced, df_complete=np.inf)
    for test in ("D3", "D4"):
        ratio = anova(full, reduced, test=test)
        assert ratio.hypothesis == wald.hypothesis
        assert ratio.df1 == wald.df1
        # They are asymptotically the same; 140 boys are not many.
        assert ratio.statistic == pytest.approx(wald.statistic, rel=0.3, abs=0.1)
        assert ratio.riv == pytest.approx(wald.riv, rel=0.3, abs=0.02)


def test_plain_tuples_have_a_wald_test():
    full = [(pd.Series({"a": 1.0 + i, "b": 2.0}), np.eye(2)) for i in range(3)]
    reduced = [(pd.Series({"a": 1.0}), np.eye(1)) for _ in range(3)]
    assert anova(full, reduced, df_complete=20).hypothesis == ("b = 0",)
    with pytest.raises(PoolingError, match="Imputation 0: tuple has no log-likelihood"):
        anova(full, reduced, test="D4")


FULL, REDUCED = "tv ~ age + bmi", "tv ~ age"


def in_another_order():
    fits = ols(FULL)
    fits[2] = smf.ols("tv ~ bmi + age", DATA[2]).fit()
    return fits


def test_parameters_in_another_order_are_matched_by_name_or_refused():
    one, other = anova(in_another_order(), ols(REDUCED)), anova(ols(FULL), ols(REDUCED))
    np.testing.assert_allclose(one.table, other.table, rtol=1e-9)
    for test in ("D3", "D4"):
        with pytest.raises(PoolingError, match=r"Imputation 2 has its parameters in the order"):
            anova(in_another_order(), ols(REDUCED), test=test)


def test_a_parameter_that_one_imputation_lacks_is_named():
    fits = ols("tv ~ age + region")
    fits[1] = smf.ols("tv ~ age + region", DATA[1].replace({"region": {"city": "west"}})).fit()
    for test in ("D1", "D4"):
        with pytest.raises(PoolingError, match="imputation 1"):
            anova(fits, ols(REDUCED), test=test)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: anova(ols(REDUCED), ols(FULL)),
            "The smaller model is not nested in the larger one by its names: it alone has 'bmi'.",
        ),
        (lambda: anova(ols("tv ~ age + bmi"), ols("tv ~ hc")), "it alone has 'hc'"),
        (lambda: anova(ols(FULL), ols(FULL)), "Both models have the same parameters"),
        (
            lambda: anova(ols(REDUCED), ols(FULL), test="D4"),
            "has -1 parameters more and in imputation",
        ),
        (
            lambda: anova(ols("tv ~ hc + bmi"), ols("tv ~ age"), test="D2", statistic="likelihood"),
            "is not nested in the larger one, which has 1 parameters more and in imputation",
        ),
        (
            lambda: anova(ols(FULL), ols(REDUCED)[:3]),
            "got 5 results of the larger model and 3 of the smaller one",
        ),
        (lambda: anova(ols(FULL)[:1], ols(REDUCED)[:1]), "the same imputations, at least 2"),
        (lambda: anova(ols(FULL)[0], ols(REDUCED)[0]), "got one RegressionResultsWrapper"),
        (
            lambda: anova(ols(FULL), [smf.ols(REDUCED, df[3:]).fit() for df in DATA]),
            "Imputation 0: the larger model was fitted to 140 rows and the smaller one to 137",
        ),
        (
            lambda: anova(ols(FULL), ols(REDUCED)[::-1]),
            "Imputation 0: the two models have different outcomes",
        ),
        (
            lambda: anova(
                glm("mature ~ age + bmi", BINOMIAL), glm("mature ~ age", POISSON), test="D4"
            ),
            "The likelihoods of models of different kinds cannot be compared",
        ),
        (lambda: anova(ols(FULL), ols(REDUCED), test="D5"), "got test='D5'"),
        (lambda: anova(ols(FULL), ols(REDUCED), statistic="likelihood"), "D1 is a Wald test"),
        (
            lambda: anova(ols(FULL), ols(REDUCED), test="D4", df_complete=50),
            "D4 has no use for df_complete",
        ),
        (
            lambda: anova(ols(FULL), ols(REDUCED), ariv="robust"),
            "D1 has no ariv='robust', which belongs to D3 and D4",
        ),
        (
            lambda: anova(ols(FULL), ols(REDUCED), test="D3", ariv="robust"),
            "D3 knows ariv='default' and ariv='positive'; got 'robust'",
        ),
        (
            lambda: anova(ols(FULL, cov_type="HC3"), ols(REDUCED), test="D3"),
            "OLS has a robust covariance matrix",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(call, message):
    with pytest.raises(PoolingError, match=re.escape(message)):
        call()


def test_robust_covariances_have_a_wald_test():
    robust = anova(ols(FULL, cov_type="HC3"), ols(REDUCED))
    assert robust.statistic != pytest.approx(anova(ols(FULL), ols(REDUCED)).statistic, rel=1e-3)


def test_fits_that_did_not_converge_are_told():
    full = [
        SimpleNamespace(
            params=pd.Series({"a": 1.0, "b": 2.0}),
            cov_params=lambda: np.eye(2),
            converged=imputation != 1,
        )
        for imputation in range(3)
    ]
    reduced = [(pd.Series({"a": 1.0}), np.eye(1))] * 3
    with pytest.warns(UserWarning, match=r"1 of 3 imputations did not converge: 1 \(count"):
        anova(full, reduced)

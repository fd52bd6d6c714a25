"""Simulated data sets: complete-data fits recover their truth, holes are as announced, bad input.

Draws have no fixed seeds. Each comparison with a truth raises a false alarm in one of a million
runs, as far as 4,000 rows are many.
"""

import re

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from scipy.special import digamma, expit, polygamma
from scipy.stats import binom, chi2, norm
from statsmodels.miscmodels.ordinal_model import OrderedModel

import bayesmice as bm
from bayesmice.datasets.processes import PROCESSES

FALSE_ALARM = 1e-6
N = 4000
NAMES = list(PROCESSES)


def wald(fit, truth):
    """The p-value of all coefficients that a fit and the truth have in common."""
    names = [name for name in fit.params.index if name in truth]
    off = (fit.params[names] - pd.Series(truth)[names]).to_numpy(dtype=float)
    covariance = fit.cov_params().loc[names, names].to_numpy()
    return chi2.sf(off @ np.linalg.solve(covariance, off), len(names))


def two_sided(distribution, statistic):
    return 2 * min(distribution.cdf(statistic), distribution.sf(statistic))


def check_linear(data, truth):
    fit = smf.ols("pressure ~ age + bmi + smoker", data).fit()
    return wald(fit, truth), two_sided(chi2(fit.df_resid), fit.ssr / truth["sigma"] ** 2)


def check_logistic(data, truth):
    fit = smf.logit("diabetes ~ age + bmi + smoker", data.astype({"diabetes": int})).fit(disp=0)
    return (wald(fit, truth),)


def check_ordinal(data, truth):
    """Likelihood ratio of the truth, whose log-likelihood is written out."""
    fit = OrderedModel.from_formula("severity ~ age + dose", data, distr="logit").fit(
        method="bfgs", disp=False
    )
    cuts = np.array([-np.inf, *truth["cutpoints"], np.inf])
    codes = data["severity"].cat.codes.to_numpy()
    predicted = truth["age"] * data["age"] + truth["dose"] * data["dose"]
    at_truth = np.log(expit(cuts[codes + 1] - predicted) - expit(cuts[codes] - predicted)).sum()
    return (chi2.sf(2 * (fit.llf - at_truth), 5),)


def check_counts(data, truth):
    """Coefficients given the shape, and the shape by its score at the truth."""
    alpha = truth["alpha"]
    family = sm.families.NegativeBinomial(alpha=1 / alpha)
    fit = smf.glm("visits ~ age + diseases", data, family=family).fit()
    mean = np.exp(fit.model.exog @ [truth[name] for name in fit.model.exog_names])
    visits = data["visits"]
    scores = (
        digamma(visits + alpha)
        - digamma(alpha)
        + np.log(alpha / (alpha + mean))
        + 1
        - (visits + alpha) / (mean + alpha)
    )
    return wald(fit, truth), two_sided(norm, scores.sum() / np.sqrt((scores**2).sum()))


def check_two_level(data, truth):
    """Residuals at the truth: sums of squares within and between schools are scaled chi squares."""
    fit = smf.mixedlm("score ~ earlier + hours + funding", data, groups="school").fit()
    fixed = {"Intercept", "earlier", "hours", "funding"}
    predicted = truth["Intercept"] + sum(truth[name] * data[name] for name in fixed - {"Intercept"})
    residuals = (data["score"] - predicted).groupby(data["school"], observed=True)
    j, k = residuals.ngroups, N / residuals.ngroups
    within = ((residuals.count() - 1) * residuals.var()).sum() / truth["sigma"] ** 2
    variance = truth["1|school_sigma"] ** 2 + truth["sigma"] ** 2 / k
    between = (residuals.mean() ** 2).sum() / variance
    return (
        wald(fit, {name: truth[name] for name in fixed}),
        two_sided(chi2(N - j), within),
        two_sided(chi2(j), between),
    )


def check_skewed(data, truth):
    """The shape by its score at the truth, whose variance is the Fisher information."""
    family = sm.families.Gamma(sm.families.links.Log())
    fit = smf.glm("cost ~ age + days + emergency", data, family=family).fit()
    mean = np.exp(fit.model.exog @ [truth[name] for name in fit.model.exog_names])
    ratio, alpha = data["cost"] / mean, truth["alpha"]
    score = (np.log(ratio) - ratio + 1 + np.log(alpha) - digamma(alpha)).sum()
    information = N * (polygamma(1, alpha) - 1 / alpha)
    return wald(fit, truth), two_sided(norm, score / np.sqrt(information))


CHECKS = {
    "linear": check_linear,
    "logistic": check_logistic,
    "ordinal": check_ordinal,
    "counts": check_counts,
    "two_level": check_two_level,
    "skewed": check_skewed,
}
OTHER_TRUTHS = [
    ("linear", {"bmi": 0.8}),
    ("linear", {"sigma": 13.5}),
    ("logistic", {"age": 0.03}),
    ("ordinal", {"dose": -0.02}),
    ("ordinal", {"cutpoints": [-0.8, 0.5, 2.5]}),
    ("counts", {"diseases": 0.15}),
    ("counts", {"alpha": 3.0}),
    ("two_level", {"hours": 1.0}),
    ("two_level", {"1|school_sigma": 7.0}),
    ("skewed", {"days": 0.05}),
    ("skewed", {"alpha": 1.2}),
]


@pytest.mark.parametrize("name", NAMES)
def test_complete_data_recover_the_truth(name) -> None:
    data = bm.simulate_dataset(name, N, proportion=0)
    found = CHECKS[name](data, data.attrs["truth"])
    assert min(found) * len(found) > FALSE_ALARM


@pytest.mark.parametrize(("name", "other"), OTHER_TRUTHS, ids=str)
def test_another_truth_would_be_noticed(name, other) -> None:
    process = PROCESSES[name]
    data = process.draw({**process.truth, **other}, N, np.random.default_rng())
    found = CHECKS[name](data, process.truth)
    assert min(found) * len(found) < FALSE_ALARM


@pytest.mark.parametrize("name", NAMES)
def test_holes_are_as_announced(name) -> None:
    data = bm.simulate_dataset(name, N)
    with_holes = int(data.isna().any(axis=1).sum())
    assert two_sided(binom(N, 0.4), with_holes) > FALSE_ALARM
    holes = PROCESSES[name].holes
    table = bm.missing_pattern(data).droplevel("n_missing", axis="columns")
    found = {frozenset(table.columns[row == 0]) for row in table.to_numpy()}
    assert found == {frozenset(columns) for columns in holes} | {frozenset()}
    for columns, weights in holes.items():
        by = " ".join(f"{weight:+g} {column}" for column, weight in weights.items())
        assert f"{' and '.join(columns)} by {by}" in data.attrs["missingness"]


def test_complete_rows_alone_are_biased() -> None:
    """By 13 standard errors on average; fewer than 6 in one of 10^12 data sets of this size."""
    data = bm.simulate_dataset("linear", 100_000)
    fit = smf.ols("pressure ~ age + bmi + smoker", data.dropna()).fit()
    assert (fit.params["age"] - data.attrs["truth"]["age"]) / fit.bse["age"] < -6


@pytest.mark.parametrize("name", NAMES)
def test_holes_hide_what_is_complete_otherwise(name) -> None:
    data = bm.simulate_dataset(name, 300, random_seed=5)
    complete = bm.simulate_dataset(name, 300, proportion=0, random_seed=5)
    assert not complete.isna().any(axis=None)
    assert complete.attrs["missingness"] == "No cell is missing."
    for column in data:
        shown = data[column].notna().to_numpy()
        assert data[column][shown].tolist() == complete[column][shown].tolist()
    pd.testing.assert_frame_equal(data, bm.simulate_dataset(name, 300, random_seed=5))
    assert not data.equals(bm.simulate_dataset(name, 300))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_said_of_it(name) -> None:
    attrs = bm.simulate_dataset(name, 50).attrs
    data = bm.simulate_dataset(name, 50)
    assert set(attrs["long_name"]) == set(data)
    assert set(attrs["units"]) <= set(data)
    assert attrs["description"]
    for column in data:
        assert column in attrs["model"] + attrs["formula"]
    attrs["truth"].clear()
    assert bm.simulate_dataset(name, 50).attrs["truth"]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "two_level"])
def test_the_truth_has_the_names_of_the_regression(name) -> None:
    data = bm.simulate_dataset(name, 200, random_seed=1)
    outcome, formula = data.attrs["formula"].split(" ~ ")
    mice = bm.MICE(data, {outcome: bm.Regression(formula, family=data.attrs["family"])})
    names = {re.sub(r"\[\w+\|\w+\]$", "", str(name)) for name in mice.priors(outcome).index}
    assert set(data.attrs["truth"]) == {name for name in names if not name.endswith("_centered")}


def test_schools_have_a_whole_class_but_for_the_last() -> None:
    data = bm.simulate_dataset("two_level", 50)
    assert data["school"].value_counts(sort=False).tolist() == [20, 20, 10]
    assert data.groupby("school", observed=True)["funding"].nunique().tolist() == [1, 1, 1]


@pytest.mark.parametrize("name", NAMES)
def test_one_row(name) -> None:
    assert bm.simulate_dataset(name, 1, proportion=0).shape[0] == 1
    assert bm.simulate_dataset(name, 1, proportion=1).isna().any(axis=None)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            {"name": "probit"},
            "There is no simulated data set 'probit'. Simulated data sets: linear, logistic, "
            "ordinal, counts, two_level, skewed.",
        ),
        ({"n": 0}, "n is 0; expected a whole number of at least 1."),
        ({"n": 10.5}, "n is 10.5; expected a whole number of at least 1."),
        ({"n": True}, "n is True; expected a whole number of at least 1."),
        ({"proportion": 2}, "proportion is 2; expected a number from 0 to 1."),
        ({"random_seed": 1.5}, "random_seed is 1.5; expected a whole number from 0"),
    ],
    ids=["name", "no rows", "part of a row", "a flag", "proportion", "seed"],
)
def test_bad_arguments_are_named(given, text) -> None:
    with pytest.raises(bm.SpecificationError, match=re.escape(text)):
        bm.simulate_dataset(**{"name": "linear", **given})

"""`MICE.model(name)` is the model that the documentation describes, by its log-density."""

import numpy as np
import pymc as pm
import pytest
from formulaic import model_matrix
from scipy.special import expit, logit, logsumexp
from scipy.stats import bernoulli, norm, t

from bayesmice import MICE, Regression

PREDICTORS = "age + count + smoker + site + grade"
ENCODED = 7
"""Columns of those in treatment coding: 1 + 1 + 1 + 2 + 2."""

TOLERANCE = 1e-8
"""PyTensor takes the logarithm of a constant such as 2.5 in single precision."""


@pytest.fixture(scope="module", name="X")
def design(study):
    """The design as formulaic codes it, without its intercept."""
    return model_matrix(PREDICTORS, study).drop(columns="Intercept").to_numpy(float)


@pytest.fixture(scope="module")
def units(study):
    """One unit of each design column: the sd of a number, the whole step of an indicator."""
    return np.array([study["age"].std(), study["count"].std(), 1, 1, 1, 1, 1])


def model_of(study, target, **options):
    return MICE(study, {target: Regression(PREDICTORS, **options)}).model(target)


def test_the_design_is_formulaic_s_treatment_coding_centered(study, X):
    model = model_of(study, "y")
    seen = study["y"].notna()
    np.testing.assert_allclose(model["predictors"].get_value(), (X - X.mean(0))[seen])
    np.testing.assert_allclose(model["centers"].get_value(), X.mean(0))
    labels = model.coords["predictor"]
    expected = ["age", "count", "smoker", "site[T.b]", "site[T.c]", "grade[T.mid]", "grade[T.hi]"]
    assert list(labels) == expected


def test_gaussian_log_density_is_the_closed_form(study, X, units, logp):
    y = study["y"].dropna()
    beta = np.linspace(-0.5, 0.7, ENCODED)
    mu = 12.0 + (X - X.mean(0)) @ beta
    expected = (
        norm.logpdf(y, mu[y.index], 1.7).sum()
        + norm.logpdf(12.0, y.mean(), 2.5 * y.std())
        + norm.logpdf(beta, 0, 2.5 * y.std() / units).sum()
        + np.log(2)
        + t.logpdf(1.7, df=3, scale=y.std())
    )
    found = logp(model_of(study, "y"), Intercept_centered=12.0, coefficients=beta, sigma=1.7)
    assert found == pytest.approx(expected, rel=TOLERANCE)


def test_bernoulli_log_density_is_the_closed_form(study, X, units, logp):
    event = study["event"].dropna().astype(bool)
    beta = np.linspace(-0.1, 0.2, ENCODED)
    p = expit(-0.4 + (X - X.mean(0)) @ beta)
    expected = (
        bernoulli.logpmf(event, p[event.index]).sum()
        + norm.logpdf(-0.4, 0, 2.5)
        + norm.logpdf(beta, 0, 2.5 / units).sum()
    )
    found = logp(model_of(study, "event"), Intercept_centered=-0.4, coefficients=beta)
    assert found == pytest.approx(expected, rel=TOLERANCE)


def test_categorical_log_density_is_the_closed_form(study, X, units, logp):
    kind = study["kind"].dropna()
    alpha = np.array([0.3, -0.8])
    beta = np.linspace(-0.1, 0.2, 2 * ENCODED).reshape(ENCODED, 2)
    eta = np.column_stack([np.zeros(len(X)), alpha + (X - X.mean(0)) @ beta])
    log_p = eta - logsumexp(eta, axis=1, keepdims=True)
    expected = (
        sum(log_p[row, "pqr".index(level)] for row, level in kind.items())
        + norm.logpdf(alpha, 0, 2.5).sum()
        + norm.logpdf(beta, 0, 2.5 / units[:, None]).sum()
    )
    found = logp(model_of(study, "kind"), Intercept_centered=alpha, coefficients=beta)
    assert found == pytest.approx(expected, rel=TOLERANCE)


def test_cumulative_log_density_is_the_closed_form(study, X, units, logp):
    stage = study["stage"].dropna()
    cutpoints = np.array([-0.6, 1.1])
    beta = np.linspace(-0.1, 0.2, ENCODED)
    eta = (X - X.mean(0)) @ beta
    below = expit(cutpoints - eta[:, None])
    p = np.diff(np.column_stack([np.zeros(len(X)), below, np.ones(len(X))]))
    expected = (
        sum(np.log(p[row, ["I", "II", "III"].index(level)]) for row, level in stage.items())
        + norm.logpdf(cutpoints, logit([1 / 3, 2 / 3]), 2.5).sum()
        + norm.logpdf(beta, 0, 2.5 / units).sum()
    )
    found = logp(model_of(study, "stage"), cutpoints_centered=cutpoints, coefficients=beta)
    assert found == pytest.approx(expected, rel=TOLERANCE)


def test_the_reported_intercept_is_where_all_predictors_are_zero(study, X):
    model = model_of(study, "y")
    beta = np.linspace(-0.5, 0.7, ENCODED)
    at = {model["Intercept_centered"]: np.array(12.0), model["coefficients"]: beta}
    assert model["Intercept"].eval(at, mode="FAST_COMPILE") == pytest.approx(
        12.0 - X.mean(0) @ beta
    )


def test_the_reported_cutpoints_are_where_all_predictors_are_zero(study, X):
    model = model_of(study, "stage")
    beta = np.linspace(-0.1, 0.2, ENCODED)
    at = {model["cutpoints_centered"]: np.array([-1.0, 1.0]), model["coefficients"]: beta}
    expected = np.array([-1.0, 1.0]) + X.mean(0) @ beta
    np.testing.assert_allclose(model["cutpoints"].eval(at, mode="FAST_COMPILE"), expected)


def test_a_prior_on_the_intercept_is_for_predictors_at_zero(study, X, logp):
    priors = {"Intercept": pm.Normal.dist(5, 3), "coefficients": pm.Normal.dist(0, 1), "sigma": 2.0}
    model = model_of(study, "y", priors=priors)
    y = study["y"].dropna()
    beta = np.linspace(-0.2, 0.3, ENCODED)
    expected = (
        norm.logpdf(y, (4.0 + X @ beta)[y.index], 2.0).sum()
        + norm.logpdf(4.0, 5, 3)
        + norm.logpdf(beta).sum()
    )
    assert logp(model, Intercept=4.0, coefficients=beta) == pytest.approx(expected, rel=TOLERANCE)


def test_a_prior_on_the_cutpoints_is_for_predictors_at_zero(study, X, logp):
    priors = {"cutpoints": pm.Normal.dist([-1, 1], 2), "coefficients": pm.Normal.dist(0, 1)}
    model = model_of(study, "stage", priors=priors)
    stage = study["stage"].dropna()
    cutpoints, beta = np.array([-0.5, 1.5]), np.linspace(-0.01, 0.02, ENCODED)
    below = expit(cutpoints - (X @ beta)[:, None])
    p = np.diff(np.column_stack([np.zeros(len(X)), below, np.ones(len(X))]))
    expected = (
        sum(np.log(p[row, ["I", "II", "III"].index(level)]) for row, level in stage.items())
        + norm.logpdf(cutpoints, [-1, 1], 2).sum()
        + norm.logpdf(beta).sum()
    )
    found = logp(model, cutpoints=cutpoints, coefficients=beta)
    assert found == pytest.approx(expected, rel=TOLERANCE)


def test_only_observed_rows_of_the_target_count(study):
    model = model_of(study, "y")
    np.testing.assert_allclose(model["observed"].get_value(), study["y"].dropna())


def test_missing_predictors_hold_observed_values_and_never_nan(study):
    model = MICE(study, {"age": Regression("y + stage")}).model("age")
    seen = model["predictors"].get_value() + model["centers"].get_value()
    assert set(seen[:, 0].round(9)) <= set(study["y"].dropna().round(9))
    assert set(map(tuple, seen[:, 1:].round(9))) <= {(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)}

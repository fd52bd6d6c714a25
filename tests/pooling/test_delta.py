"""The delta method: values, derivatives and covariances of functions of the parameters."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from bayesmice.errors import PoolingError
from bayesmice.pooling.delta import delta_method
from bayesmice.pooling.hypotheses import wald_test
from bayesmice.pooling.multiparameter import d1
from bayesmice.pooling.rubin import pool_covariance, pool_rubin
from bayesmice.pooling.stacking import StackedResults
from bayesmice.pooling.transforms import Transform

REFERENCE = Path(__file__).parent / "reference"
CASE = json.loads((REFERENCE / "multiparameter_cases.json").read_text())["cases"]["k3_m5"]
CONSTRAINTS = json.loads((REFERENCE / "likelihood_tests.json").read_text())["constraints"]
MITML = StackedResults(
    names=("b1", "b2", "b3"),
    q_hat=np.array(CASE["Q"]),
    covariances=np.array(CASE["U"]),
    df_complete=np.full(5, np.inf),
)
COVARIANCE = np.array([[0.04, 0.01, 0.0], [0.01, 0.09, -0.02], [0.0, -0.02, 0.25]])


def stack(names=("age", "bmi", "C(stage)[T.2]"), at=((0.5, 2.0, -1.0), (0.7, 1.5, -1.2)), **parts):
    settings = {
        "names": names,
        "q_hat": np.array(at),
        "covariances": np.stack([COVARIANCE, 2 * COVARIANCE]),
        "df_complete": np.array([40.0, 40.0]),
    }
    return StackedResults(**{**settings, **parts})


@pytest.mark.parametrize(
    ("constraint", "texts"),
    [
        ("ratio", ["b1 / b2 - 0.3"]),
        ("two", ["exp(b1) / (1 + b2)", "np.sqrt(b3) - log(b2 + 2) * b1"]),
        ("linear", ["b1 - 2 * b2", "b3 - 1"]),
    ],
)
def test_combinations_are_pooled_as_by_mitml(constraint, texts):
    theirs = CONSTRAINTS[constraint]
    combined = delta_method(MITML, texts)
    test = d1(combined.q_hat, combined.covariances)
    pooled = pool_covariance(combined.q_hat, combined.covariances)
    np.testing.assert_allclose(combined.q_hat.mean(axis=0), np.atleast_1d(theirs["Q"]), rtol=1e-6)
    total = (1 + test.riv) * pooled.within
    np.testing.assert_allclose(total.ravel(), np.atleast_1d(theirs["T"]), rtol=1e-6)
    numbers = [test.statistic, test.df1, test.df2, test.p_value, test.riv]
    expected = [theirs[key] for key in ("F", "df1", "df2", "p", "riv")]
    np.testing.assert_allclose(numbers, expected, rtol=1e-6)


# Functions of x, y, z and their gradients.
ANALYTIC = [
    ("age", lambda x, y, z: (1, 0, 0)),
    ("3 - 2 * bmi", lambda x, y, z: (0, -2, 0)),
    ("exp(age) / (1 + bmi)", lambda x, y, z: (np.exp(x) / (1 + y), -np.exp(x) / (1 + y) ** 2, 0)),
    ("age * bmi", lambda x, y, z: (y, x, 0)),
    ("log(bmi) ** 2", lambda x, y, z: (0, 2 * np.log(y) / y, 0)),
    ("bmi ** age", lambda x, y, z: (y**x * np.log(y), x * y ** (x - 1), 0)),
    ("C(stage)[T.2] / age", lambda x, y, z: (-z / x**2, 0, 1 / x)),
    ("-`C(stage)[T.2]` / 1e-3", lambda x, y, z: (0, 0, -1e3)),
    ("sin(20 * bmi)", lambda x, y, z: (0, 20 * np.cos(20 * y), 0)),
    ("expit(age + pi)", lambda x, y, z: (expit(x + np.pi) * expit(-x - np.pi), 0, 0)),
    ("sqrt(age**2 + bmi**2)", lambda x, y, z: (x / np.hypot(x, y), y / np.hypot(x, y), 0)),
    ("minimum(age, bmi) + np.abs(age)", lambda x, y, z: (2, 0, 0)),
]


@pytest.mark.parametrize(("text", "gradient"), ANALYTIC, ids=[text for text, _ in ANALYTIC])
def test_covariances_are_those_of_analytic_gradients(text, gradient):
    ours = delta_method(stack(), text)
    assert ours.names == (text,)
    for imputation, estimates in enumerate(stack().q_hat):
        row = np.array(gradient(*estimates), dtype=float)
        expected = row @ stack().covariances[imputation] @ row
        np.testing.assert_allclose(ours.covariances[imputation, 0, 0], expected, rtol=1e-9)


@pytest.mark.parametrize("at", [1e-8, 1e-3, 1.0, 1e6])
@pytest.mark.parametrize("spread", [1e-6, 1.0, 1e3])
@pytest.mark.parametrize(
    ("function", "derivative"),
    [
        (lambda q: 1 / q["x"], lambda x: -1 / x**2),
        (lambda q: math.log(q["x"]), lambda x: 1 / x),
        (lambda q: math.sqrt(q["x"]), lambda x: 0.5 / math.sqrt(x)),
        (lambda q: math.tanh(q["x"]) + q["x"], lambda x: 2 - math.tanh(x) ** 2),
    ],
)
def test_derivatives_hold_seven_digits_on_any_scale(function, derivative, at, spread):
    one = stack(
        names=("x",),
        at=((at,), (at,)),
        covariances=np.full((2, 1, 1), spread**2),
    )
    slope = np.sqrt(delta_method(one, function).covariances[0, 0, 0]) / spread
    assert slope == pytest.approx(abs(derivative(at)), rel=1e-7)


def test_a_derivative_at_zero_is_found():
    one = stack(at=((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)))
    ours = delta_method(one, ["exp(age)", "cos(bmi)", "age + 2 * bmi"])
    np.testing.assert_allclose(ours.q_hat, [[1, 1, 0]] * 2)
    gradients = np.array([[1, 0, 0], [0, 0, 0], [1, 2, 0]])
    np.testing.assert_allclose(ours.covariances[0], gradients @ COVARIANCE @ gradients.T, 1e-9)


def test_a_function_of_a_series_is_the_same_as_text():
    def both(q):
        return pd.Series({"ratio": q["age"] / q["bmi"], "odds": math.exp(q["C(stage)[T.2]"])})

    ours = delta_method(stack(), both)
    text = delta_method(stack(), {"ratio": "age / bmi", "odds": "exp(C(stage)[T.2])"})
    assert ours.names == text.names == ("ratio", "odds")
    np.testing.assert_allclose(ours.q_hat, text.q_hat, rtol=1e-14)
    np.testing.assert_allclose(ours.covariances, text.covariances, rtol=1e-10)


def test_a_function_that_returns_a_number_gives_its_name():
    def odds_ratio(q):
        return np.exp(q["age"])

    assert delta_method(stack(), odds_ratio).names == ("odds_ratio",)


def test_names_that_are_tuples_or_numbers_reach_the_function_as_they_are():
    names = ((0, "age"), (1, "age"), 7)
    ours = delta_method(stack(names=names), lambda q: q[(0, "age")] * q[7])
    text = delta_method(stack(names=names), "`(0, 'age')` * `7`")
    np.testing.assert_allclose(ours.q_hat, text.q_hat)
    np.testing.assert_allclose(ours.q_hat[0], [-0.5])


def test_a_parameter_goes_before_a_function_or_constant_of_its_name():
    names = ("e", "exp(x)", "exp")
    ours = delta_method(stack(names=names), ["e", "exp(x) + 1", "exp(exp)"])
    np.testing.assert_allclose(ours.q_hat[0], [0.5, 3.0, np.exp(-1)])


def test_degrees_of_freedom_are_kept_or_given():
    assert delta_method(stack(), "age").df_complete.tolist() == [40, 40]
    assert delta_method(stack(), "age", df_complete=7).df_complete.tolist() == [7, 7]


def test_combinations_can_be_tested_and_pooled():
    combined = delta_method(MITML, {"ratio": "b1 / b2"})
    tested = wald_test(combined, "ratio = 0.3", df_complete=np.inf)
    assert tested.statistic == pytest.approx(CONSTRAINTS["ratio"]["F"], rel=1e-6)
    pooled = pool_rubin(combined.q_hat, combined.covariances[:, 0])
    assert pooled.q_bar[0] == pytest.approx(np.mean(MITML.q_hat[:, 0] / MITML.q_hat[:, 1]))


def test_variances_alone_are_enough_for_functions_of_one_parameter():
    unknown = np.where(np.eye(3) == 1, stack().covariances, np.nan)
    ours = delta_method(stack(covariances=unknown), ["exp(age)", "bmi ** 2"])
    whole = delta_method(stack(), ["exp(age)", "bmi ** 2"])
    variances = np.diagonal(ours.covariances, axis1=1, axis2=2)
    expected = np.diagonal(whole.covariances, axis1=1, axis2=2)
    np.testing.assert_allclose(variances, expected, rtol=1e-12)
    assert np.isnan(ours.covariances[0, 0, 1])
    with pytest.raises(PoolingError, match=r"'age / bmi' combines several parameters, whose cov"):
        delta_method(stack(covariances=unknown), "age / bmi")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("agee + 1", "'agee + 1' names 'agee', which the model does not have. Its parameters are"),
        ("`agee`", "names 'agee'"),
        ("np", "names 'np'"),
        ("age +", "is not an expression in Python arithmetic"),
        ("age = 0", "is not an expression in Python arithmetic"),
        ("age; bmi", "is not an expression in Python arithmetic"),
        ("open('secret')", "holds \"open('secret')\", which is not arithmetic"),
        ("np.fromfile(age)", "holds 'np.fromfile(age)', which is not arithmetic"),
        ("age.real", "names 'age'"),
        ("().__class__", "which is not arithmetic"),
        ("(lambda: 1)()", "which is not arithmetic"),
        ("[age for age in (1,)]", "which is not arithmetic"),
        ("exp(age, bmi)", "holds 'exp(age, bmi)', which is not arithmetic"),
        ("minimum(age)", "minimum(x, y), maximum(x, y), expit(x), logit(x)."),
        ("exp(x=age)", "which is not arithmetic"),
        ("exp(*age)", "which is not arithmetic"),
        ("'age' * 2", "which is not arithmetic"),
        ("age > bmi", "which is not arithmetic"),
        ("age if bmi else 1", "which is not arithmetic"),
        ("True", "which is not arithmetic"),
        ("log(C(stage)[T.2])", "'log(C(stage)[T.2])' is nan at the estimates {'age': 0.5, 'bmi'"),
        ("1 / (age - 0.5)", "Imputation 0: '1 / (age - 0.5)' is inf at the estimates"),
        ([], "needs at least one function; got none"),
        (lambda q: [q["age"], q["bmi"]], "returned a list of the shape (2,)"),
    ],
)
def test_what_is_no_smooth_arithmetic_is_refused(function, message):
    with pytest.raises(PoolingError, match=re.escape(message)):
        delta_method(stack(), function)


def test_a_jump_has_no_derivative():
    with pytest.raises(PoolingError, match="has no derivative with respect to 'age' at the est"):
        delta_method(stack(), lambda q: 1.0 if q["age"] >= 0.5 else 0.0)


def test_estimates_on_a_transformed_scale_are_refused():
    log = Transform("log", np.log, np.exp, lambda value: 1 / value)
    with pytest.raises(PoolingError, match="The estimates are on the scale 'log'"):
        delta_method(stack(transform=log), "age")

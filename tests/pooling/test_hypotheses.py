"""Linear hypotheses: how they are read, and the Wald tests of them."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bayesmice.errors import PoolingError
from bayesmice.pooling.hypotheses import linear_hypothesis, wald_test
from bayesmice.pooling.multiparameter import d1
from bayesmice.pooling.rubin import pool_rubin
from bayesmice.pooling.stacking import StackedResults
from bayesmice.pooling.transforms import Transform

REFERENCE = Path(__file__).parent / "reference"
CASES = json.loads((REFERENCE / "multiparameter_cases.json").read_text())["cases"]
CONSTRAINTS = json.loads((REFERENCE / "likelihood_tests.json").read_text())["constraints"]
NAMES = (
    "Intercept",
    "age",
    "bmi",
    "C(stage)[T.2]",
    "group[T.very low]",
    "I(x ** 2)",
    "C(arm, Treatment(reference='a'))[T.b]",
    "age:bmi",
    "body mass",
    0,
    (1, "age"),
    "a-b",
    "lambda",
    "größe",
)


def stack_of(case, **parts):
    m, k = CASES[case]["m"], CASES[case]["k"]
    settings = {
        "names": tuple(CASES[case]["names"]),
        "q_hat": np.reshape(CASES[case]["Q"], (m, k)),
        "covariances": np.reshape(CASES[case]["U"], (m, k, k)).astype(float),
        "df_complete": np.full(m, np.inf),
    }
    return StackedResults(**{**settings, **parts})


def read(hypothesis, names=NAMES):
    """Coefficients by name, and the value, of every constraint."""
    linear = linear_hypothesis(hypothesis, names)
    return [
        ({str(name): value for name, value in zip(names, row, strict=True) if value}, constant)
        for row, constant in zip(linear.matrix.tolist(), linear.constants.tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("age = 0, bmi = 2", [({"age": 1}, 0), ({"bmi": 1}, 2)]),
        ("age", [({"age": 1}, 0)]),
        ("age, bmi", [({"age": 1}, 0), ({"bmi": 1}, 0)]),
        ("age = bmi", [({"age": 1, "bmi": -1}, 0)]),
        ("age = -1", [({"age": 1}, -1)]),
        ("age = -1.5e-3", [({"age": 1}, -1.5e-3)]),
        ("0 = 2 - age", [({"age": 1}, 2)]),
        ("2 * (age + bmi) = 3", [({"age": 2, "bmi": 2}, 3)]),
        ("(age + bmi) / 2 - age * 3 = 1", [({"age": -2.5, "bmi": 0.5}, 1)]),
        ("+age - -bmi = 1/4", [({"age": 1, "bmi": 1}, 0.25)]),
        ("age + age = 1", [({"age": 2}, 1)]),
        ("C(stage)[T.2] = 0", [({"C(stage)[T.2]": 1}, 0)]),
        ("`C(stage)[T.2]` = 0", [({"C(stage)[T.2]": 1}, 0)]),
        ("group[T.very low] = age", [({"group[T.very low]": 1, "age": -1}, 0)]),
        ("I(x ** 2) = 1", [({"I(x ** 2)": 1}, 1)]),
        (
            "C(arm, Treatment(reference='a'))[T.b] = 1, age = 2",
            [({"C(arm, Treatment(reference='a'))[T.b]": 1}, 1), ({"age": 1}, 2)],
        ),
        ("age:bmi = 0", [({"age:bmi": 1}, 0)]),
        ("body mass = age", [({"body mass": 1, "age": -1}, 0)]),
        ("`0` = 1", [({"0": 1}, 1)]),
        ("`(1, 'age')` = age", [({"(1, 'age')": 1, "age": -1}, 0)]),
        ("`a-b` = 1", [({"a-b": 1}, 1)]),
        ("`lambda` = 1", [({"lambda": 1}, 1)]),
        ("größe = 1", [({"größe": 1}, 1)]),
    ],
)
def test_text_is_read_as_python_arithmetic(text, expected):
    for (row, constant), (wanted, value) in zip(read(text), expected, strict=True):
        assert row == pytest.approx(wanted)
        assert constant == pytest.approx(value)


@pytest.mark.parametrize(
    ("hypothesis", "expected"),
    [
        (["age", "C(stage)[T.2]"], [({"age": 1}, 0), ({"C(stage)[T.2]": 1}, 0)]),
        (["age", 0], [({"age": 1}, 0), ({"0": 1}, 0)]),
        (("age", "bmi"), [({"age": 1}, 0), ({"bmi": 1}, 0)]),
        ((1, "age"), [({"(1, 'age')": 1}, 0)]),
        (["a-b"], [({"a-b": 1}, 0)]),
        (pd.Index(["age", "bmi"]), [({"age": 1}, 0), ({"bmi": 1}, 0)]),
        (["age = 1", "bmi"], [({"age": 1}, 1), ({"bmi": 1}, 0)]),
        (("age = 1", "bmi = 2"), [({"age": 1}, 1), ({"bmi": 1}, 2)]),
        ({"age": 1, 0: 2}, [({"age": 1}, 1), ({"0": 1}, 2)]),
        ({"age - bmi": 1}, [({"age": 1, "bmi": -1}, 1)]),
        (pd.Series({"age": 1.5}).to_dict(), [({"age": 1}, 1.5)]),
    ],
)
def test_names_and_mappings_are_read(hypothesis, expected):
    assert read(hypothesis) == expected


def test_names_that_are_the_same_as_text_are_told_apart_where_they_can_be():
    names = (0, "0")
    assert linear_hypothesis(["0"], names).matrix.tolist() == [[0, 1]]
    assert linear_hypothesis([0], names).matrix.tolist() == [[1, 0]]
    with pytest.raises(PoolingError, match="Two of the parameters '0', '0' read the same as text"):
        linear_hypothesis("`0` = 1", names)


def test_matrices_are_read_in_the_order_of_the_parameters_or_by_their_columns():
    names = ("age", "bmi")
    row = [({"age": 1, "bmi": -2}, 0)]
    assert read([1, -2], names) == row
    assert read(np.array([[1, -2]]), names) == row
    assert read([[1, -2]], names) == row
    assert read(pd.DataFrame({"bmi": [-2], "age": [1]}), names) == row
    assert read(pd.DataFrame({"bmi": [3]}), names) == [({"bmi": 3}, 0)]
    assert read(([[1, 0], [0, 1]], [5, 6]), names) == [({"age": 1}, 5), ({"bmi": 1}, 6)]
    assert read((np.eye(2), 7), names) == [({"age": 1}, 7), ({"bmi": 1}, 7)]


@pytest.mark.parametrize(
    ("hypothesis", "message"),
    [
        ("age = bmi = 0", "'age = bmi = 0' has 2 equals signs, and may have one"),
        ("age == 0", "2 equals signs"),
        ("agee = 0", "names 'agee', which the model does not have. Its parameters are 'Intercept'"),
        ("`agee` = 0", "names 'agee', which the model does not have"),
        ("exp(age) = 0", "names 'exp(age)', which the model does not have"),
        ("C(stage)[T.3] = 0", "not an expression in Python arithmetic of the parameters 'Int"),
        (["age", "agee"], "names 'agee'"),
        ([3, "age"], "names"),
        ({"agee": 0}, "names 'agee'"),
        ("age * bmi = 0", "multiplies parameters by each other"),
        ("1 / age = 0", "divides by a parameter or by zero"),
        ("age / 0 = 0", "divides by a parameter or by zero"),
        ("age ** 2 = 0", "is not linear: it holds 'age ** 2'"),
        ("age > 0", "is not linear: it holds 'age > 0'"),
        ("age = 'x'", "is not linear"),
        ("age = True", "is not linear"),
        ("age =", "is not an expression in Python arithmetic"),
        ("age = 0,", "is not an expression in Python arithmetic"),
        ("", "is not an expression in Python arithmetic"),
        ("lambda = 0", "Quote names that are not plain words in backticks"),
        ("`age = 0", "A backtick in '`age = 0' has no other one"),
        ("age = age", "says nothing about the parameters"),
        ("1 = 1", "says nothing about the parameters"),
        ("age = bmi, 2 * bmi = 2 * age", "'2 * bmi = 2 * age' repeats or contradicts those before"),
        ("age = 0, bmi = 1, age + bmi = 2", "'age + bmi = 2' repeats or contradicts"),
        (["age", "age"], "repeats or contradicts"),
        ([], "has no constraint"),
        ({}, "has no constraint"),
        ({"age": "x"}, "gives 'age' the value 'x', not a number"),
        ({"age": np.nan}, "gives 'age' the value nan, not a number"),
        ({"age = 1": 2}, "has an equals sign of its own"),
        (np.eye(3), "must have one column of finite numbers per parameter"),
        (np.full((1, 14), np.nan), "must have one column of finite numbers per parameter"),
        ((np.eye(14), [1, 2]), "cannot be read"),
        (pd.DataFrame({"agee": [1]}), "The matrix of the hypothesis' names 'agee'"),
        (object(), "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_refused(hypothesis, message):
    with pytest.raises(PoolingError, match=re.escape(message)):
        linear_hypothesis(hypothesis, NAMES)


@pytest.mark.parametrize(
    ("case", "hypothesis", "df", "key"),
    [
        ("k3_m5", "b1 = 0, b2 = 0, b3 = 0", np.inf, "D1_large"),
        ("k3_m5", ["b1", "b2", "b3"], 21, "D1_dfcom21"),
        ("k3_m5", "b1, b2", 100, "D1_first2_dfcom100"),
        ("k3_m5", "b1 = b2", np.inf, "D1_diff_b1_b2"),
        ("k4_m20", [[1, -1, 0, 0]], np.inf, "D1_diff_b1_b2"),
        ("k5_m3", {"b1": 0, "b2": 0}, np.inf, None),
    ],
)
def test_d1_of_a_hypothesis_is_that_of_mitml(case, hypothesis, df, key):
    if key is None:
        stack = stack_of(case)
        q_hat, u = stack.q_hat[:, :2], stack.covariances[:, :2, :2]
        expected = d1(q_hat, u).table.to_numpy()
    else:
        theirs = CASES[case][key]
        m = CASES[case]["m"]
        expected = [[theirs["F"], theirs["df1"], theirs["df2"], theirs["p"], theirs["riv"], m]]
    ours = wald_test(stack_of(case), hypothesis, df_complete=df)
    np.testing.assert_allclose(ours.table, expected, rtol=1e-6)


def test_d2_of_a_hypothesis_is_that_of_mitml():
    theirs = CASES["k3_m5"]["D2_wald"]
    ours = wald_test(stack_of("k3_m5"), ["b1", "b2", "b3"], test="D2", df_complete=21)
    expected = [[theirs["F"], theirs["df1"], theirs["df2"], theirs["p"], theirs["riv"], 5]]
    np.testing.assert_allclose(ours.table, expected, rtol=1e-6)


def test_values_other_than_zero_are_those_of_mitml():
    theirs = CONSTRAINTS["linear"]
    ours = wald_test(stack_of("k3_m5"), "b1 = 2 * b2, b3 = 1", df_complete=np.inf)
    expected = [[theirs["F"], theirs["df1"], theirs["df2"], theirs["p"], theirs["riv"], 5]]
    np.testing.assert_allclose(ours.table, expected, rtol=1e-6)
    assert ours.hypothesis == ("b1 = 2 * b2", "b3 = 1")


def test_equivalent_hypotheses_have_the_same_test():
    stack = stack_of("k4_m20")
    first, *others = (
        wald_test(stack, hypothesis, df_complete=50).table
        for hypothesis in (
            "b1 = b2, b2 = b3 + 1",
            "b3 + 1 = b1, 4 * b1 = 4 * b2",
            ([[1, -1, 0, 0], [2, 0, -2, 0]], [0, 2]),
            {"b1 - b2": 0, "b2 - b3": 1},
        )
    )
    for other in others:
        np.testing.assert_allclose(other, first, rtol=1e-9)


def test_a_contrast_of_two_parameters_is_the_pooled_t_test_of_their_difference():
    stack = stack_of("k3_m5")
    difference = stack.q_hat[:, 0] - stack.q_hat[:, 1]
    u = stack.covariances
    pooled = pool_rubin(difference, u[:, 0, 0] + u[:, 1, 1] - 2 * u[:, 0, 1], df_complete=30)
    test = wald_test(stack, "b1 - b2 = 0", df_complete=30)
    t = float(pooled.q_bar / np.sqrt(pooled.t))
    assert test.p_value == pytest.approx(2 * stats.t.sf(abs(t), float(pooled.df)), rel=1e-10)


def variances_alone(case="k3_m5"):
    stack = stack_of(case)
    k = len(stack.names)
    unknown = np.where(np.eye(k) == 1, stack.covariances, np.nan)
    return stack_of(case, covariances=unknown)


def test_variances_alone_are_enough_for_one_parameter():
    ours = wald_test(variances_alone(), "2 * b2 = 1", df_complete=40)
    whole = wald_test(stack_of("k3_m5"), "2 * b2 = 1", df_complete=40)
    np.testing.assert_allclose(ours.table, whole.table, rtol=1e-12)


def test_variances_alone_are_not_enough_for_several_parameters():
    with pytest.raises(PoolingError, match="Give whole covariance matrices, not variances alone"):
        wald_test(variances_alone(), ["b1", "b2"], df_complete=40)
    with pytest.raises(PoolingError, match="'b1 = b2' combines several parameters, whose cov"):
        wald_test(variances_alone(), "b1 = b2", df_complete=40)


def test_other_tests_scales_and_nests_are_refused():
    with pytest.raises(PoolingError, match="knows test='D1' and test='D2'; got 'D4'"):
        wald_test(stack_of("k3_m5"), "b1", test="D4", df_complete=40)
    log = Transform("log", np.log, np.exp, lambda value: 1 / value)
    with pytest.raises(PoolingError, match="The estimates are on the scale 'log'"):
        wald_test(stack_of("k3_m5", transform=log), "b1", df_complete=40)
    with pytest.raises(PoolingError, match="The imputations come in 2 nests"):
        wald_test(stack_of("k4_m20", n_nests=2), "b1", df_complete=40)


def test_a_singular_hypothesis_names_its_constraints():
    stack = stack_of("k3_m5")
    u = stack.covariances.copy()
    u[:, 1, :] = u[:, :, 1] = 0
    with pytest.raises(PoolingError, match="is singular: the variance of 'b2 = 1' is 0"):
        wald_test(stack_of("k3_m5", covariances=u), "b1 = 0, b2 = 1", df_complete=40)

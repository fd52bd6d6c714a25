"""Formulas: which terms and columns predict a target, and what is said about faults."""

import re

import numpy as np
import pandas as pd
import pytest

from bayesmice import MICE, Regression
from bayesmice.errors import BayesMiceError
from bayesmice.models.formulas import parse_formula

COLUMNS = ["age", "bmi", "chl", "two words", "lambda", "a.b", "x:y"]


def predictors(formula, target="bmi", columns=COLUMNS):
    """The columns that the terms of a formula read, in the order of the data."""
    terms = parse_formula(formula, target, columns).terms
    read = {name for term in terms for name in term.reads}
    return tuple(name for name in columns if name in read)


def test_a_dot_is_every_other_column_in_the_order_of_the_data():
    assert predictors(".") == ("age", "chl", "two words", "lambda", "a.b", "x:y")
    assert predictors(" . ", target="a.b") == ("age", "bmi", "chl", "two words", "lambda", "x:y")


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("age", ("age",)),
        ("chl + age", ("age", "chl")),
        ("age+chl", ("age", "chl")),
        ("1 + age", ("age",)),
        ("~ age", ("age",)),
        ("age + age", ("age",)),
        ("(age + chl) - age", ("chl",)),
        ("1", ()),
        (". - .", ()),
        ("`age`", ("age",)),
        ("`two words` + `lambda`", ("two words", "lambda")),
        ("`a.b` + age", ("age", "a.b")),
        ("`x:y`", ("x:y",)),
    ],
)
def test_sums_of_columns_are_read(formula, expected):
    assert predictors(formula) == expected


@pytest.mark.parametrize("target", ["y", "age", "a:b", "1"])
def test_a_dot_alone_is_what_the_grammar_makes_of_it(target):
    """It is written down without the parser, which reads the same with an intercept that it has."""
    columns = ["age", "two words", "y", "lambda", "a:b", "1", "\N{MICRO SIGN}", "."]
    alone, parsed = (parse_formula(text, target, columns) for text in (" . ", ". + 1"))
    assert alone.terms == parsed.terms
    assert alone.has_intercept
    assert parsed.has_intercept
    assert alone.aliases == parsed.aliases


@pytest.mark.parametrize("left_out", ["age", "`two words`", "`lambda`", "`a.b`", "`x:y`"])
def test_a_minus_takes_a_column_out_of_the_dot(left_out):
    name = left_out.strip("`")
    expected = tuple(column for column in COLUMNS if column not in {"bmi", name})
    assert predictors(f". - {left_out}") == expected


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (".", ("0", "1")),
        (". - `0`", ("1",)),
        (". - `1`", ("0",)),
        ("`0` + `1`", ("0", "1")),
        ("1", ()),
        ("1 + `1`", ("1",)),
    ],
)
def test_a_column_named_1_is_not_the_intercept(formula, expected):
    assert predictors(formula, "2", ["0", "1", "2"]) == expected


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("0 + age", ("age",)),
        ("age - 1", ("age",)),
        ("age:chl", ("age", "chl")),
        ("chl * age - chl", ("age", "chl")),
        ("np.log(age)", ("age",)),
        ("I(age > chl):`two words`", ("age", "chl", "two words")),
        ("Q('two words') + np.log(`lambda`)", ("two words", "lambda")),
        ("{age + `x:y`}", ("age", "x:y")),
        ("I(sum([age for age in [1, 2]]) * chl)", ("chl",)),
    ],
)
def test_columns_are_found_in_any_term(formula, expected):
    assert predictors(formula) == expected


def terms(formula, columns=("age", "chl", "log", "C", "two words"), target="y"):
    return [term.text for term in parse_formula(formula, target, [*columns, target]).terms]


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("age * chl", ["age", "chl", "age:chl"]),
        ("age / chl", ["age", "age:chl"]),
        ("chl %in% age", ["age", "age:chl"]),
        ("(age + chl) ** 2", ["age", "chl", "age:chl"]),
        ("age:chl + age", ["age", "age:chl"]),
        (". - `two words`", ["age", "chl", "log", "C"]),
        (".:age - age", ["chl:age", "log:age", "C:age", "two words:age"]),
        ("I(age+1)  + I( age + 1 )", ["I(age + 1)"]),
        ("2:age", ["2:age"]),
        ("np.log(`two words` / `age`)", ["np.log(`two words` / age)"]),
        ("C(age, levels=['`a`'])", ["C(age, levels=['`a`'])"]),
        ("log(log) + C(C) + `log`:C", ["log(log)", "C(C)", "log:C"]),
    ],
)
def test_terms_are_written_as_formulaic_writes_them(formula, expected):
    assert terms(formula) == expected


def test_a_colon_in_a_name_is_no_interaction():
    assert terms("`x:y` + x:y", ["x:y", "x", "y"], "z") == ["`x:y`", "x:y"]


@pytest.mark.parametrize(
    ("formula", "expected"), [("age", True), ("0 + age", False), ("age - 1", False), ("0", False)]
)
def test_the_intercept_is_there_unless_taken_out(formula, expected):
    assert parse_formula(formula, "y", ["age", "y"]).has_intercept is expected


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ("age + nope", "names 'nope', which is not a column of the data. Columns: age, bmi, chl"),
        ("`no pe`", "names 'no pe', which is not a column"),
        ("np.log(nope)", "names 'nope', which is not a column"),
        ("Q('no pe')", "names 'no pe', which is not a column"),
        ("nope:age", "stands in backticks"),
        ("lgo(age)", "calls 'lgo', which is not a function that it knows. Functions: C, Diff,"),
        ("np.lgo(age)", "calls 'np.lgo', which is not a function"),
        ("chl(age)", "calls 'chl', which is not a function"),
        ("bmi + age", "lets 'bmi' predict itself. Take it out"),
        ("np.log(bmi)", "lets 'bmi' predict itself (in 'np.log(bmi)')"),
        ("age:bmi", "lets 'bmi' predict itself (in 'age:bmi')"),
        ("Q('bmi')", "lets 'bmi' predict itself"),
        ("bmi ~ age", "cannot be parsed: it has more than one side or part"),
        ("age | chl", "cannot be parsed: it has more than one side or part"),
        ("age +", "cannot be parsed"),
        ("age chl", "cannot be parsed"),
        ("`age", "cannot be parsed"),
        ("age + 3", "cannot be parsed: Numeric literals other than `1`"),
        ("age.abs().abs()", "cannot be parsed: '.abs()' is not Python code"),
        ("age **", "Write the right-hand side only"),
    ],
)
def test_faults_are_named_with_the_formula_and_the_target(formula, text):
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        predictors(formula)
    assert isinstance(caught.value, BayesMiceError)
    assert f"The formula {formula!r} of the model for 'bmi'" in str(caught.value)


@pytest.mark.parametrize("formula", [3, None, ["age"]], ids=str)
def test_a_formula_that_is_no_string_is_refused(formula):
    with pytest.raises((ValueError, TypeError)) as caught:
        predictors(formula)
    assert isinstance(caught.value, BayesMiceError)
    assert "'bmi'" in str(caught.value)


@pytest.mark.parametrize(
    "labels",
    [
        [0, 1, 2],
        ["1", "2", "3"],
        ["a b", "b c", "c d"],
        [("a", 1), ("a", 2), ("b", 1)],
        ["for", "in", "if"],
        ["x-y", "x+y", "x*y"],
        ["log(x)", "x[0]", "x'"],
        ["naïve", "größe", "年"],
    ],
    ids=str,
)
@pytest.mark.parametrize("formula", [".", ". - 1 + 1"], ids=["default", "parsed"])
def test_any_label_can_predict_and_be_predicted(labels, formula):
    values = np.random.default_rng(3).normal(size=(8, 3))
    frame = pd.DataFrame(values, columns=pd.Index(labels, tupleize_cols=False))
    names = [str(label) for label in labels]
    models = {name: Regression(formula) for name in names}
    table = MICE(frame, models)._problem.group().specification.models
    for name in names:
        assert table[name].predictors == tuple(other for other in names if other != name)


@pytest.mark.parametrize("label", ["...", "a`b", "~", "x\ny"], ids=ascii)
def test_labels_that_a_formula_cannot_write_work_with_the_default(label):
    values = np.random.default_rng(3).normal(size=(8, 2))
    models = MICE(pd.DataFrame(values, columns=[label, "x"]))._problem.group().specification.models
    assert models["x"].predictors == (label,)
    assert models[label].predictors == ("x",)


def test_a_constant_column_predicts_nothing():
    frame = pd.DataFrame({"x": [1.0, 2, 3], "k": [5.0, 5, 5], "y": [2.0, 4, 5]})
    mice = MICE(frame, {"y": Regression("x + k")})
    assert mice._problem.group().specification.models["y"].predictors == ("x",)
    assert mice._problem.group().specification.models["x"].predictors == ("y",)

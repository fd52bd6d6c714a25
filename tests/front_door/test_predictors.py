"""Predictors: a matrix, a mapping and formulas lead to one normal form, which is the one used."""

import re

import numpy as np
import pandas as pd
import pytest

import bayesmice as bm


@pytest.fixture(scope="module")
def data():
    return bm.load_dataset("nhanes2")


def everything(data):
    matrix = ~np.eye(4, dtype=bool)
    return pd.DataFrame(matrix, index=data.columns, columns=data.columns)


def coefficients(mice, name):
    run = mice.mice(m=2, sweeps=2, random_seed=1, progressbar=False)
    posterior = run.tree[f"conditionals/{name}/posterior"]
    return posterior["predictor"].to_numpy().tolist()


def test_by_default_all_others_predict(data):
    matrix = bm.MICE(data).predictor_matrix
    np.testing.assert_array_equal(matrix, everything(data))
    assert (matrix.index.name, matrix.columns.name) == ("target", "predictor")


def test_the_effective_matrix_is_the_one_that_is_used(data):
    matrix = everything(data)
    matrix.loc["chl", ["hyp", "bmi"]] = False
    mice = bm.MICE(data, predictors=matrix)
    np.testing.assert_array_equal(mice.predictor_matrix, matrix)
    assert coefficients(mice, "chl") == ["age[T.40-59]", "age[T.60-99]"]
    assert mice.table.loc["chl", "predictors"] == "age"
    assert mice.model("chl").coords["predictor"] == ("age[T.40-59]", "age[T.60-99]")


def test_a_mapping_and_a_matrix_and_a_formula_are_the_same_model(data):
    matrix = everything(data)
    matrix.loc["bmi", ["hyp", "chl"]] = False
    same = [
        bm.MICE(data, predictors=matrix),
        bm.MICE(data, predictors={"bmi": ["age"]}),
        bm.MICE(data, {"bmi": bm.Regression("age")}),
    ]
    runs = [m.mice(m=1, sweeps=3, random_seed=2, progressbar=False).completed(0) for m in same]
    for other in runs[1:]:
        pd.testing.assert_frame_equal(runs[0], other, check_exact=True)


def test_the_matrix_of_a_specification_can_be_changed_and_given_back(data):
    matrix = bm.MICE(data.assign(k=1.0)).predictor_matrix
    assert not matrix["k"].any()
    assert not matrix.loc["k"].any()
    again = bm.MICE(data.assign(k=1.0), predictors=matrix).predictor_matrix
    pd.testing.assert_frame_equal(again, matrix)


def test_a_dot_in_a_formula_stands_for_the_predictors(data):
    models = {"chl": bm.Regression(". + age:bmi")}
    mice = bm.MICE(data, models, predictors={"chl": ["age"]})
    assert mice.predictor_matrix.loc["chl"].tolist() == [True, True, False, False]
    events = mice.mice(m=1, sweeps=1, random_seed=1, progressbar=False).events
    named = events.query("code == 'named_predictors'")
    assert named["variable"].tolist() == ["chl"]
    assert "names bmi, which predictors leaves out" in named["message"].iloc[0]


def test_a_row_of_numbers_and_a_matrix_of_some_targets_will_do(data):
    row = pd.DataFrame([[1, 0, 0, 0]], index=["chl"], columns=data.columns)
    matrix = bm.MICE(data, predictors=row).predictor_matrix
    assert matrix.loc["chl"].tolist() == [True, False, False, False]
    assert matrix.loc["bmi"].sum() == 3


def test_quick_predictors_are_the_form_that_is_read(data):
    quick = bm.quick_predictors(data, min_correlation=0.4)
    assert 0 < quick.to_numpy().sum() < 9
    matrix = bm.MICE(data, predictors=quick).predictor_matrix
    incomplete = ["bmi", "hyp", "chl"]
    pd.testing.assert_frame_equal(matrix.loc[incomplete], quick.loc[incomplete])


def test_a_target_without_predictors_has_an_intercept_only(data):
    mice = bm.MICE(data, predictors={"bmi": []})
    assert mice.predictor_matrix.loc["bmi"].sum() == 0
    assert (
        mice.mice(m=1, sweeps=2, random_seed=1, progressbar=False).completed(0).notna().all().all()
    )


def matrix_with(label, axis):
    frame = pd.DataFrame(False, index=["age", "bmi"], columns=["age", "bmi"])
    return frame.rename({"bmi": label}, axis=axis)


BAD = {
    "an unknown row": (matrix_with("weight", 0), "predictors names 'weight'"),
    "an unknown column": (matrix_with("weight", 1), "predictors names 'weight'"),
    "a repeated row": (matrix_with("age", 0), "has rows with the same label: 'age'"),
    "itself in a matrix": (
        pd.DataFrame(True, index=["age", "bmi"], columns=["age", "bmi"]),
        "predictors lets 'age' predict itself",
    ),
    "itself in a mapping": ({"bmi": ["bmi"]}, "predictors lets 'bmi' predict itself"),
    "an unknown target": ({"weight": ["bmi"]}, "predictors names 'weight'"),
    "an unknown predictor": ({"bmi": ["weight"]}, "predictors names 'weight'"),
    "a string": ({"bmi": "age"}, "predictors['bmi'] is 'age'; expected a list"),
    "codes of R": (
        pd.DataFrame([[-2, 1]], index=["bmi"], columns=["age", "chl"]),
        "Codes of R's multilevel methods",
    ),
    "a missing mark": (
        pd.DataFrame([[None, True]], index=["bmi"], columns=["age", "chl"]),
        "values other than True and False",
    ),
    "an array": (np.eye(4), "predictors is ndarray; expected a bool DataFrame"),
}


@pytest.mark.parametrize(("predictors", "text"), BAD.values(), ids=BAD)
def test_predictors_that_fit_no_column_are_refused(data, predictors, text):
    with pytest.raises(bm.SpecificationError, match=re.escape(text)):
        bm.MICE(data, predictors=predictors)


def test_a_name_that_a_formula_quotes_does_not_predict_itself(data):
    frame = data.rename(columns={"bmi": "b:mi"})
    assert not bm.MICE(frame).predictor_matrix.loc["b:mi", "b:mi"]
    assert "b:mi" not in coefficients(bm.MICE(frame), "b:mi")
    assert "b:mi" in coefficients(bm.MICE(frame), "chl")

"""Passive columns: computed again whenever what they are made of has changed."""

import re

import numpy as np
import pandas as pd
import pytest

import bayesmice as bm

N = 40


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(3)
    height = rng.normal(170, 10, N)
    weight = 70 + 0.8 * (height - 170) + rng.normal(0, 8, N)
    frame = pd.DataFrame({"height": height, "weight": weight, "age": rng.normal(40, 9, N)})
    frame["sex"] = np.resize(["m", "f", "f"], N)
    frame.loc[0:5, "height"] = None
    frame.loc[3:9, "weight"] = None
    frame.loc[20:24, "age"] = None
    frame["bmi"] = frame["weight"] / (frame["height"] / 100) ** 2
    return frame


BMI = {"bmi": "weight / (height / 100) ** 2"}


def run(frame, passive, **settings):
    mice = bm.MICE(frame, passive=passive, **settings)
    return mice.mice(m=2, sweeps=3, random_seed=1, progressbar=False)


def test_a_passive_column_is_exactly_its_function_in_every_completed_data_set(people):
    imputations = run(people, BMI)
    for completed in imputations:
        assert completed.notna().all().all()
        missing = people["bmi"].isna()
        expected = completed["weight"] / (completed["height"] / 100) ** 2
        np.testing.assert_array_equal(completed["bmi"][missing], expected[missing])
        pd.testing.assert_series_equal(completed["bmi"][~missing], people["bmi"][~missing])
    assert "bmi" not in imputations.tree["conditionals"].children
    assert "bmi" in imputations.tree["sweep_stats"].data_vars


def test_a_passive_column_is_recomputed_right_after_what_it_is_made_of(people):
    """The next target of the same sweep already sees the new values.

    A function that reads bmi and weight notes what it got: bmi always fits weight and height.
    """
    seen = []

    def note(values, data):
        seen.append((data["bmi"] - data["weight"] / (data["height"] / 100) ** 2).abs().max())
        return values

    run(people, BMI, visit_sequence=["weight", "age", "height", "age"], post={"age": note})
    assert len(seen) == 3 * 2 * 2, "three sweeps, two visits to age, two chains"
    assert max(seen) < 1e-12


def test_what_a_passive_column_is_made_of_is_not_predicted_by_it_unless_asked(people):
    matrix = bm.MICE(people, passive=BMI).predictor_matrix
    assert not matrix.loc[["height", "weight"], "bmi"].any()
    assert matrix.loc["age", "bmi"]
    asked = bm.MICE(people, passive=BMI, predictors={"weight": ["bmi", "age"]})
    assert asked.predictor_matrix.loc["weight"].to_dict() == {
        "height": False,
        "weight": False,
        "age": True,
        "sex": False,
        "bmi": True,
    }
    formula = bm.MICE(people, {"weight": bm.Regression("bmi")}, passive=BMI)
    assert formula.predictor_matrix.loc["weight", "bmi"]


def test_order_is_found_and_functions_and_new_columns_are_allowed(people):
    passive = {
        "obese": lambda data: data["bmi"] > 30,
        "bmi": lambda data: data["weight"] / (data["height"] / 100) ** 2,
        "m_age": "(sex == 'm') * age",
        "log_bmi": "np.log(bmi)",
    }
    imputations = run(people, passive)
    completed = imputations.completed(1)
    assert list(completed.columns)[:5] == list(people.columns)
    assert set(completed.columns[5:]) == {"obese", "m_age", "log_bmi"}
    assert completed.notna().all().all()
    assert completed["obese"].dtype == "boolean"
    np.testing.assert_array_equal(completed["obese"], completed["bmi"] > 30)
    np.testing.assert_array_equal(completed["log_bmi"], np.log(completed["bmi"]))
    np.testing.assert_array_equal(
        completed["m_age"], np.where(completed["sex"] == "m", completed["age"], 0.0)
    )


def test_a_column_with_levels_may_be_passive(people):
    def banded(data):
        return pd.cut(data["age"], [0, 35, 45, 200], labels=["young", "middle", "old"])

    frame = people.drop(columns="bmi").assign(band=banded(people))
    completed = run(frame, {"band": banded}).completed(0)
    assert completed["band"].dtype == frame["band"].dtype
    pd.testing.assert_series_equal(completed["band"], banded(completed), check_names=False)


def test_a_passive_column_of_complete_columns_needs_no_visit(people):
    frame = people.assign(double=(2.0 * np.arange(N))).assign(row=None)
    frame = frame.drop(columns="row").assign(index=np.arange(N, dtype=float))
    frame.loc[5:8, "double"] = None
    completed = run(frame, {"double": "2 * index"}).completed(0)
    np.testing.assert_array_equal(completed["double"], 2.0 * np.arange(N))


def test_observed_values_that_differ_from_the_function_are_told(people):
    frame = people.copy()
    frame.loc[30:31, "bmi"] += 1.0
    events = run(frame, BMI).events.query("code == 'passive_differs'")
    assert events["variable"].tolist() == ["bmi"]
    assert events["message"].iloc[0].startswith("2 observed values differ from weight / (height")
    assert "passive_differs" not in set(run(people, BMI).events["code"])


def test_a_value_that_is_not_defined_is_an_error_that_names_it(people):
    """Ages around 40 minus 100 have no logarithm."""
    frame = people.assign(lost=1.0)
    frame.loc[20:24, "lost"] = None
    with pytest.raises(bm.SamplingError, match="column 'lost' in sweep 0: its computed values"):
        run(frame, {"lost": "np.log(age - 100)"})


BAD = {
    "a circle": (
        {"height": "weight + 1", "weight": "bmi * 2", "bmi": "height / 2"},
        "in a circle: height -> weight -> bmi -> height",
    ),
    "a circle of functions": (
        {"one": lambda d: d["two"] + 1, "two": lambda d: d["one"] + 1},
        "in a circle: one -> two -> one",
    ),
    "infinite": (
        {"late": "np.log(age - age)"},
        "passive['late'] = 'np.log(age - age)' is -inf in row 0. Change the expression",
    ),
    "nowhere defined": (
        {"lost": "np.log(age - 1000)"},
        "passive['lost'] = 'np.log(age - 1000)' is not defined in any row",
    ),
    "itself": ({"bmi": "bmi + 1"}, "passive['bmi'] depends on 'bmi' itself"),
    "an unknown column": ({"bmi": "weigth / height"}, "'weigth', which is not a column"),
    "an unknown column in a function": (
        {"bmi": lambda d: d["weigth"]},
        "passive['bmi'] fails: 'weigth' is not a column of the data",
    ),
    "no expression": ({"bmi": "~ weight +"}, "is not a Python expression"),
    "R's power": ({"bmi": "weight / height ^ 2"}, "In Python a power is written **"),
    "nothing read": ({"bmi": "1 + 1"}, "passive['bmi'] reads no column"),
    "the wrong length": (
        {"bmi": lambda d: d["weight"].head(3)},
        "gives an array of shape (3,); expected one value per row, (40,)",
    ),
    "a scalar": ({"bmi": lambda d: d["weight"].mean()}, "gives an array of shape ()"),
    "a function that fails": (
        {"bmi": lambda d: d["weight"] / None},
        "failed with TypeError",
    ),
    "text for numbers": ({"bmi": "sex"}, "and the column holds numbers"),
    "a level that is none": ({"sex": lambda d: d["age"].astype(str)}, "which is no observed level"),
    "a number": ({"bmi": 5}, "passive['bmi'] is 5; expected an expression"),
    "a list": (["bmi"], "passive is list; expected a mapping"),
}


@pytest.mark.parametrize(("passive", "text"), BAD.values(), ids=BAD)
def test_what_cannot_be_computed_is_refused_before_the_run(people, passive, text):
    with pytest.raises(bm.SpecificationError, match=re.escape(text)):
        bm.MICE(people, passive=passive)


def test_a_model_and_a_function_for_one_column_are_refused(people):
    with pytest.raises(bm.SpecificationError, match="models and passive both name 'bmi'"):
        bm.MICE(people, {"bmi": bm.Regression()}, passive=BMI)
    with pytest.raises(bm.SpecificationError, match="post names 'bmi', a passive column"):
        bm.MICE(people, passive=BMI, post={"bmi": lambda values, data: values})
    with pytest.raises(bm.SpecificationError, match="is computed, as weight"):
        bm.MICE(people, passive=BMI).model("bmi")


def test_where_may_be_an_array_beside_new_columns_and_never_wants_computed_cells(people):
    where = people.isna().to_numpy()
    completed = run(people, {"half": "height / 2"}, where=where).completed(0)
    np.testing.assert_array_equal(completed["half"], completed["height"] / 2)
    where[30, list(people.columns).index("bmi")] = True
    with pytest.raises(bm.SpecificationError, match="where wants observed cells of 'bmi', a pass"):
        bm.MICE(people, passive=BMI, where=where)


def test_names_that_are_no_identifiers_stand_in_backticks(people):
    frame = people.rename(columns={"weight": "body weight"})
    completed = run(frame, {"bmi": "`body weight` / (height / 100) ** 2"}).completed(0)
    assert completed["bmi"].notna().all()

"""Custom models: any function that writes a PyMC model with one observed variable."""

import re

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy.stats import expon, norm

from bayesmice import MICE
from bayesmice.errors import BayesMiceError


def line(data):
    a, b = pm.Normal("a", 0, 30), pm.Normal("b", 0, 5)
    sigma = pm.Exponential("sigma", 0.2)
    pm.Normal("y", a + b * data["age"], sigma, observed=data["y"])


def test_the_model_is_what_the_function_wrote_over_observed_rows(study, logp):
    model = MICE(study, {"y": line}).model("y")
    assert isinstance(model, pm.Model)
    seen = study.dropna(subset="y")
    expected = (
        norm.logpdf(seen["y"], 1 + 0.2 * seen["age"], 2).sum()
        + norm.logpdf(1, 0, 30)
        + norm.logpdf(0.2, 0, 5)
        + expon.logpdf(2, scale=5)
    )
    assert logp(model, a=1, b=0.2, sigma=2) == pytest.approx(expected, rel=1e-8)


def test_only_columns_that_are_read_are_predictors(study):
    table = MICE(study, {"y": line})._problem.group().specification.table()
    assert table.loc["y", "model"] == "custom"
    assert table.loc["y", "predictors"] == "age"
    assert table.loc["age", "predictors"] == "count, smoker, site, grade, y, event, kind, stage"


def test_priors_of_a_custom_model_are_shown(study):
    shown = MICE(study, {"y": line})._problem.group().specification.table().loc["y", "priors"]
    for name in ("a", "b", "sigma"):
        assert f"{name} ~ " in shown


def test_factors_are_integer_codes_with_their_levels_beside_them(study):
    found = {}

    def write(data):
        found["coords"] = {name: list(levels) for name, levels in data.coords.items()}
        found["site"] = data["site"]
        a = pm.Normal("a", dims="site")
        pm.Normal("y", a[data["site"]] + data["grade"], 1, observed=data["y"])

    model = MICE(study, {"y": write}).model("y")
    assert found["coords"]["site"] == ["a", "b", "c"]
    assert found["coords"]["grade"] == ["lo", "mid", "hi"]
    assert found["coords"]["smoker"] == [False, True]
    assert "age" not in found["coords"]
    codes = study["site"].cat.codes[study["y"].notna()]
    np.testing.assert_array_equal(found["site"].get_value(), codes)
    assert np.issubdtype(found["site"].get_value().dtype, np.integer)
    assert list(model.coords["site"]) == ["a", "b", "c"]
    assert model["a"].eval(mode="FAST_COMPILE").shape == (3,)


def test_data_is_a_mapping_over_the_columns(study):
    def write(data):
        assert list(data) == list(study.columns)
        assert len(data) == study.shape[1]
        assert "age" in data
        assert "nope" not in data
        assert data["age"] is data["age"]
        line(data)

    MICE(study, {"y": write})


def factor_model(column):
    def write(data):
        eta = pm.Normal("eta", 0, 1, shape=len(data.coords[column]) - 1)
        logits = pm.math.concatenate([[0.0], eta])
        pm.Categorical(column, logit_p=logits, observed=data[column])

    return write


@pytest.mark.parametrize("column", ["kind", "stage", "site"])
def test_a_column_with_levels_can_have_a_custom_model(study, column):
    model = MICE(study, {column: factor_model(column)}).model(column)
    assert [variable.name for variable in model.observed_RVs] == [column]


def test_a_boolean_column_can_have_a_custom_model(study):
    def write(data):
        p = pm.Beta("p", 1, 1)
        pm.Bernoulli("event", p, observed=data["event"])

    model = MICE(study, {"event": write}).model("event")
    assert [variable.name for variable in model.observed_RVs] == ["event"]


def test_a_custom_model_reads_a_two_valued_number_as_it_is():
    frame = pd.DataFrame({"x": [1.0, 2, 3, 4], "dose": [20.0, 40, np.nan, 40]})

    def write(data):
        assert "dose" not in data.coords
        pm.Normal("dose", pm.Normal("a", 30, 10), 5, observed=data["dose"])

    model = MICE(frame, {"dose": write}).model("dose")
    np.testing.assert_array_equal(model["data[dose]"].get_value(), [20, 40, 40])


def no_observed(data):
    pm.Normal("y", data["age"], 1)


def two_observed(data):
    pm.Normal("y", 0, 1, observed=data["y"])
    pm.Normal("z", 0, 1, observed=data["age"])


def another_name(data):
    pm.Normal("outcome", 0, 1, observed=data["y"])


def nothing(data):
    return None


def potential_of_rows(data):
    a = pm.Normal("a")
    pm.Potential("penalty", -((a - data["age"]) ** 2).sum())
    pm.Normal("y", a, 1, observed=data["y"])


def matrix(data):
    a = pm.Normal("a")
    pm.Normal("y", a, 1, observed=data["y"][:, None])


def numbers_of_its_own(data):
    a = pm.Normal("a")
    pm.Normal("y", a, 1, observed=np.zeros(20))


FAULTS = {
    "no observed variable": (no_observed, "exactly one observed variable, named 'y'; found none"),
    "nothing written": (nothing, "found none. End it with pm.<Distribution>('y', ..., observed="),
    "two observed variables": (two_observed, "named 'y'; found 'y', 'z'"),
    "another name": (another_name, "named 'y'; found 'outcome'"),
    "potential over rows": (potential_of_rows, "The potential 'penalty'"),
    "a matrix": (matrix, "has 2 dimensions; expected one value per row"),
    "observed numbers that are not data": (numbers_of_its_own, "observed=data['y']"),
}


@pytest.mark.parametrize(("function", "text"), FAULTS.values(), ids=FAULTS.keys())
def test_a_model_of_the_wrong_form_is_refused_before_anything_runs(study, function, text):
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        MICE(study, {"y": function})
    assert isinstance(caught.value, BayesMiceError)
    assert "'y'" in str(caught.value)


def test_reading_an_unknown_column_names_the_columns(study):
    def write(data):
        pm.Normal("y", data["nope"], 1, observed=data["y"])

    with pytest.raises(
        KeyError, match=r"'nope' is not a column of the data\. Columns: age, count"
    ) as caught:
        MICE(study, {"y": write})
    assert isinstance(caught.value, BayesMiceError)


def test_a_potential_of_parameters_only_is_allowed(study):
    def write(data):
        a, b = pm.Normal("a"), pm.Normal("b")
        pm.Potential("sum to zero", -((a + b) ** 2))
        pm.Normal("y", a + b * data["age"], 1, observed=data["y"])

    assert [v.name for v in MICE(study, {"y": write}).model("y").potentials] == ["sum to zero"]


def test_a_callable_object_is_a_model_and_a_class_is_not(study):
    class Line:
        def __call__(self, data):
            line(data)

    MICE(study, {"y": Line()})
    with pytest.raises(ValueError, match=r"expected bm.Regression\(...\) or a function of data"):
        MICE(study, {"y": Line})

"""What is expected of any tool for multiple imputation, where no other file shows it.

docs/behaviours.md lists all of it, with the test that shows each.
"""

import re

import numpy as np
import pandas as pd
import pytest
from completion import check_completed

import bayesmice as bm
from bayesmice.specification import specify

N = 24


def events(frame, code, **settings):
    return [event for event in specify(frame, **settings).events if event.code == code]


# Completed data


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(["a", None, np.nan, pd.NA, pd.NaT, "b"], dtype=object),
        pd.Series([True, None, np.nan, pd.NA, pd.NaT, False], dtype=object),
        pd.Series([1.5, None, np.nan, np.nan, None, 2.0]),
        pd.Series([1.5, None, np.nan, pd.NA, None, 2.0], dtype="Float64"),
        pd.Series([1, None, np.nan, pd.NA, None, 2], dtype="Int64"),
        pd.Series(["a", None, np.nan, pd.NA, None, "b"], dtype="string"),
        pd.Series(pd.Categorical(["a", None, np.nan, pd.NA, None, "b"])),
    ],
    ids=["strings", "booleans", "floats", "Float64", "Int64", "string", "categories"],
)
def test_every_mark_of_pandas_for_a_missing_cell_is_one(column):
    frame = pd.DataFrame({"x": np.arange(6.0), "y": column})
    specification = specify(frame)
    assert specification.store.columns["y"].missing_rows.tolist() == [1, 2, 3, 4]
    check_completed(specification.store.complete(specification.fills), frame)


def test_default_models_follow_from_dtypes():
    n = 12
    frame = pd.DataFrame(
        {
            "weight": np.linspace(50, 90, n),
            "visits": np.arange(n),
            "flag": pd.array(np.resize([True, False], n), dtype="boolean"),
            "sex": np.resize(["f", "m"], n),
            "site": np.resize(["a", "b", "c"], n),
            "stage": pd.Categorical(np.resize(["I", "II", "III"], n), ordered=True),
        }
    )
    models = bm.MICE(frame).table["model"]
    assert models.to_dict() == {
        "weight": "gaussian",
        "visits": "gaussian, PMM(donors=5)",
        "flag": "bernoulli",
        "sex": "bernoulli",
        "site": "categorical",
        "stage": "cumulative",
    }


def test_the_order_of_columns_changes_no_density(numbers):
    """Least squares, in a Bayesian's words: the model of a column is the same set of terms."""
    frame = numbers.assign(w=np.cos(np.arange(N)))
    frame["kind"] = np.resize(["a", "b", "c"], N)
    values = {"x": 0.3, "z": -0.2, "w": 1.1, "kind[T.b]": 0.5, "kind[T.c]": -0.7}
    densities = []
    for order in (list(frame), ["kind", "w", "y", "z", "x"]):
        model = bm.MICE(frame[order].fillna({"z": 20.0})).model("y")
        labels = list(model.coords["predictor"])
        assert set(labels) == set(values)
        point = model.initial_point() | {
            "Intercept_centered": np.array(0.4),
            "coefficients": np.array([values[label] for label in labels]),
        }
        densities.append(float(model.compile_logp(mode="FAST_COMPILE")(point)))
    assert densities[0] == pytest.approx(densities[1], rel=1e-12)


# Awkward data


def test_a_frame_without_any_value_is_refused():
    frame = pd.DataFrame({"x": [np.nan, np.nan], "s": pd.Series([None, None], dtype=object)})
    with pytest.raises(bm.DataError, match="Column 'x' has no observed value"):
        bm.MICE(frame)


def test_a_single_row_comes_back_or_is_refused(impute):
    row = pd.DataFrame({"x": [1.0], "s": ["a"]})
    for completed in impute(row):
        pd.testing.assert_frame_equal(completed, row)
    with pytest.raises(bm.DataError, match="Column 'x' has no observed value"):
        bm.MICE(row.assign(x=np.nan))


def test_two_rows_fill_what_one_of_them_shows(impute):
    frame = pd.DataFrame({"x": [1.0, 2.0], "y": [3.0, None]})
    assert impute(frame).completed(0)["y"].tolist() == [3.0, 3.0]


def test_two_observed_values_are_imputed_and_warned_of(numbers, impute):
    frame = numbers[["x", "y"]].copy()
    frame.loc[2:, "y"] = None
    frame.loc[0:1, "y"] = [1.0, 2.5]
    imputations = impute(frame)
    for completed in imputations:
        check_completed(completed, frame)
    (found,) = events(frame, "few_rows")
    assert found.severity == "warning"
    assert "2 observed rows are to tell 2 coefficients apart" in found.message


def test_few_rows_are_counted_without_those_that_are_ignored(numbers):
    ignore = np.arange(N) >= 6
    (found,) = events(numbers[["x", "y"]], "few_rows", ignore=ignore)
    assert found.severity == "warning"
    assert "2 observed rows" in found.message
    assert not events(numbers[["x", "y"]], "few_rows")


def test_labels_of_rows_predict_nothing_and_are_told(numbers, impute):
    frame = numbers[["x", "y"]].assign(person=[f"p{i}" for i in range(N)])
    imputations = impute(frame)
    for completed in imputations:
        check_completed(completed, frame)
    assert list(imputations.tree["conditionals/y/posterior"]["predictor"]) == ["x"]
    (found,) = events(frame, "identifier")
    assert (found.variable, found.severity) == ("person", "info")
    frame.loc[0:1, "person"] = None
    (found,) = events(frame, "identifier")
    assert found.severity == "warning"
    assert "imputed values of it mean little" in found.message


def test_rows_that_repeat_each_other_are_no_obstacle_to_levels(numbers, impute):
    frame = pd.DataFrame({"x": np.resize([1.0, 2.0, 4.0], N), "y": np.resize([0.5, 3.0, 1.0], N)})
    frame["kind"] = np.resize(["a", "b", "rare"], N)
    frame.loc[4:7, "kind"] = None
    for completed in impute(frame):
        check_completed(completed, frame)


# Chains


def test_completed_data_differ_from_chain_to_chain_in_imputed_cells_only(imputations, numbers):
    first, second = imputations.completed(0), imputations.completed(1)
    pd.testing.assert_frame_equal(first[numbers.notna()], second[numbers.notna()])
    for name in ("y", "z"):
        missing = numbers[name].isna()
        assert (first.loc[missing, name] != second.loc[missing, name]).all()


def test_no_sweep_at_all_is_refused_since_a_start_is_no_imputation(numbers):
    text = "sweeps is 0; expected a whole number of at least 1"
    with pytest.raises(bm.SpecificationError, match=re.escape(text)):
        bm.MICE(numbers).mice(m=1, sweeps=0)

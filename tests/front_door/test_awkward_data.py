"""Awkward data: they work, and the event log says what a user should know."""

import numpy as np
import pandas as pd
import pytest
from completion import check_completed

from bayesmice import Regression
from bayesmice.specification import specify

N = 24


def check_all(imputations, frame):
    for completed in imputations:
        check_completed(completed, frame)


def event(imputations, code, variable=""):
    events = imputations.events
    found = events[(events["code"] == code) & (events["variable"] == variable)]
    assert len(found) == 1, f"{code} of {variable!r}: {len(found)} events"
    return found.iloc[0]


@pytest.fixture(scope="module")
def constants(numbers):
    frame = numbers[["x", "y"]].assign(
        whole=7,
        number=[None] + [2.5] * (N - 1),
        text=[None, None] + ["same"] * (N - 2),
        flag=pd.array([None] + [True] * (N - 1), dtype="boolean"),
    )
    frame["stage"] = pd.Categorical([None] + ["I"] * (N - 1), ["I"], ordered=True)
    return frame


@pytest.fixture(scope="module")
def constants_imputed(constants, impute):
    return impute(constants)


def test_constant_columns_are_filled_with_their_value(constants, constants_imputed):
    check_all(constants_imputed, constants)
    for completed in constants_imputed:
        assert completed.loc[0, ["number", "text", "flag", "stage"]].tolist() == [
            2.5,
            "same",
            True,
            "I",
        ]


@pytest.mark.parametrize(
    ("variable", "severity", "text"),
    [
        ("whole", "info", "All 24 observed values are 7"),
        ("number", "warning", "All 23 observed values are 2.5. Its 1 missing cells get that value"),
        ("text", "warning", "All 22 observed values are same. Its 2 missing cells get that value"),
        ("flag", "warning", "All 23 observed values are True."),
        ("stage", "warning", "All 23 observed values are I."),
    ],
)
def test_constant_columns_are_in_the_event_log(constants_imputed, variable, severity, text):
    found = event(constants_imputed, "constant_column", variable)
    assert found["severity"] == severity
    assert text in found["message"]


def test_constant_columns_predict_nothing_and_have_no_model(constants_imputed):
    tree = constants_imputed.tree
    assert set(tree["conditionals"].children) == {"y"}
    assert list(tree["conditionals/y/posterior"]["predictor"]) == ["x"]
    assert set(tree["imputations"].data_vars) == {"y", "number", "text", "flag", "stage"}


@pytest.mark.parametrize(
    ("values", "is_told"),
    [
        ([1.0, 2.5], True),
        (pd.array([20, 40], dtype="Int64"), True),
        ([0.0, 1.0], False),
        (pd.array([1, 2], dtype="Int64"), False),
        ([True, False], False),
        (["a", "b"], False),
        (pd.Categorical([1.0, 2.5]), False),
    ],
    ids=str,
)
def test_two_numbers_that_are_no_codes_are_told(numbers, values, is_told):
    column = pd.Series(values).take(np.arange(N) % 2).reset_index(drop=True)
    if column.dtype == bool:
        column = column.astype("boolean")
    complete = numbers[["x"]].assign(dose=column)
    assert not [e for e in specify(complete).events if e.code == "two_numbers"]
    column[4:7] = None
    events = specify(complete.assign(dose=column)).events
    told = [e for e in events if e.code == "two_numbers"]
    assert len(told) == is_told
    if is_told:
        assert f"Only the numbers {values[0]} and {values[1]} were observed" in told[0].message
        gaussian = {"dose": Regression(family="gaussian")}
        read = specify(complete.assign(dose=column), gaussian)
        assert not [e for e in read.events if e.code == "two_numbers"]


def test_a_column_with_one_observed_value_is_filled_and_told(numbers):
    frame = numbers[["x", "y"]].copy()
    frame.loc[1:, "y"] = None
    frame.loc[0, "y"] = 1.5
    (found,) = (e for e in specify(frame).events if e.code == "constant_column")
    assert found.severity == "warning"
    assert found.message.startswith("The observed value is 1.5. Its 23 missing cells get that")


def test_a_frame_with_nothing_missing_is_returned_as_it_is(impute):
    frame = pd.DataFrame({"x": [1.0, 2.0, 4.0], "s": ["a", "b", "c"]})
    imputations = impute(frame, m=3)
    assert len(imputations) == 3
    for completed in imputations:
        pd.testing.assert_frame_equal(completed, frame)
    found = event(imputations, "nothing_missing")
    assert found["severity"] == "info"
    assert imputations.convergence().table.empty
    assert "m=3" in repr(imputations)


def test_a_frame_of_constants_only_needs_no_model(impute):
    frame = pd.DataFrame({"k": [1.0, None], "s": ["a", None]})
    imputations = impute(frame)
    assert imputations.completed(1).to_numpy().tolist() == [[1.0, "a"], [1.0, "a"]]
    assert list(imputations.events["code"]) == ["constant_column"] * 2


def test_unused_categories_are_kept_and_never_imputed(numbers, impute):
    frame = numbers[["x", "y"]].copy()
    levels = ["never", "c", "a", "nor this", "b"]
    frame["kind"] = pd.Categorical(np.resize(["c", "b"], N), levels)
    frame.loc[4:7, "kind"] = None
    imputations = impute(frame)
    check_all(imputations, frame)
    assert list(imputations.completed(0)["kind"].cat.categories) == levels
    message = event(imputations, "unused_categories", "kind")["message"]
    assert "never, a, nor this" in message


def test_whole_numbers_stay_whole_and_the_log_says_so(numbers, impute):
    frame = numbers.copy()
    frame["z"] = frame["z"].round().astype("Int64")
    imputations = impute(frame, {"z": Regression(draw="predictive")})
    check_all(imputations, frame)
    for i, completed in enumerate(imputations):
        cells = imputations.tree["imputations"]["z"].isel(imputation=i).to_numpy()
        assert completed.loc[6:9, "z"].tolist() == np.rint(cells).astype(int).tolist()
        assert (cells % 1).any()
    assert "rounded to the nearest" in event(imputations, "rounded", "z")["message"]


def test_complete_whole_numbers_are_no_event(numbers, impute):
    frame = numbers.assign(x=np.arange(N))
    assert "rounded" not in set(impute(frame).events["code"])


def test_imputed_values_where_none_was_observed_are_in_the_event_log(numbers, impute):
    frame = numbers.copy()
    frame["y"] = np.exp(3 * frame["y"])
    imputations = impute(frame, m=2)
    cells = imputations.tree["imputations"]["y"].to_numpy()
    assert (cells < 0).any()
    found = event(imputations, "negative_values", "y")
    assert found["severity"] == "warning"
    n_negative = int((cells < 0).sum())
    numbers_named = [int(word) for word in found["message"].split() if word.isdigit()]
    assert sorted(numbers_named) == sorted([n_negative, 8])
    assert "negative" in found["message"]


COLUMNS = {
    "a number": pd.Series([None, None, *np.linspace(3, 9, N - 2)]),
    "a nominal": pd.Series([None, None, *np.resize(["a", "b", "c"], N - 2)]),
    "an ordinal": pd.Series(
        pd.Categorical([None, None, *np.resize(["a", "b", "c"], N - 2)], ordered=True)
    ),
}


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS.keys())
def test_a_single_column_is_imputed_from_its_own_distribution(column, impute):
    frame = pd.DataFrame({"only": column})
    check_all(impute(frame), frame)


def test_identical_columns_are_imputed(numbers, impute):
    frame = numbers.assign(z=numbers["y"])
    check_all(impute(frame), frame)


def test_collinear_columns_with_other_missing_cells_are_imputed(numbers, impute):
    frame = numbers.copy()
    frame["z"] = 2 * frame["x"] + 1
    frame.loc[6:9, "z"] = None
    imputations = impute(frame)
    check_all(imputations, frame)


def test_more_predictors_than_rows_are_no_obstacle(impute):
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(rng.normal(size=(10, 15)), columns=[f"c{i}" for i in range(15)])
    frame.loc[0:1, "c0"] = None
    frame.loc[2:3, "c7"] = None
    imputations = impute(frame)
    check_all(imputations, frame)
    for completed in imputations:
        assert completed.abs().to_numpy().max() < 100


def test_a_level_that_one_row_shows_is_no_obstacle(numbers, impute):
    frame = numbers[["x", "y"]].assign(kind=np.resize(["a", "b"], N))
    frame.loc[20, "kind"] = "rare"
    frame.loc[4:7, "kind"] = None
    check_all(impute(frame), frame)


def test_complete_separation_draws_the_separated_class(impute):
    x = np.concatenate([np.linspace(-2, -1, N // 2), np.linspace(1, 2, N // 2)])
    frame = pd.DataFrame({"x": x, "yes": pd.array(x > 0, dtype="boolean")})
    frame.loc[[0, N - 1], "yes"] = None
    imputations = impute(frame, sweeps=5)
    check_all(imputations, frame)
    posterior = imputations.tree["conditionals/yes/posterior"]["coefficients"].to_numpy()
    assert (posterior > 0).all()
    assert np.isfinite(posterior).all()


@pytest.mark.parametrize(
    "labels",
    [["class", "my y", "lambda"], ["None", "y~x", "log(z)"], [("x", 1), None, 3.5]],
    ids=["reserved words and blanks", "code", "labels that are no text"],
)
def test_columns_may_be_called_anything(numbers, impute, labels):
    frame = numbers.set_axis(pd.Index(labels, dtype=object, tupleize_cols=False), axis=1)
    imputations = impute(frame)
    check_all(imputations, frame)
    assert imputations.incomplete == labels[1:]


def test_a_row_with_every_cell_missing_is_imputed(numbers, impute):
    frame = numbers.copy()
    frame.loc[12, :] = None
    imputations = impute(frame)
    check_all(imputations, frame)
    assert imputations.completed(0).shape == frame.shape


def test_one_missing_cell_is_imputed(numbers, impute):
    frame = numbers.fillna(0.5)
    frame.loc[2, "y"] = None
    imputations = impute(frame)
    check_all(imputations, frame)
    assert imputations.convergence().table["r_hat"].isna().all()


@pytest.mark.parametrize(
    ("factor", "offset"), [(1e12, 0.0), (1e-12, 0.0), (1.0, 1e9), (1e-12, 1e-3)], ids=str
)
def test_units_and_zeros_far_away_are_no_obstacle(numbers, impute, factor, offset):
    frame = numbers.assign(z=(numbers["z"] - 20) * factor + offset)
    imputations = impute(frame, sweeps=5)
    check_all(imputations, frame)
    observed = frame["z"].dropna()
    for completed in imputations:
        assert (completed["z"] - observed.mean()).abs().max() < 8 * observed.std()
        assert completed.loc[6:9, "z"].std() > 0.05 * observed.std()
    for name in ("y", "z"):
        statistics = imputations.tree[f"conditionals/{name}/sample_stats"]
        assert statistics["acceptance_rate"].mean() > 0.6

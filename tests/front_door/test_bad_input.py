"""Bad input: a clear error of the right class, and nothing is changed."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import bayesmice as bm
from bayesmice import MICE, Regression
from bayesmice.errors import BayesMiceError


def refused(builtin, text, data, models=None):
    with pytest.raises(builtin, match=re.escape(text)) as caught:
        MICE(data, models)
    assert isinstance(caught.value, BayesMiceError)
    return str(caught.value)


DATA = {
    "no DataFrame": ([[1.0]], TypeError, "that narwhals reads), got list"),
    "no rows": (pd.DataFrame({"x": []}), ValueError, "0 rows and 1 columns"),
    "duplicate names": (
        pd.DataFrame(np.eye(2), columns=["a", "a"]),
        ValueError,
        "duplicate column names: 'a'",
    ),
    "1 and '1'": (
        pd.DataFrame(np.eye(2), columns=[1, "1"]),
        ValueError,
        "duplicate column names: '1'",
    ),
    "nothing observed": (
        pd.DataFrame({"x": [1.0, 2.0], "bmi": [np.nan, np.nan]}),
        ValueError,
        "Column 'bmi' has no observed value",
    ),
    "infinite": (
        pd.DataFrame({"x": [1.0, np.inf, 2.0]}),
        ValueError,
        "Column 'x' holds 1 infinite value(s)",
    ),
    "dates with a missing one": (
        pd.DataFrame({"when": pd.to_datetime(["2020-02-01", None, "2020-03-01"])}),
        ValueError,
        "Column 'when' holds times, and 1 of them are missing",
    ),
    "months": (
        pd.DataFrame({"when": pd.period_range("2020", periods=3, freq="M")}),
        ValueError,
        "Column 'when' has dtype period[M]",
    ),
    "numbers as objects": (
        pd.DataFrame({"x": pd.Series([1, 2, None], dtype=object)}),
        ValueError,
        "Column 'x' has dtype object but holds numbers",
    ),
    "lists": (
        pd.DataFrame({"x": [[1], [2, 3], None]}),
        ValueError,
        "Column 'x' has dtype object and holds list values",
    ),
    "complex numbers": (
        pd.DataFrame({"x": [1 + 2j, 3j, None]}),
        ValueError,
        "Column 'x' has dtype complex128",
    ),
    "a matrix in every cell": (
        pd.DataFrame({"x": pd.Series([np.eye(2), np.eye(3), None], dtype=object)}),
        ValueError,
        "Column 'x' has dtype object and holds ndarray values",
    ),
    "a frame in every cell": (
        pd.DataFrame({"x": pd.Series([pd.DataFrame({"a": [1]})] * 2 + [None], dtype=object)}),
        ValueError,
        "Column 'x' has dtype object and holds DataFrame values",
    ),
    "lists of Arrow": (
        pd.DataFrame({"x": pd.Series(pd.arrays.ArrowExtensionArray(pa.array([[1], [2], [3]])))}),
        ValueError,
        "Column 'x' has dtype list<item: int64>",
    ),
    "decimals": (
        pl.DataFrame({"x": pl.Series(["1.5", "2.5"]).cast(pl.Decimal(10, 2))}),
        ValueError,
        "Column 'x' has the type Decimal",
    ),
    "a LazyFrame": (
        pl.LazyFrame({"x": [1.0, None]}),
        TypeError,
        "data is a polars LazyFrame, which is not in memory",
    ),
    "reserved name": (
        pd.DataFrame({"chain": [1.0, 2.0]}),
        ValueError,
        "data has a column named 'chain'",
    ),
    "name with a slash": (pd.DataFrame({"a/b": [1.0]}), ValueError, "column named 'a/b'"),
}


@pytest.mark.parametrize(("data", "builtin", "text"), DATA.values(), ids=DATA.keys())
def test_data_that_cannot_be_imputed_are_refused(data, builtin, text):
    refused(builtin, text, data)


MODELS = {
    "a list": ([Regression()], "models is list; expected a mapping from column names to models"),
    "a regression": (Regression(), "models is Regression; expected a mapping"),
    "an unknown column": (
        {"z_squared": Regression()},
        "models names 'z_squared', which is not a column of data. Columns: x, y, z",
    ),
    "a string": ({"y": "gaussian"}, "models['y'] is 'gaussian'; expected bm.Regression(...)"),
    "None": ({"y": None}, "models['y'] is None; expected bm.Regression(...)"),
    "the class Regression": ({"y": Regression}, "expected bm.Regression(...) or a function"),
    "an unknown family": (
        {"y": Regression(family="normal")},
        "family='normal', which is not known. Families: gaussian, t, skewnormal",
    ),
    "an unsuited family": (
        {"y": Regression(family="bernoulli")},
        "family='bernoulli', which suits binary columns; 'y' is continuous",
    ),
    "an unknown predictor": (
        {"y": Regression("x + w")},
        "names 'w', which is not a column of the data. Columns: x, y, z.",
    ),
    "itself": ({"y": Regression("y")}, "lets 'y' predict itself"),
    "an unknown prior": (
        {"y": Regression(priors={"tau": 1.0})},
        "The prior 'tau' of the model for 'y' belongs to no parameter",
    ),
}


@pytest.mark.parametrize(("models", "text"), MODELS.values(), ids=MODELS.keys())
def test_models_that_do_not_fit_the_data_are_refused(numbers, models, text):
    refused(ValueError, text, numbers, models)


@pytest.mark.parametrize(
    ("column", "family", "suits"),
    [
        (pd.Series(["a", "b", "c"]), "gaussian", "continuous"),
        (pd.Series(["a", "b", "c"]), "cumulative", "ordinal"),
        (pd.Series(["a", "b", "b"]), "gaussian", "continuous"),
        (pd.Series(pd.Categorical([1, 2, 3], ordered=True)), "bernoulli", "binary"),
        (pd.Series([1.0, 2.0, 3.0]), "categorical", "nominal and ordinal"),
    ],
    ids=["nominal gaussian", "nominal cumulative", "binary gaussian", "ordinal", "number"],
)
def test_a_family_that_does_not_suit_the_scale_is_refused(column, family, suits):
    frame = pd.DataFrame({"x": [1.0, 2.0, 4.0], "y": column})
    text = f"family={family!r}, which suits {suits} columns"
    refused(ValueError, text, frame, {"y": Regression(family=family)})


@pytest.mark.parametrize("name", ["coefficients", "predictors", "observed", "sigma", "Intercept"])
def test_a_column_named_as_a_variable_of_its_own_regression_is_refused(name):
    frame = pd.DataFrame({"x": [1.0, 2.0, 4.0], name: [1.0, 3.0, None]})
    frame.loc[3] = [3.0, 7.0]
    refused(ValueError, f"Column {name!r} has the name of a variable of its own regression", frame)


@pytest.mark.parametrize(
    "name",
    ["predictor", "design_column", "coefficients_sigma", "Intercept_centered", "sigma_sigma"],
)
def test_any_other_name_is_refused_or_its_model_can_be_written(name):
    frame = pd.DataFrame({"x": [1.0, 2.0, 4.0, 3.0], name: [1.0, 3.0, None, 7.0]})
    try:
        mice = MICE(frame)
    except BayesMiceError as error:
        assert repr(name) in str(error)  # noqa: PT017  (either way is fine)
    else:
        assert mice.model(name).observed_RVs[0].name == name


RUNS = {
    "m=0": ({"m": 0}, "m is 0; expected a whole number of at least 1"),
    "m=-1": ({"m": -1}, "m is -1; expected"),
    "m=True": ({"m": True}, "m is True; expected"),
    "m=2.5": ({"m": 2.5}, "m is 2.5; expected"),
    "m=None": ({"m": None}, "m is None; expected"),
    "m='5'": ({"m": "5"}, "m is '5'; expected"),
    "sweeps=0": ({"sweeps": 0}, "sweeps is 0; expected a whole number of at least 1"),
    "sweeps=1.0": ({"sweeps": 1.0}, "sweeps is 1.0; expected"),
    "sweeps=False": ({"sweeps": False}, "sweeps is False; expected"),
    "no chain": ({"chains": 0}, "chains is 0; expected a whole number of at least 1"),
    "half a sweep apart": ({"thin": 0.5}, "thin is 0.5; expected"),
    "burn_in=-1": ({"burn_in": -1}, "burn_in is -1; expected a whole number of at least 0"),
    "every=0": ({"every": 0}, "every is 0; expected"),
    "more chains than m": ({"m": 2, "chains": 3}, "chains is 3, but m is 2"),
    "an analysis for nothing": ({"m": 3, "analysis": len}, "analysis chooses the number of"),
    "a callback that is none": ({"callback": 3}, "callback is 3; expected a function"),
    "a negative seed": ({"random_seed": -1}, "random_seed is -1; expected a whole number from 0"),
    "a seed too large": ({"random_seed": 2**63}, "expected a whole number from 0 to 2**63 - 1"),
    "a float seed": ({"random_seed": 1.0}, "random_seed is 1.0; expected"),
    "a boolean seed": ({"random_seed": True}, "random_seed is True; expected"),
}


@pytest.fixture(scope="module")
def run_before(numbers):
    mice = MICE(numbers)
    mice.mice(m=2, sweeps=1, random_seed=1, progressbar=False)
    return mice


@pytest.mark.parametrize(("arguments", "text"), RUNS.values(), ids=RUNS.keys())
def test_a_run_that_cannot_be_is_refused_and_the_last_one_is_kept(run_before, arguments, text):
    kept = run_before.imputations
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        run_before.mice(progressbar=False, **arguments)
    assert isinstance(caught.value, BayesMiceError)
    assert run_before.imputations is kept


def test_before_a_run_there_are_no_imputations(numbers):
    mice = MICE(numbers)
    for read in (lambda: mice.imputations, lambda: mice.data):
        with pytest.raises(bm.NotRunError, match=re.escape("Call mice(m=5) first")) as caught:
            read()
        assert isinstance(caught.value, RuntimeError)
        assert isinstance(caught.value, BayesMiceError)


def test_a_model_is_asked_for_by_the_name_of_a_column(numbers):
    mice = MICE(numbers.assign(k=1.0))
    with pytest.raises(ValueError, match=r"'w' is not a column of data\. Columns: x, y, z, k"):
        mice.model("w")
    with pytest.raises(ValueError, match="Column 'k' has one observed value only"):
        mice.model("k")


def test_a_model_for_a_constant_column_is_checked_like_any_other(numbers):
    frame = numbers.assign(k=1.0)
    refused(ValueError, "family='normal'", frame, {"k": Regression(family="normal")})
    refused(ValueError, "names 'w'", frame, {"k": Regression("w")})


@pytest.mark.parametrize(
    "labels",
    [
        pd.cut(pd.Series(range(24)), 3),
        pd.Series(pd.Categorical(pd.to_datetime(["2020", "2021", "2022"] * 8))),
    ],
    ids=["intervals", "dates"],
)
def test_categories_that_no_file_can_hold_are_refused_before_the_run_or_work(
    numbers, labels, impute
):
    frame = numbers[["x", "y"]].assign(group=labels)
    try:
        MICE(frame)
    except BayesMiceError as error:
        assert "'group'" in str(error)  # noqa: PT017  (either way is fine)
    else:
        completed = impute(frame).completed(0)
        pd.testing.assert_series_equal(completed["group"], frame["group"])


def test_sparse_columns_are_refused_or_completed(numbers, impute):
    frame = numbers.assign(y=pd.arrays.SparseArray(numbers["y"]))
    try:
        MICE(frame)
    except BayesMiceError as error:
        assert "'y'" in str(error)  # noqa: PT017  (either way is fine)
    else:
        assert impute(frame).completed(0).notna().all().all()


def test_a_model_without_free_parameters_is_refused_or_runs(numbers, impute):
    models = {"y": Regression("x", priors={"x": 1.0, "Intercept": 0.0, "sigma": 1.0})}
    try:
        imputations = impute(numbers[["x", "y"]], models)
    except BayesMiceError as error:
        assert "'y'" in str(error)  # noqa: PT017  (either way is fine)
    else:
        assert imputations.completed(0).notna().all().all()

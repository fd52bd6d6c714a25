"""Data of any library: the same imputations, in the library that the data came from."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import bayesmice as bm
from bayesmice.data import libraries
from bayesmice.errors import BayesMiceError

N = 24
INCOMPLETE = ["y", "whole", "flag", "kind", "stage"]


@pytest.fixture(scope="module")
def polars_data():
    rng = np.random.default_rng(31)
    x = rng.normal(size=N)
    two, other = rng.random((2, N)) < 0.5
    frame = pl.DataFrame(
        {
            "x": x,
            "y": pl.Series(x + rng.normal(size=N), dtype=pl.Float32),
            "whole": pl.Series(rng.integers(0, 9, N), dtype=pl.Int32),
            "flag": two,
            "kind": pl.Series(np.where(other, "a", "b"), dtype=pl.Categorical),
            "stage": pl.Series(
                np.where(rng.random(N) < 0.5, "low", "high"), dtype=pl.Enum(["low", "no", "high"])
            ),
            "when": pl.Series(rng.integers(0, 10**15, N)).cast(pl.Datetime("us", "Asia/Tokyo")),
        }
    )
    for place, name in enumerate(INCOMPLETE):
        missing = pl.Series([3 * place <= row < 3 * place + 3 for row in range(N)])
        frame = frame.with_columns(pl.when(missing).then(None).otherwise(pl.col(name)).alias(name))
    return frame.with_columns(
        pl.when(pl.col("y").is_null() & (pl.col("x") > x[0]))
        .then(float("nan"))
        .otherwise(pl.col("y"))
        .cast(pl.Float32)
        .alias("y")
    )


@pytest.fixture(scope="module")
def polars_run(polars_data, impute):
    return impute(polars_data)


@pytest.fixture(scope="module")
def arrow_data(polars_data):
    table = polars_data.to_arrow().combine_chunks()
    text = table["kind"].cast(pa.string()).dictionary_encode()
    stage = pa.DictionaryArray.from_arrays(
        pa.array([{"low": 2, "high": 0, None: None}[v] for v in polars_data["stage"]], pa.int8()),
        pa.array(["high", "no", "low"]),
    )
    place = table.column_names.index
    table = table.set_column(place("kind"), "kind", text)
    return table.set_column(place("stage"), "stage", stage)


def test_polars_data_come_back_with_their_schema(polars_run, polars_data):
    for completed in polars_run:
        assert isinstance(completed, pl.DataFrame)
        assert completed.schema == polars_data.schema
        assert completed.null_count().sum_horizontal().item() == 0
        assert not completed["y"].is_nan().any()
        for name in polars_data.columns:
            seen = polars_data[name].is_not_null()
            if name == "y":
                seen &= polars_data["y"].is_not_nan()
            assert completed[name].filter(seen).equals(polars_data[name].filter(seen)), name
    assert polars_run.data[1].equals(polars_run.completed(1))
    assert not polars_run.completed(0).equals(polars_run.completed(1))


def test_the_data_are_not_changed(polars_run, polars_data):
    assert polars_data["y"].null_count() + polars_data["y"].is_nan().sum() == 3
    assert 0 < polars_data["y"].is_nan().sum() < 3


def test_arrow_data_come_back_with_their_schema(impute, arrow_data):
    imputations = impute(arrow_data)
    for completed in imputations:
        assert isinstance(completed, pa.Table)
        assert completed.schema.equals(arrow_data.schema, check_metadata=True)
        assert all(column.null_count == 0 for column in completed.columns)
        assert completed["stage"].chunk(0).dictionary.to_pylist() == ["high", "no", "low"]
        for name in arrow_data.column_names:
            pairs = zip(completed[name].to_pylist(), arrow_data[name].to_pylist(), strict=True)
            assert all(a == b for a, b in pairs if b is not None and b == b), name


def test_the_library_does_not_change_the_imputations(impute, polars_run, polars_data):
    frame = polars_run.in_pandas.completed(0)
    plain = pd.DataFrame(
        {
            "x": polars_data["x"].to_numpy(),
            "y": polars_data["y"].to_numpy(),
            "whole": pd.array(polars_data["whole"].to_list(), dtype="Int32"),
            "flag": pd.array(polars_data["flag"].to_list(), dtype="boolean"),
            "kind": pd.Categorical(polars_data["kind"].to_list()),
            "stage": pd.Categorical(
                polars_data["stage"].to_list(), ["low", "no", "high"], ordered=True
            ),
            "when": frame["when"],
        }
    )
    for ours, theirs in zip(polars_run.in_pandas, impute(plain), strict=True):
        pd.testing.assert_frame_equal(ours, theirs)


def test_dtypes_of_arrow_do_not_change_the_imputations(impute, polars_run, polars_data):
    plain = polars_data.to_arrow().to_pandas(types_mapper=pd.ArrowDtype)
    stage = pd.Categorical(polars_data["stage"].to_list(), ["low", "no", "high"], ordered=True)
    kind = pd.Series(polars_data["kind"].to_list(), dtype=pd.ArrowDtype(pa.string()))
    plain = plain.assign(stage=stage, kind=kind)
    assert [str(plain[name].dtype) for name in ("y", "whole", "flag", "kind")] == [
        "float[pyarrow]",
        "int32[pyarrow]",
        "bool[pyarrow]",
        "string[pyarrow]",
    ]
    imputations = impute(plain)
    for ours, theirs in zip(imputations, polars_run, strict=True):
        assert ours.dtypes.equals(plain.dtypes)
        for name in plain:
            assert ours[name].tolist() == theirs.to_pandas()[name].tolist(), name
    fits = [
        run.fit("y ~ x + whole + flag + kind", progressbar=False)
        for run in (imputations, polars_run)
    ]
    pd.testing.assert_series_equal(fits[0].pool().params, fits[1].pool().params)


def test_an_analysis_gets_a_frame_of_the_library(polars_run):
    means = polars_run.analyze(lambda df: df["y"].mean(), progressbar=False)
    assert list(means) == [completed["y"].mean() for completed in polars_run]
    kinds = polars_run.analyze(lambda df: type(df).__module__, progressbar=False)
    assert set(kinds) == {"polars.dataframe.frame"}


def test_the_bootstrap_resamples_frames_of_the_library(polars_run):
    result = bm.bootstrap(
        polars_run.completed(0),
        lambda df: df.select("x", "whole").mean().row(0),
        draws=50,
        random_seed=1,
    )
    frame = polars_run.in_pandas.completed(0)
    expected = bm.bootstrap(
        frame, lambda df: df[["x", "whole"]].mean().to_numpy(), draws=50, random_seed=1
    )
    np.testing.assert_allclose(result.covariance, expected.covariance, rtol=1e-12)


def test_formulas_read_all_columns(polars_run):
    fits = polars_run.fit("y ~ x + whole + flag + kind", progressbar=False)
    assert len(fits.pool().params) == 5


def test_a_reopened_file_gives_the_same_library(polars_run, polars_data, tmp_path):
    opened = bm.open_imputations(polars_run.to_netcdf(tmp_path / "run.nc"))
    for before, after in zip(polars_run, opened, strict=True):
        assert after.schema == polars_data.schema
        assert after.equals(before)


def test_new_rows_come_back_in_their_library(polars_run, polars_data):
    new = polars_data.head(3).select(reversed(polars_data.columns))
    for completed in polars_run.transform(new, random_seed=1):
        assert completed.schema == polars_data.schema
        assert completed["y"].is_not_null().all()
        assert completed["y"].is_not_nan().all()
        assert completed.drop("y").equals(polars_data.head(3).drop("y"))


def test_shapes_of_completed_data_are_in_the_library(polars_run, polars_data):
    long = polars_run.long(include_original=True)
    assert long.columns == [".imp", ".id", *polars_data.columns]
    assert long.schema == {".imp": pl.Int64, ".id": pl.Int64} | dict(polars_data.schema)
    original = polars_data.with_columns(pl.col("y").fill_nan(None))
    assert long.filter(pl.col(".imp") == 0).drop(".imp", ".id").equals(original)
    assert long.filter(pl.col(".imp") == 2).drop(".imp", ".id").equals(polars_run.completed(1))
    assert polars_run.stacked().equals(pl.concat(polars_run.data))
    wide = polars_run.wide()
    assert wide["stage.2"].to_list() == polars_run.completed(1)["stage"].to_list()
    assert wide.schema["y.1"] == pl.Float32


def test_a_long_table_of_any_library_is_read(polars_run, polars_data):
    long = polars_run.long(include_original=True)
    again = bm.from_long(long)
    for ours, theirs in zip(again, polars_run, strict=True):
        assert ours.schema == polars_data.schema
        assert ours.equals(theirs)


def test_a_condition_reads_the_library(polars_run, polars_data):
    chosen = polars_run.filter_rows(lambda data: data["whole"] > 3)
    kept = polars_data["whole"].fill_null(0) > 3
    for ours, theirs in zip(chosen, polars_run, strict=True):
        assert ours.equals(theirs.filter(kept))
    (none,) = chosen.select([0]).filter_rows(lambda data: data["whole"] > 4)
    assert none.equals(polars_run.completed(0).filter(polars_data["whole"].fill_null(0) > 4))


def test_without_the_library_a_file_still_gives_pandas(polars_run, tmp_path, monkeypatch):
    opened = bm.open_imputations(polars_run.to_netcdf(tmp_path / "run.nc"))

    def absent(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(libraries, "import_module", absent)
    with pytest.raises(bm.StoreError, match="polars, which is not installed"):
        opened.completed(0)
    pd.testing.assert_frame_equal(opened.in_pandas.completed(0), polars_run.in_pandas.completed(0))


def test_cells_wanted_are_found_by_name_in_a_frame_of_any_library(polars_data):
    where = polars_data.select(pl.col("whole").is_null() | True, pl.col("y").is_null() & False)
    for given in (where, where.to_arrow()):
        columns = bm.MICE(polars_data, where=given)._problem.read.store.columns
        assert columns["whole"].where.all()
        assert not columns["y"].where.any()
        assert columns["flag"].where is None


def test_cells_wanted_belong_to_rows_by_position_where_there_is_no_index(numbers):
    frame = numbers.set_index(np.arange(N)[::-1])
    where = pl.from_pandas(frame.isna())
    columns = bm.MICE(frame, where=where)._problem.read.store.columns
    assert columns["y"].where.tolist() == frame["y"].isna().tolist()
    with pytest.raises(bm.SpecificationError, match="where has 5 rows"):
        bm.MICE(frame, where=where.head(5))


def test_rows_can_be_described_by_series_of_any_library(polars_data):
    numbers, marks = np.arange(N) + 1.0, np.arange(N) < 3
    for weights, ignore in (
        (pl.Series(numbers), pl.Series(marks)),
        (pa.chunked_array([numbers]), pa.chunked_array([marks])),
    ):
        mice = bm.MICE(polars_data, weights=weights, ignore=ignore)
        found = mice._problem.read.store.columns["y"].weights
        np.testing.assert_array_equal(found, np.where(marks, 0, numbers))


def test_limits_can_be_series_of_any_library(numbers):
    upper = np.where(numbers["y"].isna(), 2.0, np.nan)
    for given in (pl.Series(upper), pa.array(upper)):
        columns = bm.MICE(numbers, limits={"y": (None, given)})._problem.read.store.columns
        assert columns["y"].is_limited.sum() == 4


def test_a_predictor_matrix_without_labels_names_its_targets(numbers):
    mice = bm.MICE(numbers)
    chosen = mice.predictor_matrix
    chosen.loc["y", "z"] = False
    matrix = pl.from_pandas(chosen.reset_index())
    for given in (matrix, matrix.to_arrow(), matrix.reverse()):
        pd.testing.assert_frame_equal(bm.MICE(numbers, predictors=given).predictor_matrix, chosen)
    with pytest.raises(ValueError, match=re.escape("expected a column 'target'")) as caught:
        bm.MICE(numbers, predictors=matrix.drop("target"))
    assert isinstance(caught.value, BayesMiceError)

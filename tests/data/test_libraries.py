"""Data frames of other libraries: read without loss, and given back with the same types."""

import re

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import bayesmice as bm
from bayesmice.data import Scale, check_frame, encode, encode_new_rows, libraries
from bayesmice.data.libraries import PANDAS, library_from, read_data
from bayesmice.errors import BayesMiceError

INSTANTS = [-(10**15) - 1, 0, 10**15 + 7]

POLARS = pl.DataFrame(
    {
        "i8": pl.Series([1, None, -3], dtype=pl.Int8),
        "u64": pl.Series([2**64 - 1, 3, 1], dtype=pl.UInt64),
        "f32": pl.Series([1.1, None, 2.0], dtype=pl.Float32),
        "f64": [0.1, 0.2, None],
        "flag": [True, None, False],
        "text": ["b", "a", None],
        "categories": pl.Series(["y", None, "x"], dtype=pl.Categorical),
        "named": pl.Series(["y", None, "x"], dtype=pl.Categorical(pl.Categories("fruit"))),
        "levels": pl.Series(["low", None, "high"], dtype=pl.Enum(["low", "never", "high"])),
        "day": pl.Series([-1, 0, 18_000]).cast(pl.Date),
        "ns": pl.Series(INSTANTS).cast(pl.Datetime("ns")),
        "zone": pl.Series(INSTANTS).cast(pl.Datetime("us", "Europe/Berlin")),
        "length": pl.Series(INSTANTS).cast(pl.Duration("ms")),
    }
)


def dictionary(ordered, values=("z", "unused", "y")):
    return pa.DictionaryArray.from_arrays(
        pa.array([2, None, 0], pa.int8()), pa.array(list(values)), ordered=ordered
    )


ARROW = pa.table(
    {
        "i8": pa.array([1, None, -3], pa.int8()),
        "f32": pa.array([1.1, None, 2.0], pa.float32()),
        "flag": pa.array([True, None, False]),
        "text": pa.array(["b", "a", None], pa.large_string()),
        "view": pa.array(["b", "a", None], pa.string_view()),
        "categories": dictionary(ordered=False),
        "levels": dictionary(ordered=True),
        "numbers": dictionary(ordered=True, values=(30, 4, 1)),
        "in two parts": pa.chunked_array(
            [pa.array(["b", None]).dictionary_encode(), pa.array(["a"]).dictionary_encode()]
        ),
        "day": pa.array([-1, 0, 18_000], pa.int32()).cast(pa.date32()),
        "zone": pa.array(INSTANTS).cast(pa.timestamp("us", "Europe/Berlin")),
        "seconds": pa.array(INSTANTS).cast(pa.timestamp("s")),
        "length": pa.array(INSTANTS).cast(pa.duration("ms")),
    },
    metadata={"source": "a survey"},
)


def test_a_polars_frame_comes_back_with_its_schema():
    frame, library = read_data(POLARS)
    back = library.give_back(frame)
    assert back.schema == POLARS.schema
    assert back.equals(POLARS)


def test_an_arrow_table_comes_back_with_its_schema():
    frame, library = read_data(ARROW)
    back = library.give_back(frame)
    assert back.schema.equals(ARROW.schema, check_metadata=True)
    for name in ARROW.column_names:
        if pa.types.is_dictionary(ARROW[name].type):
            assert back[name].to_pylist() == ARROW[name].to_pylist(), name
        else:
            assert back[name].equals(ARROW[name]), name
    for name in ("categories", "levels"):
        assert back[name].chunk(0).dictionary.to_pylist() == ["z", "unused", "y"]


@pytest.mark.parametrize("data", [POLARS, ARROW], ids=["polars", "pyarrow"])
def test_a_library_is_known_again_from_what_a_file_remembers(data):
    frame, library = read_data(data)
    again = library_from(library.attributes)
    assert again.give_back(frame).equals(library.give_back(frame))
    assert library_from({}) == PANDAS


def test_pandas_is_given_back_as_the_same_object():
    frame = pd.DataFrame({"x": [1.0, None]})
    read, library = read_data(frame)
    assert read is frame
    assert library.give_back(frame) is frame


def test_types_have_the_scales_that_the_documentation_says():
    columns = encode(read_data(POLARS)[0]).columns
    assert columns["levels"].levels == ("low", "high")
    assert columns["categories"].levels == ("x", "y")
    assert columns["flag"].levels == (False, True)
    assert columns["i8"].is_integer
    assert columns["zone"].is_time
    longer = pl.DataFrame(
        {
            "levels": pl.Series(["a", "c", "b"], dtype=pl.Enum(["c", "b", "a"])),
            "categories": pl.Series(["a", "c", "b"], dtype=pl.Categorical),
        }
    )
    columns = encode(read_data(longer)[0]).columns
    assert columns["levels"].scale is Scale.ORDINAL
    assert columns["levels"].levels == ("c", "b", "a")
    assert columns["categories"].scale is Scale.NOMINAL
    arrow = encode(read_data(ARROW)[0]).columns
    assert arrow["levels"].levels == ("z", "y")


def test_categories_of_polars_that_other_frames_made_do_not_count():
    pl.Series(["strange", "and", "unrelated"], dtype=pl.Categorical)
    frame, _ = read_data(POLARS)
    assert frame["categories"].cat.categories.tolist() == ["x", "y"]


NAN = float("nan")
NULLS_AND_NANS = {
    "polars": pl.DataFrame({"x": pl.Series([None, NAN, 1.0, 2.0]), "y": [1.0, 2.0, 4.0, 3.0]}),
    "pyarrow": pa.table({"x": pa.array([None, NAN, 1.0, 2.0]), "y": [1.0, 2.0, 4.0, 3.0]}),
    "pandas with Arrow": pd.DataFrame(
        {
            "x": pd.Series(pd.arrays.ArrowExtensionArray(pa.array([None, NAN, 1.0, 2.0]))),
            "y": [1.0, 2.0, 4.0, 3.0],
        }
    ),
}


@pytest.mark.parametrize("data", NULLS_AND_NANS.values(), ids=NULLS_AND_NANS.keys())
def test_null_and_nan_are_both_missing_and_both_completed(data):
    frame, library = read_data(data)
    store = encode(check_frame(frame), library)
    assert store.columns["x"].missing_rows.tolist() == [0, 1]
    assert store.columns["x"].levels == (1.0, 2.0)
    completed = library.give_back(store.complete({"x": np.array([1.0, 0.0])}))
    assert list(np.asarray(completed["x"], dtype=float)) == [2.0, 1.0, 1.0, 2.0]


def test_cells_that_stay_missing_are_null():
    frame, library = read_data(NULLS_AND_NANS["polars"])
    assert library.give_back(frame)["x"].to_list() == [None, None, 1.0, 2.0]


@pytest.mark.parametrize(
    "data",
    [
        pl.DataFrame({"x": pl.Series([NAN, None])}),
        pl.DataFrame({"x": [None, None]}),
        pa.table({"x": pa.nulls(2)}),
        pd.DataFrame({"x": pd.Series(pd.arrays.ArrowExtensionArray(pa.array([NAN, None])))}),
    ],
    ids=["polars", "Null of polars", "pyarrow", "pandas with Arrow"],
)
def test_a_column_of_nulls_and_nans_has_no_observed_value(data):
    with pytest.raises(ValueError, match="Column 'x' has no observed value"):
        check_frame(data)


@pytest.fixture
def long():
    """Columns that the data did not have."""
    return pd.DataFrame(
        {
            ".imp": np.arange(6),
            "mark": pd.array([True, None] * 3, dtype="boolean"),
            "kind": pd.Categorical(["a", "b", None] * 2),
            "stage": pd.Categorical(["a", "b", None] * 2, ["b", "a"], ordered=True),
            "now": pd.Series(pd.date_range("2020", periods=6)).astype("datetime64[us]"),
        }
    )


def test_columns_that_the_data_did_not_have_get_types_of_polars(long):
    frame, library = read_data(POLARS)
    back = library.give_back(pd.concat([frame, frame], ignore_index=True).join(long))
    assert back.dtypes[:13] == POLARS.dtypes
    assert back.dtypes[13:] == [
        pl.Int64,
        pl.Boolean,
        pl.Categorical,
        pl.Enum(["b", "a"]),
        pl.Datetime("us"),
    ]
    assert back["stage"].to_list() == ["a", "b", None] * 2


def test_columns_that_the_data_did_not_have_get_types_of_arrow(long):
    frame, library = read_data(ARROW)
    back = library.give_back(pd.concat([frame, frame], ignore_index=True).join(long))
    assert back.schema.types[:13] == ARROW.schema.types
    whole, mark, kind, stage, now = back.schema.types[13:]
    assert [str(whole), str(mark), str(now)] == ["int64", "bool", "timestamp[us]"]
    assert (kind.ordered, stage.ordered) == (False, True)
    assert back["stage"].to_pylist() == ["a", "b", None] * 2


@pytest.mark.parametrize(
    ("data", "builtin", "text"),
    [
        (POLARS.lazy(), TypeError, "data is a polars LazyFrame, which is not in memory"),
        (POLARS["i8"], TypeError, "that narwhals reads), got Series"),
        (np.eye(2), TypeError, "that narwhals reads), got ndarray"),
        (
            pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]),
            ValueError,
            "data has duplicate column names",
        ),
        (pl.DataFrame({"x": [[1], [2]]}), ValueError, "Column 'x' has the type List(Int64)"),
        (pl.DataFrame({"x": [{"a": 1}]}), ValueError, "Column 'x' has the type Struct"),
        (pl.DataFrame({"x": np.eye(2)}), ValueError, "Column 'x' has the type Array"),
        (
            pl.DataFrame({"x": pl.Series([object()], dtype=pl.Object)}),
            ValueError,
            "Column 'x' has the type Object",
        ),
        (
            pl.DataFrame({"x": pl.Series([1], dtype=pl.Int128)}),
            ValueError,
            "Column 'x' has the type Int128",
        ),
        (
            pl.DataFrame({"x": pl.Series(["1.5"]).cast(pl.Decimal(10, 2))}),
            ValueError,
            "Column 'x' has the type Decimal",
        ),
        (
            pl.DataFrame({"x": pl.Series([1]).cast(pl.Time)}),
            ValueError,
            "Column 'x' has the type T",
        ),
        (pa.table({"x": pa.array([b"a"])}), ValueError, "Column 'x' has the type Binary"),
        (pl.DataFrame({"x": [np.inf, 1.0]}), ValueError, "Column 'x' holds 1 infinite value"),
        (pl.DataFrame({"chain": [1.0, 2.0]}), ValueError, "data has a column named 'chain'"),
        (pl.DataFrame({"x": []}), ValueError, "0 rows and 1 columns"),
    ],
    ids=lambda value: "" if not isinstance(value, str) else value,
)
def test_what_cannot_be_imputed_is_refused(data, builtin, text):
    with pytest.raises(builtin, match=re.escape(text)) as caught:
        check_frame(data)
    assert isinstance(caught.value, BayesMiceError)


def test_a_lazy_frame_is_told_to_collect():
    with pytest.raises(TypeError, match=re.escape("call collect()")):
        read_data(POLARS.lazy())


def test_a_frame_of_narwhals_is_what_it_wraps():
    frame, library = read_data(nw.from_native(POLARS))
    assert library.give_back(frame).equals(POLARS)
    plain = pd.DataFrame({"x": [1.0]})
    assert read_data(nw.from_native(plain))[0] is plain


def test_a_library_that_is_not_installed_is_named(monkeypatch):
    frame, library = read_data(POLARS)

    def absent(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(libraries, "import_module", absent)
    with pytest.raises(ValueError, match="a data frame of polars, which is not install") as caught:
        library.give_back(frame)
    assert isinstance(caught.value, BayesMiceError)
    assert "imputations.in_pandas" in str(caught.value)


def test_a_file_cannot_name_any_module_as_its_library():
    with pytest.raises(ValueError, match="a data frame of 'subprocess'") as caught:
        library_from({"library": "subprocess", "library_schema": ""})
    assert isinstance(caught.value, BayesMiceError)


def test_a_library_with_the_dtypes_of_pandas_keeps_the_index():
    modin = pytest.importorskip("modin.pandas")
    data = modin.DataFrame({"x": [1.0, None], "s": ["a", "b"]}, index=[5, 7])
    frame, library = read_data(data)
    back = library_from(library.attributes).give_back(frame.fillna(0))
    assert type(back) is type(data)
    pd.testing.assert_frame_equal(back._to_pandas(), data._to_pandas().fillna(0))


def test_new_rows_come_back_in_their_library_with_the_types_of_the_data():
    frame, library = read_data(POLARS)
    learned = encode(frame, library)
    new = POLARS[:2].with_columns(pl.col("i8").cast(pl.Int64), pl.col("text").cast(pl.Categorical))
    store = encode_new_rows(new.select(reversed(POLARS.columns)), learned)
    assert store.library.give_back(store.frame).schema == POLARS.schema
    in_arrow = encode_new_rows(new.to_arrow(), learned)
    assert isinstance(in_arrow.library.give_back(in_arrow.frame), pa.Table)


@pytest.mark.parametrize("make", [pl.DataFrame, pa.table], ids=["polars", "pyarrow"])
def test_new_rows_that_a_type_cannot_hold_keep_their_own(make):
    frame, library = read_data(make({"whole": [1, 2, 3]}))
    store = encode_new_rows(make({"whole": [1.5, None]}), encode(frame, library))
    back = store.library.give_back(store.frame.fillna(4.0))
    assert np.asarray(back["whole"]).tolist() == [1.5, 4.0]


def test_holes_are_made_and_described_in_data_of_any_library():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"x": rng.normal(size=60), "k": rng.integers(0, 9, 60)})
    expected = bm.ampute(frame, 0.5, random_seed=3)
    for data in (pl.from_pandas(frame), pa.Table.from_pandas(frame, preserve_index=False)):
        holes = bm.ampute(data, 0.5, random_seed=3)
        assert type(holes) is type(data)
        assert read_data(holes)[0].isna().equals(expected.isna())
        for describe in (bm.missing_pattern, bm.flux):
            pd.testing.assert_frame_equal(describe(holes), describe(expected))


def test_predictors_are_chosen_for_data_of_any_library():
    rng = np.random.default_rng(3)
    x = rng.normal(size=40)
    frame = pd.DataFrame({"x": x, "y": x + rng.normal(size=40), "z": rng.normal(size=40)})
    frame.loc[0:5, "y"] = None
    expected = bm.quick_predictors(frame, 0.3)
    assert expected.loc["y", "x"]
    for data in (pl.from_pandas(frame), pa.Table.from_pandas(frame)):
        pd.testing.assert_frame_equal(bm.quick_predictors(data, 0.3), expected)

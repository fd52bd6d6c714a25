"""Reading tables of many formats, and what is said of bad files."""

import gzip
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesmice.commands import tables
from bayesmice.commands.failures import CommandError
from bayesmice.commands.tables import Source, read_table

FRAME = pd.DataFrame({"x": [1.5, np.nan, 3.0], "kind": ["a", "b", None]})


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("t.csv", lambda path: FRAME.to_csv(path, index=False)),
        ("t.TSV", lambda path: FRAME.to_csv(path, index=False, sep="\t")),
        ("t.csv.gz", lambda path: FRAME.to_csv(path, index=False)),
        ("t.parquet", FRAME.to_parquet),
        ("t.feather", FRAME.to_feather),
        ("t.dta", lambda path: FRAME.fillna({"kind": ""}).to_stata(path, write_index=False)),
    ],
)
def test_formats_are_known_by_their_endings(name, write, tmp_path):
    write(tmp_path / name)
    found = read_table(Source(tmp_path / name, missing_words=("",)))
    assert found["x"].tolist()[::2] == [1.5, 3.0]
    assert np.isnan(found["x"][1])
    assert found["kind"].tolist()[:2] == ["a", "b"]
    assert found["kind"].isna().tolist() == [False, False, True]


@pytest.mark.skipif(find_spec("pyreadstat") is None, reason="pyreadstat is not installed")
def test_spss_files_are_read_with_their_labels(tmp_path):
    import pyreadstat

    frame = pd.DataFrame({"x": [1.5, np.nan, 3.0], "kind": [1.0, 2.0, np.nan]})
    path = tmp_path / "t.sav"
    pyreadstat.write_sav(frame, path, variable_value_labels={"kind": {1.0: "a", 2.0: "b"}})
    found = read_table(Source(path))
    assert found["kind"].tolist()[:2] == ["a", "b"]
    assert found.isna().sum().tolist() == [1, 1]


def test_words_stand_for_missing_cells_whatever_the_format(tmp_path):
    frame = pd.DataFrame({"x": [1.0, -99, 3], "n": [4, -99, 6], "kind": ["a", "unknown", "b"]})
    frame["kind"] = frame["kind"].astype("category")
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv", index=False)
    for name in ("t.parquet", "t.csv"):
        found = read_table(Source(tmp_path / name, missing_words=("-99", "unknown")))
        assert found.isna().to_numpy().tolist() == [[False] * 3, [True] * 3, [False] * 3]
    kept = read_table(Source(tmp_path / "t.parquet", missing_words=("unknown",)))
    assert kept["kind"].cat.categories.tolist() == ["a", "b"]
    assert kept["n"].tolist() == [4, -99, 6]


def test_marks_encoding_and_dates_of_csv_files(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("größe;tag\n1,5;2024-02-01\n2,5;2024-03-01\n".encode("latin-1"))
    source = Source(path, separator=";", decimal=",", encoding="latin-1", dates=("tag",))
    found = read_table(source)
    assert found["größe"].tolist() == [1.5, 2.5]
    assert found["tag"].dt.month.tolist() == [2, 3]
    with pytest.raises(CommandError, match=r"not written in utf-8: byte 2 .* --encoding latin-1"):
        read_table(Source(path, separator=";"))
    with pytest.raises(CommandError, match="unknown encoding: nonsense"):
        read_table(Source(path, encoding="nonsense"))
    with pytest.raises(CommandError, match=r"Column 'größe' of .*t\.csv does not hold dates"):
        read_table(Source(path, separator=";", encoding="latin-1", dates=("größe",)))


def test_levels_have_an_order_where_it_is_said(tmp_path):
    stages = ["II", "I", None, "III"]
    frame = pd.DataFrame({"stage": stages, "grade": [2, 3, 1, 2], "x": [1.0, 2, 3, 4]})
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False)
    source = Source(path, ordered=(("stage", ("I", "II", "III")), ("grade", ())))
    found = read_table(source)
    assert found["stage"].cat.ordered
    assert found["stage"].cat.categories.tolist() == ["I", "II", "III"]
    assert found["stage"].isna().tolist() == [False, False, True, False]
    assert found["grade"].tolist() == [2, 3, 1, 2]
    assert found["grade"].cat.ordered
    frame["stage"] = pd.Categorical(stages, ["III", "II", "I"])
    frame.to_stata(tmp_path / "t.dta", write_index=False)
    assert not read_table(Source(tmp_path / "t.dta"))["stage"].cat.ordered
    labelled = read_table(Source(tmp_path / "t.dta", ordered=(("stage", ()),)))
    assert labelled["stage"].cat.ordered
    assert labelled["stage"].cat.categories.tolist() == ["III", "II", "I"]
    for order, text in (
        (("stage", ()), "'stage' holds texts, whose order is not known: give --ordered stage=low"),
        (("stage", ("I", "II")), "--ordered stage=I<II lacks 'III'"),
        (("grade", ("1", "2")), "'grade' holds numbers, which have an order"),
        (("grad", ()), "has no column 'grad'"),
    ):
        with pytest.raises(CommandError, match=text):
            read_table(Source(path, ordered=(order,)))


def test_rows_are_identified_and_columns_left_out(tmp_path):
    FRAME.assign(name=["p", "q", "r"]).to_csv(tmp_path / "t.csv", index=False)
    found = read_table(Source(tmp_path / "t.csv", index="name", left_out=("kind",)))
    assert found.index.tolist() == ["p", "q", "r"]
    assert list(found) == ["x"]
    with pytest.raises(CommandError, match=r"has no column 'nam'\. Columns: x, kind, name\."):
        read_table(Source(tmp_path / "t.csv", index="nam"))


def test_identifiers_are_not_taken_for_categories(tmp_path):
    frame = pd.DataFrame({"x": range(20), "name": [f"p{i}" for i in range(20)]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(
        CommandError, match=r"'name' has 20 texts that are all different.*--id name"
    ):
        read_table(Source(tmp_path / "t.csv"))


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("t.csv", b"", "is empty"),
        ("t.csv", b"\n\n", "holds no table"),
        ("t.xlsx", b"x", r"has the ending '\.xlsx'; expected one of \.csv, "),
        ("table", b"x", "has the ending 'of no format'"),
        ("t.parquet", b"no parquet at all", "could not be read as Parquet: "),
        ("t.feather", b"no feather at all", "could not be read as feather: "),
        ("t.dta", b"no stata at all, but long enough", "could not be read as Stata: "),
        ("t.csv.gz", b"not packed", "could not be read as CSV: "),
        ("t.csv", b'a,b\n1,2\n"3,4\n', "could not be read as CSV: "),
    ],
)
def test_a_bad_file_is_a_sentence(name, content, text, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CommandError, match=text):
        read_table(Source(path))


def test_a_broken_packed_file_is_a_sentence(tmp_path):
    whole = gzip.compress(b"a,b\n" + b"1,2\n" * 1000)
    (tmp_path / "t.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CommandError, match="could not be read as CSV"):
        read_table(Source(tmp_path / "t.csv.gz"))


def test_a_missing_file_and_a_folder_are_said_to_be_that(tmp_path):
    with pytest.raises(CommandError, match=r"There is no file .*t\.csv\."):
        read_table(Source(tmp_path / "t.csv"))
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(CommandError, match="is a folder; expected a file"):
        read_table(Source(tmp_path / "d.csv"))


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [("t.parquet", "pyarrow", "arrow"), ("t.sav", "pyreadstat", "spss")],
)
def test_a_reader_that_is_not_installed_is_named(name, package, extra, tmp_path, monkeypatch):
    (tmp_path / name).write_bytes(b"x")
    monkeypatch.setattr("bayesmice.commands.failures.find_spec", lambda _: None)
    text = rf"takes {package}, which is not installed: pip install 'bayesmice\[{extra}\]'"
    with pytest.raises(CommandError, match=text):
        read_table(Source(tmp_path / name))


def test_every_format_has_a_reader():
    assert set(tables.FORMATS.values()) == {"CSV", "Parquet", "feather", "Stata", "SPSS"}
    assert tables.format_of(Path("a.b.CSV")) == "CSV"

"""What each command writes, shows and refuses."""

import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from rich import get_console

import bayesmice as bm
from bayesmice.commands import main

pytestmark = pytest.mark.long


def show(capsys, *arguments):
    assert main([str(argument) for argument in arguments]) == 0
    return capsys.readouterr().out


def test_impute_writes_the_run_that_python_makes(run, csv):
    data = pd.read_csv(csv, index_col="patient", na_values=["-9"])
    mice = bm.MICE(data)
    expected = mice.mice(m=3, sweeps=5, random_seed=1, progressbar=False)
    for one, other in zip(bm.open_imputations(run), expected, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_impute_tells_results_on_stdout_and_progress_on_stderr(csv, tmp_path, capsys):
    path = tmp_path / "run.nc"
    arguments = ["impute", csv, "--id", "patient", "-m", "3", "--sweeps", "5", "-o", path]
    assert main([str(argument) for argument in arguments]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Imputations: m=3, 5 sweeps, 25 rows")
    assert "Cannot tell yet: " in out or "Not converged: " in out
    assert out.endswith(f"Written to {path}.\n")
    assert "5 sweeps in" in err
    assert "sweeps in" not in out
    assert get_console().stderr is False


def test_impute_can_be_quiet(csv, tmp_path, capsys):
    arguments = ["impute", csv, "--id", "patient", "-m", "3", "--sweeps", "5", "--quiet"]
    assert main([*map(str, arguments), "-o", str(tmp_path / "run.nc")]) == 0
    assert capsys.readouterr().err == ""


def test_models_can_be_given(csv, tmp_path, capsys):
    path = tmp_path / "run.nc"
    models = ["--family", "bmi=gamma", "--formula", "bmi=chl", "--passive", "ratio=chl / bmi"]
    read = ["--id", "patient", "--missing", "-9"]
    show(capsys, "impute", csv, *read, *models, "-m", "2", "--sweeps", "2", "--quiet", "-o", path)
    imputations = bm.open_imputations(path)
    specification = imputations.tree.attrs["specification"]
    assert "gamma" in specification
    completed = imputations.completed(0)
    np.testing.assert_allclose(completed["ratio"], completed["chl"] / completed["bmi"])
    posterior = imputations.tree["conditionals/bmi/posterior"]
    assert posterior["predictor"].to_numpy().tolist() == ["chl"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--family", "bmi=gama"], "gama"),
        (["--family", "weight=gamma"], "weight"),
        (["--by", "chl"], "chl"),
        (["--leave-out", "hyp,weight"], "has no column 'weight'. Columns: patient, age, "),
        ([], "'patient' has 25 texts that are all different"),
    ],
)
def test_models_and_columns_that_do_not_fit_are_one_line(options, text, csv, tmp_path, told):
    named = ["--id", "patient"] if options and "--leave-out" not in options else []
    assert text in told("impute", csv, *named, *options, "-o", tmp_path / "run.nc")
    assert not (tmp_path / "run.nc").exists()


def test_a_run_is_not_written_over_an_older_one(run, csv, tmp_path, told):
    assert "exists already. Give --overwrite" in told("impute", csv, "-o", run)
    text = told("impute", csv, "-o", tmp_path / "nowhere" / "run.nc")
    assert "There is no folder" in text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "the following arguments are required: command"),
        (["impute", "x.csv"], "the following arguments are required: -o/--output"),
        (["impute", "x.csv", "-o", "run.csv"], "'run.csv' has the ending '.csv'; expected .nc"),
        (["impute", "x.csv", "-o", "r.nc", "-m", "0"], "'0' is no whole number of at least 1"),
        (["impute", "x.csv", "-o", "r.nc", "--family", "x"], "'x' is not of the form column="),
        (["complete", "r.nc", "-o", "out", "--format", "xlsx"], "invalid choice: 'xlsx'"),
        (["guess", "x.csv"], "invalid choice: 'guess'"),
    ],
)
def test_a_wrong_command_line_exits_with_two(arguments, text, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert text in capsys.readouterr().err


@pytest.mark.parametrize("command", ["impute", "report", "complete", "pattern", None])
def test_help_has_examples_that_parse(command, capsys, monkeypatch):
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"] if command else ["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    examples = re.findall(r"^  bayesmice (.*)$", text.partition("examples:")[2], re.MULTILINE)
    assert len(examples) >= 3
    monkeypatch.chdir("/")
    for example in examples:  # no such file: 1, and not 2
        assert main(re.findall(r'"[^"]*"|\S+', example)) == 1
        assert "patients." in (told := capsys.readouterr().err) or "run.nc" in told


def test_complete_writes_one_file_per_imputation(run, csv, tmp_path, capsys):
    out = show(capsys, "complete", run, "-o", tmp_path / "out")
    assert out == f"Written to {tmp_path / 'out'}: imputation_1.csv to imputation_3.csv.\n"
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["imputation_1.csv", "imputation_2.csv", "imputation_3.csv"]
    found = pd.read_csv(tmp_path / "out" / "imputation_2.csv")
    expected = bm.open_imputations(run).completed(1)
    assert found["patient"].tolist() == expected.index.tolist()
    np.testing.assert_array_equal(found["chl"], expected["chl"])
    original = pd.read_csv(csv)
    known = original["chl"] != -9
    np.testing.assert_array_equal(found["chl"][known], original["chl"][known])
    assert not found.isna().any().any()


@pytest.mark.parametrize(
    ("kind", "ending", "read"),
    [
        ("parquet", ".parquet", pd.read_parquet),
        ("feather", ".feather", pd.read_feather),
        ("stata", ".dta", pd.read_stata),
    ],
)
def test_complete_writes_other_formats(kind, ending, read, run, tmp_path, capsys):
    show(capsys, "complete", run, "-o", tmp_path, "--format", kind)
    found = read(tmp_path / f"imputation_1{ending}")
    assert list(found) == ["patient", "age", "bmi", "hyp", "chl"]
    np.testing.assert_array_equal(found["bmi"], bm.open_imputations(run).completed(0)["bmi"])
    show(capsys, "complete", run, "-o", tmp_path, "--format", kind, "--long", "--original")
    long = read(tmp_path / f"completed{ending}")
    assert len(long) == 100
    assert long["bmi"].isna().sum() == 9


def test_complete_does_not_write_over_files_unless_told_to(run, tmp_path, capsys, told):
    show(capsys, "complete", run, "-o", tmp_path, "--long")
    long = pd.read_csv(tmp_path / "completed.csv")
    assert long[".imp"].unique().tolist() == [1, 2, 3]
    assert list(long)[:3] == [".imp", ".id", "patient"]
    assert long["patient"].tolist() == [f"p{i:02}" for i in range(25)] * 3
    assert "completed.csv exists already" in told("complete", run, "-o", tmp_path, "--long")
    show(capsys, "complete", run, "-o", tmp_path, "--long", "--overwrite")
    assert "--original goes with --long" in told("complete", run, "-o", tmp_path, "--original")


def test_what_a_format_cannot_hold_is_one_line(tmp_path, told):
    data = pd.DataFrame({"x": [1.0, None, 3, 4]})
    data["when"] = pd.to_datetime(["2024-01-01"] * 4).tz_localize("Europe/Vienna")
    table = data.fillna(2.0).assign(**{".imp": 1})
    both = pd.concat([data.assign(**{".imp": 0}), table, table.assign(**{".imp": 2})])
    bm.from_long(both, id=None).to_netcdf(tmp_path / "run.nc")
    text = told("complete", tmp_path / "run.nc", "-o", tmp_path / "out", "--format", "stata")
    assert "could not be written as stata: " in text
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("command", ["complete", "report"])
@pytest.mark.parametrize(
    ("name", "content"), [("run.nc", None), ("run.nc", b"no netCDF"), ("run.csv", b"a,b\n1,2\n")]
)
def test_a_file_that_is_no_run_is_one_line(command, name, content, tmp_path, told):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert name in told(command, tmp_path / name, "-o", tmp_path / "out")


def test_pattern_shows_what_is_missing(csv, capsys):
    out = show(capsys, "pattern", csv, "--id", "patient", "--missing", "-9")
    assert out.startswith("25 rows, 4 columns; 27 cells missing, 13 rows complete.\n")
    assert "bmi: 9 missing (36%)" in out
    assert re.search(r"^4 +7 +3 +1 +0 +0 +0$", out, re.MULTILINE)


def test_pattern_of_complete_data(tmp_path, capsys):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3,4\n")
    out = show(capsys, "pattern", tmp_path / "t.csv")
    assert out.startswith("2 rows, 2 columns; 0 cells missing, 2 rows complete.\n\nRows by")


def test_pattern_is_drawn(csv, tmp_path, capsys, told):
    path = tmp_path / "pattern.png"
    out = show(capsys, "pattern", csv, "--id", "patient", "--picture", path)
    assert out.endswith(f"Drawn in {path}.\n")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert "exists already" in told("pattern", csv, "--id", "patient", "--picture", path)


def test_report_writes_a_page(run, tmp_path, capsys):
    path = tmp_path / "page.html"
    out = show(capsys, "report", run, "-o", path, "--title", "Trial <12>", "--no-checks", "--quiet")
    assert out == f"Written to {path}.\n"
    assert "Trial &lt;12&gt;" in path.read_text(encoding="utf-8")


def test_warnings_are_lines_on_stderr(csv, tmp_path, capsys, monkeypatch):
    def warn(*_, **__):
        import warnings

        warnings.warn("Of 3 chains\n1 was given up.", UserWarning, stacklevel=2)
        raise bm.DataError("Nothing is left.")

    monkeypatch.setattr("bayesmice.commands.impute.MICE", warn)
    arguments = ["impute", str(csv), "--id", "patient", "-o", str(tmp_path / "run.nc")]
    assert main(arguments) == 1
    assert capsys.readouterr().err == (
        "bayesmice: warning: Of 3 chains 1 was given up.\nbayesmice: error: Nothing is left.\n"
    )


def test_an_interrupt_is_one_line(csv, capsys, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("bayesmice.commands.pattern.read_table", interrupt)
    assert main(["pattern", str(csv)]) == 130
    assert capsys.readouterr().err == "bayesmice: error: interrupted.\n"


def test_python_m_runs_it(csv):
    command = [sys.executable, "-m", "bayesmice", "pattern", str(csv), "--missing", "-9"]
    done = subprocess.run(
        [*command, "--id", "patient"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("25 rows, 4 columns; 27 cells missing")

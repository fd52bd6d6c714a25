"""Every line of the page about the command line runs as it is written."""

import re
import shlex
from pathlib import Path

import pytest

import bayesmice as bm
from bayesmice.commands import main

pytestmark = pytest.mark.long

PAGE = Path(__file__).parents[2] / "docs" / "command_line.md"


def test_the_commands_of_the_page_run(tmp_path, monkeypatch):
    data = bm.load_dataset("nhanes2").rename_axis("patient")
    data.to_csv(tmp_path / "patients.csv")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```(bash|python)\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    assert [language for language, _ in blocks].count("bash") == 3
    namespace: dict[str, object] = {}
    for language, block in blocks:
        if language == "python":
            exec(compile(block, PAGE.name, "exec"), namespace)
            continue
        for line in block.strip().splitlines():
            name, command, *arguments = shlex.split(line)
            assert name == "bayesmice"
            assert main([command, *arguments]) == 0, line
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*") if path.is_file()}
    assert {
        "run.html",
        "run.nc",
        "other.nc",
        "passive.nc",
        "completed/imputation_20.csv",
    } <= written
    assert {"stata/imputation_01.dta", "long/completed.parquet"} <= written
    assert bm.open_imputations("run.nc").tree.attrs["sweeps"] == 30

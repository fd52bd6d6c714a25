"""The published data sets: what R has, fits, what is said of every column, unknown names."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

import bayesmice as bm

R = json.loads((Path(__file__).parent / "reference" / "published.json").read_text())
NAMES = ("nhanes", "nhanes2", "airquality", "mammalsleep", "whiteside")
MISSING_CELLS = {"nhanes": 27, "nhanes2": 27, "airquality": 44, "mammalsleep": 38, "whiteside": 0}
SHAPES = {
    "nhanes": (25, 4),
    "nhanes2": (25, 4),
    "airquality": (153, 6),
    "mammalsleep": (62, 11),
    "whiteside": (56, 3),
}
FORMULAS = {
    "whiteside": "Gas ~ Insul / Temp - 1",
    "airquality": "Ozone ~ Q('Solar.R') + Wind + Temp",
    "nhanes": "chl ~ age + bmi",
    "mammalsleep": "sws ~ np.log(bw) + odi",
}
LIVE = """
for (package in c("mice", "MASS")) if (!requireNamespace(package, quietly = TRUE)) quit(status = 3)
data(list = c("nhanes", "nhanes2", "mammalsleep"), package = "mice")
data(list = "whiteside", package = "MASS")
for (name in c("nhanes", "nhanes2", "airquality", "mammalsleep", "whiteside")) {
  write.csv(get(name), paste0(name, ".csv"), row.names = FALSE)
}
"""


@pytest.mark.parametrize("name", NAMES)
def test_sizes_and_missing_cells(name) -> None:
    data = bm.load_dataset(name)
    assert data.shape == SHAPES[name]
    assert data.isna().sum().sum() == MISSING_CELLS[name]
    assert len(data.dropna()) == R["complete_rows"][name]


@pytest.mark.parametrize("name", NAMES)
def test_columns_are_those_of_r(name) -> None:
    data = bm.load_dataset(name)
    assert list(data) == list(R["columns"][name])
    for column, expected in R["columns"][name].items():
        seen = data[column].dropna()
        assert data[column].isna().sum() == expected["missing"], column
        assert seen.nunique() == expected["different"], column
        if "levels" in expected:
            counts = seen.astype(str).value_counts().reindex(expected["levels"])
            assert counts.tolist() == expected["counts"], column
            if isinstance(seen.dtype, pd.CategoricalDtype):
                assert seen.cat.categories.tolist() == expected["levels"], column
            continue
        numbers = seen.astype(float)
        found = {
            "mean": numbers.mean(),
            "sd": numbers.std(),
            "min": numbers.min(),
            "max": numbers.max(),
            "sum_by_row": numbers @ (numbers.index + 1),
        }
        for key, value in found.items():
            assert value == pytest.approx(expected[key], rel=1e-12), (column, key)


@pytest.mark.parametrize("name", FORMULAS)
def test_fits_are_those_of_r(name) -> None:
    """Those of whiteside stand in Venables and Ripley (2002), section 6.1."""
    data = bm.load_dataset(name)
    numbers = dict.fromkeys(data.select_dtypes("number").columns, float)
    fit = smf.ols(FORMULAS[name], data.astype(numbers)).fit()
    np.testing.assert_allclose(fit.params, R["fits"][name]["estimates"], rtol=1e-8)
    np.testing.assert_allclose(fit.bse, R["fits"][name]["std_errors"], rtol=1e-8)


def test_total_sleep_is_the_sum_of_its_parts() -> None:
    data = bm.load_dataset("mammalsleep").dropna()
    np.testing.assert_allclose(data["sws"] + data["ps"], data["ts"], rtol=1e-12)


def test_whole_numbers_stay_whole() -> None:
    dtypes = bm.load_dataset("airquality").dtypes.astype(str).to_dict()
    assert dtypes == {
        "Ozone": "Int64",
        "Solar.R": "Int64",
        "Wind": "float64",
        "Temp": "int64",
        "Month": "int64",
        "Day": "int64",
    }


def test_the_two_forms_of_nhanes_agree() -> None:
    numbers, labelled = bm.load_dataset("nhanes"), bm.load_dataset("nhanes2")
    pd.testing.assert_frame_equal(numbers[["bmi", "chl"]], labelled[["bmi", "chl"]])
    for column in ("age", "hyp"):
        codes = labelled[column].cat.codes.replace(-1, -2) + 1
        assert codes.tolist() == numbers[column].fillna(-1).tolist()


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_every_cell_is_that_of_r_now(tmp_path) -> None:
    run = subprocess.run(["Rscript", "-e", LIVE], cwd=tmp_path, check=False)
    if run.returncode == 3:
        pytest.skip("R's mice and MASS are not installed")
    assert run.returncode == 0
    for name in NAMES:
        data = bm.load_dataset(name)
        expected = pd.read_csv(tmp_path / f"{name}.csv")
        as_text = dict.fromkeys(data.select_dtypes("category").columns, str)
        pd.testing.assert_frame_equal(
            data.astype(as_text), expected.astype(as_text), check_dtype=False
        )


@pytest.mark.parametrize("name", NAMES)
def test_every_column_is_described(name) -> None:
    data = bm.load_dataset(name)
    assert list(data.attrs["long_name"]) == list(data)
    assert all(data.attrs["long_name"].values())
    assert set(data.attrs["units"]) <= set(data)
    assert data.attrs["source"]
    assert data.attrs["licence"]
    assert data.attrs["description"]


def test_data_sets_can_be_put_together_and_changed_without_changing_the_next() -> None:
    data = bm.load_dataset("nhanes")
    assert len(pd.concat([data, bm.load_dataset("nhanes")])) == 50
    data.attrs["units"]["bmi"] = "stone"
    data.loc[0, "age"] = 9
    assert bm.load_dataset("nhanes").attrs["units"]["bmi"] == "kg/m2"
    assert bm.load_dataset("nhanes").loc[0, "age"] == 1


def test_an_unknown_name_lists_what_there_is() -> None:
    text = (
        "There is no data set 'boys'. Data sets: nhanes, nhanes2, airquality, mammalsleep, "
        "whiteside; simulate_dataset makes others."
    )
    with pytest.raises(bm.SpecificationError, match=re.escape(text)):
        bm.load_dataset("boys")

"""Pooled analyses of real data against R's mice: same models, same priors, other software.

R's norm has flat priors, and so have these models. Estimates must agree within 4 combined Monte
Carlo errors (a false alarm comes once in 1,500 runs of the file, with eleven coefficients),
standard errors within 10 % and fractions of missing information within 0.1, beside 4 Monte Carlo
errors.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from flat_regression import flat_regressions

import bayesmice as bm

pytestmark = pytest.mark.statistical

FOLDER = Path(__file__).parent / "reference"
CASES = json.loads((FOLDER / "norm_mice.json").read_text())["cases"]
FORMULAS = {
    "nhanes_norm_lm_chl": ("nhanes", "chl ~ age + bmi"),
    "nhanes_norm_lm_bmi": ("nhanes", "bmi ~ age"),
    "airquality_norm_lm": ("airquality", "Ozone ~ Wind + Temp + Q('Solar.R')"),
}


@pytest.fixture(scope="module")
def completed() -> dict[str, list[pd.DataFrame]]:
    data = {}
    for name in ("nhanes", "airquality"):
        frame = pd.read_csv(FOLDER / f"{name}.csv").astype(float)
        mice = bm.MICE(frame, models=flat_regressions(frame))
        data[name] = mice.mice(m=800, sweeps=20, progressbar=False).data
    return data


@pytest.mark.parametrize("case", FORMULAS)
def test_pooled_regressions_agree_with_r(case, completed) -> None:
    name, formula = FORMULAS[case]
    r = pd.DataFrame(CASES[case]["coefficients"]).T
    pooled = bm.pool([smf.ols(formula, df).fit() for df in completed[name]])
    ours, own_error = pooled.table, pooled.monte_carlo_errors()
    ours.index = own_error.index = r.index

    z = (ours["estimate"] - r["estimate"]) / np.hypot(own_error["estimate"], r["mcse_estimate"])
    assert (z.abs() < 4).all(), z
    error = np.hypot(own_error["std_error"], r["mcse_se"])
    assert ((ours["std_error"] - r["se"]).abs() < 0.1 * r["se"] + 4 * error).all()
    error = np.hypot(own_error["fmi"], r["mcse_fmi"])
    assert ((ours["fmi"] - r["fmi"]).abs() < 0.1 + 4 * error).all()

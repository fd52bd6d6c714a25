"""Pooled analyses of real data by R's mice, and ours to compare with them.

R's norm has flat priors, and so have the models here (`flat_regression`). Where R's figures come
from is written in the files.
"""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import statsmodels.formula.api as smf
from flat_regression import flat_regressions

import bayesmice as bm

FOLDER = Path(__file__).parents[1] / "statistical" / "reference"
CASES = json.loads((FOLDER / "norm_mice.json").read_text())["cases"]
NHANES2 = json.loads((FOLDER / "nhanes2_mice.json").read_text())["coefficients"]
FORMULAS = {
    "nhanes_norm_lm_chl": ("nhanes", "chl ~ age + bmi"),
    "nhanes_norm_lm_bmi": ("nhanes", "bmi ~ age"),
    "airquality_norm_lm": ("airquality", "Ozone ~ Wind + Temp + Q('Solar.R')"),
}


def frame(name: str) -> pd.DataFrame:
    """Read a data set as numbers."""
    return pd.read_csv(FOLDER / f"{name}.csv").astype(float)


@cache
def completed(name: str) -> list[pd.DataFrame]:
    """Impute a data set under flat priors, with a fresh seed."""
    data = frame(name)
    mice = bm.MICE(data, models=flat_regressions(data))
    return mice.mice(m=800, sweeps=20, progressbar=False).data


def compared_with_r(case: str) -> pd.DataFrame:
    """Pool an analysis, and put R's figures and the Monte Carlo errors of both beside it.

    Returns
    -------
    DataFrame
        One row per coefficient, with ``estimate, std_error, fmi`` of ours, ``r_estimate, r_se,
        r_fmi``, the combined Monte Carlo errors ``error``, ``se_error``, ``fmi_error``, and ``z``.
    """
    name, formula = FORMULAS[case]
    fits = [smf.ols(formula, df).fit() for df in completed(name)]
    return beside(bm.pool(fits), pd.DataFrame(CASES[case]["coefficients"]).T)


def beside(pooled: bm.PooledResults, r: pd.DataFrame) -> pd.DataFrame:
    """Put pooled coefficients beside those of R, which are in the same order."""
    ours, own_error = pooled.table, pooled.monte_carlo_errors()
    r = r.set_axis(ours.index)
    table = ours[["estimate", "std_error", "fmi"]].copy()
    table[["r_estimate", "r_se", "r_fmi"]] = r[["estimate", "se", "fmi"]].astype(float)
    table["error"] = np.hypot(own_error["estimate"], r["mcse_estimate"].astype(float))
    table["se_error"] = np.hypot(own_error["std_error"], r["mcse_se"].astype(float))
    table["fmi_error"] = np.hypot(own_error["fmi"], r["mcse_fmi"].astype(float))
    table["z"] = (table["estimate"] - table["r_estimate"]) / table["error"]
    return table


def nhanes2_with_r(priors: str, m: int, sweeps: int = 20) -> pd.DataFrame:
    """Pool ``chl ~ age + bmi`` of nhanes2, under ``"default"`` or ``"flat"`` priors, beside R.

    hyp keeps its default prior: with 17 observed values R draws from a normal approximation to an
    augmented likelihood, which no prior reproduces.
    """
    models = None if priors == "default" else FLAT_NHANES2
    imputations = bm.MICE(bm.load_dataset("nhanes2"), models).mice(m, sweeps, progressbar=False)
    fits = [smf.ols("chl ~ age + bmi", df).fit() for df in imputations.data]
    return beside(bm.pool(fits), pd.DataFrame(NHANES2).T)


def _flat_model(target: str, other: tuple[str, float, float]) -> Callable[[Any], None]:
    """Regress on age, hyp and one more column, flat on coefficients and log sigma."""
    name, center, scale = other

    def model(data: Any) -> None:
        coefficients = pm.Flat("coefficients", shape=5, initval=np.array([100.0, 0, 0, 0, 0]))
        sigma = pm.HalfFlat("sigma", initval=10.0)
        pm.Potential("scale invariance", -pm.math.log(sigma))
        predictors = pm.math.stack(
            [
                pm.math.ones_like(data[name]),
                1.0 * pm.math.eq(data["age"], 1),
                1.0 * pm.math.eq(data["age"], 2),
                1.0 * data["hyp"],
                (data[name] - center) / scale,
            ],
            axis=1,
        )
        pm.Normal(target, predictors @ coefficients, sigma, observed=data[target])

    return model


FLAT_NHANES2 = {
    "bmi": _flat_model("bmi", ("chl", 190, 45)),
    "chl": _flat_model("chl", ("bmi", 26.5, 4)),
}

"""Small data sets that several tests of runs need, with seeds of their own."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pymc as pm

import bayesmice as bm


def numbers_and_sex() -> pd.DataFrame:
    """Three numbers, two of them incomplete, and two groups of rows."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=24)
    frame = pd.DataFrame({"x": x, "y": x + rng.normal(size=24), "z": 20 + rng.normal(size=24)})
    frame.loc[0:3, "y"] = None
    frame.loc[6:9, "z"] = None
    return frame.assign(sex=["f", "m"] * 12)


class FragileCase(NamedTuple):
    """Data, and arguments of ``MICE`` with which chains break down now and then."""

    frame: pd.DataFrame
    settings: dict[str, Any]


def logarithm_of_a_draw() -> FragileCase:
    """The logarithm of a predictor that is imputed by a normal distribution around 1.

    Now and then a value is negative, and the density of the model that reads it is NaN.
    """
    rng = np.random.default_rng(2)
    dose = np.exp(rng.normal(0, 0.4, 60))
    frame = pd.DataFrame({"dose": dose, "effect": np.log(dose) + 0.2 * rng.normal(size=60)})
    frame.loc[:8, "dose"] = None
    frame.loc[20:24, "effect"] = None

    def effect(data):
        slope, sd = pm.Normal("slope", 0, 2), pm.HalfNormal("sd", 1)
        pm.Normal("effect", slope * pm.math.log(data["dose"]), sd, observed=data["effect"])

    settings = {
        "models": {"effect": effect, "dose": bm.Regression("1")},
        "visit_sequence": ["dose", "effect"],
    }
    return FragileCase(frame, settings)

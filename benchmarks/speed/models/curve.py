"""A model of one's own for one column: a curve with heavy tails, which is no regression."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pymc as pm


def models(data: pd.DataFrame) -> dict[str, Any]:
    return {"response": saturating_curve}


def saturating_curve(data: Mapping[str, Any]) -> None:
    middle, height = pm.Normal("middle", 0, 5), pm.Normal("height", 0, 5)
    steepness, sigma = pm.HalfNormal("steepness", 2), pm.HalfNormal("sigma", 2)
    mu = middle + height * pm.math.tanh(steepness * data["x0"])
    pm.StudentT("response", nu=4, mu=mu, sigma=sigma, observed=data["response"])

"""A regression with flat priors, as R's mice draws it by its method norm.

The prior is flat on the coefficients and on log sigma. Predictors are standardized by constants,
which changes nothing under a flat prior but the ease of sampling.
"""

from typing import Any

import numpy as np
import pandas as pd
import pymc as pm

import bayesmice as bm


def flat_regressions(frame: pd.DataFrame) -> dict[str, Any]:
    """Give every incomplete column a flat regression on all others."""
    incomplete = frame.columns[frame.isna().any()]
    return {name: bm.Custom(_flat(frame, name), kernel="hmc") for name in incomplete}


def _flat(frame: pd.DataFrame, target: str) -> Any:
    others = [name for name in frame if name != target]
    centers, scales = frame[others].mean(), frame[others].std()
    location, spread = float(frame[target].mean()), float(frame[target].std())
    start = np.r_[location, np.zeros(len(others))]

    def model(data: Any) -> None:
        coefficients = pm.Flat("coefficients", shape=len(others) + 1, initval=start)
        sigma = pm.HalfFlat("sigma", initval=spread)
        pm.Potential("scale invariance", -pm.math.log(sigma))
        mu = coefficients[0]
        for j, name in enumerate(others):
            mu = mu + coefficients[j + 1] * (data[name] - centers[name]) / scales[name]
        pm.Normal(target, mu, sigma, observed=data[target])

    return model

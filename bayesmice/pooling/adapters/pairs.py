"""Estimates and covariances that come as numbers, arrays and tables."""

from collections.abc import Hashable

import numpy as np
import pandas as pd

from bayesmice.pooling.adapters.estimators import estimator_coefficients
from bayesmice.pooling.complete import CompleteDataResult
from bayesmice.pooling.labels import labels, positions
from bayesmice.pooling.rubin import FloatArray


def read_pair(result: object) -> CompleteDataResult | None:
    """Read a tuple ``(estimates, covariance)``.

    Estimates are a Series, a 1-d array, a number, or a fitted linear model of scikit-learn. Their
    covariance is a DataFrame or a 2-d array, or a Series or 1-d array of variances, or a number
    where the estimate is one. Labelled covariances are put in the order of the estimates' labels.
    Degrees of freedom are infinite.
    """
    if not (isinstance(result, tuple) and len(result) == 2):
        return None
    estimates, covariance = result
    if hasattr(estimates, "coef_"):
        estimates = estimator_coefficients(estimates)
    values = np.atleast_1d(np.asarray(estimates, dtype=np.float64))
    names = labels(estimates) or labels(covariance) or tuple(range(len(values)))
    return CompleteDataResult(
        names=names,
        estimates=values,
        covariance=_in_order(covariance, names),
    )


def _in_order(covariance: object, names: tuple[Hashable, ...]) -> FloatArray:
    values = np.atleast_1d(np.asarray(covariance, dtype=np.float64))
    if isinstance(covariance, pd.Series | pd.DataFrame):
        for axis, marks in enumerate(covariance.axes):
            order = positions(marks, names, what="The covariance")
            values = values.take(order, axis=axis)
    return values

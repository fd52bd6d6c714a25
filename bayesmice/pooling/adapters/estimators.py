"""Estimators of scikit-learn, which have coefficients but no covariance."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from bayesmice.errors import PoolingError
from bayesmice.pooling.complete import CompleteDataResult


def refuse_bare_estimator(result: Any) -> CompleteDataResult | None:
    """Tell what to do with a fitted estimator that comes without a covariance."""
    if hasattr(result, "coef_") and hasattr(result, "get_params"):
        raise PoolingError(
            f"{type(result).__name__} has no covariance of its coefficients. Pass the tuples "
            f"(estimator, covariance), or let bm.bootstrap estimate both from each data set."
        )
    return None


def estimator_coefficients(estimator: Any) -> "pd.Series[float]":
    """Coefficients of a fitted linear model of scikit-learn, with names.

    Parameters
    ----------
    estimator : fitted estimator
        With ``coef_``, and ``intercept_`` where it has one.

    Returns
    -------
    Series of shape (k,)
        ``Intercept`` first, unless the model was fitted without one, then one entry per feature: by
        its name where it was fitted on a data frame, else ``x0``, ``x1``... Models with
        several outputs or classes have tuples (class, name).

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> fitted = SimpleNamespace(coef_=np.array([2.0]), intercept_=1.0, feature_names_in_=["age"])
    >>> estimator_coefficients(fitted).to_dict()
    {'Intercept': 1.0, 'age': 2.0}
    """
    coef = np.asarray(estimator.coef_, dtype=np.float64)
    rows = np.atleast_2d(coef)
    names = list(getattr(estimator, "feature_names_in_", [f"x{i}" for i in range(rows.shape[1])]))
    if getattr(estimator, "fit_intercept", True) and hasattr(estimator, "intercept_"):
        intercept = np.broadcast_to(np.asarray(estimator.intercept_, np.float64), len(rows))
        rows = np.column_stack([intercept, rows])
        names = ["Intercept", *names]
    if len(rows) == 1:
        return pd.Series(rows[0], index=names)
    classes = getattr(estimator, "classes_", range(len(rows)))
    return pd.Series(
        rows.ravel(), index=pd.Index(list(product(classes, names)), tupleize_cols=False)
    )

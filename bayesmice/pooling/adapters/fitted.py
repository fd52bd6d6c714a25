"""Fitted models with estimates, a covariance and degrees of freedom: statsmodels, linearmodels."""

from collections.abc import Hashable, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from bayesmice.pooling.adapters.labelled import labelled_result
from bayesmice.pooling.complete import CompleteDataResult
from bayesmice.pooling.labels import labels


def read_mixed_model(result: Any) -> CompleteDataResult | None:
    """Read the fixed effects of a linear mixed model of statsmodels.

    Its variance components are not pooled with them: they are not approximately normal. Pool their
    logarithms with ``bm.pool_scalar(..., transform="log")``.
    """
    if not (hasattr(result, "fe_params") and hasattr(result, "cov_re")):
        return None
    fixed = result.fe_params
    names = labels(fixed) or tuple(result.model.exog_names)
    k = len(names)
    return CompleteDataResult(
        names=names,
        estimates=np.asarray(fixed, dtype=np.float64),
        covariance=np.asarray(result.cov_params(), dtype=np.float64)[:k, :k],
        df_complete=_residual_df(result),
        converged=_converged(result),
    )


def read_linearmodels(result: Any) -> CompleteDataResult | None:
    """Read a fitted model with a Series ``params`` and a DataFrame ``cov``: linearmodels."""
    is_one = isinstance(getattr(result, "params", None), pd.Series)
    if not (is_one and isinstance(getattr(result, "cov", None), pd.DataFrame)):
        return None
    return labelled_result(result.params, result.cov, df_complete=_residual_df(result))


def read_fitted_model(result: Any) -> CompleteDataResult | None:
    """Read a fitted model that has ``params`` and ``cov_params()``, as those of statsmodels have.

    Names are those of ``params`` where it has labels, else ``model.exog_names``, else positions. A
    model with one column of parameters per level of its outcome (a multinomial logit) is read level
    by level.

    The residual degrees of freedom are used whenever the result has a finite number of them, also
    where the fit itself is tested with a normal distribution (logit, GLM): this is what R's mice
    does. For cluster-robust covariances statsmodels keeps their own number, which goes first.
    """
    if not (hasattr(result, "params") and callable(getattr(result, "cov_params", None))):
        return None
    params, covariance = result.params, result.cov_params()
    return CompleteDataResult(
        names=_model_names(params, covariance, getattr(result, "model", None)),
        # Levels of the outcome are columns of params, and the slow index of the covariance.
        estimates=np.asarray(params, dtype=np.float64).ravel(order="F"),
        covariance=np.asarray(covariance, dtype=np.float64),
        df_complete=_residual_df(result),
        converged=_converged(result),
    )


def _model_names(params: Any, covariance: Any, model: Any) -> tuple[Hashable, ...]:
    if isinstance(params, pd.DataFrame) and isinstance(covariance, pd.DataFrame):
        return labels(covariance)
    if isinstance(params, pd.Series):
        return labels(params)
    shape = np.shape(params)
    rows: Sequence[Hashable] = getattr(model, "exog_names", None) or ()
    if shape[:1] != (len(rows),):
        rows = range(shape[0] if shape else 1)
    if len(shape) == 2:
        return tuple(product(range(shape[1]), rows))
    return tuple(rows)


def _residual_df(result: Any) -> float:
    for attribute in ("df_resid_inference", "df_resid"):
        df = getattr(result, attribute, None)
        if df is not None and np.ndim(df) == 0 and np.isfinite(df):
            return float(df)
    return float("inf")


def _converged(result: Any) -> bool:
    retvals = getattr(result, "mle_retvals", None)
    stated = [
        retvals.get("converged") if isinstance(retvals, dict) else None,
        getattr(result, "converged", None),
    ]
    return all(converged is None or bool(converged) for converged in stated)

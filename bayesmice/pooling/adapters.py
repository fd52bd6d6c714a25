"""From one analysis result to its estimates, their covariance and their degrees of freedom.

An adapter is a function that takes a result and returns a `CompleteDataResult`, or None where the
result is not of its kind. `ADAPTERS` are asked in order, and the first answer counts.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from bayesmice.errors import PoolingError
from bayesmice.pooling.labels import positions
from bayesmice.pooling.rubin import FloatArray


@dataclass(frozen=True, eq=False)
class CompleteDataResult:
    """What pooling needs to know of the analysis of one completed data set.

    Attributes
    ----------
    names : tuple of hashable
        One name per parameter, in the order of the model; positions where there are no names.
    estimates : ndarray of shape (k,)
        In the units of the estimands.
    covariance : ndarray of shape (k, k) or (k,)
        Covariance matrix of the estimates in squared units, or their variances alone where the
        covariances are not known.
    df_complete : float
        Residual degrees of freedom; infinite where the result has none.
    converged : bool
        False only where the result says that its fit did not converge.
    """

    names: tuple[Hashable, ...]
    estimates: FloatArray
    covariance: FloatArray
    df_complete: float = np.inf
    converged: bool = True


Adapter = Callable[[object], CompleteDataResult | None]


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


def read_pair(result: object) -> CompleteDataResult | None:
    """Read a tuple ``(estimates, covariance)``.

    Estimates are a Series, a 1-d array or a number. Their covariance is a DataFrame or a 2-d array,
    or a Series or 1-d array of variances, or a number where the estimate is one. Labelled
    covariances are put in the order of the estimates' labels. Degrees of freedom are infinite.
    """
    if not (isinstance(result, tuple) and len(result) == 2):
        return None
    estimates, covariance = result
    values = np.atleast_1d(np.asarray(estimates, dtype=np.float64))
    names = _labels(estimates) or _labels(covariance) or tuple(range(len(values)))
    return CompleteDataResult(
        names=names,
        estimates=values,
        covariance=_in_order(covariance, names),
    )


ADAPTERS: tuple[Adapter, ...] = (read_fitted_model, read_pair)


def read_result(
    result: object, imputation: int, adapters: Sequence[Adapter] = ADAPTERS
) -> CompleteDataResult:
    """Read one result with the first adapter that knows its kind.

    Parameters
    ----------
    result : object
        The analysis of one completed data set.
    imputation : int
        Its position, counted from 0, for the errors.
    adapters : sequence of callables, default ADAPTERS
        Asked in order.

    Returns
    -------
    CompleteDataResult

    Raises
    ------
    PoolingError
        If no adapter knows the result, or the one that does cannot read it.

    Examples
    --------
    >>> read_result((1.5, 0.25), imputation=0).names
    (0,)
    """
    for adapter in adapters:
        try:
            complete = adapter(result)
        except (TypeError, ValueError) as error:
            raise PoolingError(f"Imputation {imputation} cannot be read: {error}") from error
        if complete is not None:
            return complete
    raise PoolingError(
        f"Imputation {imputation} is of the type {type(result).__name__}, which pool does not "
        f"know. It accepts fitted models with .params and .cov_params(), such as those of "
        f"statsmodels, and tuples (estimates, covariance)."
    )


def _model_names(params: Any, covariance: Any, model: Any) -> tuple[Hashable, ...]:
    if isinstance(params, pd.DataFrame) and isinstance(covariance, pd.DataFrame):
        return _labels(covariance)
    if isinstance(params, pd.Series):
        return _labels(params)
    shape = np.shape(params)
    rows: Sequence[Hashable] = getattr(model, "exog_names", None) or ()
    if shape[:1] != (len(rows),):
        rows = range(shape[0] if shape else 1)
    if len(shape) == 2:
        return tuple(product(range(shape[1]), rows))
    return tuple(rows)


def _labels(values: object) -> tuple[Hashable, ...]:
    return tuple(values.index) if isinstance(values, pd.Series | pd.DataFrame) else ()


def _in_order(covariance: object, names: tuple[Hashable, ...]) -> FloatArray:
    values = np.atleast_1d(np.asarray(covariance, dtype=np.float64))
    if isinstance(covariance, pd.Series | pd.DataFrame):
        for axis, labels in enumerate(covariance.axes):
            order = positions(labels, names, what="The covariance")
            values = values.take(order, axis=axis)
    return values


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

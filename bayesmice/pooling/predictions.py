"""Predictions of an analysis model, pooled over imputations."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from bayesmice.errors import PoolingError
from bayesmice.pooling.rubin import FloatArray
from bayesmice.pooling.rules import Pooling

Interval = Literal["confidence", "prediction"]


class LinearPrediction(NamedTuple):
    """What one fit predicts for new rows.

    Attributes
    ----------
    linear : ndarray of shape (n,)
        Linear predictors.
    variance : ndarray of shape (n,)
        Their squared standard errors; with the residual variance where new observations are
        predicted.
    inverse_link : callable
        From the linear predictor to the mean.
    """

    linear: FloatArray
    variance: FloatArray
    inverse_link: Callable[[FloatArray], FloatArray]


class StackedPredictions(NamedTuple):
    """What every fit predicts for new rows.

    Attributes
    ----------
    linear, variance : ndarray of shape (m, n)
        Linear predictors and their squared standard errors.
    inverse_link : callable
        From linear predictors to means.
    """

    linear: FloatArray
    variance: FloatArray
    inverse_link: Callable[[FloatArray], FloatArray]


def stack_predictions(
    fits: Sequence[Any], new_data: pd.DataFrame, interval: Interval
) -> StackedPredictions:
    """Predict new rows with every fit.

    Parameters
    ----------
    fits : sequence of fitted models
        One per imputation, of statsmodels: linear, generalized linear, binary and count models.
    new_data : DataFrame of shape (n, ...)
        With the columns that the models' formulas read, or the columns of their designs.
    interval : {"confidence", "prediction"}
        Of the mean, or of a new observation.

    Returns
    -------
    StackedPredictions

    Raises
    ------
    PoolingError
        If the fits cannot predict with standard errors, or a prediction interval is asked of a
        model that is not linear.
    """
    if interval not in ("confidence", "prediction"):
        raise PoolingError(f"interval must be 'confidence' or 'prediction'; got {interval!r}.")
    if not fits:
        raise PoolingError(
            "predict needs the fitted models, and these results were pooled from estimates. Pool "
            "the fits themselves."
        )
    predictions = []
    for imputation, fit in enumerate(fits):
        if not hasattr(fit, "get_prediction"):
            raise PoolingError(
                f"Imputation {imputation}: {type(fit).__name__} has no get_prediction, so there is "
                f"no standard error of its predictions. Pool predictions of your own as tuples "
                f"(predictions, variances)."
            )
        predictions.append(_predict(fit, new_data, interval))
    return StackedPredictions(
        np.stack([one.linear for one in predictions]),
        np.stack([one.variance for one in predictions]),
        predictions[0].inverse_link,
    )


def pool_predictions(
    predictions: StackedPredictions,
    pooling: Pooling,
    n_nests: int | None,
    conf_level: float,
    index: pd.Index,
) -> pd.DataFrame:
    """Pool predictions row by row, on the scale of the linear predictor.

    Parameters
    ----------
    predictions : StackedPredictions
        Of m fits for n rows.
    pooling : Pooling
        The rule.
    n_nests : int or None
        Number of nests of the imputations.
    conf_level : float
        Level of the intervals.
    index : Index
        Labels of the rows.

    Returns
    -------
    DataFrame of shape (n, 6)
        ``estimate``, ``std_error``, ``df``, ``ci_low``, ``ci_high``, ``fmi``; the standard error is
        that of the linear predictor.
    """
    pooled, reference = pooling.one_by_one(predictions.linear, predictions.variance, n_nests)
    low, high = (predictions.inverse_link(end) for end in reference.interval(conf_level))
    # A decreasing link turns an interval around.
    columns = {
        "estimate": predictions.inverse_link(pooled.q_bar),
        "std_error": np.sqrt(pooled.t),
        "df": pooled.df,
        "ci_low": np.minimum(low, high),
        "ci_high": np.maximum(low, high),
        "fmi": pooled.fmi,
    }
    return pd.DataFrame(columns, index=index)


def _predict(fit: Any, new_data: pd.DataFrame, interval: Interval) -> LinearPrediction:
    try:
        prediction = fit.get_prediction(new_data)
    except TypeError as error:
        raise PoolingError(
            f"{type(fit).__name__} does not predict new rows with standard errors: {error}. Pool "
            f"predictions of your own as tuples (predictions, variances)."
        ) from error
    if hasattr(prediction, "se_obs"):
        error_of = prediction.se_obs if interval == "prediction" else prediction.se_mean
        return _linear(prediction.predicted_mean, error_of, np.asarray)
    if interval == "prediction":
        raise PoolingError(
            f"interval='prediction' is for linear models; these are {type(fit).__name__}. Ask for "
            f"interval='confidence', or draw new observations with imputations.sample."
        )
    if hasattr(prediction, "link"):
        linear = prediction.linpred
        return _linear(linear.predicted, linear.se, prediction.link.inverse)
    return _linear(prediction.linpred, prediction.linpred_se, prediction.func)


def _linear(
    linear: Any, std_error: Any, inverse_link: Callable[[FloatArray], FloatArray]
) -> LinearPrediction:
    return LinearPrediction(
        np.asarray(linear, dtype=np.float64),
        np.asarray(std_error, dtype=np.float64) ** 2,
        inverse_link,
    )

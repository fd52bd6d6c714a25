"""A Series of estimates beside a table of their covariances."""

import numpy as np
import pandas as pd

from bayesmice.pooling.complete import CompleteDataResult
from bayesmice.pooling.labels import labels, positions


def labelled_result(
    estimates: "pd.Series[float]",
    covariance: pd.DataFrame,
    *,
    df_complete: float,
    converged: bool = True,
) -> CompleteDataResult:
    """Put a covariance matrix in the order of the estimates, by their labels.

    Parameters
    ----------
    estimates : Series of shape (k,)
        Labelled by the names of the parameters.
    covariance : DataFrame of shape (k, k)
        Both axes labelled by the same names, in any order.
    df_complete : float
        Residual degrees of freedom.
    converged : bool, default True
        Whether the fit did.

    Returns
    -------
    CompleteDataResult

    Raises
    ------
    PoolingError
        If the labels are not the same.

    Examples
    --------
    >>> table = pd.DataFrame([[4.0, 1.0], [1.0, 9.0]], index=["b", "a"], columns=["b", "a"])
    >>> labelled_result(pd.Series({"a": 1.0, "b": 2.0}), table, df_complete=10).covariance
    array([[9., 1.],
           [1., 4.]])
    """
    names = labels(estimates)
    order = positions(covariance.index, names, what="The covariance")
    return CompleteDataResult(
        names=names,
        estimates=np.asarray(estimates, dtype=np.float64),
        covariance=np.asarray(covariance, dtype=np.float64)[np.ix_(order, order)],
        df_complete=df_complete,
        converged=converged,
    )

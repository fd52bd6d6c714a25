"""What pooling knows of the analysis of one completed data set."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from bayesmice.pooling.rubin import FloatArray
from bayesmice.pooling.transforms import IDENTITY, Transform


@dataclass(frozen=True, eq=False)
class CompleteDataResult:
    """What pooling needs to know of the analysis of one completed data set.

    Parameters
    ----------
    names : tuple of hashable
        One name per parameter, in the order of the model; positions where there are no names.
    estimates : ndarray of shape (k,)
        In the units of the estimands, or of their transform.
    covariance : ndarray of shape (k, k) or (k,)
        Covariance matrix of the estimates in squared units, or their variances alone where the
        covariances are not known.
    df_complete : float, default np.inf
        Residual degrees of freedom; infinite where the result has none.
    converged : bool, default True
        False only where the result says that its fit did not converge.
    transform : Transform, default IDENTITY
        The scale on which the estimates are approximately normal. They are given on that scale, and
        tables show them on the original one.

    Examples
    --------
    >>> CompleteDataResult(("age", "bmi"), np.array([0.3, 1.2]), np.array([0.01, 0.04])).names
    ('age', 'bmi')
    """

    names: tuple[Hashable, ...]
    estimates: FloatArray
    covariance: FloatArray
    df_complete: float = np.inf
    converged: bool = True
    transform: Transform = IDENTITY


@dataclass(frozen=True)
class FailedAnalysis:
    """The analysis of one completed data set that raised an error.

    Parameters
    ----------
    imputation : int
        Which one, counted from 0.
    error : Exception
        What it raised, with its traceback.
    """

    imputation: int
    error: Exception

    @property
    def reason(self) -> str:
        """Type and text of the error, without a full stop."""
        return f"{type(self.error).__name__}: {str(self.error).rstrip('.')}"

    def __repr__(self) -> str:
        return f"FailedAnalysis(imputation={self.imputation}, {self.reason})"

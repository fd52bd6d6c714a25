"""Pooling one number, on the scale where it is nearly normal."""

from collections.abc import Hashable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from bayesmice.errors import PoolingError
from bayesmice.pooling.complete import CompleteDataResult
from bayesmice.pooling.pool import pool
from bayesmice.pooling.results import PooledResults
from bayesmice.pooling.rules import DfMethod, Rule
from bayesmice.pooling.transforms import Transform, find_transform


def pool_scalar(
    q: ArrayLike,
    u: ArrayLike,
    *,
    transform: str | Transform | None = None,
    u_scale: Literal["original", "transformed"] = "original",
    name: Hashable = "estimate",
    df_complete: float = np.inf,
    df_method: DfMethod = "barnard_rubin",
    rule: Rule = "rubin1987",
    conf_level: float = 0.95,
) -> PooledResults:
    r"""Pool one quantity from numbers, if need be on a transformed scale.

    Estimates are transformed, pooled by Rubin's rules, and transformed back in tables.

    Parameters
    ----------
    q : array-like of shape (m,)
        Estimates, in the units of the estimand.
    u : array-like of shape (m,)
        Squared standard errors.
    transform : {"fisher_z", "r_squared", "log", "logit", "log_complement"} or Transform, optional
        ``fisher_z`` for correlations and kappa, ``r_squared`` for R squared (Fisher's z of its
        root), ``log`` for variances and ratios, ``logit`` for proportions, C-index and AUC,
        ``log_complement`` for Cronbach's alpha. None by default.
    u_scale : {"original", "transformed"}, default "original"
        Whether ``u`` holds variances of ``q``, which the delta method transforms, or of its
        transform, such as :math:`1 / (n - 3)` for Fisher's z.
    name : hashable, default "estimate"
        Of the parameter.
    df_complete : float, default np.inf
        Degrees of freedom had no value been missing.
    df_method, rule, conf_level
        As in `pool`.

    Returns
    -------
    PooledResults
        Of one parameter.

    Raises
    ------
    PoolingError
        If shapes differ, there are fewer than two estimates, one lies outside the support of the
        transform, or a number is not finite or a variance negative.

    References
    ----------
    van Buuren (2018), Flexible Imputation of Missing Data, 2nd edition, section 5.2, table 5.1.

    Examples
    --------
    >>> pooled = pool_scalar([0.5, 0.6, 0.4], [0.01, 0.01, 0.01], transform="fisher_z")
    >>> pooled.table[["estimate", "ci_low", "ci_high"]].round(3).to_numpy()
    array([[0.505, 0.054, 0.785]])
    """
    scale = find_transform(transform)
    values, variances = np.asarray(q, dtype=np.float64), np.asarray(u, dtype=np.float64)
    if values.ndim != 1 or values.shape != variances.shape:
        raise PoolingError(
            f"pool_scalar needs q and u of the same shape (m,), one number per imputation; got "
            f"{values.shape} and {variances.shape}."
        )
    if u_scale not in ("original", "transformed"):
        raise PoolingError(f"u_scale must be 'original' or 'transformed'; got {u_scale!r}.")
    scale.check(values)
    if u_scale == "original" and not scale.is_identity:
        variances = variances * scale.derivative(values) ** 2
    results = [
        CompleteDataResult(
            names=(name,),
            estimates=np.array([value]),
            covariance=np.array([variance]),
            df_complete=df_complete,
            transform=scale,
        )
        for value, variance in zip(scale.forward(values), variances, strict=True)
    ]
    return pool(results, df_method=df_method, rule=rule, conf_level=conf_level)

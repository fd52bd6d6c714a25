"""Imputed against observed values with the same probability of being missing."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmice.diagnostics.propensity import Propensity
from bayesmice.pooling.rubin import pool_rubin
from bayesmice.pooling.student import two_sided_quantile

Numbers = NDArray[np.float64]

LEVEL = 0.95
STRATA = 5
"""Groups of rows with like probabilities of being missing, by quantiles."""
FEWEST = 5
"""Rows that a group needs on either side at least, on average."""
DEGREE = 2
"""Of the polynomial of the log odds that values may follow."""
COLUMNS = ["estimate", "std_error", "lower", "upper", "differs"]


class Contrast(NamedTuple):
    """A difference, and its variance, in every imputation; arrays of shape (m,)."""

    estimate: Numbers
    variance: Numbers


def compare_given_propensity(propensity: Propensity) -> pd.DataFrame:
    r"""Compare imputed with observed values, given the probability of being missing.

    Parameters
    ----------
    propensity : Propensity
        Values and probabilities.

    Returns
    -------
    DataFrame
        For numbers two rows: ``difference`` of means, in units of the column, and ``spread``, the
        ratio of residual standard deviations. For levels one row per level, the difference of
        shares. Columns ``estimate, std_error, lower, upper`` (a 95 % interval; of the spread, on
        the scale of the ratio, with the standard error on the log scale) and ``differs``, whether
        the interval leaves out the value of no difference. NaN and False where rows or imputations
        are too few.

    Notes
    -----
    Observed values are regressed on a quadratic of the log odds of being missing. The difference is
    the mean over imputed cells of what they exceed that regression by, whose variance is that of
    imputed residuals over their number and that of the regression's own mean there. The ratio of
    spreads is that of standard deviations of residuals, whose log has the variance
    :math:`(\kappa - 1) / 4 \cdot (1/n_1 + 1/n_0)` with the kurtosis :math:`\kappa` of observed
    residuals. Both are pooled by Rubin's rules. With k levels, intervals have the level
    1 - 0.05 / k, so that one of them leaves out zero by chance in at most 5 % of checks.

    The intervals are wide for what they are: imputed values are drawn from a model of the observed
    ones, so that differences under a right model vary less than those of two samples. In 300 data
    sets of 100 rows, under a right model, not one interval left out zero.
    """
    table = _levels(propensity) if propensity.column.levels else _numbers(propensity)
    return table.rename_axis("quantity")


class Residuals(NamedTuple):
    """What values exceed the regression of observed ones by, and how sure that regression is.

    Attributes
    ----------
    observed : ndarray of shape (n_observed,)
        Residuals of observed values.
    imputed : ndarray of shape (m, n_imputed)
        What imputed values exceed the prediction by.
    df : int
        Degrees of freedom of the regression.
    leverage : float
        Variance of the mean prediction of imputed rows, in residual variances.
    """

    observed: Numbers
    imputed: Numbers
    df: int
    leverage: float


def _numbers(propensity: Propensity) -> pd.DataFrame:
    residuals = _residuals(propensity, propensity.completed)
    rows = {"difference": _pooled(_difference(residuals), residuals.df, 1)}
    logs = _pooled(_spread(residuals), residuals.df, 1)
    logs |= {name: float(np.exp(logs[name])) for name in ("estimate", "lower", "upper")}
    return _table(rows | {"spread": logs})


def _levels(propensity: Propensity) -> pd.DataFrame:
    levels = propensity.column.levels
    rows = {}
    for code, level in enumerate(levels):
        residuals = _residuals(propensity, (propensity.completed == code).astype(float))
        rows[f"share of {level}"] = _pooled(_difference(residuals), residuals.df, len(levels))
    return _table(rows)


def _residuals(propensity: Propensity, values: Numbers) -> Residuals:
    """Regress observed values on the log odds of being missing; values have the shape (m, n)."""
    X = np.vander(propensity.logit, DEGREE + 1, increasing=True)
    seen, gone = ~propensity.is_missing, propensity.is_missing
    coefficients, _, rank, _ = np.linalg.lstsq(X[seen], values[0, seen], rcond=None)
    middle = X[gone].mean(axis=0)
    return Residuals(
        values[0, seen] - X[seen] @ coefficients,
        values[:, gone] - X[gone] @ coefficients,
        int(seen.sum() - rank),
        float(middle @ np.linalg.pinv(X[seen].T @ X[seen]) @ middle),
    )


def _difference(residuals: Residuals) -> Contrast:
    n_imputed = residuals.imputed.shape[1]
    if _are_few(residuals):
        return _unknown(residuals)
    own = residuals.imputed.var(axis=1, ddof=1) / n_imputed
    regression = residuals.leverage * (residuals.observed**2).sum() / residuals.df
    return Contrast(residuals.imputed.mean(axis=1), own + regression)


def _spread(residuals: Residuals) -> Contrast:
    observed, imputed = residuals.observed, residuals.imputed
    if _are_few(residuals):
        return _unknown(residuals)
    squares = (observed**2).sum()
    sd = imputed.std(axis=1, ddof=1)
    if squares <= 0 or (sd <= 0).any():
        return _unknown(residuals)
    kurtosis = (observed**4).mean() / (squares / len(observed)) ** 2
    numbers = 1 / imputed.shape[1] + 1 / len(observed)
    logs = np.log(sd) - 0.5 * np.log(squares / residuals.df)
    return Contrast(logs, np.full(len(logs), (kurtosis - 1) / 4 * numbers))


def _are_few(residuals: Residuals) -> bool:
    return bool(min(residuals.imputed.shape[1], residuals.df) < FEWEST)


def _unknown(residuals: Residuals) -> Contrast:
    nothing = np.full(len(residuals.imputed), np.nan)
    return Contrast(nothing, nothing)


def _pooled(contrast: Contrast, df: int, tests: int) -> dict[str, float]:
    estimate = float(contrast.estimate.mean())
    if len(contrast.estimate) < 2 or np.isnan(estimate) or (contrast.variance <= 0).any():
        return {"estimate": estimate, "std_error": np.nan, "lower": np.nan, "upper": np.nan}
    pooled = pool_rubin(contrast.estimate[:, None], contrast.variance[:, None], df_complete=df)
    error = float(np.sqrt(pooled.t[0]))
    half = error * float(two_sided_quantile(1 - (1 - LEVEL) / tests, pooled.df)[0])
    return {
        "estimate": estimate,
        "std_error": error,
        "lower": estimate - half,
        "upper": estimate + half,
    }


def _table(rows: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    table = pd.DataFrame.from_dict(dict(rows), orient="index")
    none = np.where(table.index == "spread", 1.0, 0.0)
    table["differs"] = (table["lower"] > none) | (table["upper"] < none)
    return table[COLUMNS]


def stratify(propensity: Propensity) -> pd.DataFrame:
    """Tabulate observed and imputed values by the probability of being missing.

    Parameters
    ----------
    propensity : Propensity
        Values and probabilities.

    Returns
    -------
    DataFrame
        One row per group of like probabilities (at most five, cut at quantiles): from ``lowest`` to
        ``highest`` probability, ``n_observed``, ``n_imputed``, and for numbers the means and
        standard deviations, for levels the shares, of both. Those of imputed values are averages
        over imputations.
    """
    n_imputed = int(propensity.is_missing.sum())
    n_least = min(n_imputed, len(propensity.rows) - n_imputed)
    n_strata = int(np.clip(n_least // FEWEST, 1, STRATA))
    cuts = np.quantile(propensity.probability, np.arange(1, n_strata) / n_strata)
    stratum = np.searchsorted(np.unique(cuts), propensity.probability, side="left")
    rows = [_stratum(propensity, stratum == own) for own in np.unique(stratum)]
    return pd.DataFrame(rows).rename_axis("group")


def _stratum(propensity: Propensity, chosen: NDArray[np.bool_]) -> dict[str, float]:
    observed = propensity.completed[0, chosen & ~propensity.is_missing]
    imputed = propensity.completed[:, chosen & propensity.is_missing]
    row: dict[str, float] = {
        "lowest": float(propensity.probability[chosen].min()),
        "highest": float(propensity.probability[chosen].max()),
        "n_observed": len(observed),
        "n_imputed": imputed.shape[1],
    }
    if propensity.column.levels:
        for code, level in enumerate(propensity.column.levels):
            row[f"observed {level}"] = _mean(observed == code)
            row[f"imputed {level}"] = _mean(imputed == code)
        return row
    return row | {
        "observed_mean": _mean(observed),
        "imputed_mean": _mean(imputed),
        "observed_sd": float(observed.std(ddof=1)) if len(observed) > 1 else np.nan,
        "imputed_sd": (
            float(imputed.std(axis=1, ddof=1).mean()) if imputed.shape[1] > 1 else np.nan
        ),
    }


def _mean(values: NDArray[np.generic]) -> float:
    return float(values.mean()) if values.size else np.nan

"""Test statistics of a column, and how often its model gives larger ones."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmice.diagnostics.conditional import Conditional

Numbers = NDArray[np.float64]

ENDS = (0.05, 0.95)
"""Quantiles of what the model predicts that are told."""
COLUMNS = ["observed", "predicted", "q5", "q95", "p_value"]


def check_statistics(conditional: Conditional) -> pd.DataFrame:
    r"""Compare statistics of the observed rows with those of draws from the model.

    Parameters
    ----------
    conditional : Conditional
        The column, in a tree with its posterior predictive draws.

    Returns
    -------
    DataFrame
        One row per statistic: ``observed``, the mean ``predicted`` one with ``q5`` and ``q95``, and
        ``p_value``, the posterior predictive probability of a larger one, ties counting half:
        :math:`P(T(\tilde y) > T(y)) + \frac 1 2 P(T(\tilde y) = T(y))` [1]_.

    Notes
    -----
    Numbers have their mean, standard deviation, smallest, largest and skewness, and the share of
    zeros where one was observed, or where counts are drawn as zero; levels have their shares. Such
    p-values are not uniform under a right model: those of a statistic that the model fits by a
    parameter (the mean under a gaussian) lie near a half. So they alarm less often than their level
    says, and a p-value near 0 or 1 is to be taken seriously.

    References
    ----------
    .. [1] Gelman, Meng and Stern (1996), Statistica Sinica 6, 733-807.
    """
    observed = conditional.observed.to_numpy().astype(float)
    draws = conditional.predicted.to_numpy().astype(float).reshape(-1, len(observed))
    levels = conditional.levels
    if levels:
        own, drawn = _shares(observed[None], levels), _shares(draws, levels)
    else:
        with_zeros = bool((observed == 0).any()) or (are_counts(observed) and (draws == 0).any())
        own = _moments(observed[None], with_zeros)
        drawn = _moments(draws, with_zeros)
    rows = {name: _row(float(own[name][0]), drawn[name]) for name in own}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=COLUMNS)
    return table.rename_axis("statistic")


def are_counts(values: Numbers) -> bool:
    """Tell whether numbers are whole and none is below zero."""
    return bool((values >= 0).all() and (values == np.rint(values)).all())


def _row(observed: float, drawn: Numbers) -> list[float]:
    finite = drawn[~np.isnan(drawn)]
    if np.isnan(observed) or not len(finite):
        return [observed] + [np.nan] * (len(COLUMNS) - 1)
    larger = np.mean(finite > observed) + 0.5 * np.mean(finite == observed)
    return [observed, float(finite.mean()), *np.quantile(finite, ENDS).tolist(), float(larger)]


def _moments(values: Numbers, with_zeros: bool) -> Mapping[str, Numbers]:
    """Give statistics of rows of numbers, by name."""
    spread = values.std(axis=1, ddof=1) if values.shape[1] > 1 else np.full(len(values), np.nan)
    centered = values - values.mean(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        skew = (centered**3).mean(axis=1) / (centered**2).mean(axis=1) ** 1.5
    found = {
        "mean": values.mean(axis=1),
        "sd": spread,
        "min": values.min(axis=1),
        "max": values.max(axis=1),
        "skewness": skew,
    }
    return found | {"share of zeros": (values == 0).mean(axis=1)} if with_zeros else found


def _shares(codes: Numbers, levels: tuple[object, ...]) -> Mapping[str, Numbers]:
    return {f"share of {level}": (codes == code).mean(axis=1) for code, level in enumerate(levels)}

"""Imputed values beyond the observed ones."""

from dataclasses import dataclass

import numpy as np

from bayesmice.diagnostics.conditional import Numbers


@dataclass(frozen=True)
class RangeCheck:
    """How many imputed numbers lie beyond the observed ones.

    Attributes
    ----------
    lowest, highest : float
        The observed values.
    lowest_imputed, highest_imputed : float
        The imputed values, of all imputations.
    below, above : float
        Shares of imputed values beyond the observed ones.
    expected : float
        Share of the model's draws *of the observed rows* beyond the observed values: what is to
        be expected of cells like the observed ones. NaN where such draws are not known.
    negative : float
        Share of negative imputed values where all observed ones are positive or zero.
    """

    lowest: float
    highest: float
    lowest_imputed: float
    highest_imputed: float
    below: float
    above: float
    expected: float
    negative: float


def check_range(observed: Numbers, imputed: Numbers, predicted: Numbers) -> RangeCheck:
    """Count imputed numbers beyond the observed ones.

    Parameters
    ----------
    observed : ndarray of shape (n_observed,)
        Observed numbers.
    imputed : ndarray of shape (m, n_imputed)
        Imputed ones.
    predicted : ndarray
        Draws of the observed rows; may be empty.

    Returns
    -------
    RangeCheck

    Examples
    --------
    >>> check_range(np.array([1.0, 3.0]), np.array([[0.0, 2.0], [4.0, 5.0]]), np.array([])).above
    0.5
    """
    low, high = float(observed.min()), float(observed.max())
    beyond = (predicted < low) | (predicted > high)
    return RangeCheck(
        low,
        high,
        float(imputed.min()),
        float(imputed.max()),
        float((imputed < low).mean()),
        float((imputed > high).mean()),
        float(beyond.mean()) if predicted.size else np.nan,
        float((imputed < 0).mean()) if low >= 0 else 0.0,
    )

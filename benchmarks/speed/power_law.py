"""How a cost grows with a size: a power law, fitted by least squares of logarithms."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class PowerLaw(NamedTuple):
    """cost = factor * size ** exponent.

    Attributes
    ----------
    exponent, std_error : float
        Of all points; the standard error is that of a straight line's slope, NaN for two points.
    factor : float
        Cost at size 1.
    last : float
        The exponent between the two largest sizes: small sizes hide it behind what every run costs.
    """

    exponent: float
    std_error: float
    factor: float
    last: float


def fit_power_law(sizes: Sequence[float], costs: Sequence[float]) -> PowerLaw:
    """Fit a power law.

    Parameters
    ----------
    sizes, costs : sequence of float
        Positive; at least two different sizes.

    Raises
    ------
    ValueError
        If a number is not positive, or fewer than two sizes differ.

    Examples
    --------
    >>> round(fit_power_law([1, 10, 100], [2.0, 20.0, 200.0]).exponent, 6)
    1.0
    """
    if min(*sizes, *costs) <= 0 or len(set(sizes)) < 2:
        raise ValueError(
            "A power law needs two different sizes at least, and positive sizes and costs; got "
            f"sizes {list(sizes)} and costs {list(costs)}. Measure longer runs or larger sizes."
        )
    order = np.argsort(sizes)
    x, y = np.log(np.asarray(sizes, float)[order]), np.log(np.asarray(costs, float)[order])
    off = x - x.mean()
    slope = float(off @ y / (off @ off))
    intercept = float(y.mean() - slope * x.mean())
    residuals = y - intercept - slope * x
    n_free = len(x) - 2
    error = float(np.sqrt(residuals @ residuals / n_free / (off @ off))) if n_free else np.nan
    before = np.flatnonzero(x < x[-1])[-1]
    last = float((y[-1] - y[before]) / (x[-1] - x[before]))
    return PowerLaw(slope, error, float(np.exp(intercept)), last)

"""The skew-normal distribution by its mean, standard deviation and skewness.

In the usual parameters (location, scale, slant) the log-likelihood is flat at a slant of zero for
any data, and location and slant cannot be told apart there: a search for the mode stops at that
point, and samplers stick. The centered parameters have neither defect (Azzalini 1985;
Arellano-Valle and Azzalini 2008, Journal of Multivariate Analysis 99, 1362-1382).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayesmice.later import later
from bayesmice.models.normal import LOG_2, LOG_ROOT_2PI, log_ndtr

if TYPE_CHECKING:
    import pytensor.tensor as pt
    from pytensor.tensor.variable import TensorVariable
else:
    pt = later("pytensor.tensor")

LARGEST_SKEWNESS = 0.995
"""A half-normal distribution, the limit, has 0.9953 and an infinite slant."""

NEARLY_SYMMETRIC = 1e-9
"""Below this skewness its cube root, on which the slant depends, has no use for derivatives."""


def direct_parameters(
    mu: TensorVariable, sigma: TensorVariable, skewness: TensorVariable
) -> tuple[TensorVariable, TensorVariable, TensorVariable]:
    """Give location, scale and slant."""
    size = pt.maximum(pt.abs(skewness), NEARLY_SYMMETRIC)
    root = pt.switch(skewness < 0, -1.0, 1.0) * (2.0 * size / (4.0 - np.pi)) ** (1.0 / 3.0)
    # Mean and variance of the variable of location 0 and scale 1.
    mean = root / pt.sqrt(1.0 + root**2)
    variance = 1.0 / (1.0 + root**2)
    scale = sigma / pt.sqrt(variance)
    # delta^2 = mean^2 pi / 2 and slant = delta / sqrt(1 - delta^2)
    slant = mean * np.sqrt(np.pi / 2.0) / pt.sqrt(1.0 - mean**2 * (np.pi / 2.0))
    return mu - scale * mean, scale, slant


def log_density(
    value: TensorVariable, mu: TensorVariable, sigma: TensorVariable, skewness: TensorVariable
) -> TensorVariable:
    """Give the log-density.

    Where the skewness is next to zero, by the first terms of its Edgeworth series, which have the
    derivatives that the general expression lacks there.
    """
    location, scale, slant = direct_parameters(mu, sigma, skewness)
    skewed = log_standard_density((value - location) / scale, slant) - pt.log(scale)
    x = (value - mu) / sigma
    first, second = (x**3 - 3.0 * x) / 6.0, (12.0 * x**2 - 3.0 * x**4 - 5.0) / 24.0
    normal = -LOG_ROOT_2PI - x**2 / 2.0 - pt.log(sigma)
    symmetric = normal + skewness * first + skewness**2 * second
    return pt.switch(pt.abs(skewness) < NEARLY_SYMMETRIC, symmetric, skewed)


def log_standard_density(z: TensorVariable, slant: TensorVariable) -> TensorVariable:
    """Give the log-density for location 0 and scale 1."""
    return LOG_2 - LOG_ROOT_2PI - z**2 / 2.0 + log_ndtr(slant * z)

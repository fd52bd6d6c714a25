"""The logarithm of the normal distribution function, precise and differentiable in both tails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayesmice.later import later

if TYPE_CHECKING:
    import pytensor.tensor as pt
    from pytensor.tensor.variable import TensorVariable
else:
    pt = later("pytensor.tensor")

LOG_ROOT_2PI = 0.5 * np.log(2.0 * np.pi)
LOG_2 = np.log(2.0)
ROOT_2 = np.sqrt(2.0)


def log_ndtr(z: TensorVariable) -> TensorVariable:
    """Give the logarithm of the standard normal distribution function."""
    is_tail = z < -1.0
    # The branch that is not taken has to stay finite: its derivative still multiplies zero.
    tail = pt.switch(is_tail, z, -1.0)
    rest = pt.switch(is_tail, -1.0, z)
    return pt.switch(
        is_tail,
        pt.log(pt.erfcx(-tail / ROOT_2)) - LOG_2 - tail**2 / 2.0,
        pt.log1p(-pt.erfc(rest / ROOT_2) / 2.0),
    )

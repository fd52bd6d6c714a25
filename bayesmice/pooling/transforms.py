r"""Scales on which estimates are approximately normal.

Rubin's rules need estimates whose sampling distribution is close to normal [1]_. That of a
correlation, a variance or a proportion near its limits is not; that of its transform is. Estimates
are transformed, pooled, and transformed back.

References
----------
.. [1] Rubin (1987), Multiple Imputation for Nonresponse in Surveys, p. 75; van Buuren (2018),
   Flexible Imputation of Missing Data, 2nd edition, section 5.2, table 5.1.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesmice.errors import PoolingError
from bayesmice.later import later

special = later("scipy.special")

FloatArray = NDArray[np.float64]
Elementwise = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Transform:
    """A monotone scale for an estimand.

    Parameters
    ----------
    name : str
        What tables call it.
    forward, inverse : callable
        From the original scale to the transformed one, and back, elementwise on arrays.
    derivative : callable
        Of ``forward``, at values on the original scale. It turns a variance on the original scale
        into one on the transformed scale (delta method).
    support : tuple of two float
        The open interval of values that ``forward`` accepts.
    closed : bool, default False
        Whether it accepts the lower end of the support too.
    """

    name: str
    forward: Elementwise
    inverse: Elementwise
    derivative: Elementwise
    support: tuple[float, float] = (-np.inf, np.inf)
    closed: bool = False

    @property
    def is_identity(self) -> bool:
        """Whether values stay as they are."""
        return self.name == "identity"

    def check(self, values: FloatArray) -> None:
        """Refuse values outside the support.

        Raises
        ------
        PoolingError
            It names the first imputation whose value is outside.
        """
        low, high = self.support
        inside = (values >= low if self.closed else values > low) & (values < high)
        if not inside.all():
            first = int(np.argmin(inside))
            raise PoolingError(
                f"Imputation {first} has the value {values[first]:g}, and the transform "
                f"{self.name!r} needs values between {low:g} and {high:g}"
                f"{'' if self.closed else ', both excluded'}. Choose another transform, or none."
            )


def _to_z(r_squared: FloatArray) -> FloatArray:
    return np.asarray(np.arctanh(np.sqrt(r_squared)))


def _from_z(z: FloatArray) -> FloatArray:
    # A multiple correlation has no sign: a negative end of an interval is zero.
    return np.asarray(np.tanh(np.maximum(z, 0)) ** 2)


def _slope_of_z(r_squared: FloatArray) -> FloatArray:
    return np.asarray(1 / (2 * np.sqrt(r_squared) * (1 - r_squared)))


IDENTITY = Transform("identity", np.asarray, np.asarray, np.ones_like)
LOG = Transform("log", np.log, np.exp, np.reciprocal, support=(0, np.inf))
LOGIT = Transform(
    "logit",
    lambda p: special.logit(p),
    lambda x: special.expit(x),
    lambda p: 1 / (p * (1 - p)),
    support=(0, 1),
)
FISHER_Z = Transform("fisher_z", np.arctanh, np.tanh, lambda r: 1 / (1 - r**2), support=(-1, 1))
R_SQUARED = Transform("r_squared", _to_z, _from_z, _slope_of_z, support=(0, 1), closed=True)
LOG_COMPLEMENT = Transform(
    "log_complement",
    lambda alpha: -np.log1p(-alpha),
    lambda z: -np.expm1(-z),
    lambda alpha: 1 / (1 - alpha),
    support=(-np.inf, 1),
)

TRANSFORMS = {
    transform.name: transform
    for transform in (IDENTITY, LOG, LOGIT, FISHER_Z, R_SQUARED, LOG_COMPLEMENT)
}
"""Every transform by its name."""


def find_transform(transform: str | Transform | None) -> Transform:
    """Find a transform by its name.

    Parameters
    ----------
    transform : str, Transform or None
        A name in `TRANSFORMS`, a transform of your own, or None for no transformation.

    Returns
    -------
    Transform

    Raises
    ------
    PoolingError
        If there is none of that name.

    Examples
    --------
    >>> find_transform("logit").inverse(np.array([0.0]))
    array([0.5])
    """
    if transform is None:
        return IDENTITY
    if isinstance(transform, Transform):
        return transform
    if transform not in TRANSFORMS:
        raise PoolingError(
            f"There is no transform {transform!r}. Choose one of {', '.join(TRANSFORMS)}, or pass "
            f"a bm.pooling.Transform of your own."
        )
    return TRANSFORMS[transform]

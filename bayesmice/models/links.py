"""Links: between a parameter of a distribution and its linear predictor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bayesmice.later import later
from bayesmice.models.skewness import LARGEST_SKEWNESS

if TYPE_CHECKING:
    import pymc as pm
    import pytensor.tensor as pt
    from pytensor.tensor.variable import TensorVariable
else:
    pm, pt = later("pymc"), later("pytensor.tensor")

special = later("scipy.special")


@dataclass(frozen=True)
class Link:
    """A link function.

    Attributes
    ----------
    name : str
        Its name in ``Family(link=...)``.
    forward : callable
        From parameters to linear predictors, as NumPy arrays.
    inverse : callable
        From a linear predictor to the parameter, as PyTensor expressions.
    follows_mean : bool
        Whether default priors put the linear predictor at the link of the observed mean, rather
        than at zero.
    """

    name: str
    forward: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    inverse: Callable[[TensorVariable], TensorVariable]
    follows_mean: bool = False


LINKS: Mapping[str, Link] = {
    link.name: link
    for link in (
        Link("identity", lambda value: value, lambda eta: eta, follows_mean=True),
        Link("log", np.log, lambda eta: pt.exp(eta), follows_mean=True),
        Link("logit", lambda p: special.logit(p), lambda eta: pm.math.invlogit(eta)),
        Link("probit", lambda p: special.ndtri(p), lambda eta: pm.math.invprobit(eta)),
        Link("cloglog", lambda p: np.log(-np.log1p(-p)), lambda eta: -pt.expm1(-pt.exp(eta))),
        Link(
            "skewness",
            lambda skewness: np.arctanh(skewness / LARGEST_SKEWNESS),
            lambda eta: LARGEST_SKEWNESS * pt.tanh(eta),
        ),
        Link("tan_half", lambda angle: np.tan(angle / 2), lambda eta: 2.0 * pt.arctan(eta)),
        Link(
            "softmax",
            lambda p: np.log(p) - np.log(p).mean(axis=-1, keepdims=True),
            lambda eta: pm.math.softmax(eta, axis=-1),
        ),
    )
}

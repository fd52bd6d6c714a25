"""Families: what describes the distribution of a target given its linear predictor.

A family is a description: the PyMC distribution, the parameter that the linear predictor drives and
its link, the other parameters with their default priors and links, and the values that a target may
take. `bayesmice.models.catalog` holds the built-in ones; a user adds one in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bayesmice.data import Column, Scale
from bayesmice.errors import ModelError, SpecificationError
from bayesmice.later import later
from bayesmice.models.likelihoods import categorical
from bayesmice.models.links import LINKS, Link
from bayesmice.models.priors import ScaledPrior, UserPrior, is_expression
from bayesmice.models.supports import REAL, SUPPORTS, Support

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.tensor.variable import TensorVariable
else:
    pm = later("pymc")

PRIOR_SCALE = 2.5
"""Prior standard deviation of locations and coefficients, in units of the linear predictor."""


@dataclass(frozen=True)
class TargetSummary:
    """What default priors need to know of a target.

    Attributes
    ----------
    mean, sd : float
        Of the observed values; 0 and 1 for a target that is not continuous.
    center, unit : float
        Where the linear predictor is expected, and one unit of it.
    n_levels : int
        Number of observed levels; 0 for a continuous target.
    """

    mean: float
    sd: float
    center: float
    unit: float
    n_levels: int


STANDARD = TargetSummary(0.0, 1.0, 0.0, 1.0, 0)
"""A target of unit scale, which stands for all targets of a family in their shared program."""


@dataclass(frozen=True, eq=False)
class Auxiliary:
    """A parameter of a likelihood besides the one that the linear predictor drives.

    Parameters
    ----------
    prior : unnamed PyMC distribution, number, or callable
        Its default prior on its own scale. A callable gets a `TargetSummary` and returns a
        `ScaledPrior`, so that the prior follows the scale of the data.
    link : str, default "log"
        From the parameter to its linear predictor, where it is given one
        (``Regression(distributional=...)``).
    """

    prior: UserPrior | Callable[[TargetSummary], ScaledPrior]
    link: str = "log"

    def default_prior(self, summary: TargetSummary) -> ScaledPrior | UserPrior:
        """Give the default prior for a target."""
        if is_expression(self.prior) or not callable(self.prior):
            return self.prior
        return self.prior(summary)


class Predictors(Enum):
    """How linear predictors enter a likelihood."""

    ONE = "one, which drives the parent parameter"
    PER_LEVEL = "one for each level but the first, the reference"
    CUTPOINTS = "one, against ordered cutpoints between the levels"


@dataclass(frozen=True, eq=False)
class Family:
    """A distribution of the target given its linear predictor.

    Parameters
    ----------
    name : str
        What it is called in tables.
    likelihood : PyMC distribution or callable
        ``likelihood(name, **parameters, observed=..., dims="row")`` writes the observed variable.
        The parameters are ``parent`` and every name in ``auxiliary`` and ``given``.
    parent : str, default "mu"
        The parameter that the linear predictor drives.
    link : str, default "identity"
        From the parent to its linear predictor: ``"identity"``, ``"log"``, ``"logit"``,
        ``"probit"``, ``"cloglog"`` or ``"tan_half"``.
    other_links : tuple of str, optional
        Links that ``Regression(link=...)`` may choose instead.
    auxiliary : mapping of str to Auxiliary or prior, optional
        The other parameters. A plain prior stands for ``Auxiliary(prior)``.
    support : Support or str, default "real"
        Values that the target may take: ``"real"``, ``"positive"``, ``"nonnegative"``,
        ``"unit_interval"``, ``"angles"``, ``"counts"``.
    scales : tuple of Scale, default (continuous,)
        Measurement scales of targets that it suits.
    predictors : Predictors, default Predictors.ONE
        How linear predictors enter.
    given : tuple of str, optional
        Parameters that are known numbers, such as a number of trials.
    at_link : mapping of str to callable, optional
        By link, a likelihood that reads the linear predictor itself, as ``eta``, in place of the
        parent: for precision, and for likelihoods with ``cutpoints``.
    log_interval : callable, optional
        ``log_interval(lower, upper, **parameters)``: log-probability of a target between two
        numbers, both included, as a PyTensor expression that JAX can differentiate. Cells that are
        known by their limits need it.
    summarize : callable, optional
        From the observed values to (center, unit) of the linear predictor, for default priors. By
        default the link of the observed mean, and the observed standard deviation where the
        predictor is in units of the target, otherwise 1.

    Raises
    ------
    SpecificationError
        If a link or the support is not known.

    Examples
    --------
    >>> import pymc as pm
    >>> gumbel = Family("gumbel", pm.Gumbel, auxiliary={"beta": pm.HalfNormal.dist(10)})
    >>> gumbel.links
    {'mu': 'identity', 'beta': 'log'}
    """

    name: str
    likelihood: Callable[..., TensorVariable]
    parent: str = "mu"
    link: str = "identity"
    other_links: tuple[str, ...] = ()
    auxiliary: Mapping[str, Auxiliary | UserPrior] = field(
        default_factory=lambda: MappingProxyType({})
    )
    support: Support = REAL
    scales: tuple[Scale, ...] = (Scale.CONTINUOUS,)
    predictors: Predictors = Predictors.ONE
    given: tuple[str, ...] = ()
    at_link: Mapping[str, Callable[..., TensorVariable]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    log_interval: Callable[..., TensorVariable] | None = None
    summarize: Callable[[NDArray[np.float64]], tuple[float, float]] | None = None

    def __post_init__(self) -> None:
        for link in (*self.links.values(), *self.other_links):
            if link not in LINKS:
                raise SpecificationError(
                    f"The family {self.name!r} has the link {link!r}, which is not known. Links: "
                    f"{', '.join(LINKS)}."
                )
        if isinstance(self.support, Support):
            return
        if self.support not in SUPPORTS:
            raise SpecificationError(
                f"The family {self.name!r} has support={self.support!r:.80}; expected one of "
                f"{', '.join(SUPPORTS)}."
            )
        object.__setattr__(self, "support", SUPPORTS[self.support])

    @property
    def links(self) -> dict[str, str]:
        """The link of every parameter that may have a linear predictor."""
        return {self.parent: self.link} | {
            name: parameter.link for name, parameter in self.auxiliaries.items()
        }

    @property
    def auxiliaries(self) -> dict[str, Auxiliary]:
        """The auxiliary parameters."""
        return {
            name: parameter if isinstance(parameter, Auxiliary) else Auxiliary(parameter)
            for name, parameter in self.auxiliary.items()
        }

    @property
    def location(self) -> str:
        """Name of what shifts the linear predictor."""
        return "cutpoints" if self.predictors is Predictors.CUTPOINTS else "Intercept"

    @property
    def slopes_per_location(self) -> bool:
        """Whether each element of the location has its own coefficients."""
        return self.predictors is Predictors.PER_LEVEL

    @property
    def is_softmax(self) -> bool:
        """Whether the linear predictors are log-odds of levels, and nothing else is unknown."""
        return self.at_link.get(self.link) is categorical and not self.auxiliary

    def location_size(self, n_levels: int) -> int:
        """Give the length of the location; 0 for a scalar."""
        return 0 if self.predictors is Predictors.ONE else n_levels - 1

    @property
    def link_function(self) -> Link:
        """The link of the parent."""
        return LINKS[self.link]

    @cached_property
    def by_link(self) -> dict[str, Family]:
        """The family with each of its links."""
        others = {link: replace(self, link=link, other_links=()) for link in self.other_links}
        return {self.link: self} | others

    def write(
        self,
        name: str,
        eta: TensorVariable,
        parameters: Mapping[str, TensorVariable],
        observed: TensorVariable,
    ) -> None:
        """Write the observed variable into the model in context.

        Parameters
        ----------
        name : str
            Name of the variable.
        eta : TensorVariable of shape (n_rows,) or (n_rows, n_levels)
            The linear predictor.
        parameters : mapping of str to TensorVariable
            Auxiliary and given parameters, and cutpoints.
        observed : TensorVariable of shape (n_rows,)
            The target.
        """
        if self.link in self.at_link:
            self.at_link[self.link](name, eta=eta, **parameters, observed=observed, dims="row")
        else:
            parent = self.link_function.inverse(eta)
            self.likelihood(
                name, **{self.parent: parent}, **parameters, observed=observed, dims="row"
            )

    def log_probability(
        self,
        lower: TensorVariable,
        upper: TensorVariable,
        eta: TensorVariable,
        parameters: Mapping[str, TensorVariable],
    ) -> TensorVariable:
        """Give the log-probability of a target between limits, both included."""
        if self.log_interval is None:
            raise ModelError(f"The family {self.name!r} has no log_interval.")
        parent = self.link_function.inverse(eta)
        return self.log_interval(lower, upper, **{self.parent: parent}, **parameters)

    def summary(self, target: Column) -> TargetSummary:
        """Summarize the observed values of a target for its default priors."""
        if target.levels:
            return TargetSummary(0.0, 1.0, 0.0, 1.0, len(target.levels))
        observed = known_values(target, self.support)
        mean = float(observed.mean())
        # Two observed values at least, of which two differ: constant columns have no model.
        sd = float(observed.std(ddof=1))
        if self.summarize is not None:
            center, unit = self.summarize(observed)
        else:
            link = self.link_function
            center = float(link.forward(np.asarray(mean))) if link.follows_mean else 0.0
            unit = sd if link.name == "identity" else 1.0
        return TargetSummary(mean, sd, center, unit, 0)

    def location_prior(self, summary: TargetSummary) -> ScaledPrior:
        """Give the default prior of the location where all predictors are at their means."""
        if self.predictors is Predictors.CUTPOINTS:
            even = np.arange(1, summary.n_levels) / summary.n_levels
            return ScaledPrior(
                "Normal",
                {"mu": self.link_function.forward(even)},
                {"sigma": PRIOR_SCALE},
                _ordered,
            )
        if self.predictors is Predictors.PER_LEVEL:
            return ScaledPrior("Normal", {}, {"mu": 0.0, "sigma": PRIOR_SCALE})
        return ScaledPrior("Normal", {"mu": summary.center, "sigma": PRIOR_SCALE * summary.unit})

    @property
    def location_constraint(self) -> Callable[[], object] | None:
        """What gives the ``default_transform`` of a location that has a user's prior."""
        return _ordered if self.predictors is Predictors.CUTPOINTS else None

    def coefficient_scale(
        self, summary: TargetSummary, units: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Give the default prior standard deviation of each coefficient.

        Parameters
        ----------
        summary : TargetSummary
            Of the target.
        units : ndarray of shape (n_predictors,)
            One unit of each design column.

        Returns
        -------
        ndarray of shape (n_predictors,) or (n_predictors, n_levels - 1)
            Standard deviations of normal priors around zero.
        """
        scale: NDArray[np.float64] = PRIOR_SCALE * summary.unit / units
        if self.slopes_per_location:
            scale = np.repeat(scale[:, None], self.location_size(summary.n_levels), axis=1)
        return scale


def _ordered() -> object:
    return pm.distributions.transforms.ordered


def known_values(target: Column, support: Support) -> NDArray[np.float64]:
    """Give the observed values of a target, and one for each cell that is known by its limits.

    Parameters
    ----------
    target : Column
        A continuous column.
    support : Support
        Values that the target may take.

    Returns
    -------
    ndarray of shape (n_known,)
        The values of cells with limits lie within these and the support, as far as a few natural
        candidates do; otherwise they are NaN.
    """
    if target.limits is None:
        return target.known_values
    limited = target.is_limited
    lower, upper = (limit[limited] for limit in target.limits)
    middle = target.within_limits[limited]
    typical = np.median(target.observed_values) if len(target.observed_values) else 0.0
    nearest = np.clip(typical, lower, upper)
    chosen = np.full(len(lower), np.nan)
    for candidate in (middle, nearest, np.ceil(lower), np.floor(upper), lower + 1, upper - 1):
        is_inside = np.isfinite(candidate) & (candidate >= lower) & (candidate <= upper)
        fits = np.isnan(chosen) & is_inside & support.contains(candidate)
        chosen = np.where(fits, candidate, chosen)
    return np.concatenate([target.observed_values, chosen])

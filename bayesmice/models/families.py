"""Families: the distribution of a target given its linear predictor.

A family is a description: which scales it suits, the PyMC likelihood, its link, and default priors
scaled from the observed data. The built-in families are made the same way as one that a user might
add.

Default priors are weakly informative. A coefficient's prior standard deviation is 2.5 units of the
target per unit of the predictor, where a unit is the observed standard deviation of a continuous
column and the whole step of an indicator (Gelman, Jakulin, Pittau and Su 2008; the rule of
rstanarm). Locations are centered at the observed means of the predictors, so that their priors do
not depend on where a scale happens to have its zero.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pymc as pm
from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable
from scipy.special import logit

from bayesmice.data import Column, Scale
from bayesmice.models.priors import ScaledPrior

PRIOR_SCALE = 2.5
"""Prior standard deviation of locations and coefficients, in units of the linear predictor."""


@dataclass(frozen=True)
class TargetSummary:
    """What default priors need to know of a target.

    Attributes
    ----------
    mean, sd : float
        Of the observed values; 0 and 1 for a target that is not continuous.
    n_levels : int
        Number of observed levels; 0 for a continuous target.
    """

    mean: float
    sd: float
    n_levels: int


def summarize_target(column: Column) -> TargetSummary:
    """Summarize the observed values of a target for its default priors."""
    if column.scale is Scale.CONTINUOUS:
        observed = column.observed_values
        return TargetSummary(float(observed.mean()), float(observed.std(ddof=1)), 0)
    return TargetSummary(0.0, 1.0, len(column.levels))


@dataclass(frozen=True)
class Family:
    """A distribution of the target given its linear predictor.

    Attributes
    ----------
    name : str
        Its name in ``Regression(family=...)``.
    scales : tuple of Scale
        The measurement scales of targets that it suits.
    link : str
        The link function, for people.
    location : str
        Name of what shifts the linear predictor: ``"Intercept"`` or ``"cutpoints"``.
    location_size : callable
        From the number of levels to the length of the location; 0 for a scalar.
    slopes_per_location : bool
        Whether each element of the location has its own coefficients, as in a multinomial
        regression. Its likelihood then sees one linear predictor per level, which is zero for the
        first, the reference.
    location_prior, auxiliary_priors : callable
        From a `TargetSummary` to the default prior of the centered location, and to those of the
        auxiliary parameters.
    location_constraint : mapping of str to object
        ``default_transform`` of a location that has a user's prior.
    likelihood : callable
        ``likelihood(name, slope, location, auxiliary, observed)`` writes the observed variable into
        the model in context; ``slope`` is the centered linear predictor without its location.
    """

    name: str
    scales: tuple[Scale, ...]
    link: str
    location: str
    location_size: Callable[[int], int]
    slopes_per_location: bool
    location_prior: Callable[[TargetSummary], ScaledPrior]
    auxiliary_priors: Callable[[TargetSummary], dict[str, ScaledPrior]]
    location_constraint: Mapping[str, object]
    likelihood: Callable[
        [str, TensorVariable, TensorVariable, Mapping[str, TensorVariable], TensorVariable], None
    ]

    def coefficient_prior(self, summary: TargetSummary, units: NDArray[np.float64]) -> ScaledPrior:
        """Give the default prior of all coefficients.

        Parameters
        ----------
        summary : TargetSummary
            Of the target.
        units : ndarray of shape (n_predictors,)
            One unit of each design column.

        Returns
        -------
        ScaledPrior
            Independent normal distributions around zero.
        """
        scale = PRIOR_SCALE * summary.sd / units
        if self.slopes_per_location:
            scale = np.repeat(scale[:, None], self.location_size(summary.n_levels), axis=1)
        return ScaledPrior(pm.Normal, {"sigma": scale}, {"mu": 0.0})


def _gaussian(
    name: str,
    slope: TensorVariable,
    location: TensorVariable,
    auxiliary: Mapping[str, TensorVariable],
    observed: TensorVariable,
) -> None:
    pm.Normal(name, location + slope, auxiliary["sigma"], observed=observed, dims="row")


def _bernoulli(
    name: str,
    slope: TensorVariable,
    location: TensorVariable,
    auxiliary: Mapping[str, TensorVariable],
    observed: TensorVariable,
) -> None:
    pm.Bernoulli(name, logit_p=location + slope, observed=observed, dims="row")


def _categorical(
    name: str,
    slope: TensorVariable,
    location: TensorVariable,
    auxiliary: Mapping[str, TensorVariable],
    observed: TensorVariable,
) -> None:
    pm.Categorical(name, logit_p=location + slope, observed=observed, dims="row")


def _cumulative(
    name: str,
    slope: TensorVariable,
    location: TensorVariable,
    auxiliary: Mapping[str, TensorVariable],
    observed: TensorVariable,
) -> None:
    pm.OrderedLogistic(
        name, eta=slope, cutpoints=location, observed=observed, dims="row", compute_p=False
    )


def _no_auxiliary(summary: TargetSummary) -> dict[str, ScaledPrior]:
    return {}


def _even_logits(n_levels: int) -> NDArray[np.float64]:
    """Cutpoints that give every level the same share."""
    even: NDArray[np.float64] = logit(np.arange(1, n_levels) / n_levels)
    return even


def _standard_location(summary: TargetSummary) -> ScaledPrior:
    return ScaledPrior(pm.Normal, {}, {"mu": 0.0, "sigma": PRIOR_SCALE})


def _even_cutpoints(summary: TargetSummary) -> ScaledPrior:
    return ScaledPrior(
        pm.Normal,
        {"mu": _even_logits(summary.n_levels)},
        {"sigma": PRIOR_SCALE, "default_transform": pm.distributions.transforms.ordered},
    )


GAUSSIAN = Family(
    name="gaussian",
    scales=(Scale.CONTINUOUS,),
    link="identity",
    location="Intercept",
    location_size=lambda n_levels: 0,
    slopes_per_location=False,
    location_prior=lambda target: ScaledPrior(
        pm.Normal, {"mu": target.mean, "sigma": PRIOR_SCALE * target.sd}
    ),
    auxiliary_priors=lambda target: {
        "sigma": ScaledPrior(pm.HalfStudentT, {"sigma": target.sd}, {"nu": 3})
    },
    location_constraint={},
    likelihood=_gaussian,
)

BERNOULLI = Family(
    name="bernoulli",
    scales=(Scale.BINARY,),
    link="logit",
    location="Intercept",
    location_size=lambda n_levels: 0,
    slopes_per_location=False,
    location_prior=_standard_location,
    auxiliary_priors=_no_auxiliary,
    location_constraint={},
    likelihood=_bernoulli,
)

CATEGORICAL = Family(
    name="categorical",
    scales=(Scale.NOMINAL, Scale.ORDINAL),
    link="softmax",
    location="Intercept",
    location_size=lambda n_levels: n_levels - 1,
    slopes_per_location=True,
    location_prior=_standard_location,
    auxiliary_priors=_no_auxiliary,
    location_constraint={},
    likelihood=_categorical,
)

CUMULATIVE = Family(
    name="cumulative",
    scales=(Scale.ORDINAL,),
    link="logit",
    location="cutpoints",
    location_size=lambda n_levels: n_levels - 1,
    slopes_per_location=False,
    location_prior=_even_cutpoints,
    auxiliary_priors=_no_auxiliary,
    location_constraint={"default_transform": pm.distributions.transforms.ordered},
    likelihood=_cumulative,
)

FAMILIES: Mapping[str, Family] = {
    family.name: family for family in (GAUSSIAN, BERNOULLI, CATEGORICAL, CUMULATIVE)
}

DEFAULT_FAMILIES: Mapping[Scale, Family] = {
    Scale.CONTINUOUS: GAUSSIAN,
    Scale.BINARY: BERNOULLI,
    Scale.NOMINAL: CATEGORICAL,
    Scale.ORDINAL: CUMULATIVE,
}

"""The built-in families.

Names are Bambi's where Bambi has the family, parameters are PyMC's. Default priors are weakly
informative. A coefficient's prior standard deviation is 2.5 units of the linear predictor per unit
of the predictor, where a unit is the observed standard deviation of a continuous column and the
whole step of an indicator (Gelman, Jakulin, Pittau and Su 2008; the rule of rstanarm). Locations
are centered at the observed means of the predictors, so that their priors do not depend on where a
scale happens to have its zero.

What depends on data stands in the arguments of a prior, never in its kind, so that all targets of a
family share one compiled program.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bayesmice.data import Scale
from bayesmice.later import later
from bayesmice.models import intervals, likelihoods
from bayesmice.models.families import Auxiliary, Family, Predictors, TargetSummary
from bayesmice.models.priors import ScaledPrior
from bayesmice.models.skewness import LARGEST_SKEWNESS
from bayesmice.models.supports import (
    ANGLES,
    CODES,
    COUNTS,
    NONNEGATIVE,
    POSITIVE,
    UNIT_INTERVAL,
)

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.tensor.variable import TensorVariable
else:
    pm = later("pymc")

special = later("scipy.special")

LEAST_SPREAD = 1e-4
"""Smallest residual standard deviation, in units of the target."""
LEAST_SHAPE = 0.1
"""Smallest scale of a shape's prior, for data that are spread more than any shape describes."""


def _spread(target: TargetSummary) -> ScaledPrior:
    """Residual standard deviation, on the scale of the linear predictor.

    A half t distribution with the observed spread as its scale (Gelman 2006): flat below, so that
    predictors may explain almost everything, with a tail that the data can override. It begins at
    `LEAST_SPREAD`: where other columns determine the target exactly, the posterior of a standard
    deviation that could be zero would be improper.
    """
    return ScaledPrior("HalfStudentT", {"sigma": target.unit}, {"nu": 3}, _spread_transform)


def _spread_transform() -> object:
    return pm.logprob.transforms.IntervalTransform(_above_least_spread)


def _above_least_spread(*inputs: TensorVariable) -> tuple[TensorVariable, None]:
    """Bound a standard deviation from below, by the scale that ends the prior's arguments."""
    return LEAST_SPREAD * inputs[-1], None


def _tails(target: TargetSummary) -> ScaledPrior:
    """Degrees of freedom (Juarez and Steel 2010): mass from Cauchy-like to normal tails."""
    return ScaledPrior("Gamma", {}, {"alpha": 2.0, "beta": 0.1})


def _skewness(target: TargetSummary) -> ScaledPrior:
    """Flat over what a skew-normal distribution can have."""
    bound = LARGEST_SKEWNESS
    return ScaledPrior("Uniform", {}, {"lower": -bound, "upper": bound})


# Shapes grow without limit as the residual spread shrinks, and scale-free beliefs about them span
# orders of magnitude. Half-Cauchy distributions, Bambi's choice but for angles, put half of their
# mass below their scale, and their tails give way to the data at a cost of one unit of log-density
# per e-fold. Where moments of the target tell the shape that it would have without predictors, that
# is their scale; otherwise it is 1.


def _gamma_shape(target: TargetSummary) -> ScaledPrior:
    """Shape of a gamma distribution: its coefficient of variation is 1 / sqrt(alpha)."""
    return _half_cauchy((target.mean / target.sd) ** 2)


def _weibull_shape(target: TargetSummary) -> ScaledPrior:
    """Shape by the coefficient of variation (Justus, Hargraves, Mikhail and Graber 1978)."""
    return _half_cauchy((target.mean / target.sd) ** 1.086)


def _beta_precision(target: TargetSummary) -> ScaledPrior:
    """Precision of a beta distribution, whose variance is mean (1 - mean) / (1 + kappa)."""
    return _half_cauchy(target.mean * (1.0 - target.mean) / target.sd**2 - 1.0)


def _concentration(target: TargetSummary) -> ScaledPrior:
    """Concentration of angles, about one over their variance where they are concentrated."""
    return _half_cauchy(target.sd**-2.0)


def _shape(target: TargetSummary) -> ScaledPrior:
    return _half_cauchy(1.0)


def _half_cauchy(scale: float) -> ScaledPrior:
    return ScaledPrior("HalfCauchy", {"beta": max(scale, LEAST_SHAPE)})


def _share(target: TargetSummary) -> ScaledPrior:
    """Share of values from the positive or count part; keeps off both ends."""
    return ScaledPrior("Beta", {}, {"alpha": 2.0, "beta": 2.0})


def _of_logs(values: NDArray[np.float64]) -> tuple[float, float]:
    logs = np.log(values)
    spread = float(logs.std(ddof=1)) if len(logs) > 1 else 0.0
    return float(logs.mean()), spread or 1.0


def _of_positive_logs(values: NDArray[np.float64]) -> tuple[float, float]:
    return _of_logs(values[values > 0])


def _log_of_positive_mean(values: NDArray[np.float64]) -> tuple[float, float]:
    return float(np.log(values[values > 0].mean())), 1.0


def _logit_of_mean(values: NDArray[np.float64]) -> tuple[float, float]:
    return float(special.logit(values.mean())), 1.0


GAUSSIAN = Family(
    "gaussian",
    likelihoods.NORMAL,
    auxiliary={"sigma": Auxiliary(_spread)},
    log_interval=intervals.normal,
)

T = Family(
    "t",
    likelihoods.of_pymc("StudentT"),
    auxiliary={"sigma": Auxiliary(_spread), "nu": Auxiliary(_tails)},
    log_interval=intervals.student_t,
)

SKEWNORMAL = Family(
    "skewnormal",
    likelihoods.skew_normal,
    auxiliary={"sigma": Auxiliary(_spread), "skewness": Auxiliary(_skewness, link="skewness")},
    log_interval=intervals.skew_normal,
)

LOGNORMAL = Family(
    "lognormal",
    likelihoods.of_pymc("LogNormal"),
    auxiliary={"sigma": Auxiliary(_spread)},
    support=POSITIVE,
    log_interval=intervals.lognormal,
    summarize=_of_logs,
)

GAMMA = Family(
    "gamma",
    likelihoods.gamma,
    link="log",
    auxiliary={"alpha": Auxiliary(_gamma_shape)},
    support=POSITIVE,
    log_interval=intervals.gamma,
)

WEIBULL = Family(
    "weibull",
    likelihoods.weibull,
    link="log",
    auxiliary={"alpha": Auxiliary(_weibull_shape)},
    support=POSITIVE,
    log_interval=intervals.weibull,
)

BETA = Family(
    "beta",
    likelihoods.beta,
    link="logit",
    auxiliary={"kappa": Auxiliary(_beta_precision)},
    support=UNIT_INTERVAL,
    at_link={"logit": likelihoods.beta_at_logit},
    log_interval=intervals.beta,
    summarize=_logit_of_mean,
)

BERNOULLI = Family(
    "bernoulli",
    likelihoods.of_pymc("Bernoulli"),
    parent="p",
    link="logit",
    other_links=("probit", "cloglog"),
    support=CODES,
    scales=(Scale.BINARY,),
    at_link={
        "logit": likelihoods.bernoulli_at_logit,
        "probit": likelihoods.bernoulli_at_probit,
        "cloglog": likelihoods.bernoulli_at_cloglog,
    },
)

BINOMIAL = Family(
    "binomial",
    likelihoods.binomial,
    parent="p",
    link="logit",
    other_links=("probit", "cloglog"),
    support=COUNTS,
    given=("n",),
    at_link={
        "logit": likelihoods.binomial_at_logit,
        "probit": likelihoods.binomial_at_probit,
        "cloglog": likelihoods.binomial_at_cloglog,
    },
    log_interval=intervals.binomial,
)

CATEGORICAL = Family(
    "categorical",
    likelihoods.of_pymc("Categorical"),
    parent="p",
    link="softmax",
    support=CODES,
    scales=(Scale.NOMINAL, Scale.ORDINAL),
    predictors=Predictors.PER_LEVEL,
    at_link={"softmax": likelihoods.categorical},
)

CUMULATIVE = Family(
    "cumulative",
    likelihoods.ordered_logit,
    parent="eta",
    link="logit",
    other_links=("probit",),
    support=CODES,
    scales=(Scale.ORDINAL,),
    predictors=Predictors.CUTPOINTS,
    at_link={"logit": likelihoods.ordered_logit, "probit": likelihoods.ordered_probit},
)

POISSON = Family(
    "poisson",
    likelihoods.of_pymc("Poisson"),
    link="log",
    support=COUNTS,
    log_interval=intervals.poisson,
)

NEGATIVEBINOMIAL = Family(
    "negativebinomial",
    likelihoods.negative_binomial,
    link="log",
    auxiliary={"alpha": Auxiliary(_shape)},
    support=COUNTS,
    log_interval=intervals.negative_binomial,
)

ZERO_INFLATED_POISSON = Family(
    "zero_inflated_poisson",
    likelihoods.zero_inflated_poisson,
    link="log",
    auxiliary={"psi": Auxiliary(_share, link="logit")},
    support=COUNTS,
    log_interval=intervals.zero_inflated_poisson,
    summarize=_log_of_positive_mean,
)

ZERO_INFLATED_NEGATIVEBINOMIAL = Family(
    "zero_inflated_negativebinomial",
    likelihoods.zero_inflated_negative_binomial,
    link="log",
    auxiliary={"alpha": Auxiliary(_shape), "psi": Auxiliary(_share, link="logit")},
    support=COUNTS,
    log_interval=intervals.zero_inflated_negative_binomial,
    summarize=_log_of_positive_mean,
)

HURDLE_GAMMA = Family(
    "hurdle_gamma",
    likelihoods.hurdle_gamma,
    link="log",
    auxiliary={"alpha": Auxiliary(_shape), "psi": Auxiliary(_share, link="logit")},
    support=NONNEGATIVE,
    summarize=_log_of_positive_mean,
)

HURDLE_LOGNORMAL = Family(
    "hurdle_lognormal",
    likelihoods.hurdle_lognormal,
    auxiliary={"sigma": Auxiliary(_spread), "psi": Auxiliary(_share, link="logit")},
    support=NONNEGATIVE,
    summarize=_of_positive_logs,
)

VONMISES = Family(
    "vonmises",
    likelihoods.of_pymc("VonMises"),
    link="tan_half",
    auxiliary={"kappa": Auxiliary(_concentration)},
    support=ANGLES,
)

TRUNCATED_GAUSSIAN = Family(
    "truncated_gaussian",
    likelihoods.truncated_normal,
    auxiliary={"sigma": Auxiliary(_spread)},
    given=("lower", "upper"),
    log_interval=intervals.truncated_normal,
)
"""The gaussian family of a column with bounds; nobody asks for it by name."""

FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        GAUSSIAN,
        T,
        SKEWNORMAL,
        LOGNORMAL,
        GAMMA,
        WEIBULL,
        BETA,
        BERNOULLI,
        BINOMIAL,
        CATEGORICAL,
        CUMULATIVE,
        POISSON,
        NEGATIVEBINOMIAL,
        ZERO_INFLATED_POISSON,
        ZERO_INFLATED_NEGATIVEBINOMIAL,
        HURDLE_GAMMA,
        HURDLE_LOGNORMAL,
        VONMISES,
    )
}

DEFAULT_FAMILIES: Mapping[Scale, Family] = {
    Scale.CONTINUOUS: GAUSSIAN,
    Scale.BINARY: BERNOULLI,
    Scale.NOMINAL: CATEGORICAL,
    Scale.ORDINAL: CUMULATIVE,
}


def is_built_in(family: Family) -> bool:
    """Tell whether a family is one of these, with any of its links."""
    known = FAMILIES.get(family.name, TRUNCATED_GAUSSIAN)
    return known.by_link.get(family.link) is family

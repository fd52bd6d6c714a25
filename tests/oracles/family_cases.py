"""A small data set for every family: a law, priors, and the truth that its values come from.

One incomplete column and one complete predictor, with priors of one's own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import laws
import numpy as np
from free_parameters import ORDERED, Parameter, gamma, half_normal, normal, share, skewness
from laws import Array, Law

OBSERVED, MISSING = 20, 8
HALVINGS = 60
TRIALS = np.array([3, 9, 5, 6, 4, 8, 12] * 4)
X = np.round(np.random.default_rng(3).normal(size=OBSERVED + MISSING), 3)


@dataclass(frozen=True, eq=False)
class FamilyCase:
    """A family with priors, and the truth that the observed values were drawn from.

    Attributes
    ----------
    law : callable
        ``law(parameters, x, trials)``.
    parameters : mapping of str to Parameter
        By the name of the engine.
    truth : mapping of str to float or list
        Parameters of the data.
    range : tuple of float
        Between which the values of the data lie.
    is_whole : bool
        Whether they are whole numbers.
    labels : tuple of str
        Level names, where codes stand for levels.
    is_ordered : bool
        Whether the levels are.
    extra : mapping of str to object
        Further arguments of `bayesmice.Regression`.
    """

    law: Callable[[Mapping[str, Array], Array, Array], Law]
    parameters: Mapping[str, Parameter]
    truth: Mapping[str, Any]
    range: tuple[float, float] = (0.0, 100.0)
    is_whole: bool = False
    labels: tuple[str, ...] = ()
    is_ordered: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


def location(mean: float = 0.0, sd: float = 1.5) -> dict[str, Parameter]:
    return {"Intercept": normal(mean, sd), "x": normal(0.0, 1.0)}


LEVELS = ("low", "middle", "top")
REALS, ANGLES, COUNTS, CODES = (-50.0, 50.0), (-np.pi, np.pi), (-0.5, 200.0), (-0.5, 2.0)
CASES: Mapping[str, FamilyCase] = {
    "gaussian": FamilyCase(
        laws.gaussian,
        location() | {"sigma": half_normal(2.0)},
        {"Intercept": 1.0, "x": 0.5, "sigma": 0.8},
        REALS,
    ),
    "t": FamilyCase(
        laws.student_t,
        location() | {"sigma": half_normal(2.0), "nu": gamma(2.0, 0.1)},
        {"Intercept": 1.0, "x": 0.5, "sigma": 0.8, "nu": 4.0},
        REALS,
    ),
    "skewnormal": FamilyCase(
        laws.skewnormal,
        location() | {"sigma": half_normal(2.0), "skewness": skewness()},
        {"Intercept": 1.0, "x": 0.5, "sigma": 0.8, "skewness": 0.6},
        REALS,
    ),
    "lognormal": FamilyCase(
        laws.lognormal,
        location() | {"sigma": half_normal(1.0)},
        {"Intercept": 1.0, "x": 0.5, "sigma": 0.6},
    ),
    "gamma": FamilyCase(
        laws.gamma,
        location() | {"alpha": gamma(2.0, 0.5)},
        {"Intercept": 1.0, "x": 0.5, "alpha": 2.0},
    ),
    "weibull": FamilyCase(
        laws.weibull,
        location() | {"alpha": gamma(2.0, 0.5)},
        {"Intercept": 1.0, "x": 0.5, "alpha": 1.5},
    ),
    "beta": FamilyCase(
        laws.beta,
        location() | {"kappa": gamma(2.0, 0.2)},
        {"Intercept": 0.3, "x": 0.7, "kappa": 6.0},
        (0.0, 1.0),
    ),
    "bernoulli": FamilyCase(
        laws.bernoulli, location(), {"Intercept": 0.2, "x": 0.8}, (-0.5, 1.0), is_whole=True
    ),
    "binomial": FamilyCase(
        laws.binomial,
        location(),
        {"Intercept": 0.2, "x": 0.6},
        COUNTS,
        is_whole=True,
        extra={"trials": "n"},
    ),
    "categorical": FamilyCase(
        laws.categorical,
        {"Intercept": normal(0.0, 1.5, size=2), "x": normal(0.0, 1.0, size=2)},
        {"Intercept": [0.3, -0.2], "x": [0.7, -0.5]},
        CODES,
        is_whole=True,
        labels=LEVELS,
    ),
    "cumulative": FamilyCase(
        laws.cumulative,
        {"cutpoints": normal(0.0, 2.0, ORDERED, size=2), "x": normal(0.0, 1.0)},
        {"cutpoints": [-0.6, 0.8], "x": 0.7},
        CODES,
        is_whole=True,
        labels=LEVELS,
        is_ordered=True,
    ),
    "poisson": FamilyCase(
        laws.poisson, location(), {"Intercept": 1.0, "x": 0.4}, COUNTS, is_whole=True
    ),
    "negativebinomial": FamilyCase(
        laws.negativebinomial,
        location() | {"alpha": gamma(2.0, 0.5)},
        {"Intercept": 1.2, "x": 0.4, "alpha": 2.0},
        COUNTS,
        is_whole=True,
    ),
    "zero_inflated_poisson": FamilyCase(
        laws.zero_inflated_poisson,
        location() | {"psi": share(2.0, 2.0)},
        {"Intercept": 1.2, "x": 0.4, "psi": 0.7},
        COUNTS,
        is_whole=True,
    ),
    "zero_inflated_negativebinomial": FamilyCase(
        laws.zero_inflated_negativebinomial,
        location(1.0, 1.0) | {"alpha": gamma(3.0, 1.0), "psi": share(3.0, 2.0)},
        {"Intercept": 1.5, "x": 0.4, "alpha": 3.0, "psi": 0.7},
        COUNTS,
        is_whole=True,
    ),
    "hurdle_gamma": FamilyCase(
        laws.hurdle_gamma,
        location() | {"alpha": gamma(2.0, 0.5), "psi": share(2.0, 2.0)},
        {"Intercept": 1.0, "x": 0.5, "alpha": 2.0, "psi": 0.7},
    ),
    "hurdle_lognormal": FamilyCase(
        laws.hurdle_lognormal,
        location() | {"sigma": half_normal(1.0), "psi": share(2.0, 2.0)},
        {"Intercept": 1.0, "x": 0.5, "sigma": 0.6, "psi": 0.7},
    ),
    "vonmises": FamilyCase(
        laws.vonmises,
        location(0.0, 0.7) | {"kappa": gamma(2.0, 0.5)},
        {"Intercept": 0.3, "x": 0.4, "kappa": 3.0},
        ANGLES,
    ),
}


def shaped(values: Mapping[str, Any], case: FamilyCase) -> dict[str, Array]:
    """Give parameters of shape (n, k) as laws read them: (n, 1), or (n, k, 1) for vectors."""
    return {
        name: np.asarray(values[name])[..., None] if own.is_vector else np.asarray(values[name])
        for name, own in case.parameters.items()
    }


@cache
def observed_values(name: str) -> Array:
    """Draw the data, always the same: by inverting the distribution function of the truth."""
    case = CASES[name]
    rng = np.random.default_rng(sum(map(ord, name)))
    truth = {key: np.atleast_2d(np.asarray(value, float)) for key, value in case.truth.items()}
    law = case.law(shaped(truth, case), X[:OBSERVED], TRIALS[:OBSERVED])
    wanted = rng.random(OBSERVED)
    low, high = (np.full(OBSERVED, float(end)) for end in case.range)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        at = np.floor(middle) if case.is_whole else middle
        is_below = law.upto(at)[0] < wanted
        low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
    return np.floor(high) if case.is_whole else np.round(high, 6)

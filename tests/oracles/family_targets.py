"""A small target for every family, and its conditional model with the default priors."""

from dataclasses import dataclass, field

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayesmice.data import Column, Scale
from bayesmice.models.catalog import FAMILIES, TRUNCATED_GAUSSIAN
from bayesmice.models.families import Family, Predictors
from bayesmice.models.priors import ScaledPrior, write_prior

N_LEVELS = {Scale.CONTINUOUS: 0, Scale.BINARY: 2, Scale.NOMINAL: 3, Scale.ORDINAL: 3}
REALS = np.array([-2.1, -0.4, 0.3, 0.8, 1.1, 2.6, 3.0, 9.5])
POSITIVES = np.array([0.2, 0.5, 0.9, 1.4, 2.2, 2.9, 4.1, 9.0])
COUNTS = np.array([0, 0, 0, 1, 2, 2, 4, 9])
CODES = np.array([0, 1, 2, 0, 1, 2, 1, 0])


@dataclass(frozen=True)
class FamilyTarget:
    """Values that a family describes, and its known parameters by row."""

    values: np.ndarray
    given: dict[str, np.ndarray] = field(default_factory=dict)
    has_units: bool = False
    """Whether the values may be multiplied by any positive number."""


TARGETS = {
    "gaussian": FamilyTarget(REALS, has_units=True),
    "t": FamilyTarget(REALS, has_units=True),
    "skewnormal": FamilyTarget(REALS, has_units=True),
    "lognormal": FamilyTarget(POSITIVES, has_units=True),
    "gamma": FamilyTarget(POSITIVES, has_units=True),
    "weibull": FamilyTarget(POSITIVES, has_units=True),
    "beta": FamilyTarget(np.array([0.01, 0.2, 0.4, 0.5, 0.6, 0.7, 0.9, 0.9999])),
    "bernoulli": FamilyTarget(np.array([0, 1, 0, 1, 1, 0, 0, 1])),
    "binomial": FamilyTarget(
        np.array([0, 1, 5, 3, 0, 2, 4, 7]), {"n": np.array([2, 3, 5, 9, 1, 4, 4, 8.0])}
    ),
    "categorical": FamilyTarget(CODES),
    "cumulative": FamilyTarget(CODES),
    "poisson": FamilyTarget(COUNTS),
    "negativebinomial": FamilyTarget(COUNTS),
    "zero_inflated_poisson": FamilyTarget(COUNTS),
    "zero_inflated_negativebinomial": FamilyTarget(COUNTS),
    "hurdle_gamma": FamilyTarget(np.append(0.0, POSITIVES[1:]), has_units=True),
    "hurdle_lognormal": FamilyTarget(np.append(0.0, POSITIVES[1:]), has_units=True),
    "vonmises": FamilyTarget(np.array([-3.1, -0.4, 0.1, 0.3, 0.7, 1.2, 1.9, 3.1])),
    "truncated_gaussian": FamilyTarget(
        POSITIVES,
        {
            "lower": np.array([0, 0, 0, 0, -np.inf, 0, 0, -np.inf]),
            "upper": np.array([9, 9, 9, np.inf, np.inf, 9, np.inf, 9.0]),
        },
        has_units=True,
    ),
}

ALL_FAMILIES = {**FAMILIES, TRUNCATED_GAUSSIAN.name: TRUNCATED_GAUSSIAN}
LINKED_FAMILIES = [(name, link) for name, family in ALL_FAMILIES.items() for link in family.by_link]
"""Every family with each of its links, by name."""


def linked(name: str, link: str) -> Family:
    """Give a family with one of its links."""
    return ALL_FAMILIES[name].by_link[link]


def column(family: Family, values: np.ndarray) -> Column:
    """Make a column of the scale that suits a family."""
    scale = family.scales[-1]
    return Column("y", scale, values.astype(float), tuple(range(N_LEVELS[scale])))


def conditional_model(family: Family, target: FamilyTarget) -> pm.Model:
    """Write the model of a target given one predictor, with the default priors."""
    values = column(family, target.values)
    summary = family.summary(values)
    size = family.location_size(len(values.levels))
    coords = {"row": range(len(target.values)), "level": range(size)}
    dims = ("level",) if size else ()
    slope_dims = dims if family.predictors is Predictors.PER_LEVEL else ()
    scales = family.coefficient_scale(summary, np.ones(1))[0]
    with pm.Model(coords=coords) as model:
        x = pm.Data("x", np.linspace(-1, 1, len(target.values)), dims="row")
        discrete = family.support.is_discrete
        observed = target.values.astype(np.int32 if discrete else np.float64)
        y = pm.Data("observed", observed, dims="row")
        given = {name: pm.Data(name, known, dims="row") for name, known in target.given.items()}
        location = write_prior("location", family.location_prior(summary), dims, ())
        slope_prior = ScaledPrior("Normal", {"sigma": scales}, {"mu": 0.0})
        slope = write_prior("slope", slope_prior, slope_dims, ())
        auxiliary = {
            name: write_prior(name, parameter.default_prior(summary), (), ())
            for name, parameter in family.auxiliaries.items()
        }
        if family.predictors is Predictors.CUTPOINTS:
            eta, auxiliary = x * slope, {"cutpoints": location}
        elif family.predictors is Predictors.PER_LEVEL:
            slopes = pt.concatenate([np.zeros(1), slope])
            eta = pt.concatenate([np.zeros(1), location]) + x[:, None] * slopes
        else:
            eta = location + x * slope
        family.write("y", eta, auxiliary | given, y)
    return model

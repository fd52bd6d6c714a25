"""Blueprints: all that is needed to write the PyMC model of a regression, and the writing.

The same function writes the model that a user looks at (the target's own predictors, its observed
rows) and the one that the engine compiles (all design columns, shared by all targets of a family).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from bayesmice.data import Column
from bayesmice.models.families import Family, TargetSummary
from bayesmice.models.priors import Prior, ScaledPrior, write_prior

COEFFICIENTS = "coefficients"
PREDICTORS_DATA = "predictors"
OBSERVED_DATA = "observed"
CENTERS_DATA = "centers"


@dataclass(frozen=True, eq=False)
class Blueprint:
    """All that is needed to write the PyMC model of a regression.

    Attributes
    ----------
    target : str
        Name of the observed variable.
    family : Family
        Its distribution.
    location_names : tuple of str
        Labels of a vector location; empty for a scalar one.
    design_names : tuple of str
        Names of the design columns.
    centers : ndarray of shape (n_design,)
        What was subtracted from each.
    free : ndarray of shape (n_free,)
        Positions of the design columns whose coefficients share the variable ``coefficients``.
    free_prior : Prior
        The prior of those.
    groups : mapping of str to (Prior, positions)
        Coefficients with priors of their own.
    location_prior : Prior
        A `ScaledPrior` is for the centered location, a user's prior for the location where every
        predictor is zero.
    auxiliary_priors : mapping of str to Prior
        Of the auxiliary parameters.
    """

    target: str
    family: Family
    location_names: tuple[str, ...]
    design_names: tuple[str, ...]
    centers: NDArray[np.float64]
    free: NDArray[np.intp]
    free_prior: Prior
    groups: Mapping[str, tuple[Prior, NDArray[np.intp]]]
    location_prior: Prior
    auxiliary_priors: Mapping[str, Prior]

    @cached_property
    def coords(self) -> dict[str, list[str]]:
        """Labels of every dimension but the rows."""
        coords = {"predictor": [self.design_names[position] for position in self.free]}
        for name, (_, positions) in self.groups.items():
            if len(positions) > 1:
                coords[f"{name}_coefficient"] = [self.design_names[p] for p in positions]
        if self.location_names:
            coords[self.location_dim] = list(self.location_names)
        return coords

    @property
    def location_dim(self) -> str:
        """Name of the dimension of a vector location."""
        return "level" if self.family.slopes_per_location else "cutpoint"

    @property
    def location_dims(self) -> tuple[str, ...]:
        """Dimensions of the location."""
        return (self.location_dim,) if self.location_names else ()

    @property
    def slope_dims(self) -> tuple[str, ...]:
        """Dimensions that each coefficient has besides its predictor."""
        return self.location_dims if self.family.slopes_per_location else ()

    @property
    def data(self) -> dict[str, NDArray[np.float64]]:
        """What the written model reads besides rows: centers and arguments of default priors."""
        data = {CENTERS_DATA: self.centers}
        for name, prior in self._priors.items():
            if isinstance(prior, ScaledPrior):
                data |= prior.data(name)
        return data

    @property
    def _priors(self) -> dict[str, Prior]:
        location = self.family.location
        if isinstance(self.location_prior, ScaledPrior):
            location = f"{location}_centered"
        priors = {location: self.location_prior} | dict(self.auxiliary_priors)
        if len(self.free):
            priors[COEFFICIENTS] = self.free_prior
        return priors | {name: prior for name, (prior, _) in self.groups.items()}

    @property
    def is_fixed(self) -> bool:
        """Whether every parameter is fixed at a number."""
        return all(isinstance(prior, int | float | np.number) for prior in self._priors.values())

    @property
    def names(self) -> set[str]:
        """Names of variables, data and dimensions of the written model, but for the target."""
        model = {PREDICTORS_DATA, OBSERVED_DATA, "row", "design_column", self.family.location}
        return model | set(self._priors) | set(self.data) | set(self.coords)


def write_regression(
    blueprint: Blueprint, predictors: NDArray[np.float64], observed: NDArray[np.generic]
) -> pm.Model:
    """Write a regression as a PyMC model.

    Parameters
    ----------
    blueprint : Blueprint
        What to write.
    predictors : ndarray of shape (n_rows, n_design)
        Centered design.
    observed : ndarray of shape (n_rows,)
        Values or level codes of the target.

    Returns
    -------
    pm.Model
        With the free variables ``coefficients``, the location and the auxiliary parameters, and one
        observed variable named after the target.
    """
    family = blueprint.family
    with pm.Model(coords=blueprint.coords) as model:
        design = pm.Data(PREDICTORS_DATA, predictors, dims=("row", "design_column"))
        centers = pm.Data(CENTERS_DATA, blueprint.centers, dims="design_column")
        response = pm.Data(OBSERVED_DATA, observed, dims="row")
        coefficients = _write_coefficients(blueprint)
        location = _write_location(blueprint, centers @ coefficients)
        auxiliary = {
            name: write_prior(name, prior, (), ())
            for name, prior in blueprint.auxiliary_priors.items()
        }
        if family.slopes_per_location:
            coefficients = _with_reference(np.zeros((len(blueprint.design_names), 1)), coefficients)
            location = _with_reference(np.zeros(1), location)
        family.likelihood(blueprint.target, design @ coefficients, location, auxiliary, response)
    return model


def _with_reference(zeros: NDArray[np.float64], others: TensorVariable) -> TensorVariable:
    return pt.concatenate([pt.as_tensor(zeros), others], axis=-1)


def _write_coefficients(blueprint: Blueprint) -> TensorVariable:
    n_design = len(blueprint.design_names)
    extra = (len(blueprint.location_names),) if blueprint.slope_dims else ()
    everything = pt.zeros((n_design, *extra))
    if len(blueprint.free):
        free = write_prior(
            COEFFICIENTS,
            blueprint.free_prior,
            ("predictor", *blueprint.slope_dims),
            (len(blueprint.free), *extra),
        )
        if len(blueprint.free) == n_design:
            return free
        everything = everything[blueprint.free].set(free)
    for name, (prior, positions) in blueprint.groups.items():
        own_dim = (f"{name}_coefficient",) if len(positions) > 1 else ()
        own_shape = (len(positions),) if len(positions) > 1 else ()
        group = write_prior(name, prior, (*own_dim, *blueprint.slope_dims), (*own_shape, *extra))
        everything = everything[positions if own_dim else positions[0]].set(group)
    return everything


def _write_location(blueprint: Blueprint, at_centers: TensorVariable) -> TensorVariable:
    name, dims = blueprint.family.location, blueprint.location_dims
    sign = -1.0 if name == "Intercept" else 1.0
    if isinstance(blueprint.location_prior, ScaledPrior):
        centered = write_prior(f"{name}_centered", blueprint.location_prior, dims, ())
        pm.Deterministic(name, centered + sign * at_centers, dims=dims or None)
        return centered
    shape = (len(blueprint.location_names),) if dims else ()
    constraint = blueprint.family.location_constraint
    location = write_prior(name, blueprint.location_prior, dims, shape, constraint)
    return location - sign * at_centers


def location_names(family: Family, target: Column) -> tuple[str, ...]:
    """Label the elements of a vector location by the levels of the target."""
    if not family.location_size(len(target.levels)):
        return ()
    if family.slopes_per_location:
        return tuple(str(level) for level in target.levels[1:])
    pairs = zip(target.levels[:-1], target.levels[1:], strict=True)
    return tuple(f"{low}|{high}" for low, high in pairs)


def generic_blueprint(family: Family, n_levels: int, n_design: int) -> Blueprint:
    """Make the blueprint that all targets of a family share, with default priors of unit scale.

    Parameters
    ----------
    family : Family
        The family.
    n_levels : int
        Levels of the target; 0 for a continuous one.
    n_design : int
        Width of the design.

    Returns
    -------
    Blueprint
        The real values of its `Blueprint.data` belong to a target and are given to the compiled
        program.
    """
    summary = TargetSummary(0.0, 1.0, n_levels)
    return Blueprint(
        target="target",
        family=family,
        location_names=tuple(map(str, range(family.location_size(n_levels)))),
        design_names=tuple(f"column{position}" for position in range(n_design)),
        centers=np.zeros(n_design),
        free=np.arange(n_design),
        free_prior=family.coefficient_prior(summary, np.ones(n_design)),
        groups={},
        location_prior=family.location_prior(summary),
        auxiliary_priors=dict(family.auxiliary_priors(summary)),
    )

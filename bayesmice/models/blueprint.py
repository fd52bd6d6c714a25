"""Blueprints: all that is needed to write the PyMC model of a regression, and the writing.

The same function writes the model that a user looks at (the target's own predictors, its observed
rows) and the one that the engine compiles (all design columns, shared by all targets of a family).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bayesmice.data import Column
from bayesmice.later import later
from bayesmice.models import likelihoods
from bayesmice.models.families import STANDARD, Family, Predictors, TargetSummary
from bayesmice.models.links import LINKS
from bayesmice.models.priors import (
    JointPrior,
    Prior,
    ScaledPrior,
    normal_coefficients,
    write_prior,
)

if TYPE_CHECKING:
    import pymc as pm
    import pytensor.tensor as pt
    from pytensor.tensor.variable import TensorVariable
else:
    pm, pt = later("pymc"), later("pytensor.tensor")

COEFFICIENTS = "coefficients"
PREDICTORS_DATA = "predictors"
OBSERVED_DATA = "observed"
CENTERS_DATA = "centers"
CENSORED = "censored_"
"""Prefix of the data of rows that are known by their limits only."""
LIMITS_DATA = ("lower_limit", "upper_limit")
LIMITS_POTENTIAL = "within_limits"
CENSORED_DIM = "censored"


@dataclass(frozen=True, eq=False)
class LinearPredictor:
    """How one parameter of a likelihood depends on the design, with the priors of its coefficients.

    Attributes
    ----------
    prefix : str
        What its variables' names begin with: empty for the parent, ``"sigma_"`` for an auxiliary
        parameter.
    location : str
        Name of what shifts it, without the prefix; empty where nothing does.
    location_names : tuple of str
        Labels of a vector location; empty for a scalar one.
    per_location : bool
        Whether each element of the location has its own coefficients.
    location_prior : Prior
        A `ScaledPrior` is for the centered location, a user's prior for the location where every
        predictor is zero.
    location_constraint : callable or None
        What gives the ``default_transform`` of a location that has a user's prior.
    design_names : tuple of str
        Names of the design columns.
    centers : ndarray of shape (n_design,)
        What was subtracted from each.
    scales : ndarray of shape (n_design[, n_locations])
        Default prior standard deviation of each coefficient.
    free : ndarray of shape (n_free,)
        Positions of the design columns whose coefficients share the variable ``coefficients``.
    free_prior : Prior
        The prior of those.
    groups : mapping of str to (Prior, positions)
        Coefficients with priors of their own.
    """

    prefix: str
    location: str
    location_names: tuple[str, ...]
    per_location: bool
    location_prior: Prior
    location_constraint: Callable[[], object] | None
    design_names: tuple[str, ...]
    centers: NDArray[np.float64]
    scales: NDArray[np.float64]
    free: NDArray[np.intp]
    free_prior: Prior
    groups: Mapping[str, tuple[Prior, NDArray[np.intp]]]

    @property
    def location_dim(self) -> str:
        """Name of the dimension of a vector location."""
        return "level" if self.per_location else "cutpoint"

    @property
    def location_dims(self) -> tuple[str, ...]:
        """Dimensions of the location."""
        return (self.location_dim,) if self.location_names else ()

    @property
    def slope_dims(self) -> tuple[str, ...]:
        """Dimensions that each coefficient has besides its predictor."""
        return self.location_dims if self.per_location else ()

    @property
    def slope_shape(self) -> tuple[int, ...]:
        """Shape that each coefficient has besides its predictor."""
        return (len(self.location_names),) if self.slope_dims else ()

    @cached_property
    def coords(self) -> dict[str, list[str]]:
        """Labels of the dimensions of its variables."""
        coords = {f"{self.prefix}predictor": [self.design_names[i] for i in self.free]}
        for name, (_, positions) in self.groups.items():
            if len(positions) > 1:
                coords[self.group_dim(name)] = [self.design_names[i] for i in positions]
        if self.location_names:
            coords[self.location_dim] = list(self.location_names)
        return coords

    def group_dim(self, name: str) -> str:
        """Name the dimension of coefficients that share a prior of their own."""
        return f"{self.prefix}{name}_coefficient"

    @property
    def priors(self) -> dict[str, Prior]:
        """The priors by variable name."""
        priors: dict[str, Prior] = {}
        if self.location:
            centered = "_centered" if isinstance(self.location_prior, ScaledPrior) else ""
            priors[f"{self.prefix}{self.location}{centered}"] = self.location_prior
        if len(self.free):
            priors[f"{self.prefix}{COEFFICIENTS}"] = self.free_prior
        return priors | {f"{self.prefix}{name}": prior for name, (prior, _) in self.groups.items()}

    def write(self) -> WrittenPredictor:
        """Write the coefficients and the location into the model in context.

        Returns
        -------
        WrittenPredictor
            What gives the linear predictor of any rows.
        """
        centers = pm.Data(
            f"{self.prefix}{CENTERS_DATA}", self.centers, dims=f"{self.prefix}design_column"
        )
        coefficients = self._write_coefficients()
        location = self._write_location(centers @ coefficients) if self.location else pt.zeros(())
        if self.location_names:
            # Likelihoods have to know the number of levels while they are written.
            location = pt.specify_shape(location, (len(self.location_names),))
        if self.per_location:
            coefficients = _with_reference(np.zeros((len(self.design_names), 1)), coefficients)
            location = _with_reference(np.zeros(1), location)
        return WrittenPredictor(coefficients, location)

    def _write_coefficients(self) -> TensorVariable:
        n_design, extra = len(self.design_names), self.slope_shape
        everything = pt.zeros((n_design, *extra))
        if len(self.free):
            free = write_prior(
                f"{self.prefix}{COEFFICIENTS}",
                self.free_prior,
                (f"{self.prefix}predictor", *self.slope_dims),
                (len(self.free), *extra),
                scales=self.scales[self.free],
            )
            if len(self.free) == n_design:
                return free
            everything = everything[self.free].set(free)
        for name, (prior, positions) in self.groups.items():
            is_vector = len(positions) > 1 or isinstance(prior, JointPrior)
            if is_vector and len(positions) == 1:
                pm.modelcontext(None).add_coord(
                    self.group_dim(name), [self.design_names[positions[0]]]
                )
            group = write_prior(
                f"{self.prefix}{name}",
                prior,
                (*((self.group_dim(name),) if is_vector else ()), *self.slope_dims),
                (*((len(positions),) if is_vector else ()), *extra),
                scales=self.scales[positions if is_vector else positions[0]],
            )
            everything = everything[positions if is_vector else positions[0]].set(group)
        return everything

    def _write_location(self, at_centers: TensorVariable) -> TensorVariable:
        name, dims = f"{self.prefix}{self.location}", self.location_dims
        sign = -1.0 if self.location == "Intercept" else 1.0
        if isinstance(self.location_prior, ScaledPrior):
            centered = write_prior(f"{name}_centered", self.location_prior, dims, ())
            pm.Deterministic(name, centered + sign * at_centers, dims=dims or None)
            return centered
        shape = (len(self.location_names),) if dims else ()
        location = write_prior(
            name, self.location_prior, dims, shape, constraint=self.location_constraint
        )
        return location - sign * at_centers


@dataclass(frozen=True, eq=False)
class WrittenPredictor:
    """Coefficients and location in a model, from which comes the linear predictor of any rows."""

    coefficients: TensorVariable
    location: TensorVariable

    def slope(self, design: TensorVariable) -> TensorVariable:
        """Give the linear predictor without its location."""
        return design @ self.coefficients

    def eta(self, design: TensorVariable) -> TensorVariable:
        """Give the linear predictor."""
        return self.location + self.slope(design)


def _with_reference(zeros: NDArray[np.float64], others: TensorVariable) -> TensorVariable:
    return pt.concatenate([pt.as_tensor(zeros), others], axis=-1)


@dataclass(frozen=True, eq=False)
class Blueprint:
    """All that is needed to write the PyMC model of a regression.

    Attributes
    ----------
    target : str
        Name of the observed variable.
    family : Family
        Its distribution.
    parent : LinearPredictor
        What drives the parent parameter.
    auxiliary : mapping of str to (Prior or LinearPredictor)
        The auxiliary parameters: with a prior each, or with predictors of their own.
    has_limits : bool
        Whether some cells are known by their limits.
    """

    target: str
    family: Family
    parent: LinearPredictor
    auxiliary: Mapping[str, Prior | LinearPredictor]
    has_limits: bool = False

    @property
    def predictors(self) -> Iterator[LinearPredictor]:
        """All linear predictors, that of the parent first."""
        yield self.parent
        yield from (part for part in self.auxiliary.values() if isinstance(part, LinearPredictor))

    @cached_property
    def coords(self) -> dict[str, list[str]]:
        """Labels of every dimension but the rows."""
        return {dim: labels for part in self.predictors for dim, labels in part.coords.items()}

    @property
    def priors(self) -> dict[str, Prior]:
        """The priors of all variables, by name."""
        priors = {name: prior for part in self.predictors for name, prior in part.priors.items()}
        return priors | {
            name: part
            for name, part in self.auxiliary.items()
            if not isinstance(part, LinearPredictor)
        }

    @property
    def data(self) -> dict[str, NDArray[np.float64]]:
        """What the written model reads besides rows: centers and arguments of default priors."""
        data = {f"{part.prefix}{CENTERS_DATA}": part.centers for part in self.predictors}
        for name, prior in self.priors.items():
            if isinstance(prior, ScaledPrior):
                data |= prior.data(name)
        return data

    @property
    def designs(self) -> tuple[str, ...]:
        """Names of the data that hold designs."""
        return tuple(f"{part.prefix}{PREDICTORS_DATA}" for part in self.predictors)

    @property
    def row_data(self) -> tuple[str, ...]:
        """Names of the data with one element per row."""
        return (*self.designs, *self.family.given, OBSERVED_DATA)

    @property
    def censored_data(self) -> tuple[str, ...]:
        """Names of the data with one element per row that is known by its limits."""
        if not self.has_limits:
            return ()
        names = (*self.designs, *self.family.given)
        return (*(f"{CENSORED}{name}" for name in names), *LIMITS_DATA)

    @property
    def is_fixed(self) -> bool:
        """Whether every parameter is fixed at a number."""
        return all(isinstance(prior, int | float | np.number) for prior in self.priors.values())

    @property
    def is_normal_linear(self) -> bool:
        """Whether residuals around the linear predictor are normal, with one standard deviation."""
        family = self.family
        return (
            family.likelihood is likelihoods.NORMAL
            and (family.parent, family.link, family.predictors)
            == ("mu", "identity", Predictors.ONE)
            and list(self.auxiliary) == ["sigma"]
            and not isinstance(self.auxiliary["sigma"], LinearPredictor)
            and not (family.given or family.at_link or self.has_limits)
        )

    @property
    def is_conjugate(self) -> bool:
        """Whether the coefficients, given that standard deviation, have a normal posterior."""
        parent = self.parent
        linear = [parent.location_prior, *([parent.free_prior] if len(parent.free) else [])]
        return (
            self.is_normal_linear
            and bool(parent.location)
            and not parent.groups
            and all(isinstance(p, ScaledPrior) and p.distribution == "Normal" for p in linear)
            and not isinstance(self.auxiliary["sigma"], int | float | np.number)
        )

    @property
    def names(self) -> set[str]:
        """Names of variables, data and dimensions of the written model, but for the target."""
        model = {"row", *self.row_data, *self.censored_data, *self.auxiliary}
        if self.has_limits:
            model |= {CENSORED_DIM, LIMITS_POTENTIAL}
        for part in self.predictors:
            model |= {f"{part.prefix}design_column", f"{part.prefix}{part.location}"}
        return model | set(self.priors) | set(self.data) | set(self.coords)


@dataclass(frozen=True, eq=False)
class RegressionRows:
    """The rows that a regression is written over.

    Attributes
    ----------
    designs : mapping of str to ndarray of shape (n_rows, n_design)
        Centered designs, by the name of their data.
    given : mapping of str to ndarray of shape (n_rows,)
        Known parameters.
    observed : ndarray of shape (n_rows,)
        Values or level codes of the target.
    """

    designs: Mapping[str, NDArray[np.float64]]
    given: Mapping[str, NDArray[np.float64]]
    observed: NDArray[np.generic]


@dataclass(frozen=True, eq=False)
class CensoredRows:
    """The rows in which a target is known by its limits only.

    Attributes
    ----------
    designs, given : as in `RegressionRows`
    lower, upper : ndarray of shape (n_censored,)
        Limits of the target, both included; infinite where there is none.
    """

    designs: Mapping[str, NDArray[np.float64]]
    given: Mapping[str, NDArray[np.float64]]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class WrittenParameters:
    """The parameters of a regression in a model, from which come those of any rows.

    Attributes
    ----------
    blueprint : Blueprint
        What was written.
    parent : WrittenPredictor
        What drives the parent parameter.
    auxiliary : mapping of str to (TensorVariable or WrittenPredictor)
        The auxiliary parameters.
    """

    blueprint: Blueprint
    parent: WrittenPredictor
    auxiliary: Mapping[str, TensorVariable | WrittenPredictor]

    def eta(self, designs: Mapping[str, TensorVariable]) -> TensorVariable:
        """Give the parent's linear predictor, without cutpoints."""
        design = designs[PREDICTORS_DATA]
        return self.parent.slope(design) if self._has_cutpoints else self.parent.eta(design)

    def parameters(self, designs: Mapping[str, TensorVariable]) -> dict[str, TensorVariable]:
        """Give the auxiliary parameters, and the cutpoints where there are any."""
        family = self.blueprint.family
        at_rows = {
            name: LINKS[family.links[name]].inverse(part.eta(designs[f"{name}_{PREDICTORS_DATA}"]))
            if isinstance(part, WrittenPredictor)
            else part
            for name, part in self.auxiliary.items()
        }
        return at_rows | ({"cutpoints": self.parent.location} if self._has_cutpoints else {})

    @property
    def _has_cutpoints(self) -> bool:
        return self.blueprint.parent.location == "cutpoints"


@dataclass(frozen=True, eq=False)
class WrittenRegression:
    """A regression as a PyMC model.

    Attributes
    ----------
    model : pm.Model
        The model.
    eta : TensorVariable of shape (n_rows,)
        The linear predictor of its rows, without cutpoints.
    parameters : WrittenParameters
        What the parameters of its rows come from.
    """

    model: pm.Model
    eta: TensorVariable
    parameters: WrittenParameters


def write_regression(
    blueprint: Blueprint, rows: RegressionRows, censored: CensoredRows | None = None
) -> WrittenRegression:
    """Write a regression as a PyMC model.

    Parameters
    ----------
    blueprint : Blueprint
        What to write.
    rows : RegressionRows
        The rows that enter the likelihood by their values.
    censored : CensoredRows, optional
        The rows that enter it by their limits, where the blueprint has limits.

    Returns
    -------
    WrittenRegression
        With the free variables ``coefficients``, the location and the auxiliary parameters, and one
        observed variable named after the target.
    """
    family = blueprint.family
    with pm.Model(coords=blueprint.coords) as model:
        designs, given = _write_row_data(rows.designs, rows.given, "", "row")
        response = pm.Data(OBSERVED_DATA, rows.observed, dims="row")
        written = _write_parameters(blueprint)
        eta = written.eta(designs)
        family.write(blueprint.target, eta, written.parameters(designs) | given, response)
        if censored is not None:
            designs, given = _write_row_data(
                censored.designs, censored.given, CENSORED, CENSORED_DIM
            )
            limits = zip(LIMITS_DATA, (censored.lower, censored.upper), strict=True)
            lower, upper = (pm.Data(name, limit, dims=CENSORED_DIM) for name, limit in limits)
            within = family.log_probability(
                lower, upper, written.eta(designs), written.parameters(designs) | given
            )
            pm.Potential(LIMITS_POTENTIAL, within, dims=CENSORED_DIM)
    return WrittenRegression(model, eta, written)


def _write_row_data(
    designs: Mapping[str, NDArray[np.float64]],
    given: Mapping[str, NDArray[np.float64]],
    prefix: str,
    dim: str,
) -> tuple[dict[str, TensorVariable], dict[str, TensorVariable]]:
    written = {
        name: pm.Data(f"{prefix}{name}", design, dims=(dim, _columns_dim(name)))
        for name, design in designs.items()
    }
    known = {name: pm.Data(f"{prefix}{name}", value, dims=dim) for name, value in given.items()}
    return written, known


def _write_parameters(blueprint: Blueprint) -> WrittenParameters:
    return WrittenParameters(
        blueprint,
        blueprint.parent.write(),
        {
            name: part.write()
            if isinstance(part, LinearPredictor)
            else write_prior(name, part, (), ())
            for name, part in blueprint.auxiliary.items()
        },
    )


def _columns_dim(design: str) -> str:
    return f"{design.removesuffix(PREDICTORS_DATA)}design_column"


def location_names(family: Family, target: Column) -> tuple[str, ...]:
    """Label the elements of a vector location by the levels of the target."""
    if not family.location_size(len(target.levels)):
        return ()
    if family.slopes_per_location:
        return tuple(str(level) for level in target.levels[1:])
    pairs = zip(target.levels[:-1], target.levels[1:], strict=True)
    return tuple(f"{low}|{high}" for low, high in pairs)


def generic_blueprint(family: Family, n_levels: int, n_design: int, has_limits: bool) -> Blueprint:
    """Make the blueprint that all targets of a family share, with default priors of unit scale.

    Parameters
    ----------
    family : Family
        The family.
    n_levels : int
        Levels of the target; 0 for a continuous one.
    n_design : int
        Width of the design.
    has_limits : bool
        Whether some cells are known by their limits.

    Returns
    -------
    Blueprint
        The real values of its `Blueprint.data` belong to a target and are given to the compiled
        program.
    """
    summary = TargetSummary(STANDARD.mean, STANDARD.sd, STANDARD.center, STANDARD.unit, n_levels)
    units = np.ones(n_design)
    return Blueprint(
        target="target",
        family=family,
        parent=LinearPredictor(
            prefix="",
            location=family.location,
            location_names=tuple(map(str, range(family.location_size(n_levels)))),
            per_location=family.slopes_per_location,
            location_prior=family.location_prior(summary),
            location_constraint=family.location_constraint,
            design_names=tuple(f"column{position}" for position in range(n_design)),
            centers=np.zeros(n_design),
            scales=family.coefficient_scale(summary, units),
            free=np.arange(n_design),
            free_prior=normal_coefficients(family.coefficient_scale(summary, units)),
            groups={},
        ),
        auxiliary={
            name: auxiliary.default_prior(summary) for name, auxiliary in family.auxiliaries.items()
        },
        has_limits=has_limits,
    )

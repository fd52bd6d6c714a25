"""Regressions: the conditional models that a user describes in a few words.

`Regression` is that description. `RegressionModel` is what it means for one target of one data set;
its blueprints say how to write the PyMC model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pymc as pm
from numpy.typing import NDArray

from bayesmice.data import Column, ColumnStore
from bayesmice.errors import SpecificationError
from bayesmice.models.blueprint import COEFFICIENTS, Blueprint, location_names, write_regression
from bayesmice.models.design import Design
from bayesmice.models.families import (
    DEFAULT_FAMILIES,
    FAMILIES,
    Family,
    TargetSummary,
    summarize_target,
)
from bayesmice.models.formulas import formula_predictors
from bayesmice.models.priors import Prior, ScaledPrior, UserPrior, check_user_prior, prior_text


@dataclass(frozen=True, eq=False)
class Regression:
    """A regression of one column on others, with priors; the usual conditional model.

    Parameters
    ----------
    formula : str, default "."
        Predictors: column names joined by ``+`` and ``-``; ``.`` stands for all other columns.
    family : str, optional
        Distribution of the target: ``"gaussian"``, ``"bernoulli"``, ``"categorical"`` or
        ``"cumulative"``. By default the one that suits the target's measurement scale.
    priors : mapping of str to prior, optional
        Priors by parameter name: a coefficient (``"age"``, ``"hyp[T.yes]"``), all coefficients of a
        column (``"stage"``), all coefficients without a prior of their own (``"coefficients"``),
        ``"Intercept"`` or ``"cutpoints"``, ``"sigma"``. Each is an unnamed PyMC distribution
        (``pm.Normal.dist(0, 1)``), a number that fixes the parameter, or an object with
        ``create_variable(name)``. All are on the original scale of the data; the intercept is the
        linear predictor where every predictor is zero.

    Examples
    --------
    >>> import pymc as pm
    >>> Regression("age + gender", priors={"age": pm.Normal.dist(0, 1)}).formula
    'age + gender'
    """

    formula: str = "."
    family: str | None = None
    priors: Mapping[str, UserPrior] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class RegressionModel:
    """A regression resolved for one target of one data set.

    Attributes
    ----------
    target : Column
        The column that is modelled.
    family : Family
        Its distribution.
    predictors : tuple of str
        Columns that predict it; constant columns are left out.
    design : Design
        The design of the whole data set.
    priors : mapping of str to UserPrior
        The user's priors, by name.
    """

    target: Column
    family: Family
    predictors: tuple[str, ...]
    design: Design
    priors: Mapping[str, UserPrior]

    @cached_property
    def summary(self) -> TargetSummary:
        """What default priors are scaled from."""
        return summarize_target(self.target)

    @cached_property
    def included(self) -> NDArray[np.bool_]:
        """Which design columns predict the target, of shape (design.width,)."""
        return self.design.included(self.predictors)

    @property
    def shares_program(self) -> bool:
        """Whether the model differs from others of its family only in data."""
        return not self.priors

    @cached_property
    def padded(self) -> Blueprint:
        """The model over all design columns, which a shared program masks."""
        return self._blueprint(np.arange(self.design.width))

    @cached_property
    def visible(self) -> Blueprint:
        """The model over its own predictors, as a user sees it."""
        return self._blueprint(np.flatnonzero(self.included))

    def _blueprint(self, kept: NDArray[np.intp]) -> Blueprint:
        names = tuple(self.design.names[position] for position in kept)
        family, summary = self.family, self.summary
        groups: dict[str, tuple[Prior, NDArray[np.intp]]] = {}
        taken = np.zeros(len(kept), dtype=bool)
        for name, prior in self.priors.items():
            positions = np.array(
                [i for i, full in enumerate(kept) if full in self.group(name)], int
            )
            if len(positions):
                groups[name] = (prior, positions)
                taken[positions] = True
        free = np.flatnonzero(~taken)
        free_prior: Prior = self.priors.get(
            COEFFICIENTS, family.coefficient_prior(summary, self.design.units[kept][free])
        )
        return Blueprint(
            target=self.target.name,
            family=family,
            location_names=location_names(family, self.target),
            design_names=names,
            centers=self.design.centers[kept],
            free=free,
            free_prior=free_prior,
            groups=groups,
            location_prior=self.priors.get(family.location, family.location_prior(summary)),
            auxiliary_priors={
                name: self.priors.get(name, prior)
                for name, prior in family.auxiliary_priors(summary).items()
            },
        )

    def group(self, name: str) -> set[int]:
        """Find the design columns that a prior's name means: all of a column, or a single one."""
        if name in self.predictors:
            return set(range(*self.design.slices[name].indices(self.design.width)))
        return {
            position
            for position in np.flatnonzero(self.included).tolist()
            if self.design.names[position] == name
        }

    def write(self, store: ColumnStore, fills: Mapping[str, NDArray[np.float64]]) -> pm.Model:
        """Write the PyMC model of the observed rows, with its own predictors only.

        Parameters
        ----------
        store : ColumnStore
            The data.
        fills : mapping of str to ndarray of shape (n_missing,)
            What stands in the missing cells of the predictors.

        Returns
        -------
        pm.Model
            The model.
        """
        self.check_name()
        blocks = []
        for name in self.predictors:
            values = store.columns[name].values.copy()
            values[store.columns[name].missing_rows] = fills.get(name, np.zeros(0))
            blocks.append(self.design.encodings[name].encode(values))
        design = np.concatenate(blocks, axis=1) if blocks else np.zeros((store.n_rows, 0))
        seen = self.target.observed
        return write_regression(self.visible, design[seen], self.observed(self.target.values[seen]))

    def check_name(self) -> None:
        """Refuse a target named like something else in its own model."""
        if self.target.name in self.visible.names:
            raise SpecificationError(
                f"Column {self.target.name!r} has the name of a variable of its own regression, or "
                "of one of its dimensions. Rename the column."
            )

    def observed(self, values: NDArray[np.float64]) -> NDArray[np.generic]:
        """Give values of the target in the type that its likelihood reads."""
        return values.astype(np.int32) if self.target.levels else values

    @property
    def formula(self) -> str:
        """The model's formula with its effective predictors."""
        return f"{self.target.name} ~ {' + '.join(('1', *self.predictors))}"

    def describe_priors(self) -> dict[str, str]:
        """List the priors as text, by parameter name."""
        blueprint = self.visible
        name = blueprint.family.location
        centered = "_centered" if isinstance(blueprint.location_prior, ScaledPrior) else ""
        table = {name + centered: prior_text(blueprint.location_prior)}
        if isinstance(blueprint.free_prior, ScaledPrior):
            table |= {
                self.design.names[position]: prior_text(blueprint.free_prior.take(np.array([i])))
                for i, position in enumerate(np.flatnonzero(self.included)[blueprint.free])
            }
        elif len(blueprint.free):
            table[COEFFICIENTS] = prior_text(blueprint.free_prior)
        table |= {group: prior_text(prior) for group, (prior, _) in blueprint.groups.items()}
        return table | {key: prior_text(p) for key, p in blueprint.auxiliary_priors.items()}


def resolve_regression(
    description: Regression, target: Column, columns: Sequence[Column], design: Design
) -> RegressionModel:
    """Work out what a regression means for one target, and check it.

    Parameters
    ----------
    description : Regression
        What the user wrote, or a default.
    target : Column
        The column that is modelled.
    columns : sequence of Column
        All columns of the data.
    design : Design
        The design of the data.

    Returns
    -------
    RegressionModel
        The resolved model.

    Raises
    ------
    SpecificationError
        If the family, the formula or a prior does not fit the target.
    """
    family = _resolve_family(description.family, target)
    named = formula_predictors(description.formula, target.name, [c.name for c in columns])
    predictors = tuple(name for name in named if name in design.encodings)
    model = RegressionModel(target, family, predictors, design, description.priors)
    _check_priors(model)
    return model


def check_description(description: Regression, target: Column, columns: Sequence[str]) -> None:
    """Check formula and family of a model that will not be used."""
    _resolve_family(description.family, target)
    formula_predictors(description.formula, target.name, columns)


def _resolve_family(name: str | None, target: Column) -> Family:
    if name is None:
        return DEFAULT_FAMILIES[target.scale]
    if not isinstance(name, str) or name not in FAMILIES:
        raise SpecificationError(
            f"The model for {target.name!r} has family={name!r}, which is not known. Families: "
            f"{', '.join(FAMILIES)}."
        )
    family = FAMILIES[name]
    if target.scale not in family.scales:
        raise SpecificationError(
            f"The model for {target.name!r} has family={name!r}, which suits "
            f"{' and '.join(family.scales)} columns; "
            f"{target.name!r} is {target.scale}. The default is "
            f"{DEFAULT_FAMILIES[target.scale].name!r}."
        )
    return family


def _check_priors(model: RegressionModel) -> None:
    if not isinstance(model.priors, Mapping):
        raise SpecificationError(
            f"The priors of the model for {model.target.name!r} are {model.priors!r:.80}; expected "
            "a mapping from parameter names to distributions."
        )
    parameters = (
        model.family.location,
        *model.family.auxiliary_priors(model.summary),
        COEFFICIENTS,
    )
    coefficients = [model.design.names[i] for i in np.flatnonzero(model.included)]
    known = dict.fromkeys((*parameters, *model.predictors, *coefficients))
    covered: dict[int, str] = {}
    for name, prior in model.priors.items():
        where = f"The prior {name!r} of the model for {model.target.name!r}"
        if name not in known:
            raise SpecificationError(
                f"{where} belongs to no parameter. Parameters: {', '.join(known)}."
            )
        check_user_prior(where, prior)
        if name in parameters:
            continue
        for position in model.group(name):
            if position in covered:
                raise SpecificationError(
                    f"{where} and the prior {covered[position]!r} both claim "
                    f"{model.design.names[position]!r}. Keep one."
                )
            covered[position] = name

"""Resolving: from what a user wrote of a regression to what it means for one target."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayesmice.data import Column, ColumnStore, Scale
from bayesmice.errors import SpecificationError
from bayesmice.models.blueprint import COEFFICIENTS
from bayesmice.models.catalog import (
    DEFAULT_FAMILIES,
    FAMILIES,
    GAUSSIAN,
    TRUNCATED_GAUSSIAN,
)
from bayesmice.models.design import Design
from bayesmice.models.draws import PMM, PREDICTIVE, check_draw
from bayesmice.models.families import Family, Predictors, known_values
from bayesmice.models.formulas import EVERYTHING
from bayesmice.models.priors import JointPrior, check_user_prior
from bayesmice.models.regression import PARENT, Regression, RegressionModel
from bayesmice.models.sampling import check_sampling
from bayesmice.models.terms import FormulaDesign, learn_formula, of_columns

Bounds = tuple[float, float]
UNBOUNDED: Bounds = (-np.inf, np.inf)


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What a regression is resolved among.

    Attributes
    ----------
    store : ColumnStore
        The data.
    design : Design
        The design of the whole data set.
    fills : mapping of str to ndarray of shape (n_missing,)
        Observed values that stand in missing cells while formulas are read.
    predictors : mapping of str to tuple of str
        The columns that ``.`` stands for, by target.
    """

    store: ColumnStore
    design: Design
    fills: Mapping[str, NDArray[np.float64]]
    predictors: Mapping[str, tuple[str, ...]]

    @cached_property
    def everything(self) -> FormulaDesign:
        """The design of all columns, learned once: most formulas are it but for their target."""
        return learn_formula(EVERYTHING, "", self.store, self.fills)

    def learn(
        self, formula: str, target: str, extra_namespace: Mapping[str, object]
    ) -> FormulaDesign:
        """Learn the design of a formula."""
        meant = self.predictors[target]
        if formula == EVERYTHING:
            return of_columns(self.everything, meant)
        return learn_formula(formula, target, self.store, self.fills, extra_namespace, meant)


def resolve_regression(
    description: Regression, target: Column, among: Surroundings, bounds: Bounds = UNBOUNDED
) -> RegressionModel:
    """Work out what a regression means for one target, and check it.

    Parameters
    ----------
    description : Regression
        What the user wrote, or a default.
    target : Column
        The column that is modelled.
    among : Surroundings
        The data and their design.
    bounds : (float, float), default unbounded
        Between which numbers the target lies.

    Returns
    -------
    RegressionModel
        The resolved model.

    Raises
    ------
    SpecificationError
        If the family, a formula, a prior or a setting does not fit the target.
    """
    where = f"The model for {target.name!r}"
    family = _bounded(_resolve_family(description, target), target, bounds)
    _check_support(family, target)
    draw = _resolve_draw(description, family, target)
    sampling = check_sampling(where, description.kernel, description.inner_steps)
    if sampling.kernel == "pymc":
        raise SpecificationError(
            f"{where} has kernel='pymc', which moves functions only. Use 'hmc' or 'nuts', or write "
            "the model as a function."
        )
    formulas = _learn_formulas(description, family, target, among)
    given = _resolve_given(description, family, target, among.store, bounds)
    model = RegressionModel(
        target, family, formulas, among.design, description.priors, given, draw, sampling
    )
    _check_priors(model)
    return model


def check_description(description: Regression, target: Column, among: Surroundings) -> None:
    """Check formula and family of a model that will not be used."""
    family = _resolve_family(description, target)
    _learn_formulas(description, family, target, among)


def _learn_formulas(
    description: Regression, family: Family, target: Column, among: Surroundings
) -> dict[str, FormulaDesign]:
    where = f"The model for {target.name!r}"
    if not isinstance(description.distributional, Mapping):
        raise SpecificationError(
            f"{where} has distributional={description.distributional!r:.80}; expected a mapping "
            "from auxiliary parameters to formulas, such as {'sigma': 'age'}."
        )
    unknown = [name for name in description.distributional if name not in family.auxiliaries]
    if unknown:
        known = ", ".join(family.auxiliaries) or "none"
        raise SpecificationError(
            f"{where} has a formula for {unknown[0]!r}, which is not an auxiliary parameter of "
            f"the family {family.name!r}. Auxiliary parameters: {known}."
        )
    formulas = {
        parameter: among.learn(formula, target.name, description.extra_namespace)
        for parameter, formula in {
            PARENT: description.formula,
            **description.distributional,
        }.items()
    }
    if family.predictors is Predictors.CUTPOINTS and not formulas[PARENT].has_intercept:
        raise SpecificationError(
            f"{where} has a formula without an intercept, {description.formula!r}; the cutpoints "
            f"of the family {family.name!r} are its intercept. Leave out '- 1' or '0 +'."
        )
    return formulas


def _resolve_family(description: Regression, target: Column) -> Family:
    where = f"The model for {target.name!r}"
    family = _find_family(description.family, target)
    if target.scale not in family.scales:
        raise SpecificationError(
            f"{where} has family={family.name!r}, which suits "
            f"{' and '.join(family.scales)} columns; {target.name!r} is {target.scale}. The "
            f"default is {DEFAULT_FAMILIES[target.scale].name!r}."
        )
    if description.link is None:
        return family
    if description.link not in family.by_link:
        raise SpecificationError(
            f"{where} has link={description.link!r}, which the family {family.name!r} does not "
            f"offer. Links: {', '.join(family.by_link)}."
        )
    return family.by_link[description.link]


def _find_family(family: object, target: Column) -> Family:
    if family is None:
        return DEFAULT_FAMILIES[target.scale]
    if isinstance(family, Family):
        return family
    if not isinstance(family, str) or family not in FAMILIES:
        raise SpecificationError(
            f"The model for {target.name!r} has family={family!r:.80}, which is not known. "
            f"Families: {', '.join(FAMILIES)}; or a bm.Family of your own."
        )
    return FAMILIES[family]


def _bounded(family: Family, target: Column, bounds: Bounds) -> Family:
    if bounds == UNBOUNDED:
        return family
    if family is not GAUSSIAN:
        raise SpecificationError(
            f"bounds names {target.name!r}, whose family is {family.name!r}; bounds truncate the "
            "gaussian family. Leave the family out, or choose one whose support lies within the "
            "bounds, such as 'gamma' for positive numbers, and leave the bounds out."
        )
    return TRUNCATED_GAUSSIAN


def _check_support(family: Family, target: Column) -> None:
    if target.levels:
        return
    observed = target.observed_values
    outside = observed[~family.support.contains(observed)]
    if len(outside):
        raise SpecificationError(
            f"The model for {target.name!r} has family={family.name!r}, whose values are "
            f"{family.support.text}; {len(outside)} of {len(observed)} observed values are not, "
            f"such as {outside[0]:g}. Choose another family, or correct the data."
        )
    if target.limits is not None:
        _check_limits(family, target, *target.limits)


def _check_limits(
    family: Family, target: Column, lower: NDArray[np.float64], upper: NDArray[np.float64]
) -> None:
    if family.log_interval is None:
        able = ", ".join(name for name, f in FAMILIES.items() if f.log_interval is not None)
        raise SpecificationError(
            f"limits names {target.name!r}, whose family {family.name!r} has no probability "
            f"between limits that can be differentiated. Families that have: {able}."
        )
    within = known_values(target, family.support)[len(target.observed_values) :]
    if np.isnan(within).any():
        row = np.flatnonzero(target.is_limited)[np.isnan(within)][0]
        raise SpecificationError(
            f"limits of {target.name!r} in row {row} are {lower[row]:g} and {upper[row]:g}, where "
            f"the family {family.name!r} has no values: its values are {family.support.text}. "
            "Choose another family, or correct the limits."
        )


def _resolve_draw(description: Regression, family: Family, target: Column) -> PMM | None:
    where = f"The model for {target.name!r}"
    check_draw(where, description.draw)
    is_gaussian = family in (GAUSSIAN, TRUNCATED_GAUSSIAN)
    n_observed = int(target.fitted.sum())
    if description.draw is None:
        is_default = is_gaussian and target.is_integer and not target.has_limits
        return PMM(min(PMM.donors, n_observed)) if is_default else None
    if description.draw == PREDICTIVE:
        return None
    assert isinstance(description.draw, PMM)
    if target.scale not in (Scale.CONTINUOUS, Scale.ORDINAL) or family.slopes_per_location:
        raise SpecificationError(
            f"{where} has draw={description.draw}, which needs one linear predictor for a numeric "
            f"or ordinal column; {target.name!r} is {target.scale} with family "
            f"{family.name!r}. Use draw='predictive'."
        )
    if target.has_limits:
        raise SpecificationError(
            f"{where} has draw={description.draw}, but limits names {target.name!r}; donors need "
            "not lie within the limits of a cell. Use draw='predictive'."
        )
    if description.draw.donors > n_observed:
        raise SpecificationError(
            f"{where} has draw={description.draw}, but {target.name!r} has {n_observed} observed "
            "values. Use fewer donors."
        )
    return description.draw


def _resolve_given(
    description: Regression,
    family: Family,
    target: Column,
    store: ColumnStore,
    bounds: Bounds,
) -> dict[str, NDArray[np.float64]]:
    where = f"The model for {target.name!r}"
    if family is TRUNCATED_GAUSSIAN:
        return {
            name: np.full(store.n_rows, bound)
            for name, bound in zip(family.given, bounds, strict=True)
        }
    if "n" not in family.given:
        if description.trials is not None:
            raise SpecificationError(
                f"{where} has trials={description.trials!r}, but its family {family.name!r} "
                "counts no trials. Use family='binomial', or leave trials out."
            )
        return {}
    trials = read_trials(description.trials, where, store)
    seen = target.observed
    if (target.values[seen] > trials[seen]).any():
        row = int(np.flatnonzero(seen & (target.values > trials))[0])
        raise SpecificationError(
            f"{where} has {trials[row]:g} trials in row {row}, but {target.values[row]:g} were "
            "observed. The trials are at least the target everywhere."
        )
    if target.limits is not None and (target.limits[0] > trials).any():
        row = int(np.flatnonzero(target.limits[0] > trials)[0])
        raise SpecificationError(
            f"{where} has {trials[row]:g} trials in row {row}, but its limits there begin at "
            f"{target.limits[0][row]:g}. The trials are at least the target everywhere."
        )
    return {"n": trials}


def read_trials(trials: object, where: str, store: ColumnStore) -> NDArray[np.float64]:
    """Give the number of trials of each row.

    Parameters
    ----------
    trials : str or int
        A complete column, or one number for all rows.
    where : str
        Whose trials these are, for messages.
    store : ColumnStore
        The rows.

    Returns
    -------
    ndarray of shape (n_rows,)

    Raises
    ------
    SpecificationError
        If they are no whole numbers, or the column is unknown or incomplete.
    """
    if isinstance(trials, str):
        if trials not in store.columns:
            raise SpecificationError(
                f"{where} has trials={trials!r}, which is not a column of data. Columns: "
                f"{', '.join(store.columns)}."
            )
        column = store.columns[trials]
        if column.n_missing:
            raise SpecificationError(
                f"{where} has trials={trials!r}, a column with {column.n_missing} missing cells; "
                "expected a complete one."
            )
        if column.is_time:
            raise SpecificationError(
                f"{where} has trials={trials!r}, a column of times; expected whole numbers."
            )
        values = store.series(trials).to_numpy(dtype=float)
    elif isinstance(trials, int | np.integer) and not isinstance(trials, bool):
        values = np.full(store.n_rows, float(trials))
    else:
        raise SpecificationError(
            f"{where} has family='binomial' and trials={trials!r:.80}; expected the name of a "
            "column, or a whole number."
        )
    if (values < 0).any() or (values != np.rint(values)).any():
        raise SpecificationError(f"{where} has trials that are not whole numbers of at least 0.")
    return values


def _check_priors(model: RegressionModel) -> None:
    if not isinstance(model.priors, Mapping):
        raise SpecificationError(
            f"The priors of the model for {model.target.name!r} are {model.priors!r:.80}; expected "
            "a mapping from parameter names to distributions."
        )
    known = model.parameter_names()
    covered: dict[tuple[str, int], str] = {}
    for name, prior in model.priors.items():
        where = f"The prior {name!r} of the model for {model.target.name!r}"
        if name not in known:
            raise SpecificationError(
                f"{where} belongs to no parameter. Parameters: {', '.join(known)}."
            )
        check_user_prior(where, prior)
        positions = {
            (parameter, int(position))
            for parameter in model.formulas
            for position in model.group(parameter, name)
        }
        if isinstance(prior, JointPrior) and not positions and not name.endswith(COEFFICIENTS):
            raise SpecificationError(
                f"{where} is {prior!r}, a prior of coefficients. Use it for 'coefficients', or "
                "for a term with several of them."
            )
        for key in positions:
            if key in covered:
                column = model.formulas[key[0]].names[key[1]]
                raise SpecificationError(
                    f"{where} and the prior {covered[key]!r} both claim {column!r}. Keep one."
                )
            covered[key] = name

"""Regressions: the conditional models that a user describes in a few words.

`Regression` is that description. `RegressionModel` is what it means for one target of one data set;
its blueprints say how to write the PyMC model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayesmice.data import Column, ColumnStore
from bayesmice.models.blueprint import (
    COEFFICIENTS,
    PREDICTORS_DATA,
    Blueprint,
    CensoredRows,
    LinearPredictor,
    RegressionRows,
    WrittenRegression,
    location_names,
    write_regression,
)
from bayesmice.models.design import Design
from bayesmice.models.draws import PMM
from bayesmice.models.families import PRIOR_SCALE, Auxiliary, Family, TargetSummary
from bayesmice.models.links import LINKS
from bayesmice.models.priors import (
    CoefficientGroup,
    JointPrior,
    Prior,
    ScaledPrior,
    UserPrior,
    normal_coefficients,
    prior_text,
    support_point,
)
from bayesmice.models.sampling import Sampling
from bayesmice.models.terms import FormulaDesign
from bayesmice.models.weights import weigh_visible

PARENT = ""
"""Stands for the parent parameter among the parts of a regression."""
MANY_LEVELS = 8
"""A nominal target with more levels than these gets a program of its own."""


@dataclass(frozen=True, eq=False)
class Regression:
    """A regression of one column on others, with priors; the usual conditional model.

    Parameters
    ----------
    formula : str, default "."
        Predictors, in the grammar of formulaic: ``.`` for all other columns, ``+ - : * **``,
        ``I()``, ``C()`` with contrasts, ``np.log`` and other NumPy functions, ``center``,
        ``scale``, ``poly``, ``bs``, ``cr``, ``cc``, and Python arithmetic. What a transform learns
        (knots, means, levels) it learns once, from the observed data.
    family : str or Family, optional
        Distribution of the target: one of ``bayesmice.models.FAMILIES``, or a `Family` of your own.
        By default the one that suits the target's measurement scale.
    link : str, optional
        Link of the family's parent parameter, where it offers more than one: ``"probit"``.
    priors : mapping of str to prior, optional
        Priors by parameter name: a coefficient (``"age"``, ``"hyp[T.yes]"``), all coefficients of a
        term (``"stage"``, ``"C(stage)"``, ``"age:hyp"``), all coefficients without a prior of their
        own (``"coefficients"``), ``"Intercept"`` or ``"cutpoints"``, an auxiliary parameter
        (``"sigma"``). Each is an unnamed PyMC distribution (``pm.Normal.dist(0, 1)``), a number
        that fixes the parameter, an object with ``create_variable(name)``, or, for coefficients,
        one of ``bm.priors``. All are on the original scale of the data; the intercept is the linear
        predictor where every predictor is zero.
    distributional : mapping of str to str, optional
        Formulas of auxiliary parameters that have predictors of their own, such as
        ``{"sigma": "age"}``. Their coefficients are named ``sigma_Intercept``, ``sigma_age``.
    trials : str or int, optional
        Number of trials of a binomial target: a complete column, or one number.
    draw : "predictive" or PMM, optional
        How missing cells are drawn. By default from the posterior predictive distribution, and by
        ``PMM()`` for columns of whole numbers under the gaussian family.
    kernel : str, default "auto"
        ``"hmc"`` (preconditioned by the curvature at the mode) or ``"nuts"``. ``"auto"`` draws
        the parameters of gaussian regressions with default priors of the coefficients exactly, and
        is HMC for most others, and NUTS for those with a prior from ``bm.priors``.
    inner_steps : int, optional
        Transitions of the parameters per visit; by default 8 up to 200 rows, fewer with more
        rows, and 1 from 1,600 on; of exact draws as many as leave nothing of the last ones.
    extra_namespace : mapping of str to object, optional
        Functions of your own that formulas may use. They get and return whole columns.

    Examples
    --------
    >>> import pymc as pm
    >>> Regression("age + gender", priors={"age": pm.Normal.dist(0, 1)}).formula
    'age + gender'
    """

    formula: str = "."
    family: str | Family | None = None
    link: str | None = None
    priors: Mapping[str, UserPrior] = field(default_factory=dict)
    distributional: Mapping[str, str] = field(default_factory=dict)
    trials: str | int | None = None
    draw: str | PMM | None = None
    kernel: str = "auto"
    inner_steps: int | None = None
    extra_namespace: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class RegressionModel:
    """A regression resolved for one target of one data set.

    Attributes
    ----------
    target : Column
        The column that is modelled.
    family : Family
        Its distribution.
    formulas : mapping of str to FormulaDesign
        The design of the parent parameter (under `PARENT`), and of auxiliary parameters that have
        predictors of their own.
    design : Design
        The design of the whole data set.
    priors : mapping of str to UserPrior
        The user's priors, by name.
    given : mapping of str to ndarray of shape (n_rows,)
        Known parameters.
    draw : PMM or None
        How missing cells are drawn; None for the predictive distribution.
    sampling : Sampling
        Kernel and steps.
    """

    target: Column
    family: Family
    formulas: Mapping[str, FormulaDesign]
    design: Design
    priors: Mapping[str, UserPrior]
    given: Mapping[str, NDArray[np.float64]]
    draw: PMM | None
    sampling: Sampling

    @cached_property
    def summary(self) -> TargetSummary:
        """What default priors are scaled from."""
        return self.family.summary(self.target)

    @property
    def targets(self) -> tuple[str, ...]:
        """The one column that is modelled."""
        return (self.target.name,)

    @cached_property
    def predictors(self) -> tuple[str, ...]:
        """The data columns that are read, in the order of the data."""
        read = {name for formula in self.formulas.values() for name in formula.columns}
        return tuple(name for name in self.design.encodings if name in read)

    @cached_property
    def terms(self) -> tuple[str, ...]:
        """The terms that predict, those of auxiliary parameters with their prefix."""
        return tuple(
            f"{_prefix(parameter)}{term}"
            for parameter, formula in self.formulas.items()
            for term, positions in formula.terms.items()
            if positions
        )

    @cached_property
    def included(self) -> NDArray[np.bool_]:
        """Which columns of the whole design predict the target, of shape (design.width,)."""
        return self.design.included(self.formulas[PARENT].columns)

    @property
    def shares_program(self) -> bool:
        """Whether the model differs from others of its family only in data.

        In a shared program a target carries coefficients for its own design columns, which do not
        count. With many levels, each with coefficients of its own, they would be most of them.
        """
        is_wide = self.family.slopes_per_location and len(self.target.levels) > MANY_LEVELS
        is_plain = len(self.formulas) == 1 and self.formulas[PARENT].is_plain
        return is_plain and not self.priors and not is_wide

    @cached_property
    def padded(self) -> Blueprint:
        """The model over all design columns, which a shared program masks."""
        design = self.design
        return self._blueprint(
            {PARENT: self._linear_predictor(PARENT, design.names, design.centers, design.units)}
        )

    @cached_property
    def visible(self) -> Blueprint:
        """The model over its own predictors, as a user sees it."""
        return self._blueprint(
            {
                parameter: self._linear_predictor(
                    parameter, formula.names, formula.centers, formula.units
                )
                for parameter, formula in self.formulas.items()
            }
        )

    def _blueprint(self, parts: Mapping[str, LinearPredictor]) -> Blueprint:
        return Blueprint(
            target=self.target.name,
            family=self.family,
            parent=parts[PARENT],
            auxiliary={
                name: parts.get(name)
                or self.priors.get(name, auxiliary.default_prior(self.summary))
                for name, auxiliary in self.family.auxiliaries.items()
            },
            has_limits=self.target.has_limits,
        )

    def _linear_predictor(
        self,
        parameter: str,
        names: tuple[str, ...],
        centers: NDArray[np.float64],
        units: NDArray[np.float64],
    ) -> LinearPredictor:
        family, summary, prefix = self.family, self.summary, _prefix(parameter)
        is_parent = parameter == PARENT
        if is_parent:
            scales = family.coefficient_scale(summary, units)
            location, default = family.location, family.location_prior(summary)
        else:
            scales, location = 1.0 / units, "Intercept"
            default = auxiliary_location_prior(family.auxiliaries[parameter], summary)
        groups: dict[str, tuple[Prior, NDArray[np.intp]]] = {}
        taken = np.zeros(len(names), dtype=bool)
        for name, prior in self.priors.items():
            positions = self.group(parameter, name)
            if len(positions):
                settled = self._settled(parameter, name, prior, scales[positions].shape)
                groups[name.removeprefix(prefix)] = (settled, positions)
                taken[positions] = True
        free = np.flatnonzero(~taken)
        free_name = f"{prefix}{COEFFICIENTS}"
        free_prior: Prior = normal_coefficients(scales[free])
        if free_name in self.priors and len(free):
            free_prior = self._settled(
                parameter, free_name, self.priors[free_name], scales[free].shape
            )
        return LinearPredictor(
            prefix=prefix,
            location=location if self.formulas[parameter].has_intercept else "",
            location_names=location_names(family, self.target) if is_parent else (),
            per_location=is_parent and family.slopes_per_location,
            location_prior=self.priors.get(f"{prefix}{location}", default),
            location_constraint=family.location_constraint if is_parent else None,
            design_names=names,
            centers=centers,
            scales=scales,
            free=free,
            free_prior=free_prior,
            groups=groups,
        )

    def _settled(
        self, parameter: str, name: str, prior: UserPrior, shape: tuple[int, ...]
    ) -> UserPrior:
        if not isinstance(prior, JointPrior):
            return prior
        return prior.settled(
            CoefficientGroup(
                f"The prior {name!r} of the model for {self.target.name!r}",
                shape,
                len(self.target.known_values),
                unit_is_total=parameter == PARENT and self.family.link == "identity",
            )
        )

    def group(self, parameter: str, name: str) -> NDArray[np.intp]:
        """Find the design columns that a prior's name means: those of a term, or a single one."""
        formula, prefix = self.formulas[parameter], _prefix(parameter)
        if not name.startswith(prefix):
            return np.zeros(0, dtype=np.intp)
        bare = name.removeprefix(prefix)
        if bare in formula.terms:
            return np.array(formula.terms[bare], dtype=np.intp)
        return np.flatnonzero([column == bare for column in formula.names])

    def parameter_names(self) -> tuple[str, ...]:
        """List the names that a prior can have."""
        names: dict[str, None] = {}
        for parameter, formula in self.formulas.items():
            prefix = _prefix(parameter)
            location = self.family.location if parameter == PARENT else "Intercept"
            own = (
                *((location,) if formula.has_intercept else ()),
                COEFFICIENTS,
                *formula.terms,
                *formula.names,
            )
            names |= dict.fromkeys(f"{prefix}{name}" for name in own)
        plain = (name for name in self.family.auxiliaries if name not in self.formulas)
        return tuple(names | dict.fromkeys(plain))

    def write(
        self, store: ColumnStore, fills: Mapping[str, NDArray[np.float64]]
    ) -> WrittenRegression:
        """Write the PyMC model of the observed rows, with its own predictors only.

        Parameters
        ----------
        store : ColumnStore
            The data.
        fills : mapping of str to ndarray of shape (n_missing,)
            What stands in the missing cells of the predictors.

        Returns
        -------
        WrittenRegression
            The model.
        """
        designs = self.designs(completed_columns(store, self.predictors, fills))
        kept = self.target.fitted
        written = write_regression(self.visible, self.rows(designs, kept), self.censored(designs))
        weigh_visible(written.model, (self.target,), kept)
        return written

    def designs(self, columns: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
        """Evaluate the designs of all formulas at completed columns, by the name of their data."""
        return {
            f"{_prefix(parameter)}{PREDICTORS_DATA}": np.asarray(formula.evaluate(columns, np))
            for parameter, formula in self.formulas.items()
        }

    def rows(
        self, designs: Mapping[str, NDArray[np.float64]], kept: NDArray[np.bool_]
    ) -> RegressionRows:
        """Choose rows that enter the likelihood by their values."""
        return RegressionRows(
            {name: design[kept] for name, design in designs.items()},
            {name: value[kept] for name, value in self.given.items()},
            self.observed(self.target.values[kept]),
        )

    def censored(self, designs: Mapping[str, NDArray[np.float64]]) -> CensoredRows | None:
        """Choose the rows that enter the likelihood by their limits; None if there are none."""
        if self.target.limits is None:
            return None
        kept = self.target.is_limited
        return CensoredRows(
            {name: design[kept] for name, design in designs.items()},
            {name: value[kept] for name, value in self.given.items()},
            *(limit[kept] for limit in self.target.limits),
        )

    def observed(self, values: NDArray[np.float64]) -> NDArray[np.generic]:
        """Give values of the target in the type that its likelihood reads."""
        return values.astype(np.int32) if self.family.support.is_discrete else values

    @property
    def formula(self) -> str:
        """The model's formula with its effective terms."""
        intercept = "1" if self.formulas[PARENT].has_intercept else "0"
        own = [term for term, positions in self.formulas[PARENT].terms.items() if positions]
        return f"{self.target.name} ~ {' + '.join((intercept, *own))}"

    def describe_priors(self) -> dict[str, str]:
        """List the priors as text, by parameter name."""
        table: dict[str, str] = {}
        for part in self.visible.predictors:
            prefix = part.prefix
            if part.location:
                centered = "_centered" if isinstance(part.location_prior, ScaledPrior) else ""
                table[f"{prefix}{part.location}{centered}"] = prior_text(part.location_prior)
            if isinstance(part.free_prior, ScaledPrior):
                names = (f"{prefix}{part.design_names[position]}" for position in part.free)
                table |= zip(names, part.free_prior.texts(len(part.free)), strict=True)
            elif len(part.free):
                table[f"{prefix}{COEFFICIENTS}"] = prior_text(part.free_prior)
            table |= {f"{prefix}{name}": prior_text(p) for name, (p, _) in part.groups.items()}
        return table | {
            name: prior_text(prior)
            for name, prior in self.visible.auxiliary.items()
            if not isinstance(prior, LinearPredictor)
        }


def completed_columns(
    store: ColumnStore, names: tuple[str, ...], fills: Mapping[str, NDArray[np.float64]]
) -> dict[str, NDArray[np.float64]]:
    """Put values into the missing cells of some columns.

    Parameters
    ----------
    store : ColumnStore
        The data.
    names : tuple of str
        Which columns.
    fills : mapping of str to ndarray of shape (n_missing,)
        Values or level codes for each incomplete one.

    Returns
    -------
    dict of str to ndarray of shape (n_rows,)
        Values or level codes.
    """
    columns = {}
    for name in names:
        values = store.columns[name].values.copy()
        values[store.columns[name].missing_rows] = fills.get(name, np.zeros(0))
        columns[name] = values
    return columns


def auxiliary_location_prior(auxiliary: Auxiliary, summary: TargetSummary) -> ScaledPrior:
    """Give the default prior of an auxiliary parameter's linear predictor, at mean predictors.

    It is centered where the parameter's own default prior has its support point.
    """
    typical = support_point(auxiliary.default_prior(summary))
    center = float(LINKS[auxiliary.link].forward(np.asarray(typical)))
    return ScaledPrior("Normal", {"mu": center, "sigma": PRIOR_SCALE})


def _prefix(parameter: str) -> str:
    return f"{parameter}_" if parameter else ""

"""The resolved specification: everything that is decided before the first sweep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmice.data import (
    Column,
    ColumnStore,
)
from bayesmice.errors import ModelError, SpecificationError
from bayesmice.events import Event
from bayesmice.kernels import Target, custom_target, regression_target
from bayesmice.models import (
    FAMILIES,
    CustomModel,
    Design,
    RegressionModel,
)
from bayesmice.models.custom import NO_PARAMETERS
from bayesmice.models.passive import PASSIVE, PassiveColumn, PassiveColumns
from bayesmice.models.predictors import (
    predictor_matrix,
)

ConditionalModel = RegressionModel | CustomModel

if TYPE_CHECKING:
    import pymc as pm


@dataclass(frozen=True, eq=False)
class Specification:
    """Everything that is decided before the first sweep.

    Attributes
    ----------
    store : ColumnStore
        The data.
    design : Design
        The design that all regressions share.
    models : mapping of str to RegressionModel or CustomModel
        The conditional models, by the column or the block of columns that each imputes; columns
        that do not vary, and columns of times, have none.
    fills : mapping of str to ndarray of shape (n_missing,)
        Observed values that stand in missing cells when a model is written for a person to look at.
    events : tuple of Event
        What was noticed.
    passive : PassiveColumns
        Columns that are computed from others.
    left_out : tuple of str
        Incomplete columns that are neither imputed nor used.
    """

    store: ColumnStore
    design: Design
    models: Mapping[str, ConditionalModel]
    fills: Mapping[str, NDArray[np.float64]]
    events: tuple[Event, ...]
    passive: PassiveColumns
    left_out: tuple[str, ...]

    @cached_property
    def by_column(self) -> dict[str, ConditionalModel]:
        """The conditional model of each column that has one."""
        return {column: model for model in self.models.values() for column in model.targets}

    @property
    def missing(self) -> dict[str, int]:
        """Number of missing cells of each target with cells to draw, in the order of the data."""
        columns = self.store.columns
        return {
            name: sum(columns[column].n_missing for column in model.targets)
            for name, model in self.models.items()
            if any(columns[column].n_drawn for column in model.targets)
            and not set(model.targets) & set(self.left_out)
        }

    @property
    def target_of(self) -> dict[str, str]:
        """The target that each column is visited with; an empty text for one without a visit."""
        blocks = {c: name for name in self.missing for c in self.models[name].targets}
        return {name: blocks.get(name, "") for name in self.store.columns}

    @property
    def constants(self) -> dict[str, float]:
        """The one observed value (or level code) of columns that do not vary."""
        return {
            name: float(column.known_values[0])
            for name, column in self.store.columns.items()
            if name not in self.by_column and name not in self.passive.by_name
        }

    @property
    def predictor_matrix(self) -> pd.DataFrame:
        """Which columns the model of each column reads, of shape (n_columns, n_columns)."""
        used = {name: model.predictors for name, model in self.by_column.items()}
        for columns in (model.targets for model in self.models.values()):
            for name in columns:
                used[name] = tuple(n for n in used[name] if n != name)
        return predictor_matrix(list(self.store.columns), used)

    def target(self, name: str) -> Target:
        """Bind the model of a column or a block to its compiled program."""
        model = self.models[name]
        if isinstance(model, CustomModel):
            return custom_target(model, self.store, self.design)
        if model.visible.is_fixed:
            raise ModelError(NO_PARAMETERS.format(name))
        return regression_target(model, self.store)

    def model(self, name: str) -> ConditionalModel:
        """Find the model of a column, or of a block by the names joined with ``+``."""
        if name in self.models:
            return self.models[name]
        if name not in self.store.columns:
            raise SpecificationError(
                f"{name!r} is not a column of data. Columns: {', '.join(self.store.columns)}."
            )
        if name in self.passive.by_name:
            raise SpecificationError(
                f"Column {name!r} is computed, as {self.passive.by_name[name].text}, so it has no "
                "conditional model."
            )
        if self.store.columns[name].is_time:
            raise SpecificationError(
                f"Column {name!r} holds times, which predict other columns and are not imputed, so "
                "it has no conditional model."
            )
        if name not in self.by_column:
            raise SpecificationError(
                f"Column {name!r} has one observed value only, so it has no conditional model; its "
                "missing cells get that value."
            )
        return self.by_column[name]

    def write_model(self, name: str) -> pm.Model:
        """Write the PyMC model of a column's observed rows."""
        model = self.model(name)
        if isinstance(model, CustomModel):
            return model.write()
        return model.write(self.store, self.fills).model

    def table(self) -> pd.DataFrame:
        """Tabulate the conditional models, one row per column."""
        return pd.DataFrame(
            [self._row(column) for column in self.store.columns.values()]
        ).set_index("variable")

    def described(self) -> dict[str, dict[str, object]]:
        """Describe conditional models and passive columns as JSON holds it, for a tree."""
        visited = self.missing
        described = {
            name: _describe(model) | {"is_visited": name in visited}
            for name, model in self.models.items()
        }
        return described | {p.name: _describe_passive(p) for p in self.passive.ordered}

    def _row(self, column: Column) -> dict[str, object]:
        model = self.by_column.get(column.name)
        passive = self.passive.by_name.get(column.name)
        priors = {} if model is None else model.describe_priors()
        if passive is not None:
            text, terms = f"passive: {passive.text}", passive.reads
        elif model is None:
            text, terms = "constant" if column.is_constant else "predictor only", ()
        else:
            text, terms = _model_text(model), model.terms
        return {
            "variable": column.name,
            "scale": str(column.scale),
            "missing": column.n_missing,
            "model": text,
            "predictors": ", ".join(terms),
            "priors": "; ".join(f"{name} ~ {prior}" for name, prior in priors.items()),
        }


def _model_text(model: ConditionalModel) -> str:
    if isinstance(model, CustomModel):
        return "custom" if len(model.targets) == 1 else f"custom block {'+'.join(model.targets)}"
    family = model.family
    standard = FAMILIES.get(family.name, family).link
    link = "" if family.link == standard else f" ({family.link})"
    return f"{family.name}{link}" + ("" if model.draw is None else f", {model.draw}")


def _describe(model: ConditionalModel) -> dict[str, object]:
    description: dict[str, object] = {
        "targets": list(model.targets),
        "predictors": [name for name in model.predictors if name not in model.targets],
        "formula": model.formula,
        "priors": model.describe_priors(),
        "kernel": model.sampling.kernel,
    }
    if isinstance(model, CustomModel):
        description |= {"model": "custom", "link": ""}
    else:
        draw = "predictive" if model.draw is None else str(model.draw)
        description |= {"model": model.family.name, "link": model.family.link, "draw": draw}
    return description


def _describe_passive(passive: PassiveColumn) -> dict[str, object]:
    return {
        "targets": [passive.name],
        "predictors": list(passive.reads),
        "formula": passive.text,
        "model": PASSIVE,
    }

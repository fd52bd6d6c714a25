"""Conditional models: regressions, families, formulas, priors, custom PyMC models."""

from bayesmice.models.catalog import FAMILIES
from bayesmice.models.custom import (
    Custom,
    CustomModel,
    ModelData,
    check_signature,
    resolve_custom,
)
from bayesmice.models.design import Design, learn_design
from bayesmice.models.draws import PMM
from bayesmice.models.families import Auxiliary, Family
from bayesmice.models.passive import add_passive
from bayesmice.models.regression import Regression, RegressionModel
from bayesmice.models.resolve import (
    UNBOUNDED,
    Surroundings,
    check_description,
    read_trials,
    resolve_regression,
)

__all__ = [
    "FAMILIES",
    "PMM",
    "UNBOUNDED",
    "Auxiliary",
    "Custom",
    "CustomModel",
    "Design",
    "Family",
    "ModelData",
    "Regression",
    "RegressionModel",
    "Surroundings",
    "add_passive",
    "check_description",
    "check_signature",
    "learn_design",
    "read_trials",
    "resolve_custom",
    "resolve_regression",
]

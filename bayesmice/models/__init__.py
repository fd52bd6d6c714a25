"""Conditional models: regressions, families, formulas, priors, custom PyMC models."""

from bayesmice.models.custom import CustomModel, ModelData, check_signature
from bayesmice.models.design import Design, learn_design
from bayesmice.models.regression import (
    Regression,
    RegressionModel,
    check_description,
    resolve_regression,
)

__all__ = [
    "CustomModel",
    "Design",
    "ModelData",
    "Regression",
    "RegressionModel",
    "check_description",
    "check_signature",
    "learn_design",
    "resolve_regression",
]

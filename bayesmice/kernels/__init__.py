"""From PyMC models to compiled transitions: JAX functions, kernels, programs, targets."""

from bayesmice.kernels.programs import Moment, Program, Recorded, run_seed
from bayesmice.kernels.targets import ParameterLabels, Target, custom_target, regression_target

__all__ = [
    "Moment",
    "ParameterLabels",
    "Program",
    "Recorded",
    "Target",
    "custom_target",
    "regression_target",
    "run_seed",
]

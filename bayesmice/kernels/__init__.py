"""From PyMC models to compiled transitions: JAX functions, kernels, programs, targets."""

from bayesmice.kernels.blas import one_blas_thread
from bayesmice.kernels.fixed import (
    FixedParameters,
    FixedProgram,
    FixedSteps,
    expanded,
    fixed_program,
)
from bayesmice.kernels.programs import CompletedDesign, Moment, Program, Recorded, run_seed
from bayesmice.kernels.room import make_room
from bayesmice.kernels.targets import (
    ParameterLabels,
    Target,
    at_new_rows,
    custom_target,
    regression_target,
)

__all__ = [
    "CompletedDesign",
    "FixedParameters",
    "FixedProgram",
    "FixedSteps",
    "Moment",
    "ParameterLabels",
    "Program",
    "Recorded",
    "Target",
    "at_new_rows",
    "custom_target",
    "expanded",
    "fixed_program",
    "make_room",
    "one_blas_thread",
    "regression_target",
    "run_seed",
]

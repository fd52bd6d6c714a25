"""From PyMC models to compiled transitions: JAX functions, kernels, programs, targets."""

from bayesmice.kernels.blas import one_blas_thread
from bayesmice.kernels.completing import with_sums
from bayesmice.kernels.fixed import (
    FixedParameters,
    FixedProgram,
    FixedSteps,
    expanded,
    fixed_program,
)
from bayesmice.kernels.keys import run_seed
from bayesmice.kernels.room import make_room
from bayesmice.kernels.shared import SharedProgram
from bayesmice.kernels.targets import (
    ParameterLabels,
    Target,
    at_new_rows,
    custom_target,
    regression_target,
)
from bayesmice.kernels.visits import CompletedDesign, Moment, Program, Recorded

__all__ = [
    "CompletedDesign",
    "FixedParameters",
    "FixedProgram",
    "FixedSteps",
    "Moment",
    "ParameterLabels",
    "Program",
    "Recorded",
    "SharedProgram",
    "Target",
    "at_new_rows",
    "custom_target",
    "expanded",
    "fixed_program",
    "make_room",
    "one_blas_thread",
    "regression_target",
    "run_seed",
    "with_sums",
]

"""Diagnostics of a run and of its analyses, all of them on trees or arrays."""

from bayesmice.diagnostics.compare import compare
from bayesmice.diagnostics.convergence import Convergence, cells_verdict, convergence
from bayesmice.diagnostics.loo import PooledLoo, loo
from bayesmice.diagnostics.missing_information import MissingInformation, missing_information
from bayesmice.diagnostics.mixing import MAX_R_HAT
from bayesmice.diagnostics.overimputation import HidingRequest, Overimputation
from bayesmice.diagnostics.stopping import StoppingRule, Until, until, worst_r_hat
from bayesmice.diagnostics.sweep_quantities import (
    SweepQuantity,
    parameter_quantities,
    sweep_quantities,
)

__all__ = [
    "MAX_R_HAT",
    "Convergence",
    "HidingRequest",
    "MissingInformation",
    "Overimputation",
    "PooledLoo",
    "StoppingRule",
    "SweepQuantity",
    "Until",
    "cells_verdict",
    "compare",
    "convergence",
    "loo",
    "missing_information",
    "parameter_quantities",
    "sweep_quantities",
    "until",
    "worst_r_hat",
]

"""Diagnostics of a run and of its analyses, all of them on trees or arrays."""

from bayesmice.diagnostics.compare import compare
from bayesmice.diagnostics.convergence import Convergence, convergence
from bayesmice.diagnostics.loo import PooledLoo, loo
from bayesmice.diagnostics.missing_information import MissingInformation, missing_information
from bayesmice.diagnostics.overimputation import HidingRequest, Overimputation
from bayesmice.diagnostics.stopping import StoppingRule, Until, until, worst_r_hat

__all__ = [
    "Convergence",
    "HidingRequest",
    "MissingInformation",
    "Overimputation",
    "PooledLoo",
    "StoppingRule",
    "Until",
    "compare",
    "convergence",
    "loo",
    "missing_information",
    "until",
    "worst_r_hat",
]

"""Organizes chains: initial fill, visit sequence, sweeps. Knows no PyMC and no tree."""

from bayesmice.scheduler.chains import ChainState, start_chains
from bayesmice.scheduler.fill import initial_fill
from bayesmice.scheduler.sequence import visit_sequence
from bayesmice.scheduler.sweeps import Progress, Recorder, Visit, run_sweeps

__all__ = [
    "ChainState",
    "Progress",
    "Recorder",
    "Visit",
    "initial_fill",
    "run_sweeps",
    "start_chains",
    "visit_sequence",
]

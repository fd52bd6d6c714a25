"""Organizes chains: initial fill, visit sequence, sweeps. Knows no PyMC and no tree."""

from bayesmice.scheduler.chains import ChainState, Lane, place_chains, start_chains, varying_columns
from bayesmice.scheduler.course import Course, Post
from bayesmice.scheduler.fill import initial_fill
from bayesmice.scheduler.sequence import VisitOrder, VisitSequence, read_visit_sequence
from bayesmice.scheduler.strands import Strand, advance, join_strand
from bayesmice.scheduler.sweeps import Left, run_sweep

__all__ = [
    "ChainState",
    "Course",
    "Lane",
    "Left",
    "Post",
    "Strand",
    "VisitOrder",
    "VisitSequence",
    "advance",
    "initial_fill",
    "join_strand",
    "place_chains",
    "read_visit_sequence",
    "run_sweep",
    "start_chains",
    "varying_columns",
]

"""Organizes chains: initial fill, visit sequence, sweeps. Knows no PyMC and no tree."""

from bayesmice.scheduler.batches import Batch, join, part
from bayesmice.scheduler.chains import (
    ChainState,
    Lane,
    Standing,
    place_chains,
    start_chains,
    starting,
    varying_columns,
)
from bayesmice.scheduler.course import Course, Post
from bayesmice.scheduler.crew import Crew, advance
from bayesmice.scheduler.fill import initial_fill
from bayesmice.scheduler.sequence import VisitOrder, VisitSequence, read_visit_sequence
from bayesmice.scheduler.strands import Strand
from bayesmice.scheduler.sweeps import Left, run_sweep
from bayesmice.scheduler.threads import ThreadCrew, threads_for

__all__ = [
    "Batch",
    "ChainState",
    "Course",
    "Crew",
    "Lane",
    "Left",
    "Post",
    "Standing",
    "Strand",
    "ThreadCrew",
    "VisitOrder",
    "VisitSequence",
    "advance",
    "initial_fill",
    "join",
    "part",
    "place_chains",
    "read_visit_sequence",
    "run_sweep",
    "start_chains",
    "starting",
    "threads_for",
    "varying_columns",
]

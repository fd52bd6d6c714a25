"""Strands: the same chains, each over a group of rows of its own; without groups there is one."""

from dataclasses import dataclass

from bayesmice.scheduler.course import Course
from bayesmice.scheduler.sequence import VisitSequence


@dataclass(frozen=True, eq=False)
class Strand:
    """What chains go through over a group of rows.

    Attributes
    ----------
    label : str
        What the group is called; empty for all rows.
    course : Course
        What its chains go through.
    sequence : VisitSequence
        Gives the order of visits of each sweep.
    repeats : int
        How often the order of a sweep is gone through: more than once where a single target, which
        nothing cycles with, has all its visits in one sweep.
    """

    label: str
    course: Course
    sequence: VisitSequence
    repeats: int

"""The route of a run: what its chains go through, made from data and models in any process."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from bayesmice.problem import Problem
from bayesmice.running.records import make_course
from bayesmice.scheduler import (
    Course,
    Standing,
    Strand,
    initial_fill,
    read_visit_sequence,
    starting,
)


@dataclass(frozen=True, eq=False)
class Route:
    """What the chains of a run go through.

    Attributes
    ----------
    problem : Problem
        Data and models.
    seed : int
        Random seed.
    repeats : int
        Visits of a target per turn.
    """

    problem: Problem
    seed: int
    repeats: int

    def __getstate__(self) -> Mapping[str, object]:
        """Leave out what is compiled."""
        return {"problem": self.problem, "seed": self.seed, "repeats": self.repeats}

    @cached_property
    def strands(self) -> list[Strand]:
        """One for each group of rows."""
        return [self.strand(place) for place in range(len(self.problem.groups))]

    @cached_property
    def turns(self) -> AbstractContextManager[object]:
        """What threads enter to go one after the other, where they cannot go side by side."""
        return Lock() if any(s.course.is_on_host for s in self.strands) else nullcontext()

    def strand(self, place: int) -> Strand:
        """Say what chains go through over a group of rows."""
        problem, group = self.problem, self.problem.groups[place]
        sequence = read_visit_sequence(
            problem.visit_sequence,
            group.specification.missing,
            group.specification.target_of,
            tuple(group.specification.passive.by_name),
            self.seed,
        )
        course = make_course(group, problem.posts, self.seed, self._stream(place))
        return Strand(group.label, course, sequence, self.repeats)

    def fill(
        self, course: Course, place: int, ids: Sequence[int]
    ) -> dict[str, NDArray[np.float64]]:
        """Draw the initial fill of chains over a group of rows."""
        return initial_fill(course.store, self.seed, ids, course.passive, self._stream(place))

    def start(self, course: Course, place: int, ids: Sequence[int]) -> Standing:
        """Say where chains start over a group of rows."""
        return starting(course, self.fill(course, place, ids), ids)

    def _stream(self, place: int) -> tuple[int, ...]:
        """Further numbers that the random keys of a group depend on."""
        return (place,) if self.problem.by else ()

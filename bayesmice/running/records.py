"""Between the chains of a group of rows and what a tree knows of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from bayesmice.data import event_in_group
from bayesmice.events import Event
from bayesmice.kernels import run_seed
from bayesmice.problem import Group, Problem
from bayesmice.scheduler import Course, Standing, Strand
from bayesmice.scheduler.packing import pack_lanes
from bayesmice.store import RunRecorder, StrandRecord


def make_course(
    group: Group, posts: Mapping[str, Any], seed: int, stream: Sequence[int] = ()
) -> Course:
    """Bind the models of a group to their programs.

    Parameters
    ----------
    group : Group
        The group of rows.
    posts : mapping of str to callable
        What is done to drawn values, by column.
    seed : int
        Random seed of the run.
    stream : sequence of int, optional
        Further numbers that the random keys depend on.

    Returns
    -------
    Course
        What the chains of the group go through.
    """
    specification = group.specification
    return Course(
        specification.store,
        specification.design,
        {name: specification.target(name) for name in specification.missing},
        specification.passive,
        {name: post for name, post in posts.items() if specification.target_of.get(name)},
        run_seed(seed, stream),
    )


def recorder_of(course: Course) -> RunRecorder:
    """Make the recorder of a course."""
    return RunRecorder(list(course.targets), course.columns)


def record_of(
    group: Group, strand: Strand, standing: Standing, recorder: RunRecorder
) -> StrandRecord:
    """Put together what a tree holds of the chains over a group of rows."""
    course = strand.course
    return StrandRecord(
        label=strand.label,
        rows=group.rows,
        store=course.store,
        recorder=recorder,
        labels={name: target.labels for name, target in course.targets.items()},
        constants=group.specification.constants,
        lanes=pack_lanes(standing),
    )


def events_before(problem: Problem) -> list[Event]:
    """Give what was noticed of data and models; what holds for all groups is said once."""
    by_group = [(group.label, group.specification.events) for group in problem.groups]
    if not problem.by:
        return list(by_group[0][1])
    common = [e for e in by_group[0][1] if all(e in events for _, events in by_group)]
    return common + [
        event_in_group(event, label)
        for label, events in by_group
        for event in events
        if event not in common
    ]

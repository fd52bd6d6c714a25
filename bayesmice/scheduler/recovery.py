"""Recovery: what happens to a chain whose density or draws are not finite.

The sweep of that chain is repeated from where it stood before, with other random numbers and fresh
parameters of the models that failed. A chain that still fails is left out; the others go on as if
it had never been there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesmice.data import ColumnStore
from bayesmice.events import Event, Severity
from bayesmice.scheduler.chains import ChainState, Standing, join_standings, place, start_lane
from bayesmice.scheduler.course import Course
from bayesmice.scheduler.sweeps import BeforeVisit, Left, run_sweep

ATTEMPTS = 3
"""How often a sweep is repeated before its chain is given up."""


@dataclass(frozen=True)
class SweepOutcome:
    """What became of a sweep.

    Attributes
    ----------
    left : Left
        What the surviving chains left behind.
    failed : tuple of int
        Positions of the chains that were given up.
    events : tuple of Event
        What happened.
    """

    left: Left
    failed: tuple[int, ...]
    events: tuple[Event, ...]


def run_sweep_surely(
    course: Course,
    state: ChainState,
    order: Sequence[str],
    sweep: int,
    before_visit: BeforeVisit,
) -> SweepOutcome:
    """Run one sweep, and repeat it for chains in which something was not finite.

    Parameters
    ----------
    course : Course
        What the chains go through.
    state : ChainState
        All chains; they move along, those that are given up too.
    order : sequence of str
        The targets to visit.
    sweep : int
        Which one, counted from 0.
    before_visit : callable
        Called before each visit.

    Returns
    -------
    SweepOutcome
        Whose arrays hold the surviving chains only.
    """
    before = state.standing()
    left = run_sweep(course, state, order, sweep, before_visit)
    sick = _sick(course, left)
    events = list(left.events)
    causes = _causes(course, left, np.asarray(state.ids), sick)
    for attempt in range(1, ATTEMPTS + 1):
        if not len(sick):
            break
        own = _from_before(course, before, sick, _failing(course, left, sick))
        again = run_sweep(course, own, order, sweep, before_visit, attempt)
        left = left.with_chains(again, sick)
        _put_back(course, state, own, sick)
        still = _sick(course, left)
        events += [
            _recovered(course.store, int(before.ids[chain]), causes[int(chain)], sweep, attempt)
            for chain in np.setdiff1d(sick, still)
        ]
        sick = still
    events += [_failed(int(before.ids[c]), causes[int(c)], sweep) for c in sick]
    survivors = np.setdiff1d(np.arange(state.n_chains), sick)
    return SweepOutcome(left.select(survivors), tuple(map(int, sick)), tuple(events))


def _sick(course: Course, left: Left) -> NDArray[np.intp]:
    """Positions of the chains in which something is not finite."""
    found = [left.finite(course.targets[name]) for name in left.parameters]
    found += [np.isfinite(cells).all(axis=1) for cells in left.cells.values()]
    return np.flatnonzero(~np.logical_and.reduce(found)) if found else np.zeros(0, dtype=np.intp)


def _failing(course: Course, left: Left, sick: NDArray[np.intp]) -> list[str]:
    """Name the targets whose density or draws are not finite in some chains."""
    targets = (course.targets[name] for name in left.parameters)
    return [target.name for target in targets if not left.finite(target)[sick].all()]


def _causes(
    course: Course, left: Left, ids: NDArray[np.intp], sick: NDArray[np.intp]
) -> dict[int, tuple[str, str]]:
    """Find what was not finite first in each chain: the column, and what of it."""
    causes: dict[int, tuple[str, str]] = {}
    for chain in sick:
        found = [
            (name, "its log-density or its draws are")
            for name in left.parameters
            if not left.finite(course.targets[name])[chain]
        ]
        found += [
            (name, "its computed values are")
            for name in course.passive.by_name
            if name in left.cells and not np.isfinite(left.cells[name][chain]).all()
        ]
        causes[int(chain)] = found[0]
    return causes


def _from_before(
    course: Course, before: Standing, sick: NDArray[np.intp], failing: Sequence[str]
) -> ChainState:
    """Put some chains where they stood, with fresh parameters of the models that failed."""
    own = place(course, before.select(sick))
    for name in failing:
        target = course.targets[name]
        own.lanes[name] = [
            start_lane(own, target, lane.program, lane.chains) for lane in own.lanes[name]
        ]
    return own


def _put_back(course: Course, state: ChainState, own: ChainState, sick: NDArray[np.intp]) -> None:
    """Put the repeated chains into the places of those that failed."""
    others = np.setdiff1d(np.arange(state.n_chains), sick)
    parts = [state.standing().select(others), own.standing()]
    joined = place(course, join_standings(parts))
    state.ids, state.design, state.columns = joined.ids, joined.design, joined.columns
    state.lanes, state.cells = joined.lanes, joined.cells


def _recovered(
    store: ColumnStore, chain: int, cause: tuple[str, str], sweep: int, attempt: int
) -> Event:
    name, what = cause
    times = "once" if attempt == 1 else f"{attempt} times"
    return Event(
        Severity.WARNING,
        "chain_recovered",
        f"Chain {chain} broke down at column {name!r} in sweep {sweep}: {what} not finite. The "
        f"sweep was repeated {times}, and the chain goes on.",
        name,
        chain=chain,
        sweep=sweep,
    )


def _failed(chain: int, cause: tuple[str, str], sweep: int) -> Event:
    name, what = cause
    hint = (
        f"Look at the model with mice.model({name!r}).debug(), and give its parameters priors that "
        "keep it within the support of its distribution. If imputed values grew from sweep to "
        "sweep, as they can where two columns impute each other through a log link, draw them by "
        "matching (draw=bm.PMM()), which keeps them among the observed ones."
        if "density" in what
        else "Give the columns that it is made of bounds, or families, for which it is defined."
    )
    return Event(
        Severity.ERROR,
        "chain_failed",
        f"Chain {chain} broke down at column {name!r} in sweep {sweep}: {what} not finite, and "
        f"{ATTEMPTS} repetitions did not help. The chain is left out. {hint}",
        name,
        chain=chain,
        sweep=sweep,
    )

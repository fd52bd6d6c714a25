"""Strands: the same chains, each over a group of rows of its own.

Without groups there is one strand over all rows. A sweep moves all strands, or none: whatever
interrupts it, the chains stand where they stood after the last whole sweep.
"""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bayesmice.data import event_in_group
from bayesmice.errors import SamplingError
from bayesmice.events import Event
from bayesmice.scheduler.chains import ChainState, Standing, join_chains, select_chains
from bayesmice.scheduler.course import Course
from bayesmice.scheduler.recovery import run_sweep_surely
from bayesmice.scheduler.sequence import VisitSequence
from bayesmice.scheduler.sweeps import BeforeVisit, Left


class Recorder(Protocol):
    """Takes in the sweeps of a strand."""

    def record(self, left: Left) -> None:
        """Keep what a sweep left behind."""

    def select(self, positions: NDArray[np.intp]) -> None:
        """Keep some chains."""


@dataclass
class Strand:
    """Chains over a group of rows.

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
    state : ChainState
        Where its chains stand.
    """

    label: str
    course: Course
    sequence: VisitSequence
    repeats: int
    state: ChainState


def advance(
    strands: Sequence[Strand],
    recorders: Sequence[Recorder],
    sweep: int,
    before_visit: BeforeVisit,
) -> tuple[list[Left], list[Event]]:
    """Run one sweep of all strands, and record it.

    Parameters
    ----------
    strands : sequence of Strand
        All strands; they move along together, or not at all.
    recorders : sequence of Recorder
        One for each.
    sweep : int
        Which sweep, counted from 0.
    before_visit : callable
        Called before each visit.

    Returns
    -------
    tuple of (list of Left, list of Event)
        What the sweep left behind in each strand, and what happened.

    Raises
    ------
    SamplingError
        If no chain survives.
    """
    before = [strand.state.standing() for strand in strands]
    is_recorded = False
    try:
        outcomes = [
            run_sweep_surely(
                strand.course,
                strand.state,
                strand.sequence(sweep) * strand.repeats,
                sweep,
                before_visit,
            )
            for strand in strands
        ]
        events = [
            event_in_group(event, strand.label)
            for strand, outcome in zip(strands, outcomes, strict=True)
            for event in outcome.events
        ]
        n_chains = strands[0].state.n_chains
        failed = sorted({chain for outcome in outcomes for chain in outcome.failed})
        if len(failed) == n_chains:
            raise SamplingError(
                f"No chain could go on after sweep {sweep}. {_last_error(events).message}"
            )
        survivors = np.setdiff1d(np.arange(n_chains), failed)
        lefts = []
        with interrupts_deferred():
            for strand, recorder, outcome in zip(strands, recorders, outcomes, strict=True):
                left = outcome.left
                if failed:
                    own = np.setdiff1d(np.arange(n_chains), outcome.failed)
                    left = left.select(np.flatnonzero(np.isin(own, survivors)))
                    strand.state = select_chains(strand.course, strand.state.standing(), survivors)
                    recorder.select(survivors)
                recorder.record(left)
                lefts.append(left)
            is_recorded = True
    except BaseException:  # Ctrl-C too, which is no Exception; it is raised again in any case
        if not is_recorded:
            _return_all(strands, before)
        raise
    return lefts, events


@contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Let Ctrl-C wait until a few lines have run, so that all strands are recorded or none is."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, FrameType | None]] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came and callable(before):
        before(*came[0])


def join_strand(strand: Strand, others: Sequence[ChainState]) -> None:
    """Add chains to a strand that have run as many sweeps."""
    strand.state = join_chains(strand.course, [strand.state, *others])


def _return_all(strands: Sequence[Strand], before: Sequence[Standing]) -> None:
    for strand, stood in zip(strands, before, strict=True):
        strand.state = select_chains(strand.course, stood, np.arange(len(stood.ids)))


def _last_error(events: Sequence[Event]) -> Event:
    return next(event for event in reversed(events) if event.code == "chain_failed")

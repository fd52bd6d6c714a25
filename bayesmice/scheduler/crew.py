"""Crews: who lets the chains of a run go through sweeps, and how a sweep is recorded.

A sweep moves all chains in all strands, or none: whatever interrupts it, the chains stand where
they stood after the last whole sweep.
"""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bayesmice.errors import SamplingError
from bayesmice.events import Event
from bayesmice.scheduler.batches import Batch, Swept
from bayesmice.scheduler.sweeps import BeforeVisit, Left


class Recorder(Protocol):
    """Takes in the sweeps of a strand."""

    def record(self, left: Left) -> None:
        """Keep what a sweep left behind."""

    def select(self, positions: NDArray[np.intp]) -> None:
        """Keep some chains."""


class Crew(Protocol):
    """Lets chains go through sweeps."""

    @property
    def ids(self) -> NDArray[np.intp]:
        """Identities of the chains after the last sweep that was kept, in ascending order."""

    def sweep(self, sweep: int, before_visit: BeforeVisit) -> Swept:
        """Let all chains go through a sweep, which is yet to be kept."""

    def keep(self) -> None:
        """Let the chains stand where they stand after the sweep."""

    def go_back(self) -> None:
        """Let the chains stand where they stood before the sweep."""

    def settled(self) -> tuple[Sequence[Batch], Sequence[Left]]:
        """Give where the chains stand after the last sweep that was kept.

        And what it left behind in each strand, or nothing where that was told of with all cells.
        """

    def close(self) -> None:
        """Let go of what is under way."""


def advance(
    crew: Crew, recorders: Sequence[Recorder], sweep: int, before_visit: BeforeVisit
) -> tuple[tuple[Left, ...], list[Event]]:
    """Run one sweep of all strands, and record it.

    Parameters
    ----------
    crew : Crew
        Who moves the chains; all of them move, or none.
    recorders : sequence of Recorder
        One for each strand.
    sweep : int
        Which sweep, counted from 0.
    before_visit : callable
        Called before each visit.

    Returns
    -------
    tuple of (tuple of Left, list of Event)
        What the sweep left behind in each strand, and what happened.

    Raises
    ------
    SamplingError
        If no chain survives.
    """
    is_recorded = False
    try:
        before = crew.ids
        swept = crew.sweep(sweep, before_visit)
        events = [event for own in swept.events for event in own]
        if not len(swept.ids):
            raise SamplingError(
                f"No chain could go on after sweep {sweep}. {_last_error(events).message}"
            )
        with interrupts_deferred():
            crew.keep()
            for recorder, left in zip(recorders, swept.lefts, strict=True):
                if swept.lost:
                    recorder.select(np.flatnonzero(np.isin(before, swept.ids)))
                recorder.record(left)
            is_recorded = True
    except BaseException:  # Ctrl-C too, which is no Exception; it is raised again in any case
        if not is_recorded:
            crew.go_back()
        raise
    return swept.lefts, events


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


def _last_error(events: Sequence[Event]) -> Event:
    return next(event for event in reversed(events) if event.code == "chain_failed")

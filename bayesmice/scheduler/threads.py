"""Threads: the crew of one machine, whose cores advance a batch each.

JAX lets go of Python's lock while a compiled program runs, so threads are enough.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from math import ceil

import jax
import numpy as np
from numpy.typing import NDArray

from bayesmice.later import later
from bayesmice.scheduler.batches import Batch, MovingBatch, Swept, join_swept
from bayesmice.scheduler.strands import Strand
from bayesmice.scheduler.sweeps import BeforeVisit, Left

joblib = later("joblib")

LEAST_WORK = 400_000
"""Numbers of a batch's designs for which a thread is worth while; less is all overhead."""


def threads_for(strands: Sequence[Strand], n_chains: int) -> int:
    """Say how many batches to advance at the same time.

    Parameters
    ----------
    strands : sequence of Strand
        What the chains go through.
    n_chains : int
        How many there are.

    Returns
    -------
    int
        At most one for each core, with at least two chains each (one alone would run twice). One
        where a batch would have less work than `LEAST_WORK`, where sweeps need Python, and on a
        GPU, which runs all chains side by side.
    """
    if jax.default_backend() != "cpu" or any(strand.course.is_on_host for strand in strands):
        return 1
    sizes = [(strand.course.store.n_rows, strand.course.design.width) for strand in strands]
    work = n_chains * max(n_rows * (width + 1) for n_rows, width in sizes)
    worth = min(n_chains // 2, work // LEAST_WORK)
    if worth < 2:
        return 1
    n_threads = min(int(joblib.cpu_count()), worth)
    return ceil(n_chains / ceil(n_chains / n_threads))


class ThreadCrew:
    """Advances batches on this machine.

    Parameters
    ----------
    strands : sequence of Strand
        What the chains go through.
    batches : sequence of Batch
        Where they stand.
    n_threads : int
        How many batches are advanced at the same time. Where there are more of them, each is
        completed in memory for its turn only.
    """

    def __init__(self, strands: Sequence[Strand], batches: Sequence[Batch], n_threads: int) -> None:
        self._strands, self._n_threads = strands, n_threads
        self._batches = list(batches)
        self._moving: dict[int, MovingBatch] = {}
        self._after: list[Batch] = []

    @property
    def ids(self) -> NDArray[np.intp]:
        """Identities of the chains after the last sweep that was kept."""
        return np.sort(np.concatenate([batch.ids for batch in self._batches]))

    def sweep(self, sweep: int, before_visit: BeforeVisit) -> Swept:
        """Let all chains go through a sweep.

        The calling thread works too, so that an interrupt comes to where it is noticed; the others
        then end at their next visit.
        """
        stop, done, moving = threading.Event(), {}, self._moving

        def work(hand: int) -> None:
            try:
                for place in range(hand, len(self._batches), self._n_threads):
                    done[place] = self._swept(moving, place, sweep, watched if hand else told)
            except BaseException:  # Ctrl-C too: the others stop, and it is raised again
                stop.set()
                raise

        def watched(sweep: int, target: str) -> None:
            if stop.is_set():
                raise _StoppedError

        def told(sweep: int, target: str) -> None:
            watched(sweep, target)
            before_visit(sweep, target)

        with ThreadPoolExecutor(max(self._n_threads - 1, 1)) as pool:
            others = [pool.submit(work, hand) for hand in range(1, self._n_threads)]
            try:
                with suppress(_StoppedError):
                    work(0)
                errors = [future.exception() for future in others]
            except BaseException:  # Ctrl-C while others are waited for; it is raised again
                stop.set()
                raise
        for error in errors:
            if error is not None and not isinstance(error, _StoppedError):
                raise error
        parts = [done[place] for place in range(len(self._batches))]
        self._after = [after for swept, after in parts if len(swept.ids)]
        if len(self._after) < len(parts):  # places of moving batches have changed
            self._moving = {}
        return join_swept(self._strands, [swept for swept, _ in parts])

    def keep(self) -> None:
        """Let the chains stand where they stand after the sweep."""
        self._batches = self._after

    def go_back(self) -> None:
        """Let the chains stand where they stood before the sweep."""
        self._moving = {}

    def settled(self) -> tuple[list[Batch], tuple[Left, ...]]:
        """Give where the chains stand after the last sweep that was kept."""
        return list(self._batches), ()

    def close(self) -> None:
        """Let go of what is completed in memory."""
        self._moving = {}

    def _swept(
        self,
        moving: dict[int, MovingBatch],
        place: int,
        sweep: int,
        before_visit: BeforeVisit,
    ) -> tuple[Swept, Batch]:
        own = moving.pop(place, None) or MovingBatch(self._strands, self._batches[place])
        swept = own.sweep(sweep, before_visit)
        if len(self._batches) <= self._n_threads:
            moving[place] = own
        return swept, own.batch()


class _StoppedError(Exception):
    """Ends the work of a thread because another cannot go on."""

"""Batches: chains that go through sweeps side by side, apart from all others.

A chain depends on no other, so a run can be cut into batches in any way: one for each thread of a
processor, one that fits into memory, one for each worker of a cluster. All batches of a run have
the same size, since the number of chains is a shape that programs are compiled for: where it does
not divide the number of chains, the last chain is repeated, and nobody sees the repetitions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from numpy.typing import NDArray

from bayesmice.data import event_in_group
from bayesmice.events import Event
from bayesmice.kernels import one_blas_thread
from bayesmice.scheduler.ahead import compile_ahead
from bayesmice.scheduler.chains import ChainState, Standing, join_standings, place
from bayesmice.scheduler.recovery import run_sweep_surely
from bayesmice.scheduler.strands import Strand
from bayesmice.scheduler.sweeps import BeforeVisit, Left, join_lefts


@dataclass(frozen=True)
class Batch:
    """Where the chains of a batch stand between two sweeps.

    Attributes
    ----------
    standings : tuple of Standing
        One for each strand; the chains are the same.
    n_repeated : int
        How many chains at the end are repetitions.
    """

    standings: tuple[Standing, ...]
    n_repeated: int = 0

    @property
    def ids(self) -> NDArray[np.intp]:
        """Identities of its chains, in ascending order."""
        ids = self.standings[0].ids
        return ids[: len(ids) - self.n_repeated]

    @property
    def size(self) -> int:
        """Number of its chains, repetitions included."""
        return len(self.standings[0].ids)

    def standing(self, strand: int) -> Standing:
        """Give where its chains stand in a strand, without repetitions."""
        if not self.n_repeated:
            return self.standings[strand]
        return self.standings[strand].select(np.arange(len(self.ids)))

    def select(self, chosen: NDArray[np.intp], size: int) -> "Batch":
        """Give a batch of some of its chains, the last repeated up to a size."""
        n_repeated = max(size - len(chosen), 0)
        positions = np.append(chosen, np.repeat(chosen[-1:], n_repeated))
        if np.array_equal(positions, np.arange(self.size)):
            return Batch(self.standings, n_repeated)
        standings = tuple(standing.select(positions) for standing in self.standings)
        return Batch(standings, n_repeated)


@dataclass(frozen=True)
class Swept:
    """What a sweep left behind.

    Attributes
    ----------
    ids : ndarray of shape (n_chains,)
        Identities of the chains that go on.
    lost : tuple of int
        Identities of those that were given up in this sweep.
    lefts : tuple of Left
        What the former left behind, by strand.
    events : tuple of tuple of Event
        What happened, by strand.
    """

    ids: NDArray[np.intp]
    lost: tuple[int, ...]
    lefts: tuple[Left, ...]
    events: tuple[tuple[Event, ...], ...]

    @property
    def is_without_cells(self) -> bool:
        """Whether there are only moments of its cells."""
        return any(left.summary is not None for left in self.lefts)

    def without_cells(self) -> "Swept":
        """Keep the moments of the cells in their place."""
        return replace(self, lefts=tuple(left.without_cells() for left in self.lefts))


class MovingBatch:
    """A batch whose chains are completed in memory, and move.

    Parameters
    ----------
    strands : sequence of Strand
        What they go through.
    batch : Batch
        Where they stand.
    """

    def __init__(self, strands: Sequence[Strand], batch: Batch) -> None:
        self._strands, self._n_repeated = strands, batch.n_repeated
        self._states = self._placed(batch)

    def sweep(self, sweep: int, before_visit: BeforeVisit) -> Swept:
        """Run one sweep of all strands.

        A chain that is given up in one strand is given up in all. If none is left, the batch cannot
        go on.
        """
        moving = [
            (strand.course, state, strand.sequence(sweep) * strand.repeats)
            for strand, state in zip(self._strands, self._states, strict=True)
        ]
        for course, state, order in moving:
            compile_ahead(course, state, order, sweep)
        with one_blas_thread():
            outcomes = [
                run_sweep_surely(course, state, order, sweep, before_visit)
                for course, state, order in moving
            ]
        ids = np.asarray(self._states[0].ids)
        n_real = len(ids) - self._n_repeated
        failed = {chain for outcome in outcomes for chain in outcome.failed}
        survivors = np.setdiff1d(np.arange(n_real), sorted(failed))
        lefts = []
        for outcome in outcomes:
            own = np.setdiff1d(np.arange(len(ids)), outcome.failed)
            is_kept = np.isin(own, survivors)
            kept = outcome.left
            lefts.append(kept if is_kept.all() else kept.select(np.flatnonzero(is_kept)))
        if failed and len(survivors):
            rest = self.batch().select(survivors, len(ids))
            self._states, self._n_repeated = self._placed(rest), rest.n_repeated
        lost = ids[sorted(chain for chain in failed if chain < n_real)]
        return Swept(
            ids[survivors],
            tuple(map(int, lost)),
            tuple(lefts),
            tuple(_once(outcome.events) for outcome in outcomes),
        )

    def batch(self) -> Batch:
        """Give where the chains stand."""
        return Batch(tuple(state.standing() for state in self._states), self._n_repeated)

    def _placed(self, batch: Batch) -> list[ChainState]:
        pairs = zip(self._strands, batch.standings, strict=True)
        return [place(strand.course, standing) for strand, standing in pairs]


def part(batches: Sequence[Batch], size: int) -> list[Batch]:
    """Part the chains of batches into others of one size, as few as there can be.

    Parameters
    ----------
    batches : sequence of Batch
        Of different chains, after the same number of sweeps.
    size : int
        Number of chains in each, at most, repetitions included.

    Returns
    -------
    list of Batch
        In the order of the chains.
    """
    whole = join(batches)
    everyone = np.arange(whole.size)
    size = ceil(whole.size / ceil(whole.size / size))
    return [whole.select(everyone[first : first + size], size) for first in everyone[::size]]


def join(batches: Sequence[Batch]) -> Batch:
    """Put the chains of all batches together, without repetitions."""
    strands = range(len(batches[0].standings))
    return Batch(
        tuple(join_standings([batch.standing(strand) for batch in batches]) for strand in strands)
    )


def join_swept(strands: Sequence[Strand], parts: Sequence[Swept]) -> Swept:
    """Put what a sweep of all batches left behind together, in the order of the chains.

    Events are in the order of the chains too, so that they do not tell of batches; each is told
    of its group of rows.
    """
    ids = np.concatenate([own.ids for own in parts])
    order = np.argsort(ids)
    alive = [own for own in parts if len(own.ids)]
    if any(own.is_without_cells for own in alive):
        alive = [own.without_cells() for own in alive]
    lefts = [
        join_lefts([own.lefts[place] for own in alive], order)
        for place in range(len(strands) if alive else 0)
    ]
    events = [
        tuple(
            event_in_group(event, strand.label)
            for event in sorted(
                (event for own in parts for event in own.events[place]),
                key=lambda event: event.chain,
            )
        )
        for place, strand in enumerate(strands)
    ]
    lost = sorted(chain for own in parts for chain in own.lost)
    return Swept(ids[order], tuple(lost), tuple(lefts), tuple(events))


def _once(events: Sequence[Event]) -> tuple[Event, ...]:
    """Leave out what repetitions of chains say again."""
    return tuple(dict.fromkeys(events))

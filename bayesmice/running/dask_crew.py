"""The crew of a cluster: batches advanced by the workers of Dask.

A batch is sent to a worker with where its chains stand, goes through a block of sweeps there, and
comes back with what they left behind and where its chains stand then. That is its checkpoint: when
a worker dies, Dask lets another one go through the same block, and nothing else is lost. The
batches need not keep step; a sweep is told of when it has come back from all of them.
"""

import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmice.cluster import Parcel, deaths_told, opened, pack, send, submit
from bayesmice.running.route import Route
from bayesmice.scheduler import Batch, Left
from bayesmice.scheduler.batches import Swept, join_swept
from bayesmice.scheduler.blocks import run_block
from bayesmice.scheduler.sweeps import BeforeVisit
from bayesmice.scheduler.travel import packed, unpacked

BLOCK_SECONDS = 2.0
"""How long a block should take: as much work as a dying worker can take along."""
LONGEST = 100
"""Sweeps of a block at most."""
BUILDING = threading.Lock()


@dataclass(frozen=True)
class Sights:
    """What a run wants to see while it goes on.

    Attributes
    ----------
    has_cells : callable
        From a sweep to whether its cells are wanted, rather than their moments only.
    stands : int or None
        Blocks end after every so many sweeps, so that it can be saved where chains stand.
    total : callable
        Gives the number of sweeps of the whole run; None as long as it is not known.
    """

    has_cells: Callable[[int], bool]
    stands: int | None
    total: Callable[[], int | None]


@dataclass(frozen=True)
class Sent:
    """What came back of a block.

    Attributes
    ----------
    sweeps : tuple of Swept
        What its sweeps left behind.
    after : bytes or None
        Where its chains stand; None if none is left.
    seconds : float
        How long it took.
    """

    sweeps: tuple[Swept, ...]
    after: bytes | None
    seconds: float


@dataclass
class FarBatch:
    """A batch on its way.

    Attributes
    ----------
    stood : dict of int to bytes
        Where its chains stood after some numbers of sweeps, the last ones.
    pace : float or None
        Seconds that a sweep takes; None as long as they are not known.
    future : object or None
        The block that is on its way.
    left : dict of int to Swept
        What the last sweep that was told of, and later ones, left behind.
    is_lost : bool
        Whether none of its chains is left.
    """

    stood: dict[int, bytes]
    pace: float | None = None
    future: Any = None
    left: dict[int, Swept] = field(default_factory=dict)
    is_lost: bool = False

    @property
    def reached(self) -> int:
        """Number of sweeps that it has gone through."""
        return max(self.stood)

    def last_stand(self, n_sweeps: int) -> int:
        """Give the last number of sweeps, up to one, after which it is known where it stood."""
        return max(known for known in self.stood if known <= n_sweeps)

    def forget(self, n_sweeps: int) -> None:
        """Forget what is not needed any more to stand where it stood after some sweeps."""
        last = self.last_stand(n_sweeps)
        self.stood = {known: state for known, state in self.stood.items() if known >= last}
        self.left = {sweep: own for sweep, own in self.left.items() if sweep >= n_sweeps - 1}

    def take_in(self, block: Sent) -> None:
        """Take in a block that has come back."""
        self.future = None
        self.left |= {self.reached + n: swept for n, swept in enumerate(block.sweeps)}
        self.pace = block.seconds / len(block.sweeps)
        if block.after is None:
            self.is_lost = True
        else:
            self.stood[self.reached + len(block.sweeps)] = block.after


class DaskCrew:
    """Advances batches on a cluster.

    Parameters
    ----------
    client : distributed.Client
        The cluster.
    route : Route
        What the chains go through; it travels once.
    batches : sequence of Batch
        Where they stand.
    n_sweeps : int
        How many sweeps they have gone through.
    sights : Sights
        What the run wants to see.
    """

    def __init__(
        self,
        client: Any,
        route: Route,
        batches: Sequence[Batch],
        n_sweeps: int,
        sights: Sights,
    ) -> None:
        self._client, self._route, self._sights = client, route, sights
        self._parcel = send(client, pack(route, "The run"))
        self._far = [FarBatch({n_sweeps: packed(route.strands, batch)}) for batch in batches]
        self._told = n_sweeps
        self._ids = self._after = np.sort(np.concatenate([batch.ids for batch in batches]))

    @property
    def ids(self) -> NDArray[np.intp]:
        """Identities of the chains after the last sweep that was kept."""
        return self._ids

    def sweep(self, sweep: int, before_visit: BeforeVisit) -> Swept:
        """Wait for a sweep of all batches, which work on meanwhile."""
        with deaths_told():
            self._exchange()
            while lacking := [far.future for far in self._far if sweep not in far.left]:
                import_module("distributed").wait(lacking, return_when="FIRST_COMPLETED")
                self._exchange()
        parts = [far.left[sweep] for far in self._far]
        self._after = np.sort(np.concatenate([swept.ids for swept in parts]))
        return join_swept(self._route.strands, parts)

    def keep(self) -> None:
        """Let the chains stand where they stand after the sweep."""
        self._far = [far for far in self._far if len(far.left[self._told].ids)]
        self._ids = self._after
        self._told += 1
        for far in self._far:
            far.forget(self._told)

    def go_back(self) -> None:
        """Let the chains stand where they stood before the sweep, which will be told of again."""

    def settled(self) -> tuple[list[Batch], tuple[Left, ...]]:
        """Give where the chains stand after the last sweep that was kept, and what it left behind.

        A batch that is ahead goes through the sweeps of the block in question once more.
        """
        batches, parts = [], []
        with deaths_told():
            for far in self._far:
                last = far.last_stand(self._told)
                if last == self._told:
                    batches.append(unpacked(self._route.strands, far.stood[last]))
                    parts += [far.left[last - 1]] if last - 1 in far.left else []
                else:
                    block = self._sent(far, range(last, self._told), ()).result()
                    batches.append(unpacked(self._route.strands, block.after))
                    parts.append(block.sweeps[-1])
        return batches, join_swept(self._route.strands, parts).lefts if parts else ()

    def close(self) -> None:
        """Let go of what is under way."""
        self._client.cancel([far.future for far in self._far if far.future is not None])

    def _exchange(self) -> None:
        """Take in blocks that have come back, and send batches on."""
        for far in self._far:
            if far.future is not None and far.future.done():
                far.take_in(far.future.result())
            if far.future is None and not far.is_lost:
                self._send_on(far)

    def _send_on(self, far: FarBatch) -> None:
        first, total, stands = far.reached, self._sights.total(), self._sights.stands
        n_sweeps = 1 if far.pace is None else int(BLOCK_SECONDS / max(far.pace, 1e-9))
        ends = [first + min(max(n_sweeps, 1), LONGEST)]
        if total is not None:
            ends.append(total)
        elif first > self._told + LONGEST:
            return  # the run may have ended before
        if stands is not None:
            ends.append((first // stands + 1) * stands)
        sweeps = range(first, min(ends))
        if sweeps:
            seen = tuple(sweep for sweep in sweeps if self._sights.has_cells(sweep))
            far.future = self._sent(far, sweeps, seen)

    def _sent(self, far: FarBatch, sweeps: range, with_cells: Collection[int]) -> Any:
        state = far.stood[sweeps.start]
        return submit(self._client, run_far_block, self._parcel, state, sweeps, with_cells)


def run_far_block(
    parcel: Parcel, written: bytes, sweeps: range, with_cells: Collection[int]
) -> Sent:
    """Let a batch go through a block, on the worker that this is called on."""
    began = time.perf_counter()
    route: Route = opened(parcel)
    with BUILDING:
        strands, turns = route.strands, route.turns
    with turns:
        block = run_block(strands, unpacked(strands, written), sweeps, with_cells)
        after = None if block.after is None else packed(strands, block.after)
    return Sent(block.sweeps, after, time.perf_counter() - began)

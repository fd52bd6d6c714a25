"""The means of a run: what its chains are moved by."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from bayesmice.running.dask_crew import DaskCrew, Sights
from bayesmice.running.route import Route
from bayesmice.scheduler import Batch, Crew, ThreadCrew, part, threads_for


@dataclass(frozen=True, eq=False)
class Means:
    """By what means chains are moved; results do not depend on it.

    Attributes
    ----------
    chunk : int or None
        How many chains are completed in memory at the same time, at most; on a cluster, in a task.
    client : distributed.Client or None
        A cluster of Dask; once it is closed, this machine moves them.
    """

    chunk: int | None = None
    client: Any = None

    def crew(self, route: Route, batches: Sequence[Batch], n_sweeps: int, sights: Sights) -> Crew:
        """Find who moves chains that have gone through some sweeps.

        Parameters
        ----------
        route : Route
            What they go through.
        batches : sequence of Batch
            Where they stand.
        n_sweeps : int
            How many sweeps they have gone through.
        sights : Sights
            What the run wants to see.
        """
        if self.client is not None and self.client.status == "running":
            return self._far_crew(route, batches, n_sweeps, sights)
        return self._local_crew(route, batches)

    def _local_crew(self, route: Route, batches: Sequence[Batch]) -> ThreadCrew:
        """Part the chains among the cores of this machine."""
        n_chains = sum(len(batch.ids) for batch in batches)
        at_once = min(self.chunk or n_chains, n_chains)
        n_threads = threads_for(route.strands, at_once)
        size = ceil(n_chains / n_threads) if at_once == n_chains else at_once // n_threads
        return ThreadCrew(route.strands, part(batches, size), n_threads)

    def _far_crew(
        self, route: Route, batches: Sequence[Batch], n_sweeps: int, sights: Sights
    ) -> DaskCrew:
        """Part the chains among the threads of all workers of the cluster."""
        n_chains = sum(len(batch.ids) for batch in batches)
        # Two chains at least: one alone runs twice. Workers that are yet to come may be many.
        most = max(n_chains // 2, 1)
        n_threads = sum(self.client.nthreads().values()) or most
        size = ceil(n_chains / min(n_threads, most))
        size = min(size, self.chunk or size)
        return DaskCrew(self.client, route, part(batches, size), n_sweeps, sights)

"""Replicates, spread over processes of this machine or over a cluster."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import joblib

from bayesmice.cluster import check_client, mapped
from bayesmice.errors import SpecificationError


@dataclass(frozen=True, eq=False)
class Hands:
    """Who does the work.

    Attributes
    ----------
    workers : int or None
        Number of processes; None for this one, -1 for all cores.
    client : distributed.Client or None
        A cluster of Dask instead.
    what : str
        What the work is called, for errors.
    """

    workers: int | None
    client: Any
    what: str


def spread(
    function: Callable[[Any], Any],
    items: Sequence[Any],
    hands: Hands,
    progress: Callable[[int], None],
) -> list[Any]:
    """Call a function of every item, and give the results in the order of the items.

    Parameters
    ----------
    function : callable
        Of one item.
    items : sequence
        The items.
    hands : Hands
        Who does the work.
    progress : callable
        Called with the number of items that are done.

    Raises
    ------
    SpecificationError
        If there are both workers and a client.
    """
    if hands.client is not None:
        if hands.workers is not None:
            raise SpecificationError(
                f"workers is {hands.workers}, processes of this machine, and client a cluster. "
                "Give one of them."
            )
        return mapped(check_client(hands.client), function, items, hands.what, progress)
    results: list[Any] = []
    tasks = (joblib.delayed(function)(item) for item in items)
    for result in joblib.Parallel(n_jobs=hands.workers or 1, return_as="generator")(tasks):
        results.append(result)
        progress(len(results))
    return results

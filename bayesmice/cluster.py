"""Clusters: bringing work to the workers of Dask.

What all tasks of a job need is a parcel: it travels to the cluster once, and each worker opens it
once. The scheduler of Dask keeps it for as long as the job runs, so that no dying worker takes the
last copy along.
"""

import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from typing import Any

from bayesmice.errors import SamplingError, SpecificationError

OPENED = 4
"""Parcels that a worker keeps open: those of as many jobs at the same time."""
OPENING = threading.Lock()


@dataclass(frozen=True)
class Parcel:
    """Something packed up, known by a key of its own.

    Attributes
    ----------
    key : str
        A unique text.
    content : bytes
        What `cloudpickle` makes of it.
    """

    key: str
    content: bytes = field(repr=False, compare=False)


def check_client(client: object) -> Any:
    """Check that something is a client of Dask that can be used.

    Parameters
    ----------
    client : object
        What the user gave.

    Returns
    -------
    distributed.Client

    Raises
    ------
    SpecificationError
        If it is something else, is closed, or works asynchronously only.
    """
    try:
        expected = import_module("distributed").Client
    except ImportError as error:
        raise SpecificationError(
            f"client is {client!r:.60}, and Dask is not installed here. Install it with: pip "
            'install "bayesmice[dask]".'
        ) from error
    if not isinstance(client, expected):
        raise SpecificationError(
            f"client is {client!r:.60}; expected a client of Dask, such as "
            "dask.distributed.Client(n_workers=4)."
        )
    if client.status != "running" or client.asynchronous:
        how = "asynchronous" if client.asynchronous else client.status
        raise SpecificationError(
            f"client is {how}; expected one that is connected to a cluster and waits for results, "
            "such as dask.distributed.Client(n_workers=4)."
        )
    return client


def pack(thing: object, what: str) -> Parcel:
    """Pack something up.

    Parameters
    ----------
    thing : object
        Functions of notebooks and lambdas may be part of it.
    what : str
        What it is called, for errors.

    Raises
    ------
    SpecificationError
        If something of it cannot be sent to another process.
    """
    try:
        content = import_module("cloudpickle").dumps(thing)
    except Exception as error:  # whatever the objects of a user raise is told as what it is
        raise SpecificationError(
            f"{what} cannot be sent to the workers of a cluster: {type(error).__name__}: {error}. "
            "Open files, connections and locks inside of functions, so that these can be sent."
        ) from error
    return Parcel(uuid.uuid4().hex, content)


def opened(parcel: Parcel) -> Any:
    """Give what is in a parcel; the same object whenever a process opens the parcel again."""
    with OPENING:
        return _opened(parcel)


@lru_cache(maxsize=OPENED)
def _opened(parcel: Parcel) -> Any:
    return import_module("cloudpickle").loads(parcel.content)


def send(client: Any, parcel: Parcel) -> Any:
    """Bring a parcel to a cluster, and give the future that tasks get it by."""
    # As a task that gives it back, a parcel is made again where a worker takes it along.
    return submit(client, _received, parcel)


def _received(parcel: Parcel) -> Parcel:
    return parcel


def submit(client: Any, function: Callable[..., Any], *arguments: object) -> Any:
    """Let some worker call a function; the arguments may be of any size."""
    threshold = {"distributed.admin.large-graph-warning-threshold": "1 TB"}
    with import_module("dask").config.set(threshold):
        return client.submit(function, *arguments, pure=False)


@contextmanager
def deaths_told() -> Iterator[None]:
    """Raise a `SamplingError` where workers died again and again over the same task."""
    killed = import_module("distributed").KilledWorker
    try:
        yield
    except killed as error:
        raise SamplingError(
            f"A task was given up, since its workers died one after the other: {error} Often they "
            "lack memory: give them more, fewer threads each, or let chunk= make tasks smaller."
        ) from error


def mapped(
    client: Any,
    function: Callable[[Any], Any],
    items: Sequence[Any],
    what: str,
    progress: Callable[[int], None] | None = None,
) -> list[Any]:
    """Call a function of every item on the workers of a cluster.

    Parameters
    ----------
    client : distributed.Client
        The cluster.
    function : callable
        Travels to each worker once, with all that it holds.
    items : sequence
        Small things.
    what : str
        What the function is called, for errors.
    progress : callable, optional
        Called with the number of items that are done after each.

    Returns
    -------
    list
        In the order of the items.

    Raises
    ------
    SpecificationError
        If the function cannot be sent to another process.
    SamplingError
        If workers die again and again.
    """
    parcel = send(client, pack(function, what))
    futures = [submit(client, _called, parcel, item) for item in items]
    try:
        with deaths_told():
            for done, future in enumerate(import_module("distributed").as_completed(futures), 1):
                future.result()
                if progress is not None:
                    progress(done)
            return list(client.gather(futures))
    finally:
        client.cancel(futures)


def _called(parcel: Parcel, item: Any) -> Any:
    return opened(parcel)(item)

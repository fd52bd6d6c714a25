"""First visits: a program is compiled by one thread, while the others wait for it."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from bayesmice.kernels import Program


class FirstVisits:
    """Lets only one thread at a time make the first visit of a program.

    JAX compiles a program when it is called for the first time with a number of chains. Two threads
    that do so at the same time would both compile it.
    """

    def __init__(self) -> None:
        self._made: set[tuple[int, int]] = set()
        self._locks: defaultdict[tuple[int, int], Lock] = defaultdict(Lock)
        self._lookup = Lock()

    @contextmanager
    def waiting(self, program: Program, n_chains: int) -> Iterator[None]:
        """Wait until nobody else makes the first visit of a program to so many chains."""
        key = id(program), n_chains
        if key in self._made:
            yield
            return
        with self._lookup:
            lock = self._locks[key]
        with lock:
            yield
        self._made.add(key)

    def was_made(self, program: Program, n_chains: int) -> bool:
        """Say whether a program has visited so many chains before."""
        return (id(program), n_chains) in self._made

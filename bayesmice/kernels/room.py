"""Room for compiled programs in the memory maps that a process may have.

Each compiled program takes fifty memory maps and more, and Linux gives a process 65,530. A process
that goes beyond, such as a notebook that imputes a hundred data sets of different sizes, is killed
in the midst of a compilation. Compiled programs are in the cache on disk too, so forgetting those
in memory costs little.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import jax

MAPS, MAX_MAPS = Path("/proc/self/maps"), Path("/proc/sys/vm/max_map_count")
COMPILED = "/jax/core/compile/backend_compile_duration"
"""JAX's name for the event of having compiled a program, or having read it from the disk."""
BETWEEN_LOOKS = 32
"""Programs compiled before maps are counted again, which takes milliseconds."""
FULL = 0.5
"""Share of the maps at which compiled programs are forgotten."""


@dataclass
class Compilations:
    """How many programs this process has compiled since its maps were counted.

    Attributes
    ----------
    n_new : int
        The number.
    """

    n_new: int = 0

    def heard(self, event: str, duration_secs: float, **kwargs: str | int) -> None:
        """Listen to JAX."""
        self.n_new += event == COMPILED


@lru_cache(maxsize=1)
def compilations() -> Compilations:
    """Give the counter of this process, which listens from the first call on."""
    counter = Compilations()
    jax.monitoring.register_event_duration_secs_listener(counter.heard)
    return counter


def make_room(maps: Path = MAPS, max_maps: Path = MAX_MAPS) -> bool:
    """Forget compiled programs where memory maps run short.

    Parameters
    ----------
    maps : Path
        Where the system lists the maps of this process, one a line. Systems other than Linux do
        not, and have no such limit.
    max_maps : Path
        Where it says how many there may be.

    Returns
    -------
    bool
        Whether programs were forgotten. They are compiled, or read from disk, when they are called
        again; results do not change.
    """
    counter = compilations()
    if counter.n_new < BETWEEN_LOOKS or not (maps.exists() and max_maps.exists()):
        return False
    counter.n_new = 0
    n_maps = maps.read_bytes().count(b"\n")
    if n_maps < FULL * int(max_maps.read_text()):
        return False
    jax.clear_caches()
    return True

"""Linear algebra in one thread.

JAX takes Cholesky factors and eigenvalues on a CPU from the LAPACK of SciPy, which spreads matrices
of a hundred columns and more over all cores. There batches of chains run already: the threads then
wait for each other, and a Cholesky factor of 245 columns took a hundred times as long. Besides,
the last bits of a result would depend on the number of cores.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from threading import Lock
from typing import Any

from bayesmice.later import later

threadpoolctl = later("threadpoolctl")


class SingleThread:
    """Limits the threads of this process as long as anybody wants it; callers may overlap."""

    def __init__(self) -> None:
        self._lock, self._callers = Lock(), 0
        self._limit: Any = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Let BLAS and LAPACK use one thread for each caller."""
        with self._lock:
            if not self._callers:
                self._limit = _controller().limit(limits=1, user_api="blas")
            self._callers += 1
        try:
            yield
        finally:
            with self._lock:
                self._callers -= 1
                if not self._callers:
                    self._limit.restore_original_limits()


one_blas_thread = SingleThread()


@cache
def _controller() -> Any:
    import_module("scipy.linalg.cython_lapack")  # it knows libraries that are loaded already
    return threadpoolctl.ThreadpoolController()

"""Seconds and peak memory of processes, and medians over repeated measurements."""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

STOPWATCH = Path(__file__).parent / "stopwatch.py"
BENCHMARKS = Path(__file__).parents[1]


class Measured(NamedTuple):
    """What a process took.

    Attributes
    ----------
    seconds, cpu_seconds : float
        From its start to its end; of all its threads.
    peak_bytes : int
        The most memory that it, or a process that it waited for, held (resident set size).
    printed : str
        Its standard output.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    printed: str


class ProcessFailedError(RuntimeError):
    """A measured process ended with an error.

    Attributes
    ----------
    said : str
        Its last words.
    """

    def __init__(self, command: Sequence[str], what: str, output: str) -> None:
        self.said = last_words(output)
        super().__init__(f"{' '.join(command)} {what}: {self.said}")


def last_words(output: str) -> str:
    """Give the last line that says something; R says last that it halts."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if line != "Execution halted" and line[:6] != "Calls:"]
    return telling[-1] if telling else "it said nothing"


def measure(command: Sequence[str], environment: Mapping[str, str], limit: float = 0) -> Measured:
    """Run a process and measure it.

    Parameters
    ----------
    command : sequence of str
        The program and its arguments.
    environment : mapping of str to str
        All of its environment.
    limit : float
        Seconds after which it is killed; 0 for none.

    Returns
    -------
    Measured

    Raises
    ------
    ProcessFailedError
        If it ends with an error, or is killed; the text ends with its last words.
    """
    with tempfile.TemporaryDirectory() as folder:
        printed = Path(folder) / "printed"
        watched = subprocess.run(
            [sys.executable, "-I", "-S", str(STOPWATCH), str(printed), str(limit), *command],
            env=dict(environment),
            check=False,
            capture_output=True,
            text=True,
        )
        if watched.returncode != 0:
            raise ProcessFailedError(command, "could not be started", watched.stderr)
        found = json.loads(watched.stdout)
        text = printed.read_text(encoding="utf-8")
    if limit and found["seconds"] >= limit and found["exit_code"] == -signal.SIGKILL:
        raise ProcessFailedError(command, "was ended", f"it took longer than {limit:g} s")
    if found["exit_code"] != 0:
        output = watched.stderr or text
        raise ProcessFailedError(command, f"ended with {found['exit_code']}", output)
    return Measured(found["seconds"], found["cpu_seconds"], found["peak_bytes"], text)


def child_environment(**settings: str) -> dict[str, str]:
    """Give the environment of a process: ours, with bytecode files, our parts, and settings."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    folders = [str(BENCHMARKS), *filter(None, [kept.get("PYTHONPATH")])]
    return kept | {"PYTHONPATH": os.pathsep.join(folders)} | settings


@contextmanager
def empty_caches():
    """Give an environment whose compilation caches are empty, and fill when they are used."""
    with tempfile.TemporaryDirectory() as folder:
        yield child_environment(
            JAX_COMPILATION_CACHE_DIR=f"{folder}/jax",
            JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0",
            JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES="-1",
            PYTENSOR_FLAGS=f"base_compiledir={folder}/pytensor",
            XDG_CACHE_HOME=folder,
        )


@dataclass(frozen=True)
class Figure:
    """One figure of a table, from repeated measurements.

    Attributes
    ----------
    workload, who, name : str
        What was done, who did it, and what was measured: ``cold``, ``second``, ``whole``,
        ``later_sweep`` or ``peak_memory``.
    values : tuple of float
        In seconds, or bytes.
    note : str
        What has to be known of it, such as that it is extrapolated.
    """

    workload: str
    who: str
    name: str
    values: tuple[float, ...]
    note: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def unit(self) -> str:
        return "bytes" if self.name == "peak_memory" else "s"

"""Many chains on a GPU and on a CPU, beside what their memory allows."""

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from speed.datafiles import read_columns, write_data
from speed.measuring import ProcessFailedError, child_environment, measure
from speed.table import GB, markdown, seconds_text
from speed.trials import our_later_sweeps
from speed.workloads import WORKLOADS, Effort, Workload

LATER = Effort(later=(6, 10))
TINY_CHAINS, TINY_ROWS = 3, 200
NUMBER_BYTES = 8
"""Bytes of a number in double precision."""

WITH_MANY_CHAINS: Mapping[str, int] = {"W2": 1_000, "W3": 200, "W6": 20}
"""Imputations, by workload."""


class DeviceMissingError(Exception):
    """JAX does not see a device; the text says what to do."""


class Device(NamedTuple):
    """A device as JAX sees it.

    Attributes
    ----------
    platform : str
        ``"cuda"`` or ``"cpu"``.
    kind : str
        Its model.
    bytes_per_second : float
        What it reads and writes of its memory while it copies.
    """

    platform: str
    kind: str
    bytes_per_second: float


@dataclass(frozen=True)
class OnDevice:
    """A later sweep on a device.

    Attributes
    ----------
    workload : str
        What was imputed.
    device : Device
        Where.
    seconds : float
        What a later sweep took.
    least_bytes : int
        What a sweep reads at least.
    peak_bytes : int
        The most memory that was held: of the device where it has its own, else of the process.
    """

    workload: str
    device: Device
    seconds: float
    least_bytes: int
    peak_bytes: int

    @property
    def limit(self) -> float:
        """The seconds that reading alone takes."""
        return self.least_bytes / self.device.bytes_per_second


def cases(tiny: bool) -> list[Workload]:
    """Give the workloads with many chains; tiny ones, to try whether all parts work."""
    found = []
    for name, m in WITH_MANY_CHAINS.items():
        chains, n_rows = (TINY_CHAINS, TINY_ROWS) if tiny else (m, WORKLOADS[name].n_rows)
        title = f"{name} with n={n_rows:,}, m={chains:,}"
        found.append(replace(WORKLOADS[name], title=title, m=chains, n_rows=n_rows, ours=LATER))
    return found


def find_device(platform: str, copied_bytes: int) -> Device:
    """Find a device, and measure how fast it copies.

    Parameters
    ----------
    platform : str
        ``"cuda"`` or ``"cpu"``.
    copied_bytes : int
        Size of the array that is copied; larger than the caches of the device.

    Raises
    ------
    DeviceMissingError
        If JAX does not see one.
    """
    command = [sys.executable, "-m", "speed.bandwidth", str(copied_bytes)]
    try:
        said = json.loads(measure(command, device_environment(platform)).printed)
    except ProcessFailedError as failure:
        raise DeviceMissingError(
            f"JAX sees no device of the platform {platform!r} here ({failure.said}). Install "
            "bayesmice[cuda] on a machine with an NVIDIA GPU and its driver, or measure what there "
            "is with --devices cpu."
        ) from failure
    return Device(platform, said["device"], said["bytes_per_second"])


def device_environment(platform: str) -> dict[str, str]:
    """Give the environment of processes that use one platform only."""
    return child_environment(JAX_PLATFORMS=platform, XLA_PYTHON_CLIENT_PREALLOCATE="false")


def least_bytes(folder: Path, m: int) -> int:
    """Say what a sweep has to read at least.

    Each visit needs the completed columns of every chain once; all columns are visited. A level
    counts as an indicator. Whatever reads them oftener, as several gradients do, takes longer.
    """
    columns = read_columns(folder)
    n_rows = (folder / "values").stat().st_size // (NUMBER_BYTES * len(columns))
    width = sum(max(column.levels - 1, 1) for column in columns)
    return NUMBER_BYTES * m * n_rows * width * len(columns)


def measure_on(workload: Workload, device: Device) -> OnDevice:
    """Measure a later sweep of a workload on a device."""
    assert workload.make is not None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_data(workload.make(workload.n_rows), folder)
        per_sweep, process, _ = our_later_sweeps(
            workload, folder, device_environment(device.platform)
        )
        reads = least_bytes(folder, workload.m)
    peak = json.loads(process.printed)["device_peak_bytes"] or process.peak_bytes
    seconds = sorted(per_sweep)[len(per_sweep) // 2]
    return OnDevice(workload.title, device, seconds, reads, peak)


@contextmanager
def only_cores(count: int | None) -> Iterator[None]:
    """Let this process and those that it starts run on some cores only; None for all."""
    if count is None or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def device_table(found: Sequence[OnDevice]) -> str:
    """Show a workload and device a line."""
    on_cpu = {one.workload: one.seconds for one in found if one.device.platform == "cpu"}
    rows = []
    for one in found:
        cpu = on_cpu.get(one.workload)
        rows.append(
            [
                one.workload,
                f"{one.device.platform}: {one.device.kind}",
                seconds_text(one.seconds),
                "" if cpu is None else f"{cpu / one.seconds:.3g}",
                f"{one.least_bytes / GB:.3g} GB",
                f"{one.device.bytes_per_second / GB:,.1f} GB/s",
                seconds_text(one.limit),
                f"{one.seconds / one.limit:.3g}",
                f"{one.peak_bytes / GB:.2f} GB",
            ]
        )
    header = ["workload", "device", "a later sweep", "times as fast as the CPU", "has to read"]
    return markdown(rows, [*header, "copies", "limit", "over the limit", "peak memory"])


def device_rows(found: Sequence[OnDevice]) -> list[dict[str, object]]:
    """Give a row for each."""
    return [
        {
            "workload": one.workload,
            "platform": one.device.platform,
            "device": one.device.kind,
            "seconds_per_sweep": float(f"{one.seconds:.6g}"),
            "least_bytes": one.least_bytes,
            "bytes_per_second": float(f"{one.device.bytes_per_second:.6g}"),
            "limit_seconds": float(f"{one.limit:.6g}"),
            "peak_bytes": one.peak_bytes,
        }
        for one in found
    ]

"""One workload, by us and by peers in turns."""

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from speed.datafiles import write_data
from speed.measuring import (
    Figure,
    Measured,
    ProcessFailedError,
    child_environment,
    empty_caches,
    measure,
)
from speed.peers.registry import PEERS, Peer, PeerMissingError
from speed.workloads import SWEEPS, Workload

OURS = "bayesmice"
Values = dict[tuple[str, str], list[float]]
Say = Callable[[str], None]


class WorkloadMissingError(Exception):
    """A workload cannot be made here; the text says why."""


@dataclass(frozen=True)
class Amounts:
    """How much is measured.

    Attributes
    ----------
    runs : int
        Repetitions of each figure, of ours and of peers that are fast enough.
    limit : float
        Seconds after which a process is killed, and its workload given up; 0 for none.
    """

    runs: int
    limit: float = 0


def prepare(workload: Workload, folder: Path) -> None:
    """Write the data of a workload.

    Raises
    ------
    WorkloadMissingError
        If they come from R, which is not at hand.
    """
    if workload.make is not None:
        write_data(workload.make(workload.n_rows), folder)
        return
    try:
        measure(PEERS["R mice"].command("boys", folder), child_environment())
    except (PeerMissingError, ProcessFailedError) as failure:
        raise WorkloadMissingError(f"its data come with R's mice: {failure}") from failure


def our_run(
    workload: Workload, folder: Path, environment: Mapping[str, str], limit: float
) -> Measured:
    """Measure a process that imports bayesmice and imputes."""
    arguments = map(str, (folder, workload.models, workload.m, SWEEPS))
    return measure([sys.executable, "-m", "speed.our_process", *arguments], environment, limit)


def our_later_sweeps(
    workload: Workload, folder: Path, environment: Mapping[str, str], limit: float = 0
) -> tuple[list[float], Measured, int]:
    """Give seconds of later sweeps, the process, and its memory after the imports."""
    effort = workload.ours
    arguments = map(str, (folder, workload.models, workload.m, *effort.later, effort.pairs))
    command = [sys.executable, "-m", "speed.our_later_sweeps", *arguments]
    process = measure(command, environment, limit)
    said = json.loads(process.printed)
    return said["per_sweep"], process, said["after_imports_bytes"]


def run_workload(
    workload: Workload, folder: Path, peers: Iterable[Peer], amounts: Amounts, say: Say
) -> tuple[list[Figure], dict[str, str]]:
    """Measure a workload.

    Parameters
    ----------
    workload : Workload
        What to impute; its data are in ``folder``.
    peers : iterable of Peer
        Those that are at hand; of them, the comparable ones are measured.
    amounts : Amounts
        How often.
    say : callable
        Told what is being measured.

    Returns
    -------
    list of Figure, dict of str to str
        The figures, and why somebody failed, by name.
    """
    values: Values = defaultdict(list)
    notes: dict[str, str] = {}
    failed: dict[str, str] = {}
    compared = [peer for peer in peers if peer.name in workload.peers]
    for run in range(amounts.runs):
        say(f"{workload.name}: run {run + 1} of {amounts.runs}, {OURS}")
        if OURS not in failed:
            try:
                _measure_ours(workload, folder, amounts, values)
            except ProcessFailedError as failure:
                failed[OURS] = failure.said
        for peer in compared:
            effort = workload.peers[peer.name]
            if run >= (effort.most_runs or amounts.runs) or peer.name in failed:
                continue
            say(f"{workload.name}: run {run + 1} of {amounts.runs}, {peer.name}")
            try:
                notes[peer.name] = _measure_peer(workload, folder, peer, amounts, values)
            except ProcessFailedError as failure:
                failed[peer.name] = failure.said
    figures = [
        Figure(workload.name, who, name, tuple(found), notes.get(who, ""))
        for (who, name), found in values.items()
    ]
    return figures, failed


def _measure_ours(workload: Workload, folder: Path, amounts: Amounts, values: Values) -> None:
    with empty_caches() as environment:
        for name in ("cold", "second"):
            process = our_run(workload, folder, environment, amounts.limit)
            values[OURS, name].append(process.seconds)
        values[OURS, "peak_memory"].append(process.peak_bytes)
        per_sweep, _, _ = our_later_sweeps(workload, folder, environment, amounts.limit)
        values[OURS, "later_sweep"].append(sorted(per_sweep)[len(per_sweep) // 2])


def _measure_peer(
    workload: Workload, folder: Path, peer: Peer, amounts: Amounts, values: Values
) -> str:
    """Measure a peer once; says what of its figures is extrapolated."""
    effort = workload.peers[peer.name]
    m, sweeps = effort.m or workload.m, effort.sweeps or SWEEPS
    environment = child_environment()
    process = measure(peer.command("whole", folder, m, sweeps), environment, amounts.limit)
    command = peer.command("later", folder, m, *effort.later)
    later = measure(command, environment, amounts.limit)
    per_sweep = json.loads(later.printed)["per_sweep"][0]
    values[peer.name, "whole"].append(
        extrapolated(process.seconds, per_sweep, (m, sweeps), (workload.m, SWEEPS))
    )
    values[peer.name, "later_sweep"].append(per_sweep * workload.m / m)
    values[peer.name, "peak_memory"].append(process.peak_bytes)
    if not effort.is_part:
        return ""
    return f"extrapolated from m={m}, {sweeps} sweep{'s' if sweeps > 1 else ''}"


def extrapolated(
    seconds: float, per_sweep: float, done: tuple[int, int], wanted: tuple[int, int]
) -> float:
    """Extrapolate a run linearly in imputations times sweeps.

    Parameters
    ----------
    seconds : float
        What the run took.
    per_sweep : float
        What one more sweep of its imputations takes.
    done, wanted : (int, int)
        Imputations and sweeps of that run, and of the one that is asked for.

    Examples
    --------
    >>> extrapolated(3.0, 2.0, done=(1, 1), wanted=(5, 10))
    101.0
    """
    per_one = per_sweep / done[0]
    return seconds + per_one * (wanted[0] * wanted[1] - done[0] * done[1])

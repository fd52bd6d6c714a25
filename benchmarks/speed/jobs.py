"""Whole jobs as a user would run them: the clinical trial of the README, and one new row."""

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from speed.measuring import Figure, child_environment, empty_caches, measure
from speed.peers.registry import PEERS
from speed.trials import OURS
from speed.workloads import FULL, Workload

R_SCRIPT = Path(__file__).parent / "peers" / "trial.R"

JOBS: Mapping[str, Workload] = {
    job.name: job
    for job in (
        Workload(
            "trial",
            "n=1,000, three incomplete columns, m=5; with analysis and pooling",
            None,
            1_000,
            5,
            {"R mice": FULL},
        ),
        Workload("new row", "two of ten cells of one row, m=5", None, 1, 5, {}),
    )
}


def trial(runs: int, with_r: bool) -> list[Figure]:
    """Time the clinical trial, R's beside ours."""
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    for _ in range(runs):
        with empty_caches() as environment:
            for name in ("cold", "second"):
                process = measure([sys.executable, "-m", "speed.trial_process"], environment)
                values[OURS, name].append(process.seconds)
        values[OURS, "peak_memory"].append(process.peak_bytes)
        if with_r:
            program = PEERS["R mice"].find()[0]
            peer = measure([program, "--vanilla", str(R_SCRIPT)], child_environment())
            values["R mice", "whole"].append(peer.seconds)
            values["R mice", "peak_memory"].append(peer.peak_bytes)
    return [Figure("trial", who, name, tuple(found)) for (who, name), found in values.items()]


def new_row(runs: int, with_r: bool) -> list[Figure]:
    """Time a row that comes after the run, which R's mice has no quick way for."""
    command = [sys.executable, "-m", "speed.new_row_process", str(runs)]
    seconds = json.loads(measure(command, child_environment()).printed)
    return [Figure("new row", OURS, "call", tuple(seconds))]


MEASURES: Mapping[str, Callable[[int, bool], list[Figure]]] = {"trial": trial, "new row": new_row}

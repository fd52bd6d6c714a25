"""Time bayesmice, and peers beside it, on the workloads of docs/benchmarks.md.

    uv run benchmarks/run.py [--runs 5] [--quick] [--only W1 W2] [--peers "R mice" miceforest]

Every figure is the median over runs of this one call, on this machine, ours and a peer's in turns;
compare ratios, not seconds. Tables are written into benchmarks/results. Peers that are not
installed are skipped and named.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from speed.efficiency import Efficiency, efficiencies
from speed.jobs import JOBS, MEASURES
from speed.machine import described_machine
from speed.measuring import Figure
from speed.peers.registry import PEERS, Peer, found_peers
from speed.table import (
    csv_rows,
    efficiency_rows,
    efficiency_table,
    our_table,
    peer_table,
    write_csv,
)
from speed.trials import Amounts, WorkloadMissingError, prepare, run_workload
from speed.workloads import WORKLOADS, Workload

RESULTS = Path(__file__).parent / "results"
FOLLOWED = "W1"
"""The workload whose effective draws per second are measured."""
ALL: Mapping[str, Workload] = {**WORKLOADS, **JOBS}


@dataclass
class Findings:
    """What was measured, and what was not."""

    figures: list[Figure] = field(default_factory=list)
    efficiencies: list[Efficiency] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def main() -> None:
    arguments = parsed()
    amounts = Amounts(1 if arguments.quick else arguments.runs, arguments.limit)
    found, missing = found_peers(arguments.peers)
    machine = described_machine({peer.name: versions for peer, versions in found.items()})
    findings = Findings(left_out=missing)
    chosen = {name: ALL[name].scaled(arguments.scale) for name in arguments.only}
    for name, workload in chosen.items():
        if name in MEASURES:
            print(name, flush=True)
            with_r = any(peer.name == "R mice" for peer in found)
            findings.figures += MEASURES[name](amounts.runs, with_r)
        else:
            measure_workload(workload, list(found), amounts, findings)
        # After each workload, so that whoever stops a long run keeps what is finished.
        write(findings, chosen, machine, arguments.results)
    print((arguments.results / "latest.md").read_text(encoding="utf-8"))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="runs per figure")
    parser.add_argument("--quick", action="store_true", help="one run of each")
    parser.add_argument("--only", nargs="+", choices=ALL, default=list(ALL), metavar="W1")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--scale", type=float, default=1.0, help="share of the rows, for a look")
    parser.add_argument("--limit", type=float, default=3600, help="seconds of a process; 0: none")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the tables")
    return parser.parse_args()


def measure_workload(
    workload: Workload, peers: Sequence[Peer], amounts: Amounts, findings: Findings
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            prepare(workload, folder)
        except WorkloadMissingError as reason:
            findings.left_out[workload.name] = str(reason)
            return
        figures, failed = run_workload(
            workload, folder, peers, amounts, lambda said: print(said, flush=True)
        )
        findings.figures += figures
        findings.left_out |= {f"{who} on {workload.name}": why for who, why in failed.items()}
        if workload.name == FOLLOWED:
            print(f"{workload.name}: effective draws", flush=True)
            findings.efficiencies += efficiencies(workload.name, folder, peers, figures)


def write(
    findings: Findings,
    workloads: Mapping[str, Workload],
    machine: Mapping[str, str],
    results: Path,
) -> None:
    """Write latest.csv, efficiency.csv and latest.md."""
    write_csv(csv_rows(findings.figures, workloads), results / "latest.csv")
    write_csv(efficiency_rows(findings.efficiencies), results / "efficiency.csv")
    parts = [
        "\n".join(f"- {about}: {said}" for about, said in machine.items()),
        our_table(findings.figures, workloads),
        peer_table(findings.figures, workloads),
    ]
    if findings.efficiencies:
        parts.append(efficiency_table(findings.efficiencies))
    if findings.left_out:
        parts.append(
            "Not measured:\n"
            + "\n".join(f"- {what}: {why}" for what, why in findings.left_out.items())
        )
    results.mkdir(parents=True, exist_ok=True)
    (results / "latest.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

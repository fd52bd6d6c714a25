"""Measure many chains on a GPU, on the CPU, and against what their memory allows.

    uv run --extra cuda benchmarks/gpu.py [--sizes tiny] [--devices cuda cpu] [--cores 2]

Writes gpu.csv and gpu.md into benchmarks/results. `--sizes tiny --devices cpu` tries whether all
parts work on a machine without a GPU.
"""

import argparse
import sys
from pathlib import Path

from speed.devices import (
    DeviceMissingError,
    cases,
    device_rows,
    device_table,
    find_device,
    measure_on,
    only_cores,
)
from speed.machine import described_machine
from speed.table import write_csv

RESULTS = Path(__file__).parent / "results"
COPIED_BYTES = {"full": 2**30, "tiny": 2**24}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", choices=COPIED_BYTES, default="full")
    parser.add_argument("--devices", nargs="+", choices=("cuda", "cpu"), default=["cuda", "cpu"])
    parser.add_argument("--cores", type=int, default=2, help="of the CPU; all on GPU runs")
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    found = []
    for platform in arguments.devices:
        with only_cores(arguments.cores if platform == "cpu" else None):
            try:
                device = find_device(platform, COPIED_BYTES[arguments.sizes])
            except DeviceMissingError as reason:
                sys.exit(str(reason))
            for workload in cases(tiny=arguments.sizes == "tiny"):
                print(platform, workload.title, flush=True)
                found.append(measure_on(workload, device))
    machine = "\n".join(f"- {about}: {said}" for about, said in described_machine({}).items())
    cores = f"- cores that CPU runs may use: {arguments.cores}"
    text = f"{machine}\n{cores}\n\n{device_table(found)}\n"
    write_csv(device_rows(found), arguments.results / "gpu.csv")
    (arguments.results / "gpu.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()

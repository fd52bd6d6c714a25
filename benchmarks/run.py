"""Time bayesmice, and R's mice beside it where it is installed.

    uv run benchmarks/run.py [--runs 5]

Every figure is the median over runs in this one call, on this machine; compare ratios, not seconds.
A cold start has an empty compilation cache, a second process a warm one; both count imports,
compilation, imputation, analysis and pooling.
"""

import argparse
import csv
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import bayesmice as bm

HERE = Path(__file__).parent
RESULTS = HERE / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="runs per figure")
    runs = parser.parse_args().runs
    rows = [*main_job(runs), *boys(runs), *later_sweeps(runs), *new_row(runs)]
    report(rows)


def main_job(runs: int) -> list[dict[str, object]]:
    """Time the clinical trial as a process: data, five imputations, analysis, pooling."""
    cold, second = cold_and_second([str(HERE / "clinical_trial_process.py")], runs)
    peer = [seconds([*rscript, "main"]) for _ in range(runs)] if (rscript := peer_command()) else []
    return [
        row("clinical trial, cold start", cold, peer, goal="12 s"),
        row("clinical trial, second process", second, peer, goal="5 s"),
    ]


def boys(runs: int) -> list[dict[str, object]]:
    """Time R's boys data as a process: 748 x 9, numeric, ordinal and nominal; m=20, 10 sweeps."""
    rscript = peer_command()
    if rscript is None:
        return []
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "boys.csv")
        subprocess.run([*rscript, "write_boys", path], check=True, capture_output=True)
        cold, second = cold_and_second([str(HERE / "boys_process.py"), path], runs)
    peer = [seconds([*rscript, "boys"])]
    return [
        row("boys, m=20, cold start", cold, peer, goal="12 s"),
        row("boys, m=20, second process", second, peer, goal=""),
    ]


def cold_and_second(command: list[str], runs: int) -> tuple[list[float], list[float]]:
    """Time a Python script with an empty compilation cache, and again with a warm one."""
    cold, second = [], []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as cache:
            environment = os.environ | {
                "JAX_COMPILATION_CACHE_DIR": cache,
                "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
                "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
            }
            cold.append(seconds([sys.executable, *command], environment))
            second.append(seconds([sys.executable, *command], environment))
    return cold, second


def later_sweeps(runs: int) -> list[dict[str, object]]:
    """Time one sweep after compilation and tuning: n=1,000, p=20 (5 binary), m=20, 20 % missing."""
    mice = bm.MICE(correlated_data(1000, 20, 5))
    short, long = 10, 30
    for sweeps in (short, long):
        mice.mice(m=20, sweeps=sweeps, random_seed=1, progressbar=False)
    ours = []
    for run in range(runs):
        took = {
            sweeps: timed(
                lambda s=sweeps, r=run: mice.mice(m=20, sweeps=s, random_seed=r, progressbar=False)
            )
            for sweeps in (short, long)
        }
        ours.append((took[long] - took[short]) / (long - short))
    peer = []
    if rscript := peer_command():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "data.csv"
            correlated_data(1000, 20, 5).to_csv(path, index=False)
            printed = subprocess.run(
                [*rscript, "sweep", str(path), "20"], check=True, capture_output=True, text=True
            ).stdout
            peer = [float(printed.split()[-1])]
    return [row("n=1,000 p=20 m=20, one later sweep", ours, peer, goal="0.1 s")]


def new_row(runs: int) -> list[dict[str, object]]:
    """Time one new row with two missing cells after a first call: n=1,000, p=10 (3 binary), m=5."""
    data = correlated_data(1000, 10, 3)
    imputations = bm.MICE(data).mice(m=5, random_seed=1, progressbar=False)
    row_of_two = data.head(1).assign(**dict.fromkeys(data, 0.0)).assign(x0=None, x5=None)
    imputations.transform(row_of_two, random_seed=1)
    ours = [
        timed(lambda r=r: imputations.transform(row_of_two, random_seed=r)) for r in range(runs)
    ]
    return [row("one new row, p=10, m=5", ours, [], goal="0.05 s")]


def correlated_data(n: int, p: int, n_binary: int) -> pd.DataFrame:
    """Make equicorrelated normal columns (0.5), the first of them cut at zero, 20 % missing."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=(n, p)) @ np.linalg.cholesky(0.5 + 0.5 * np.eye(p)).T
    frame = pd.DataFrame(values, columns=[f"x{i}" for i in range(p)])
    for column in frame.columns[:n_binary]:
        frame[column] = (frame[column] > 0).astype(float)
    return frame.mask(rng.random((n, p)) < 0.2)


def peer_command() -> list[str] | None:
    """Find R with mice."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        return None
    has_mice = subprocess.run([rscript, "-e", "library(mice)"], check=False, capture_output=True)
    return [rscript, str(HERE / "mice_peer.R")] if has_mice.returncode == 0 else None


def seconds(command: list[str], environment: dict[str, str] | None = None) -> float:
    return timed(lambda: subprocess.run(command, env=environment, check=True, capture_output=True))


def timed(call: object) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def row(workload: str, ours: list[float], peer: list[float], *, goal: str) -> dict[str, object]:
    own = statistics.median(ours)
    other = statistics.median(peer) if peer else None
    return {
        "workload": workload,
        "bayesmice_s": round(own, 3),
        "goal": goal,
        "r_mice_s": "not installed" if other is None else round(other, 3),
        "r_over_bayesmice": "" if other is None else round(other / own, 2),
        "runs": len(ours),
    }


def report(rows: list[dict[str, object]]) -> None:
    names = list(rows[0])
    print("| " + " | ".join(names) + " |")
    print("|" + "---|" * len(names))
    for line in rows:
        print("| " + " | ".join(str(line[name]) for name in names) + " |")
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / "latest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()

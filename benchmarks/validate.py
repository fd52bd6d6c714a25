"""Measure all that docs/validation.md shows, and write its tables and pictures.

    uv run benchmarks/validate.py [--quick] [--parts studies draws] [--replicates 500]

Seeds are fresh every time; Monte Carlo errors are in the tables. Each part leaves its numbers in
`docs/measured`, so that a part can be measured again without the others; `--parts` alone only
writes the page.
"""

import argparse
import json
import platform
import shutil
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import measurements
import numpy as np
import validation_page
import validation_pictures
from measurements import Extent, Findings, Result
from peers import r_session

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
PACKAGES = ("bayesmice", "pymc", "pytensor", "jax", "blackjax", "numpy", "statsmodels")
PARTS: dict[str, Callable[[Extent], Findings]] = {
    "draws": measurements.draws,
    "detection": measurements.detection,
    "calibration": measurements.calibrations,
    "agreement": measurements.agreement,
    "studies": measurements.studies,
    "priors": measurements.priors,
}
SAME_DATA_SETS = "same_data_sets"


class Folders(NamedTuple):
    """Where the page and its pictures are, and where numbers are kept."""

    docs: Path
    results: Path


QUICK = Extent(
    replicates=20, peer_replicates=10, calibrations=10, imputations=100, faults=3, workers=1
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few minutes, into build/")
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--designs", nargs="+", help="of these studies only; others are kept")
    parser.add_argument("--replicates", type=int, default=500, help="of every study")
    parser.add_argument("--peer-replicates", type=int, default=150, help="of R in every study")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--same-data-sets", type=Path, help="the data sets of FIMD 2.5.3, as CSV")
    chosen = parser.parse_args()
    extent = Extent(
        replicates=chosen.replicates,
        peer_replicates=chosen.peer_replicates,
        calibrations=max(chosen.replicates // 4, 2),
        imputations=1000,
        faults=99,
        workers=chosen.workers,
    )
    folders = Folders(DOCS, DOCS / "measured")
    if chosen.quick:
        extent, folders = QUICK, quick_folders()
    extent = extent._replace(designs=tuple(chosen.designs or ()))
    parts = {name: PARTS[name] for name in chosen.parts}
    if chosen.same_data_sets:
        parts[SAME_DATA_SETS] = partial(measurements.same_data_sets, chosen.same_data_sets)
    for name, measure in parts.items():
        keep(folders.results / f"{name}.json", measure, extent)
    results = kept(folders.results)
    validation_pictures.draw(results, folders.docs / "images")
    validation_page.write(results, folders.docs / "validation.md")


def quick_folders() -> Folders:
    """Leave what is published as it is."""
    folder = HERE.parent / "build" / "validation"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(DOCS / "validation.md", folder)
    return Folders(folder, folder / "measured")


def kept(folder: Path = DOCS / "measured") -> dict[str, Result]:
    """Read the numbers of all parts."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def keep(path: Path, measure: Callable[[Extent], Findings], extent: Extent) -> None:
    """Measure a part, and write its numbers to a file as they come."""
    began = time.perf_counter()
    is_partial = path.stem == "studies" and extent.designs and path.exists()
    before = json.loads(path.read_text()) if is_partial else {"found": {}, "minutes": 0.0}
    found: dict[str, Result] = before["found"]
    for key, result in measure(extent):
        found[key] = result
        minutes = round(before["minutes"] + (time.perf_counter() - began) / 60, 1)
        record = {"date": str(date.today()), "versions": versions(), "minutes": minutes}
        text = json.dumps(record | {"found": found}, indent=1, default=float)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + "\n")
    print(f"{path.stem}: {minutes} minutes", flush=True)


def versions() -> dict[str, str]:
    own = {package: version(package) for package in PACKAGES}
    return own | {"Python": platform.python_version(), "R": r_session().versions}


if __name__ == "__main__":
    np.seterr(under="ignore")
    main()

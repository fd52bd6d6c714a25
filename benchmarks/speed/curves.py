"""What a later sweep costs, in seconds and in memory, by rows, columns, imputations and levels."""

import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from speed.datafiles import write_data
from speed.measuring import empty_caches
from speed.power_law import PowerLaw, fit_power_law
from speed.table import GB, markdown, seconds_text
from speed.trials import our_later_sweeps, our_run
from speed.workloads import Effort, Workload, correlated, with_levels

LATER = (6, 16)


@dataclass(frozen=True)
class Curve:
    """A size that is varied, everything else being the same.

    Attributes
    ----------
    name, label : str
        Of the size, short and in words.
    sizes : tuple of int
        What it is.
    make : callable
        From a size to data.
    m : callable
        From a size to a number of imputations.
    """

    name: str
    label: str
    sizes: tuple[int, ...]
    make: Callable[[int], pd.DataFrame]
    m: Callable[[int], int]


class Point(NamedTuple):
    """One measurement of a curve.

    Attributes
    ----------
    curve : str
        Its name.
    size : int
        The size.
    seconds : float
        Of one later sweep of all chains.
    added_bytes : int
        The most memory that the process held, less what it held right after its imports.
    """

    curve: str
    size: int
    seconds: float
    added_bytes: int


CURVES: Mapping[str, Curve] = {
    curve.name: curve
    for curve in (
        Curve(
            "n",
            "rows (p=10, m=5)",
            (1_000, 4_000, 16_000, 64_000, 256_000),
            lambda n: correlated(n, 10),
            lambda n: 5,
        ),
        Curve(
            "p",
            "columns (n=2,000, m=5)",
            (5, 10, 20, 40, 80),
            lambda p: correlated(2_000, p),
            lambda p: 5,
        ),
        Curve(
            "m",
            "imputations (n=2,000, p=10)",
            (5, 10, 20, 40, 80),
            lambda m: correlated(2_000, 10),
            lambda m: m,
        ),
        Curve(
            "levels",
            "levels of a nominal column (n=2,000, 4 numbers, m=5)",
            (3, 5, 8, 12, 20),
            lambda levels: with_levels(2_000, levels),
            lambda levels: 5,
        ),
    )
}


def measure_curve(curve: Curve, share: float, say: Callable[[str], None]) -> list[Point]:
    """Measure every size of a curve, each in a process of its own.

    Parameters
    ----------
    curve : Curve
        What is varied.
    share : float
        Of the sizes that are measured, from the smallest on; 1 for all.
    say : callable
        Told what is being measured.
    """
    sizes = curve.sizes[: max(math.ceil(share * len(curve.sizes)), 2)]
    points = []
    for size in sizes:
        say(f"{curve.name} = {size:,}")
        effort = Effort(later=LATER)
        workload = Workload(curve.name, curve.label, None, 0, curve.m(size), {}, ours=effort)
        with tempfile.TemporaryDirectory() as name, empty_caches() as environment:
            folder = Path(name)
            write_data(curve.make(size), folder)
            # What compilation holds is left to a process before, or it would hide the rest.
            our_run(workload, folder, environment, 0)
            per_sweep, process, before = our_later_sweeps(workload, folder, environment)
        seconds = sorted(per_sweep)[len(per_sweep) // 2]
        points.append(Point(curve.name, size, seconds, process.peak_bytes - before))
    return points


def fitted(points: Sequence[Point]) -> dict[str, tuple[PowerLaw, PowerLaw]]:
    """Fit seconds and memory of every curve, by its name."""
    return {
        name: (
            fit_power_law([one.size for one in own], [one.seconds for one in own]),
            fit_power_law([one.size for one in own], [one.added_bytes for one in own]),
        )
        for name in dict.fromkeys(one.curve for one in points)
        if (own := [one for one in points if one.curve == name])
    }


def curve_tables(points: Sequence[Point]) -> str:
    """Show exponents, and below them every point."""
    laws = [
        [CURVES[name].label, what, f"{law.exponent:.2f} ± {law.std_error:.2f}", f"{law.last:.2f}"]
        for name, both in fitted(points).items()
        for what, law in zip(("seconds of a later sweep", "added memory"), both, strict=True)
    ]
    measured = [
        [CURVES[one.curve].label, f"{one.size:,}", seconds_text(one.seconds), _gigabytes(one)]
        for one in points
    ]
    exponents = markdown(laws, ["size", "cost", "exponent ± standard error", "at the upper end"])
    table = markdown(measured, ["size", "", "a later sweep", "added memory"])
    return f"{exponents}\n\n{table}"


def _gigabytes(point: Point) -> str:
    return f"{point.added_bytes / GB:.2f} GB"


def curve_rows(points: Sequence[Point]) -> list[dict[str, object]]:
    """Give one row per point, with the exponents of its curve."""
    laws = fitted(points)
    return [
        one._asdict()
        | {
            f"{what}_{key}": float(f"{value:.4g}")
            for what, law in zip(("seconds", "bytes"), laws[one.curve], strict=True)
            for key, value in law._asdict().items()
            if key != "factor"
        }
        for one in points
    ]

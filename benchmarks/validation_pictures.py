"""The pictures of the validation page, from measured numbers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from own_designs import OWN
from published_designs import PUBLISHED

Results = Mapping[str, Any]
RIGHT, WRONG, PLAIN, PEER = "#1b6ca8", "#c75b12", "#777777", "#2d8a4e"
BAND = "#dddddd"
SMALLEST = 1e-20
"""P-values below are drawn here."""
NOTICED = 1e-4


def draw(results: Results, folder: Path) -> None:
    """Draw what there are numbers for."""
    if "draws" in results:
        save(draws(results["draws"]["found"]), folder / "draws.png")
    if "detection" in results:
        save(detection(results["detection"]["found"]), folder / "detection.png")
    if "agreement" in results:
        save(agreement(results["agreement"]["found"]), folder / "agreement.png")
    if "studies" in results:
        found = results["studies"]["found"]
        for name, designs in {"published": PUBLISHED, "own": OWN}.items():
            chosen = {key: found[key] for key in designs if key in found}
            save(coverage(chosen), folder / f"coverage_{name}.png")
        save(paired(found), folder / "paired.png")
    if "calibration" in results:
        save(calibration(results["calibration"]["found"]), folder / "calibration.png")


def save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(exist_ok=True, parents=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draws(found: Results) -> Figure:
    """Draw p-values of parameters and cells, by family and kernel."""
    families = list(dict.fromkeys(run["family"] for run in found.values()))
    figure, panels = plt.subplots(1, 2, figsize=(9, 5.2), sharey=True, layout="constrained")
    for axes, key, title in zip(
        panels,
        ("smallest", "cells"),
        ("parameters: smallest of all comparisons,\ncorrected for their number", "cells"),
        strict=True,
    ):
        for kernel, color, mark in (("hmc", RIGHT, "o"), ("nuts", WRONG, "s")):
            runs = [run for run in found.values() if run["kernel"] == kernel]
            places = [families.index(run["family"]) for run in runs]
            axes.scatter([max(run[key], SMALLEST) for run in runs], places, c=color, marker=mark)
            axes.scatter([], [], c=color, marker=mark, label=kernel)
        p_value_axis(axes, 1e-6)
        axes.axvline(1e-4, color="black", linewidth=0.8, linestyle=":")
        axes.set_title(title, fontsize=9)
    panels[0].set_yticks(range(len(families)), families, fontsize=8)
    panels[0].invert_yaxis()
    panels[1].legend(loc="lower left", fontsize=8)
    return figure


def p_value_axis(axes: Axes, low: float) -> None:
    axes.set_xscale("log")
    axes.set_xlim(low, 2)
    axes.set_xlabel("p-value")
    axes.grid(axis="x", linewidth=0.3)


def detection(found: Results) -> Figure:
    figure, axes = plt.subplots(figsize=(8, 0.3 * len(found) + 1.2), layout="constrained")
    for place, result in enumerate(found.values()):
        axes.scatter(max(result["p_value"], SMALLEST), place, c=WRONG, marker="s")
        axes.scatter(result["without"], place, c=RIGHT, marker="o")
    axes.scatter([], [], c=WRONG, marker="s", label="with the fault")
    axes.scatter([], [], c=RIGHT, marker="o", label="without it, the same check")
    axes.axvline(NOTICED, color="black", linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(found)), list(found), fontsize=8)
    axes.invert_yaxis()
    p_value_axis(axes, SMALLEST / 5)
    axes.set_xlabel(f"p-value; those below {SMALLEST:g} are drawn there; dotted: noticed")
    axes.legend(loc="upper center", fontsize=8)
    return figure


def agreement(found: Results) -> Figure:
    lines = [
        (title, row["term"], row["z"]) for title, case in found.items() for row in case["rows"]
    ]
    figure, axes = plt.subplots(figsize=(8, 0.24 * len(lines) + 1.0), layout="constrained")
    axes.axvspan(-4, 4, color=BAND, label="four combined Monte Carlo errors")
    axes.axvline(0, color="black", linewidth=0.8)
    for place, (title, _, z) in enumerate(lines):
        is_default = "default priors" in title
        axes.scatter(z, place, c=WRONG if is_default else RIGHT, marker="s" if is_default else "o")
    axes.scatter([], [], c=RIGHT, marker="o", label="the same priors as R")
    axes.scatter([], [], c=WRONG, marker="s", label="default priors")
    axes.set_yticks(range(len(lines)), [f"{t}: {term}" for t, term, _ in lines], fontsize=7)
    axes.invert_yaxis()
    axes.set_xlabel("difference of pooled estimates over its Monte Carlo error")
    axes.legend(loc="best", fontsize=7)
    return figure


def coverage(found: Results) -> Figure:
    """Draw coverages by study, method and parameter, R's and published ones beside ours."""
    lines = [(name, study, row) for name, study in found.items() for row in study["rows"]]
    figure, axes = plt.subplots(figsize=(8.5, 0.2 * len(lines) + 1.4), layout="constrained")
    axes.axvline(0.95, color="black", linewidth=0.8)
    for place, (_, study, row) in enumerate(lines):
        color, mark = look(study, row["method"])
        axes.plot(study["band"], [place, place], color=BAND, linewidth=6, zorder=0)
        error = 2 * row["coverage_mcse"]
        axes.errorbar(row["coverage"], place, xerr=error, fmt=mark, color=color, ms=4)
        if "r" in row:
            axes.scatter(row["r"]["coverage"], place, marker="d", ec=PEER, fc="none", s=26)
        if "published" in row:
            axes.scatter(row["published"]["coverage"], place, marker="x", c=PEER, s=22)
    for mark, color, face, label in (
        ("o", RIGHT, RIGHT, "ours, right model"),
        ("s", WRONG, WRONG, "ours, wrong model"),
        ("^", PLAIN, PLAIN, "for comparison"),
        ("d", PEER, "none", "R's mice, the same data sets"),
        ("x", PEER, PEER, "published"),
    ):
        axes.plot([], [], mark, color=color, mfc=face, ms=4, label=label)
    axes.plot([], [], color=BAND, linewidth=6, label="right intervals, but for 1 in 1,000")
    labels = [f"{name}: {row['method']}, {row['term']}" for name, _, row in lines]
    axes.set_yticks(range(len(lines)), labels, fontsize=7)
    axes.set_ylim(len(lines) - 0.3, -0.7)
    axes.set_xlabel("coverage of 95 % intervals, with two Monte Carlo errors")
    figure.legend(loc="outside upper right", fontsize=7, ncols=3)
    return figure


def look(study: Results, method: str) -> tuple[str, str]:
    if method in study["right"]:
        return RIGHT, "o"
    return (WRONG, "s") if method in study["wrong"] else (PLAIN, "^")


def paired(found: Results) -> Figure:
    """Draw differences from R on the same data sets, in R's standard errors."""
    lines = [
        (f"{name}: {row['method']}, {row['term']}", row["paired"], look(study, row["method"]))
        for name, study in found.items()
        for row in study["rows"]
        if "paired" in row
    ]
    figure, axes = plt.subplots(figsize=(8, 0.2 * len(lines) + 1.0), layout="constrained")
    axes.axvline(0, color="black", linewidth=0.8)
    for place, (_, pair, (color, mark)) in enumerate(lines):
        scale = pair["in_se"] / pair["difference"] if pair["difference"] else 1.0
        error = 3 * pair["error"] * abs(scale)
        axes.errorbar(pair["in_se"], place, xerr=error, fmt=mark, color=color, ms=4)
    axes.set_yticks(range(len(lines)), [label for label, *_ in lines], fontsize=7)
    axes.set_ylim(len(lines) - 0.3, -0.7)
    axes.set_xlabel(
        "ours minus R's mice on the same data sets, in R's standard errors, with three Monte Carlo "
        "errors",
        fontsize=8,
    )
    return figure


def calibration(found: Results) -> Figure:
    """Draw the distance of the ranks' distribution function from the diagonal, with its band."""
    figure, panels = plt.subplots(1, len(found), figsize=(9, 3.4), layout="constrained")
    for axes, (name, one) in zip(np.atleast_1d(panels), found.items(), strict=True):
        points = np.array(one["points"])
        axes.fill_between(points, one["lower"] - points, one["upper"] - points, color=BAND)
        for ecdf in one["quantities"].values():
            axes.plot(points, np.array(ecdf) - points, color=RIGHT, linewidth=0.6, alpha=0.7)
        axes.axhline(0, color="black", linewidth=0.8)
        axes.set_title(
            f"{name}\n{one['data_sets']} data sets, p = {one['p_value']:.2g}", fontsize=9
        )
        axes.set_xlabel("rank of the true value")
        axes.set_ylabel("ECDF minus diagonal")
    return figure

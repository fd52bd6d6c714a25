"""Run the simulation studies and the calibration, and write docs/simulations.md with its pictures.

    uv run benchmarks/validate.py [--replicates 500] [--workers 2]

Seeds are fresh every time; Monte Carlo errors are in the tables.
"""

import argparse
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")
import matplotlib.pyplot as plt
import numpy as np
from designs import DESIGNS, Design

import bayesmice as bm
from bayesmice.testing import Calibration, Study
from bayesmice.testing.uniformity import uniform_band

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
sys.path.insert(0, str(HERE.parent / "tests" / "oracles"))
from joint_models import MonotoneModel, NormalModel  # noqa: E402

PACKAGES = ("bayesmice", "pymc", "pytensor", "jax", "blackjax", "numpy", "statsmodels")
RIGHT, WRONG, PLAIN = "#1b6ca8", "#c75b12", "#777777"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=500, help="of every study")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    chosen = parser.parse_args()
    studies = {
        name: study(design, chosen.replicates, chosen.workers) for name, design in DESIGNS.items()
    }
    plot_coverage(studies)
    calibrations = {
        "multivariate normal, hmc": calibrate(NormalModel(), "hmc", 20, chosen),
        "logistic and Poisson, nuts": calibrate(MonotoneModel(), "nuts", 10, chosen),
    }
    plot_calibration(calibrations)
    (DOCS / "simulations.md").write_text(page(studies, calibrations, chosen.replicates))


def study(design: Design, replicates: int, workers: int) -> Study:
    print(design.title)
    return bm.testing.simulate(
        design.make,
        design.ampute,
        design.analyze,
        design.truth,
        methods=design.methods,
        replicates=replicates,
        m=design.m,
        sweeps=design.sweeps,
        workers=workers,
    )


def calibrate(
    joint: NormalModel | MonotoneModel, kernel: str, sweeps: int, chosen: argparse.Namespace
) -> Calibration:
    return bm.testing.sbc(
        joint.draw,
        joint.ampute,
        models=joint.models(kernel),
        quantities=joint.quantities,
        replicates=max(chosen.replicates // 4, 2),
        sweeps=sweeps,
        workers=chosen.workers,
    )


def plot_coverage(studies: dict[str, Study]) -> None:
    """Draw coverages with their Monte Carlo errors, by study, method and parameter."""
    lines = [
        (name, method, term, found.table.loc[(method, term)])
        for name, found in studies.items()
        for method, term in found.table.index
    ]
    low, high = next(iter(studies.values())).coverage_band()
    figure, axes = plt.subplots(figsize=(8, 0.24 * len(lines) + 1.2), layout="constrained")
    axes.axvspan(low, high, color="#dddddd", label="right intervals, but for one in a thousand")
    axes.axvline(0.95, color="black", linewidth=0.8)
    for place, (name, method, _, row) in enumerate(lines):
        design = DESIGNS[name]
        color = RIGHT if method in design.right else WRONG if method in design.wrong else PLAIN
        mark = "o" if method in design.right else "s" if method in design.wrong else "^"
        axes.errorbar(
            row["coverage"], place, xerr=2 * row["coverage_mcse"], fmt=mark, color=color, ms=4
        )
    axes.set_yticks(range(len(lines)), [f"{name}: {m}, {term}" for name, m, term, _ in lines])
    axes.tick_params(axis="y", labelsize=7)
    axes.invert_yaxis()
    axes.set_xlabel("coverage of 95 % intervals, with two Monte Carlo errors")
    axes.set_xlim(min(0.5, min(row["coverage"] for *_, row in lines) - 0.05), 1.01)
    axes.legend(loc="lower left", fontsize=7)
    figure.savefig(DOCS / "images" / "coverage.png", dpi=130)
    plt.close(figure)


def plot_calibration(calibrations: dict[str, Calibration]) -> None:
    """Draw the distance of the ranks' distribution function from the diagonal, with its band."""
    figure, panels = plt.subplots(1, len(calibrations), figsize=(9, 3.4), layout="constrained")
    for axes, (name, found) in zip(np.atleast_1d(panels), calibrations.items(), strict=True):
        n = len(found.ranks)
        band = uniform_band(n, 50, 0.99)
        axes.fill_between(
            band.points, band.lower - band.points, band.upper - band.points, color="#dddddd"
        )
        for values in found.shares().values():
            ecdf = np.searchsorted(np.sort(values), band.points, side="right") / n
            axes.plot(band.points, ecdf - band.points, color=RIGHT, linewidth=0.6, alpha=0.7)
        axes.axhline(0, color="black", linewidth=0.8)
        axes.set_title(f"{name}\n{n} data sets, p = {found.p_value:.2g}", fontsize=9)
        axes.set_xlabel("rank of the true value")
        axes.set_ylabel("ECDF minus diagonal")
    figure.savefig(DOCS / "images" / "calibration.png", dpi=130)
    plt.close(figure)


def page(studies: dict[str, Study], calibrations: dict[str, Calibration], replicates: int) -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    low, high = next(iter(studies.values())).coverage_band()
    parts = [
        "# Simulation studies",
        f"Written by `uv run benchmarks/validate.py` on {date.today()}, {replicates} replicates a "
        f"study, fresh seeds.\n{packages}.",
        "## Coverage",
        f"The coverage of right 95 % intervals lies between {low:.3f} and {high:.3f}, but for one "
        "in a thousand. Circles are methods\nwhose model is right, squares methods whose model is "
        "wrong or nearly right, triangles analyses without imputation.",
        "![coverage of 95 % intervals by study, method and parameter](images/coverage.png)",
        "The last two columns hold figures of R's mice 3.15, and of complete cases, in 500 to "
        "1,000 replicates of the same\ndesigns, where there are any.",
    ]
    for name, found in studies.items():
        design = DESIGNS[name]
        parts += [f"### {design.title}", f"m = {design.m}.", study_table(design, found)]
        parts += [f"- {method}: {why}." for method, why in design.wrong.items()]
    parts += [
        "## Calibration",
        "Ranks of true parameters, deleted cells, means and test quantities among what 99 chains "
        "drew. The grey band holds the\ndistribution function of uniform ranks at all points with "
        "a probability of 0.99; p-values are exact, and corrected for the\nnumber of lines.",
        "![distance of the ranks' distribution function from the diagonal](images/calibration.png)",
    ]
    return "\n\n".join(parts) + "\n"


def study_table(design: Design, found: Study) -> str:
    head = (
        "| method | parameter | truth | bias (error) | coverage (error) | width | se ratio "
        "| R: bias | R: coverage |"
    )
    rows = [head, "|---" * 9 + "|"]
    for method, term in found.table.index:
        row = found.table.loc[(method, term)]
        theirs = design.published.get((method, term))
        bias, coverage = (f"{theirs[0]:.3f}", f"{theirs[1]:.3f}") if theirs else ("", "")
        rows.append(
            f"| {method} | {term} | {row['truth']:.3g} | {row['raw_bias']:.4f} "
            f"({row['raw_bias_mcse']:.4f}) | {row['coverage']:.3f} ({row['coverage_mcse']:.3f}) | "
            f"{row['width']:.3g} | {row['se_ratio']:.3f} | {bias} | {coverage} |"
        )
    return "\n".join(rows)


if __name__ == "__main__":
    main()

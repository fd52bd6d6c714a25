"""The measured part of docs/validation.md, between two marks; what is written by hand stays."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from own_designs import OWN
from published_designs import PUBLISHED

Results = Mapping[str, Any]
BEGIN = "<!-- written by benchmarks/validate.py from here -->"
END = "<!-- to here -->"


def write(results: Results, path: Path) -> None:
    """Put the measured part between its marks."""
    before, rest = path.read_text().split(BEGIN)
    _, after = rest.split(END)
    path.write_text("\n\n".join([before.rstrip() + f"\n\n{BEGIN}", *parts(results), END]) + after)


def parts(results: Results) -> Iterator[str]:
    yield "## Measured"
    yield (
        "By `uv run benchmarks/validate.py` (`--quick` for a look), with fresh seeds. Numbers are "
        "kept in `docs/measured`.\n`--parts` measures some parts again."
    )
    yield when(results)
    for name, write_part in SECTIONS.items():
        if name in results:
            yield from write_part(results[name]["found"])


def when(results: Results) -> str:
    rows = [
        [name.replace("_", " "), record["date"], f"{record['minutes']:.1f}", software(record)]
        for name, record in results.items()
    ]
    return table(["part", "date", "minutes", "versions"], rows)


def software(record: Results) -> str:
    return ", ".join(f"{name} {value}" for name, value in record["versions"].items() if value)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def p_text(p: float) -> str:
    return "< 1e-300" if p < 1e-300 else f"{p:.2g}"


def draws(found: Results) -> Iterator[str]:
    yield "### Conditional and predictive draws"
    comparisons = sum(run["comparisons"] for run in found.values())
    worst = min(found.values(), key=lambda run: run["smallest"])
    yield (
        f"{comparisons} comparisons of means, standard deviations, 5 and 95 % quantiles and "
        f"correlations with exact posteriors,\nby {len(found)} runs: 400 chains of `hmc`, 150 of "
        "`nuts`. The p-value of a run is its smallest, times the number of its\ncomparisons; those "
        "of cells are of their distribution function at the parameters of their sweep. With "
        f"{2 * len(found)}\np-values, one near {0.5 / len(found):.1g} is expected, and those of "
        "squares and products of skewed quantities are up to ten times too\nsmall far out. The "
        f"smallest is that of the {worst['where']} ({worst['family']}, {worst['kernel']})."
    )
    yield "![p-values of the draws of every family and kernel](images/draws.png)"
    by_family: dict[str, dict[str, Any]] = {}
    for run in found.values():
        by_family.setdefault(run["family"], {})[run["kernel"]] = run
    rows = []
    for family, runs in by_family.items():
        cells = [family, str(next(iter(runs.values()))["comparisons"])]
        for key in ("smallest", "cells"):
            cells += [p_text(runs[k][key]) if k in runs else "" for k in ("hmc", "nuts")]
        rows.append(cells)
    head = ["family", "comparisons", "parameters: hmc", "nuts", "cells: hmc", "nuts"]
    yield table(head, rows)


def detection(found: Results) -> Iterator[str]:
    yield "### Planted faults"
    yield (
        "Each fault is planted alone; the p-value is that of the check which looks for it, with "
        "and without the fault."
    )
    yield "![p-values with and without each fault](images/detection.png)"
    rows = [
        [name, f"`{one['check']}`", p_text(one["p_value"]), p_text(one["without"])]
        for name, one in found.items()
    ]
    yield table(["fault", "check", "p with the fault", "without"], rows)


def calibration(found: Results) -> Iterator[str]:
    yield "### Calibration"
    yield (
        "Ranks of true parameters, deleted cells, means and test quantities among what 99 chains "
        "drew. The grey band holds the\ndistribution function of uniform ranks at all points with "
        "a probability of 0.99; p-values are exact, and corrected for the\nnumber of lines."
    )
    yield "![ranks' distribution function minus the diagonal](images/calibration.png)"
    rows = [
        [name, str(one["data_sets"]), str(len(one["quantities"])), p_text(one["p_value"])]
        for name, one in found.items()
    ]
    yield table(["joint model", "data sets", "quantities", "p, corrected"], rows)


def agreement(found: Results) -> Iterator[str]:
    yield "### Real data beside R"
    yield (
        "Pooled coefficients of many imputations, and the z of their difference from R's mice: the "
        "difference over the combined\nMonte Carlo error. Under the same, flat, priors it must be "
        "less than 4. The shift is in R's standard errors: what default\npriors move an answer by."
    )
    yield "![z of each coefficient](images/agreement.png)"
    rows = [
        [
            title,
            row["term"],
            f"{row['estimate']:.4g}",
            f"{row['r_estimate']:.4g}",
            f"{row['z']:.1f}",
            f"{(row['estimate'] - row['r_estimate']) / row['r_se']:+.2f}",
            f"{row['std_error'] / row['r_se']:.2f}",
            f"{row['fmi']:.2f}, {row['r_fmi']:.2f}",
        ]
        for title, case in found.items()
        for row in case["rows"]
    ]
    head = ["analysis", "coefficient", "ours", "R", "z", "shift", "se over R's", "fmi, R's"]
    yield table(head, rows)


def studies(found: Results) -> Iterator[str]:
    yield "### Coverage"
    n_right = sum(row["method"] in one["right"] for one in found.values() for row in one["rows"])
    yield (
        f"{len(found)} designs; {n_right} parameters of right models. The bar behind each coverage "
        "holds that of right intervals with\na probability of 0.999. R's mice ran on the first of "
        "the same data sets. *Published* are figures of mice 3.15 and smcfcs\n2.0.1 in 160 to "
        "1,000 replicates of the same design, which must agree within 4 combined Monte Carlo "
        "errors; those in\nbrackets are printed in FIMD (van Buuren 2018), for a law of x that the "
        "book does not say."
    )
    yield "![coverages of designs with published figures](images/coverage_published.png)"
    yield "![coverages of our own designs](images/coverage_own.png)"
    yield "![differences from R on the same data sets](images/paired.png)"
    for name in (*PUBLISHED, *OWN):
        if name in found:
            yield from study(name, found[name])


def study(name: str, one: Results) -> Iterator[str]:
    yield f"#### {name[0].upper()}{name[1:]}"
    peers = f", {one['peer_replicates']} of R" if one["peer_replicates"] else ""
    yield f"{one['title']}. m = {one['m']}, {one['replicates']} replicates{peers}."
    head = ["method", "parameter", "truth", "bias (error)", "coverage", "width", "se ratio"]
    head += ["R: bias, coverage", "ours minus R (error)", "published: bias, coverage"]
    yield table(head, (study_row(row) for row in one["rows"]))
    if one["wrong"]:
        yield "\n".join(f"- {method}: {why}." for method, why in one["wrong"].items())


def study_row(row: Results) -> list[str]:
    r = f"{row['r']['raw_bias']:.3f}, {row['r']['coverage']:.3f}" if "r" in row else ""
    pair = row.get("paired")
    published = []
    if "published" in row:
        published.append(f"{row['published']['bias']:.3f}, {row['published']['coverage']:.3f}")
    if "book" in row:
        published.append("({:.3f}, {:.3f})".format(*row["book"]))
    return [
        row["method"],
        row["term"],
        f"{row['truth']:.3g}",
        f"{row['raw_bias']:.3f} ({row['raw_bias_mcse']:.3f})",
        f"{row['coverage']:.3f}",
        f"{row['width']:.3g}",
        f"{row['se_ratio']:.2f}",
        r,
        f"{pair['difference']:+.3f} ({pair['error']:.3f})" if pair else "",
        " ".join(published),
    ]


def priors(found: Results) -> Iterator[str]:
    yield "### What default priors do"
    yield (
        "y = x + e with half of x missing, at three sizes: default priors, flat ones, and R's "
        "norm, whose priors are flat, on the\nsame data sets. The shift is the mean difference of "
        "the slope from R's, in R's standard errors."
    )
    rows = []
    for size, one in found.items():
        for method, row in one["rows"].items():
            pair = one.get(f"{method} against R")
            scaled = pair["error"] * abs(pair["in_se"] / pair["difference"]) if pair else 0.0
            rows.append(
                [
                    size,
                    method,
                    f"{row['raw_bias']:.3f} ({row['raw_bias_mcse']:.3f})",
                    f"{row['coverage']:.3f}",
                    f"{row['width']:.3f}",
                    f"{pair['in_se']:+.3f} ({scaled:.3f})" if pair else "",
                    f"{pair['se_ratio']:.3f}" if pair else "",
                ]
            )
    head = ["n", "method", "bias (error)", "coverage", "width", "shift (error)", "se over R's"]
    yield table(head, rows)


def same_data_sets(found: Results) -> Iterator[str]:
    yield "### The data sets of FIMD 2.5.3"
    (one,) = found.values()
    text = (
        f"The first {one['data_sets']} data sets of the book's own seeds (`--same-data-sets`). R "
        "3.15 found a bias of -0.030 and a\ncoverage of 0.946 on all 1,000."
    )
    if "paired" in one:
        pair = one["paired"]
        text += f" Our slope minus R's: {pair['difference']:+.4f} ({pair['error']:.4f})."
    yield text
    rows = [
        [
            method,
            f"{row['raw_bias']:.4f} ({row['raw_bias_mcse']:.4f})",
            f"{row['coverage']:.3f} ({row['coverage_mcse']:.3f})",
            f"{row['width']:.3f}",
        ]
        for method, row in one["rows"].items()
    ]
    yield table(["method", "bias (error)", "coverage (error)", "width"], rows)


SECTIONS = {
    "draws": draws,
    "detection": detection,
    "calibration": calibration,
    "agreement": agreement,
    "priors": priors,
    "same_data_sets": same_data_sets,
    "studies": studies,
}

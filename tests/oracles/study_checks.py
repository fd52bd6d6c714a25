"""What is wrong with a study: intervals that do not cover, bias, and other answers than published.

Where a method is right, the coverage of every parameter lies within the exact binomial band of a
false alarm rate of 1 in 10,000; its bias is less than 4 Monte Carlo errors or 5 % of the truth
(priors in small samples: 4.6 % with 30 complete rows of 100), and its average standard error within
10 % and 4 Monte Carlo errors of the spread of the estimates. Where published figures of the same
design exist, ours agree within 4 combined Monte Carlo errors.
"""

import numpy as np
from design import Design

from bayesmice.testing import Study, simulate

REPLICATES = 80
"""Of every study; the page of measurements has 500."""


def study(design: Design) -> Study:
    return simulate(
        design.make,
        design.ampute,
        design.analyze,
        design.truth,
        methods=design.methods,
        replicates=max(int(design.share * REPLICATES), 2),
        m=design.m,
        sweeps=design.sweeps,
        progressbar=False,
    )


def complaints(design: Design, found: Study) -> list[str]:
    table = found.table
    low, high = found.coverage_band(1e-4)
    said = []
    for method, term in table.index:
        row = table.loc[(method, term)]
        if method in design.right:
            if not low <= row["coverage"] <= high:
                said.append(f"{method}, {term}: coverage {row['coverage']:.3f}")
            bias = row["raw_bias"] - design.full_data_bias.get(term, 0.0)
            if abs(bias) > max(4 * row["raw_bias_mcse"], 0.05 * abs(row["truth"])):
                said.append(f"{method}, {term}: bias {row['raw_bias']:.4f}")
            if abs(row["se_ratio"] - 1) > 0.1 + 4 * row["se_ratio_mcse"]:
                said.append(f"{method}, {term}: model over empirical se {row['se_ratio']:.3f}")
        if (method, term) in design.published:
            theirs = design.published[method, term]
            error = np.hypot(row["coverage_mcse"], theirs.coverage_mcse)
            if abs(row["coverage"] - theirs.coverage) > 4 * error:
                said.append(
                    f"{method}, {term}: coverage {row['coverage']:.3f}, not {theirs.coverage}"
                )
            error = np.hypot(row["raw_bias_mcse"], theirs.bias_mcse)
            if abs(row["raw_bias"] - theirs.bias) > 4 * error:
                said.append(f"{method}, {term}: bias {row['raw_bias']:.4f}, not {theirs.bias}")
    return said


def persistent_complaints(design: Design) -> list[str]:
    """Run a study, and once more if something is wrong with it; say what still is."""
    return complaints(design, study(design)) and complaints(design, study(design))

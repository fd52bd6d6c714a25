"""What the validation page shows, measured: each function gives numbers that JSON can hold."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from design import Design, line, regression
from designs import DESIGNS
from peers import Peer, r_session
from published_designs import flat_line

import bayesmice as bm
from bayesmice.diagnostics.uniformity import uniform_band
from bayesmice.testing import Calibration, Study

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "oracles"))
from agreement import FORMULAS, compared_with_r, nhanes2_with_r
from family_cases import CASES
from family_posteriors import cell_p_value, parameter_p_values
from joint_models import MonotoneModel, NormalModel
from planted_faults import FAULTS, p_value_with, p_value_without

Result = dict[str, Any]
Findings = Iterator[tuple[str, Result]]
POINTS = 50


class Extent(NamedTuple):
    """How much is run.

    Attributes
    ----------
    replicates, peer_replicates : int
        Of every study, and of R in it.
    calibrations : int
        Data sets of each calibration.
    imputations : int
        For agreement with R.
    faults : int
        How many of the planted faults.
    workers : int
        Processes.
    designs : tuple of str
        Studies that are run; all of them if empty.
    """

    replicates: int
    peer_replicates: int
    calibrations: int
    imputations: int
    faults: int
    workers: int
    designs: tuple[str, ...] = ()


def studies(extent: Extent) -> Findings:
    for name in extent.designs or DESIGNS:
        yield name, study(DESIGNS[name], extent)


def study(design: Design, extent: Extent) -> Result:
    """Run our methods, and R's on the first of the same data sets."""
    print(design.title, flush=True)
    began = time.perf_counter()
    seed = int(np.random.SeedSequence().generate_state(1)[0])
    replicates = max(int(design.share * extent.replicates), 2)
    ours = simulated(design, design.methods, replicates, seed, extent)
    halfway = time.perf_counter()
    theirs = None
    if design.peers and r_session().versions:
        methods = {name: peer.imputer(design.m) for name, peer in design.peers.items()}
        count = min(replicates, extent.peer_replicates)
        theirs = simulated(design, methods, count, seed, extent)
    return {
        "title": design.title,
        "m": design.m,
        "seed": seed,
        "replicates": replicates,
        "peer_replicates": theirs.n_replicates if theirs else 0,
        "seconds": halfway - began,
        "peer_seconds": time.perf_counter() - halfway,
        "band": ours.coverage_band(),
        "right": list(design.right),
        "wrong": dict(design.wrong),
        "rows": [row(design, ours, theirs, key) for key in ours.table.index],
    }


def simulated(
    design: Design, methods: Mapping[str, Any], replicates: int, seed: int, extent: Extent
) -> Study:
    return bm.testing.simulate(
        design.make,
        design.ampute,
        design.analyze,
        design.truth,
        methods=methods,
        replicates=replicates,
        m=design.m,
        sweeps=design.sweeps,
        random_seed=seed,
        workers=extent.workers,
        progressbar=False,
    )


def row(design: Design, ours: Study, theirs: Study | None, key: tuple[str, str]) -> Result:
    """Put one parameter by one method beside R and what was published."""
    columns = ["truth", "raw_bias", "raw_bias_mcse", "coverage", "coverage_mcse", "width"]
    columns += ["se_ratio", "se_ratio_mcse"]
    found: Result = {"method": key[0], "term": key[1]}
    found |= ours.table.loc[key, columns].to_dict()
    if theirs is not None and key in theirs.table.index:
        found["r"] = theirs.table.loc[key, columns].to_dict()
        found["paired"] = paired(ours, theirs, key)
    if key in design.published:
        published = design.published[key]
        found["published"] = published._asdict() | {"coverage_mcse": published.coverage_mcse}
    if key in design.book:
        found["book"] = list(design.book[key])
    return found


def paired(ours: Study, theirs: Study, key: tuple[str, str], other: str = "") -> Result:
    """Compare estimates on the same data sets: the mean difference and its Monte Carlo error."""
    method, term = key
    one = answers(ours, method, term)
    two = answers(theirs, other or method, term)
    difference = (one["estimate"] - two["estimate"]).dropna()
    errors = one["std_error"] / two["std_error"]
    return {
        "difference": difference.mean(),
        "error": difference.std(ddof=1) / np.sqrt(len(difference)),
        "in_se": difference.mean() / np.sqrt((two["std_error"] ** 2).mean()),
        "se_ratio": float(np.exp(np.log(errors.dropna()).mean())),
        "replicates": len(difference),
    }


def answers(study: Study, method: str, term: str) -> pd.DataFrame:
    rows = study.replicates
    return rows[(rows["method"] == method) & (rows["term"] == term)].set_index("replicate")


def calibrations(extent: Extent) -> Findings:
    yield "multivariate normal, hmc", calibrated(NormalModel(), "hmc", 20, extent)
    yield "logistic and Poisson, nuts", calibrated(MonotoneModel(), "nuts", 10, extent)


def calibrated(
    joint: NormalModel | MonotoneModel, kernel: str, sweeps: int, extent: Extent
) -> Result:
    print("calibration", kernel, flush=True)
    found = bm.testing.sbc(
        joint.draw,
        joint.ampute,
        models=joint.models(kernel),
        quantities=joint.quantities,
        replicates=extent.calibrations,
        sweeps=sweeps,
        workers=extent.workers,
        progressbar=False,
    )
    return calibration_result(found)


def calibration_result(found: Calibration) -> Result:
    n = len(found.ranks)
    band = uniform_band(n, POINTS, 0.99)
    return {
        "data_sets": n,
        "draws": found.draws,
        "p_value": found.p_value,
        "points": band.points.tolist(),
        "lower": band.lower.tolist(),
        "upper": band.upper.tolist(),
        "quantities": {
            name: np.round(
                np.searchsorted(np.sort(values), band.points, side="right") / len(values), 4
            ).tolist()
            for name, values in found.shares().items()
        },
    }


def draws(extent: Extent) -> Findings:
    """Parameters and cells of every family by every kernel, against exact distributions."""
    del extent
    for name in CASES:
        for kernel in ("hmc", "nuts"):
            print("draws", name, kernel, flush=True)
            p_values = parameter_p_values(name, kernel)
            least = min(p_values, key=p_values.__getitem__)
            yield (
                f"{name}, {kernel}",
                {
                    "family": name,
                    "kernel": kernel,
                    "comparisons": len(p_values),
                    "p_values": sorted(p_values.values()),
                    "smallest": min(1.0, p_values[least] * len(p_values)),
                    "where": least,
                    "cells": cell_p_value(name, kernel),
                },
            )


def detection(extent: Extent) -> Findings:
    """Every planted fault by the check that looks for it, and the check without the fault."""
    without: dict[str, float] = {}
    for name in list(FAULTS)[: extent.faults]:
        print("fault", name, flush=True)
        fault = FAULTS[name]
        check = fault.check.__name__
        if check not in without:
            without[check] = p_value_without(fault.check)
        yield (
            name,
            {"check": check, "p_value": p_value_with(fault), "without": without[check]},
        )


def agreement(extent: Extent) -> Findings:
    """Real data: pooled coefficients beside R's."""
    for case, (name, formula) in FORMULAS.items():
        print(case, flush=True)
        yield f"{name}, {formula}", in_rows(compared_with_r(case))
    for kind in ("default", "flat"):
        print("nhanes2,", kind, "priors", flush=True)
        title = f"nhanes2, chl ~ age + bmi, {kind} priors"
        yield title, in_rows(nhanes2_with_r(kind, extent.imputations))


def in_rows(table: pd.DataFrame) -> Result:
    return {"rows": table.rename_axis("term").reset_index().to_dict("records")}


SIZES = (20, 50, 200)


def priors(extent: Extent) -> Findings:
    """Design FIMD 2.5.3 by default and flat priors, and by R's flat ones, at three sizes."""
    for n in SIZES:
        yield str(n), prior_shift(n, extent)


def prior_shift(n: int, extent: Extent) -> Result:
    print("priors, n =", n, flush=True)
    base = DESIGNS["missing predictor"]
    methods = {"default": {}, "flat": {"models": {"x": bm.Custom(flat_line, kernel="hmc")}}}
    if r_session().versions:
        methods["R"] = Peer({"x": "norm"}).imputer(base.m)
    found = bm.testing.simulate(
        line(n),
        base.ampute,
        regression("y", ["x"]),
        base.truth,
        methods=methods,
        replicates=extent.peer_replicates,
        sweeps=base.sweeps,
        workers=extent.workers,
        progressbar=False,
    )
    table = found.table.reset_index().set_index("method")
    result: Result = {
        "replicates": extent.peer_replicates,
        "rows": {
            name: table.loc[name, ["raw_bias", "raw_bias_mcse", "coverage", "width"]].to_dict()
            for name in methods
        },
    }
    if "R" in methods:
        for name in ("default", "flat"):
            result[f"{name} against R"] = paired(found, found, (name, "x"), "R")
    return result


def same_data_sets(path: Path, extent: Extent) -> Findings:
    """Impute the data sets of a file (rep, i, x, y; x empty where missing), ours and by R."""
    base = DESIGNS["missing predictor"]
    parts = [group for _, group in pd.read_csv(path).groupby("rep", sort=True)]
    chosen = [part[["x", "y"]].reset_index(drop=True) for part in parts[: 2 * extent.replicates]]
    imputers: dict[str, Callable[[pd.DataFrame, int], Any]] = {
        "default": lambda data, seed: bm.MICE(data).mice(
            base.m, base.sweeps, random_seed=seed, progressbar=False
        )
    }
    if r_session().versions:
        imputers["R"] = Peer({"x": "norm"}).imputer(base.m)
    rows = []
    for replicate, data in enumerate(chosen):
        seed = int(np.random.SeedSequence().generate_state(1)[0])
        for name, impute in imputers.items():
            pooled = bm.pool([base.analyze(df) for df in impute(data, seed)]).table.loc[["x"]]
            rows.append(pooled.assign(method=name, term="x", replicate=replicate))
    found = Study(pd.concat(rows, ignore_index=True), pd.Series({"x": 1.0}), 0.95)
    result: Result = {
        "file": path.name,
        "data_sets": len(chosen),
        "rows": {name: found.table.loc[(name, "x")].dropna().to_dict() for name in imputers},
    }
    if "R" in imputers:
        result["paired"] = paired(found, found, ("default", "x"), "R")
    yield "missing predictor", result

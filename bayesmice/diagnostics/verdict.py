"""What R-hat and autocorrelations say of a run, in a sentence."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from bayesmice.diagnostics.mixing import MAX_R_HAT, MIN_SWEEPS, chance_bound, sweeps_needed
from bayesmice.diagnostics.rhat import MIN_DRAWS
from bayesmice.diagnostics.sweep_quantities import SweepQuantity
from bayesmice.store import origin_of

LONG_ENOUGH = 5
"""A run of fewer autocorrelation times than this shows only a part of its autocorrelation."""

STILL = (
    "Its chains hardly move: where columns determine each other (a sum and its parts), more sweeps "
    "do not help, and a passive column does. "
)


@dataclass(frozen=True)
class Measured:
    """A quantity and what was measured of it.

    Attributes
    ----------
    quantity : SweepQuantity
        The quantity.
    r_hat, ess_bulk, ess_tail : float
        R-hat and effective sample sizes; NaN where they are not defined.
    autocorrelation, time : float
        From one sweep to the next, and the integrated autocorrelation time in sweeps.
    """

    quantity: SweepQuantity
    r_hat: float
    ess_bulk: float
    ess_tail: float
    autocorrelation: float
    time: float


@dataclass(frozen=True)
class Verdict:
    """Whether chains have converged.

    Attributes
    ----------
    converged : bool or None
        None where it cannot be told.
    text : str
        Sentences that say so.
    further_sweeps : int or None
        Sweeps that the run should be extended by; 0 for a run that has converged, None where
        nothing is known.
    """

    converged: bool | None
    text: str
    further_sweeps: int | None


@dataclass(frozen=True)
class RunFacts:
    """What a verdict has to know of a run besides its sweeps.

    Attributes
    ----------
    goes_on : bool
        Whether it can be extended.
    step : int
        It is extended by a multiple of so many sweeps.
    repeats : int
        Visits of a target in one sweep.
    has_missing : bool
        Whether a cell was imputed.
    """

    goes_on: bool
    step: int
    repeats: int
    has_missing: bool

    def advice(self, sweeps: int, purpose: str = "", about: str = "about") -> str:
        """Say how many sweeps to add."""
        if self.goes_on:
            return f"Extend by {about} {sweeps} sweeps{purpose}: imputations.extend({sweeps})."
        return f"The run behind these imputations needs {about} {sweeps} sweeps more{purpose}."


def run_facts(tree: xr.DataTree) -> RunFacts:
    """Read from a tree what a verdict has to know."""
    settings = json.loads(tree.attrs.get("settings") or "{}")
    request = settings.get("request", {})
    gives_several = request.get("chains", 1) < request.get("m", 1)
    return RunFacts(
        goes_on=origin_of(tree) is None and "state" in tree.children,
        step=request.get("thin", 1) if gives_several else 1,
        repeats=settings.get("repeats", 1),
        has_missing="imputations" in tree.children and bool(tree["imputations"].data_vars),
    )


def judge(measured: Sequence[Measured], facts: RunFacts) -> Verdict:
    """Judge a run.

    Not converged: some R-hat is above what chains that mix well enough reach by chance. Converged:
    no R-hat is above 1.05. Between the two, and in short runs, it cannot be told.

    Parameters
    ----------
    measured : sequence of Measured
        All quantities.
    facts : RunFacts
        Of the run.

    Returns
    -------
    Verdict
    """
    if not measured:
        return _nothing_drawn(facts)
    chains = min(one.quantity.n_chains for one in measured)
    sweeps = min(one.quantity.n_sweeps for one in measured)
    if facts.repeats > 1 and sweeps < MIN_DRAWS:
        return _nothing_cycles(facts, sweeps)
    if sweeps < MIN_DRAWS:
        wanted = _in_steps(MIN_SWEEPS - sweeps, facts.step)
        text = f"Cannot tell: R-hat takes {MIN_DRAWS} sweeps, and there are {sweeps}. "
        return Verdict(None, text + facts.advice(wanted, about="at least"), wanted)
    if chains < 2:
        return _lone_chain(measured)
    known = [one for one in measured if not math.isnan(one.r_hat)]
    if not known:
        text = "Cannot tell: no imputed cell and no parameter has moved, so R-hat is not defined."
        return Verdict(None, text, None)
    return _compare(known, facts, sweeps)


def _compare(known: Sequence[Measured], facts: RunFacts, sweeps: int) -> Verdict:
    worst = max(known, key=lambda one: one.r_hat)
    n_chains = min(one.quantity.n_chains for one in known)
    if worst.r_hat <= MAX_R_HAT and sweeps >= MIN_SWEEPS:
        text = (
            f"Converged: R-hat is at most {worst.r_hat:.2f} ({worst.quantity}) over "
            f"{sweeps} sweeps of {n_chains} chains."
        )
        return Verdict(True, text, 0)
    further, about = _further(known, n_chains, sweeps, facts.step)
    beyond = [one for one in known if one.r_hat > _bound(one, len(known))]
    if beyond:
        worst = max(beyond, key=lambda one: one.r_hat)
        others = f" ({len(beyond)} of {len(known)} quantities are)" if len(beyond) > 1 else ""
        text = (
            f"Not converged: R-hat of {worst.quantity} is {worst.r_hat:.2f}, above the "
            f"{_bound(worst, len(known)):.2f} that chance explains{others}. "
        )
        if worst.time >= worst.quantity.n_sweeps >= MIN_SWEEPS:
            text += STILL
        return Verdict(False, text + facts.advice(further, about=about), further)
    text = (
        f"Cannot tell yet: the largest R-hat is {worst.r_hat:.2f} ({worst.quantity}), and in "
        f"{sweeps} sweeps of {n_chains} chains that mix well chance alone explains "
        f"{_bound(worst, len(known)):.2f}. "
    )
    return Verdict(None, text + facts.advice(further, " to tell", about), further)


def _bound(one: Measured, n_known: int) -> float:
    return chance_bound(one.quantity.n_chains, one.quantity.n_sweeps, n_known)


def _further(known: Sequence[Measured], n_chains: int, sweeps: int, step: int) -> tuple[int, str]:
    """Estimate how many sweeps to add, and whether these are a lower bound."""
    times = np.array([one.time for one in known])
    times = times[np.isfinite(times)]
    needed = sweeps_needed(times, n_chains, max(sweeps + 1, MIN_SWEEPS))
    is_short = sweeps < MIN_SWEEPS or times.max(initial=0) > sweeps / LONG_ENOUGH
    return _in_steps(_rounded(needed - sweeps), step), "at least" if is_short else "about"


def _rounded(sweeps: int) -> int:
    """Round up to one digit or so: more is not known."""
    grain = next((g for g, limit in ((5, 20), (10, 100), (50, 1000)) if sweeps <= limit), 100)
    return grain * -(-sweeps // grain)


def _in_steps(sweeps: int, step: int) -> int:
    return step * -(-sweeps // step)


def _nothing_drawn(facts: RunFacts) -> Verdict:
    why = (
        "every incomplete column has one observed value, which filled its missing cells without a "
        "model"
        if facts.has_missing
        else "the data have no missing cell"
    )
    return Verdict(True, f"Nothing has to converge: {why}.", 0)


def _nothing_cycles(facts: RunFacts, sweeps: int) -> Verdict:
    text = (
        "Nothing cycles: a single model draws cells, and from observed ones only, so there is "
        f"nothing that sweeps have to bring together; the {facts.repeats} visits of a sweep are "
        f"there for its parameters. In {sweeps} sweep{'s' if sweeps > 1 else ''} R-hat is not "
        "defined; to see it, impute with sweeps=50."
    )
    return Verdict(None, text, None)


def _lone_chain(measured: Sequence[Measured]) -> Verdict:
    times = [one.time for one in measured if math.isfinite(one.time)]
    slowest = f" (the longest autocorrelation time is {max(times):.1f} sweeps)" if times else ""
    text = (
        "Cannot tell: there is a single chain, with nothing to be compared with"
        f"{slowest}. Impute with m=2 or more chains."
    )
    return Verdict(None, text, None)

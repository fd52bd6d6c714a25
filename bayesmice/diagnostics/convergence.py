"""Convergence of a run: R-hat, effective sample sizes and autocorrelation over sweeps."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayesmice.diagnostics.kernel_health import kernel_sentence, kernel_table
from bayesmice.diagnostics.mixing import autocorrelation, autocorrelation_time, chance_bound
from bayesmice.diagnostics.rhat import MIN_DRAWS, Chains, is_defined, r_hats
from bayesmice.diagnostics.sweep_quantities import SweepQuantity, sweep_quantities
from bayesmice.diagnostics.verdict import Measured, Verdict, judge, run_facts
from bayesmice.errors import NotRunError
from bayesmice.store import origin_of

COLUMNS = [
    "variable",
    "quantity",
    "r_hat",
    "ess_bulk",
    "ess_tail",
    "autocorrelation",
    "autocorrelation_time",
]
TAIL = (0.05, 0.95)
"""Quantiles whose estimation the tail effective sample size is about."""
MAX_WINDOWS = 20
SHOWN = 5
"""Rows that are printed; `Convergence.table` has all."""


@dataclass(frozen=True, eq=False, repr=False)
class Convergence:
    """Whether the chains of a run have converged; made by `Imputations.convergence`.

    Attributes
    ----------
    table : DataFrame
        One row for the mean and the standard deviation of each column's imputed cells and for each
        parameter, the largest R-hat first: ``variable, quantity, r_hat, ess_bulk, ess_tail,
        autocorrelation`` (of one sweep with the next), ``autocorrelation_time`` (sweeps worth one
        independent draw). NaN where there are fewer than four sweeps, and R-hat for a single chain.
    kernels : DataFrame
        One row per conditional model: ``variable, acceptance, worst_acceptance, divergences,
        visits``, after tuning. It is about how the parameters of one model are drawn given the
        completed data of a sweep, and says nothing of how sweeps mix.
    verdict : str
        What the table says, in a sentence.
    converged : bool or None
        True where no R-hat is above 1.05; False where one is above what chance explains in chains
        that mix well; None where neither can be said.
    further_sweeps : int or None
        Sweeps to extend the run by, estimated from the autocorrelation times; 0 for a run that has
        converged, None where nothing is known.
    """

    table: pd.DataFrame
    kernels: pd.DataFrame
    verdict: str
    converged: bool | None
    further_sweeps: int | None
    _quantities: tuple[SweepQuantity, ...]

    @cached_property
    def windows(self) -> pd.DataFrame:
        """R-hat over the first sweeps, for growing numbers of them, up to twenty.

        ``variable, quantity, sweeps, r_hat`` and ``r_hat_bound``, what chance explains in as many
        sweeps of chains that mix well. In chains that converge R-hat comes down to 1; one that
        stays above its bound, or goes up again, does not.
        """
        parts = [
            pd.DataFrame(
                {
                    "variable": [one.variable for one in group],
                    "quantity": [one.name for one in group],
                    "sweeps": sweeps,
                    "r_hat": r_hats(chains[..., :sweeps]),
                    "r_hat_bound": self._bound(chains.shape[1], sweeps),
                }
            )
            for group, chains in _by_shape(self._quantities)
            for sweeps in window_lengths(chains.shape[2])
        ]
        columns = ["variable", "quantity", "sweeps", "r_hat", "r_hat_bound"]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)

    def _bound(self, n_chains: int, n_sweeps: int) -> float:
        n_known = int(self.table["r_hat"].notna().sum())
        return chance_bound(n_chains, n_sweeps, n_known) if n_chains > 1 else math.nan

    def __repr__(self) -> str:
        table = self.table.head(SHOWN).to_string(index=False, float_format="{:.2f}".format)
        parts = [*self._sentences(), table if len(self.table) else "", self._rest()]
        return "\n".join(part for part in parts if part)

    def _repr_html_(self) -> str:
        sentences = "".join(f"<p>{escape(text)}</p>\n" for text in self._sentences())
        if self.table.empty:
            return sentences
        table = self.table.head(SHOWN).to_html(index=False, float_format="{:.2f}".format)
        return f"{sentences}{table}\n<p>{escape(self._rest())}</p>"

    def _sentences(self) -> list[str]:
        return [text for text in (self.verdict, kernel_sentence(self.kernels)) if text]

    def _rest(self) -> str:
        n_more = len(self.table) - SHOWN
        return f"{n_more} more in .table" if n_more > 0 else ""


def convergence(tree: xr.DataTree, parameters: bool = True) -> Convergence:
    """Measure convergence of the imputed cells and of all parameters over sweeps.

    Parameters
    ----------
    tree : xarray.DataTree
        The tree of a run.
    parameters : bool, default True
        Whether parameters are measured too, of which a wide run has thousands.

    Returns
    -------
    Convergence
        Chains are the imputations' own chains, and draws are all sweeps, the first ones included:
        chains that had not yet forgotten their initial fill show as a large R-hat.

    Raises
    ------
    NotRunError
        If no run made the imputations, and nothing is known of sweeps.
    """
    quantities = sweep_quantities(tree, parameters)
    origin = origin_of(tree)
    if not quantities and origin is not None:
        raise NotRunError(
            f"There are no sweeps to diagnose: these imputations come from {origin}, and do not "
            "say how their chains moved. Diagnose the run that made them."
        )
    measured = [
        _measure(quantity, value)
        for group, chains in _by_shape(quantities)
        for quantity, value in zip(group, r_hats(chains), strict=True)
    ]
    found: Verdict = judge(measured, run_facts(tree))
    return Convergence(
        _table(measured, quantities),
        kernel_table(tree),
        found.text,
        found.converged,
        found.further_sweeps,
        quantities,
    )


def cells_verdict(tree: xr.DataTree) -> str:
    """Say in a sentence whether the imputed cells have converged, as far as that is known.

    Parameters
    ----------
    tree : xarray.DataTree
        The tree of a run, or of imputations that no run made.
    """
    try:
        return f"{convergence(tree, parameters=False).verdict} (.convergence())"
    except NotRunError:
        return "Nothing is known of the sweeps that made them."


def window_lengths(n_sweeps: int) -> list[int]:
    """Give the numbers of sweeps at which R-hat is followed, the last of them all sweeps."""
    if n_sweeps < MIN_DRAWS:
        return []
    lengths = np.linspace(MIN_DRAWS, n_sweeps, min(MAX_WINDOWS, n_sweeps - MIN_DRAWS + 1))
    return [int(length) for length in np.unique(lengths.round())]


def _by_shape(
    quantities: Sequence[SweepQuantity],
) -> list[tuple[list[SweepQuantity], NDArray[np.float64]]]:
    """Stack quantities of the same numbers of chains and sweeps; parts of a run may differ."""
    groups: dict[tuple[int, ...], list[SweepQuantity]] = defaultdict(list)
    for quantity in quantities:
        groups[quantity.chains.shape].append(quantity)
    return [(group, np.stack([one.chains for one in group])) for group in groups.values()]


def _table(measured: Sequence[Measured], quantities: Sequence[SweepQuantity]) -> pd.DataFrame:
    order = {id(quantity): place for place, quantity in enumerate(quantities)}
    rows = [
        [
            one.quantity.variable,
            one.quantity.name,
            one.r_hat,
            one.ess_bulk,
            one.ess_tail,
            one.autocorrelation,
            one.time,
        ]
        for one in sorted(measured, key=lambda one: order[id(one.quantity)])
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.sort_values("r_hat", ascending=False, ignore_index=True, kind="stable")


def _measure(quantity: SweepQuantity, value: float) -> Measured:
    chains = quantity.chains
    if not is_defined(chains):
        return Measured(quantity, math.nan, math.nan, math.nan, math.nan, math.nan)
    bulk, tail = _effective_sizes(chains)
    time = autocorrelation_time(chains, bulk)
    return Measured(quantity, float(value), bulk, tail, autocorrelation(chains), time)


def _effective_sizes(chains: Chains) -> tuple[float, float]:
    # ArviZ takes longer to import than a small run takes, so only those who ask for it wait for it.
    from arviz_stats.base import array_stats

    with np.errstate(divide="ignore", invalid="ignore"):
        bulk = float(array_stats.ess(chains, method="bulk"))
        tail = float(array_stats.ess(chains, method="tail", prob=TAIL))
    return bulk, tail

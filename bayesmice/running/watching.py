"""Watching a run while it goes on: its clock, its stopping rule, its callback."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bayesmice.diagnostics import StoppingRule, Until, worst_r_hat
from bayesmice.diagnostics.stopping import WorstRHat

R_HAT_EVERY = 5.0
"""Seconds after which a display shows R-hat anew: ArviZ takes a second to import."""

Stop = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class SweepInfo:
    """What a callback sees after each sweep.

    Attributes
    ----------
    sweep : int
        The sweep that has ended, counted from 0.
    sweeps : int or None
        Number of sweeps that were asked for; None where a stopping rule decides.
    chains : tuple of int
        Identities of the chains.
    cells : mapping of str to ndarray of shape (n_chains, n_cells)
        Drawn and computed values or level codes of this sweep, by column.
    parameters : mapping of str to mapping
        By target, the parameters of each chain, as in ``tree["conditionals"]``.
    statistics : mapping of str to mapping
        By target, what happened in the transitions, each of shape (n_chains,).
    seconds : float
        Since the run began or went on.
    """

    sweep: int
    sweeps: int | None
    chains: tuple[int, ...]
    cells: Mapping[str, NDArray[np.float64]]
    parameters: Mapping[str, Mapping[str, NDArray[np.float64]]]
    statistics: Mapping[str, Mapping[str, NDArray[np.generic]]]
    seconds: float
    _stop: Stop = field(repr=False)

    def stop(self, reason: str = "a callback asked for it") -> None:
        """End the run after this sweep.

        Parameters
        ----------
        reason : str
            Why, for the event log.
        """
        self._stop(reason)


Callback = Callable[[SweepInfo], object]


class Watch:
    """Watches a run while it goes on: its stopping rule, its clock, what a callback asked for."""

    def __init__(self, rule: Until | None, shown: bool) -> None:
        self.rule = None if rule is None else StoppingRule(rule)
        self.stopped = False
        self.asked: str | None = None
        self._shown = shown
        self._began = self._looked = time.monotonic()
        self._worst: WorstRHat | None = None

    @property
    def seconds(self) -> float:
        """Seconds since the run began or went on."""
        return time.monotonic() - self._began

    def ask(self, reason: str) -> None:
        """Ask the run to stop."""
        self.asked = reason

    def worst(
        self, n_sweeps: int, sweep_stats: Callable[[], Mapping[str, NDArray[np.float64]]]
    ) -> WorstRHat | None:
        """Give the largest R-hat so far, as fresh as the rule or the display needs it."""
        is_needed = self.rule is not None and n_sweeps >= self.rule.rule.min_sweeps
        is_due = self._shown and time.monotonic() - self._looked > R_HAT_EVERY
        if is_needed or is_due:
            self._looked = time.monotonic()
            self._worst = worst_r_hat(sweep_stats())
        return self._worst

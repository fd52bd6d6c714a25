"""Effective draws per second of a quantity of the completed data, followed from sweep to sweep.

A sampler whose sweeps are fast but alike has gained nothing. So the same numbers of the completed
data (`speed.quantities`) are computed after every sweep of every chain, by each software, and their
effective sample size is divided by what the sweeps cost without that computation.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from arviz_stats.base import array_stats

from speed.measuring import Figure, child_environment, measure
from speed.peers.registry import Peer
from speed.trials import OURS

CHAINS, SWEEPS_FOLLOWED = 5, 200
WATCHABLE = ("R mice", "R mice default", "statsmodels")
"""Peers whose chains can be followed from sweep to sweep in reasonable time."""
BURN_IN = 10


class Efficiency(NamedTuple):
    """What draws of a quantity are worth.

    Attributes
    ----------
    workload, who, quantity : str
        Of which data, by whom, which number.
    draws : int
        Chains times sweeps.
    effective : float
        Effective sample size.
    seconds_per_sweep : float
        Of all chains, from the same run of the benchmarks.
    """

    workload: str
    who: str
    quantity: str
    draws: int
    effective: float
    seconds_per_sweep: float

    @property
    def per_second(self) -> float:
        sweeps = self.draws / CHAINS
        return self.effective / (sweeps * self.seconds_per_sweep)


def effective_size(draws: np.ndarray) -> float:
    """Compute the effective sample size of the mean of draws of shape (n_chains, n_sweeps)."""
    return float(array_stats.ess(draws, chain_axis=0, draw_axis=1, method="mean"))


def efficiencies(
    workload: str, folder: Path, peers: Iterable[Peer], figures: Iterable[Figure]
) -> list[Efficiency]:
    """Follow the quantities of a workload by us and by the peers that can be followed.

    Parameters
    ----------
    workload : str
        Its name; it has m=5, and its data are in ``folder``.
    folder : Path
        The data.
    peers : iterable of Peer
        Those at hand.
    figures : iterable of Figure
        Those of the workload, which say what a later sweep costs.
    """
    costs = {one.who: one.median for one in figures if one.name == "later_sweep"}
    commands = {OURS: [sys.executable, "-m", "speed.our_series"]}
    commands |= {peer.name: peer.command("series") for peer in peers if peer.name in WATCHABLE}
    found = []
    for who, command in commands.items():
        if who not in costs:
            continue
        arguments = map(str, (folder, CHAINS, BURN_IN + SWEEPS_FOLLOWED))
        series = json.loads(measure([*command, *arguments], child_environment()).printed)
        for quantity, draws in followed(series).items():
            size = effective_size(draws)
            found.append(Efficiency(workload, who, quantity, draws.size, size, costs[who]))
    return found


def followed(series: Mapping[str, list[list[float]]]) -> dict[str, np.ndarray]:
    """Leave out the sweeps before `BURN_IN`; arrays of shape (n_chains, n_sweeps) by quantity."""
    return {name: np.array(draws)[:, BURN_IN:] for name, draws in series.items()}

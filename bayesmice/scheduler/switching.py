"""Switching: another kernel for chains in which the first does badly.

The decision is each chain's own, so that a chain does not depend on those that run beside it.
"""

from collections.abc import Mapping

import jax
import numpy as np
from numpy.typing import NDArray

from bayesmice.events import Event, Severity
from bayesmice.kernels import Target
from bayesmice.scheduler.chains import ChainState, Lane, start_lane

PATIENCE = 5
"""Sweeps of burn-in, after which a kernel has been tuned as often as it will be."""
LOW_ACCEPTANCE = 0.5


def switch_kernels(
    state: ChainState, target: Target, statistics: Mapping[str, NDArray[np.generic]]
) -> list[Event]:
    """Give NUTS to the chains whose acceptance rate stayed low through burn-in.

    Parameters
    ----------
    state : ChainState
        All chains; the lanes of the target are parted.
    target : Target
        The target.
    statistics : mapping of str to ndarray of shape (n_chains, PATIENCE)
        Statistics of the target's transitions.

    Returns
    -------
    list of Event
        ``kernel_changed``, one per chain.
    """
    if target.alternative is None:
        return []
    acceptance = acceptance_through_burn_in(statistics)
    bad = np.flatnonzero(acceptance < LOW_ACCEPTANCE)
    if not len(bad):
        return []
    (lane,) = state.lanes[target.name]
    good = np.setdiff1d(lane.chains, bad)
    switched = start_lane(state, target, target.alternative, bad, PATIENCE)
    position = lane.state.kernel.position[bad]
    switched.state = switched.state._replace(
        kernel=switched.state.kernel._replace(position=position)
    )
    kept = Lane(lane.program, good, jax.tree.map(lambda leaf: leaf[good], lane.state), lane.since)
    state.lanes[target.name] = [kept, switched] if len(good) else [switched]
    before, after = lane.program.kernel.name, target.alternative.kernel.name
    return [
        Event(
            Severity.INFO,
            "kernel_changed",
            f"Chain {chain} accepted {acceptance[chain]:.2f} of its {before} transitions through "
            f"the first {PATIENCE} sweeps, so it goes on with {after}.",
            target.name,
            chain=int(chain),
            sweep=PATIENCE,
        )
        for chain in bad
    ]


def acceptance_through_burn_in(
    statistics: Mapping[str, NDArray[np.generic]],
) -> NDArray[np.float64]:
    """Average the acceptance rates of each chain, of shape (n_chains,)."""
    rates: NDArray[np.float64] = statistics["acceptance_rate"].astype(float).mean(axis=1)
    return rates

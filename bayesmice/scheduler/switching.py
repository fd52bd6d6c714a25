"""Switching: another kernel for chains in which the first does badly.

The decision is each chain's own, so that a chain does not depend on those that run beside it.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bayesmice.events import Event, Severity
from bayesmice.kernels import Target
from bayesmice.scheduler.chains import ChainState, Lane, start_lane

PATIENCE = 5
"""Visits of burn-in, after which a kernel has been tuned as often as it will be."""
LOW_ACCEPTANCE = 0.5


def switch_kernels(state: ChainState, target: Target, sweep: int) -> list[Event]:
    """Give NUTS to the chains whose acceptance rate stayed low through burn-in.

    Parameters
    ----------
    state : ChainState
        All chains; the lanes of the target are parted.
    target : Target
        The target, which was just visited.
    sweep : int
        The sweep, counted from 0.

    Returns
    -------
    list of Event
        ``kernel_changed``, one per chain.
    """
    events: list[Event] = []
    lanes: list[Lane] = []
    for lane in state.lanes[target.name]:
        is_due = lane.visits == PATIENCE and lane.program is target.program
        parted, told = _parted(state, target, lane, sweep) if is_due else ([lane], [])
        lanes += parted
        events += told
    state.lanes[target.name] = lanes
    return events


def _parted(
    state: ChainState, target: Target, lane: Lane, sweep: int
) -> tuple[list[Lane], list[Event]]:
    alternative = target.alternative
    acceptance = acceptance_through_burn_in(lane)
    bad = np.flatnonzero(acceptance < LOW_ACCEPTANCE)
    if alternative is None or not len(bad):
        return [lane], []
    good = np.setdiff1d(np.arange(len(lane.chains)), bad)
    switched = start_lane(state, target, alternative, lane.chains[bad])
    position = lane.state.kernel.position[bad]
    switched.state = switched.state._replace(
        kernel=switched.state.kernel._replace(position=position)
    )
    switched.begins_anew = False
    before, after = lane.program.kernel.name, alternative.kernel.name
    ids = np.asarray(state.ids)[lane.chains[bad]]
    events = [
        Event(
            Severity.INFO,
            "kernel_changed",
            f"Chain {chain} accepted {accepted:.2f} of its {before} transitions through the first "
            f"{PATIENCE} visits, so it goes on with {after}.",
            target.name,
            chain=int(chain),
            sweep=sweep + 1,
        )
        for chain, accepted in zip(ids, acceptance[bad], strict=True)
    ]
    if not len(good):
        return [switched], events
    kept = replace(
        lane,
        chains=lane.chains[good],
        state=lane.program.take(lane.state, good),
        accepted=lane.accepted[good],
    )
    return [kept, switched], events


def acceptance_through_burn_in(lane: Lane) -> NDArray[np.float64]:
    """Average the acceptance rates of each chain of a lane, of shape (n_lane,)."""
    return np.array(lane.accepted, dtype=np.float64) / lane.visits

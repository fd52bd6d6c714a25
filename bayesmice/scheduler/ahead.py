"""Compilation ahead: programs of built-in families are compiled, or read, side by side."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax

from bayesmice.kernels import SharedProgram
from bayesmice.scheduler.chains import ChainState
from bayesmice.scheduler.course import Course
from bayesmice.scheduler.sweeps import visit_arguments


def compile_ahead(course: Course, state: ChainState, order: Sequence[str], sweep: int) -> None:
    """Begin to compile what the visits of a sweep need and no visit has needed yet.

    Programs are traced one after the other, here. What takes as long, to compile them or to load
    what an earlier process compiled, needs no Python, and goes on in threads of its own: on all
    cores, and while this thread goes on. A visit waits for its own program only.

    Parameters
    ----------
    course : Course
        What the chains go through.
    state : ChainState
        Where the chains stand.
    order : sequence of str
        The targets that will be visited.
    sweep : int
        Which sweep, counted from 0.
    """
    design: Any = state.design
    if course.needs_sums and design.sums is None:
        n_chains, _, width = design.rows.shape
        shape = (n_chains, 1 + width, 1 + width)
        design = design._replace(sums=jax.ShapeDtypeStruct(shape, design.rows.dtype))
    new = {}
    for name in dict.fromkeys(order):
        for lane in state.lanes[name]:
            is_whole = len(lane.chains) == state.n_chains
            was_made = course.first_visits.was_made(lane.program, len(lane.chains))
            if isinstance(lane.program, SharedProgram) and is_whole and not was_made:
                new[id(lane.program)] = course.targets[name], lane
    if not new:
        return
    pool = ThreadPoolExecutor(os.cpu_count(), "bayesmice-compile")
    try:
        for target, lane in new.values():
            assert isinstance(lane.program, SharedProgram)
            arguments = visit_arguments(course, state, target, lane, sweep, 0)
            lane.program.compile_ahead(
                tuple(design if part is state.design else part for part in arguments), pool.submit
            )
    finally:
        pool.shutdown(wait=False)

"""Packing: the state of chains as plain arrays, so that a run can go on in another process.

The completed columns are not packed: they follow from the data and the cells. Neither is anything
that a program is made of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmice.errors import StoreError
from bayesmice.kernels import Target
from bayesmice.kernels.visits import Program
from bayesmice.scheduler.chains import Cells, Lane, Standing, place_chains, start_lane
from bayesmice.scheduler.course import Course


@dataclass(frozen=True, eq=False)
class PackedLane:
    """Chains of one target that run the same program.

    Attributes
    ----------
    target : str
        The target.
    kernel : str
        Name of the kernel of its program.
    chains : ndarray of shape (n_lane,)
        Their positions among all chains.
    visits : int
        How often the lane was visited.
    begins_anew : bool
        Whether its chains begin at the first visit.
    accepted : ndarray of shape (n_lane,)
        Sum of the acceptance rates of its first visits.
    values : ndarray with the chains of the lane as first axis, or None
        Kernel states; None where they cannot be packed.
    """

    target: str
    kernel: str
    chains: NDArray[np.intp]
    visits: int
    begins_anew: bool
    accepted: NDArray[np.float64]
    values: NDArray[Any] | None


def pack_lanes(standing: Standing) -> list[PackedLane]:
    """Pack the kernel states of all targets."""
    return [
        PackedLane(
            name,
            lane.program.kernel.name,
            lane.chains,
            lane.visits,
            lane.begins_anew,
            np.asarray(lane.accepted, dtype=np.float64),
            lane.program.pack(lane.state),
        )
        for name, lanes in standing.lanes.items()
        for lane in lanes
    ]


def unpack_standing(
    course: Course,
    drawn: Cells,
    lanes: Sequence[PackedLane],
    ids: Sequence[int],
    fill: Mapping[str, NDArray[np.float64]],
) -> Standing:
    """Read where chains stood.

    Parameters
    ----------
    course : Course
        What the chains go through.
    drawn : mapping of str to ndarray of shape (n_chains, n_drawn)
        Drawn and computed cells of the last sweep, by column.
    lanes : sequence of PackedLane
        Kernel states.
    ids : sequence of int
        Their identities.
    fill : mapping of str to ndarray of shape (n_chains, n_missing)
        Values of the missing cells of columns that no sweep visits.

    Returns
    -------
    Standing
        From which the run goes on as if it had never been interrupted.

    Raises
    ------
    StoreError
        If the state of a kernel was not kept, or belongs to another kernel.
    """
    cells = dict(fill)
    for name, own in drawn.items():
        cells[name] = own[:, course.store.columns[name].drawn_missing]
    # Any chain's completed columns tell the shapes of kernel states.
    one = place_chains(course, {name: own[:1] for name, own in cells.items()}, ids[:1])
    unpacked: dict[str, list[Lane]] = {name: [] for name in course.targets}
    for lane in lanes:
        target = course.targets[lane.target]
        program = program_of(target, lane.kernel)
        if lane.values is None:
            raise StoreError(
                f"The file does not hold where the chains of {lane.target!r} stand: trees of BART "
                "cannot be written. Run it again with more sweeps instead of extending it."
            )
        empty = start_lane(one, target, program, np.zeros(len(lane.chains), dtype=np.intp))
        unpacked[lane.target].append(
            Lane(
                program,
                lane.chains,
                program.unpack(lane.values, empty.state),
                lane.visits,
                lane.begins_anew,
                np.asarray(lane.accepted),
            )
        )
    return Standing(np.asarray(ids), cells, {name: tuple(own) for name, own in unpacked.items()})


def program_of(target: Target, kernel: str) -> Program:
    """Find the program of a target that has a kernel."""
    for program in (target.program, target.alternative):
        if program is not None and program.kernel.name == kernel:
            return program
    raise StoreError(
        f"The chains of {target.name!r} ran the kernel {kernel!r}, and its model now gets "
        f"{target.program.kernel.name!r}. Give the model as it was."
    )

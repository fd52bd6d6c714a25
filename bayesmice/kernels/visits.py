"""Visits: what goes into a visit to a target and what comes out, for all chains at once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from bayesmice.kernels.cells import Rows
from bayesmice.kernels.kernel import Array, Info, KernelState, Shaped


class Moment(NamedTuple):
    """Where in a run a visit takes place; every random key of the visit is folded from it.

    Attributes
    ----------
    seed : Array of shape (2,)
        Key data of the run's random seed.
    sweep, target : Array, scalar integers
        The sweep, counted from 0, and the position of the target among the columns; further visits
        in the same sweep count on from the number of columns.
    is_scheduled : Array, scalar boolean
        Whether all chains are to be tuned.
    is_first : Array, scalar boolean
        Whether the chains begin here, with no parameters of their own yet.
    """

    seed: Array
    sweep: Array | np.int64
    target: Array | np.int64
    is_scheduled: Array | np.bool_
    is_first: Array | np.bool_


class TunedState(NamedTuple):
    """A kernel state, and what tells whether it should be tuned again.

    Attributes
    ----------
    kernel : KernelState
        The state of the kernel.
    recent_acceptance : Array, scalar
        Acceptance rate, averaged with weights that fall by `MEMORY` with every visit; 1 after
        tuning.
    lp : Array, scalar
        Log-density at the end of the last visit.
    """

    kernel: KernelState
    recent_acceptance: Array
    lp: Array


class DesignColumns(NamedTuple):
    """How drawn cells of a target become design columns.

    Attributes
    ----------
    positions : Array of shape (width,)
        Design columns of the target.
    centers : Array of shape (width,)
        What to subtract from a number.
    table : Array of shape (n_levels, width)
        Centered design row of each level; no rows for a continuous target.
    """

    positions: Array
    centers: Array
    table: Array


class CompletedDesign(NamedTuple):
    """The design with the missing cells as they are, of one chain or, with a first axis, of all.

    Attributes
    ----------
    rows : Array of shape ([n_chains,] n_rows, n_design)
        The design.
    sums : Array of shape ([n_chains,] 1 + n_design, 1 + n_design) or None
        Squares and products over all rows, of the constant and the design; None where no program
        has a use for them.
    """

    rows: Array
    sums: Array | None = None


class Given(NamedTuple):
    """What all visits to a model's targets are given; the same for all chains and sweeps.

    Attributes
    ----------
    rows : tuple of Rows
        Observed values, weights, rows to draw, by target.
    fixed : dict of str to Array
        Inputs of the model that do not vary over chains.
    columns : dict of str to Array
        Complete columns that the model reads.
    mask : Array of shape (n_design,) or None
        1 for the design columns that a shared model uses, 0 for others; None for a model of its
        own.
    design_columns : tuple of (DesignColumns or None)
        Where drawn cells go in the design, by target; None for one that is not in it.
    """

    rows: tuple[Rows, ...]
    fixed: dict[str, Array]
    columns: dict[str, Array]
    mask: Array | None
    design_columns: tuple[DesignColumns | None, ...]


class Recorded(NamedTuple):
    """What a visit leaves behind; every array has the chains as its first axis.

    Attributes
    ----------
    parameters : dict of str to Array
        Parameters on their own scales.
    info : Info
        The transition.
    cells : tuple of Array of shape (n_chains, n_cells)
        The drawn cells, with padding, by target.
    """

    parameters: dict[str, Array]
    info: Info
    cells: tuple[Array, ...]


class Tuning(Protocol):
    """What the scheduler needs to know of a kernel."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def tuning_sweeps(self) -> tuple[int, ...]:
        """Sweeps, counted from where the chains begin, before which it is tuned."""


class Program(Protocol):
    """A conditional model with its kernel, ready to be visited."""

    @property
    def kernel(self) -> Tuning:
        """What the scheduler needs to know of the kernel."""

    def empty_state(
        self, n_chains: int, design: Shaped, columns: Mapping[str, Shaped], given: Given
    ) -> Any:
        """Make kernel states for all chains, to be tuned before use."""

    @property
    def visit(self) -> Callable[..., tuple[Any, Recorded, CompletedDesign]]:
        """Tune where due, take transitions, and draw the missing cells, for all chains."""

    @property
    def log_likelihood(self) -> Callable[..., tuple[Array, ...]]:
        """Evaluate rows at the parameters of a visit, for all chains.

        Called with the kernel states after the visit, the design, the columns that the visit was
        given, and what all visits are given; gives arrays of shape (n_chains, n_rows) by target:
        what a row adds to the log-density, 0 for rows of weight 0.
        """

    @property
    def predictive(self) -> Callable[..., tuple[Array, ...]]:
        """Draw every row of each target at the parameters of a visit, for all chains.

        Called with the moment, the chains, and the arguments of `log_likelihood`. The draws depend
        on no others, and no others on them.
        """

    def take(self, state: Any, positions: NDArray[np.intp]) -> Any:
        """Give the kernel states of some chains."""

    def join(self, states: Sequence[Any]) -> Any:
        """Put kernel states of several sets of chains together."""

    def pack(self, state: Any) -> NDArray[Any] | None:
        """Write kernel states as an array, chains first; None where they cannot be written."""

    def unpack(self, packed: NDArray[Any], empty: Any) -> Any:
        """Read kernel states that `pack` wrote, given empty ones for as many chains."""

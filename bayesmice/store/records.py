"""What a tree is made of: a run, and what is known of its chains over each group of rows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bayesmice.data import ColumnStore, in_group
from bayesmice.store.recorder import RunRecorder


class Labels(Protocol):
    """Names of the dimensions of recorded parameters."""

    @property
    def dims(self) -> Mapping[str, tuple[str, ...]]:
        """Named dimensions of each parameter."""

    @property
    def coords(self) -> Mapping[str, tuple[object, ...]]:
        """Their labels."""


class Lane(Protocol):
    """Kernel states of chains that run the same program; see `bayesmice.scheduler.packing`."""

    @property
    def target(self) -> str:
        """The target."""

    @property
    def kernel(self) -> str:
        """Name of the kernel."""

    @property
    def chains(self) -> NDArray[np.intp]:
        """Their positions among all chains."""

    @property
    def visits(self) -> int:
        """How often the lane was visited."""

    @property
    def begins_anew(self) -> bool:
        """Whether its chains begin at the first visit."""

    @property
    def accepted(self) -> NDArray[np.float64]:
        """Sum of the acceptance rates of its first visits."""

    @property
    def values(self) -> NDArray[Any] | None:
        """Kernel states."""


@dataclass(frozen=True)
class RunDescription:
    """What was run, for the attributes of the root.

    Attributes
    ----------
    picks : sequence of (int, int)
        For each imputation the chain and the sweep that it is taken from.
    chains : sequence of int
        Identities of the chains.
    sweeps : int
        Number of sweeps.
    random_seed : int
        Seed of the run.
    visit_sequence : sequence of str
        Order of the last sweep.
    specification : str
        The conditional models as JSON.
    settings : mapping of str to object
        How the run was asked for, for one that goes on from here: numbers, text, or lists of them.
    """

    picks: Sequence[tuple[int, int]]
    chains: Sequence[int]
    sweeps: int
    random_seed: int
    visit_sequence: Sequence[str]
    specification: str
    settings: Mapping[str, object] = field(default_factory=dict)

    @cached_property
    def described(self) -> Mapping[str, Any]:
        """The conditional models, read from their JSON."""
        described: Mapping[str, Any] = json.loads(self.specification)
        return described


@dataclass(frozen=True, eq=False)
class StrandRecord:
    """What is known of the chains over a group of rows.

    Attributes
    ----------
    label : str
        What the group is called; empty for all rows.
    rows : ndarray of shape (n_group,)
        Positions of its rows in the data.
    store : ColumnStore
        Its rows of the data.
    recorder : RunRecorder
        What its sweeps left behind.
    labels : mapping of str to Labels
        Names of the parameters of each target.
    constants : mapping of str to float
        The value of columns that do not vary.
    lanes : sequence of Lane or None
        Kernel states of its chains, for a run that goes on; None for one that cannot.
    """

    label: str
    rows: NDArray[np.intp]
    store: ColumnStore
    recorder: RunRecorder
    labels: Mapping[str, Labels]
    constants: Mapping[str, float]
    lanes: Sequence[Lane] | None

    def named(self, name: str) -> str:
        """Name a target or a column of this group."""
        return in_group(name, self.label)

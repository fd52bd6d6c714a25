"""The course of a sweep: all that stays the same while chains move."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from bayesmice.data import ColumnStore
from bayesmice.kernels import Target
from bayesmice.kernels.kernel import Array
from bayesmice.kernels.programs import CompiledVisits
from bayesmice.models.design import Design
from bayesmice.models.passive import PassiveColumns
from bayesmice.scheduler.first_visits import FirstVisits

Post = Callable[["pd.Series[float]", pd.DataFrame], object]
"""From the drawn values of a column and the completed rows that they belong to, to other values."""


@dataclass(frozen=True, eq=False)
class Course:
    """What the chains of a data set, or of one group of its rows, go through in every sweep.

    Attributes
    ----------
    store : ColumnStore
        The data.
    design : Design
        Their design.
    targets : mapping of str to Target
        What may be visited, by name.
    passive : PassiveColumns
        Columns that are computed from others.
    posts : mapping of str to callable
        What is done to drawn values before models read them, by column.
    seed : Array of shape (2,)
        Key data that all random keys are folded from.
    """

    store: ColumnStore
    design: Design
    targets: Mapping[str, Target]
    passive: PassiveColumns
    posts: Mapping[str, Post]
    seed: Array = field(repr=False)

    @cached_property
    def first_visits(self) -> FirstVisits:
        """What keeps threads from compiling the same program side by side."""
        return FirstVisits()

    @property
    def is_on_host(self) -> bool:
        """Whether sweeps run functions of Python or PyMC's steps: threads would gain nothing.

        Nor need the functions of users bear to be called by several threads.
        """
        return bool(
            self.posts
            or any(not passive.is_expression for passive in self.passive.ordered)
            or any(
                target.host_designs or not isinstance(target.program, CompiledVisits)
                for target in self.targets.values()
            )
        )

    @cached_property
    def columns_read(self) -> tuple[str, ...]:
        """Incomplete columns that have to be at hand one by one, in the order of the data."""
        read = {name for target in self.targets.values() for name in target.reads}
        read |= self.passive.reads
        if self.posts:
            read |= set(self.store.incomplete)
        return tuple(name for name in self.store.incomplete if name in read)

    @cached_property
    def recomputed(self) -> Mapping[str, tuple[str, ...]]:
        """By target, the incomplete passive columns that are computed after a visit, in order."""
        incomplete = set(self.store.incomplete)
        return {
            name: tuple(
                passive.name
                for passive in self.passive.made_of(column.name for column in target.columns)
                if passive.name in incomplete
            )
            for name, target in self.targets.items()
        }

    @cached_property
    def needs_sums(self) -> bool:
        """Whether programs use sums over the rows of the design."""
        return any(target.needs_sums for target in self.targets.values())

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns whose cells a sweep gives: drawn ones, then computed ones.

        A target of a block that has no cells to be drawn is none of them.
        """
        drawn = [
            column.name
            for target in self.targets.values()
            for column in target.columns
            if column.n_drawn
        ]
        incomplete = set(self.store.incomplete)
        return (*drawn, *(p.name for p in self.passive.ordered if p.name in incomplete))

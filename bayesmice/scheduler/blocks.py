"""Blocks: several sweeps of a batch in one go, for a crew that is far away."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bayesmice.scheduler.batches import Batch, MovingBatch, Swept
from bayesmice.scheduler.strands import Strand


@dataclass(frozen=True)
class Block:
    """What became of a block.

    Attributes
    ----------
    sweeps : tuple of Swept
        What its sweeps left behind; the last ones are lacking where no chain is left.
    after : Batch or None
        Where its chains stand; None if none is left.
    """

    sweeps: tuple[Swept, ...]
    after: Batch | None


def run_block(
    strands: Sequence[Strand], batch: Batch, sweeps: range, with_cells: Collection[int]
) -> Block:
    """Let a batch go through several sweeps.

    Parameters
    ----------
    strands : sequence of Strand
        What the chains go through.
    batch : Batch
        Where they stand.
    sweeps : range
        Which sweeps, counted from 0.
    with_cells : collection of int
        Sweeps whose cells are wanted; of others their moments are enough. The last sweep has its
        cells in any case.
    """
    moving, left = MovingBatch(strands, batch), []
    for sweep in sweeps:
        swept = moving.sweep(sweep, _nothing)
        has_cells = sweep in with_cells or sweep == sweeps[-1]
        left.append(swept if has_cells else swept.without_cells())
        if not len(swept.ids):
            return Block(tuple(left), None)
    return Block(tuple(left), moving.batch())


def _nothing(sweep: int, target: str) -> None:
    """Take no note of a visit."""

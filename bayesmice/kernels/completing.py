"""The completed design: drawn cells are written into it, and its sums over rows follow."""

from functools import partial

import jax
import jax.numpy as jnp

from bayesmice.kernels.cells import rows_at
from bayesmice.kernels.chain_axis import over_chains
from bayesmice.kernels.kernel import Array
from bayesmice.kernels.moments import sums_after, sums_of
from bayesmice.kernels.visits import CompletedDesign, DesignColumns, Given


def with_sums(design: CompletedDesign) -> CompletedDesign:
    """Sum over the rows of the design, for all chains."""
    return design._replace(sums=_sums(design.rows))


@jax.jit
def _sums(rows: Array) -> Array:
    sums: Array = over_chains(sums_of, rows)
    return sums


def write_cells(design: CompletedDesign, cells: tuple[Array, ...], given: Given) -> CompletedDesign:
    """Put the drawn cells of all targets into the design of all chains, which is donated."""
    sums = None if design.sums is None else _sums_with_cells(design, cells, given)
    return CompletedDesign(write_rows(design.rows, cells, given), sums)


def write_rows(rows: Array, cells: tuple[Array, ...], given: Given) -> Array:
    """Put the drawn cells of all targets into the rows of the design of all chains, in place.

    This is no part of a compiled visit, in which XLA would copy the whole design before it writes
    into it.
    """
    for drawn, own, columns in zip(cells, given.rows, given.design_columns, strict=True):
        if columns is not None:
            rows = _written(rows, drawn, own.written, columns)
    return rows


@partial(jax.jit, donate_argnames=("rows",))
def _written(rows: Array, drawn: Array, written: Array, columns: DesignColumns) -> Array:
    places = (slice(None), written[:, None], columns.positions[None, :])
    return rows.at[places].set(_encoded(drawn, columns), mode="drop")


def _encoded(drawn: Array, columns: DesignColumns) -> Array:
    """Give the design columns of drawn cells, of shape ([n_chains,] n_cells, width)."""
    if columns.table.shape[0]:
        return columns.table[drawn.astype(int)]
    return drawn[..., None] - columns.centers


@jax.jit
def _sums_with_cells(design: CompletedDesign, cells: tuple[Array, ...], given: Given) -> Array:
    def of_chain(batch: tuple[CompletedDesign, tuple[Array, ...]]) -> Array:
        return sums_with_cells(*batch, given)

    after: Array = over_chains(of_chain, (design, cells))
    return after


def sums_with_cells(design: CompletedDesign, cells: tuple[Array, ...], given: Given) -> Array:
    """Give the sums over the rows of one chain after the drawn cells are put into its design.

    Parameters
    ----------
    design : CompletedDesign
        That of the chain, with sums, before.
    cells : tuple of Array of shape (n_cells,)
        What was drawn, by target.
    given : Given
        What all visits to the targets are given.

    Returns
    -------
    Array of shape (1 + n_design, 1 + n_design)
    """
    rows, sums = design
    assert sums is not None
    for drawn, own, columns in zip(cells, given.rows, given.design_columns, strict=True):
        if columns is None:
            continue
        before, is_row = rows_at(rows, own.written)
        encoded = _encoded(drawn, columns)
        change = jnp.where(is_row > 0, encoded - before[:, columns.positions + 1], 0.0)
        sums = sums_after(sums, before, change, columns.positions)
        if len(cells) > 1:  # the next target of a block may be in the same rows
            places = (own.written[:, None], columns.positions[None, :])
            rows = rows.at[places].set(encoded, mode="drop")
    return sums

"""The completed design: drawn cells are written into it, and its sums over rows follow."""

from functools import partial

import jax
import jax.numpy as jnp

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
    """Put the drawn cells of all targets into the design of all chains, which is donated.

    This is no part of a compiled visit, in which XLA would copy the whole design before it writes
    into it.
    """
    rows, sums = design
    for drawn, own, columns in zip(cells, given.rows, given.design_columns, strict=True):
        if columns is None:
            continue
        if sums is not None:
            sums = _sums_after(rows, sums, drawn, own.written, columns)
        rows = _written(rows, drawn, own.written, columns)
    return CompletedDesign(rows, sums)


@partial(jax.jit, donate_argnames=("rows",))
def _written(rows: Array, drawn: Array, written: Array, columns: DesignColumns) -> Array:
    places = (slice(None), written[:, None], columns.positions[None, :])
    return rows.at[places].set(_encoded(drawn, columns), mode="drop")


def _encoded(drawn: Array, columns: DesignColumns) -> Array:
    """Give the design columns of drawn cells, of shape (n_chains, n_cells, width)."""
    if columns.table.shape[0]:
        return columns.table[drawn.astype(int)]
    return drawn[..., None] - columns.centers


@jax.jit
def _sums_after(
    rows: Array, sums: Array, drawn: Array, written: Array, columns: DesignColumns
) -> Array:
    is_row = written < rows.shape[1]
    constant = is_row.astype(float)[:, None]

    def of_chain(batch: tuple[Array, Array, Array]) -> Array:
        own, own_sums, encoded = batch
        before = own.at[written].get(mode="fill", fill_value=0.0)
        change = jnp.where(is_row[:, None], encoded - before[:, columns.positions], 0.0)
        with_constant = jnp.concatenate([constant, before], axis=1)
        return sums_after(own_sums, with_constant, change, columns.positions)

    after: Array = over_chains(of_chain, (rows, sums, _encoded(drawn, columns)))
    return after

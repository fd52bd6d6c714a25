"""The initial fill: where every chain begins."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bayesmice.data import Column, ColumnStore
from bayesmice.models.passive import PassiveColumns

NOTHING_COMPUTED = PassiveColumns()
FILL_STREAM = 0xF111
"""Keeps the random numbers of the fill apart from any other that the seed may give rise to."""


def initial_fill(
    store: ColumnStore,
    random_seed: int,
    chains: Sequence[int],
    passive: PassiveColumns = NOTHING_COMPUTED,
    stream: Sequence[int] = (),
    learned: ColumnStore | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Draw every missing cell from the observed values of its column, with replacement.

    A cell with limits gets one within them, or another number if none was observed there. Passive
    columns are computed from the others.

    Parameters
    ----------
    store : ColumnStore
        The data.
    random_seed : int
        Seed of the run; the draws of a cell depend on it, its chain and its column only.
    chains : sequence of int
        Identities of the chains.
    passive : PassiveColumns, optional
        Columns that are computed.
    stream : sequence of int, optional
        Further numbers that the draws depend on: which group of rows this is.
    learned : ColumnStore, optional
        Where values are drawn from, if not from the data themselves.

    Returns
    -------
    dict of str to ndarray of shape (n_chains, n_missing)
        Values or level codes, by incomplete column.
    """
    names, known = list(store.columns), (store if learned is None else learned).columns
    drawn = {
        name: np.stack(
            [
                _fill_column(
                    store.columns[name],
                    known[name],
                    np.random.default_rng(
                        [random_seed, FILL_STREAM, chain, names.index(name), *stream]
                    ),
                )
                for chain in chains
            ]
        )
        for name in store.incomplete
        if name not in passive.by_name
    }
    if not passive.ordered:
        return drawn
    computed = [
        passive.cells(store, {name: cells[place] for name, cells in drawn.items()})
        for place in range(len(chains))
    ]
    return drawn | {name: np.stack([cells[name] for cells in computed]) for name in computed[0]}


def _fill_column(column: Column, known: Column, rng: np.random.Generator) -> NDArray[np.float64]:
    if column.limits is None:
        return rng.choice(known.known_values, column.n_missing)
    observed = known.observed_values if len(known.observed_values) else known.known_values
    ordered = np.sort(observed)
    lower, upper = (limit[column.missing_rows] for limit in column.limits)
    first, end = np.searchsorted(ordered, lower), np.searchsorted(ordered, upper, side="right")
    is_empty = first == end
    cells = ordered[rng.integers(np.where(is_empty, 0, first), np.where(is_empty, 1, end))]
    return np.where(is_empty, column.within_limits[column.missing_rows], cells)

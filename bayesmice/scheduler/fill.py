"""The initial fill: where every chain begins."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bayesmice.data import ColumnStore

FILL_STREAM = 0xF111
"""Keeps the random numbers of the fill apart from any other that the seed may give rise to."""


def initial_fill(
    store: ColumnStore, random_seed: int, chains: Sequence[int]
) -> dict[str, NDArray[np.float64]]:
    """Draw every missing cell from the observed values of its column, with replacement.

    Parameters
    ----------
    store : ColumnStore
        The data.
    random_seed : int
        Seed of the run; the draws of a cell depend on it, its chain and its column only.
    chains : sequence of int
        Identities of the chains.

    Returns
    -------
    dict of str to ndarray of shape (n_chains, n_missing)
        Values or level codes, by incomplete column.
    """
    names = list(store.columns)
    return {
        name: np.stack(
            [
                np.random.default_rng([random_seed, FILL_STREAM, chain, names.index(name)]).choice(
                    store.columns[name].observed_values, store.columns[name].n_missing
                )
                for chain in chains
            ]
        )
        for name in store.incomplete
    }

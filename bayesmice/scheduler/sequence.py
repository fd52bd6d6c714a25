"""The visit sequence: in which order a sweep visits the targets."""

from collections.abc import Sequence

from bayesmice.data import ColumnStore


def visit_sequence(store: ColumnStore, targets: Sequence[str]) -> tuple[str, ...]:
    """Order targets from the fewest missing cells to the most; ties stay in the order of the data.

    Parameters
    ----------
    store : ColumnStore
        The data.
    targets : sequence of str
        Columns to visit.

    Returns
    -------
    tuple of str
        The order of one sweep.
    """
    return tuple(sorted(targets, key=lambda name: store.columns[name].n_missing))

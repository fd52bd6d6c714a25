"""The visit sequence: in which order a sweep visits the targets."""

from collections.abc import Mapping


def visit_sequence(missing: Mapping[str, int]) -> tuple[str, ...]:
    """Order targets from the fewest missing cells to the most; ties stay in the order of the data.

    Parameters
    ----------
    missing : mapping of str to int
        Number of missing cells of each target, in the order of the data.

    Returns
    -------
    tuple of str
        The order of one sweep.
    """
    return tuple(sorted(missing, key=lambda name: missing[name]))

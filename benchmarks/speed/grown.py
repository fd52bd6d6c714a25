"""Counts beside those of before."""

from collections.abc import Mapping

Counts = Mapping[str, Mapping[str, float]]
"""By workload and by what was counted."""
GROSS = 3.0
"""What counts as a gross change."""


def gross_changes(before: Counts, now: Counts, at_most: float = GROSS) -> list[str]:
    """Say which counts have grown too much, or cannot be compared.

    Parameters
    ----------
    before, now : mapping
        Counts by workload.
    at_most : float
        How many times a count may have grown.

    Returns
    -------
    list of str
        A sentence each; a count that was 0 may become 1.

    Examples
    --------
    >>> gross_changes({"a": {"flops": 10.0}}, {"a": {"flops": 40.0}})
    ['a: flops grew from 10 to 40, which is 4.0 times as much; 3 times are allowed.']
    >>> gross_changes({"a": {"flops": 10.0}}, {"a": {"flops": 30.0}})
    []
    """
    said = []
    for workload, counts in now.items():
        if set(before.get(workload, {})) != set(counts):
            said.append(f"{workload}: there are no counts of before to compare all of these with.")
            continue
        for what, number in counts.items():
            past = before[workload][what]
            if number > at_most * max(past, 1.0 / at_most):
                times = f"{number / past:.1f} times as much" if past else "from nothing"
                said.append(
                    f"{workload}: {what} grew from {past:g} to {number:g}, which is {times}; "
                    f"{at_most:g} times are allowed."
                )
    return said

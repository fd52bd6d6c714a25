"""The visit sequence: in which order a sweep visits the targets."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from bayesmice.errors import SpecificationError

SEQUENCE_STREAM = 0x0DE5
"""Keeps the random orders apart from any other numbers that the seed may give rise to."""
RANDOM = "random"

OrderFunction = Callable[[int, tuple[str, ...]], Sequence[str]]
"""From the sweep, counted from 0, and the targets, in the order of the data, to a list of them."""
VisitOrder = str | Sequence[str] | OrderFunction


VisitSequence = Callable[[int], tuple[str, ...]]
"""From the sweep, counted from 0, to the names of the targets to visit, in order."""


def fixed_orders(missing: Mapping[str, int]) -> dict[str, tuple[str, ...]]:
    """Give the orders that have a name.

    Parameters
    ----------
    missing : mapping of str to int
        Number of cells to draw of each target, in the order of the data.

    Returns
    -------
    dict of str to tuple of str
        The words are those of R's mice: ``"roman"`` is the order of the data, ``"arabic"`` the
        reverse; ``"monotone"`` goes from the fewest missing cells to the most, with ties in the
        order of the data, and ``"revmonotone"`` is its reverse.

    Examples
    --------
    >>> fixed_orders({"a": 5, "b": 2})["monotone"]
    ('b', 'a')
    """
    roman = tuple(missing)
    monotone = tuple(sorted(missing, key=lambda name: missing[name]))
    return {
        "roman": roman,
        "arabic": roman[::-1],
        "monotone": monotone,
        "revmonotone": monotone[::-1],
    }


def read_visit_sequence(
    given: object,
    missing: Mapping[str, int],
    aliases: Mapping[str, str],
    passive: Sequence[str],
    random_seed: int,
) -> VisitSequence:
    """Check what the user gave as visit sequence.

    Parameters
    ----------
    given : str, sequence of str, or callable
        A word of `fixed_orders`, ``"random"`` for a fresh order in every sweep, names of targets
        (repeats allowed), or a function of the sweep and the targets.
    missing : mapping of str to int
        Number of cells to draw of each target, in the order of the data.
    aliases : mapping of str to str
        The target that each column belongs to; for a column that is observed, an empty text.
    passive : sequence of str
        Columns that are computed, and so never visited.
    random_seed : int
        Seed of the run, which random orders depend on.

    Returns
    -------
    VisitSequence
        Gives orders that visit every target.

    Raises
    ------
    SpecificationError
        If it is of another form, names something that cannot be visited, or leaves a target out;
        a function is checked in every sweep.
    """
    targets = tuple(missing)
    if isinstance(given, str):
        return _named(given, missing, random_seed)
    if callable(given):

        def order(sweep: int) -> tuple[str, ...]:
            names = given(sweep, targets)
            return _checked(f"visit_sequence in sweep {sweep}", names, targets, aliases, passive)

        return order
    names = _checked("visit_sequence", given, targets, aliases, passive)
    return lambda sweep: names


def _named(word: str, missing: Mapping[str, int], random_seed: int) -> VisitSequence:
    targets, orders = tuple(missing), fixed_orders(missing)
    if word == RANDOM:

        def order(sweep: int) -> tuple[str, ...]:
            rng = np.random.default_rng([random_seed, SEQUENCE_STREAM, sweep])
            return tuple(targets[place] for place in rng.permutation(len(targets)))

        return order
    if word not in orders:
        raise SpecificationError(
            f"visit_sequence is {word!r}; expected {', '.join(map(repr, orders))}, 'random', a "
            "list of columns, or a function of the sweep and the targets."
        )
    return lambda sweep: orders[word]


def _checked(
    where: str,
    given: object,
    targets: tuple[str, ...],
    aliases: Mapping[str, str],
    passive: Sequence[str],
) -> tuple[str, ...]:
    if isinstance(given, str) or not isinstance(given, Sequence | np.ndarray):
        raise SpecificationError(f"{where} is {given!r:.80}; expected a list of columns.")
    visits = []
    for label in given:
        name = str(label)
        if name in passive:
            raise SpecificationError(
                f"{where} names {name!r}, a passive column: it is computed whenever a column that "
                "it is made of was visited. Leave it out."
            )
        target = name if name in targets else aliases.get(name)
        if target is None:
            raise SpecificationError(
                f"{where} names {name!r}, which is not a column of data. Columns: "
                f"{', '.join(aliases)}."
            )
        if target:
            visits.append(target)
    left_out = [name for name in targets if name not in visits]
    if left_out:
        raise SpecificationError(
            f"{where} never visits {', '.join(map(repr, left_out))}, which has cells to impute. "
            "Add it, or let where= leave those cells out."
        )
    return tuple(visits)

"""Arguments that many functions have: whole numbers, random seeds and generators."""

from collections.abc import Iterable, Sequence
from typing import Any
from zlib import crc32

import numpy as np
from numpy.random import Generator

from bayesmice.errors import SpecificationError

MAX_SEED = 2**63


def check_count(name: str, value: Any, least: int = 1) -> None:
    """Refuse anything but a whole number that is large enough."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise SpecificationError(
            f"{name} is {value!r}; expected a whole number of at least {least}."
        )


def check_seed(random_seed: Any) -> int:
    """Check a random seed; None stands for a fresh one."""
    if random_seed is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    is_whole = isinstance(random_seed, int | np.integer) and not isinstance(random_seed, bool)
    if not is_whole or not 0 <= int(random_seed) < MAX_SEED:
        raise SpecificationError(
            f"random_seed is {random_seed!r}; expected a whole number from 0 to 2**63 - 1, or None "
            "for a fresh one."
        )
    return int(random_seed)


def random_generator(random_seed: Any, purpose: str) -> Generator:
    """Make a NumPy generator from a seed; one that is given is used as it stands, and moves on.

    A purpose has numbers of its own: holes that were made with the seed of the data would otherwise
    depend on them, and not be missing completely at random.
    """
    if isinstance(random_seed, Generator):
        return random_seed
    return np.random.default_rng([check_seed(random_seed), crc32(purpose.encode())])


def chosen_names(
    available: Iterable[object], var_names: str | Sequence[str] | None, lacks: str
) -> list[str]:
    """Choose some of the columns that there are, each once, in the order asked for.

    Parameters
    ----------
    available : iterable of str
        The columns that can be chosen.
    var_names : str or sequence of str, optional
        The columns asked for. By default all.
    lacks : str
        What is said of other names, after "which".

    Returns
    -------
    list of str

    Raises
    ------
    SpecificationError
        If there is no such column, or none is named.
    """
    columns = [str(name) for name in available]
    if var_names is None:
        return columns
    wanted = [var_names] if isinstance(var_names, str) else [str(name) for name in var_names]
    known = ", ".join(columns)
    unknown = [name for name in dict.fromkeys(wanted) if name not in columns]
    if unknown:
        raise SpecificationError(
            f"var_names names {', '.join(map(repr, unknown))}, which {lacks}. Columns: {known}."
        )
    if not wanted:
        raise SpecificationError(
            f"var_names is empty. Leave it out for all columns, or name some of {known}."
        )
    return list(dict.fromkeys(wanted))

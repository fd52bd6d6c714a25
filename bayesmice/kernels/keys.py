"""Random keys of visits, folded from the seed of a run, the chain, the sweep and the target."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from bayesmice.kernels.kernel import Array, on_device
from bayesmice.kernels.visits import Moment


def run_seed(random_seed: int, stream: Sequence[int] = ()) -> Array:
    """Make the key data that all keys of a run are folded from.

    Parameters
    ----------
    random_seed : int
        Seed of the run.
    stream : sequence of int, optional
        Further numbers that set chains apart: which group of rows they are over.

    Returns
    -------
    Array of shape (2,)
    """
    halves = np.array([random_seed >> 32, random_seed & 0xFFFFFFFF], dtype=np.uint32)
    data: Array = on_device(halves)  # as jax.random.key makes it
    if not stream:
        return data
    key = jax.random.wrap_key_data(data, impl="threefry2x32")
    for number in stream:
        key = jax.random.fold_in(key, number)
    return jax.random.key_data(key)


def visit_key(moment: Moment, chain: Array) -> Array:
    """Make the random key of a chain's visit."""
    key = jax.random.wrap_key_data(moment.seed, impl="threefry2x32")
    for fold in (chain, moment.sweep, moment.target):
        key = jax.random.fold_in(key, fold)
    return key


class VisitKeys(NamedTuple):
    """Random keys of a visit, by what they are for; every array has the chains as first axis.

    Attributes
    ----------
    tuning, cells : Array of shape (n_chains,)
        Of tuning, and of the missing cells.
    steps : Array of shape (n_chains, n_steps)
        Of each transition.
    """

    tuning: Array
    steps: Array
    cells: Array


def visit_keys(moment: Moment, chains: Array, n_steps: int) -> VisitKeys:
    """Make the random keys of all chains at once: making one takes as long as making many.

    Parameters
    ----------
    moment : Moment
        The visit.
    chains : Array of shape (n_chains,)
        Identities of the chains.
    n_steps : int
        Transitions of the visit.

    Returns
    -------
    VisitKeys
    """

    def of_chain(chain: Array) -> VisitKeys:
        key = visit_key(moment, chain)
        tuning, steps, cells = (jax.random.fold_in(key, purpose) for purpose in range(3))
        return VisitKeys(tuning, jax.random.split(steps, n_steps), cells)

    keys: VisitKeys = jax.vmap(of_chain)(chains)
    return keys

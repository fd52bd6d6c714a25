"""Chains as the first axis of arrays."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp


def over_chains(function: Callable[[Any], Any], batch: Any) -> Any:
    """Apply a function to every chain of a batch, whose arrays have the chains as first axis."""
    if jax.default_backend() != "cpu":
        return jax.vmap(function)(batch)
    if jax.tree.leaves(batch)[0].shape[0] > 1:
        return jax.lax.map(function, batch)
    # XLA takes the body out of a loop that runs once, and rounds differently then; a chain alone
    # would differ in its last bits from the same chain among others. So it runs twice.
    twice = jax.lax.map(function, jax.tree.map(lambda leaf: jnp.repeat(leaf, 2, axis=0), batch))
    return jax.tree.map(lambda leaf: leaf[:1], twice)

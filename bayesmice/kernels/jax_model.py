"""What a conditional model is to a program: functions that JAX can trace."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import jax

Values = Mapping[str, jax.Array]
"""Unconstrained values of the free variables, by value variable name."""
Inputs = Mapping[str, jax.Array]
"""What the model reads as data, by name."""


@dataclass(frozen=True, eq=False)
class JaxModel:
    """The functions of one conditional model, each traceable by JAX.

    Attributes
    ----------
    value_names : tuple of str
        Names of the unconstrained value variables.
    initial : callable
        ``initial(inputs)``: a starting point, from the support points of the priors.
    log_prior : callable
        ``log_prior(values, inputs)``: log-density of the free variables with the Jacobians of their
        transforms.
    log_potential : callable
        ``log_potential(values, inputs)``: what the potentials of the model add to its log-density.
    log_likelihood : callable
        ``log_likelihood(values, inputs)``: by target, the log-likelihood of each row, of shape
        (n_rows,).
    unconstrained : callable
        ``unconstrained(parameters, inputs)``: unconstrained values of free variables that are given
        on their own scales, by name.
    parameters : callable
        ``parameters(values, inputs)``: free and deterministic variables on their own scales, by
        name; deterministic variables that depend on rows are left out.
    draw : mapping of str to callable
        By target, ``draw(values, inputs, key)``: one draw for each row, of shape (n_rows,), given
        the other targets as they are in the inputs.
    expressions : mapping of str to callable
        ``expression(values, inputs)``: further expressions of the model, by name.
    dims : mapping of str to tuple of str
        Named dimensions of the parameters.
    """

    value_names: tuple[str, ...]
    initial: Callable[[Inputs], dict[str, jax.Array]]
    log_prior: Callable[[Values, Inputs], jax.Array]
    log_potential: Callable[[Values, Inputs], jax.Array]
    log_likelihood: Callable[[Values, Inputs], dict[str, jax.Array]]
    unconstrained: Callable[[Values, Inputs], dict[str, jax.Array]]
    parameters: Callable[[Values, Inputs], dict[str, jax.Array]]
    draw: Mapping[str, Callable[[Values, Inputs, jax.Array], jax.Array]]
    expressions: Mapping[str, Callable[[Values, Inputs], jax.Array]]
    dims: Mapping[str, tuple[str, ...]]

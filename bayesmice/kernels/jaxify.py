"""From a PyMC model to JAX functions: start, log-density, parameters, draw.

PyMC builds the graphs. Value variables, data and random generators become plain inputs, and
PyTensor turns the graphs into JAX functions, so that nothing is rebuilt when the data change.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import pymc as pm
import pytensor.tensor as pt
from pymc.initial_point import make_initial_point_expression
from pymc.sampling.jax import get_jaxified_graph
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Variable
from pytensor.graph.replace import graph_replace
from pytensor.graph.traversal import ancestors
from pytensor.tensor.random.type import RandomType

from bayesmice.errors import ModelError

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
        transforms, and potentials.
    log_likelihood : callable
        ``log_likelihood(values, inputs)``: log-likelihood of each row, of shape (n_rows,).
    parameters : callable
        ``parameters(values, inputs)``: free and deterministic variables on their own scales, by
        name; deterministic variables that depend on rows are left out.
    draw : callable
        ``draw(values, inputs, key)``: one draw of the target for each row, of shape (n_rows,).
    dims : mapping of str to tuple of str
        Named dimensions of the parameters.
    coords : mapping of str to tuple
        Their labels.
    """

    value_names: tuple[str, ...]
    initial: Callable[[Inputs], dict[str, jax.Array]]
    log_prior: Callable[[Values, Inputs], jax.Array]
    log_likelihood: Callable[[Values, Inputs], jax.Array]
    parameters: Callable[[Values, Inputs], dict[str, jax.Array]]
    draw: Callable[[Values, Inputs, jax.Array], jax.Array]
    dims: Mapping[str, tuple[str, ...]]
    coords: Mapping[str, tuple[Any, ...]]


def jaxify(model: pm.Model, target: str, row_inputs: tuple[str, ...]) -> JaxModel:
    """Turn a conditional model into JAX functions.

    Parameters
    ----------
    model : pm.Model
        A model with one observed variable.
    target : str
        Name of the observed variable.
    row_inputs : tuple of str
        Names of the data that have one element per row; all other data are constants of the target.

    Returns
    -------
    JaxModel
        Its functions.

    Raises
    ------
    ModelError
        If an operation of the model has no JAX version.
    """
    data = {v.name: v for v in model.data_vars}
    inputs = {name: variable.type(name=name) for name, variable in data.items()}
    swaps = {data[name]: inputs[name] for name in data} | _dim_lengths(model, inputs, row_inputs)
    values = list(model.value_vars)
    observed = model[target]
    by_row = {data[name] for name in row_inputs}
    recorded = [
        *model.free_RVs,
        *(d for d in model.deterministics if not by_row & set(ancestors([d]))),
    ]

    likelihood = model.logp(vars=[observed], sum=False)[0]
    prior = model.logp(vars=model.free_RVs) if model.free_RVs else pt.constant(0.0)
    density = _compile(
        target, [*values, *inputs.values()], [likelihood, prior + model.potentiallogp], swaps
    )
    points = make_initial_point_expression(
        free_rvs=model.free_RVs,
        rvs_to_transforms=model.rvs_to_transforms,
        initval_strategies=model.rvs_to_initial_values,
        return_transformed=True,
    )
    # PyMC makes that expression from copies, so data and lengths have to be found by name.
    by_name = {old.name: new for old, new in swaps.items()}
    copies = {v: by_name[v.name] for v in ancestors(points) if v.name in by_name and not v.owner}
    start = _compile(target, list(inputs.values()), points, copies)
    constrained = _compile(
        target, [*values, *inputs.values()], model.replace_rvs_by_values(recorded), swaps
    )
    draw = _compile_draw(model, target, inputs, swaps)
    value_names = tuple(value.name for value in values)

    def ordered(given: Values, data_given: Inputs) -> list[jax.Array]:
        return [*(given[name] for name in value_names), *(data_given[name] for name in inputs)]

    def initial(data_given: Inputs) -> dict[str, jax.Array]:
        points = start(*(data_given[name] for name in inputs))
        # A support point at the edge of a constrained space, such as equal cutpoints, has no finite
        # unconstrained value; zero always lies inside.
        return {
            model.rvs_to_values[rv].name: jnp.where(jnp.isfinite(point), point, 0.0).astype(float)
            for rv, point in zip(model.free_RVs, points, strict=True)
        }

    def parameters(given: Values, data_given: Inputs) -> dict[str, jax.Array]:
        found = constrained(*ordered(given, data_given))
        return {v.name: jnp.asarray(x) for v, x in zip(recorded, found, strict=True)}

    def draw_rows(given: Values, data_given: Inputs, key: jax.Array) -> jax.Array:
        own_scale = constrained(*ordered(given, data_given))[: len(model.free_RVs)]
        return draw(key, own_scale, [data_given[name] for name in inputs])

    return JaxModel(
        value_names=value_names,
        initial=initial,
        log_prior=lambda given, data_given: density(*ordered(given, data_given))[1],
        log_likelihood=lambda given, data_given: density(*ordered(given, data_given))[0],
        parameters=parameters,
        draw=draw_rows,
        dims={v.name: tuple(model.named_vars_to_dims.get(v.name, ())) for v in recorded},
        coords={k: tuple(c) for k, c in model.coords.items() if c is not None},
    )


def _dim_lengths(
    model: pm.Model, inputs: Mapping[str, Variable], row_inputs: tuple[str, ...]
) -> dict[Variable, Variable]:
    """Let the number of rows follow the data; fix every other dimension at its length."""
    rows = {model.named_vars_to_dims[name][0]: inputs[name].shape[0] for name in row_inputs}
    return {
        length: rows[dim] if dim in rows else pt.constant(length.get_value())
        for dim, length in model.dim_lengths.items()
        if isinstance(length, SharedVariable)
    }


def _compile_draw(
    model: pm.Model, target: str, inputs: dict[str, Variable], swaps: dict[Variable, Variable]
) -> Callable[[jax.Array, list[jax.Array], list[jax.Array]], jax.Array]:
    observed = model[target]
    free = {rv: rv.type(name=rv.name) for rv in model.free_RVs}
    (without_parameters,) = graph_replace([observed], swaps | free, strict=False)
    generators = [
        v
        for v in ancestors([without_parameters])
        if v.owner is None and isinstance(v.type, RandomType)
    ]
    fresh = {generator: generator.type() for generator in generators}
    sample = _compile(
        target,
        [*fresh.values(), *free.values(), *inputs.values()],
        [without_parameters],
        fresh,
    )

    def draw(key: jax.Array, values: list[jax.Array], data_given: list[jax.Array]) -> jax.Array:
        states = [
            {"jax_state": jax.random.key_data(k)} for k in jax.random.split(key, len(generators))
        ]
        return jnp.asarray(sample(*states, *values, *data_given)[0], dtype=float)

    return draw


def _compile(
    target: str,
    inputs: list[Variable],
    outputs: list[Variable],
    swaps: Mapping[Variable, Variable],
) -> Callable[..., list[jax.Array]]:
    swapped = graph_replace(outputs, swaps, strict=False)
    try:
        function: Callable[..., list[jax.Array]] = get_jaxified_graph(
            inputs=inputs, outputs=swapped
        )
    except NotImplementedError as error:
        raise ModelError(
            f"The model for {target!r} uses an operation that has no JAX version: {error}. "
            "Express it with another distribution."
        ) from error
    return function

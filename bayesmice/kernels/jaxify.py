"""From a PyMC model to JAX functions: start, log-density, parameters, draw.

PyMC builds the graphs. Value variables, data and random generators become plain inputs, and
PyTensor turns the graphs into JAX functions, so that nothing is rebuilt when the data change.
"""

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import pymc as pm
import pytensor.tensor as pt
from pymc.initial_point import make_initial_point_expression
from pytensor.compile.mode import JAX
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.replace import clone_replace, graph_replace
from pytensor.graph.traversal import ancestors, graph_inputs
from pytensor.link.jax.dispatch.basic import jax_funcify
from pytensor.tensor.random.type import RandomType

import bayesmice.kernels.dispatch  # noqa: F401, registers what PyTensor lacks
from bayesmice.errors import ModelError
from bayesmice.kernels.jax_model import Inputs, JaxModel, Values


def jaxify(
    model: pm.Model,
    targets: tuple[str, ...],
    row_inputs: tuple[str, ...],
    expressions: Mapping[str, Variable] = MappingProxyType({}),
) -> JaxModel:
    """Turn a conditional model into JAX functions.

    Parameters
    ----------
    model : pm.Model
        A model with one observed variable per target.
    targets : tuple of str
        Names of the observed variables.
    row_inputs : tuple of str
        Names of the data that have one element per row, or per row of another kind; all other data
        are constants of the target.
    expressions : mapping of str to Variable, optional
        Further expressions of the model to compile.

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
    owner = " and ".join(map(repr, targets))
    recorded = recorded_variables(model, row_inputs)

    likelihoods = model.logp(vars=[model[target] for target in targets], sum=False)
    prior = model.logp(vars=model.free_RVs) if model.free_RVs else pt.constant(0.0)
    density = _compile(
        owner, [*values, *inputs.values()], [*likelihoods, prior, model.potentiallogp], swaps
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
    start = _compile(owner, list(inputs.values()), points, copies)
    constrained = _compile(
        owner, [*values, *inputs.values()], model.replace_rvs_by_values(recorded), swaps
    )
    further = {
        name: _compile(
            owner, [*values, *inputs.values()], model.replace_rvs_by_values([expression]), swaps
        )
        for name, expression in expressions.items()
    }
    draws = {target: _compile_draw(model, target, inputs, swaps) for target in targets}
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

    def log_likelihood(given: Values, data_given: Inputs) -> dict[str, jax.Array]:
        by_target = density(*ordered(given, data_given))[:-2]
        return dict(zip(targets, by_target, strict=True))

    def draw_rows(target: str) -> Callable[[Values, Inputs, jax.Array], jax.Array]:
        def draw(given: Values, data_given: Inputs, key: jax.Array) -> jax.Array:
            own_scale = constrained(*ordered(given, data_given))[: len(model.free_RVs)]
            return draws[target](key, own_scale, [data_given[name] for name in inputs])

        return draw

    def evaluate(name: str) -> Callable[[Values, Inputs], jax.Array]:
        return lambda given, data_given: jnp.asarray(further[name](*ordered(given, data_given))[0])

    return JaxModel(
        value_names=value_names,
        initial=initial,
        log_prior=lambda given, data_given: density(*ordered(given, data_given))[-2],
        log_potential=lambda given, data_given: density(*ordered(given, data_given))[-1],
        log_likelihood=log_likelihood,
        unconstrained=_unconstrained(model, owner, inputs, swaps),
        parameters=parameters,
        draw={target: draw_rows(target) for target in targets},
        expressions={name: evaluate(name) for name in expressions},
        dims=recorded_labels(model)[0],
    )


def _unconstrained(
    model: pm.Model, owner: str, inputs: dict[str, Variable], swaps: dict[Variable, Variable]
) -> Callable[[Values, Inputs], dict[str, jax.Array]]:
    """Give the way back from free variables on their own scales, compiled when it is first used."""
    free = {rv: rv.type(name=rv.name) for rv in model.free_RVs}

    @cache
    def compiled() -> Callable[..., list[jax.Array]]:
        transforms = [model.rvs_to_transforms[rv] for rv in free]
        forward = [
            rv if transform is None else transform.forward(rv, *rv.owner.inputs)
            for rv, transform in zip(free, transforms, strict=True)
        ]
        return _compile(owner, [*free.values(), *inputs.values()], forward, swaps | free)

    def unconstrained(parameters: Values, data_given: Inputs) -> dict[str, jax.Array]:
        values = compiled()(
            *(parameters[rv.name] for rv in free), *(data_given[name] for name in inputs)
        )
        return {
            model.rvs_to_values[rv].name: jnp.asarray(value, dtype=float)
            for rv, value in zip(free, values, strict=True)
        }

    return unconstrained


def recorded_variables(model: pm.Model, row_inputs: tuple[str, ...]) -> list[Variable]:
    """List the free variables, and the deterministic ones that do not depend on rows."""
    by_row = {v for v in model.data_vars if v.name in row_inputs}
    plain = (d for d in model.deterministics if not by_row & set(ancestors([d])))
    return [*model.free_RVs, *plain]


def recorded_labels(
    model: pm.Model,
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[Any, ...]]]:
    """Give the named dimensions of a model's variables, and their labels."""
    dims = {name: tuple(dims) for name, dims in model.named_vars_to_dims.items()}
    return dims, {dim: tuple(labels) for dim, labels in model.coords.items() if labels is not None}


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
    others = {rv: model.rvs_to_values[rv] for rv in model.observed_RVs if rv is not observed}
    (alone,) = graph_replace([observed], others, strict=False)
    (without_parameters,) = graph_replace([alone], swaps | free, strict=False)
    generators = [
        v
        for v in ancestors([without_parameters])
        if v.owner is None and isinstance(v.type, RandomType)
    ]
    fresh = {generator: generator.type() for generator in generators}
    sample = _compile(
        repr(target),
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
    owner: str,
    inputs: list[Variable],
    outputs: list[Variable],
    swaps: Mapping[Variable, Variable],
) -> Callable[..., list[jax.Array]]:
    swapped = graph_replace(outputs, swaps, strict=False)
    try:
        # A model may be turned into functions while another program is traced; its constants are
        # no part of that program.
        with jax.ensure_compile_time_eval():
            function = jax_function(inputs, swapped)
    except NotImplementedError as error:
        raise ModelError(
            f"The model for {owner} uses an operation that has no JAX version: {error}. "
            "Express it with another distribution, or use kernel='pymc'."
        ) from error
    return function


def jax_function(inputs: list[Variable], outputs: list[Variable]) -> Callable[..., list[jax.Array]]:
    """Turn a graph into a JAX function, after PyTensor's rewrites for JAX.

    `pymc.sampling.jax` has a function that does the same, but takes two seconds to import.

    Parameters
    ----------
    inputs : list of Variable
        Its inputs.
    outputs : list of Variable
        What they give. Shared variables in their graph stay at the values that they have now.

    Returns
    -------
    callable
        From the values of the inputs to a list of those of the outputs.

    Raises
    ------
    NotImplementedError
        If an operation has no JAX version.
    ValueError
        If a random generator is none of the inputs: it would give the same numbers at every call.
    """
    shared = [v for v in graph_inputs(outputs) if isinstance(v, SharedVariable)]
    if any(isinstance(variable.type, RandomType) for variable in shared):
        raise ValueError("The graph draws from a random generator that is none of its inputs.")
    constants = {variable: pt.constant(variable.get_value(borrow=True)) for variable in shared}
    graph = FunctionGraph(inputs, clone_replace(outputs, replace=constants), clone=True)
    JAX.optimizer.rewrite(graph)
    function: Callable[..., list[jax.Array]] = jax_funcify(graph)
    return function

"""Posterior draws of one analysis model for many data sets, from one compiled program.

The program runs one chain: jitter, window adaptation, NUTS. Data are its inputs, so it is compiled
once for all data sets and chains. On a CPU, chains run side by side in threads; each is a call of
its own, so its draws have the same bits however many others there are. Elsewhere the chains of a
data set are one `jax.vmap`.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
import pymc as pm
from jax.flatten_util import ravel_pytree
from numpy.typing import NDArray

from bayesmice.errors import ModelError
from bayesmice.kernels.adaptation import run_chain
from bayesmice.kernels.jax_model import Inputs, JaxModel
from bayesmice.kernels.jaxify import jaxify
from bayesmice.kernels.kernel import Array, LogDensity
from bayesmice.kernels.keys import run_seed
from bayesmice.kernels.nuts import START_SPREAD
from bayesmice.kernels.posterior_sampler import (
    POSTERIOR_STREAM,
    PosteriorDraws,
    PosteriorSettings,
    is_recorded,
    refuse_discrete,
)

TOTAL = "log-density"

type ChainDraws = tuple[dict[str, Array], dict[str, Array], dict[str, Array], Array | None]
"""Parameters, statistics, log-likelihoods and positions, with the draws on their first axis."""


@dataclass(frozen=True, eq=False)
class BlackJAXSampler:
    """NUTS of BlackJAX with window adaptation, compiled once.

    Attributes
    ----------
    model : pm.Model
        A model whose data are named.
    functions : JaxModel
        Its functions.
    settings : PosteriorSettings
        How to sample.
    """

    model: pm.Model
    functions: JaxModel
    settings: PosteriorSettings

    def begin(
        self, imputation: int, data: Mapping[str, NDArray[np.generic]], executor: Executor
    ) -> Callable[[], PosteriorDraws]:
        """Begin to draw from the posterior of one data set, each chain as a call of its own."""
        inputs = {name: jnp.asarray(values) for name, values in data.items()}
        places = [np.array([imputation, chain]) for chain in range(self.settings.chains)]
        if jax.default_backend() != "cpu":
            return lambda: self._draw_together(np.stack(places), inputs)
        run, seed = self._chain, self._seed
        begun = [
            executor.submit(lambda place: jax.device_get(run(seed, place, inputs)), place)
            for place in places
        ]

        def gather() -> PosteriorDraws:
            chains = [chain.result() for chain in begun]
            return PosteriorDraws(*jax.tree.map(lambda *leaves: np.stack(leaves), *chains))

        return gather

    def _draw_together(self, places: NDArray[np.int_], inputs: Inputs) -> PosteriorDraws:
        return PosteriorDraws(*jax.device_get(self._all_chains(self._seed, places, inputs)))

    def trace(self) -> None:
        """Let JAX read the model without compiling it, so that what it cannot run shows at once."""
        inputs = {v.name: jnp.asarray(v.get_value()) for v in self.model.data_vars}
        values = jax.eval_shape(self.functions.initial, inputs)
        for function in (self.functions.parameters, *self.functions.expressions.values()):
            jax.eval_shape(function, values, inputs)

    @cached_property
    def _seed(self) -> Array:
        return run_seed(self.settings.random_seed)

    @cached_property
    def _chain(self) -> Callable[[Array, NDArray[np.int_], Inputs], ChainDraws]:
        """Compile the program of one chain, which calls from many threads then share."""
        inputs = {v.name: jnp.asarray(v.get_value()) for v in self.model.data_vars}
        return jax.jit(self._run).lower(self._seed, np.array([0, 0]), inputs).compile()

    @cached_property
    def _all_chains(self) -> Callable[[Array, NDArray[np.int_], Inputs], ChainDraws]:
        return jax.jit(jax.vmap(self._run, in_axes=(None, 0, None)))

    def _run(self, seed: Array, place: Array, inputs: Inputs) -> ChainDraws:
        """Adapt one chain and draw from it; its place is the imputation's number and its own."""
        functions, settings = self.functions, self.settings
        key = jax.random.wrap_key_data(seed, impl="threefry2x32")
        for fold in (POSTERIOR_STREAM, place[0], place[1]):
            key = jax.random.fold_in(key, fold)
        key_start, key_run = jax.random.split(key)
        start, unravel = ravel_pytree(functions.initial(inputs))

        def logdensity(position: Array) -> Array:
            return functions.expressions[TOTAL](unravel(position), inputs)

        positions, statistics = run_chain(
            key_run,
            _apart(key_start, start, logdensity),
            logdensity,
            (settings.tune, settings.draws),
            settings.target_accept,
        )
        parameters_at, terms_at = self._recorded(unravel, inputs)
        parameters_drawn = jax.lax.map(parameters_at, positions)
        kept = positions if settings.keep_positions else None
        return parameters_drawn, statistics, jax.lax.map(terms_at, positions), kept

    def evaluate(
        self, positions: NDArray[np.float64], data: Mapping[str, NDArray[np.generic]]
    ) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
        """Evaluate the model at points in unconstrained space.

        Parameters
        ----------
        positions : ndarray of shape (n, n_dim)
            The points.
        data : mapping of str to ndarray
            Values of all named data of the model.

        Returns
        -------
        (ndarray of shape (n,), dict of str to ndarray of shape (n, n_rows))
            Log-densities, and log-likelihoods by observed variable.
        """
        inputs = {name: jnp.asarray(values) for name, values in data.items()}
        densities, terms = jax.device_get(self._evaluate(jnp.asarray(positions), inputs))
        return densities, terms

    @cached_property
    def _evaluate(self) -> Callable[[Array, Inputs], tuple[Array, dict[str, Array]]]:
        def at(position: Array, inputs: Inputs) -> tuple[Array, dict[str, Array]]:
            _, unravel = ravel_pytree(self.functions.initial(inputs))
            _, terms_at = self._recorded(unravel, inputs)
            return self.functions.expressions[TOTAL](unravel(position), inputs), terms_at(position)

        return jax.jit(jax.vmap(at, in_axes=(0, None)))

    def _recorded(
        self, unravel: Callable[[Array], dict[str, Array]], inputs: Inputs
    ) -> tuple[Callable[[Array], dict[str, Array]], Callable[[Array], dict[str, Array]]]:
        """Make what gives parameters, and log-likelihoods, at a position."""
        functions = self.functions

        def parameters_at(position: Array) -> dict[str, Array]:
            found = functions.parameters(unravel(position), inputs)
            return {
                name: value
                for name, value in found.items()
                if is_recorded(self.model, name, value.shape)
            }

        def terms_at(position: Array) -> dict[str, Array]:
            values = unravel(position)
            return {
                observed.name: functions.expressions[_term(observed.name)](values, inputs)
                for observed in self.model.observed_RVs
                if _term(observed.name) in functions.expressions
            }

        return parameters_at, terms_at


def blackjax_sampler(model: pm.Model, settings: PosteriorSettings) -> BlackJAXSampler:
    """Make the sampler of a model whose data are named.

    Parameters
    ----------
    model : pm.Model
        The model.
    settings : PosteriorSettings
        How to sample.

    Returns
    -------
    BlackJAXSampler
        It compiles its program when it first samples.

    Raises
    ------
    ModelError
        If the model has a discrete parameter, or an operation of it has no JAX version.
    """
    refuse_discrete(model)
    observed = [v.name for v in model.observed_RVs] if settings.log_likelihood else []
    by_row = model.logp(vars=[model[name] for name in observed], sum=False) if observed else []
    terms = {_term(name): term for name, term in zip(observed, by_row, strict=True)}
    try:
        functions = jaxify(model, (), (), {**terms, TOTAL: model.logp()})
        sampler = BlackJAXSampler(model, functions, settings)
        sampler.trace()
    except (IndexError, NotImplementedError, TypeError, ValueError) as error:
        raise ModelError(
            f"JAX cannot run the analysis model: {error.__cause__ or error}. Express it with other "
            "operations, or use sampler='pymc'."
        ) from error
    return sampler


def _term(observed: str) -> str:
    return f"log-likelihood of {observed}"


def _apart(key: Array, start: Array, logdensity: LogDensity) -> Array:
    """Set chains apart; stay where the density is finite."""
    noise = jax.random.uniform(key, start.shape, minval=-START_SPREAD, maxval=START_SPREAD)
    return jnp.where(jnp.isfinite(logdensity(start + noise)), start + noise, start)

"""Posterior draws by nutpie, compiled once for many data sets."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import pymc as pm

from bayesmice.errors import ModelError
from bayesmice.kernels.posterior_points import Array, PointFunctions, over_chains
from bayesmice.kernels.posterior_sampler import (
    POSTERIOR_STREAM,
    PosteriorDraws,
    PosteriorSettings,
    is_recorded,
)

STATISTICS = {
    "acceptance_rate": "mean_tree_accept",
    "diverging": "diverging",
    "energy": "energy",
    "lp": "logp",
    "n_steps": "n_steps",
    "step_size": "step_size",
    "tree_depth": "depth",
}
"""ArviZ's names, and nutpie's."""


@dataclass(frozen=True, eq=False)
class NutpieSampler:
    """NUTS of nutpie, compiled once by Numba: slow to compile, fast to draw.

    Attributes
    ----------
    model : pm.Model
        A model whose data are named.
    settings : PosteriorSettings
        How to sample.
    """

    model: pm.Model
    settings: PosteriorSettings

    def begin(
        self, imputation: int, data: Mapping[str, Array], executor: Executor
    ) -> Callable[[], PosteriorDraws]:
        """Promise to draw from the posterior of one data set, in nutpie's own threads."""
        return lambda: self._sample(imputation, data)

    def _sample(self, imputation: int, data: Mapping[str, Array]) -> PosteriorDraws:
        settings = self.settings
        self._functions.take(data)
        used = {variable.name for variable in self._compiled.shared_var_keys}
        given = {name: values for name, values in data.items() if name in used}
        seed = np.random.SeedSequence([settings.random_seed, POSTERIOR_STREAM, imputation])
        trace = self._nutpie.sample(
            self._compiled.with_data(**given),
            draws=settings.draws,
            tune=settings.tune,
            chains=settings.chains,
            seed=int(seed.generate_state(1)[0]),
            save_warmup=False,
            progress_bar=False,
            store_unconstrained=settings.log_likelihood,
            target_accept=settings.target_accept,
        )
        drawn = {name: values.to_numpy() for name, values in trace["posterior"].data_vars.items()}
        statistics = trace["sample_stats"]
        return PosteriorDraws(
            {
                variable.name: drawn[variable.name]
                for variable in [*self.model.free_RVs, *self.model.deterministics]
                if is_recorded(self.model, variable.name, drawn[variable.name].shape[2:])
            },
            {name: statistics[own].to_numpy() for name, own in STATISTICS.items()},
            self._log_likelihood(trace, drawn) if settings.log_likelihood else {},
        )

    def _log_likelihood(self, trace: Any, drawn: Mapping[str, Array]) -> dict[str, Array]:
        unconstrained = (
            trace["unconstrained_posterior"].data_vars
            if ("unconstrained_posterior" in trace.children)
            else {}
        )
        values = {
            v.name: unconstrained[v.name].to_numpy() if v.name in unconstrained else drawn[v.name]
            for v in self.model.value_vars
        }
        chains = [
            self._functions.log_likelihood(
                [
                    {name: value[chain, draw] for name, value in values.items()}
                    for draw in range(self.settings.draws)
                ]
            )
            for chain in range(self.settings.chains)
        ]
        return over_chains(chains)

    @cached_property
    def _functions(self) -> PointFunctions:
        return PointFunctions(self.model)

    @cached_property
    def _nutpie(self) -> ModuleType:
        return load_nutpie()

    @cached_property
    def _compiled(self) -> Any:
        return self._nutpie.compile_pymc_model(self.model, backend="numba")


def load_nutpie() -> ModuleType:
    """Import nutpie, which bayesmice does not require."""
    try:
        return import_module("nutpie")
    except ImportError as error:
        raise ModelError(
            "sampler='nutpie' needs the package nutpie, which is not installed. Install it with "
            "pip install nutpie, or leave sampler='auto'."
        ) from error

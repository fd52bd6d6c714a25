"""Posterior draws by PyMC's own step methods, compiled once for many data sets.

For discrete parameters, and for what JAX cannot run. The data are shared variables of the model.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pymc as pm
from pymc.initial_point import make_initial_point_fn
from pymc.sampling.mcmc import assign_step_methods, instantiate_steppers
from pymc.step_methods.compound import CompoundStep

from bayesmice.errors import ModelError, SamplingError
from bayesmice.kernels.forests import is_forest
from bayesmice.kernels.nuts import START_SPREAD
from bayesmice.kernels.posterior_points import Array, Point, PointFunctions, over_chains
from bayesmice.kernels.posterior_sampler import POSTERIOR_STREAM, PosteriorDraws, PosteriorSettings
from bayesmice.kernels.steps import ACCEPTANCE

STATISTICS = ("acceptance_rate", "diverging", "energy", "lp", "n_steps", "step_size", "tree_depth")
NUTS_NUMBERS = {
    "energy": "energy",
    "n_steps": "tree_size",
    "step_size": "step_size",
    "tree_depth": "depth",
}
"""ArviZ's names, and those of PyMC's own NUTS."""
START_ATTEMPTS = 20
"""Jittered starting points that are tried before the one without jitter."""


@dataclass(frozen=True, eq=False)
class StepsSampler:
    """PyMC's own step methods, compiled once: for discrete parameters and what JAX lacks.

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
        """Promise to draw from the posterior of one data set, chain after chain."""
        return lambda: self._sample(imputation, data)

    def _sample(self, imputation: int, data: Mapping[str, Array]) -> PosteriorDraws:
        self._functions.take(data)
        chains = [self._chain(imputation, chain) for chain in range(self.settings.chains)]
        functions = self._functions
        return PosteriorDraws(
            over_chains([functions.parameters(points) for points, _ in chains]),
            over_chains([statistics for _, statistics in chains]),
            over_chains([functions.log_likelihood(points) for points, _ in chains])
            if self.settings.log_likelihood
            else {},
        )

    @cached_property
    def _functions(self) -> PointFunctions:
        return PointFunctions(self.model)

    @cached_property
    def _steps(self) -> CompoundStep:
        with self.model as model:
            steps, selected = assign_step_methods(model)
            wanted = {"nuts": {"target_accept": self.settings.target_accept}}
            names = {method.name for method, own in selected.items() if own}
            made = instantiate_steppers(
                model,
                steps,
                selected,
                step_kwargs={name: given for name, given in wanted.items() if name in names},
            )
        compound = CompoundStep(made if isinstance(made, list) else [made])
        if any(is_forest(method) for method in compound.methods):
            raise ModelError(
                "The analysis model has a BART variable, whose trees hold the data that they were "
                "made with. Fit it to each completed data set on its own with pm.sample."
            )
        return compound

    @cached_property
    def _untuned(self) -> Any:
        return self._steps.sampling_state

    @cached_property
    def _support_points(self) -> Any:
        """Compile what gives the starting points of the data set in the shared variables."""
        return make_initial_point_fn(model=self.model, return_transformed=True)

    def _chain(self, imputation: int, chain: int) -> tuple[list[Point], dict[str, Array]]:
        settings, step = self.settings, self._steps
        rng = np.random.default_rng([settings.random_seed, POSTERIOR_STREAM, imputation, chain])
        step.sampling_state = self._untuned
        step.setup_chain(rng, settings.tune, settings.draws)
        point = self._start(imputation, rng)
        for _ in range(settings.tune):
            point, _ = step.step(point)
        step.stop_tuning()
        points, statistics = [], []
        for _ in range(settings.draws):
            point, found = step.step(point)
            points.append(point)
            statistics.append(_statistics(found, float(self._functions.log_density(point))))
        return points, {name: np.asarray([row[name] for row in statistics]) for name in STATISTICS}

    def _start(self, imputation: int, rng: np.random.Generator) -> Point:
        """Set chains apart; stay at the support points where no jittered one has a density."""
        support = self._support_points(None)
        for _ in range(START_ATTEMPTS):
            jittered = {
                name: value + rng.uniform(-START_SPREAD, START_SPREAD, np.shape(value))
                if np.asarray(value).dtype.kind == "f"
                else value
                for name, value in support.items()
            }
            if np.isfinite(self._functions.log_density(jittered)):
                return jittered
        if not np.isfinite(self._functions.log_density(support)):
            raise SamplingError(
                f"The analysis model has no finite log-density at its starting point in imputation "
                f"{imputation}. Check that its likelihood allows every value of the data, or give "
                "initval= to the parameters."
            )
        return dict(support)


def _statistics(found: Sequence[Mapping[str, Any]], density: float) -> dict[str, float | bool]:
    """Bring what the step methods tell under one set of names; NaN for what none of them does."""
    merged: dict[str, Any] = {}
    for method in found:
        merged |= method
    rates = [float(np.mean(m[key])) for m in found for key in ACCEPTANCE if key in m]
    numbers = {
        name: float(merged[own]) if own in merged else np.nan for name, own in NUTS_NUMBERS.items()
    }
    return {
        **numbers,
        "acceptance_rate": min(float(np.mean(rates)), 1.0) if rates else np.nan,
        "diverging": any(bool(method.get("diverging", False)) for method in found),
        "lp": density,
    }

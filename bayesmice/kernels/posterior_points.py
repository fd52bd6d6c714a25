"""What a model makes of points in unconstrained space, outside JAX."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pymc as pm
from numpy.typing import NDArray

from bayesmice.kernels.posterior_sampler import is_recorded

type Array = NDArray[np.generic]
type Point = Mapping[str, Array]


@dataclass(frozen=True, eq=False)
class PointFunctions:
    """What a model makes of a point in unconstrained space, compiled once.

    Attributes
    ----------
    model : pm.Model
        The model.
    """

    model: pm.Model

    def take(self, data: Mapping[str, Array]) -> None:
        """Put the values of one data set into the model's shared variables."""
        for variable in self.model.data_vars:
            variable.set_value(data[variable.name])

    @cached_property
    def log_density(self) -> Any:
        """Log-density of the unconstrained parameters, as a function of a point."""
        return self.model.compile_logp()

    def parameters(self, points: Sequence[Point]) -> dict[str, Array]:
        """Give what is recorded of each point, stacked."""
        variables = [*self.model.free_RVs, *self.model.deterministics]
        found = _stack(self._constrained, points)
        by_name = {v.name: values for v, values in zip(variables, found, strict=True)}
        return {
            name: values
            for name, values in by_name.items()
            if is_recorded(self.model, name, values.shape[1:])
        }

    def log_likelihood(self, points: Sequence[Point]) -> dict[str, Array]:
        """Give the log-likelihood of each observed value at each point, stacked."""
        found = _stack(self._by_row, points)
        names = [variable.name for variable in self.model.observed_RVs]
        return dict(zip(names, found, strict=True))

    @cached_property
    def _constrained(self) -> Any:
        variables = [*self.model.free_RVs, *self.model.deterministics]
        return self._compile(self.model.replace_rvs_by_values(variables))

    @cached_property
    def _by_row(self) -> Any:
        return self._compile(self.model.logp(vars=self.model.observed_RVs, sum=False))

    def _compile(self, outputs: list[Any]) -> Any:
        return self.model.compile_fn(
            outputs, inputs=self.model.value_vars, on_unused_input="ignore"
        )


def over_chains(chains: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """Stack what each chain left behind, chains first."""
    return {name: np.stack([chain[name] for chain in chains]) for name in chains[0]}


def _stack(function: Any, points: Sequence[Point]) -> list[Array]:
    found = [function(point) for point in points]
    return [np.stack(values) for values in zip(*found, strict=True)]

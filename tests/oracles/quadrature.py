"""Posteriors of tiny regressions by quadrature: oracles that share no code with the engine."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class GridPosterior:
    """A posterior on a regular grid: one column of values per parameter, and normalized weights."""

    values: dict[str, Array]
    weights: Array

    def mean(self, function: Array) -> float:
        return float(function @ self.weights)

    def share_below(self, name: str, level: float) -> tuple[float, float]:
        """Give a threshold near a quantile, midway between grid points, and the mass below it."""
        points, position = np.unique(self.values[name], return_inverse=True)
        cumulative = np.cumsum(np.bincount(position, self.weights))
        nearest = int(np.abs(cumulative - level).argmin())
        return float(points[nearest : nearest + 2].mean()), float(cumulative[nearest])


def on_grid(
    axes: dict[str, Array], log_density: Callable[[dict[str, Array]], Array]
) -> GridPosterior:
    """Evaluate a log-density of parameter vectors on the product of the axes, and normalize."""
    mesh = np.meshgrid(*axes.values(), indexing="ij")
    values = {name: grid.ravel() for name, grid in zip(axes, mesh, strict=True)}
    log = log_density(values)
    weights = np.exp(log - log.max())
    weights /= weights.sum()
    for name, axis in axes.items():
        at_edge = np.isin(values[name], (axis[0], axis[-1]))
        assert weights[at_edge].sum() < 1e-5, f"the grid of {name} cuts off the posterior"
    return GridPosterior(values, weights)

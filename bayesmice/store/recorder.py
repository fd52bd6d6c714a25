"""The recorder: takes in visits while a run goes on, and keeps them as arrays."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class LeftBehind(Protocol):
    """What one visit to one target left behind; every array has the chains as first axis."""

    @property
    def target(self) -> str:
        """The column, or the block of columns that one model imputes."""

    @property
    def parameters(self) -> Mapping[str, NDArray[np.float64]]:
        """Parameters on their own scales."""

    @property
    def statistics(self) -> Mapping[str, NDArray[np.generic]]:
        """Statistics of the transition, of shape (n_chains,)."""

    @property
    def cells(self) -> Mapping[str, NDArray[np.float64]]:
        """Drawn cells, of shape (n_chains, n_missing), by column."""


class RunRecorder:
    """Keeps parameters and statistics of every sweep, and the cells of the last.

    Parameters
    ----------
    targets : sequence of str
        The targets that will be visited: columns, or blocks of them.
    columns : sequence of str
        The columns that they impute.
    """

    def __init__(self, targets: Sequence[str], columns: Sequence[str]) -> None:
        self._parameters: dict[str, list[Mapping[str, NDArray[np.float64]]]] = {
            target: [] for target in targets
        }
        self._statistics: dict[str, list[Mapping[str, NDArray[np.generic]]]] = {
            target: [] for target in targets
        }
        self._moments: dict[str, list[tuple[NDArray[np.float64], NDArray[np.float64]]]] = {
            column: [] for column in columns
        }
        self.cells: dict[str, NDArray[np.float64]] = {}

    def record(self, visit: LeftBehind) -> None:
        """Keep what a visit left behind."""
        self._parameters[visit.target].append(visit.parameters)
        self._statistics[visit.target].append(visit.statistics)
        for column in self._moments.keys() & visit.cells.keys():
            cells = visit.cells[column]
            self._moments[column].append(_moments(cells))
            self.cells[column] = cells

    @property
    def targets(self) -> tuple[str, ...]:
        """The visited targets."""
        return tuple(self._parameters)

    @property
    def columns(self) -> tuple[str, ...]:
        """The imputed columns."""
        return tuple(self._moments)

    def parameters(self, target: str) -> dict[str, NDArray[np.float64]]:
        """Give the parameters of a target, each of shape (n_chains, n_sweeps, ...)."""
        return _stacked(self._parameters[target])

    def statistics(self, target: str) -> dict[str, NDArray[np.generic]]:
        """Give the statistics of a target's transitions, each of shape (n_chains, n_sweeps)."""
        return _stacked(self._statistics[target])

    def moments(self, column: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give mean and sd of a column's drawn cells, each of shape (n_chains, n_sweeps)."""
        means, spreads = zip(*self._moments[column], strict=True)
        return np.stack(means, axis=1), np.stack(spreads, axis=1)


def _moments(cells: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    spread = cells.std(axis=1, ddof=1) if cells.shape[1] > 1 else np.full(len(cells), np.nan)
    return cells.mean(axis=1), spread


def _stacked[T: np.generic](sweeps: Sequence[Mapping[str, NDArray[T]]]) -> dict[str, NDArray[T]]:
    return {name: np.stack([sweep[name] for sweep in sweeps], axis=1) for name in sweeps[0]}

"""The recorder: takes in sweeps while a run goes on, and keeps them as arrays."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


class LeftBehind(Protocol):
    """What one sweep left behind; every array has the chains as first axis."""

    @property
    def parameters(self) -> Mapping[str, Mapping[str, Numbers]]:
        """Parameters on their own scales, by target."""

    @property
    def statistics(self) -> Mapping[str, Mapping[str, NDArray[np.generic]]]:
        """Statistics of the transitions, of shape (n_chains,), by target."""

    @property
    def cells(self) -> Mapping[str, Numbers]:
        """Drawn and computed cells, of shape (n_chains, n_drawn), by column; none if left out."""

    @property
    def moments(self) -> Mapping[str, Numbers]:
        """Mean and standard deviation of each column's cells, of shape (n_chains, 2)."""


class Series:
    """Values of several names over chains and sweeps, taken in one sweep after the other."""

    def __init__(self) -> None:
        self._blocks: dict[str, list[NDArray[np.generic]]] = {}

    def append(self, values: Mapping[str, NDArray[np.generic]]) -> None:
        """Take in one sweep; each value has the chains as first axis."""
        for name, value in values.items():
            self._blocks.setdefault(name, []).append(value[:, None])

    def extend(self, values: Mapping[str, NDArray[np.generic]]) -> None:
        """Take in several sweeps; each value has chains and sweeps as first axes."""
        for name, value in values.items():
            self._blocks.setdefault(name, []).append(value)

    def select(self, positions: NDArray[np.intp]) -> None:
        """Keep some chains."""
        for blocks in self._blocks.values():
            blocks[:] = [block[positions] for block in blocks]

    def stacked(self) -> dict[str, NDArray[np.generic]]:
        """Give everything so far, each of shape (n_chains, n_sweeps, ...)."""
        for blocks in self._blocks.values():
            blocks[:] = [blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=1)]
        return {name: blocks[0] for name, blocks in self._blocks.items()}


class RunRecorder:
    """Keeps parameters and statistics of every sweep, and the cells of some.

    Parameters
    ----------
    targets : sequence of str
        The targets that will be visited: columns, or blocks of them.
    columns : sequence of str
        The columns whose cells they give, computed ones included.

    Attributes
    ----------
    n_sweeps : int
        Number of sweeps taken in.
    cells : dict of str to ndarray of shape (n_chains, n_drawn)
        Cells of the last sweep, by column.
    kept : dict of int to mapping of str to ndarray
        Cells of the sweeps that imputations are taken from.
    """

    def __init__(self, targets: Sequence[str], columns: Sequence[str]) -> None:
        self.targets, self.columns = tuple(targets), tuple(columns)
        self.n_sweeps = 0
        self.cells: Mapping[str, Numbers] = {}
        self.kept: dict[int, Mapping[str, Numbers]] = {}
        self._parameters = {target: Series() for target in targets}
        self._statistics = {target: Series() for target in targets}
        self._moments = Series()

    def record(self, left: LeftBehind) -> None:
        """Keep what a sweep left behind."""
        for target in self.targets:
            self._parameters[target].append(left.parameters[target])
            self._statistics[target].append(left.statistics[target])
        moments = left.moments
        self._moments.append({name: moments[name] for name in self.columns})
        self.n_sweeps += 1
        if left.cells or not self.columns:
            self.keep_last(left.cells)

    def keep_last(self, cells: Mapping[str, Numbers]) -> None:
        """Keep the cells of the last sweep."""
        self.cells = {name: cells[name] for name in self.columns}
        self.kept[self.n_sweeps - 1] = self.cells

    def resume(
        self,
        parameters: Mapping[str, Mapping[str, NDArray[np.generic]]],
        statistics: Mapping[str, Mapping[str, NDArray[np.generic]]],
        sweep_stats: Mapping[str, Numbers],
        n_sweeps: int,
    ) -> None:
        """Take in the sweeps of an earlier run, each value of shape (n_chains, n_sweeps, ...)."""
        for target in self.targets:
            self._parameters[target].extend(parameters[target])
            self._statistics[target].extend(statistics[target])
        self._moments.extend(sweep_stats)
        self.n_sweeps = n_sweeps

    def select(self, positions: NDArray[np.intp]) -> None:
        """Keep some chains."""
        for series in (*self._parameters.values(), *self._statistics.values(), self._moments):
            series.select(positions)
        self.cells = _selected(self.cells, positions)
        self.kept = {sweep: _selected(cells, positions) for sweep, cells in self.kept.items()}

    def joined(self, other: "RunRecorder", order: NDArray[np.intp]) -> "RunRecorder":
        """Put the chains of two recorders of equally many sweeps together, in a given order."""
        both = RunRecorder(self.targets, self.columns)
        both.resume(
            {t: _joined(self.parameters(t), other.parameters(t), order) for t in self.targets},
            {t: _joined(self.statistics(t), other.statistics(t), order) for t in self.targets},
            _joined(self.sweep_stats(), other.sweep_stats(), order),
            self.n_sweeps,
        )
        both.cells = _joined(self.cells, other.cells, order)
        both.kept = {
            sweep: _joined(self.kept[sweep], other.kept[sweep], order)
            for sweep in self.kept.keys() & other.kept.keys()
        }
        return both

    def keep_only(self, wanted: Collection[int]) -> None:
        """Drop the cells of sweeps that no imputation is taken from."""
        self.kept = {sweep: cells for sweep, cells in self.kept.items() if sweep in wanted}

    def parameters(self, target: str) -> dict[str, NDArray[np.generic]]:
        """Give the parameters of a target, each of shape (n_chains, n_sweeps, ...)."""
        return self._parameters[target].stacked()

    def statistics(self, target: str) -> dict[str, NDArray[np.generic]]:
        """Give the statistics of a target's transitions, each of shape (n_chains, n_sweeps)."""
        return self._statistics[target].stacked()

    def sweep_stats(self) -> dict[str, Numbers]:
        """Give mean and sd of each column's cells, of shape (n_chains, n_sweeps, 2)."""
        return {name: values.astype(float) for name, values in self._moments.stacked().items()}


def _selected(cells: Mapping[str, Numbers], positions: NDArray[np.intp]) -> dict[str, Numbers]:
    return {name: values[positions] for name, values in cells.items()}


def _joined[T: np.generic](
    one: Mapping[str, NDArray[T]], other: Mapping[str, NDArray[T]], order: NDArray[np.intp]
) -> dict[str, NDArray[T]]:
    return {name: np.concatenate([one[name], other[name]])[order] for name in one}

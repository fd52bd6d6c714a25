"""Replays: the sweeps of a run once more, to see what a tree does not hold.

The completed predictors of a sweep are gone when it has ended. But a run is reproducible: its
random keys are folded from seed, chain, sweep and target. So the same sweeps are run again from
their beginning, every visit of some targets is looked at, and every parameter of every sweep is
compared with the one that the tree holds, bit for bit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesmice.data import Column, in_group
from bayesmice.errors import SpecificationError, StoreError
from bayesmice.kernels import Target
from bayesmice.kernels.visits import Given, Program
from bayesmice.problem import Group, Problem
from bayesmice.running.conditionals import observed_group
from bayesmice.running.resuming import described_run
from bayesmice.scheduler import Batch, Left, Strand, ThreadCrew, advance
from bayesmice.store import TargetRows, likelihood_rows, predictive_rows

LOG_LIKELIHOOD, PREDICTIVE = "log_likelihood", "posterior_predictive"

type Seen = Callable[..., None]
"""Called with the arguments of a visit, where the design and the states are those after it."""


@dataclass(frozen=True, eq=False)
class WatchedProgram:
    """A program whose visits somebody looks at; it does nothing else than the program does.

    Attributes
    ----------
    program : Program
        The program.
    seen : callable
        What looks at a visit.
    """

    program: Program
    seen: Seen

    def __getattr__(self, name: str) -> Any:
        return getattr(self.program, name)

    def visit(
        self,
        moment: Any,
        chains: Any,
        state: Any,
        design: Any,
        columns: Any,
        given: Given,
    ) -> tuple[Any, Any, Any]:
        """Visit, and let the visit be looked at."""
        moved, recorded, after = self.program.visit(moment, chains, state, design, columns, given)
        self.seen(self.program, moment, chains, moved, after, columns, given)
        return moved, recorded, after


@dataclass(eq=False)
class Observer:
    """Takes in what the visits of one target say of its observed rows.

    Attributes
    ----------
    target : Target
        The target.
    what : str
        ``"log_likelihood"`` or ``"posterior_predictive"``.
    rows : mapping of str to ndarray of shape (n_rows,)
        By column, the rows that it is about.
    sweeps : list of mapping
        By sweep and column, of shape (n_chains, n_rows).
    """

    target: Target
    what: str
    rows: Mapping[str, NDArray[np.intp]]
    sweeps: list[dict[str, NDArray[np.float64]]] = field(default_factory=list)
    _latest: dict[int, list[NDArray[np.float64]]] = field(default_factory=dict)

    def see(
        self,
        program: Program,
        moment: Any,
        chains: Any,
        state: Any,
        design: Any,
        columns: Any,
        given: Given,
    ) -> None:
        """Look at a visit; of several in a sweep, repetitions included, the last counts."""
        found = (
            program.log_likelihood(state, design, columns, given)
            if self.what == LOG_LIKELIHOOD
            else program.predictive(moment, chains, state, design, columns, given)
        )
        by_column = [
            np.asarray(values)[:, rows]
            for values, rows in zip(found, self.rows.values(), strict=True)
        ]
        for position, chain in enumerate(np.asarray(chains).tolist()):
            self._latest[chain] = [values[position] for values in by_column]

    def end_sweep(self, chains: Sequence[int]) -> None:
        """Keep what was seen last of every chain."""
        columns = zip(*(self._latest[chain] for chain in chains), strict=True)
        self.sweeps.append(dict(zip(self.rows, map(np.stack, columns), strict=True)))

    def stacked(self) -> dict[str, NDArray[np.float64]]:
        """Give what was seen, by column, of shape (n_chains, n_sweeps, n_rows)."""
        return {name: np.stack([sweep[name] for sweep in self.sweeps], 1) for name in self.rows}


class Comparison:
    """Compares the parameters of every sweep with those of a tree.

    Parameters
    ----------
    tree : DataTree
        The tree.
    strand : Strand
        What the chains go through.
    chains : sequence of int
        Their identities.
    """

    def __init__(self, tree: xr.DataTree, strand: Strand, chains: Sequence[int]) -> None:
        self._tree, self._sweep = tree, 0
        self._chains = np.asarray(chains)
        self._stored = {
            name: {
                str(parameter): values.transpose("chain", "draw", ...).to_numpy()
                for parameter, values in _posterior(tree, in_group(name, strand.label)).items()
            }
            for name in strand.course.targets
        }

    def record(self, left: Left) -> None:
        """Compare what a sweep left behind."""
        for target, parameters in left.parameters.items():
            for name, values in parameters.items():
                stored = self._stored[target][name][:, self._sweep]
                for chain, was, came in zip(self._chains, stored, values, strict=True):
                    if not np.array_equal(was, came, equal_nan=True):
                        self._refuse(target, name, int(chain))
        self._sweep += 1

    def select(self, positions: NDArray[np.intp]) -> None:
        """Refuse a replay in which a chain breaks down: in the run it did not."""
        lost = np.setdiff1d(np.arange(len(self._chains)), positions)
        self._refuse("", "", int(self._chains[lost][0]))

    def _refuse(self, target: str, name: str, chain: int) -> None:
        where = f"parameter {name!r} of {target!r}" if name else "breakdown"
        raise StoreError(
            f"The run cannot be replayed: in sweep {self._sweep} of chain {chain} the {where} is "
            "not the one of the tree. Functions that draw random numbers of their own, other "
            "versions of packages, or another processor do that. The run was made with JAX "
            f"{self._tree.attrs['jax_version']}. Run it again where it is to be replayed."
        )


def find_targets(problem: Problem, names: Sequence[str]) -> list[tuple[int, str]]:
    """Find conditional models by their names in a tree, or by a column of a block.

    Parameters
    ----------
    problem : Problem
        Data and models.
    names : sequence of str
        The names; all models if there are none.

    Returns
    -------
    list of (int, str)
        The group of rows and the target of each.

    Raises
    ------
    SpecificationError
        If there is no such model.
    """
    known = {
        in_group(target, group.label): (place, target)
        for place, group in enumerate(problem.groups)
        for target in group.specification.missing
    }
    aliases = {
        in_group(column, group.label): (place, target)
        for place, group in enumerate(problem.groups)
        for column, target in group.specification.target_of.items()
        if target
    }
    for name in names:
        if name not in aliases and name not in known:
            raise SpecificationError(
                f"There is no conditional model {name!r} in the tree. Models: {', '.join(known)}."
            )
    found = [(aliases | known)[name] for name in names] or list(known.values())
    return list(dict.fromkeys(found))


def replay(
    problem: Problem,
    tree: xr.DataTree,
    names: Sequence[str],
    what: str,
    progress: Callable[[int], None],
) -> dict[str, xr.Dataset]:
    """Run the sweeps of a run again, and look at the observed rows of some targets.

    Parameters
    ----------
    problem : Problem
        Data and models.
    tree : DataTree
        What the run left behind.
    names : sequence of str
        The conditional models to look at; all if there are none.
    what : {"log_likelihood", "posterior_predictive"}
        What to see of them.
    progress : callable
        Called with the number of sweeps that are done.

    Returns
    -------
    dict of str to Dataset
        Groups by their paths in the tree.

    Raises
    ------
    SpecificationError
        If there is no such model.
    StoreError
        If a parameter of the replay is not the one of the tree.
    """
    run = described_run(problem, tree)
    chains = tree["sweep_stats"]["chain"].to_numpy().tolist()
    wanted = find_targets(problem, names)
    sweeps = int(tree.attrs["sweeps"])
    observers: dict[tuple[int, str], Observer] = {}
    strands, standings = [], []
    for place in dict.fromkeys(place for place, _ in wanted):
        strand = run.route.strand(place)
        for name in (name for own, name in wanted if own == place):
            target = strand.course.targets[name]
            rows = _rows(target, what)
            observers[place, name] = Observer(target, what, rows)
            strand = _watched(strand, target, observers[place, name])
        strands.append(strand)
        standings.append(run.route.start(strand.course, place, chains))
    comparisons = [Comparison(tree, strand, chains) for strand in strands]
    crew = ThreadCrew(strands, [Batch(tuple(standings))], 1)
    for sweep in range(sweeps):
        advance(crew, comparisons, sweep, lambda sweep, target: None)
        for observer in observers.values():
            observer.end_sweep(chains)
        progress(sweep + 1)
    groups: dict[str, xr.Dataset] = {}
    for (place, name), observer in observers.items():
        groups |= _groups(problem.groups[place], name, observer, chains, sweeps)
    return groups


def _watched(strand: Strand, target: Target, observer: Observer) -> Strand:
    """Let a target of a strand be looked at."""
    main = WatchedProgram(target.program, observer.see)
    other = target.alternative
    watched = replace(
        target,
        program=main,
        alternative=None if other is None else WatchedProgram(other, observer.see),
    )
    targets = {**strand.course.targets, target.name: watched}
    return replace(strand, course=replace(strand.course, targets=targets))


def _rows(target: Target, what: str) -> dict[str, NDArray[np.intp]]:
    return {
        column.name: np.flatnonzero(
            _counts(column, target) if what == LOG_LIKELIHOOD else column.fitted
        )
        for column in target.columns
    }


def _counts(column: Column, target: Target) -> NDArray[np.bool_]:
    """Tell which rows something is known of that the model learns from."""
    return column.fitted | column.is_limited


def _groups(
    group: Group, name: str, observer: Observer, chains: Sequence[int], sweeps: int
) -> dict[str, xr.Dataset]:
    store, path = group.specification.store, f"conditionals/{in_group(name, group.label)}"
    at = TargetRows(store, group.rows, observer.rows)
    seen = observer.stacked()
    dataset = (
        likelihood_rows(seen, at, chains, sweeps)
        if observer.what == LOG_LIKELIHOOD
        else predictive_rows(seen, at, chains, sweeps, "posterior")
    )
    return {
        f"{path}/{observer.what}": dataset,
        f"{path}/observed_data": observed_group(group, name),
    }


def _posterior(tree: xr.DataTree, name: str) -> dict[Any, xr.DataArray]:
    return dict(tree[f"conditionals/{name}/posterior"].to_dataset().data_vars)

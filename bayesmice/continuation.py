"""Going on: runs that are begun or resumed, extended, given more chains, opened from a file."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmice.data import ColumnStore, in_group
from bayesmice.data.libraries import AnyFrame
from bayesmice.diagnostics import HidingRequest, Overimputation
from bayesmice.errors import SpecificationError, StoreError, warn_caller
from bayesmice.events import Event, Severity
from bayesmice.imputations import Imputations
from bayesmice.models.passive import Passive
from bayesmice.pooling import pool
from bayesmice.problem import Group, Problem, restored
from bayesmice.progress import counting_display
from bayesmice.running import (
    Cohort,
    Means,
    NewRows,
    Run,
    find_targets,
    log_prior_group,
    observed_group,
    overimpute,
    prior_groups,
    replay,
    resume_run,
)
from bayesmice.scheduler import Post
from bayesmice.scheduler.plan import Plan
from bayesmice.specification import Models
from bayesmice.store import check_folder, find_tree, read_tree, store_from_dataset

PILOT = 20
"""Imputations of a pilot run: with fewer the fraction of missing information is hardly known."""
LARGEST_M = 1000
"""Imputations that ``m="auto"`` makes at most."""


@dataclass(frozen=True)
class Given:
    """What only Python can hold of the models of a run.

    Attributes
    ----------
    models, passive, post : mapping
        As in `open_imputations`.
    visit_sequence : callable or None
        The function that gives the order of visits, where one does.
    """

    models: Models
    passive: Passive
    post: Mapping[str, Post]
    visit_sequence: Callable[..., Any] | None


@dataclass(frozen=True)
class Resuming:
    """Makes a run again from its tree, when it is to go on.

    Attributes
    ----------
    tree : xarray.DataTree
        The tree.
    store : ColumnStore
        Its data.
    given : Given
        What the tree does not hold.
    """

    tree: xr.DataTree
    store: ColumnStore
    given: Given

    def make_problem(self) -> Problem:
        """Make data and models."""
        if "state" not in self.tree.children:
            raise StoreError(
                "These imputations do not hold where the chains stand, so their run cannot go on."
            )
        recipe = json.loads(self.tree.attrs["settings"])["recipe"]
        given = self.given
        return restored(
            self.store, recipe, given.models, given.passive, given.post, given.visit_sequence
        )


@dataclass
class RunContinuation:
    """Lets imputations go on.

    Attributes
    ----------
    source : Run or Resuming
        The run, or what makes it when it is first needed.
    """

    source: Run | Resuming
    _new_rows: NewRows | None = None
    _problem: Problem | None = None

    @property
    def problem(self) -> Problem:
        """Data and models of the run."""
        if not isinstance(self.source, Resuming):
            return self.source.problem
        if self._problem is None:
            self._problem = self.source.make_problem()
        return self._problem

    @property
    def run(self) -> Run:
        """The run."""
        if isinstance(self.source, Resuming):
            self.source = resume_run(self.problem, self.source.tree)
        return self.source

    def extend(self, sweeps: int, progressbar: bool) -> xr.DataTree:
        """Run further sweeps of all chains, and give the tree of the whole run."""
        known = len(self.run.log)
        self._new_rows = None
        self.run.extend(sweeps)
        self.run.go(progressbar)
        warn_of_run(self.run, known)
        return self.run.tree()

    def more(self, m: int, progressbar: bool) -> xr.DataTree:
        """Run further chains, and give the tree of all."""
        known = len(self.run.log)
        self._new_rows = None
        self.run.more(m, progressbar)
        warn_of_run(self.run, known)
        return self.run.tree()

    def impute(
        self, data: object, seed: int, sweeps: int | None
    ) -> tuple[xr.DataTree, ColumnStore]:
        """Impute new rows; what they need of the run is put together once."""
        if self._new_rows is None:
            self._new_rows = NewRows(self.run)
        return self._new_rows.impute(data, seed, sweeps)

    def note(self, event: Event) -> xr.DataTree:
        """Add an event to the log of the run, and give its tree."""
        self.run.log.append(event)
        return self.run.tree()

    def portable(self, tree: xr.DataTree) -> "RunContinuation":
        """Give a continuation that can be pickled: compiled programs are made again from a tree."""
        if isinstance(self.source, Resuming):
            return RunContinuation(self.source)
        problem = self.source.problem
        order = problem.visit_sequence
        given = Given(
            dict(problem.read.models),
            {p.name: p.function for p in problem.read.passive.ordered if not p.is_expression},
            problem.posts,
            order if callable(order) else None,
        )
        return RunContinuation(Resuming(tree, problem.store, given))

    def replayed(
        self, tree: xr.DataTree, names: Sequence[str], what: str, progressbar: bool
    ) -> dict[str, xr.Dataset]:
        """Run the sweeps again, and give what was asked for, by the paths of new groups."""
        problem, sweeps = self.problem, int(tree.attrs["sweeps"])
        with counting_display("Replaying", sweeps, progressbar) as progress:
            return replay(problem, tree, names, what, progress)

    def log_priors(self, tree: xr.DataTree, names: Sequence[str]) -> dict[str, xr.Dataset]:
        """Evaluate priors at the draws of parameters, by the paths of new groups."""
        return {
            f"{path}/log_prior": log_prior_group(group, name, tree)
            for path, group, name in self._conditionals(names)
        }

    def priors(self, names: Sequence[str], draws: int, random_seed: int) -> dict[str, xr.Dataset]:
        """Draw from priors, by the paths of new groups."""
        groups: dict[str, xr.Dataset] = {}
        for path, group, name in self._conditionals(names):
            drawn = prior_groups(group, name, draws, random_seed)
            groups |= {
                f"{path}/prior": drawn["prior"].to_dataset(),
                f"{path}/prior_predictive": drawn["prior_predictive"].to_dataset(),
                f"{path}/observed_data": observed_group(group, name),
            }
        return groups

    def overimputed(
        self, tree: xr.DataTree, request: HidingRequest, progressbar: bool
    ) -> Overimputation:
        """Hide observed cells, and impute them in a run of their own."""
        found, run = overimpute(self.problem, tree, request, progressbar)
        warn_of_run(run)
        return found

    def _conditionals(self, names: Sequence[str]) -> list[tuple[str, Group, str]]:
        problem = self.problem
        found = [(problem.groups[p], name) for p, name in find_targets(problem, names)]
        return [
            (f"conditionals/{in_group(name, group.label)}", group, name) for group, name in found
        ]


def begin_or_resume(
    problem: Problem,
    plan: Plan,
    rule: Any,
    repeats: int,
    seed: int | None,
    fresh_seed: Callable[[], int],
    checkpoint: str | os.PathLike[str] | None,
    means: Means,
) -> Run:
    """Begin a run, or take it up where its checkpoint stands.

    Parameters
    ----------
    problem : Problem
        Data and models.
    plan : Plan
        Where imputations are taken from.
    rule : Until or None
        A stopping rule.
    repeats : int
        Visits of a target per turn.
    seed : int or None
        Random seed; None for a fresh one, or the one of the checkpoint.
    fresh_seed : callable
        Gives a fresh seed.
    checkpoint : path-like or None
        Where the run is saved.
    means : Means
        By what means its chains are moved.

    Returns
    -------
    Run

    Raises
    ------
    SpecificationError
        If the checkpoint belongs to another run.
    StoreError
        If it is no tree of ours, or its models differ.
    """
    request = _request(plan, rule, repeats)
    if checkpoint is not None:
        check_folder(checkpoint)
    if checkpoint is None or find_tree(checkpoint) is None:
        own_seed = fresh_seed() if seed is None else seed
        run = Run(problem, own_seed, [Cohort(plan, 0)], rule, repeats, {"request": request}, means)
        run.begin()
        return run
    tree = read_tree(checkpoint)
    _check_same(os.fspath(checkpoint), tree, problem.store, request, seed)
    run = resume_run(problem, tree, rule)
    run.means = means
    run.log.append(
        Event(
            Severity.INFO,
            "resumed",
            f"The run was taken up from {os.fspath(checkpoint)!r} after {run.n_sweeps} sweeps.",
            sweep=run.n_sweeps - 1,
        )
    )
    return run


def run_imputations(run: Run) -> Imputations:
    """Give the imputations of a run."""
    return Imputations(run.tree(), run.problem.store, RunContinuation(run))


def warn_of_run(run: Run, known: int = 0) -> None:
    """Warn of an interrupt, and of chains that were given up, in the log after known events."""
    fresh = run.log[known:]
    if fresh and fresh[-1].code == "interrupted":
        warn_caller(fresh[-1].message)
    failures = [event for event in fresh if event.code == "chain_failed"]
    lost = sorted({event.chain for event in failures})
    if lost:
        warn_caller(
            f"Of {len(run.lost) + len(run.chains)} chains {len(lost)} were given up "
            f"({', '.join(map(str, lost))}), so that there are {len(run.picks())} imputations. "
            f"{failures[-1].message}"
        )


def add_recommended(
    pilot: Imputations, analysis: Callable[[AnyFrame], Any] | None, progressbar: bool
) -> Imputations:
    """Add as many imputations to a pilot run as von Hippel's rule asks for.

    Parameters
    ----------
    pilot : Imputations
        The pilot run; it grows.
    analysis : callable or None
        From completed data to a result that `bayesmice.pool` reads.
    progressbar : bool
        Whether to show progress.

    Returns
    -------
    Imputations
        The same object.
    """
    what = "the analysis"
    if analysis is None:
        columns = pilot.incomplete
        what = "the means of incomplete columns"
        if not columns:
            return pilot
        tables = [_means(completed, columns) for completed in pilot.in_pandas]
    else:
        tables = list(pilot.analyze(analysis, progressbar=progressbar))
    numbers = pool(tables).recommended_m()
    wanted, term = int(np.nanmax(numbers)), str(numbers.idxmax())
    n_pilot = pilot.m
    m = min(max(wanted, n_pilot), LARGEST_M)
    if m > n_pilot:
        pilot.more(m - n_pilot, progressbar=progressbar)
    capped = "" if wanted <= LARGEST_M else f" (no more than {LARGEST_M} are made)"
    pilot.note(
        Event(
            Severity.INFO,
            "m_chosen",
            f"m={m}: by von Hippel's rule {what} ask for {wanted} imputations{capped}, most of all "
            f"{term!r}; the pilot run had {n_pilot}.",
        )
    )
    return pilot


def open_imputations(
    path: str | os.PathLike[str],
    *,
    models: Models | None = None,
    passive: Passive | None = None,
    post: Mapping[str, Post] | None = None,
    visit_sequence: Callable[..., Any] | None = None,
) -> Imputations:
    """Open a file or folder that `Imputations.to_netcdf` or `to_zarr`, or a checkpoint, wrote.

    Completing, diagnosing and pooling need nothing but the file. To go on with the run, what only
    Python can hold has to be given again.

    Parameters
    ----------
    path : path-like
        The netCDF file or Zarr folder.
    models : mapping of str to Regression, Custom or function, optional
        Those of the run that are functions, or regressions with priors, families or functions of
        their own.
    passive, post : mapping of str to callable, optional
        Passive functions, and functions of drawn values.
    visit_sequence : callable, optional
        The function that gave the order of visits, where one did.

    Returns
    -------
    Imputations
        With the same tree and the same completed data.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    StoreError
        If it was not written by bayesmice, or by a version whose format is not read. When the run
        is to go on: if something was not given that the file cannot hold, or differs from what the
        run was made with.
    """
    tree = read_tree(path)
    store = store_from_dataset(tree["observed_data"].to_dataset())
    given = Given(models or {}, passive or {}, post or {}, visit_sequence)
    return Imputations(tree, store, RunContinuation(Resuming(tree, store, given)))


def _request(plan: Plan, rule: Any, repeats: int) -> dict[str, object]:
    return {
        "m": plan.m,
        "chains": plan.n_chains,
        "thin": plan.thin,
        "burn_in": plan.burn_in,
        "until": None if rule is None else [rule.rhat, rule.min_sweeps, rule.max_sweeps],
        "visits": repeats,
    }


def _check_same(
    path: str,
    tree: xr.DataTree,
    store: ColumnStore,
    request: Mapping[str, object],
    seed: int | None,
) -> None:
    """Refuse a checkpoint of another run: it would be overwritten."""
    hint = "Give the run another path, or delete the checkpoint to begin anew."
    stored = json.loads(tree.attrs["settings"])["request"]
    own_seed = int(tree.attrs["random_seed"])
    asked = {**request, "random_seed": own_seed if seed is None else seed}
    was = {**stored, "random_seed": own_seed}
    different = [name for name in asked if was.get(name) != asked[name]]
    if different:
        name = different[0]
        raise SpecificationError(
            f"checkpoint={path!r} belongs to another run: its {name} is {was.get(name)!r}, and "
            f"here it is {asked[name]!r}. {hint}"
        )
    saved = store_from_dataset(tree["observed_data"].to_dataset())
    if list(saved.columns) != list(store.columns) or saved.n_rows != store.n_rows:
        raise SpecificationError(
            f"checkpoint={path!r} belongs to other data: {saved.n_rows} rows with the columns "
            f"{', '.join(saved.columns)}. {hint}"
        )
    for name, column in store.columns.items():
        if not column.is_same(saved.columns[name]):
            raise SpecificationError(
                f"checkpoint={path!r} belongs to other data: the values of {name!r}, their limits, "
                f"its wanted cells or the weights of its rows differ. {hint}"
            )


def _means(data: pd.DataFrame, columns: list[object]) -> tuple["pd.Series[float]", np.ndarray]:
    """Estimate means of numbers, and shares of levels, with their sampling variances."""
    estimates, variances = {}, []
    for label in columns:
        column = data[label]
        is_number = pd.api.types.is_numeric_dtype(column.dtype)
        is_bool = pd.api.types.is_bool_dtype(column.dtype)
        if is_number and not is_bool:
            parts = {f"mean of {label}": column.to_numpy(dtype=float)}
        else:
            indicators = pd.get_dummies(column.astype(object), dtype=float)
            parts = {
                f"share of {label}={level}": indicators[level].to_numpy() for level in indicators
            }
        for name, values in parts.items():
            estimates[name] = values.mean()
            variances.append(values.var(ddof=1) / len(values))
    return pd.Series(estimates), np.array(variances)

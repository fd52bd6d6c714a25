"""A run: chains that are begun and go on, and what they left behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesmice.data import event_in_group, in_group
from bayesmice.diagnostics import Until
from bayesmice.errors import SpecificationError
from bayesmice.events import EVENT_FIELDS, Event, Severity
from bayesmice.problem import Problem
from bayesmice.progress import RunDisplay, run_display
from bayesmice.running.dask_crew import Sights
from bayesmice.running.means import Means
from bayesmice.running.records import events_before, record_of, recorder_of
from bayesmice.running.route import Route
from bayesmice.running.watching import Callback, SweepInfo, Watch
from bayesmice.scheduler import (
    Batch,
    Crew,
    Left,
    Standing,
    Strand,
    advance,
    join,
)
from bayesmice.scheduler.plan import Plan
from bayesmice.scheduler.watch import range_events, transition_events
from bayesmice.store import (
    RunDescription,
    RunRecorder,
    StrandRecord,
    build_tree,
    write_tree,
)
from bayesmice.store.tree import gather_cells

LONE_VISITS = 10
"""Visits of a target that nothing cycles with: as many transitions as ten sweeps have."""


@dataclass(frozen=True)
class Checkpoints:
    """Where and how often a run is saved.

    Attributes
    ----------
    path : Path
        The file or folder.
    every : int
        Sweeps from one to the next.
    """

    path: Path
    every: int


@dataclass(frozen=True)
class Cohort:
    """Chains that were begun together.

    Attributes
    ----------
    plan : Plan
        Where their imputations are taken from.
    first : int
        Identity of the first; the others follow.
    """

    plan: Plan
    first: int

    @property
    def ids(self) -> list[int]:
        """Identities of its chains, those that were given up included."""
        return list(range(self.first, self.first + self.plan.n_chains))


@dataclass
class Run:
    """Chains over all groups of rows, and what they left behind.

    Attributes
    ----------
    problem : Problem
        Data and models.
    seed : int
        Random seed.
    cohorts : list of Cohort
        Its chains.
    rule : Until or None
        A stopping rule.
    repeats : int
        Visits of a target per turn.
    settings : mapping of str to object
        How the run was asked for.
    means : Means
        By what means its chains are moved.
    recorders : list of RunRecorder
        One for each group of rows.
    batches : list of Batch
        Where its chains stand.
    log : list of Event
        What happened so far.
    """

    problem: Problem
    seed: int
    cohorts: list[Cohort]
    rule: Until | None
    repeats: int
    settings: Mapping[str, object]
    means: Means = field(default_factory=Means)
    recorders: list[RunRecorder] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    log: list[Event] = field(default_factory=list)

    @cached_property
    def route(self) -> Route:
        """What its chains go through."""
        return Route(self.problem, self.seed, self.repeats)

    @property
    def strands(self) -> list[Strand]:
        """What its chains go through over each group of rows."""
        return self.route.strands

    @property
    def n_sweeps(self) -> int:
        """Number of whole sweeps so far."""
        return self.recorders[0].n_sweeps

    @property
    def chains(self) -> list[int]:
        """Identities of the chains that go on."""
        return sorted(int(chain) for batch in self.batches for chain in batch.ids)

    @property
    def total(self) -> int | None:
        """Sweeps of the whole run; None as long as a stopping rule has not decided."""
        return self.cohorts[0].plan.total

    @property
    def is_finished(self) -> bool:
        """Whether all sweeps were run."""
        return self.total is not None and self.n_sweeps >= self.total

    def begin(self) -> None:
        """Put all chains where they start."""
        ids = self.cohorts[0].ids
        self.recorders = [recorder_of(strand.course) for strand in self.strands]
        starts = (self.route.start(s.course, place, ids) for place, s in enumerate(self.strands))
        self.batches = [Batch(tuple(starts))]

    def go(
        self,
        progressbar: bool,
        callback: Callback | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        """Run all sweeps that are left.

        Parameters
        ----------
        progressbar : bool
            Whether to show progress.
        callback : callable, optional
            Called after each sweep.
        checkpoints : Checkpoints, optional
            Where to save the run meanwhile.

        Raises
        ------
        SamplingError
            If no chain survives.
        KeyboardInterrupt
            If it comes before the first sweep has ended.
        """
        watch = Watch(self.rule if self.total is None else None, progressbar)
        sights = self._sights(callback, checkpoints)
        crew = self.means.crew(self.route, self.batches, self.n_sweeps, sights)
        with run_display(self.total, progressbar, self.n_sweeps) as display:
            try:
                while not self.is_finished and not watch.stopped:
                    self._one_sweep(crew, display, watch, callback)
                    is_due = checkpoints and self.n_sweeps % checkpoints.every == 0
                    if checkpoints and (is_due or self.is_finished or watch.stopped):
                        self._settle_chains(crew)
                        write_tree(self.tree(), checkpoints.path)
            except KeyboardInterrupt:
                if not self.n_sweeps:
                    raise
                self._note_interrupt()
            finally:
                if self.n_sweeps:
                    self._settle_chains(crew)
                crew.close()
        self._settle()

    def extend(self, sweeps: int) -> None:
        """Plan further sweeps."""
        self.cohorts = [
            replace(cohort, plan=self._extended(cohort.plan, sweeps)) for cohort in self.cohorts
        ]

    def more(self, m: int, progressbar: bool) -> None:
        """Run further chains for as many sweeps, and add them.

        Parameters
        ----------
        m : int
            Number of imputations to add.
        progressbar : bool
            Whether to show progress.

        Raises
        ------
        KeyboardInterrupt
            If it comes before they have ended; the run stays as it was.
        """
        plan = self._reached(self.cohorts[0].plan)
        n_chains = -(-m // plan.rounds)
        first = self.cohorts[-1].first + self.cohorts[-1].plan.n_chains
        cohort = Cohort(replace(plan, m=m, n_chains=n_chains), first)
        other = replace(self, cohorts=[cohort], rule=None, log=[])
        other.begin()
        other.go(progressbar)
        if not other.is_finished:
            raise KeyboardInterrupt  # chains that were begun only in part cannot be added
        order = np.argsort([*self.chains, *other.chains])
        self.batches = [*self.batches, *other.batches]
        pairs = zip(self.recorders, other.recorders, strict=True)
        self.recorders = [own.joined(fresh, order) for own, fresh in pairs]
        self.cohorts = [*self.cohorts, cohort]
        self.log += other.log

    def picks(self) -> list[tuple[int, int]]:
        """Give chain and sweep of each imputation that there is.

        Where a run was interrupted before its first imputation, the last sweep of each chain is
        one.
        """
        kept, chains = self.recorders[0].kept, set(self.chains)
        planned = [
            (chain, sweep)
            for cohort in self.cohorts
            for chain, sweep in cohort.plan.picks(cohort.ids, self.n_sweeps)
            if chain in chains and sweep in kept
        ]
        return planned or [(chain, self.n_sweeps - 1) for chain in self.chains]

    @property
    def lost(self) -> list[int]:
        """Identities of the chains that were given up."""
        return sorted({chain for cohort in self.cohorts for chain in cohort.ids} - set(self.chains))

    def tree(self) -> xr.DataTree:
        """Arrange everything so far as a tree."""
        records, description = self._records(), self._description()
        events = [*events_before(self.problem), *self.log, *self._after_run(records, description)]
        return build_tree(self.problem.store, records, events, description)

    def cells(self) -> dict[str, NDArray[np.float64]]:
        """Give the wanted cells of all imputations, of shape (m, n_wanted), by column."""
        return gather_cells(self.problem.store, self._records(), self._description())

    def standing(self, place: int) -> Standing:
        """Give where all chains stand over a group of rows."""
        return join(self.batches).standings[place]

    def _records(self) -> list[StrandRecord]:
        standings = join(self.batches).standings
        parts = zip(self.problem.groups, self.strands, standings, self.recorders, strict=True)
        return [record_of(*own) for own in parts]

    def _description(self) -> RunDescription:
        return RunDescription(
            picks=self.picks(),
            chains=self.chains,
            sweeps=self.n_sweeps,
            random_seed=self.seed,
            visit_sequence=self._last_order(),
            specification=self.problem.specification_json(),
            settings={**self.settings, **self._progress(), "recipe": self.problem.recipe()},
        )

    def _sights(self, callback: Callback | None, checkpoints: Checkpoints | None) -> Sights:
        plans = [cohort.plan for cohort in self.cohorts]
        return Sights(
            lambda sweep: callback is not None or any(plan.keeps(sweep) for plan in plans),
            None if checkpoints is None else checkpoints.every,
            lambda: self.total,
        )

    def _settle_chains(self, crew: Crew) -> None:
        """Take in where the chains stand, and the cells of their last sweep."""
        batches, lefts = crew.settled()
        self.batches = list(batches)
        for recorder, left in zip(self.recorders, lefts, strict=bool(lefts)):
            recorder.keep_last(left.cells)

    def _one_sweep(
        self, crew: Crew, display: RunDisplay, watch: Watch, callback: Callback | None
    ) -> None:
        sweep = self.n_sweeps
        lefts, events = advance(crew, self.recorders, sweep, display.visiting)
        self.log += events
        self._keep_only()
        worst = watch.worst(self.n_sweeps, self._sweep_stats)
        display.finished(self.n_sweeps, None if worst is None else worst.value)
        if watch.rule is not None and (reason := watch.rule.reason(self.n_sweeps, worst)):
            is_mixed = worst is not None and worst.value < watch.rule.rule.rhat
            self._note_stop(reason, Severity.INFO if is_mixed else Severity.WARNING)
            watch.rule = None
            self._settle()
        if callback is not None:
            callback(self._info(sweep, crew.ids, lefts, watch))
            if watch.asked is not None:
                reason = f"Stopped after {self.n_sweeps} sweeps: {watch.asked}."
                self._note_stop(reason, Severity.INFO)
                watch.stopped = True

    def _sweep_stats(self) -> dict[str, NDArray[np.float64]]:
        """Means and standard deviations of the cells of all groups so far."""
        return {
            in_group(name, strand.label): values
            for strand, recorder in zip(self.strands, self.recorders, strict=True)
            for name, values in recorder.sweep_stats().items()
        }

    def _info(
        self, sweep: int, ids: NDArray[np.intp], lefts: Sequence[Left], watch: Watch
    ) -> SweepInfo:
        named = [(s.label, left) for s, left in zip(self.strands, lefts, strict=True)]

        def named_values(part: str) -> dict[str, Any]:
            return {
                in_group(name, label): value
                for label, left in named
                for name, value in getattr(left, part).items()
            }

        return SweepInfo(
            sweep,
            self.total,
            tuple(ids.tolist()),
            named_values("cells"),
            named_values("parameters"),
            named_values("statistics"),
            watch.seconds,
            watch.ask,
        )

    def _keep_only(self) -> None:
        """Drop the cells of sweeps that no imputation can be taken from any more."""
        wanted = {self.n_sweeps - 1}
        for plan in (cohort.plan for cohort in self.cohorts):
            if plan.burn_in is not None:
                kept = [sweep for sweep in self.recorders[0].kept if plan.keeps(sweep)]
                wanted |= set(sorted(kept)[-plan.rounds :])
        for recorder in self.recorders:
            recorder.keep_only(wanted)

    def _extended(self, plan: Plan, sweeps: int) -> Plan:
        taken = plan.rounds * plan.thin
        if not self.is_finished and plan.rounds > 1 and sweeps < taken:
            raise SpecificationError(
                f"The run was interrupted before its imputations: {plan.rounds} of each chain, "
                f"{plan.thin} sweeps apart. Extend it by at least {taken} sweeps."
            )
        if not self.is_finished:
            return replace(plan, burn_in=self.n_sweeps + sweeps - taken)
        return plan.extended(sweeps)

    def _reached(self, plan: Plan) -> Plan:
        """Give the plan as it was carried out: one that was interrupted ends where it stands."""
        if self.is_finished:
            return plan
        return replace(plan, burn_in=self.n_sweeps - plan.rounds * plan.thin)

    def _settle(self) -> None:
        """Let a burn-in whose length was open end here."""
        self.cohorts = [
            replace(cohort, plan=cohort.plan.settled_at(self.n_sweeps))
            if cohort.plan.burn_in is None
            else cohort
            for cohort in self.cohorts
        ]

    def _note_stop(self, reason: str, severity: Severity) -> None:
        self.log.append(Event(severity, "stopped", reason, sweep=self.n_sweeps - 1))

    def _note_interrupt(self) -> None:
        wanted = "" if self.total is None else f" of {self.total}"
        self.log.append(
            Event(
                Severity.WARNING,
                "interrupted",
                f"The run was interrupted after {self.n_sweeps}{wanted} sweeps, which were kept. "
                "imputations.extend(sweeps=...) goes on from there.",
                sweep=self.n_sweeps - 1,
            )
        )

    def _last_order(self) -> list[str]:
        last = max(self.n_sweeps - 1, 0)
        return list(dict.fromkeys(n for s in self.strands for n in s.sequence(last)))

    def _progress(self) -> dict[str, object]:
        """Tell what a run that goes on from a tree has to know."""
        return {
            "cohorts": [
                [c.plan.m, c.plan.n_chains, c.plan.thin, c.plan.burn_in, c.first]
                for c in self.cohorts
            ],
            "repeats": self.repeats,
            "log": [[getattr(event, name) for name in EVENT_FIELDS] for event in self.log],
        }

    def _after_run(
        self, records: Sequence[StrandRecord], description: RunDescription
    ) -> list[Event]:
        events = [
            event_in_group(event, strand.label)
            for strand, recorder in zip(self.strands, self.recorders, strict=True)
            for name, target in strand.course.targets.items()
            for event in transition_events(target, recorder.statistics(name), self.chains)
        ]
        store = self.problem.store
        cells = gather_cells(store, records, description)
        return events + range_events(store, cells, self.problem.read.passive.by_name)

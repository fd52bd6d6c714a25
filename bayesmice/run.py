"""A run: chains that are begun, go on, and are arranged as a tree.

A run can be continued at any time: its chains, its plan and its records are all that a further
sweep needs, and a tree holds all three.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesmice.diagnostics import StoppingRule, Until, worst_r_hat
from bayesmice.diagnostics.stopping import WorstRHat
from bayesmice.errors import StoreError
from bayesmice.events import EVENT_FIELDS, Event, Severity
from bayesmice.kernels import run_seed
from bayesmice.problem import Group, Problem
from bayesmice.progress import RunDisplay, run_display
from bayesmice.scheduler import (
    Course,
    Left,
    Strand,
    advance,
    initial_fill,
    join_strand,
    read_visit_sequence,
    start_chains,
)
from bayesmice.scheduler.packing import (
    PackedLane,
    PackedState,
    cells_by_column,
    flat_cells,
    pack_lanes,
    unpack_state,
)
from bayesmice.scheduler.plan import Plan
from bayesmice.scheduler.watch import range_events, transition_events
from bayesmice.store import (
    RunDescription,
    RunRecorder,
    StrandRecord,
    build_tree,
    read_state,
    state_dataset,
    write_tree,
)
from bayesmice.store.tree import gather_cells

LONE_VISITS = 10
"""Visits of a target that nothing cycles with: as many transitions as ten sweeps have."""
R_HAT_EVERY = 5.0
"""Seconds after which a display shows R-hat anew: ArviZ takes a second to import."""

Stop = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class SweepInfo:
    """What a callback sees after each sweep.

    Attributes
    ----------
    sweep : int
        The sweep that has ended, counted from 0.
    sweeps : int or None
        Number of sweeps that were asked for; None where a stopping rule decides.
    chains : tuple of int
        Identities of the chains.
    cells : mapping of str to ndarray of shape (n_chains, n_cells)
        Drawn and computed values or level codes of this sweep, by column.
    parameters : mapping of str to mapping
        By target, the parameters of each chain, as in ``tree["conditionals"]``.
    statistics : mapping of str to mapping
        By target, what happened in the transitions, each of shape (n_chains,).
    seconds : float
        Since the run began or went on.
    """

    sweep: int
    sweeps: int | None
    chains: tuple[int, ...]
    cells: Mapping[str, NDArray[np.float64]]
    parameters: Mapping[str, Mapping[str, NDArray[np.float64]]]
    statistics: Mapping[str, Mapping[str, NDArray[np.generic]]]
    seconds: float
    _stop: Stop = field(repr=False)

    def stop(self, reason: str = "a callback asked for it") -> None:
        """End the run after this sweep.

        Parameters
        ----------
        reason : str
            Why, for the event log.
        """
        self._stop(reason)


Callback = Callable[[SweepInfo], object]


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
    strands, recorders : list
        One for each group of rows.
    log : list of Event
        What happened so far.
    """

    problem: Problem
    seed: int
    cohorts: list[Cohort]
    rule: Until | None
    repeats: int
    settings: Mapping[str, object]
    strands: list[Strand] = field(default_factory=list)
    recorders: list[RunRecorder] = field(default_factory=list)
    log: list[Event] = field(default_factory=list)

    @property
    def n_sweeps(self) -> int:
        """Number of whole sweeps so far."""
        return self.recorders[0].n_sweeps

    @property
    def chains(self) -> list[int]:
        """Identities of the chains that go on."""
        return [int(chain) for chain in np.asarray(self.strands[0].state.ids)]

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
        self.strands = [self._strand(place, ids) for place in range(len(self.problem.groups))]
        self.recorders = [_recorder(strand.course) for strand in self.strands]

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
        watch = _Watch(self.rule if self.total is None else None, progressbar)
        with run_display(self.total, progressbar, self.n_sweeps) as display:
            try:
                while not self.is_finished and not watch.stopped:
                    self._one_sweep(display, watch, callback)
                    is_due = checkpoints and self.n_sweeps % checkpoints.every == 0
                    if checkpoints and (is_due or self.is_finished or watch.stopped):
                        write_tree(self.tree(), checkpoints.path)
            except KeyboardInterrupt:
                if not self.n_sweeps:
                    raise
                self._note_interrupt()
        self._settle()

    def extend(self, sweeps: int) -> None:
        """Plan further sweeps."""
        self.cohorts = [
            replace(cohort, plan=self._reached(cohort.plan).extended(sweeps))
            for cohort in self.cohorts
        ]

    def more(self, m: int, progressbar: bool) -> None:
        """Run further chains for as many sweeps, and add them.

        Parameters
        ----------
        m : int
            Number of imputations to add.
        progressbar : bool
            Whether to show progress.
        """
        plan = self._reached(self.cohorts[0].plan)
        n_chains = -(-m // plan.rounds)
        first = self.cohorts[-1].first + self.cohorts[-1].plan.n_chains
        cohort = Cohort(replace(plan, m=m, n_chains=n_chains), first)
        other = replace(self, cohorts=[cohort], rule=None, log=[])
        other.begin()
        other.go(progressbar)
        order = np.argsort([*self.chains, *other.chains])
        for strand, fresh in zip(self.strands, other.strands, strict=True):
            join_strand(strand, [fresh.state])
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
        picks = self.picks()
        description = RunDescription(
            picks=picks,
            chains=self.chains,
            sweeps=self.n_sweeps,
            random_seed=self.seed,
            visit_sequence=self._last_order(),
            specification=self.problem.specification_json(),
            settings={**self.settings, **self._progress(), "recipe": self.problem.recipe()},
        )
        records = [
            _record(group, strand, recorder)
            for group, strand, recorder in zip(
                self.problem.groups, self.strands, self.recorders, strict=True
            )
        ]
        events = [*_before_run(self.problem), *self.log, *self._after_run(records, description)]
        return build_tree(self.problem.store, records, events, description)

    def _strand(self, place: int, ids: Sequence[int]) -> Strand:
        group = self.problem.groups[place]
        course = make_course(group, self.problem.posts, self.seed, self._stream(place))
        fill = self._fill(course, place, ids)
        sequence = read_visit_sequence(
            self.problem.visit_sequence,
            group.specification.missing,
            group.specification.target_of,
            tuple(group.specification.passive.by_name),
            self.seed,
        )
        return Strand(group.label, course, sequence, self.repeats, start_chains(course, fill, ids))

    def _stream(self, place: int) -> tuple[int, ...]:
        """Further numbers that the random keys of a group depend on."""
        return (place,) if self.problem.by else ()

    def _fill(
        self, course: Course, place: int, ids: Sequence[int]
    ) -> dict[str, NDArray[np.float64]]:
        return initial_fill(
            course.store, self.seed, ids, self._stream(place), course.passive.by_name
        )

    def _one_sweep(self, display: RunDisplay, watch: "_Watch", callback: Callback | None) -> None:
        sweep = self.n_sweeps
        lefts, events = advance(self.strands, self.recorders, sweep, display.visiting)
        self.log += events
        self._keep_only()
        worst = watch.worst(self)
        display.finished(self.n_sweeps, None if worst is None else worst.value)
        if watch.rule is not None and (reason := watch.rule.reason(self.n_sweeps, worst)):
            is_mixed = worst is not None and worst.value < watch.rule.rule.rhat
            self._note_stop(reason, Severity.INFO if is_mixed else Severity.WARNING)
            watch.rule = None
            self._settle()
        if callback is not None:
            callback(self._info(sweep, lefts, watch))
            if watch.asked is not None:
                reason = f"Stopped after {self.n_sweeps} sweeps: {watch.asked}."
                self._note_stop(reason, Severity.INFO)
                watch.stopped = True

    def _info(self, sweep: int, lefts: Sequence[Left], watch: "_Watch") -> SweepInfo:
        named = [(s.label, left) for s, left in zip(self.strands, lefts, strict=True)]

        def named_values(part: str) -> dict[str, Any]:
            return {
                f"{name}[{label}]" if label else name: value
                for label, left in named
                for name, value in getattr(left, part).items()
            }

        return SweepInfo(
            sweep,
            self.total,
            tuple(self.chains),
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

    def _reached(self, plan: Plan) -> Plan:
        """Give the plan as it was carried out: one that was interrupted ends where it stands."""
        if plan.total is not None and self.n_sweeps >= plan.total:
            return plan
        return replace(plan, burn_in=max(self.n_sweeps - plan.rounds * plan.thin, 0))

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
        return list(dict.fromkeys(n for s in self.strands for n in s.sequence.order(last)))

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
            strand.event_in(event)
            for strand, recorder in zip(self.strands, self.recorders, strict=True)
            for name, target in strand.course.targets.items()
            for event in transition_events(target, recorder.statistics(name), self.chains)
        ]
        store = self.problem.store
        cells = gather_cells(store, records, description)
        return events + range_events(store, cells, self.problem.read.passive.by_name)


def make_course(
    group: Group, posts: Mapping[str, Any], seed: int, stream: Sequence[int] = ()
) -> Course:
    """Bind the models of a group to their programs.

    Parameters
    ----------
    group : Group
        The group of rows.
    posts : mapping of str to callable
        What is done to drawn values, by column.
    seed : int
        Random seed of the run.
    stream : sequence of int, optional
        Further numbers that the random keys depend on.

    Returns
    -------
    Course
        What the chains of the group go through.
    """
    specification = group.specification
    return Course(
        specification.store,
        specification.design,
        {name: specification.target(name) for name in specification.missing},
        specification.passive,
        {name: post for name, post in posts.items() if specification.target_of.get(name)},
        run_seed(seed, stream),
    )


def resume_run(problem: Problem, tree: xr.DataTree, rule: Until | None = None) -> Run:
    """Make a run again from its tree.

    Parameters
    ----------
    problem : Problem
        The data and models that it was made with.
    tree : xarray.DataTree
        What `Run.tree` gave, also from a file.
    rule : Until or None
        Its stopping rule, if it has not stopped.

    Returns
    -------
    Run
        Which goes on as if it had never been interrupted.

    Raises
    ------
    StoreError
        If the models are not those of the tree, or the tree does not hold where its chains stand.
    """
    _check_models(problem, tree)
    settings = json.loads(tree.attrs["settings"])
    run = Run(
        problem,
        int(tree.attrs["random_seed"]),
        [Cohort(Plan(*plan), first) for *plan, first in settings["cohorts"]],
        rule,
        settings["repeats"],
        {"request": settings["request"]},
        log=[_event(row) for row in settings["log"]],
    )
    chains = tree["sweep_stats"]["chain"].to_numpy().tolist()
    for place, group in enumerate(problem.groups):
        strand = run._strand(place, chains)
        recorder = _recorder(strand.course)
        _take_up(tree, group, recorder)
        path = f"state/{group.label}" if group.label else "state"
        cells, kept, lanes = read_state(tree[path].to_dataset())
        packed = PackedState(cells, kept, [PackedLane(**lane) for lane in lanes])
        if strand.course.columns:
            fill = run._fill(strand.course, place, chains)
            strand.state = unpack_state(strand.course, packed, chains, fill)
            recorder.cells = cells_by_column(strand.course, cells)
            for sweep, earlier in kept.items():
                recorder.kept[int(sweep)] = cells_by_column(strand.course, earlier)
        recorder.kept[recorder.n_sweeps - 1] = recorder.cells
        run.strands.append(strand)
        run.recorders.append(recorder)
    return run


def _check_models(problem: Problem, tree: xr.DataTree) -> None:
    stored, own = json.loads(tree.attrs["specification"]), json.loads(problem.specification_json())
    if stored == own:
        return
    if problem.by:
        stored, own = stored.get(next(iter(own)), {}), next(iter(own.values()))
    different = [name for name in {**stored, **own} if stored.get(name) != own.get(name)]
    name = different[0] if different else "(none)"
    raise StoreError(
        f"The model for {name!r} is not the one of the file. In the file: "
        f"{json.dumps(stored.get(name))}. Given: {json.dumps(own.get(name))}. Give the models that "
        "the run was made with."
    )


def _take_up(tree: xr.DataTree, group: Group, recorder: RunRecorder) -> None:
    suffix = f"[{group.label}]" if group.label else ""

    def values(path: str) -> dict[str, Any]:
        dataset = tree[path].to_dataset()
        return {
            str(name): array.transpose("chain", "draw", ...).to_numpy()
            for name, array in dataset.data_vars.items()
        }

    statistics = values("sweep_stats")
    recorder.resume(
        {name: values(f"conditionals/{name}{suffix}/posterior") for name in recorder.targets},
        {name: values(f"conditionals/{name}{suffix}/sample_stats") for name in recorder.targets},
        {name: statistics[f"{name}{suffix}"] for name in recorder.columns},
        int(tree.attrs["sweeps"]),
    )


def _recorder(course: Course) -> RunRecorder:
    return RunRecorder(list(course.targets), course.columns)


def _record(group: Group, strand: Strand, recorder: RunRecorder) -> StrandRecord:
    course, last = strand.course, recorder.n_sweeps - 1
    kept = {
        sweep: flat_cells(course, cells) for sweep, cells in recorder.kept.items() if sweep != last
    }
    return StrandRecord(
        label=strand.label,
        rows=group.rows,
        store=course.store,
        recorder=recorder,
        labels={name: target.labels for name, target in course.targets.items()},
        constant_cells=group.specification.constant_cells,
        state=state_dataset(flat_cells(course, recorder.cells), kept, pack_lanes(strand.state)),
    )


def _before_run(problem: Problem) -> list[Event]:
    """Give what was noticed of data and models; what holds for all groups is said once."""
    by_group = [(group.label, group.specification.events) for group in problem.groups]
    if not problem.by:
        return list(by_group[0][1])
    common = [e for e in by_group[0][1] if all(e in events for _, events in by_group)]
    return common + [
        event.in_group(label)
        for label, events in by_group
        for event in events
        if event not in common
    ]


def _event(row: Sequence[Any]) -> Event:
    values = dict(zip(EVENT_FIELDS, row, strict=True))
    return Event(**{**values, "severity": Severity(values["severity"])})


class _Watch:
    """Watches a run while it goes on: its stopping rule, its clock, what a callback asked for."""

    def __init__(self, rule: Until | None, shown: bool) -> None:
        self.rule = None if rule is None else StoppingRule(rule)
        self.stopped = False
        self.asked: str | None = None
        self._shown = shown
        self._began = self._looked = time.monotonic()
        self._worst: WorstRHat | None = None

    @property
    def seconds(self) -> float:
        """Seconds since the run began or went on."""
        return time.monotonic() - self._began

    def ask(self, reason: str) -> None:
        """Ask the run to stop."""
        self.asked = reason

    def worst(self, run: Run) -> WorstRHat | None:
        """Give the largest R-hat so far, as fresh as the rule or the display needs it."""
        is_needed = self.rule is not None and run.n_sweeps >= self.rule.rule.min_sweeps
        is_due = self._shown and time.monotonic() - self._looked > R_HAT_EVERY
        if is_needed or is_due:
            self._looked = time.monotonic()
            self._worst = worst_r_hat(
                {
                    f"{name}[{strand.label}]" if strand.label else name: values
                    for strand, recorder in zip(run.strands, run.recorders, strict=True)
                    for name, values in recorder.sweep_stats().items()
                }
            )
        return self._worst

"""Resuming: a run made again from its tree."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from bayesmice.data import in_group
from bayesmice.diagnostics import Until
from bayesmice.errors import StoreError
from bayesmice.events import EVENT_FIELDS, Event, Severity
from bayesmice.models.passive import PASSIVE
from bayesmice.problem import Group, Problem
from bayesmice.running.records import recorder_of
from bayesmice.running.run import Cohort, Run
from bayesmice.scheduler import Batch
from bayesmice.scheduler.packing import PackedLane, unpack_standing
from bayesmice.scheduler.plan import Plan
from bayesmice.store import RunRecorder, read_cells, read_lanes, state_path


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
    run = described_run(problem, tree, rule)
    chains = tree["sweep_stats"]["chain"].to_numpy().tolist()
    standings = []
    for place, (group, strand) in enumerate(zip(problem.groups, run.strands, strict=True)):
        recorder = recorder_of(strand.course)
        _take_up(tree, group, recorder)
        own = group.specification.store, group.rows, strand.course.columns
        recorder.kept |= read_cells(tree, group.label, own, problem.store, chains)
        recorder.cells = recorder.kept[recorder.n_sweeps - 1]
        fill, lanes = run.route.fill(strand.course, place, chains), []
        if strand.course.columns:
            lanes = read_lanes(tree[state_path(group.label)].to_dataset())
        standings.append(
            unpack_standing(
                strand.course,
                recorder.cells,
                [PackedLane(**lane) for lane in lanes],
                chains,
                fill,
            )
        )
        run.recorders.append(recorder)
    run.batches = [Batch(tuple(standings))]
    return run


def described_run(problem: Problem, tree: xr.DataTree, rule: Until | None = None) -> Run:
    """Give a run as a tree describes it, whose chains are yet to be put somewhere.

    Parameters
    ----------
    problem, tree, rule
        As in `resume_run`.

    Returns
    -------
    Run

    Raises
    ------
    StoreError
        If the models are not those of the tree.
    """
    _check_models(problem, tree)
    settings = json.loads(tree.attrs["settings"])
    return Run(
        problem,
        int(tree.attrs["random_seed"]),
        [Cohort(Plan(*plan), first) for *plan, first in settings["cohorts"]],
        rule,
        settings["repeats"],
        {"request": settings["request"]},
        log=[_event(row) for row in settings["log"]],
    )


def _check_models(problem: Problem, tree: xr.DataTree) -> None:
    stored, own = json.loads(tree.attrs["specification"]), json.loads(problem.specification_json())
    if problem.by:
        pairs = [(stored.get(group, {}), own[group]) for group in own]
    else:
        pairs = [(stored, own)]
    pairs = [(_conditional(one), _conditional(other)) for one, other in pairs]
    different_pairs = [(one, other) for one, other in pairs if one != other]
    if not different_pairs:
        return
    stored, own = different_pairs[0]
    different = [name for name in {**stored, **own} if stored.get(name) != own.get(name)]
    name = different[0] if different else "(none)"
    raise StoreError(
        f"The model for {name!r} is not the one of the file. In the file: "
        f"{json.dumps(stored.get(name))}. Given: {json.dumps(own.get(name))}. Give the models that "
        "the run was made with."
    )


def _conditional(models: Mapping[str, Any]) -> dict[str, Any]:
    """Leave passive columns out: a function given again may have another name."""
    return {name: model for name, model in models.items() if model["model"] != PASSIVE}


def _take_up(tree: xr.DataTree, group: Group, recorder: RunRecorder) -> None:
    def values(path: str) -> dict[str, Any]:
        dataset = tree[path].to_dataset()
        return {
            str(name): array.transpose("chain", "draw", ...).to_numpy()
            for name, array in dataset.data_vars.items()
        }

    statistics = values("sweep_stats")
    recorder.resume(
        {
            name: values(f"conditionals/{in_group(name, group.label)}/posterior")
            for name in recorder.targets
        },
        {
            name: values(f"conditionals/{in_group(name, group.label)}/sample_stats")
            for name in recorder.targets
        },
        {name: statistics[in_group(name, group.label)] for name in recorder.columns},
        int(tree.attrs["sweeps"]),
    )


def _event(row: Sequence[Any]) -> Event:
    values = dict(zip(EVENT_FIELDS, row, strict=True))
    return Event(**{**values, "severity": Severity(values["severity"])})

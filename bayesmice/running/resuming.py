"""Resuming: a run made again from its tree."""

import json
from collections.abc import Sequence
from typing import Any

import xarray as xr

from bayesmice.data import in_group
from bayesmice.diagnostics import Until
from bayesmice.errors import StoreError
from bayesmice.events import EVENT_FIELDS, Event, Severity
from bayesmice.problem import Group, Problem
from bayesmice.running.records import recorder_of
from bayesmice.running.run import Cohort, Run
from bayesmice.scheduler.packing import (
    PackedLane,
    PackedState,
    cells_by_column,
    unpack_state,
)
from bayesmice.scheduler.plan import Plan
from bayesmice.store import (
    RunRecorder,
    read_state,
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
        strand = run.strand_of(place, chains)
        recorder = recorder_of(strand.course)
        _take_up(tree, group, recorder)
        path = f"state/{group.label}" if group.label else "state"
        cells, kept, lanes = read_state(tree[path].to_dataset())
        packed = PackedState(cells, kept, [PackedLane(**lane) for lane in lanes])
        if strand.course.columns:
            fill = run.fill_of(strand.course, place, chains)
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

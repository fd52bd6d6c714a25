"""Overimputing: a run on the data with some observed cells hidden."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.random import Generator

from bayesmice.data import Column
from bayesmice.data.hiding import Rows, hideable_rows, with_hidden_cells
from bayesmice.diagnostics.overimputation import (
    PIT_STREAM,
    HiddenCells,
    HidingRequest,
    Overimputation,
    hidden_cells,
)
from bayesmice.errors import SpecificationError
from bayesmice.problem import Problem, make_problem
from bayesmice.running.run import LONE_VISITS, Cohort, Run
from bayesmice.scheduler.plan import SWEEPS, make_plan

HIDING_STREAM = 0x41D
"""Keeps the choice of hidden cells apart from the random numbers of the run."""


def overimpute(
    problem: Problem, tree: xr.DataTree, request: HidingRequest, progressbar: bool
) -> tuple[Overimputation, Run]:
    """Hide observed cells, and impute them by the models of a run.

    Parameters
    ----------
    problem : Problem
        Data and models of the run.
    tree : xarray.DataTree
        Its tree.
    request : HidingRequest
        What to hide, and how to impute it.
    progressbar : bool
        Whether to show progress.

    Returns
    -------
    tuple of (Overimputation, Run)
        What was found, and the run that found it.

    Raises
    ------
    SpecificationError
        If a column that was asked for cannot be imputed or has no cell that can be hidden, or there
        is no column at all.
    KeyboardInterrupt
        If it was interrupted: chains of different lengths have nothing to say.
    """
    names, left_out = hideable_columns(problem, request.names)
    rng = np.random.default_rng([request.seed, HIDING_STREAM])
    hidden, too_small = _choose(problem, names, request.share, rng)
    left_out = left_out | too_small
    if not hidden:
        reasons = "; ".join(f"{name} ({why})" for name, why in left_out.items())
        raise SpecificationError(
            f"overimpute found no cell to hide. {reasons or 'No column was imputed'}. Name columns "
            "with var_names=; complete ones can be named too."
        )
    if request.names is not None and too_small:
        name, why = next(iter(too_small.items()))
        raise SpecificationError(f"overimpute cannot hide cells of {name!r}: {why}. Leave it out.")
    other = _hiding(problem, hidden)
    run = _begun(other, tree, request)
    run.go(progressbar)
    if not run.is_finished:
        raise KeyboardInterrupt
    return _found(problem, run, hidden, left_out, request), run


def hideable_columns(
    problem: Problem, names: Sequence[str] | None
) -> tuple[list[str], dict[str, str]]:
    """Choose columns, and say why others that the run imputes are left out.

    Parameters
    ----------
    problem : Problem
        Data and models of the run.
    names : sequence of str or None
        The columns asked for; None for those that the run imputes.

    Returns
    -------
    tuple of (list of str, dict of str to str)
        The columns, and the reasons of others.

    Raises
    ------
    SpecificationError
        If a column that was asked for cannot be imputed, or none was named.
    """
    store = problem.store
    if names is None:
        reasons = {name: _reason(problem, store.columns[name]) for name in store.wanted}
        chosen = [name for name, reason in reasons.items() if not reason]
        return chosen, {name: reason for name, reason in reasons.items() if reason}
    if not names:
        raise SpecificationError(
            "var_names is empty. Leave it out for all columns that the run imputes, or name some "
            f"of {', '.join(store.columns)}."
        )
    for name in names:
        if name not in store.columns:
            raise SpecificationError(
                f"var_names names {name!r}, which is not a column of data. Columns: "
                f"{', '.join(store.columns)}."
            )
        reason = _reason(problem, store.columns[name])
        if reason:
            raise SpecificationError(
                f"overimpute cannot hide cells of {name!r}: {reason}. Leave it out."
            )
    return list(dict.fromkeys(names)), {}


def _reason(problem: Problem, column: Column) -> str:
    """Say why no cell of a column is hidden; an empty text if some may be."""
    passive = problem.read.passive.by_name.get(column.name)
    if passive is not None:
        return f"it is computed, as {passive.text}, and its model is what it is made of"
    if column.is_time:
        return "it holds times, which are not imputed"
    if column.has_limits:
        return (
            "some of its cells are known by limits only; which ones were observed exactly then "
            "depends on their values, so that imputations of the others need not cover them"
        )
    if column.name == problem.by:
        return "its levels are the groups of rows"
    if column.name in problem.read.left_out:
        return "no visit reaches it"
    if column.is_constant:
        return "it has one observed value only, and no model"
    return ""


def _choose(
    problem: Problem, names: Sequence[str], share: float, rng: Generator
) -> tuple[dict[str, Rows], dict[str, str]]:
    """Choose cells in every group of rows, and name the columns in which none can be hidden."""
    hidden = {
        name: np.concatenate(
            [
                hideable_rows(problem.store.columns[name], group.rows, share, rng)
                for group in problem.groups
            ]
        )
        for name in names
    }
    too_small = {
        name: "every level, or one of two values, would lose its last cell"
        for name, rows in hidden.items()
        if not len(rows)
    }
    return {name: np.sort(rows) for name, rows in hidden.items() if len(rows)}, too_small


def _hiding(problem: Problem, hidden: Mapping[str, Rows]) -> Problem:
    """Make the problem again without the hidden cells, and what was computed from them."""
    store, passive = problem.store, problem.read.passive
    without = with_hidden_cells(store, hidden)
    computed = {}
    for one in passive.made_of(hidden):
        rows = [hidden[name] for name in hidden if name in passive.ingredients[one.name]]
        column = without.columns[one.name]
        values = column.values.copy()
        values[np.concatenate(rows)] = np.nan
        if np.isnan(values).all():
            raise SpecificationError(
                f"With these cells hidden, {one.name!r}, which is computed from them, has no "
                "observed value. Give a smaller cells=, or fewer var_names=."
            )
        computed[one.name] = replace(column, values=values)
    try:
        return make_problem(
            replace(problem.read, store=without.with_columns(computed)),
            problem.by or None,
            problem.visit_sequence,
            problem.posts,
        )
    except Exception as error:
        error.add_note("This was with observed cells hidden by overimpute.")
        raise


def _begun(problem: Problem, tree: xr.DataTree, request: HidingRequest) -> Run:
    """Begin the run, in which every draw of a cell comes from a chain of its own."""
    settings = json.loads(tree.attrs["settings"])
    is_lone = max(len(group.specification.missing) for group in problem.groups) == 1
    repeats, sweeps = int(settings["repeats"]), request.sweeps
    if repeats == LONE_VISITS and not is_lone:
        repeats, usual = 1, SWEEPS  # a single column was imputed in one sweep; now they cycle
    else:
        usual = _sweeps_before_first(settings, int(tree.attrs["sweeps"]))
    plan = make_plan(request.m, usual if sweeps is None else sweeps, None, None, None)
    run = Run(problem, request.seed, [Cohort(plan, 0)], None, repeats, {})
    run.begin()
    return run


def _sweeps_before_first(settings: Mapping[str, list[list[int | None]]], sweeps: int) -> int:
    """Give the sweeps that a run took until its first imputation."""
    _, _, thin, burn_in, _ = settings["cohorts"][0]
    return sweeps if burn_in is None or thin is None else min(burn_in + thin, sweeps)


def _found(
    problem: Problem,
    run: Run,
    hidden: Mapping[str, Rows],
    left_out: Mapping[str, str],
    request: HidingRequest,
) -> Overimputation:
    cells = run.cells()
    rng = np.random.default_rng([request.seed, PIT_STREAM])
    groups = np.full(problem.store.n_rows, "", dtype=object)
    for group in problem.groups:
        groups[group.rows] = group.label
    index = problem.store.frame.index
    found: list[HiddenCells] = [
        hidden_cells(
            problem.store.columns[name],
            rows,
            index[rows].tolist(),
            groups[rows].tolist(),
            cells[name],
            rng,
        )
        for name, rows in hidden.items()
    ]
    m = len(run.picks())
    return Overimputation(
        tuple(found), m, run.n_sweeps, request.seed, dict(left_out), tuple(run.log)
    )

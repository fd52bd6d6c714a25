"""New rows: rows that the models of a run impute without learning from them.

Every imputation has its own parameters of every conditional model: those of the chain and the sweep
that it was taken from. Given them, a few sweeps draw the missing cells of the new rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import jax.numpy as jnp
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesmice.data import ColumnStore, encode_new_rows
from bayesmice.errors import DataError, ModelError, SamplingError, SpecificationError
from bayesmice.events import Event, Severity
from bayesmice.kernels import (
    FixedParameters,
    FixedProgram,
    FixedSteps,
    Target,
    at_new_rows,
    expanded,
    fixed_program,
    run_seed,
)
from bayesmice.models import RegressionModel, add_passive, read_trials
from bayesmice.problem import Group
from bayesmice.running.run import Run
from bayesmice.scheduler import (
    ChainState,
    Course,
    Lane,
    Left,
    Strand,
    initial_fill,
    place_chains,
    run_sweep,
    varying_columns,
)
from bayesmice.store import ORIGIN, RunDescription, RunRecorder, StrandRecord, build_tree

NEW_ROWS_STREAM = 0x4E3
"""Keeps these random numbers apart from those of the run."""
SWEEPS = 10
"""Sweeps over rows with several missing cells: the parameters stay, so that the cells mix fast."""
FEWEST = 8
"""Sets of rows are filled up to one of few sizes, of which this is the least."""


class NewRows:
    """Imputes new rows with the parameters of the imputations of a run.

    Parameters
    ----------
    run : Run
        The run, which stays as it is.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._picks = run.picks()
        self._specification = run.problem.specification_json()
        self._learned = {
            group.label: LearnedGroup(run, place, self._picks)
            for place, group in enumerate(run.problem.groups)
        }

    def impute(
        self, data: object, seed: int, sweeps: int | None
    ) -> tuple[xr.DataTree, ColumnStore]:
        """Draw the missing cells of new rows.

        Parameters
        ----------
        data : DataFrame of shape (n_new, n_columns)
            The rows.
        seed : int
            Random seed.
        sweeps : int or None
            Sweeps over the rows; None for as many as they need.

        Returns
        -------
        tuple of (xarray.DataTree, ColumnStore)
            A tree with one imputation for each of the run, and the rows.

        Raises
        ------
        DataTypeError, DataError
            If the rows are not of the form of the data that the models learned from.
        SpecificationError, ModelError
            If no model can impute one of their columns.
        SamplingError
            If a draw is not finite.
        """
        problem = self._run.problem
        specification = problem.groups[0].specification
        computed = problem.read.passive.by_name
        store = encode_new_rows(data, problem.store, computed)
        store = add_passive(store, problem.read.passive, problem.store)
        store = store.with_columns(
            {
                name: store.columns[name].with_where(np.zeros(store.n_rows, dtype=bool))
                for name in specification.left_out
            }
        )
        n_sweeps = _sweeps_needed(store, problem.groups) if sweeps is None else sweeps
        records = [
            self._learned[group.label].impute(store, rows, seed, n_sweeps)
            for group, rows in _parted(problem.groups, problem.by, store)
        ]
        return self._tree(store, records, n_sweeps, seed), store

    def _tree(
        self, store: ColumnStore, records: list[StrandRecord], n_sweeps: int, seed: int
    ) -> xr.DataTree:
        """Arrange the rows as a tree; the parameters stay in the tree of the run."""
        m = len(self._picks)
        description = RunDescription(
            picks=[(place, n_sweeps - 1) for place in range(m)],
            chains=list(range(m)),
            sweeps=n_sweeps,
            random_seed=seed,
            visit_sequence=list(dict.fromkeys(n for r in records for n in r.recorder.columns)),
            specification=self._specification,
        )
        note = Event(
            Severity.INFO,
            "new_rows",
            f"{store.n_rows} new rows were imputed with the parameters of {m} imputations of "
            f"{self._run.problem.store.n_rows} rows, in {n_sweeps} sweeps. No model learned from "
            "them.",
        )
        tree = build_tree(store, records, [note], description)
        tree.attrs[ORIGIN] = "the models of another run (transform)"
        chains, sweeps = np.array(self._picks, dtype=np.int64).reshape(-1, 2).T
        taken = {"imputation_chain": chains, "imputation_sweep": sweeps}
        imputations = tree["imputations"].to_dataset()
        tree["imputations"] = xr.DataTree(
            imputations.assign_coords(
                {
                    name: xr.Variable("imputation", values, imputations[name].attrs)
                    for name, values in taken.items()
                }
            )
        )
        return tree


class LearnedGroup:
    """What a group of rows taught the models, for the imputations of a run.

    Parameters
    ----------
    run : Run
        The run.
    place : int
        Which group.
    picks : list of (int, int)
        Chain and sweep of each imputation.
    """

    def __init__(self, run: Run, place: int, picks: list[tuple[int, int]]) -> None:
        self._group: Group = run.problem.groups[place]
        self._strand: Strand = run.strands[place]
        self._standing = run.standing(place)
        self._recorder = run.recorders[place]
        self._descriptions = run.problem.read.models
        self._stream = (NEW_ROWS_STREAM, place)
        self._chains = np.array([run.chains.index(chain) for chain, _ in picks], dtype=np.intp)
        self._sweeps = np.array([sweep for _, sweep in picks], dtype=np.intp)
        self._fixed: dict[str, tuple[FixedProgram | FixedSteps, FixedParameters]] = {}

    def impute(
        self, whole: ColumnStore, rows: NDArray[np.intp], seed: int, sweeps: int
    ) -> StrandRecord:
        """Draw the missing cells of the new rows that belong to this group.

        Parameters
        ----------
        whole : ColumnStore
            All new rows.
        rows : ndarray of shape (n_group,)
            Positions of those of this group.
        seed : int
            Random seed.
        sweeps : int
            Sweeps over the rows.

        Returns
        -------
        StrandRecord
            What was drawn.
        """
        store = self._read(whole, rows)
        filled_up = np.resize(rows, _size(len(rows)))
        course = self._course(self._read(whole, filled_up), seed)
        m = len(self._chains)
        fill = initial_fill(
            course.store, seed, range(m), course.passive, self._stream, self._strand.course.store
        )
        state = place_chains(course, fill, np.arange(m))
        for name, target in course.targets.items():
            _, parameters = self._fixed[name]
            everyone = np.arange(m)
            state.lanes[name] = [Lane(target.program, everyone, parameters, 0, False, np.zeros(m))]
        order = [n for n in dict.fromkeys(self._strand.sequence(0)) if n in course.targets]
        recorder = RunRecorder([], course.columns)
        for sweep in range(sweeps):
            left = run_sweep(course, state, order, sweep, lambda sweep, name: None)
            recorder.record(_first_cells(left, store))
        _check_finite(recorder.cells)
        return StrandRecord(
            label=self._group.label,
            rows=rows,
            store=store,
            recorder=recorder,
            labels={},
            constants=self._group.specification.constants,
            lanes=None,
        )

    def _read(self, whole: ColumnStore, rows: NDArray[np.intp]) -> ColumnStore:
        """Read rows with the levels of this group."""
        learned = self._strand.course.store
        if not self._group.label:
            return whole.at_rows(rows, whole.columns)
        read = encode_new_rows(whole.frame.iloc[rows], learned)
        return read.with_columns(
            {
                name: read.columns[name].with_where(column.where[rows])
                for name, column in whole.columns.items()
                if column.where is not None
            }
        )

    def _course(self, store: ColumnStore, seed: int) -> Course:
        before, specification = self._strand.course, self._group.specification
        targets: dict[str, Target] = {}
        for column in map(store.columns.__getitem__, store.wanted):
            name = specification.target_of[column.name]
            if name and name not in targets:
                targets[name] = self._target(name, store)
            elif not name and column.name in specification.by_column:
                raise SpecificationError(
                    f"Column {column.name!r} has missing cells in the new rows, but none in the "
                    "data that the models were fitted to, so that its parameters were not sampled. "
                    "Let MICE(where=...) want a cell of it, whose imputations you may ignore."
                )
        return Course(
            store,
            before.design,
            targets,
            before.passive,
            {name: post for name, post in before.posts.items() if store.columns[name].n_missing},
            run_seed(seed, self._stream),
        )

    def _target(self, name: str, store: ColumnStore) -> Target:
        course = self._strand.course
        if name not in self._fixed:
            self._fixed[name] = self._fix(course.targets[name])
        return at_new_rows(
            course.targets[name],
            self._fixed[name][0],
            store,
            course.store,
            self._given(name, store),
        )

    def _given(self, name: str, store: ColumnStore) -> dict[str, NDArray[np.float64]]:
        """Give known parameters in the new rows: those of a column, or the same number in all."""
        model = self._group.specification.models[name]
        if not isinstance(model, RegressionModel) or not model.given:
            return {}
        description = self._descriptions.get((name,))
        trials = getattr(description, "trials", None)
        if isinstance(trials, str):
            (parameter,) = model.given
            return {parameter: read_trials(trials, f"The model for {name!r}", store)}
        return {key: np.full(store.n_rows, values[0]) for key, values in model.given.items()}

    def _fix(self, target: Target) -> tuple[FixedProgram | FixedSteps, FixedParameters]:
        """Take the parameters of all imputations, and the donors where values are matched."""
        program = fixed_program(target.program)
        by_row = [name for name, dims in target.labels.dims.items() if "row" in dims]
        owned = [name for name in by_row if name in self._recorder.parameters(target.name)]
        if owned:
            raise ModelError(
                f"The model for {target.name!r} has a parameter {owned[0]!r} for every row of the "
                "data, and new rows have none. Let rows differ by something that they share, such "
                "as a level, or impute them together with the others, as rows that ignore= marks."
            )
        width = self._strand.course.design.width
        draws = self._recorder.parameters(target.name)
        own = {key: values[self._chains, self._sweeps] for key, values in draws.items()}
        later = {
            key: values[:, values.shape[1] // 2 :].mean(axis=(0, 1))[None]
            for key, values in draws.items()
        }
        estimate = {k: v[0] for k, v in expanded(later, target.labels.kept, width).items()}
        parameters = {
            key: jnp.asarray(values)
            for key, values in expanded(own, target.labels.kept, width).items()
        }
        if not isinstance(program, FixedProgram) or not program.matches:
            return program, FixedParameters(parameters)
        everyone = np.arange(len(self._chains))
        columns = varying_columns(self._completed, target, everyone)
        donors = program.donors(estimate, self._completed.design, columns, target.given)
        return program, FixedParameters(parameters, donors)

    @cached_property
    def _completed(self) -> ChainState:
        """The data that the models learned from, as each imputation completes them."""
        course, cells = self._strand.course, {}
        for name in course.store.incomplete:
            missing = course.store.columns[name].drawn_missing
            if name in self._recorder.columns:
                by_pick = zip(self._chains, self._sweeps, strict=True)
                drawn = [self._recorder.kept[sweep][name][chain] for chain, sweep in by_pick]
                cells[name] = np.stack(drawn)[:, missing]
            else:
                cells[name] = self._standing.cells[name][self._chains]
        return place_chains(course, cells, np.arange(len(self._chains)))


def _parted(
    groups: Sequence[Group], by: str, store: ColumnStore
) -> Iterator[tuple[Group, NDArray[np.intp]]]:
    """Give each group the rows that belong to it."""
    if not by:
        yield groups[0], np.arange(store.n_rows)
        return
    column = store.columns[by]
    if column.n_missing:
        raise DataError(
            f"The new rows have {column.n_missing} missing cells in {by!r}, whose levels have "
            "models of their own. Every row has to belong to a group."
        )
    for code, group in enumerate(groups):
        rows = np.flatnonzero(column.values == code)
        if len(rows):
            yield group, rows


def _size(n_rows: int) -> int:
    """Give the size that rows are filled up to: four sizes from one power of 2 to the next."""
    power = 1 << max(n_rows - 1, FEWEST - 1).bit_length()
    step = max(power // 8, FEWEST)
    return -(-n_rows // step) * step


def _sweeps_needed(store: ColumnStore, groups: Sequence[Group]) -> int:
    """Give one sweep to rows whose draws depend on no other draw, and several to the others."""
    drawn = []
    for name in store.wanted:
        models = [group.specification.by_column.get(name) for group in groups]
        if any(model is not None and len(model.targets) > 1 for model in models):
            return SWEEPS  # cells of blocks are moved rather than drawn
        if any(model is not None for model in models):
            drawn.append(~store.columns[name].observed)
    together = bool(drawn) and bool((np.sum(drawn, axis=0) > 1).any())
    return SWEEPS if together else 1


def _first_cells(left: Left, store: ColumnStore) -> Left:
    """Keep the cells of the rows that are no repetitions."""
    return Left(
        {},
        {},
        {name: cells[:, : store.columns[name].n_drawn] for name, cells in left.cells.items()},
    )


def _check_finite(cells: Mapping[str, NDArray[np.float64]]) -> None:
    for name, values in cells.items():
        if not np.isfinite(values).all():
            raise SamplingError(
                f"A value that was drawn for {name!r} in the new rows is not finite. Look whether "
                "their predictors lie far beyond those that the models learned from."
            )

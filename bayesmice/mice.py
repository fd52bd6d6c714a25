"""`MICE`: the specification and the run."""

from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
from numpy.typing import ArrayLike, NDArray

from bayesmice.errors import NotRunError, SpecificationError
from bayesmice.events import Event
from bayesmice.imputations import Imputations
from bayesmice.kernels import Target
from bayesmice.models import ModelData, Regression
from bayesmice.pooling import PooledResults, pool
from bayesmice.progress import progress_display
from bayesmice.scheduler import initial_fill, run_sweeps, start_chains, visit_sequence
from bayesmice.scheduler.watch import range_events, transition_events
from bayesmice.specification import Specification, specify
from bayesmice.store import RunDescription, RunRecorder, build_tree

MAX_SEED = 2**63
TEXT_WIDTH = 28
"""Letters of predictors and priors in the text; `table` and the HTML show them whole."""


class MICE:
    """Multiple imputation by chained equations, with a PyMC model for every column.

    Parameters
    ----------
    data : DataFrame of shape (n_rows, n_columns)
        The data; missing cells are what pandas calls missing. Numbers are continuous, booleans and
        columns with two observed values binary, strings and unordered categories nominal, ordered
        categories ordinal. Never changed.
    models : mapping of str to Regression or function, optional
        Conditional models of the columns that should not have the default one. A default model is a
        regression on all other columns: gaussian for a continuous column, bernoulli for a binary,
        categorical for a nominal and cumulative for an ordinal one. A function gets ``data``, a
        mapping from column name to ``pm.Data``, and writes a PyMC model with one observed variable
        named after the column.

    Raises
    ------
    DataTypeError
        If ``data`` is not a DataFrame.
    DataError
        If it is empty, has duplicate column names, a column without any observed value, infinite
        values, or a dtype that no model describes.
    SpecificationError, ModelError
        If a model does not fit the data.

    Examples
    --------
    >>> import bayesmice as bm
    >>> data = bm.load_dataset("nhanes2")
    >>> mice = bm.MICE(data)
    >>> imputations = mice.mice(m=3, sweeps=5, random_seed=1, progressbar=False)
    >>> int(imputations.completed(0).isna().sum().sum())
    0
    """

    def __init__(
        self,
        data: pd.DataFrame,
        models: Mapping[str, Regression | Callable[[ModelData], object]] | None = None,
    ) -> None:
        self._specification = specify(data, models)
        self._imputations: Imputations | None = None

    def mice(
        self,
        m: int = 5,
        sweeps: int = 10,
        *,
        random_seed: int | None = None,
        progressbar: bool = True,
    ) -> Imputations:
        """Impute: run m chains, and keep the last state of each as an imputation.

        Parameters
        ----------
        m : int, default 5
            Number of imputations. Each is the last sweep of a chain of its own.
        sweeps : int, default 10
            Sweeps per chain. A sweep visits every incomplete column, fewest missing cells first: it
            takes one transition of the parameters of its conditional model, and then draws its
            missing cells from the posterior predictive distribution.
        random_seed : int, optional
            Seed. The same seed gives the same imputations, and imputation ``i`` does not depend on
            ``m``. By default a fresh one, which is kept in ``imputations.tree.attrs``.
        progressbar : bool, default True
            Whether to show one bar for the run.

        Returns
        -------
        Imputations
            Also kept as ``imputations``.

        Raises
        ------
        SpecificationError
            If ``m`` or ``sweeps`` is less than 1, or the seed is negative.
        SamplingError
            If a model's density or draws are not finite.
        """
        _check_count("m", m)
        _check_count("sweeps", sweeps)
        seed = _check_seed(random_seed)
        specification = self._specification
        targets = {name: specification.target(name) for name in specification.target_names}
        order = visit_sequence(specification.store, specification.target_names)
        recorder = RunRecorder(specification.target_names)
        if order:
            _run(
                specification,
                [targets[name] for name in order],
                m,
                sweeps,
                seed,
                recorder,
                progressbar,
            )
        cells = recorder.cells | {
            name: np.full((m, specification.store.columns[name].n_missing), value)
            for name, value in specification.constant_cells.items()
        }
        tree = build_tree(
            specification.store,
            cells,
            recorder,
            {name: target.labels for name, target in targets.items()},
            [*specification.events, *_run_events(specification, targets, recorder, cells)],
            RunDescription(m, sweeps, seed, order, specification.to_json()),
        )
        self._imputations = Imputations(tree, specification.store)
        return self._imputations

    @property
    def imputations(self) -> Imputations:
        """The imputations of the last run."""
        if self._imputations is None:
            raise NotRunError("There are no imputations yet. Call mice(m=5) first.")
        return self._imputations

    @property
    def data(self) -> list[pd.DataFrame]:
        """The completed data sets of the last run, a list of m data frames."""
        return self.imputations.data

    def pool_results(
        self, results: Iterable[Any], *, df_complete: ArrayLike | None = None
    ) -> PooledResults:
        """Pool the analyses of the completed data sets by Rubin's rules, as `bayesmice.pool` does.

        Parameters
        ----------
        results : iterable of results
            At least two, one per imputation: fitted models of statsmodels, or tuples (estimates,
            covariance).
        df_complete : float, array-like of shape (k,) or Series, optional
            Degrees of freedom had no value been missing. By default the results' own.

        Returns
        -------
        PooledResults
            Its ``summary()`` is the table to report.
        """
        return pool(results, df_complete=df_complete)

    def model(self, name: str) -> pm.Model:
        """Write the conditional model of a column as PyMC sees it.

        Parameters
        ----------
        name : str
            The column.

        Returns
        -------
        pm.Model
            Over the rows in which the column was observed. Missing predictors hold draws from their
            observed values, as they do before the first sweep.

        Raises
        ------
        SpecificationError
            If there is no such column, or it has one observed value only.
        """
        return self._specification.write_model(name)

    @property
    def table(self) -> pd.DataFrame:
        """The conditional models, one row per column: scale, missing, model, predictors, priors."""
        return self._specification.table()

    def __repr__(self) -> str:
        return f"{self._caption()}\n{self.table.to_string(max_colwidth=TEXT_WIDTH)}"

    def _repr_html_(self) -> str:
        table = self.table.to_html(escape=True)
        return f"<p>{escape(self._caption())}</p>\n{table}"

    def _caption(self) -> str:
        store = self._specification.store
        n_missing = sum(column.n_missing for column in store.columns.values())
        state = (
            "not run yet" if self._imputations is None else f"m={self._imputations.m} imputations"
        )
        size = f"{store.n_rows} rows, {len(store.columns)} columns, {n_missing} missing cells"
        return f"MICE: {size}; {state}"


def _run(
    specification: Specification,
    sequence: list[Target],
    m: int,
    sweeps: int,
    seed: int,
    recorder: RunRecorder,
    progressbar: bool,
) -> None:
    store, chains = specification.store, range(m)
    fill = initial_fill(store, seed, chains)
    state = start_chains(store, specification.design, sequence, fill, chains)
    with progress_display(sweeps, len(sequence), progressbar) as progress:
        run_sweeps(state, sequence, sweeps, seed, recorder, progress)


def _run_events(
    specification: Specification,
    targets: Mapping[str, Target],
    recorder: RunRecorder,
    cells: Mapping[str, NDArray[np.float64]],
) -> list[Event]:
    transitions = [
        event
        for name, target in targets.items()
        for event in transition_events(target, recorder.statistics(name))
    ]
    return transitions + range_events(specification.store, cells)


def _check_count(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise SpecificationError(f"{name} is {value!r}; expected a whole number of at least 1.")


def _check_seed(random_seed: Any) -> int:
    if random_seed is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    is_whole = isinstance(random_seed, int | np.integer) and not isinstance(random_seed, bool)
    if not is_whole or not 0 <= int(random_seed) < MAX_SEED:
        raise SpecificationError(
            f"random_seed is {random_seed!r}; expected a whole number from 0 to 2**63 - 1, or None "
            "for a fresh one."
        )
    return int(random_seed)

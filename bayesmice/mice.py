"""`MICE`: the specification and the run."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from numpy.typing import NDArray

from bayesmice import plots
from bayesmice.data import Bounds, Limits
from bayesmice.errors import NotRunError, SpecificationError
from bayesmice.events import Event
from bayesmice.imputations import Imputations
from bayesmice.kernels import Target
from bayesmice.kernels.jaxify import recorded_labels
from bayesmice.models.prior_draws import draw_prior, prior_table
from bayesmice.pooling import PooledResults, pool
from bayesmice.progress import progress_display
from bayesmice.scheduler import initial_fill, run_sweeps, start_chains, visit_sequence
from bayesmice.scheduler.watch import range_events, transition_events
from bayesmice.specification import Models, Specification, specify
from bayesmice.store import RunDescription, RunRecorder, build_tree, prior_tree

if TYPE_CHECKING:
    from arviz_plots import PlotCollection

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
    models : mapping of str to Regression, Custom or function, optional
        Conditional models of the columns that should not have the default one. A default model is a
        regression on all other columns: gaussian for a continuous column (whole numbers are drawn
        by predictive mean matching), bernoulli for a binary, categorical for a nominal and
        cumulative for an ordinal one. A function gets ``data``, a mapping from column name to
        ``pm.Data``, and writes a PyMC model with one observed variable named after the column. A
        tuple of columns is a block that one function imputes together, with one observed variable
        for each.
    bounds : mapping of str to (lower, upper), optional
        Between which numbers all values of a column lie, None for no bound; its gaussian
        distribution is truncated there.
    limits : mapping of str to (lower, upper), optional
        Between which numbers single cells lie that were not observed exactly, such as those below a
        detection limit: one number for all missing cells, an array of shape (n_rows,) with NaN
        where nothing is known, or None. Such cells enter the likelihood as what is known of them,
        and are imputed within their limits.

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
        models: Models | None = None,
        *,
        bounds: Bounds | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._specification = specify(data, models, bounds, limits)
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
        targets = {name: specification.target(name) for name in specification.missing}
        order = visit_sequence(specification.missing)
        recorder = RunRecorder(list(targets), specification.imputed)
        switched: list[Event] = []
        if order:
            switched = _run(
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
            [
                *specification.events,
                *switched,
                *_run_events(specification, targets, recorder, cells),
            ],
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

    def pool_results(self, results: Iterable[Any], **options: Any) -> PooledResults:
        """Pool the analyses of the completed data sets by Rubin's rules, as `bayesmice.pool` does.

        Parameters
        ----------
        results : iterable of results
            At least two, one per imputation, such as fitted models of statsmodels.
        **options
            Passed on to `bayesmice.pool`.

        Returns
        -------
        PooledResults
            Its ``summary()`` is what to report, its ``table`` the same as a data frame.
        """
        return pool(results, **options)

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

    def priors(
        self, name: str, *, draws: int = 2000, random_seed: int | None = None
    ) -> pd.DataFrame:
        """Tabulate the priors of a column's conditional model, and what they mean in numbers.

        Parameters
        ----------
        name : str
            The column.
        draws : int, default 2000
            Draws from the prior that the numbers are taken from.
        random_seed : int, optional
            Seed of those.

        Returns
        -------
        DataFrame
            One row per parameter, by the name that ``priors=`` knows it by: ``prior``, and
            ``mean``, ``sd``, ``q2.5``, ``q97.5`` of the draws, on the scale of the data. A
            parameter without a prior follows from others, such as the ``Intercept`` from the
            centered one. A flat prior has no numbers.

        Raises
        ------
        SpecificationError
            If there is no such column, or it has one observed value only.
        """
        _check_count("draws", draws)
        model, written = self._specification.model(name), self._specification.write_model(name)
        return prior_table(model, written, draws, _check_seed(random_seed))

    def prior_predictive(
        self, name: str, *, draws: int = 500, random_seed: int | None = None
    ) -> xr.DataTree:
        """Draw from the priors of a column's conditional model, and the column from those.

        Parameters
        ----------
        name : str
            The column.
        draws : int, default 500
            How many.
        random_seed : int, optional
            Seed.

        Returns
        -------
        xarray.DataTree
            With the groups ``prior``, ``prior_predictive`` and ``observed_data``, which ArviZ
            reads; over the rows in which the column was observed. Levels are codes.

        Raises
        ------
        SpecificationError
            If there is no such column, or it has one observed value only.
        ModelError
            If a prior is flat, or something else cannot be drawn from.

        Notes
        -----
        Missing predictors hold draws from their observed values. The column is drawn from its
        likelihood, also where cells are imputed by matching. Potentials have no part in the draws.
        """
        _check_count("draws", draws)
        model = self._specification.write_model(name)
        parameters, predictive = draw_prior(model, draws, _check_seed(random_seed))
        columns = [self._specification.store.columns[target] for target in predictive]
        complete = np.logical_and.reduce([column.observed for column in columns])
        observed = {column.name: column.values[complete] for column in columns}  # noqa: PD011
        dims, coords = recorded_labels(model)
        rows = {"row": tuple(np.flatnonzero(complete))}
        return prior_tree(parameters, predictive, observed, (dims, coords | rows), columns)

    def plot_prior_predictive(
        self, name: str, *, draws: int = 50, random_seed: int | None = None
    ) -> "PlotCollection":
        """Show what the priors of a conditional model say of its column, beside observed values.

        Parameters
        ----------
        name : str
            The column.
        draws : int, default 50
            Draws of the whole column; at most 50 are shown.
        random_seed : int, optional
            Seed.

        Returns
        -------
        PlotCollection
            The picture of ArviZ; ``savefig("prior.png")`` writes it to a file. Its marks are in
            ``viz["observed"]`` and ``viz["prior"]``.

        Notes
        -----
        A panel shows the central nine tenths of the drawn values, but at most twice the observed
        range on either side of it; the title says what is left out.
        """
        tree = self.prior_predictive(name, draws=draws, random_seed=random_seed)
        columns = self._specification.store.columns
        targets = (name,) if name in columns else self._specification.model(name).targets
        drawn = {
            target: tree["prior_predictive"][target].isel(chain=0).to_numpy() for target in targets
        }
        picture: PlotCollection = plots.draw_prior_predictive(
            [columns[target] for target in targets], drawn
        )
        return picture

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
) -> list[Event]:
    store, chains = specification.store, range(m)
    fill = initial_fill(store, seed, chains)
    state = start_chains(store, specification.design, sequence, fill, chains)
    with progress_display(sweeps, len(sequence), progressbar) as progress:
        return run_sweeps(state, sequence, sweeps, seed, recorder, progress)


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

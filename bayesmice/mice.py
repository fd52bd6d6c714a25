"""`MICE`: the specification and the run."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from bayesmice import plots
from bayesmice.arguments import check_count, check_seed
from bayesmice.cluster import check_client
from bayesmice.continuation import (
    PILOT,
    add_recommended,
    begin_or_resume,
    run_imputations,
    warn_of_run,
)
from bayesmice.data import Bounds, Limits, Weights
from bayesmice.data.libraries import AnyFrame
from bayesmice.diagnostics import Until, cells_verdict
from bayesmice.errors import NotRunError, SpecificationError
from bayesmice.imputations import Imputations
from bayesmice.later import later
from bayesmice.models.passive import Passive
from bayesmice.models.predictors import Predictors
from bayesmice.pooling import PooledResults, pool
from bayesmice.problem import make_problem
from bayesmice.running import LONE_VISITS, Callback, Checkpoints, Means, prior_groups
from bayesmice.scheduler import Post, VisitOrder
from bayesmice.scheduler.plan import SWEEPS, make_plan
from bayesmice.specification import Models, read

if TYPE_CHECKING:
    import pymc as pm
    from arviz_plots import PlotCollection
    from distributed import Client

    from bayesmice.models import prior_draws
else:
    prior_draws = later("bayesmice.models.prior_draws")

TEXT_WIDTH = 28
"""Letters of predictors and priors in the text; `table` and the HTML show them whole."""


class MICE:
    """Multiple imputation by chained equations, with a PyMC model for every column.

    Parameters
    ----------
    data : DataFrame of shape (n_rows, n_columns)
        The data, of pandas, polars, pyarrow or another library that narwhals reads from memory;
        completed data come back in the same. Missing cells are nulls, and NaN. Numbers are
        continuous, booleans and columns with two observed values binary, strings and unordered
        categories nominal, ordered categories (and an Enum of polars) ordinal. Dates, times and
        durations without missing cells predict other columns, by their number of days from the
        earliest. Never changed.
    models : mapping of str to Regression, Custom or function, optional
        Conditional models of the columns that should not have the default one. A default model is a
        regression on all other columns: gaussian for a continuous column (whole numbers are drawn
        by predictive mean matching), bernoulli for a binary, categorical for a nominal and
        cumulative for an ordinal one. A function gets ``data``, a mapping from column name to
        ``pm.Data``, and writes a PyMC model with one observed variable named after the column. A
        tuple of columns is a block that one function imputes together, with one observed variable
        for each.
    predictors : DataFrame of bool, or mapping of str to list of str, optional
        Which columns predict each target: a matrix with targets as rows and predictors as columns
        (see `predictor_matrix`), or lists by target. It says what ``.`` in a formula stands for; a
        column that a formula or a function names itself is used in any case. By default all
        others, but no passive column predicts what it is made of. In a library whose rows have no
        labels a matrix has a column ``target`` with the names of the targets.
    visit_sequence : str, list of str or callable, default "monotone"
        In which order a sweep visits the targets. ``"roman"`` is the order of the data and
        ``"arabic"`` its reverse, ``"monotone"`` goes from the fewest missing cells to the most and
        ``"revmonotone"`` back, ``"random"`` is a fresh order in each sweep. A list names targets,
        repeats allowed. A function of the sweep (from 0) and the targets gives such a list for
        each sweep.
    passive : mapping of str to str or callable, optional
        Columns that are computed from others: a Python expression in their names, or a function of
        a mapping from column names to completed Series. They are computed again right after any
        column that they are made of. A name that is no column adds one at the end of the data.
    where : DataFrame or array of bool, of shape (n_rows, n_columns), optional
        The cells whose imputations are wanted; by default the missing ones. An observed cell stays
        what it is for the models, and gets imputations beside its value. Missing cells that are not
        wanted stay missing in completed data.
    ignore : array of bool, of shape (n_rows,), or str, optional
        Rows that are imputed, but that no model learns from; or the boolean column that marks them.
    weights : array of shape (n_rows,), or str, optional
        How much each row counts in the likelihoods, at least 0; or the column that says so. A
        weight of 2 counts like two equal rows.
    by : str, optional
        A complete column with levels: every level gets models of its own.
    bounds : mapping of str to (lower, upper), optional
        Between which numbers all values of a column lie, None for no bound; its gaussian
        distribution is truncated there.
    limits : mapping of str to (lower, upper), optional
        Between which numbers single cells lie that were not observed exactly, such as those below a
        detection limit: one number for all missing cells, an array of shape (n_rows,) with NaN
        where nothing is known, or None. Such cells enter the likelihood as what is known of them,
        and are imputed within their limits.
    post : mapping of str to callable, optional
        What is done to the drawn values of a column before other models read them: a function of
        a Series of values and the data frame of the completed rows that they belong to, which gives
        as many values.

    Raises
    ------
    DataTypeError
        If ``data`` is not a data frame, or one that is not in memory, such as a LazyFrame.
    DataError
        If it is empty, has duplicate column names, a column without any observed value, infinite
        values, a dtype that no model describes, or missing cells in a column of times.
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
        data: AnyFrame,
        models: Models | None = None,
        *,
        predictors: Predictors | None = None,
        visit_sequence: VisitOrder = "monotone",
        passive: Passive | None = None,
        where: AnyFrame | ArrayLike | None = None,
        ignore: ArrayLike | str | None = None,
        weights: Weights | None = None,
        by: str | None = None,
        bounds: Bounds | None = None,
        limits: Limits | None = None,
        post: Mapping[str, Post] | None = None,
    ) -> None:
        read_data = read(
            data,
            models,
            bounds,
            limits,
            predictors=predictors,
            passive=passive,
            where=where,
            ignore=ignore,
            weights=weights,
            visit_sequence=visit_sequence,
        )
        self._problem = make_problem(read_data, by, visit_sequence, {} if post is None else post)
        self._imputations: Imputations | None = None

    def mice(
        self,
        m: int | Literal["auto"] = 5,
        sweeps: int | Until | None = None,
        *,
        chains: int | None = None,
        thin: int | None = None,
        burn_in: int | None = None,
        random_seed: int | None = None,
        progressbar: bool = True,
        callback: Callback | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        every: int = 10,
        analysis: Callable[[AnyFrame], Any] | None = None,
        chunk: int | None = None,
        client: Client | None = None,
    ) -> Imputations:
        """Impute: run chains of sweeps, and keep states of them as imputations.

        Parameters
        ----------
        m : int or "auto", default 5
            Number of imputations. ``"auto"`` makes 20 in a pilot run, and as many more as von
            Hippel's rule [1]_ then asks for, so that standard errors would repeat within 5 %.
        sweeps : int or Until, optional
            Sweeps per chain, 10 by default. A sweep visits every target: it takes one transition of
            the parameters of its conditional model, and then draws its missing cells from the
            posterior predictive distribution. Where a single column is imputed nothing cycles, and
            by default one sweep has all of its visits. `bayesmice.until` stops a run when its
            chains have mixed.
        chains : int, optional
            Number of chains; by default one for each imputation, which is its last sweep. Fewer
            chains give several imputations each.
        thin : int, optional
            Sweeps from one imputation of a chain to the next, 5 by default.
        burn_in : int, optional
            Sweeps before the first ``thin`` sweeps; by default 10, or what ``sweeps`` leaves.
        random_seed : int, optional
            Seed. The same seed gives the same imputations, and imputation ``i`` does not depend on
            ``m``. By default a fresh one, which is kept in ``imputations.tree.attrs``.
        progressbar : bool, default True
            Whether to show progress.
        callback : callable, optional
            Called with a `bayesmice.SweepInfo` after each sweep; its ``stop()`` ends the run.
        checkpoint : path-like, optional
            A Zarr folder (``"run.zarr"``) or a netCDF file that the run is saved to every so many
            sweeps. A run that was killed goes on from there when it is called again in the same
            way, and ends with the same result. With ``m="auto"`` it is the pilot run that is saved.
        every : int, default 10
            Sweeps from one checkpoint to the next.
        analysis : callable, optional
            For ``m="auto"``: from completed data to a result that `bayesmice.pool` reads, whose
            fractions of missing information decide. By default the means of the incomplete columns
            and the shares of their levels.
        chunk : int, optional
            How many chains are completed in memory at the same time, at most; the others wait with
            their missing cells and kernel states only. By default all of them. With ``client`` it
            bounds the chains of a task.
        client : dask.distributed.Client, optional
            A cluster of Dask, over whose workers the chains are spread. The result is the same; so
            it is for any number of workers, and when workers die. `docs/scale.md` shows more.

        Returns
        -------
        Imputations
            Also kept as ``imputations``.

        Raises
        ------
        SpecificationError
            If a number is less than 1, numbers contradict each other, the seed is negative, or the
            checkpoint belongs to another run.
        SamplingError
            If no chain survives.

        Warns
        -----
        UserWarning
            If the run was interrupted, or chains were given up, so that there are fewer
            imputations.

        Notes
        -----
        Ctrl-C ends a run and keeps all whole sweeps. If a callback raises an error, the sweeps so
        far are kept in ``imputations``.

        References
        ----------
        .. [1] von Hippel (2020), Sociological Methods & Research 49, 699-718.
        """
        if m == "auto":
            pilot = self.mice(
                PILOT,
                sweeps,
                chains=chains,
                thin=thin,
                burn_in=burn_in,
                random_seed=random_seed,
                progressbar=progressbar,
                callback=callback,
                checkpoint=checkpoint,
                every=every,
                chunk=chunk,
                client=client,
            )
            return add_recommended(pilot, analysis, progressbar)
        check_count("m", m)
        check_count("every", every)
        for name, value in (("chains", chains), ("thin", thin), ("chunk", chunk)):
            if value is not None:
                check_count(name, value)
        rule = sweeps if isinstance(sweeps, Until) else None
        n_sweeps: int | None = None if isinstance(sweeps, Until) else sweeps
        if n_sweeps is not None:
            check_count("sweeps", n_sweeps)
        if burn_in is not None:
            check_count("burn_in", burn_in, least=0)
        if analysis is not None:
            raise SpecificationError(
                "analysis chooses the number of imputations for m='auto'; here m is "
                f"{m}. Give m='auto', or analyze with imputations.analyze(...)."
            )
        if callback is not None and not callable(callback):
            raise SpecificationError(
                f"callback is {callback!r:.60}; expected a function of a bm.SweepInfo."
            )
        is_lone = sweeps is None and chains is None and burn_in is None and self._is_lone
        plan = make_plan(
            m,
            n_sweeps,
            chains,
            thin,
            burn_in,
            default_sweeps=1 if is_lone else SWEEPS,
            is_open=rule is not None,
        )
        run = begin_or_resume(
            self._problem,
            plan,
            rule,
            LONE_VISITS if is_lone else 1,
            None if random_seed is None else check_seed(random_seed),
            lambda: check_seed(None),
            checkpoint,
            Means(chunk, None if client is None else check_client(client)),
        )
        points = None if checkpoint is None else Checkpoints(Path(checkpoint), every)
        try:
            run.go(progressbar, callback, points)
        except Exception as error:
            if run.n_sweeps:
                self._imputations = run_imputations(run)
                error.add_note(f"The {run.n_sweeps} finished sweeps are kept in mice.imputations.")
            raise
        self._imputations = run_imputations(run)
        warn_of_run(run)
        return self._imputations

    @property
    def _is_lone(self) -> bool:
        """Whether nothing cycles: every group has one target at most, in an order with a name."""
        counts = [len(group.specification.missing) for group in self._problem.groups]
        return max(counts) == 1 and isinstance(self._problem.visit_sequence, str)

    @property
    def predictor_matrix(self) -> pd.DataFrame:
        """The columns that the model of each column reads: a bool DataFrame, targets as rows.

        It can be changed and given to ``MICE(predictors=...)``. Rows of columns that are constant
        or passive are all False. With ``by``, a column counts if the model of any group reads it.
        """
        matrices = [group.specification.predictor_matrix for group in self._problem.groups]
        return pd.DataFrame(
            np.logical_or.reduce(matrices), index=matrices[0].index, columns=matrices[0].columns
        )

    @property
    def specification(self) -> dict[str, Any]:
        """The conditional models as plain data, as trees have them in ``attrs["specification"]``.

        A dictionary by target, or by group and target with ``by``. Each has ``targets``,
        ``predictors`` (the columns that it reads), ``model``, ``formula``, ``link``, ``priors`` and
        ``is_visited``, whether sweeps draw cells with it. The ``model`` of a computed column is
        ``"passive"``.
        """
        described: dict[str, Any] = json.loads(self._problem.specification_json())
        return described

    @property
    def imputations(self) -> Imputations:
        """The imputations of the last run."""
        if self._imputations is None:
            raise NotRunError("There are no imputations yet. Call mice(m=5) first.")
        return self._imputations

    @property
    def data(self) -> list[AnyFrame]:
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

    def model(self, name: str, *, group: object = None) -> pm.Model:
        """Write the conditional model of a column as PyMC sees it.

        Parameters
        ----------
        name : str
            The column.
        group : level, optional
            Where the models are separate for groups of rows (``by``), the level of the group.

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
        return self._problem.group(group).specification.write_model(name)

    def priors(
        self,
        name: str,
        *,
        draws: int = 2000,
        random_seed: int | None = None,
        group: object = None,
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
        group : level, optional
            As in `model`.

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
        check_count("draws", draws)
        specification = self._problem.group(group).specification
        model, written = specification.model(name), specification.write_model(name)
        return prior_draws.prior_table(model, written, draws, check_seed(random_seed))

    def prior_predictive(
        self,
        name: str,
        *,
        draws: int = 500,
        random_seed: int | None = None,
        group: object = None,
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
        group : level, optional
            As in `model`.

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
        check_count("draws", draws)
        return prior_groups(self._problem.group(group), name, draws, check_seed(random_seed))

    def plot_prior_predictive(
        self,
        name: str,
        *,
        draws: int = 50,
        random_seed: int | None = None,
        group: object = None,
    ) -> PlotCollection:
        """Show what the priors of a conditional model say of its column, beside observed values.

        Parameters
        ----------
        name : str
            The column.
        draws : int, default 50
            Draws of the whole column; at most 50 are shown.
        random_seed : int, optional
            Seed.
        group : level, optional
            As in `model`.

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
        tree = self.prior_predictive(name, draws=draws, random_seed=random_seed, group=group)
        specification = self._problem.group(group).specification
        columns = specification.store.columns
        targets = (name,) if name in columns else specification.model(name).targets
        drawn = {
            target: tree["prior_predictive"][target].isel(chain=0).to_numpy() for target in targets
        }
        picture: PlotCollection = plots.draw_prior_predictive(
            [columns[target] for target in targets], drawn
        )
        return picture

    @property
    def table(self) -> pd.DataFrame:
        """The conditional models, one row per column: scale, missing, model, predictors, priors.

        With ``by``, one row per group and column.
        """
        tables = {group.label: group.specification.table() for group in self._problem.groups}
        if not self._problem.by:
            return tables[""]
        return pd.concat(tables, names=["group"])

    def __repr__(self) -> str:
        return f"{self._caption()}\n{self.table.to_string(max_colwidth=TEXT_WIDTH)}"

    def _repr_html_(self) -> str:
        run = self._imputations
        texts = [self._caption(), *([] if run is None else [cells_verdict(run.tree)])]
        said = "".join(f"<p>{escape(text)}</p>\n" for text in texts)
        return f"{said}{self.table.to_html(escape=True)}"

    def _caption(self) -> str:
        store = self._problem.store
        n_missing = sum(column.n_missing for column in store.columns.values())
        state = (
            "not run yet" if self._imputations is None else f"m={self._imputations.m} imputations"
        )
        size = f"{store.n_rows} rows, {len(store.columns)} columns, {n_missing} missing cells"
        return f"MICE: {size}; {state}"

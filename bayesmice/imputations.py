"""What a run returns."""

import os
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from bayesmice.analysis.analyses import Analyses, run_analyses
from bayesmice.analysis.bayesian import Sampler, sample_posteriors
from bayesmice.analysis.formulas import FormulaFit, find_model
from bayesmice.analysis.posterior_groups import LogLikelihood
from bayesmice.arguments import check_count, check_seed
from bayesmice.data import ColumnStore, read_condition
from bayesmice.data.libraries import PANDAS, AnyFrame
from bayesmice.diagnostics import convergence_table
from bayesmice.errors import NotRunError, SpecificationError, warn_caller
from bayesmice.events import Event
from bayesmice.progress import counting_display
from bayesmice.store import (
    analysis_dataset,
    check_folder,
    completed_dataset,
    events_from_dataset,
    filter_rows,
    imputed_cells,
    long_frame,
    origin_of,
    r_script,
    select_imputations,
    stacked_frame,
    wide_frame,
    write_long_csv,
    write_tree,
)


class Continuation(Protocol):
    """Lets the run behind imputations go on."""

    def extend(self, sweeps: int, progressbar: bool) -> xr.DataTree:
        """Run further sweeps of all chains, and give the tree of the whole run."""

    def more(self, m: int, progressbar: bool) -> xr.DataTree:
        """Run further chains, and give the tree of all."""

    def impute(
        self, data: object, seed: int, sweeps: int | None
    ) -> tuple[xr.DataTree, ColumnStore]:
        """Impute new rows, and give their tree and their columns."""

    def note(self, event: Event) -> xr.DataTree:
        """Add an event to the log of the run, and give its tree."""

    def portable(self, tree: xr.DataTree) -> "Continuation":
        """Give a continuation that can be pickled, which makes the run again from its tree."""

    def replayed(
        self, tree: xr.DataTree, names: Sequence[str], what: str, progressbar: bool
    ) -> dict[str, xr.Dataset]:
        """Run the sweeps again, and give what was asked for, by the paths of new groups."""

    def log_priors(self, tree: xr.DataTree, names: Sequence[str]) -> dict[str, xr.Dataset]:
        """Evaluate priors at the draws of parameters, by the paths of new groups."""

    def priors(self, names: Sequence[str], draws: int, random_seed: int) -> dict[str, xr.Dataset]:
        """Draw from priors, by the paths of new groups."""


class Imputations:
    """The imputations of one run: completed data, parameters, diagnostics.

    Made by `MICE.mice`, `open_imputations`, `from_long` or `concat`. Everything is kept in `tree`,
    which holds the missing cells only once per imputation; completed data frames are made when
    asked for, in the library that the data came from.

    Parameters
    ----------
    tree : xarray.DataTree
        The tree of a run.
    store : ColumnStore
        The data that were imputed.
    continuation : Continuation, optional
        What lets the run go on.

    Attributes
    ----------
    tree : xarray.DataTree
        Groups ``observed_data``, ``imputations``, ``conditionals/<column>/posterior`` and
        ``sample_stats``, ``sweep_stats`` and ``event_log``; ``docs/tree.md`` describes each. Every
        ``conditionals/<column>`` is a tree that ArviZ reads.
    """

    def __init__(
        self, tree: xr.DataTree, store: ColumnStore, continuation: Continuation | None = None
    ) -> None:
        self.tree = tree
        self._store = store
        self._continuation = continuation

    def __getstate__(self) -> dict[str, Any]:
        continuation = self._continuation
        return self.__dict__ | {
            "_continuation": None if continuation is None else continuation.portable(self.tree)
        }

    @property
    def m(self) -> int:
        """Number of imputations."""
        return int(self.tree["imputations"].sizes["imputation"])

    @property
    def data(self) -> list[AnyFrame]:
        """All completed data sets, a list of m data frames."""
        return list(self)

    @property
    def in_pandas(self) -> "Imputations":
        """These imputations, with pandas frames as completed data.

        Whatever library the data came from; whole numbers and booleans with missing cells have
        pandas' nullable dtypes.
        """
        return Imputations(self.tree, replace(self._store, library=PANDAS), self._continuation)

    def completed(self, imputation: int) -> AnyFrame:
        """Fill the missing cells with one imputation.

        Parameters
        ----------
        imputation : int
            Which one, counted from 0; negative numbers count from the end.

        Returns
        -------
        DataFrame of shape (n_rows, n_columns)
            The data as they came, with every missing cell imputed. The library, index, column
            order, dtypes and categories are kept.

        Raises
        ------
        IndexError
            If there is no such imputation.
        StoreError
            If the imputations were opened from a file, and the library that the data came from is
            not installed; `in_pandas` needs none.
        """
        if not -self.m <= imputation < self.m:
            raise IndexError(
                f"There is no imputation {imputation}; there are {self.m}, counted from 0 to "
                f"{self.m - 1}."
            )
        chosen = self._imputed.isel(imputation=imputation)
        cells = {name: imputed_cells(chosen, name) for name in self._store.wanted}
        return self._store.library.give_back(self._store.complete(cells))

    @property
    def _imputed(self) -> xr.Dataset:
        return self.tree["imputations"].to_dataset()

    def long(self, include_original: bool = False) -> AnyFrame:
        """Put all completed data sets below each other, and say which is which.

        Parameters
        ----------
        include_original : bool, default False
            Whether the data as they came stand first, as imputation 0.

        Returns
        -------
        DataFrame of shape (m * n_rows, 2 + n_columns)
            With the columns ``.imp``, the number of the imputation, and ``.id``, the number of the
            row, before all others. Both count from 1, as R's ``complete(action="long")`` does, so
            that imputation ``.imp`` is ``completed(.imp - 1)``. The index is that of the data,
            repeated, whatever it is: not unique, or of several levels. Dtypes, categories and
            attributes are kept.

        Raises
        ------
        DataError
            If the data have columns ``.imp`` or ``.id`` themselves.

        See Also
        --------
        bayesmice.from_long : Makes imputations of such a table again.

        Examples
        --------
        >>> import bayesmice as bm
        >>> mice = bm.MICE(bm.load_dataset("nhanes2"))
        >>> imputations = mice.mice(m=2, sweeps=3, random_seed=1, progressbar=False)
        >>> table = imputations.long(include_original=True)
        >>> table.shape, table[".imp"].unique().tolist()
        ((75, 6), [0, 1, 2])
        >>> table.groupby(".imp")["bmi"].count().tolist()
        [16, 25, 25]
        """
        table = long_frame(self._store, self._imputed, include_original)
        return self._store.library.give_back(table)

    def stacked(self) -> AnyFrame:
        """Put all completed data sets below each other.

        Returns
        -------
        DataFrame of shape (m * n_rows, n_columns)
            The rows of `long` without its first two columns, as R's ``complete(action="stacked")``.
            The index is that of the data, repeated.

        Notes
        -----
        An analysis of this table takes each row for m rows: its standard errors are too small. Pool
        analyses of the completed data sets instead; see `analyze`.
        """
        return self._store.library.give_back(stacked_frame(self._store, self._imputed))

    def wide(self) -> AnyFrame:
        """Put all completed data sets beside each other.

        Returns
        -------
        DataFrame of shape (n_rows, m * n_columns)
            Columns ``bmi.1``, ``chl.1``, ..., ``bmi.2``, ``chl.2``, ..., as R's
            ``complete(action="broad")``: imputations are counted from 1. Labels that are not
            strings become strings.
        """
        return self._store.library.give_back(wide_frame(self._store, self._imputed))

    def to_dataset(self) -> xr.Dataset:
        """Arrange all completed data sets as a dataset of xarray.

        Returns
        -------
        xarray.Dataset
            One variable per column, over ``imputation`` (counted from 0) and ``row``; over ``row``
            alone where nothing was imputed, since all imputations agree. Columns with levels hold
            codes with the CF attributes ``flag_values`` and ``flag_meanings``, and the exact levels
            as JSON in ``levels``, as in the tree. An index that does not just count rows is in the
            coordinates ``index_level_0``, ``index_level_1``, ...

        Examples
        --------
        >>> import bayesmice as bm
        >>> mice = bm.MICE(bm.load_dataset("nhanes2"))
        >>> imputations = mice.mice(m=2, sweeps=3, random_seed=1, progressbar=False)
        >>> completed = imputations.to_dataset()
        >>> dict(completed["bmi"].sizes), dict(completed["age"].sizes)
        ({'imputation': 2, 'row': 25}, {'row': 25})
        >>> completed["hyp"].attrs["flag_meanings"]
        'no yes'
        """
        return completed_dataset(self._store, self._imputed)

    def to_mids_csv(
        self,
        path: str | os.PathLike[str],
        *,
        script: str | os.PathLike[str] | None = None,
    ) -> Path:
        """Write the original and all completed data sets as a CSV file for R's mice.

        In R, with factors whose levels are sorted as text::

            imp <- mice::as.mids(read.csv("run.csv", stringsAsFactors = TRUE))

        A CSV file does not hold the order of levels. Either set it in R::

            long <- read.csv("run.csv")
            long$stage <- factor(long$stage, levels = c("I", "II", "III"), ordered = TRUE)
            imp <- mice::as.mids(long)

        or let ``script`` write these lines for all columns of these data.

        Parameters
        ----------
        path : path-like
            Where to. An older file is replaced.
        script : path-like, optional
            Where to write lines of R that read the file, ``path`` as given here: they make factors
            with all levels in their order, ordered where they are here, and ``imputations``, a mids
            object. Where other cells than the missing ones were imputed (``where=``, ``limits=``),
            they tell R which.

        Returns
        -------
        Path
            The CSV file. Missing cells are ``NA``, booleans ``TRUE`` and ``FALSE``, numbers have
            the digits that tell them apart. Rows are numbered by ``.id``; their index is not in the
            file.

        Raises
        ------
        DataError
            If the data have columns ``.imp`` or ``.id``, or a level ``NA``.
        FileNotFoundError
            If the folder does not exist.

        Notes
        -----
        R changes column names that are not its own, such as ``my bmi`` to ``my.bmi``.
        """
        if script is not None:
            check_folder(script)
        written = write_long_csv(self._store, self._imputed, path)
        if script is not None:
            Path(script).write_text(r_script(self._store, path), encoding="utf-8")
        return written

    def select(self, imputations: slice | ArrayLike) -> "Imputations":
        """Choose imputations.

        Parameters
        ----------
        imputations : int, slice, or array-like of int or of bool
            Which ones, counted from 0, as in indexing a list or an array; negative numbers count
            from the end. They are numbered anew, in the order given.

        Returns
        -------
        Imputations
            New ones: they are completed, analyzed, pooled and saved like any, but no run goes on
            from them. Conditionals and sweep statistics are those of the chains that the chosen
            imputations were taken from.

        Raises
        ------
        IndexError
            If there is no such imputation.
        SpecificationError
            If none is chosen, or one of them twice.

        Examples
        --------
        >>> import bayesmice as bm
        >>> mice = bm.MICE(bm.load_dataset("nhanes2"))
        >>> imputations = mice.mice(m=2, sweeps=3, random_seed=1, progressbar=False)
        >>> imputations.select([1]).completed(0).equals(imputations.completed(1))
        True
        """
        positions = _positions(imputations, self.m)
        tree = select_imputations(self.tree, self._store, positions)
        return Imputations(tree, self._store)

    def filter_rows(self, condition: ArrayLike | Callable[[AnyFrame], Any]) -> "Imputations":
        """Choose rows.

        Which rows stay has to be the same in all imputations, so it can depend on the data as they
        came only. To choose by imputed values, do so in the function given to `analyze`.

        Parameters
        ----------
        condition : array-like of bool, of shape (n_rows,), or callable
            True for the rows that stay, or a function from the data as they came to that, such as
            ``lambda data: data["age"] > 40``. A Series has the index of the data. A missing mark
            counts as False, as a comparison with a missing value does in pandas.

        Returns
        -------
        Imputations
            New ones: they are completed, analyzed, pooled and saved like any, but no run goes on
            from them. Conditionals and sweep statistics stay those of the run, over all its rows.

        Raises
        ------
        SpecificationError
            If the condition is of another form, or no row is left.

        Examples
        --------
        >>> import bayesmice as bm
        >>> mice = bm.MICE(bm.load_dataset("nhanes2"))
        >>> imputations = mice.mice(m=2, sweeps=3, random_seed=1, progressbar=False)
        >>> imputations.filter_rows(lambda data: data["age"] != "20-39").completed(0).shape
        (13, 4)
        """
        rows = read_condition(self._store, condition)
        return Imputations(*filter_rows(self.tree, self._store, rows))

    @property
    def events(self) -> pd.DataFrame:
        """What happened: a table with severity, code, message, variable, chain and sweep."""
        return events_from_dataset(self.tree["event_log"].to_dataset())

    @property
    def incomplete(self) -> list[Hashable]:
        """Labels of the columns that have imputed cells, as they stand in the data."""
        return [self._store.label(name) for name in self._store.wanted]

    def note(self, event: Event) -> None:
        """Add an event to the log.

        Parameters
        ----------
        event : Event
            What a user should know.
        """
        before = self.tree
        self.tree = self._going_on("note").note(event)
        for node in before.subtree:  # what was added to the tree of the run stays in it
            if node.path not in self.tree.groups:
                self.tree[node.path] = xr.DataTree(node.to_dataset(inherit=False))

    def extend(self, sweeps: int, *, progressbar: bool = True) -> "Imputations":
        """Go on with all chains from where they stopped.

        The result is that of a run that had this length from the beginning, draw for draw, also
        after saving and opening it in another process.

        Parameters
        ----------
        sweeps : int
            Sweeps to add. Where chains give several imputations, a multiple of their distance: the
            burn-in gets longer, and as many imputations are taken at the end.
        progressbar : bool, default True
            Whether to show progress.

        Returns
        -------
        Imputations
            This object, whose tree has changed. Groups that `sample`, `add_log_likelihood` and the
            like put into it belonged to the former run, and are dropped.

        Raises
        ------
        SpecificationError
            If ``sweeps`` is not a whole number of at least 1, or no such multiple.
        StoreError
            If the imputations were opened from a file, and something has to be given again; see
            `bayesmice.open_imputations`.

        Examples
        --------
        >>> import bayesmice as bm
        >>> mice = bm.MICE(bm.load_dataset("nhanes2"))
        >>> imputations = mice.mice(m=2, sweeps=5, random_seed=1, progressbar=False)
        >>> imputations.extend(sweeps=3, progressbar=False).tree.attrs["sweeps"]
        8
        """
        check_count("sweeps", sweeps)
        self.tree = self._going_on("extend").extend(int(sweeps), progressbar)
        return self

    def more(self, m: int, *, progressbar: bool = True) -> "Imputations":
        """Add imputations from further chains, which run for as many sweeps.

        Parameters
        ----------
        m : int
            Number of imputations to add.
        progressbar : bool, default True
            Whether to show progress.

        Returns
        -------
        Imputations
            This object, with the imputations that a run with a larger ``m`` would have made.

        Raises
        ------
        SpecificationError
            If ``m`` is not a whole number of at least 1.
        StoreError
            As in `extend`.
        """
        check_count("m", m)
        self.tree = self._going_on("more").more(int(m), progressbar)
        return self

    def transform(
        self,
        new_data: AnyFrame,
        *,
        random_seed: int | None = None,
        sweeps: int | None = None,
    ) -> "Imputations":
        """Impute rows that no model has learned from.

        Imputation ``i`` of the new rows has the parameters of every conditional model that
        imputation ``i`` of the data was drawn with, so that their uncertainty is in it. Nothing is
        fitted again.

        Parameters
        ----------
        new_data : DataFrame of shape (n_new, n_columns)
            The columns of the data, in any order, of any library; any of their cells may be
            missing, if the column had missing cells in the data too (or ``where`` wanted some).
        random_seed : int, optional
            Seed; by default a fresh one.
        sweeps : int, optional
            Sweeps over the rows. Those with a single missing cell each need one; others get 10 by
            default, in which their cells come to agree with each other.

        Returns
        -------
        Imputations
            Of the new rows, with as many imputations; they cannot be extended.

        Raises
        ------
        DataTypeError, DataError
            If the rows are none, lack a column or have others, or a cell holds a level that the
            models have not seen.
        SpecificationError
            If a column has missing cells that had none in the data.
        StoreError
            If the imputations were opened from a file, and models have to be given again; see
            `bayesmice.open_imputations`.

        Notes
        -----
        Predictive mean matching takes donors from the data. It compares the predictions of the
        new rows with those of the donors at the average of the parameters over all chains and the
        later half of their sweeps.

        Examples
        --------
        >>> import bayesmice as bm
        >>> data = bm.load_dataset("nhanes2")
        >>> imputations = bm.MICE(data.iloc[:20]).mice(m=2, random_seed=1, progressbar=False)
        >>> new = imputations.transform(data.iloc[20:], random_seed=1)
        >>> new.m, len(new.completed(0)), int(new.completed(0).isna().sum().sum())
        (2, 5, 0)
        """
        seed = check_seed(random_seed)
        if sweeps is not None:
            check_count("sweeps", sweeps)
        tree, store = self._going_on("transform").impute(new_data, seed, sweeps)
        return Imputations(tree, store)

    def _going_on(self, verb: str) -> Continuation:
        origin = origin_of(self.tree)
        if origin is not None:
            raise NotRunError(
                f"{verb} needs the run behind the imputations, and these come from {origin}, which "
                "no run goes on from. Only what mice.mice(...) gave can go on: do that first, and "
                "select, filter or combine afterwards."
            )
        if self._continuation is None:
            raise NotRunError(
                f"{verb} needs the run behind the imputations, and these were made from a tree "
                "alone. Use what mice.mice(...) or bm.open_imputations(path) gave."
            )
        return self._continuation

    def add_log_likelihood(self, *names: str, progressbar: bool = True) -> "Imputations":
        """Add the log-likelihood of every observed row in every sweep to conditional models.

        The predictors of a sweep are the completed columns of that sweep, which no tree holds. So
        the sweeps are run again, which takes as long as the run did, and gives the same draws: all
        parameters are compared with those of the tree. ``az.loo(tree["conditionals/bmi"])`` reads
        the result.

        Parameters
        ----------
        *names : str
            Conditional models, by their names in ``tree["conditionals"]`` (``"bmi"``, or
            ``"bmi[sex=male]"`` with ``by``); all by default.
        progressbar : bool, default True
            Whether to show progress.

        Returns
        -------
        Imputations
            This object, in whose tree ``/conditionals/<column>`` has the groups ``log_likelihood``
            and ``observed_data``. They are dropped when the run goes on.

        Raises
        ------
        SpecificationError
            If there is no such model.
        StoreError
            If the run cannot be reproduced, or was opened from a file and something has to be
            given again; see `bayesmice.open_imputations`.

        Notes
        -----
        A row counts times its weight, and not at all with a weight of zero; a cell with limits
        counts by the probability of these. All sweeps are there, those before chains have mixed
        too: ``tree["conditionals/bmi"].isel(draw=slice(5, None))`` leaves the first ones out.

        Examples
        --------
        >>> import bayesmice as bm
        >>> data = bm.load_dataset("nhanes2")
        >>> imputations = bm.MICE(data).mice(m=2, sweeps=5, random_seed=1, progressbar=False)
        >>> _ = imputations.add_log_likelihood("bmi", progressbar=False)
        >>> dict(imputations.tree["conditionals/bmi/log_likelihood/bmi"].sizes)
        {'chain': 2, 'draw': 5, 'row': 16}
        """
        return self._replayed("log_likelihood", names, progressbar)

    def add_posterior_predictive(self, *names: str, progressbar: bool = True) -> "Imputations":
        """Add draws of every observed row from its likelihood in every sweep.

        The sweeps are run again, as in `add_log_likelihood`; the draws of the run are not
        disturbed. ``az.plot_ppc_dist(tree["conditionals/bmi"])`` compares draws with what was
        observed.

        Parameters
        ----------
        *names, progressbar
            As in `add_log_likelihood`.

        Returns
        -------
        Imputations
            This object, in whose tree ``/conditionals/<column>`` has the groups
            ``posterior_predictive`` and ``observed_data``.

        Raises
        ------
        SpecificationError, StoreError
            As in `add_log_likelihood`.

        Notes
        -----
        A column is drawn from its likelihood, also where cells are imputed by matching. It costs a
        number of eight bytes for every chain, sweep and observed row.
        """
        return self._replayed("posterior_predictive", names, progressbar)

    def _replayed(self, what: str, names: Sequence[str], progressbar: bool) -> "Imputations":
        going_on = self._going_on(f"add_{what}")
        return self._added(going_on.replayed(self.tree, names, what, progressbar))

    def add_log_prior(self, *names: str) -> "Imputations":
        """Add the log-density of every prior at the parameters of every sweep.

        With the log-likelihood it is what ``az.psense_summary(tree["conditionals/bmi"])`` needs, to
        tell how much an imputation model depends on its priors.

        Parameters
        ----------
        *names : str
            As in `add_log_likelihood`.

        Returns
        -------
        Imputations
            This object, in whose tree ``/conditionals/<column>`` has the group ``log_prior``.

        Raises
        ------
        SpecificationError, StoreError
            As in `add_log_likelihood`.
        ModelError
            If the prior of a custom model depends on a column with missing cells.
        """
        return self._added(self._going_on("add_log_prior").log_priors(self.tree, names))

    def add_prior(
        self, *names: str, draws: int = 500, random_seed: int | None = None
    ) -> "Imputations":
        """Add draws from the priors of conditional models, and of the columns given those.

        Parameters
        ----------
        *names : str
            As in `add_log_likelihood`.
        draws : int, default 500
            How many.
        random_seed : int, optional
            Seed.

        Returns
        -------
        Imputations
            This object, in whose tree ``/conditionals/<column>`` has the groups ``prior``,
            ``prior_predictive`` and ``observed_data``; `MICE.prior_predictive` gives the same.

        Raises
        ------
        SpecificationError, StoreError
            As in `add_log_likelihood`.
        ModelError
            If a prior is flat, or something else cannot be drawn from.
        """
        check_count("draws", draws)
        seed = check_seed(random_seed)
        return self._added(self._going_on("add_prior").priors(names, draws, seed))

    def _added(self, groups: Mapping[str, xr.Dataset]) -> "Imputations":
        for path, dataset in groups.items():
            self.tree[path] = xr.DataTree(dataset)
        return self

    def convergence(self) -> pd.DataFrame:
        """Tabulate rank-normalized R-hat and effective sample sizes over sweeps, the worst first.

        Returns
        -------
        DataFrame
            One row for the mean and the standard deviation of each column's imputed cells and for
            each parameter: ``variable, quantity, r_hat, ess_bulk, ess_tail``. NaN where there are
            fewer than four sweeps (or, for R-hat, a single chain).

        Raises
        ------
        NotRunError
            If the imputations come from a table, or from runs whose sweeps were left out.
        """
        return convergence_table(self.tree)

    def analyze(
        self,
        analysis: Callable[[AnyFrame], Any],
        *,
        progressbar: bool = True,
        workers: int | None = None,
    ) -> Analyses:
        """Run an analysis on every completed data set.

        Parameters
        ----------
        analysis : callable
            From a completed data frame, in the library that the data came from, to a result, such
            as a fitted model of statsmodels.
        progressbar : bool, default True
            Whether to show a progress bar.
        workers : int, optional
            Number of processes to spread the analyses over, -1 for all cores. By default they run
            in this process, which is faster for fits that take less than a second.

        Returns
        -------
        Analyses
            The results in the order of the imputations; ``.pool()`` pools them.

        Raises
        ------
        AnalysisError
            If the analysis fails for every imputation.

        Warns
        -----
        UserWarning
            If it fails for some: their errors are kept in ``.failed``, and the others stay.
        """
        with counting_display("Analyzing", self.m, progressbar) as progress:
            analyses = run_analyses(self, analysis, workers=workers, progress=progress)
        _warn_failed(analyses)
        return analyses

    def fit(
        self,
        formula: str,
        model: str | Callable[..., Any] = "ols",
        *,
        fit_options: Mapping[str, Any] | None = None,
        progressbar: bool = True,
        workers: int | None = None,
        **model_options: Any,
    ) -> Analyses:
        """Fit a regression of statsmodels to every completed data set.

        Parameters
        ----------
        formula : str
            In the grammar of statsmodels, such as ``"chl ~ age + bmi"``.
        model : str or callable, default "ols"
            A function of `statsmodels.formula.api` by its name (``"logit"``, ``"poisson"``,
            ``"glm"``, ``"mixedlm"``...), or a function of formula and data, such as
            ``OrderedModel.from_formula``.
        fit_options : mapping, optional
            Arguments of the model's ``fit``, such as ``{"cov_type": "HC1"}``.
        progressbar, workers
            As in `analyze`.
        **model_options
            Passed on to the model, such as ``family=`` of a GLM or ``groups=`` of a mixed model.

        Returns
        -------
        Analyses
            The fits; ``.pool()`` pools them.

        Raises
        ------
        AnalysisError
            If statsmodels is not installed, has no such model, or the fit fails for every
            imputation.
        """
        analysis = FormulaFit(formula, find_model(model), model_options, fit_options or {})
        with counting_display("Fitting", self.m, progressbar) as progress:
            fits = run_analyses(self.in_pandas, analysis, workers=workers, progress=progress)
        _warn_failed(fits)
        return fits

    def sample(
        self,
        model: Any,
        *,
        draws: int = 1000,
        tune: int = 1000,
        chains: int = 4,
        random_seed: int | None = None,
        family: str | None = None,
        sampler: Sampler = "auto",
        log_likelihood: LogLikelihood = False,
        target_accept: float = 0.8,
        progressbar: bool = True,
    ) -> xr.DataTree:
        """Sample the posterior of an analysis model given every completed data set.

        The model is written for every data set, compiled once, and sampled by NUTS. Pool the
        posteriors with `bayesmice.pool` (Rubin's rules) or `bayesmice.mix` (all draws together).

        Parameters
        ----------
        model : callable, bambi.Model or str
            A function that gets ``data`` and writes a PyMC model, like a custom conditional model
            but with any number of observed variables; a Bambi model; or a formula for one.
        draws, tune : int, default 1000
            Draws kept, and transitions of adaptation before them, per chain.
        chains : int, default 4
            Chains per imputation.
        random_seed : int, optional
            Seed. The draws of imputation ``i`` do not depend on ``m``.
        family : str, optional
            Family of a formula, as Bambi names it; gaussian by default.
        sampler : {"auto", "blackjax", "nutpie", "pymc"}, default "auto"
            BlackJAX wherever JAX can run the model, PyMC's own step methods elsewhere; nutpie, an
            optional package, takes longer to compile and then draws faster.
        log_likelihood : bool or "loo", default False
            Whether to keep the log-likelihood of every observation at every draw, or only its
            pointwise PSIS-LOO; `bayesmice.loo` and `bayesmice.compare` need either.
        target_accept : float, default 0.8
            Acceptance probability that step sizes are adapted to.
        progressbar : bool, default True
            Whether to show a progress bar.

        Returns
        -------
        xarray.DataTree
            Groups ``posterior`` and ``sample_stats`` over imputation, chain and draw,
            ``observed_data``, and ``log_likelihood`` or ``loo`` where asked for. Its posterior
            becomes the group ``posterior`` of the run's ``tree`` too.

        Raises
        ------
        SpecificationError
            If an argument is wrong.
        ModelError
            If the model cannot be sampled, or its parameters differ between data sets.
        SamplingError
            If the density is not finite where a chain begins.

        Warns
        -----
        UserWarning
            If data sets need different programs, or the chains of some imputation have not mixed.
        """
        with counting_display("Sampling", self.m, progressbar) as progress:
            posterior = sample_posteriors(
                self.in_pandas,
                model,
                draws=draws,
                tune=tune,
                chains=chains,
                random_seed=random_seed,
                family=family,
                sampler=sampler,
                log_likelihood=log_likelihood,
                target_accept=target_accept,
                progress=lambda done, total: progress(done),
            )
        self.tree["posterior"] = xr.DataTree(analysis_dataset(posterior["posterior"].to_dataset()))
        return posterior

    def to_netcdf(self, path: str | os.PathLike[str]) -> Path:
        """Write the tree to a netCDF file, whole or not at all.

        Parameters
        ----------
        path : path-like
            Where to. An older file of that name is replaced.

        Returns
        -------
        Path
            The file; `open_imputations` reads it.
        """
        return write_tree(self.tree, path)

    def to_zarr(self, path: str | os.PathLike[str]) -> Path:
        """Write the tree to a Zarr folder, whole or not at all.

        Parameters
        ----------
        path : path-like
            Where to; it has to end with ``.zarr``. An older folder of that name is replaced.

        Returns
        -------
        Path
            The folder; `open_imputations` reads it.

        Raises
        ------
        SpecificationError
            If the path does not end with ``.zarr``.
        """
        if Path(path).suffix != ".zarr":
            raise SpecificationError(
                f"to_zarr got the path {os.fspath(path)!r}; expected one that ends with '.zarr', "
                "by which open_imputations knows the folder."
            )
        return write_tree(self.tree, path)

    def __len__(self) -> int:
        return self.m

    def __iter__(self) -> Iterator[AnyFrame]:
        return (self.completed(imputation) for imputation in range(self.m))

    def __repr__(self) -> str:
        return f"{self._caption()}\n{self._table().to_string()}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(self._caption())}</p>\n{self._table().to_html(escape=True)}"

    def _caption(self) -> str:
        events = self.events
        n_warnings = int((events["severity"] == "warning").sum())
        noted = f"{len(events)} events, {n_warnings} of them warnings (.events)"
        origin = origin_of(self.tree)
        if origin is not None:
            return f"Imputations: m={self.m}, {self._store.n_rows} rows, from {origin}; {noted}"
        return (
            f"Imputations: m={self.m}, {self.tree.attrs['sweeps']} sweeps, {self._store.n_rows} "
            "rows, "
            f"random_seed={self.tree.attrs['random_seed']}; {noted}"
        )

    def _table(self) -> pd.DataFrame:
        rows = [
            {
                "variable": name,
                "scale": str(self._store.columns[name].scale),
                "missing": self._store.columns[name].n_missing,
                "fraction": round(self._store.columns[name].n_missing / self._store.n_rows, 3),
            }
            for name in self._store.wanted
        ]
        columns = ["variable", "scale", "missing", "fraction"]
        return pd.DataFrame(rows, columns=columns).set_index("variable")


def _positions(given: Any, m: int) -> list[int]:
    """Read a choice of imputations as an array reads an index."""
    index = given if isinstance(given, slice) else np.atleast_1d(np.asarray(given))
    if isinstance(index, np.ndarray) and (
        index.ndim != 1 or (index.size and index.dtype.kind not in "biu")
    ):
        raise SpecificationError(
            f"select got {given!r}; expected numbers of imputations, such as [0, 2], a slice, or "
            "one True or False for each."
        )
    if isinstance(index, np.ndarray) and not index.size:
        index = index.astype(np.intp)
    try:
        positions: list[int] = np.arange(m)[index].tolist()
    except IndexError as error:
        raise IndexError(
            f"select got {given!r}; there are {m} imputations, counted from 0 to {m - 1}."
        ) from error
    if not positions:
        raise SpecificationError(
            f"select got {given!r}, which chooses none of the {m} imputations."
        )
    if len(set(positions)) < len(positions):
        raise SpecificationError(
            f"select got {given!r}, which chooses an imputation twice. It would count as two, and "
            "the variance between imputations would come out too small."
        )
    return positions


def _warn_failed(analyses: Analyses) -> None:
    failed = analyses.failed
    if failed:
        numbers = ", ".join(str(one.imputation) for one in failed)
        warn_caller(
            f"The analysis of {len(failed)} of {len(analyses)} imputations failed: {numbers} "
            f"(counted from 0); of imputation {failed[0].imputation} with {failed[0].reason}. The "
            f"others are kept; .pool(drop_failed=True) pools them."
        )

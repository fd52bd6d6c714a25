"""Going on with a run: more sweeps, more chains, new rows, and what only a run can tell."""

from collections.abc import Mapping, Sequence
from typing import Self

import xarray as xr

from bayesmice.arguments import check_count, check_seed
from bayesmice.data.libraries import AnyFrame
from bayesmice.events import Event
from bayesmice.imputations.kept_run import KeptRun


class GoingOn(KeptRun):
    """What needs the run behind the imputations."""

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

    def extend(self, sweeps: int, *, progressbar: bool = True) -> Self:
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

    def more(self, m: int, *, progressbar: bool = True) -> Self:
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
    ) -> Self:
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
        return type(self)(tree, store)

    def add_log_likelihood(self, *names: str, progressbar: bool = True) -> Self:
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

    def add_posterior_predictive(self, *names: str, progressbar: bool = True) -> Self:
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

    def _replayed(self, what: str, names: Sequence[str], progressbar: bool) -> Self:
        going_on = self._going_on(f"add_{what}")
        return self._added(going_on.replayed(self.tree, names, what, progressbar))

    def add_log_prior(self, *names: str) -> Self:
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

    def add_prior(self, *names: str, draws: int = 500, random_seed: int | None = None) -> Self:
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

    def _added(self, groups: Mapping[str, xr.Dataset]) -> Self:
        for path, dataset in groups.items():
            self.tree[path] = xr.DataTree(dataset)
        return self

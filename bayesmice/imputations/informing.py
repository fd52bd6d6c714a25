"""What missing values cost, and whether imputations of observed values are right."""

from collections.abc import Sequence

from bayesmice.arguments import check_count, check_seed
from bayesmice.diagnostics import (
    HidingRequest,
    MissingInformation,
    Overimputation,
    missing_information,
)
from bayesmice.errors import SpecificationError
from bayesmice.imputations.kept_run import KeptRun

MOST_HIDDEN = 0.5
"""Share of the observed cells; with more hidden the models learn from other data than the run's."""


class Informing(KeptRun):
    """Missing information, and overimputation."""

    def fmi(self, var_names: str | Sequence[str] | None = None) -> MissingInformation:
        r"""Say how much information is missing of each column's mean, and of each missing cell.

        Parameters
        ----------
        var_names : str or sequence of str, optional
            Columns with imputed missing cells; all by default.

        Returns
        -------
        MissingInformation
            ``table`` has a row for the mean of each column, or for the share of each of its levels:
            fraction of missing information, degrees of freedom, relative efficiency. ``cells`` has
            a row per missing cell, with the variance between its imputations. ``flux`` says how
            columns are connected. `bayesmice.plot_fmi` draws it.

        Raises
        ------
        SpecificationError
            If no missing cell was imputed, or none of a column that is named.
        PoolingError
            If there is a single imputation.

        See Also
        --------
        bayesmice.flux : Influx and outflux, which need no imputations.
        bayesmice.PooledResults : Fractions of missing information of an analysis.

        Notes
        -----
        Means are pooled by Rubin's rules. The fraction is
        :math:`(r + 2/(\nu + 3)) / (1 + r)` with the relative increase of variance r and the
        degrees of freedom :math:`\nu` of Barnard and Rubin [1]_ [2]_; it is below the share of
        missing cells where other columns tell something of them, and above it where imputed values
        vary more than observed ones. With few imputations it is hardly known: look at
        its interval.

        m imputations instead of infinitely many make variances larger by
        :math:`1 + \mathrm{fmi}/m` [1]_. So few imputations are efficient; but it takes more for
        standard errors and p-values that would come out the same again
        (`PooledResults.recommended_m`).

        It is about means of the columns, whatever their weights, and over all rows that have a
        value. An analysis has fractions of its own: ``pool().table["fmi"]``.

        References
        ----------
        .. [1] Rubin (1987), Multiple Imputation for Nonresponse in Surveys, p. 77 and 114.
        .. [2] van Buuren (2018), Flexible Imputation of Missing Data, 2nd ed., section 2.3.

        Examples
        --------
        >>> import bayesmice as bm
        >>> mice = bm.MICE(bm.load_dataset("nhanes2"))
        >>> imputations = mice.mice(m=3, sweeps=5, random_seed=1, progressbar=False)
        >>> information = imputations.fmi()
        >>> information.table["missing"].to_dict()
        {('bmi', 'mean'): 0.36, ('hyp', 'share of yes'): 0.32, ('chl', 'mean'): 0.4}
        >>> len(information.cells)
        27
        """
        return missing_information(self.tree, self._store, var_names)

    def overimpute(
        self,
        cells: float = 0.1,
        *,
        m: int = 50,
        sweeps: int | None = None,
        var_names: str | Sequence[str] | None = None,
        random_seed: int | None = None,
        progressbar: bool = True,
    ) -> Overimputation:
        r"""Hide observed cells, impute them by the same models, and compare.

        In a run of its own, on the data without the hidden cells, with the models and settings of
        this one: a check of the models on values that they did not see [1]_ [2]_.

        Parameters
        ----------
        cells : float, default 0.1
            Share of the observed cells of each column to hide, at most 0.5; at least one cell of
            each. Cells are chosen at random, in every group of rows (``by``), and so that each
            level keeps a cell, and numbers two different values.
        m : int, default 50
            Draws of each cell. Each comes from a chain of its own, so that observed value and draws
            are exchangeable if the models are right; so it takes ten times as long as a run with
            ``m=5``.
        sweeps : int, optional
            Sweeps of each chain; by default as many as the run had before its first imputation.
        var_names : str or sequence of str, optional
            The columns; complete ones can be named too. By default those that the run imputes.
        random_seed : int, optional
            Seed of the choice of cells and of the draws.
        progressbar : bool, default True
            Whether to show progress.

        Returns
        -------
        Overimputation
            ``table`` has a row per column: coverage of 50, 80 and 95 % intervals, calibration,
            bias and error, for columns with levels log scores and accuracy; ``levels`` compares
            predicted with observed shares of levels; ``cells`` has a row per hidden cell.
            `bayesmice.plot_overimpute` draws it.

        Raises
        ------
        SpecificationError
            If an argument is wrong, a column cannot be imputed (times, passive columns, the column
            of groups, columns with limits), or there is no cell that can be hidden.
        NotRunError
            If no run made these imputations.
        StoreError
            If the imputations were opened from a file, and something has to be given again; see
            `bayesmice.open_imputations`.

        Notes
        -----
        Intervals are honest for any m: a value is as likely to have each of the m + 1 ranks among
        its draws if it comes from the same distribution, so that the k-th smallest draw stands for
        the probability k / (m + 1), and a value in the gap where an interval ends counts as
        inside by the share of the gap that is. Errors of coverage take cells for independent; those
        of one column share the parameters of its model, so that they vary a little more.

        Cells are hidden completely at random. So this tells whether the models describe what was
        *observed*; it says nothing of values that are missing because of what they are (MNAR).
        Passive columns are computed again from hidden cells. Rows that no model learns from
        (``ignore``, weights of zero) keep their cells, and others count alike whatever their
        weight. Columns with limits are left out: which of their cells were observed exactly depends
        on the values.

        References
        ----------
        .. [1] Honaker, King and Blackwell (2011), Journal of Statistical Software 45(7), section
           4.6.2.
        .. [2] Gelman, Van Mechelen, Verbeke, Heitjan and Meulders (2005), Biometrics 61, 74-85.

        Examples
        --------
        >>> import bayesmice as bm
        >>> data = bm.load_dataset("airquality")
        >>> imputations = bm.MICE(data).mice(m=2, sweeps=5, random_seed=1, progressbar=False)
        >>> check = imputations.overimpute(0.2, m=9, random_seed=1, progressbar=False)
        >>> check.table["hidden"].to_dict()
        {'Ozone': 23, 'Solar.R': 29}
        """
        is_number = isinstance(cells, float | int) and not isinstance(cells, bool)
        if not is_number or not 0 < cells <= MOST_HIDDEN:
            raise SpecificationError(
                f"cells is {cells!r}; expected the share of the observed cells to hide, above 0 "
                f"and at most {MOST_HIDDEN}."
            )
        check_count("m", m, least=2)
        if sweeps is not None:
            check_count("sweeps", sweeps)
        names = var_names if var_names is None or not isinstance(var_names, str) else [var_names]
        request = HidingRequest(
            float(cells),
            None if names is None else tuple(map(str, names)),
            int(m),
            None if sweeps is None else int(sweeps),
            check_seed(random_seed),
        )
        return self._going_on("overimpute").overimputed(self.tree, request, progressbar)

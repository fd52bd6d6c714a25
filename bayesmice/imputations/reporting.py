"""The report of a run."""

import os
from pathlib import Path

import xarray as xr

import bayesmice.report as reports
from bayesmice.errors import BayesMiceError, DataTypeError
from bayesmice.imputations.going_on import GoingOn
from bayesmice.pooling import PooledResults
from bayesmice.progress import counting_display
from bayesmice.store import check_folder

TITLE = "Multiple imputation"
CHECKED = ("log_likelihood", "posterior_predictive")
"""Groups of conditional models that checks need."""
MOST_DRAWS = 50_000_000
"""Numbers in one of these groups of all models together: 400 MB."""


class Reporting(GoingOn):
    """One page about a run."""

    def report(
        self,
        path: str | os.PathLike[str],
        *,
        title: str = TITLE,
        pooled: PooledResults | None = None,
        checks: bool = True,
        progressbar: bool = True,
    ) -> Path:
        """Write one HTML page about the imputations, for readers who do not code.

        It says what was missing, how it was imputed (models in words and formulas, with their
        priors), whether the chains have converged, how observed and imputed values of each column
        compare, what happened during the run, and how the methods may be described in a paper. It
        needs no network and no other file, and reads without JavaScript too.

        Parameters
        ----------
        path : path-like
            Where to, such as ``"report.html"``. An older file is replaced.
        title : str, default "Multiple imputation"
            Heading of the page.
        pooled : PooledResults, optional
            An analysis to show, such as ``imputations.fit("chl ~ bmi").pool()``.
        checks : bool, default True
            Whether conditional models are checked, as by `check`, for which the sweeps are run
            again. Without, only models are checked that have been already.
        progressbar : bool, default True
            Whether to show how many columns have been drawn.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        DataTypeError
            If ``pooled`` is no PooledResults.
        FileNotFoundError
            If the folder does not exist.

        Notes
        -----
        A file opened by `bayesmice.open_imputations` is reported as the run itself. Where checks
        cannot be made (no run behind the imputations, a run that needs its functions again, too
        many draws to hold), the page says why. What is computed for the page is not added to the
        tree. The page shows values of the data only in pictures and summaries; levels of columns
        are named.

        The list of what to report follows Sterne et al. [1]_ and the TARMOS framework [2]_.

        References
        ----------
        .. [1] Sterne et al. (2009), BMJ 338, b2393.
        .. [2] Lee et al. (2021), Journal of Clinical Epidemiology 134, 79-88.

        Examples
        --------
        >>> import bayesmice as bm
        >>> mice = bm.MICE(bm.load_dataset("nhanes2"))
        >>> imputations = mice.mice(m=3, sweeps=5, random_seed=1, progressbar=False)
        >>> page = imputations.report("report.html", progressbar=False)  # doctest: +SKIP
        """
        if pooled is not None and not isinstance(pooled, PooledResults):
            raise DataTypeError(
                f"report: pooled is a {type(pooled).__name__}; expected pooled results, such as "
                "imputations.fit('chl ~ bmi').pool()."
            )
        check_folder(path)
        tree, unchecked = self._with_checks(progressbar) if checks else (self.tree, "")
        with counting_display("Drawing", len(self._store.wanted), progressbar) as progress:
            request = reports.ReportRequest(title, pooled, unchecked, progress)
            page = reports.report_page(tree, self._store, request)
        written = Path(path)
        written.write_text(page, encoding="utf-8")
        return written

    def _with_checks(self, progressbar: bool) -> tuple[xr.DataTree, str]:
        """Give a tree with what checks need, or this one, and why it has nothing of that."""
        models = self.tree["conditionals"].children if "conditionals" in self.tree.children else {}
        n_draws = sum(
            model["posterior"].sizes["chain"] * model["posterior"].sizes["draw"]
            for model in models.values()
        )
        if n_draws * self._store.n_rows > MOST_DRAWS:
            return self.tree, (
                f"{n_draws:,} draws of {self._store.n_rows:,} rows are too many to hold. "
                "imputations.check(name) checks one model."
            )
        tree = self.tree.copy()
        try:
            going_on = self._going_on("check")
            for group in CHECKED:
                lacking = [name for name, model in models.items() if group not in model.children]
                if lacking:
                    added = going_on.replayed(self.tree, lacking, group, progressbar)
                    for path, dataset in added.items():
                        tree[path] = xr.DataTree(dataset)
        except BayesMiceError as error:
            return self.tree, str(error)
        return tree, ""

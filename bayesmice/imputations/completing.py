"""Completed data: one at a time, all of them, and in other shapes."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Self

import xarray as xr

from bayesmice.data.libraries import PANDAS, AnyFrame
from bayesmice.imputations.kept_run import KeptRun
from bayesmice.store import (
    check_folder,
    completed_dataset,
    imputed_cells,
    long_frame,
    r_script,
    stacked_frame,
    wide_frame,
    write_long_csv,
)


class Completing(KeptRun):
    """Completed data sets of a run."""

    @property
    def data(self) -> list[AnyFrame]:
        """All completed data sets, a list of m data frames."""
        return list(self)

    @property
    def in_pandas(self) -> Self:
        """These imputations, with pandas frames as completed data.

        Whatever library the data came from; whole numbers and booleans with missing cells have
        pandas' nullable dtypes.
        """
        return type(self)(self.tree, replace(self._store, library=PANDAS), self._continuation)

    @property
    def _bare(self) -> "Completing":
        """What completed data are made of, and nothing else, to be sent elsewhere."""
        tree = xr.DataTree.from_dict({"/imputations": self._imputed.compute()})
        return Completing(tree, self._store)

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

    def __len__(self) -> int:
        return self.m

    def __iter__(self) -> Iterator[AnyFrame]:
        return (self.completed(imputation) for imputation in range(self.m))

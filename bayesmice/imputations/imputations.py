"""What a run returns."""

import os
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any, final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bayesmice.data import read_condition
from bayesmice.data.libraries import AnyFrame
from bayesmice.diagnostics import cells_verdict
from bayesmice.errors import SpecificationError
from bayesmice.imputations.analyzing import Analyzing
from bayesmice.imputations.checking import Checking
from bayesmice.imputations.diagnosing import Diagnosing
from bayesmice.imputations.going_on import GoingOn
from bayesmice.imputations.informing import Informing
from bayesmice.imputations.reporting import Reporting
from bayesmice.store import (
    filter_rows,
    models_of_tree,
    origin_of,
    select_imputations,
    write_tree,
)


@final
class Imputations(Checking, Reporting, Analyzing, GoingOn, Diagnosing, Informing):
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

    def __repr__(self) -> str:
        return f"{self._caption()}\n{self._table().to_string()}"

    def _repr_html_(self) -> str:
        texts = self._caption(), cells_verdict(self.tree)
        said = "".join(f"<p>{escape(text)}</p>\n" for text in texts)
        return f"{said}{self._table().to_html(escape=True)}"

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
        models: dict[str, dict[str, None]] = {}
        for model in models_of_tree(self.tree):
            for name in model.targets:
                models.setdefault(name, {})[model.model] = None
        rows = [
            {
                "variable": name,
                "scale": str(self._store.columns[name].scale),
                "missing": self._store.columns[name].n_missing,
                "fraction": round(self._store.columns[name].n_missing / self._store.n_rows, 3),
                "model": ", ".join(models.get(name, ())),
            }
            for name in self._store.wanted
        ]
        columns = ["variable", "scale", "missing", "fraction", "model"]
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

"""Which tree and which of its columns a picture shows."""

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
import pandas as pd
import xarray as xr
from arviz_base import rcParams

from bayesmice.arguments import chosen_names
from bayesmice.data.checks import check_table, column_names
from bayesmice.data.dtypes import missing_table
from bayesmice.data.libraries import AnyFrame
from bayesmice.errors import DataTypeError, SpecificationError
from bayesmice.store import store_from_dataset


class HasTree(Protocol):
    """What a run returns, as far as a picture needs it."""

    @property
    def tree(self) -> xr.DataTree:
        """The tree of the run."""


def tree_of(imputations: HasTree | xr.DataTree) -> xr.DataTree:
    """Find the tree of a run.

    Parameters
    ----------
    imputations : Imputations or xarray.DataTree
        What `MICE.mice` returned, or its tree.

    Returns
    -------
    xarray.DataTree
        The tree.

    Raises
    ------
    DataTypeError
        If it is neither.
    SpecificationError
        If no cell was imputed.
    """
    tree = getattr(imputations, "tree", imputations)
    if not isinstance(tree, xr.DataTree) or "imputations" not in tree.children:
        raise DataTypeError(
            "A picture is drawn from the Imputations that mice() returned, or from their tree; got "
            f"{type(imputations).__name__}."
        )
    if not tree["imputations"].data_vars:
        raise SpecificationError(
            "There is nothing to draw: the data have no missing cell, so none was imputed."
        )
    return tree


def holes_of(data: HasTree | xr.DataTree | AnyFrame, picture: str) -> pd.DataFrame:
    """Find which cells of data are missing.

    Parameters
    ----------
    data : DataFrame, Imputations or xarray.DataTree
        Data of any library, or what was made of them. In the latter a cell that is known by its
        limits counts as missing.
    picture : str
        What draws them, for the error.

    Returns
    -------
    DataFrame of float, of shape (n_rows, n_columns)
        1 where a cell was observed, NaN where it is missing; columns are named by text.

    Raises
    ------
    DataTypeError
        If it is neither.
    DataError
        If it is empty, or has duplicate column names.
    """
    tree = getattr(data, "tree", data)
    if isinstance(tree, xr.DataTree):
        if "observed_data" not in tree.children:
            raise DataTypeError(
                f"{picture} got a tree without the group 'observed_data'; expected that of a run "
                "(imputations.tree), imputations, or a data frame."
            )
        columns = store_from_dataset(tree["observed_data"].to_dataset()).columns
        observed = {name: column.observed for name, column in columns.items()}
        return pd.DataFrame(observed).astype(float).where(lambda seen: seen > 0)
    table = check_table(data, picture)
    missing = missing_table(table)
    return pd.DataFrame(np.where(missing, np.nan, 1.0), columns=column_names(table))


def chosen_columns(available: Iterable[object], var_names: str | Sequence[str] | None) -> list[str]:
    """Choose the columns of a picture.

    Parameters
    ----------
    available : iterable of str
        The columns that can be drawn.
    var_names : str or sequence of str, optional
        The columns asked for. By default all.

    Returns
    -------
    list of str
        In the order asked for, each once.

    Raises
    ------
    SpecificationError
        If there is no such column, or none is named.
    """
    return chosen_names(available, var_names, "this picture does not have")


def check_panels(n_panels: int, chosen_by: str = "columns with var_names=") -> None:
    """Refuse more panels than ArviZ allows, before anything is drawn."""
    limit = rcParams["plot.max_subplots"]
    if limit is not None and n_panels > limit:
        raise SpecificationError(
            f"The picture would have {n_panels} panels; ArviZ allows {limit}. Choose "
            f"{chosen_by}, or set arviz.rcParams['plot.max_subplots'] to {n_panels} or more."
        )

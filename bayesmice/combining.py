"""Imputations that no run here made: read from a long table, or put together of several runs."""

from collections.abc import Hashable, Sequence
from typing import Literal, get_args

import pandas as pd
from numpy.typing import ArrayLike

from bayesmice.data.long_table import read_long
from bayesmice.errors import DataTypeError, SpecificationError, warn_caller
from bayesmice.imputations import Imputations
from bayesmice.store import (
    Part,
    join_columns,
    join_imputations,
    join_rows,
    share_imputations,
    table_tree,
)

Dim = Literal["imputation", "row", "column"]
JOINS = {"imputation": join_imputations, "row": join_rows, "column": join_columns}


def from_long(
    table: pd.DataFrame,
    *,
    imp: Hashable = ".imp",
    id: Hashable | None = ".id",
    where: pd.DataFrame | ArrayLike | None = None,
) -> Imputations:
    """Make imputations of a long table, such as one that R's mice made.

    In R, ``write.csv(complete(imp, "long", include = TRUE), "run.csv", row.names = FALSE)`` writes
    such a table, which `pandas.read_csv` reads. A CSV file holds neither the order of levels nor
    whole numbers as such where cells are missing: set dtypes before, for example with
    ``table.astype({"stage": pd.CategoricalDtype(["I", "II"], ordered=True), "visits": "Int64"})``.

    Parameters
    ----------
    table : DataFrame
        The data as they came, and their imputations, in any order of rows and columns. Of any
        library.
    imp : label, default ".imp"
        The column with the number of the imputation: 0 for the data as they came.
    id : label or None, default ".id"
        The column that says which rows belong together. None if rows come in the same order in
        every imputation.
    where : DataFrame or array of bool, of shape (n_rows, n_columns), optional
        True for the cells that were imputed, as in `MICE`. By default the missing ones.

    Returns
    -------
    Imputations
        They are completed, analyzed, pooled and saved like any. There are no conditionals and no
        sweep statistics, and no run goes on from them. Rows have the index of the table where it
        goes along with them, as in `Imputations.long`; otherwise ``id`` labels them, unless it just
        counts them.

    Raises
    ------
    DataTypeError
        If the table is no data frame.
    DataError
        If there is no such column, no row of the original or none of an imputation; if imputations
        have other rows; if an observed cell differs between the original and an imputation, or a
        missing one is still missing; or if `MICE` could not hold the data.
    SpecificationError
        If ``where`` is of another form.

    See Also
    --------
    Imputations.long : Makes such a table.
    Imputations.to_mids_csv : Writes one for R.

    Examples
    --------
    >>> import pandas as pd
    >>> import bayesmice as bm
    >>> table = pd.DataFrame(
    ...     {".imp": [0, 0, 0, 1, 1, 1, 2, 2, 2], ".id": [1, 2, 3] * 3,
    ...      "x": [1.0, None, 3.0, 1.0, 2.0, 3.0, 1.0, 2.5, 3.0]}
    ... )
    >>> imputations = bm.from_long(table)
    >>> [completed["x"].tolist() for completed in imputations]
    [[1.0, 2.0, 3.0], [1.0, 2.5, 3.0]]
    """
    read = read_long(table, imp, id, where)
    tree = table_tree(
        read.store,
        read.cells,
        read.m,
        "a long table (bm.from_long)",
        f"Read {read.m} imputations of {read.store.n_rows} rows from a long table.",
    )
    return Imputations(tree, read.store)


def concat(parts: Sequence[Imputations], dim: Dim = "imputation") -> Imputations:
    """Put imputations together: more imputations, more rows, or more columns.

    Parameters
    ----------
    parts : sequence of Imputations
        At least two.
    dim : {"imputation", "row", "column"}, default "imputation"
        Along what. ``"imputation"``: imputations of the same data by several runs, as R's
        ``ibind``. ``"row"``: the same columns of other rows, as ``rbind``. ``"column"``: other
        columns of the same rows, as ``cbind``.

    Returns
    -------
    Imputations
        New ones, with every imputed value unchanged: they are completed, analyzed, pooled and saved
        like any, but no run goes on from them. By imputation, chains are numbered anew, and
        sweep statistics are kept if all parts have as many sweeps; conditionals, if their models
        are the same too. By column they are kept, by row they are left out. Rows whose index just
        counts them in all parts are counted anew.

    Raises
    ------
    DataTypeError
        If a part is not of type `Imputations`.
    SpecificationError
        If there are fewer than two parts, or they do not fit together: by imputation, the data
        differ; by row, the number of imputations, the columns, their dtypes or categories; by
        column, the number of imputations or the index.
    DataError
        If two parts have a column of the same name, by column.

    Warns
    -----
    UserWarning
        By imputation, if parts share an imputation, as runs of the same seed do: it counts twice,
        and the variance between imputations comes out too small.

    Notes
    -----
    By row, each part was imputed from its own rows alone, as with ``by=`` of `MICE`. By column, the
    imputed values of one part do not depend on the columns of another: relations between them are
    drawn towards zero. Impute columns that will be analyzed together in one run.

    Examples
    --------
    >>> import bayesmice as bm
    >>> mice = bm.MICE(bm.load_dataset("nhanes2"))
    >>> runs = [mice.mice(m=2, sweeps=3, random_seed=s, progressbar=False) for s in (1, 2)]
    >>> bm.concat(runs).m
    4
    """
    if dim not in get_args(Dim):
        raise SpecificationError(
            f"concat got dim={dim!r}; expected 'imputation', 'row' or 'column'."
        )
    if isinstance(parts, Imputations):
        raise DataTypeError("concat got one Imputations; expected a list of them.")
    given = list(parts)
    for number, part in enumerate(given):
        if not isinstance(part, Imputations):
            raise DataTypeError(
                f"concat got {type(part).__name__} as part {number}; expected Imputations. "
                "bm.from_long makes them of a data frame."
            )
    if len(given) < 2:
        raise SpecificationError(f"concat got {len(given)} part(s); expected at least 2.")
    read = [Part(part.tree, part._store) for part in given]
    joined = Imputations(*JOINS[dim](read))
    if dim == "imputation" and share_imputations(read):
        warn_caller(
            "Some imputation is in two of the parts, as it happens with runs of the same "
            "random_seed. It counts twice, and the variance between imputations comes out too "
            "small. Run with different seeds, or use imputations.more(m=...)."
        )
    return joined

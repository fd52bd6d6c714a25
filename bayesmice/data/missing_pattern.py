"""The missing-data pattern: which cells are missing together, and in how many rows."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmice.data.checks import check_table, column_names
from bayesmice.data.dtypes import missing_table
from bayesmice.data.libraries import AnyFrame


def missing_pattern(data: AnyFrame) -> pd.DataFrame:
    """Tabulate which columns are missing together, as R's ``md.pattern`` does.

    Parameters
    ----------
    data : DataFrame of shape (n_rows, n_columns)
        The data; missing cells are what pandas calls missing. Complete data, and columns without
        any observed value, are fine here.

    Returns
    -------
    DataFrame of int, of shape (n_patterns, n_columns)
        1 where a pattern shows the column, 0 where it is missing. Its index has three levels:
        ``pattern`` (counted from 0), ``n_rows`` (how many rows have it) and ``n_missing`` (how many
        columns it lacks). Its columns have two: ``column``, and ``n_missing`` (in how many rows
        it is missing).

    Raises
    ------
    DataTypeError
        If ``data`` is not a DataFrame: a single vector or a list has no pattern.
    DataError
        If it is empty, or has duplicate column names.

    See Also
    --------
    missing_pairs : Counts for every two columns.
    flux : Numbers that sum up how each column is connected with the others.
    ampute : Makes missing cells; its ``patterns`` are rows of such a table.

    Notes
    -----
    Columns stand in the order of their missing cells, fewest first, and equal ones as in the data.
    Patterns are sorted by their first missing column in that order: the complete rows come first,
    where there are any. What R writes into a last row and column stands in the labels here, so that
    all values are zeros and ones [1]_.

    References
    ----------
    .. [1] van Buuren (2018), Flexible Imputation of Missing Data, 2nd ed., section 4.1.1.

    Examples
    --------
    >>> import bayesmice as bm
    >>> table = bm.missing_pattern(bm.load_dataset("nhanes2"))
    >>> table  # doctest: +NORMALIZE_WHITESPACE
    column                   age hyp bmi chl
    n_missing                 0   8   9   10
    pattern n_rows n_missing
    0       13     0           1   1   1   1
    1       3      1           1   1   1   0
    2       1      1           1   1   0   1
    3       1      2           1   0   0   1
    4       7      3           1   0   0   0
    """
    table = check_table(data, "missing_pattern")
    names = column_names(table)
    missing = missing_table(table)
    in_columns = missing.sum(axis=0)
    order = np.argsort(in_columns, kind="stable")
    patterns, n_rows = _count_rows(missing[:, order])
    return pd.DataFrame(
        (~patterns).astype(int),
        index=pd.MultiIndex.from_arrays(
            [np.arange(len(patterns)), n_rows, patterns.sum(axis=1)],
            names=["pattern", "n_rows", "n_missing"],
        ),
        columns=pd.MultiIndex.from_arrays(
            [[names[at] for at in order], in_columns[order]], names=["column", "n_missing"]
        ),
    )


def _count_rows(flags: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Give the different rows, sorted with False before True, and how many there are of each.

    Grouped by bytes of eight flags: `numpy.unique` takes seconds for a million rows.
    """
    packed = pd.DataFrame(np.packbits(flags, axis=1))
    counts = packed.groupby(list(packed.columns)).size()
    keys = counts.index.to_frame().to_numpy(dtype=np.uint8)
    different = np.unpackbits(keys, axis=1, count=flags.shape[1]).astype(bool)
    return different, np.asarray(counts, dtype=np.int64)

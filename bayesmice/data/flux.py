"""How the missing cells of columns are connected: counts of pairs, influx and outflux."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmice.data.checks import check_table, column_names
from bayesmice.data.dtypes import missing_table
from bayesmice.data.libraries import AnyFrame

Matrix = NDArray[np.float64]


class MissingPairs(NamedTuple):
    """In how many rows every two columns are observed or missing, of `missing_pairs`.

    Attributes
    ----------
    rr, rm, mr, mm : DataFrame of int, of shape (n_columns, n_columns)
        The first letter is about the column in the index, the second about that in the columns:
        ``r`` for observed (there is a response), ``m`` for missing. The four of a pair add up to
        the number of rows.
    """

    rr: pd.DataFrame
    rm: pd.DataFrame
    mr: pd.DataFrame
    mm: pd.DataFrame


def missing_pairs(data: AnyFrame) -> MissingPairs:
    """Count in how many rows every two columns are observed or missing, as R's ``md.pairs``.

    Parameters
    ----------
    data : DataFrame of shape (n_rows, n_columns)
        The data; missing cells are what pandas calls missing.

    Returns
    -------
    MissingPairs
        Named tuple of four tables. ``mr.loc["bmi", "chl"]`` is the number of rows in which ``bmi``
        is missing and ``chl`` observed: the rows whose ``bmi`` can be imputed from ``chl`` [1]_.

    Raises
    ------
    DataTypeError
        If ``data`` is not a DataFrame.
    DataError
        If it is empty, or has duplicate column names.

    See Also
    --------
    missing_pattern : Which columns are missing together, over all columns.
    flux : Numbers that sum up these counts for each column.

    References
    ----------
    .. [1] van Buuren (2018), Flexible Imputation of Missing Data, 2nd ed., section 4.1.2.

    Examples
    --------
    >>> import bayesmice as bm
    >>> bm.missing_pairs(bm.load_dataset("nhanes2")).mr
         age  bmi  hyp  chl
    age    0    0    0    0
    bmi    9    0    1    2
    hyp    8    0    0    1
    chl   10    3    3    0
    """
    table = check_table(data, "missing_pairs")
    names = column_names(table)
    counts = _count_pairs(~missing_table(table))
    return MissingPairs(*(pd.DataFrame(count.astype(int), names, names) for count in counts))


def flux(data: AnyFrame) -> pd.DataFrame:
    r"""Say of each column how it is connected with the others, as R's ``flux``.

    A column with high outflux is observed where many cells of others are missing, and may help to
    impute them. A column with high influx is missing where many cells of others are observed, and
    can be imputed from them [1]_.

    Parameters
    ----------
    data : DataFrame of shape (n_rows, n_columns)
        The data; missing cells are what pandas calls missing.

    Returns
    -------
    DataFrame of float, of shape (n_columns, 6)
        One row per column of the data, all numbers from 0 to 1:

        ``pobs``
            Share of its cells that are observed.
        ``influx``
            Of the observed cells of all columns, the share in rows that lack this one.
        ``outflux``
            Of the missing cells of all columns, the share in rows that show this one. 1 for a
            complete column, 0 for one without an observed value.
        ``ainb``
            Average inbound: of the rows that lack this column, the share that show another one,
            averaged over the others.
        ``aout``
            Average outbound: of the rows that show this column, the share that lack another one,
            averaged over the others.
        ``fico``
            Fraction of incomplete cases among the rows that show this column.

        Where a share is one of nothing it is NaN, as in R: ``outflux`` of data without missing
        cells, ``fico`` of a column without observed ones, averages over no other column. Within the
        averages of ``ainb`` and ``aout`` a share of nothing counts as zero.

    Raises
    ------
    DataTypeError
        If ``data`` is not a DataFrame.
    DataError
        If it is empty, or has duplicate column names.

    See Also
    --------
    quick_predictors : Chooses predictors by correlations and by the share of usable rows.

    Notes
    -----
    With :math:`r_{ij} = 1` where the cell of row i and column j is observed,

    .. math:: I_j = \frac{\sum_k \sum_i (1 - r_{ij}) r_{ik}}{\sum_k \sum_i r_{ik}}, \qquad
              O_j = \frac{\sum_k \sum_i r_{ij} (1 - r_{ik})}{\sum_k \sum_i (1 - r_{ik})}.

    References
    ----------
    .. [1] van Buuren (2018), Flexible Imputation of Missing Data, 2nd ed., section 4.1.3.

    Examples
    --------
    >>> import bayesmice as bm
    >>> bm.flux(bm.load_dataset("nhanes2")).round(3)
         pobs  influx  outflux   ainb   aout   fico
    age  1.00   0.000    1.000  0.000  0.360  0.480
    bmi  0.64   0.164    0.111  0.444  0.062  0.188
    hyp  0.68   0.123    0.148  0.375  0.078  0.235
    chl  0.60   0.219    0.111  0.533  0.067  0.133
    """
    table = check_table(data, "flux")
    names = column_names(table)
    observed = ~missing_table(table)
    rr, rm, mr, mm = _count_pairs(observed)
    incomplete = ~observed.all(axis=1)
    return pd.DataFrame(
        {
            "pobs": observed.mean(axis=0),
            "influx": _shares(mr.sum(axis=1), (mr + rr).sum(axis=1)),
            "outflux": _shares(rm.sum(axis=1), (rm + mm).sum(axis=1)),
            "ainb": _mean_over_others(_shares(mr, mr + mm)),
            "aout": _mean_over_others(_shares(rm, rm + rr)),
            "fico": _shares(observed[incomplete].sum(axis=0), observed.sum(axis=0)),
        },
        index=names,
    )


def _count_pairs(observed: NDArray[np.bool_]) -> tuple[Matrix, Matrix, Matrix, Matrix]:
    """Count rows by whether the first and the second column are observed: rr, rm, mr, mm.

    In floating point, where matrix products are fast and whole numbers exact.
    """
    r, m = observed.astype(float), (~observed).astype(float)
    return r.T @ r, r.T @ m, m.T @ r, m.T @ m


def _shares(part: NDArray[np.number], whole: NDArray[np.number]) -> Matrix:
    """Divide, with NaN for a share of nothing."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)


def _mean_over_others(shares: Matrix) -> Matrix:
    """Average the rows of a square matrix, whose diagonal is zero or NaN, over other columns."""
    others = len(shares) - 1
    return _shares(np.nansum(shares, axis=1), np.full(len(shares), others))

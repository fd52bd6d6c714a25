"""Little's test: whether the means of columns differ between patterns of missing cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas.api import types

from bayesmice.data.checks import check_table, column_names
from bayesmice.data.columns import Column, encode_column
from bayesmice.data.dtypes import missing_cells
from bayesmice.data.libraries import AnyFrame
from bayesmice.data.normal_em import Matrix, NormalFit, Pattern, find_patterns, fit_normal
from bayesmice.data.normal_em import pseudo_inverse as inverted
from bayesmice.data.representable import check_size
from bayesmice.data.scales import Scale
from bayesmice.errors import DataError
from bayesmice.later import later

stats = later("scipy.stats")

SMALL = 0.05
"""A p-value below this is read as evidence in the text."""


class Coded(NamedTuple):
    """A column of numbers that stands for a column of the data, or for one of its levels.

    Attributes
    ----------
    name : str
        Such as ``"age"``, or ``"stage[II]"`` for an indicator.
    source : str
        The column of the data.
    numbers : ndarray of shape (n_rows,)
        NaN where missing.
    """

    name: str
    source: str
    numbers: Matrix


@dataclass(frozen=True, eq=False, repr=False)
class MCARTest:
    """Little's test of MCAR, of `mcar_test`.

    Attributes
    ----------
    statistic : float
        Little's d squared.
    df : int
        Degrees of freedom of its chi-squared distribution under MCAR.
    p_value : float
        Probability of at least such a statistic under MCAR.
    patterns : DataFrame
        One row per pattern of missing cells: ``n_rows``, ``missing`` (the names of its missing
        columns), ``df`` (how many it adds before those of the mean are taken off) and ``statistic``
        (what it adds to d squared; the largest first).
    differences : DataFrame of shape (n_patterns, n_coded_columns)
        The mean of a column in the rows of a pattern minus the estimated mean of all, in standard
        errors of such a mean under MCAR with known parameters; NaN where missing.
    mean : Series
        Estimated means of the coded columns.
    covariance : DataFrame
        Their estimated covariance, by maximum likelihood.
    n_rows : int
        Rows that show something.
    left_out : mapping of str to str
        Columns that the test does not use, with the reason.
    """

    statistic: float
    df: int
    p_value: float
    patterns: pd.DataFrame
    differences: pd.DataFrame
    mean: "pd.Series[float]"
    covariance: pd.DataFrame
    n_rows: int
    left_out: Mapping[str, str]

    @property
    def reading(self) -> str:
        """What the p-value says, and what it does not."""
        if self.p_value < SMALL:
            return (
                "Means differ between patterns by more than chance under MCAR. Whether cells are "
                "missing at random given the observed ones (MAR) is another question, which no "
                "test answers."
            )
        return (
            "No difference of means was found beyond chance. That is no evidence of MCAR: small "
            "patterns give the test little power, and it does not see cells whose missingness "
            "depends on their own values (MNAR)."
        )

    def __repr__(self) -> str:
        parts = [self._caption(), self.reading]
        parts += [f"Left out: {name} ({reason})." for name, reason in self.left_out.items()]
        return "\n".join([*parts, self.patterns.round(3).to_string(max_colwidth=40)])

    def _repr_html_(self) -> str:
        parts = [self._caption(), self.reading]
        parts += [f"Left out: {name} ({reason})." for name, reason in self.left_out.items()]
        text = "".join(f"<p>{escape(part)}</p>\n" for part in parts)
        return text + self.patterns.round(3).to_html(escape=True)

    def _caption(self) -> str:
        return (
            f"Little's test of MCAR: d2 = {self.statistic:.4g}, df = {self.df}, "
            f"p = {self.p_value:.3g} ({self.n_rows} rows, {len(self.patterns)} patterns, "
            f"{len(self.mean)} coded columns)"
        )


def mcar_test(data: AnyFrame) -> MCARTest:
    r"""Test whether cells are missing completely at random, as Little (1988) proposed.

    Under MCAR the rows of every pattern of missing cells are a random sample of all rows, so that
    the means of what they show differ by chance only. The test compares them with the means of a
    normal distribution that is fitted to all rows.

    Parameters
    ----------
    data : DataFrame of shape (n_rows, n_columns)
        The data; missing cells are what pandas calls missing. Numbers count as they are, complete
        columns of times as days, ordered categories and columns with two values as codes 0, 1, ...;
        a column with more unordered levels becomes one indicator for each level but the first
        (which one is left out makes no difference). Columns that do not vary, or in which every
        level occurs once, are left out.

    Returns
    -------
    MCARTest
        ``statistic``, ``df``, ``p_value``, and the part of each pattern.

    Raises
    ------
    DataTypeError
        If ``data`` is not a DataFrame.
    DataError
        If there is nothing to compare: no missing cell, a single pattern, fewer than two columns
        that vary; or if two columns are never observed together, or the normal distribution cannot
        be estimated.

    See Also
    --------
    missing_pattern : The patterns, with their numbers of rows.
    flux : How columns with missing cells are connected.

    Notes
    -----
    With :math:`n_j` rows of pattern j, their mean :math:`\bar y_j` over the :math:`p_j` columns
    that they show, and maximum likelihood estimates of mean and covariance from all rows,

    .. math:: d^2 = \sum_j n_j (\bar y_j - \hat\mu_j)^\top \hat\Sigma_j^{-1}
              (\bar y_j - \hat\mu_j),

    which under MCAR is about :math:`\chi^2` with :math:`\sum_j p_j - p` degrees of freedom [1]_.
    The estimate :math:`\hat\Sigma` divides by n, as R's naniar does; with n - 1 the statistic would
    be smaller by the factor (n - 1) / n. Where columns determine each other, ranks stand for
    numbers of columns. Rows that show nothing are not used.

    What it is not for:

    - It is a test of *means*. Patterns whose variances or correlations differ go unnoticed.
    - Not rejecting MCAR is no licence to drop incomplete rows: with small patterns power is low.
    - Rejecting MCAR does not show that MAR holds, and nothing in the data can tell MAR from MNAR
      [2]_. Multiple imputation needs no MCAR; the test does not say whether to impute.
    - The reference distribution is for normal columns or large patterns; skewed columns and rare
      levels in small patterns reject too often.

    References
    ----------
    .. [1] Little (1988), Journal of the American Statistical Association 83, 1198-1202.
    .. [2] Molenberghs, Beunckens, Sotto and Kenward (2008), Journal of the Royal Statistical
       Society B 70, 371-388.

    Examples
    --------
    >>> import bayesmice as bm
    >>> test = bm.mcar_test(bm.load_dataset("airquality"))
    >>> round(test.statistic, 2), test.df, round(test.p_value, 5)
    (35.11, 14, 0.00142)
    """
    table = check_table(data, "mcar_test")
    coded, left_out = _code(table)
    names = [column.name for column in coded]
    values = np.column_stack([np.empty((len(table), 0)), *(column.numbers for column in coded)])
    patterns = find_patterns(values)
    _check(len(table), coded, patterns)
    fit = fit_normal(values)
    parts = [_part(pattern, fit) for pattern in patterns]
    _, rank = inverted(fit.covariance)
    statistic = float(sum(part for part, _ in parts))
    df = sum(own for _, own in parts) - rank
    described = pd.DataFrame(
        {
            "n_rows": [pattern.n_rows for pattern in patterns],
            "missing": [_missing(coded, pattern) for pattern in patterns],
            "df": [own for _, own in parts],
            "statistic": [part for part, _ in parts],
        }
    )
    order = described.sort_values("statistic", ascending=False, kind="stable").index
    differences = pd.DataFrame([_differences(p, fit) for p in patterns], columns=names)
    return MCARTest(
        statistic,
        df,
        float(stats.chi2.sf(statistic, df)),
        described.loc[order].reset_index(drop=True).rename_axis("pattern"),
        differences.loc[order].reset_index(drop=True).rename_axis("pattern"),
        pd.Series(fit.mean, names),
        pd.DataFrame(fit.covariance, names, names),
        sum(pattern.n_rows for pattern in patterns),
        left_out,
    )


def _code(table: pd.DataFrame) -> tuple[list[Coded], dict[str, str]]:
    """Turn columns into numbers, and name those that are not used."""
    coded: list[Coded] = []
    left_out = {}
    for position, name in enumerate(column_names(table)):
        series = table.iloc[:, position].rename(name)
        if missing_cells(series).all():
            left_out[name] = "it has no observed value"
            continue
        _check_numbers(series, name)
        column = encode_column(series, name)
        if column.is_constant:
            left_out[name] = "all its observed values are equal"
        elif column.is_identifier:
            left_out[name] = "every level occurs once, as in an identifier"
        else:
            coded += _indicators(column)
    return coded, left_out


def _check_numbers(series: pd.Series, name: str) -> None:
    if not types.is_float_dtype(series.dtype):
        return
    numbers = series.to_numpy(dtype=float, na_value=np.nan)
    if np.isinf(numbers).any():
        raise DataError(
            f"Column {name!r} holds infinite values. Replace them with NaN if they stand for "
            "missing, or with the number they stand for."
        )
    check_size(name, numbers)


def _indicators(column: Column) -> list[Coded]:
    values = column.values  # noqa: PD011
    if column.scale is not Scale.NOMINAL:
        return [Coded(column.name, column.name, values)]
    return [
        Coded(
            f"{column.name}[{level}]",
            column.name,
            np.where(np.isnan(values), np.nan, values == code),
        )
        for code, level in enumerate(column.levels)
        if code
    ]


def _check(n_rows: int, coded: Sequence[Coded], patterns: Sequence[Pattern]) -> None:
    advice = "Leave out columns, or look at bm.missing_pattern(data)."
    if len({column.source for column in coded}) < 2:
        raise DataError(
            f"mcar_test found {len(coded)} column(s) that vary; expected two at least, since it "
            "asks whether some columns differ where others are missing."
        )
    if len(patterns) < 2:
        raise DataError(
            f"mcar_test has nothing to compare: in all of the {n_rows} rows that show something "
            "the same columns are observed. It needs rows with missing cells, and others without."
        )
    together = np.any([np.outer(p.observed, p.observed) for p in patterns], axis=0)
    for one, two in np.argwhere(~together):
        raise DataError(
            f"mcar_test needs the covariance of {coded[one].source!r} and {coded[two].source!r}, "
            f"which no row shows together. {advice}"
        )
    n_shown = sum(pattern.n_rows for pattern in patterns)
    if n_shown <= len(coded):
        raise DataError(
            f"mcar_test estimates the covariances of {len(coded)} coded columns from {n_shown} "
            f"rows; expected more rows than columns. {advice}"
        )


def _part(pattern: Pattern, fit: NormalFit) -> tuple[float, int]:
    """Give what a pattern adds to the statistic, and to the degrees of freedom."""
    shown = pattern.observed
    inverse, rank = inverted(fit.covariance[np.ix_(shown, shown)])
    difference = pattern.cells.mean(axis=0) - fit.mean[shown]
    return pattern.n_rows * float(difference @ inverse @ difference), rank


def _differences(pattern: Pattern, fit: NormalFit) -> Matrix:
    shown = pattern.observed
    errors = np.sqrt(np.diag(fit.covariance)[shown] / pattern.n_rows)
    differences = np.full(len(shown), np.nan)
    differences[shown] = (pattern.cells.mean(axis=0) - fit.mean[shown]) / errors
    return differences


def _missing(coded: Sequence[Coded], pattern: Pattern) -> str:
    """Name the missing columns of a pattern, each once whatever it is coded as."""
    pairs = zip(coded, pattern.observed, strict=True)
    missing = dict.fromkeys(column.source for column, is_shown in pairs if not is_shown)
    return ", ".join(missing) or "(none)"

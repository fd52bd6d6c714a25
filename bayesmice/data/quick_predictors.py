"""Choose predictors by correlation with a target and with its missingness."""

from collections.abc import Iterable
from numbers import Real
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmice.data.checks import check_frame
from bayesmice.data.columns import Column, encode
from bayesmice.data.libraries import AnyFrame
from bayesmice.data.scales import Scale
from bayesmice.errors import SpecificationError

Matrix = NDArray[np.float64]
Flags = NDArray[np.bool_]

METHODS = ("pearson", "spearman", "kendall")
ROUNDING = 1e-12
"""A variance below this share of its sum of squares is the rounding error of a constant."""


def quick_predictors(
    data: AnyFrame,
    min_correlation: float = 0.1,
    include: str | Iterable[str] = (),
    exclude: str | Iterable[str] = (),
    *,
    min_usable: float = 0.0,
    method: Literal["pearson", "spearman", "kendall"] = "pearson",
) -> pd.DataFrame:
    r"""Choose the predictors of every incomplete column by simple correlations.

    A column predicts a target where it tells of the target's values or of which of them are
    missing: where the larger of two absolute correlations is above ``min_correlation`` [1]_. One is
    between target and column, over the rows that show both. The other is between the response
    indicator of the target and the column, over the rows that show the column.

    Parameters
    ----------
    data : DataFrame of shape (n_rows, n_columns)
        The data, of any library that `MICE` reads. Never changed.
    min_correlation : float, default 0.1
        The absolute correlation, from 0 to 1, that a predictor must exceed.
    include : str or iterable of str, optional
        Columns that predict every incomplete target, whatever their correlations.
    exclude : str or iterable of str, optional
        Columns that predict nothing.
    min_usable : float, default 0
        The proportion of usable cases, from 0 to 1, that a predictor must reach: of the rows in
        which the target is missing, the share in which the predictor was observed [2]_.
    method : {"pearson", "spearman", "kendall"}, default "pearson"
        Which correlation. For all but the first the time grows quickly with the number of columns.

    Returns
    -------
    pandas.DataFrame of bool, of shape (n_columns, n_columns)
        Rows are targets, columns are predictors, both by name: what ``MICE(predictors=...)`` takes.
        No column predicts itself, and complete columns have no predictors.

    Raises
    ------
    DataTypeError, DataError
        If the data cannot be imputed at all.
    SpecificationError
        If ``include`` or ``exclude`` names an unknown column, both name the same one, a threshold
        is not a number from 0 to 1, or the method is unknown.

    Notes
    -----
    Columns are read as conditional models read them. Numbers enter as they are, binary and ordinal
    columns as the codes of their levels. A nominal column with more than two levels enters by an
    indicator of each level, and its correlation is the largest of theirs. R's ``quickpred``
    correlates the integer codes of such a column instead, which mean nothing for levels without
    order, so that its choice changes with the names of the levels. A correlation that is not
    defined, since there are too few rows or they do not vary, counts as zero; so does any
    correlation of the values of a column of labels, no two of which are equal.

    The rule looks at one column at a time: it is for data with many columns, where a regression on
    all of them is slow or has too few rows. It does not see interactions. The columns of the later
    analysis belong into ``include``, since an imputation that leaves them out pulls their
    associations towards zero.

    References
    ----------
    .. [1] van Buuren, Boshuizen and Knook (1999), Statistics in Medicine 18, 681-694.
    .. [2] van Buuren (2018), Flexible Imputation of Missing Data, 2nd ed., sections 4.1.2 and
       6.3.2.

    Examples
    --------
    >>> import bayesmice as bm
    >>> data = bm.load_dataset("nhanes2")
    >>> chosen = bm.quick_predictors(data, min_correlation=0.3, include="age")
    >>> chosen.astype(int)  # doctest: +NORMALIZE_WHITESPACE
    predictor  age  bmi  hyp  chl
    target
    age          0    0    0    0
    bmi          1    0    0    1
    hyp          1    0    0    1
    chl          1    1    1    0
    """
    store = encode(check_frame(data))
    columns = list(store.columns.values())
    included = _marks("include", include, store.columns)
    excluded = _marks("exclude", exclude, store.columns)
    _check_apart(included & excluded, list(store.columns))
    _check_share("min_correlation", min_correlation)
    _check_share("min_usable", min_usable)
    _check_method(method)

    observed = np.stack([column.observed for column in columns], axis=1)
    chosen = _largest_correlations(columns, observed, method) > min_correlation
    chosen &= _usable(observed) >= min_usable
    chosen[:, excluded] = False
    chosen[:, included] = True
    chosen[observed.all(axis=0)] = False
    np.fill_diagonal(chosen, False)
    names = list(store.columns)
    return pd.DataFrame(
        chosen, index=pd.Index(names, name="target"), columns=pd.Index(names, name="predictor")
    )


def _largest_correlations(columns: list[Column], observed: Flags, method: str) -> Matrix:
    """Give the larger absolute correlation of each column with each target or its missingness."""
    parts = [_variables(column) for column in columns]
    starts = np.cumsum([0, *(part.shape[1] for part in parts[:-1])])
    variables, responses = np.concatenate(parts, axis=1), observed.astype(float)
    if method == "pearson":
        values, missingness = _pearson(variables, variables), _pearson(responses, variables)
    else:
        both = pd.DataFrame(np.concatenate([variables, responses], axis=1))
        # The method was checked where it came in; to the type checker it is any text.
        correlations = both.corr(method=method).to_numpy()  # type: ignore[arg-type]
        width = variables.shape[1]
        values, missingness = correlations[:width, :width], correlations[width:, :width]
    values, missingness = (np.nan_to_num(np.abs(r)) for r in (values, missingness))
    by_target = np.maximum.reduceat(values, starts, axis=0)
    return np.maximum.reduceat(np.maximum(by_target, missingness), starts, axis=1)


def _variables(column: Column) -> Matrix:
    """Write a column as numbers that can be correlated, of shape (n_rows, width)."""
    values = column.values[:, None]  # noqa: PD011
    if column.is_identifier:
        return np.zeros_like(values)
    if column.scale is not Scale.NOMINAL:
        return values
    indicators = values == np.arange(len(column.levels))
    return np.where(np.isnan(values), np.nan, indicators)


def _pearson(left: Matrix, right: Matrix) -> Matrix:
    """Correlate columns over the rows in which both were observed.

    Of shape (left columns, right columns); zero where it is not defined. The sums over rows of each
    pair are elements of matrix products.
    """
    (a, seen_a), (b, seen_b) = _standardized(left), _standardized(right)
    n = np.maximum(seen_a.T @ seen_b, 1.0)
    sum_a, sum_b = a.T @ seen_b, seen_a.T @ b
    squares_a, squares_b = (a * a).T @ seen_b, seen_a.T @ (b * b)
    ss_a, ss_b = squares_a - sum_a**2 / n, squares_b - sum_b**2 / n
    varies = (ss_a > ROUNDING * squares_a) & (ss_b > ROUNDING * squares_b)
    scale = np.sqrt(np.where(varies, ss_a * ss_b, 1.0))
    r = np.where(varies, (a.T @ b - sum_a * sum_b / n) / scale, 0.0)
    return np.clip(r, -1.0, 1.0)


def _standardized(variables: Matrix) -> tuple[Matrix, Matrix]:
    """Center and scale columns over their observed rows, so that products of them do not cancel.

    Returns them with zeros where they are missing, and indicators (0 or 1) of what was observed.
    """
    seen = ~np.isnan(variables)
    center = np.nanmean(variables, axis=0)
    spread = np.nanstd(variables, axis=0)
    scaled = (variables - center) / np.where(spread > 0, spread, 1.0)
    return np.where(seen, scaled, 0.0), seen.astype(float)


def _usable(observed: Flags) -> Matrix:
    """Give the share of a target's missing rows (rows) that show a predictor (columns)."""
    missing = (~observed).astype(float)
    n_missing = missing.sum(axis=0)[:, None]
    share: Matrix = missing.T @ observed.astype(float) / np.maximum(n_missing, 1.0)
    return share


def _marks(argument: str, names: str | Iterable[str], columns: Iterable[str]) -> Flags:
    labels = list(columns)
    wanted = [names] if isinstance(names, str) else [str(name) for name in names]
    for name in wanted:
        if name not in labels:
            raise SpecificationError(
                f"{argument} names {name!r}, which is not a column of data. Columns: "
                f"{', '.join(labels)}."
            )
    return np.isin(labels, wanted)


def _check_apart(both: Flags, labels: list[str]) -> None:
    if both.any():
        names = ", ".join(repr(label) for label, mark in zip(labels, both, strict=True) if mark)
        raise SpecificationError(f"include and exclude both name {names}. Name it in one of them.")


def _check_share(argument: str, value: Any) -> None:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not 0 <= float(value) <= 1:
        raise SpecificationError(f"{argument} is {value!r}; expected a number from 0 to 1.")


def _check_method(method: str) -> None:
    if method not in METHODS:
        raise SpecificationError(
            f"method is {method!r}; expected one of {', '.join(repr(name) for name in METHODS)}."
        )

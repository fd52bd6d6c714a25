"""Tests of several parameters at once: the statistics D1, D2, D3 and D4 on arrays."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bayesmice.errors import PoolingError
from bayesmice.later import later
from bayesmice.pooling.rubin import FloatArray, pool_covariance

stats = later("scipy.stats")

Ariv = Literal["default", "positive", "robust"]


@dataclass(frozen=True, repr=False)
class HypothesisTest:
    """A test of one hypothesis about k parameters, pooled over imputations.

    Attributes
    ----------
    test : str
        ``"D1"``, ``"D2"``, ``"D3"`` or ``"D4"``.
    statistic : float
        Refers to an F distribution. That of D2 may be negative, and is then no evidence at all.
    df1 : int
        Numerator degrees of freedom: the number k of constraints.
    df2 : float
        Denominator degrees of freedom, up to infinity.
    p_value : float
        Probability of a larger statistic under the hypothesis.
    riv : float
        Relative increase in variance due to the missing values, averaged over the k constraints.
    m : int
        Number of imputations.
    df_rule : str
        Where ``df2`` comes from.
    hypothesis : tuple of str
        The constraints in words, where they are known.
    """

    test: str
    statistic: float
    df1: int
    df2: float
    p_value: float
    riv: float
    m: int
    df_rule: str
    hypothesis: tuple[str, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """The test as a table of one row, with the columns of its numbers."""
        columns = ["statistic", "df1", "df2", "p_value", "riv", "m"]
        row = {column: [getattr(self, column)] for column in columns}
        return pd.DataFrame(row, index=pd.Index([self.test], name="test"))

    def __repr__(self) -> str:
        return "\n".join(
            [*self._lines(), self.table.rename_axis(None).to_string(float_format=_four_digits)]
        )

    def _repr_html_(self) -> str:
        table = self.table.rename_axis(None).to_html(
            float_format=_four_digits, escape=True, border=0
        )
        lines = "<br>".join(escape(line) for line in self._lines())
        return f"<p>{lines}</p>\n{table}"

    def _lines(self) -> list[str]:
        caption = (
            f"HypothesisTest: {self.test}, {self.m} imputations, "
            f"degrees of freedom of {self.df_rule}"
        )
        return [caption, *[f"  {constraint}" for constraint in self.hypothesis]]


class ModelLikelihood(NamedTuple):
    """What D3 and D4 need of one of the two models.

    Attributes
    ----------
    maxima : ndarray of shape (m,)
        Log-likelihood of each completed data set at its own estimates.
    common : float
        Mean over imputations of their log-likelihoods at one set of parameters for all: at the
        mean of the estimates for D3, at the maximum of that mean for D4.
    n_parameters : int
        Number of free parameters, residual variances and other scales included.
    """

    maxima: FloatArray
    common: float
    n_parameters: int


def d1(
    q_hat: ArrayLike,
    covariances: ArrayLike,
    *,
    df_complete: float = np.inf,
    names: Sequence[Hashable] | None = None,
) -> HypothesisTest:
    r"""Test that k estimands are all zero by their pooled estimates and covariances.

    The Wald statistic of [1]_ takes the between-imputation covariance as proportional to the
    within-imputation one, since few imputations cannot tell more:

    .. math::

        D_1 = \frac{\bar Q' \bar U^{-1} \bar Q}{k (1 + r)}, \qquad
        r = \frac{1 + 1/m}{k} \operatorname{tr}(B \bar U^{-1})

    Parameters
    ----------
    q_hat : array-like of shape (m, k)
        Estimates, one row per imputation, of what is zero under the hypothesis.
    covariances : array-like of shape (m, k, k)
        Complete-data covariance matrices in squared units.
    df_complete : float, default np.inf
        Degrees of freedom had no value been missing.
    names : sequence of k hashable, optional
        What the parameters are called in errors; by default their positions.

    Returns
    -------
    HypothesisTest
        Refers to an F distribution with k and ``df2`` degrees of freedom.

    Raises
    ------
    PoolingError
        If ``m < 2``, shapes do not fit, a number is not finite, or the mean of the covariance
        matrices is singular.

    Notes
    -----
    With infinite ``df_complete``, ``df2`` is that of [1]_. With :math:`t = k (m - 1)`,

    .. math::

        \nu_w = \begin{cases}
            4 + (t - 4) \left(1 + \frac{1 - 2/t}{r}\right)^2 & t > 4 \\
            \frac t 2 \left(1 + \frac 1 k\right) \left(1 + \frac 1 r\right)^2 & t \le 4
        \end{cases}

    Otherwise it is that of [2]_, which matches two moments that exist only if :math:`t > 4` and
    :math:`\nu^* > 4 (1 + a)`, where :math:`\nu^* = \nu_{com} (\nu_{com} + 1) / (\nu_{com} + 3)` and
    :math:`a = r t / (t - 2)`. Elsewhere that formula is negative, or exceeds
    :math:`\nu_{com}`. There the rule of [3]_ takes its place: with
    :math:`\nu_{obs} = \nu^* / (1 + r)`,

    .. math::

        \frac 1 {\nu} = \frac 1 {\nu_w} + \frac 1 {\nu_{obs}}

    It is never more than either part, is exact where nothing is missing, has the limit
    :math:`\nu_w` for large :math:`\nu_{com}`, and is the one of `pool_rubin` for one parameter with
    ``m <= 5``. In regressions with 10 to 40 residual degrees of freedom and 20 to 30 % of the
    outcomes missing, tests at 5 % with ``m = 2`` or 3 rejected a true hypothesis about 1 to 4
    parameters in 4 to 6 % of 8,000 data sets.

    References
    ----------
    .. [1] Li, Raghunathan and Rubin (1991), Journal of the American Statistical Association 86,
       1065-1073.
    .. [2] Reiter (2007), Biometrika 94, 502-508.
    .. [3] Barnard and Rubin (1999), Biometrika 86, 948-955.

    Examples
    --------
    >>> q_hat = [[1.0, 0.2], [1.4, 0.1], [0.9, 0.4], [1.2, 0.3]]
    >>> test = d1(q_hat, [np.diag([0.2, 0.1])] * 4, df_complete=60)
    >>> round(test.statistic, 3), test.df1, round(test.df2, 2), round(test.p_value, 4)
    (2.764, 2, 17.61, 0.0904)
    """
    pooled = pool_covariance(q_hat, covariances)
    _check_df(df_complete)
    q_bar = np.asarray(q_hat, dtype=np.float64).mean(axis=0)
    m, k = np.shape(q_hat)
    names = range(k) if names is None else names
    where = "The mean of the covariance matrices over imputations"
    white_mean = _whitened(q_bar[:, None], pooled.within, names, where)
    white_between = _whitened(pooled.between, pooled.within, names, where)
    white_between = _whitened(white_between.T, pooled.within, names, where)
    riv = float((1 + 1 / m) * np.trace(white_between) / k)
    statistic = float(np.sum(white_mean**2)) / (k * (1 + riv))
    df2, rule = _df_of_d1(riv, k, m, df_complete)
    return _tested("D1", statistic, k, df2, riv, m, rule)


def wald_statistics(
    q_hat: ArrayLike, covariances: ArrayLike, *, names: Sequence[Hashable] | None = None
) -> FloatArray:
    r"""Wald statistics of the completed data sets, one by one, as `d2` pools them.

    Parameters
    ----------
    q_hat : array-like of shape (m, k)
        Estimates, one row per imputation, of what is zero under the hypothesis.
    covariances : array-like of shape (m, k, k)
        Complete-data covariance matrices in squared units.
    names : sequence of k hashable, optional
        What the parameters are called in errors; by default their positions.

    Returns
    -------
    ndarray of shape (m,)
        :math:`\hat Q_i' U_i^{-1} \hat Q_i`, chi-square with k degrees of freedom in large samples.

    Raises
    ------
    PoolingError
        If ``m < 2``, shapes do not fit, a number is not finite, or a matrix is singular. The text
        names the imputation and the parameters.

    Examples
    --------
    >>> wald_statistics([[1.0, 2.0], [0.0, 2.0]], [np.eye(2), 4 * np.eye(2)])
    array([5., 1.])
    """
    pool_covariance(q_hat, covariances)
    estimates = np.asarray(q_hat, dtype=np.float64)
    names = range(estimates.shape[1]) if names is None else names
    white = [
        _whitened(q[:, None], u, names, f"Imputation {imputation}: the covariance matrix")
        for imputation, (q, u) in enumerate(
            zip(estimates, np.asarray(covariances, dtype=np.float64), strict=True)
        )
    ]
    return np.array([np.sum(values**2) for values in white])


def d2(statistics: ArrayLike, k: int) -> HypothesisTest:
    r"""Pool chi-square statistics of the completed data sets.

    .. math::

        D_2 = \frac{\bar d / k - \frac{m + 1}{m - 1} r}{1 + r}, \qquad
        r = (1 + 1/m) \operatorname{var}(\sqrt{d_i}), \qquad
        \nu = k^{-3/m} (m - 1) (1 + 1/r)^2

    Parameters
    ----------
    statistics : array-like of shape (m,)
        Wald or likelihood-ratio statistics, one per imputation.
    k : int
        Their degrees of freedom.

    Returns
    -------
    HypothesisTest
        Where the statistic is negative its p-value is 1.

    Raises
    ------
    PoolingError
        If ``m < 2``, ``k < 1``, or a statistic is negative or not finite.

    Notes
    -----
    Needs nothing but the statistics, and knows less for it: it may reject less or more often than
    it should, the more so the more is missing. Prefer D1, D3 or D4 where they can be had [1]_.

    References
    ----------
    .. [1] Li, Meng, Raghunathan and Rubin (1991), Statistica Sinica 1, 65-92.

    Examples
    --------
    >>> test = d2([4.1, 7.9, 2.2, 9.5, 5.0], k=2)
    >>> round(test.statistic, 4), round(test.df2, 2), round(test.p_value, 4)
    (1.4433, 24.76, 0.2553)
    """
    values = np.asarray(statistics, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2 or k < 1:
        raise PoolingError(
            f"D2 needs one statistic per imputation, at least 2, and at least 1 degree of freedom; "
            f"got statistics of the shape {values.shape} and k={k}."
        )
    wrong = ~(np.isfinite(values) & (values >= 0))
    if wrong.any():
        first = int(np.argmax(wrong))
        raise PoolingError(
            f"Imputation {first}: the statistic is {values[first]}. D2 pools chi-square "
            f"statistics, which are finite and not negative."
        )
    m = len(values)
    riv = float((1 + 1 / m) * np.var(np.sqrt(values), ddof=1))
    statistic = float(values.mean() / k - (m + 1) / (m - 1) * riv) / (1 + riv)
    df2 = float(k ** (-3 / m)) * (m - 1) * _increase(1.0, riv)
    return _tested("D2", statistic, k, df2, riv, m, "Li, Meng, Raghunathan and Rubin (1991)")


def d3(
    full: ModelLikelihood, reduced: ModelLikelihood, *, ariv: Ariv = "default"
) -> HypothesisTest:
    r"""Pool likelihood-ratio tests by the likelihoods at the mean of the estimates.

    With :math:`\bar d` the mean of the likelihood-ratio statistics of the completed data sets, and
    :math:`\tilde d` their mean where all are taken at the mean estimates of the two models [1]_,

    .. math::

        D_3 = \frac{\tilde d}{k (1 + r)}, \qquad r = \frac{m + 1}{k (m - 1)} (\bar d - \tilde d)

    Parameters
    ----------
    full, reduced : ModelLikelihood
        Of the larger and the smaller model, ``common`` at the mean of the estimates.
    ariv : {"default", "positive"}, default "default"
        Whether :math:`r`, which can be estimated below zero, is raised to zero.

    Returns
    -------
    HypothesisTest

    Raises
    ------
    PoolingError
        If ``m < 2`` or differs, the larger model has no more parameters than the smaller, or
        ``r <= -1``.

    Notes
    -----
    Depends on how the models are parametrized: the mean of the variances is not the square of
    the mean of the standard deviations. `d4` does not. The denominator degrees of freedom are
    those of `d1` with infinite ``df_complete``.

    References
    ----------
    .. [1] Meng and Rubin (1992), Biometrika 79, 103-111.

    Examples
    --------
    >>> full = ModelLikelihood(np.array([-50.0, -52.0, -51.0]), -51.5, 4)
    >>> reduced = ModelLikelihood(np.array([-55.0, -56.0, -57.0]), -56.2, 2)
    >>> test = d3(full, reduced)
    >>> round(test.statistic, 3), test.df1, round(test.riv, 3), round(test.df2, 2)
    (2.938, 2, 0.6, 21.33)
    """
    if ariv not in ("default", "positive"):
        raise PoolingError(f"D3 knows ariv='default' and ariv='positive'; got {ariv!r}.")
    m, k = _check_nested(full, reduced)
    own = 2 * float(np.mean(full.maxima - reduced.maxima))
    common = 2 * (full.common - reduced.common)
    riv = _checked_riv((m + 1) / (k * (m - 1)) * (own - common), ariv)
    df2 = _df_of_li(riv, k, m)
    return _tested("D3", common / (k * (1 + riv)), k, df2, riv, m, "Meng and Rubin (1992)")


def d4(
    full: ModelLikelihood, reduced: ModelLikelihood, *, ariv: Ariv = "default"
) -> HypothesisTest:
    r"""Pool likelihood-ratio tests by the likelihood of all imputations together.

    With :math:`\bar d` the mean of the likelihood-ratio statistics of the completed data sets, and
    :math:`\hat d` that of their stacked data divided by m [1]_,

    .. math::

        D_4 = \frac{\hat d}{k (1 + r)}, \qquad
        r = \frac{m + 1}{k (m - 1)} (\bar d - \hat d), \qquad
        \nu = k (m - 1) (1 + 1/r)^2

    Parameters
    ----------
    full, reduced : ModelLikelihood
        Of the larger and the smaller model, ``common`` at the parameters that maximize it.
    ariv : {"default", "positive", "robust"}, default "default"
        How :math:`r` is estimated. ``"positive"`` raises it to zero where it falls below.
        ``"robust"`` estimates it from the larger model alone, as the average over all its h
        parameters: :math:`r = \frac{m + 1}{h (m - 1)} (\bar\delta - \hat\delta)` with
        :math:`\delta` twice its log-likelihood, and :math:`\nu = h (m - 1) (1 + 1/r)^2`. This is
        never negative, and holds where the hypothesis does not.

    Returns
    -------
    HypothesisTest

    Raises
    ------
    PoolingError
        If ``m < 2`` or differs, the larger model has no more parameters than the smaller,
        ``r <= -1``, or ``ariv`` is unknown.

    References
    ----------
    .. [1] Chan and Meng (2022), Statistica Sinica 32, 1489-1514.

    Examples
    --------
    >>> full = ModelLikelihood(np.array([-50.0, -52.0, -51.0]), -51.4, 4)
    >>> reduced = ModelLikelihood(np.array([-55.0, -56.0, -57.0]), -56.2, 2)
    >>> test = d4(full, reduced, ariv="robust")
    >>> round(test.statistic, 3), test.df1, round(test.riv, 3), round(test.df2, 2)
    (3.429, 2, 0.4, 98.0)
    """
    if ariv not in ("default", "positive", "robust"):
        raise PoolingError(
            f"D4 knows ariv='default', ariv='positive' and ariv='robust'; got {ariv!r}."
        )
    m, k = _check_nested(full, reduced)
    common = 2 * (full.common - reduced.common)
    if ariv == "robust":
        h, own_less_common = full.n_parameters, 2 * float(np.mean(full.maxima) - full.common)
    else:
        own = 2 * float(np.mean(full.maxima - reduced.maxima))
        h, own_less_common = k, own - common
    riv = _checked_riv((m + 1) / (h * (m - 1)) * own_less_common, ariv)
    df2 = h * (m - 1) * _increase(1.0, riv)
    return _tested("D4", common / (k * (1 + riv)), k, df2, riv, m, "Chan and Meng (2022)")


def _tested(
    test: str, statistic: float, k: int, df2: float, riv: float, m: int, rule: str
) -> HypothesisTest:
    if statistic <= 0 or df2 == 0:
        p_value = 1.0
    elif np.isinf(df2):
        p_value = float(stats.chi2.sf(k * statistic, k))
    else:
        p_value = float(stats.f.sf(statistic, k, df2))
    return HypothesisTest(test, statistic, k, float(df2), p_value, riv, m, rule)


def _df_of_d1(riv: float, k: int, m: int, df_complete: float) -> tuple[float, str]:
    t = k * (m - 1)
    large_sample = _df_of_li(riv, k, m)
    if np.isinf(df_complete):
        return large_sample, "Li, Raghunathan and Rubin (1991)"
    nu_star = df_complete * (df_complete + 1) / (df_complete + 3)
    if t > 4 and nu_star > 4 * (1 + riv * t / (t - 2)):
        return _df_of_reiter(riv, t, nu_star), "Reiter (2007)"
    if nu_star == 0:
        return 0.0, "Barnard and Rubin (1999)"
    return 1 / (1 / large_sample + (1 + riv) / nu_star), "Barnard and Rubin (1999)"


def _df_of_li(riv: float, k: int, m: int) -> float:
    t = k * (m - 1)
    if t > 4:
        return 4 + (t - 4) * _increase(1 - 2 / t, riv)
    return t * (1 + 1 / k) * _increase(1.0, riv) / 2


def _df_of_reiter(riv: float, t: int, nu_star: float) -> float:
    a = riv * t / (t - 2)
    c1, c2 = nu_star - 2 * (1 + a), nu_star - 4 * (1 + a)
    missing = (
        a**2 * c1 / ((1 + a) ** 2 * c2)
        + 8 * a**2 * c1 / ((1 + a) * c2**2)
        + 4 * a**2 / ((1 + a) * c2)
        + 4 * a**2 / (c2 * c1)
        + 16 * a**2 * c1 / c2**3
        + 8 * a**2 / c2**2
    )
    return 4 + 1 / (1 / c2 + missing / (t - 4))


def _increase(numerator: float, riv: float) -> float:
    """Square of ``1 + numerator / riv``, with its limit where nothing is missing."""
    if riv == 0:
        return np.inf
    root = 1 + numerator / riv
    return root * root  # a power would raise where the square is too large for a float


def _checked_riv(riv: float, ariv: Ariv) -> float:
    if ariv == "positive":
        return max(0.0, riv)
    if riv <= -1:
        raise PoolingError(
            f"The relative increase in variance is estimated as {riv:.4g}, and a test needs more "
            f"than -1. Pass ariv='positive' to raise it to 0, or use D1."
        )
    return riv


def _check_nested(full: ModelLikelihood, reduced: ModelLikelihood) -> tuple[int, int]:
    m, k = len(full.maxima), full.n_parameters - reduced.n_parameters
    if m < 2 or len(reduced.maxima) != m or k < 1:
        raise PoolingError(
            f"A likelihood-ratio test needs the same number of imputations, at least 2, of both "
            f"models, and a larger model with more parameters; got {m} and {len(reduced.maxima)} "
            f"imputations, and {full.n_parameters} and {reduced.n_parameters} parameters."
        )
    return m, k


def _check_df(df_complete: float) -> None:
    if np.ndim(df_complete) or not df_complete >= 0:
        raise PoolingError(
            f"df_complete must be one number that is not negative; got {df_complete}. "
            f"Use np.inf where the complete-data analysis is a large-sample one."
        )


def _whitened(
    values: FloatArray, covariance: FloatArray, names: Sequence[Hashable], where: str
) -> FloatArray:
    """Multiply by an inverse square root of the covariance, or say where it has none.

    The scale of the parameters is taken out first, so that units do not decide what is singular.
    """
    scale = np.sqrt(np.diagonal(covariance))
    if (scale == 0).any():
        zero = [name for name, size in zip(names, scale, strict=True) if size == 0]
        raise PoolingError(f"{where} is singular: the variance of {_listed(zero)} is 0.")
    correlation = covariance / np.outer(scale, scale)
    if not np.allclose(correlation, correlation.T, rtol=0, atol=1e-6):
        raise PoolingError(
            f"{where} of {_listed(names)} must be finite and symmetric. Give whole covariance "
            f"matrices, not variances alone, or test one parameter at a time."
        )
    eigenvalues, directions = np.linalg.eigh((correlation + correlation.T) / 2)
    # Rounding moves the eigenvalues of a k x k correlation matrix by about k times epsilon.
    if eigenvalues[0] <= 16 * len(scale) * np.finfo(np.float64).eps:
        part = np.abs(directions[:, 0]) > 1e-6
        involved = [name for name, has_part in zip(names, part, strict=True) if has_part]
        raise PoolingError(
            f"{where} is singular, or has a negative variance, in a combination of "
            f"{_listed(involved)}. Test only parameters that the data can tell apart."
        )
    root = (directions / np.sqrt(eigenvalues)).T
    return np.asarray(root @ (values / scale[:, None]))


def _listed(names: Sequence[Hashable]) -> str:
    return ", ".join(repr(name) for name in names)


def _four_digits(value: float) -> str:
    return f"{value:.4g}"

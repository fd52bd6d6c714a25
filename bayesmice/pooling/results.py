"""What pooling returns: labelled tables with the names that statsmodels gives them."""

from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from bayesmice.errors import PoolingError
from bayesmice.pooling.rubin import FloatArray, PooledCovariance, PooledEstimate
from bayesmice.pooling.student import two_sided_p_value, two_sided_quantile


@dataclass(frozen=True, eq=False, repr=False)
class PooledResults:
    r"""Estimates of an analysis model, pooled over imputations by Rubin's rules.

    Made by `pool`. Attributes and methods have the names of a statsmodels result, and their Series
    and DataFrames are labelled by the parameters in the order of the model.

    Parameters
    ----------
    terms : pandas.Index
        Names of the k parameters.
    pooled : PooledEstimate
        The pooled arrays in Rubin's letters.
    covariance : PooledCovariance
        The within-, between- and total covariance matrices.

    Notes
    -----
    Each parameter is referred to its own t distribution, :math:`(\bar Q - Q) / \sqrt T \sim
    t_\nu` [1]_ [2]_. Not for tests of several parameters at once: with few imputations the
    total covariance matrix is too noisy for a Wald test.

    References
    ----------
    .. [1] Rubin (1987), Multiple Imputation for Nonresponse in Surveys, p. 76-77.
    .. [2] Barnard and Rubin (1999), Biometrika 86, 948-955.

    Examples
    --------
    >>> from bayesmice.pooling import pool
    >>> pooled = pool([(pd.Series({"age": q}), pd.Series({"age": 0.5})) for q in (1.0, 2.0, 3.0)])
    >>> pooled.params["age"], round(pooled.bse["age"], 3)
    (np.float64(2.0), np.float64(1.354))
    >>> pooled.conf_int(alpha=0.1).round(3)  # doctest: +NORMALIZE_WHITESPACE
              0      1
    term
    age  -0.935  4.935
    """

    terms: pd.Index
    pooled: PooledEstimate
    covariance: PooledCovariance

    @property
    def m(self) -> int:
        """Number of imputations."""
        return self.pooled.m

    @property
    def params(self) -> "pd.Series[float]":
        r"""Pooled estimates :math:`\bar Q`, in the units of the estimands."""
        return self._series(self.pooled.q_bar, "estimate")

    @property
    def bse(self) -> "pd.Series[float]":
        r"""Standard errors :math:`\sqrt T` of the pooled estimates."""
        return self._series(np.sqrt(self.pooled.t), "std_error")

    @property
    def tvalues(self) -> "pd.Series[float]":
        """Estimates divided by their standard errors; infinite where the latter are 0."""
        return self._series(self._statistic(), "statistic")

    @property
    def pvalues(self) -> "pd.Series[float]":
        """Two-sided p-values of the hypotheses that the parameters are 0."""
        p_value = two_sided_p_value(self._statistic(), self.pooled.df)
        return self._series(p_value, "p_value")

    @property
    def df(self) -> "pd.Series[float]":
        """Barnard-Rubin degrees of freedom."""
        return self._series(self.pooled.df, "df")

    @property
    def within(self) -> pd.DataFrame:
        r"""Within-imputation covariance matrix :math:`\bar U`, of shape (k, k)."""
        return self._matrix(self.covariance.within)

    @property
    def between(self) -> pd.DataFrame:
        """Between-imputation covariance matrix :math:`B`, of shape (k, k)."""
        return self._matrix(self.covariance.between)

    def cov_params(self) -> pd.DataFrame:
        r"""Total covariance matrix of the pooled estimates.

        Returns
        -------
        pandas.DataFrame of shape (k, k)
            :math:`T = \bar U + (1 + 1/m) B` in squared units; NaN off the diagonal where only
            variances were pooled.
        """
        return self._matrix(self.covariance.total)

    def conf_int(self, alpha: float = 0.05) -> pd.DataFrame:
        """Confidence intervals from the t distribution of each parameter.

        Parameters
        ----------
        alpha : float, default 0.05
            One minus the confidence level.

        Returns
        -------
        pandas.DataFrame of shape (k, 2)
            Lower bounds in column 0 and upper bounds in column 1, as statsmodels has them.

        Raises
        ------
        PoolingError
            If ``alpha`` does not lie between 0 and 1.
        """
        if not 0 < alpha < 1:
            raise PoolingError(
                f"alpha must lie between 0 and 1; got {alpha}. For 95 % intervals pass alpha=0.05."
            )
        return pd.DataFrame(dict(enumerate(self._interval(1 - alpha))), index=self.terms)

    def summary(self, conf_level: float = 0.95) -> pd.DataFrame:
        """Everything that a report of the analysis needs, one row per parameter.

        Parameters
        ----------
        conf_level : float, default 0.95
            Level of the confidence intervals.

        Returns
        -------
        pandas.DataFrame of shape (k, 10)
            With the columns ``estimate``, ``std_error``, ``statistic``, ``df``, ``p_value``,
            ``ci_low``, ``ci_high``, ``riv`` (relative increase in variance), ``lambda`` (share of
            the variance that is due to missing values) and ``fmi`` (fraction of missing
            information).

        Raises
        ------
        PoolingError
            If ``conf_level`` does not lie between 0 and 1.
        """
        ci_low, ci_high = self._interval(conf_level)
        columns = {
            "estimate": self.params,
            "std_error": self.bse,
            "statistic": self.tvalues,
            "df": self.df,
            "p_value": self.pvalues,
            "ci_low": self._series(ci_low, "ci_low"),
            "ci_high": self._series(ci_high, "ci_high"),
            "riv": self._series(self.pooled.riv, "riv"),
            "lambda": self._series(self.pooled.lambda_, "lambda"),
            "fmi": self._series(self.pooled.fmi, "fmi"),
        }
        return pd.DataFrame(columns, index=self.terms)

    def __repr__(self) -> str:
        return f"{self._caption()}\n{self.summary().to_string(float_format=_four_digits)}"

    def _repr_html_(self) -> str:
        table = self.summary().to_html(float_format=_four_digits, escape=True)
        return f"<p>{escape(self._caption())}</p>\n{table}"

    def _caption(self) -> str:
        return (
            f"PooledResults: {self.m} imputations, Rubin's rules "
            f"with Barnard-Rubin degrees of freedom, 95 % intervals"
        )

    def _statistic(self) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.pooled.q_bar / np.sqrt(self.pooled.t))

    def _interval(self, conf_level: float) -> tuple[FloatArray, FloatArray]:
        quantile = two_sided_quantile(conf_level, self.pooled.df)
        with np.errstate(over="ignore"):
            margin = quantile * np.sqrt(self.pooled.t)
        return self.pooled.q_bar - margin, self.pooled.q_bar + margin

    def _series(self, values: FloatArray, name: str) -> "pd.Series[float]":
        return pd.Series(values, index=self.terms, name=name)

    def _matrix(self, values: FloatArray) -> pd.DataFrame:
        return pd.DataFrame(values, index=self.terms, columns=self.terms)


def _four_digits(value: float) -> str:
    return f"{value:.4g}"

"""Reference distributions: what tests and intervals of pooled estimates come from."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bayesmice.later import later
from bayesmice.pooling.rubin import FloatArray
from bayesmice.pooling.student import checked_level, two_sided_p_value, two_sided_quantile

stats = later("scipy.stats")
optimize = later("scipy.optimize")


class Reference(Protocol):
    """The distribution of k estimands, each on its own."""

    def interval(self, conf_level: float) -> tuple[FloatArray, FloatArray]:
        """Give the ends of central intervals."""

    def p_values(self) -> FloatArray:
        """Give two-sided p-values of the hypotheses that the estimands are 0."""


@dataclass(frozen=True, eq=False)
class StudentReference:
    r"""Student's t: :math:`(\bar Q - Q) / \sqrt T \sim t_\nu`.

    Parameters
    ----------
    q_bar, t, df : ndarray of shape (k,)
        Estimates, their total variances, and degrees of freedom.
    """

    q_bar: FloatArray
    t: FloatArray
    df: FloatArray

    def interval(self, conf_level: float) -> tuple[FloatArray, FloatArray]:
        """Give the ends of central intervals."""
        quantile = two_sided_quantile(conf_level, self.df)
        with np.errstate(over="ignore"):
            margin = quantile * np.sqrt(self.t)
        return self.q_bar - margin, self.q_bar + margin

    def p_values(self) -> FloatArray:
        """Give two-sided p-values."""
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = np.asarray(self.q_bar / np.sqrt(self.t))
        return two_sided_p_value(statistic, self.df)


@dataclass(frozen=True, eq=False)
class MixtureReference:
    """An equal mixture of the m complete-data distributions, each a shifted and scaled Student t.

    Parameters
    ----------
    q_hat, u : ndarray of shape (m, k)
        Estimates and squared standard errors.
    df_complete : ndarray of shape (k,)
        Degrees of freedom of the components.
    """

    q_hat: FloatArray
    u: FloatArray
    df_complete: FloatArray

    def cdf(self, value: float, parameter: int) -> float:
        """Give the probability that an estimand is at most a value."""
        standardized = (value - self.q_hat[:, parameter]) / np.sqrt(self.u[:, parameter])
        return float(stats.t.cdf(standardized, self.df_complete[parameter]).mean())

    def interval(self, conf_level: float) -> tuple[FloatArray, FloatArray]:
        """Give the ends of central intervals."""
        tail = (1 - checked_level(conf_level)) / 2
        ends = [
            [self._quantile(probability, parameter) for parameter in range(self.q_hat.shape[1])]
            for probability in (tail, 1 - tail)
        ]
        return np.asarray(ends[0]), np.asarray(ends[1])

    def p_values(self) -> FloatArray:
        """Give twice the probability on the smaller side of 0."""
        below = np.array([self.cdf(0.0, parameter) for parameter in range(self.q_hat.shape[1])])
        return np.asarray(2 * np.minimum(below, 1 - below))

    def _quantile(self, probability: float, parameter: int) -> float:
        # The quantile of a mixture lies between the smallest and the largest of its components'.
        ends = self.q_hat[:, parameter] + np.sqrt(self.u[:, parameter]) * stats.t.ppf(
            probability, self.df_complete[parameter]
        )
        low, high = float(ends.min()), float(ends.max())
        if low == high:
            return low
        spread = high - low
        return float(
            optimize.brentq(
                lambda value: self.cdf(value, parameter) - probability,
                low - 1e-6 * spread,
                high + 1e-6 * spread,
                xtol=1e-12 * spread,
            )
        )

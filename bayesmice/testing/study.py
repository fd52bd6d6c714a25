"""What a simulation study found."""

from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from bayesmice.errors import SpecificationError
from bayesmice.later import later

stats = later("scipy.stats")


@dataclass(frozen=True, eq=False, repr=False)
class Study:
    """Answers of repeated studies, compared with the truth.

    Made by `simulate`.

    Parameters
    ----------
    replicates : DataFrame
        One row per replicate, method and term, with ``estimate``, ``std_error``, ``df``,
        ``ci_low``, ``ci_high`` and ``fmi``.
    truth : Series
        True values by term.
    conf_level : float
        Level of the intervals.
    """

    replicates: pd.DataFrame
    truth: "pd.Series[float]"
    conf_level: float

    @property
    def n_replicates(self) -> int:
        """Number of repetitions."""
        return int(self.replicates["replicate"].nunique())

    @property
    def table(self) -> pd.DataFrame:
        r"""Performance by method and term, with Monte Carlo errors in the columns ``*_mcse``.

        ``truth``; ``estimate``, the mean; ``raw_bias``, its difference from the truth;
        ``percent_bias``, 100 times its absolute value over that of the truth; ``coverage`` of the
        intervals; ``width``, their average width; ``rmse``; ``model_se``, the root of the mean
        squared standard error; ``empirical_se``, the standard deviation of the estimates; and
        ``se_ratio``, the first over the second. The definitions are those of [1]_.

        References
        ----------
        .. [1] van Buuren (2018), Flexible Imputation of Missing Data, 2nd edition, section 2.5.2;
           Morris, White and Crowther (2019), Statistics in Medicine 38, 2074-2102, table 6.
        """
        groups = self.replicates.groupby(["method", "term"], sort=False)
        rows = {key: self._performance(group, str(key[1])) for key, group in groups}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["method", "term"])

    def coverage_band(self, false_alarm: float = 0.001) -> tuple[float, float]:
        """Limits between which a coverage lies if the intervals are right.

        Parameters
        ----------
        false_alarm : float, default 0.001
            Probability to lie outside although the true coverage is the nominal level, by the
            exact binomial distribution.

        Returns
        -------
        tuple of two float

        Raises
        ------
        SpecificationError
            If ``false_alarm`` does not lie between 0 and 1.

        Examples
        --------
        >>> rows = pd.DataFrame({"replicate": range(1000)})
        >>> Study(rows, pd.Series({"x": 0.0}), 0.95).coverage_band()
        (0.926, 0.971)
        """
        return binomial_band(self.n_replicates, self.conf_level, false_alarm)

    def __repr__(self) -> str:
        table = self.table.to_string(float_format="{:.4g}".format)
        return f"{self._caption()}\n{table}"

    def _repr_html_(self) -> str:
        table = self.table.to_html(float_format="{:.4g}".format, escape=True)
        return f"<p>{escape(self._caption())}</p>\n{table}"

    def _caption(self) -> str:
        low, high = self.coverage_band()
        return (
            f"Study: {self.n_replicates} replicates; coverage of right {100 * self.conf_level:g} % "
            f"intervals lies between {low:.3f} and {high:.3f}, but for one in a thousand"
        )

    def _performance(self, group: pd.DataFrame, term: str) -> dict[str, float]:
        truth, n = float(self.truth[term]), len(group)
        estimates = group["estimate"].to_numpy()
        errors = estimates - truth
        width = (group["ci_high"] - group["ci_low"]).to_numpy()
        covered = ((group["ci_low"] <= truth) & (group["ci_high"] >= truth)).to_numpy()
        spread, root = estimates.std(ddof=1), np.sqrt(np.mean(errors**2))
        squares = group["std_error"].to_numpy() ** 2
        model_se, coverage = np.sqrt(squares.mean()), covered.mean()
        percent = 100 / abs(truth) if truth else np.nan
        model_se_mcse = squares.std(ddof=1) / (2 * model_se * np.sqrt(n)) if model_se else 0.0
        ratio = model_se / spread if spread else np.nan
        return {
            "truth": truth,
            "estimate": estimates.mean(),
            "raw_bias": errors.mean(),
            "raw_bias_mcse": spread / np.sqrt(n),
            "percent_bias": percent * abs(errors.mean()),
            "percent_bias_mcse": percent * spread / np.sqrt(n),
            "coverage": coverage,
            "coverage_mcse": np.sqrt(coverage * (1 - coverage) / n),
            "width": width.mean(),
            "width_mcse": width.std(ddof=1) / np.sqrt(n),
            "rmse": root,
            "rmse_mcse": (errors**2).std(ddof=1) / (2 * root * np.sqrt(n)) if root else 0.0,
            "model_se": model_se,
            "model_se_mcse": model_se_mcse,
            "empirical_se": spread,
            "empirical_se_mcse": spread / np.sqrt(2 * (n - 1)),
            "se_ratio": ratio,
            "se_ratio_mcse": ratio
            * np.hypot(model_se_mcse / model_se if model_se else 0.0, 1 / np.sqrt(2 * (n - 1))),
        }


def binomial_band(n: int, probability: float, false_alarm: float) -> tuple[float, float]:
    """Limits of a share of n independent trials, exceeded with at most the false alarm rate.

    Parameters
    ----------
    n : int
        Number of trials.
    probability : float
        Of a success.
    false_alarm : float
        Probability of a share outside, half of it on either side.

    Returns
    -------
    tuple of two float
        The smallest and the largest share inside.

    Raises
    ------
    SpecificationError
        If ``false_alarm`` does not lie between 0 and 1.

    Examples
    --------
    >>> binomial_band(100, 0.5, 0.05)
    (0.4, 0.6)
    """
    if not 0 < false_alarm < 1:
        raise SpecificationError(f"false_alarm must lie between 0 and 1; got {false_alarm}.")
    low, high = stats.binom.ppf([false_alarm / 2, 1 - false_alarm / 2], n, probability)
    return float(low / n), float(high / n)

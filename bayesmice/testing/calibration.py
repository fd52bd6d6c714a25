"""What simulation-based calibration found."""

from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from bayesmice.diagnostics.uniformity import FloatArray, uniformity_p_value

POINTS = 50
TIE_STREAM = 0x5BC


@dataclass(frozen=True, eq=False, repr=False)
class Calibration:
    """Ranks of true values among draws from their posteriors.

    Made by `sbc`.

    Parameters
    ----------
    ranks : DataFrame of shape (replicates, quantities)
        Number of draws below the true value, from 0 to ``draws``; NaN where a replicate did not
        have the quantity, such as the third missing cell of a column with two.
    draws : int
        Number of draws that each true value was ranked among.
    """

    ranks: pd.DataFrame
    draws: int

    @property
    def table(self) -> pd.DataFrame:
        """One row per quantity: whether its ranks are uniform, and how they are not.

        ``replicates`` is the number of those that had the quantity. ``p_value`` is that of the
        largest deviation of the empirical distribution function, which is exact. ``mean_rank`` is
        the mean rank over ``draws``: below 0.5 where draws are too large. ``spread`` is the
        standard deviation of the ranks over that of uniform ones: above 1 where draws vary too
        little. ``deviation`` is the largest distance of the empirical distribution function from
        the diagonal.
        """
        shares = self.shares()
        points = np.arange(1, POINTS) / POINTS
        rows = {}
        for name, values in shares.items():
            ecdf = np.searchsorted(np.sort(values), points, side="right") / len(values)
            rows[name] = {
                "replicates": len(values),
                "p_value": uniformity_p_value(values, POINTS),
                "mean_rank": float(self.ranks[name].mean() / self.draws),
                "spread": float(values.std() * np.sqrt(12)),
                "deviation": float(np.abs(ecdf - points).max()),
            }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("quantity")

    @property
    def p_value(self) -> float:
        """Smallest p-value times the number of quantities (Bonferroni), at most 1."""
        table = self.table
        return float(min(1.0, table["p_value"].min() * len(table)))

    def shares(self) -> dict[str, FloatArray]:
        """Ranks spread evenly over their bins: uniform numbers between 0 and 1, if all is right.

        Returns
        -------
        dict of str to ndarray
            Of as many numbers as there are replicates with the quantity.
        """
        rng = np.random.default_rng(TIE_STREAM)
        present = {str(name): column.dropna() for name, column in self.ranks.items()}
        return {
            name: (column.to_numpy() + rng.random(len(column))) / (self.draws + 1)
            for name, column in present.items()
        }

    def __repr__(self) -> str:
        return f"{self._caption()}\n{self.table.to_string(float_format='{:.3g}'.format)}"

    def _repr_html_(self) -> str:
        table = self.table.to_html(float_format="{:.3g}".format, escape=True)
        return f"<p>{escape(self._caption())}</p>\n{table}"

    def _caption(self) -> str:
        return (
            f"Calibration: {len(self.ranks)} replicates, ranks among {self.draws} draws; "
            f"p = {self.p_value:.3g}, corrected for {self.ranks.shape[1]} quantities"
        )

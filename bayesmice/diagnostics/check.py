"""Checks of one column's conditional model: what it predicts, and what it imputed."""

from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd
import xarray as xr

from bayesmice.diagnostics.conditional import Conditional, check_draws
from bayesmice.diagnostics.conditional_difference import compare_given_propensity, stratify
from bayesmice.diagnostics.pit import LooPit, loo_pit
from bayesmice.diagnostics.propensity import Propensity, find_propensity
from bayesmice.diagnostics.ranges import RangeCheck, check_range
from bayesmice.diagnostics.statistics import check_statistics

EXTREME = 0.025
"""A p-value of a statistic is called extreme at either end below this."""
NOT_UNIFORM = 0.05
"""LOO-PIT values are called not uniform where their p-value is below this."""


@dataclass(frozen=True, eq=False, repr=False)
class ModelCheck:
    """What speaks for and against the conditional model of one column.

    Made by `Imputations.check`.

    Attributes
    ----------
    name : str
        The column, with its group of rows where there are some.
    n_draws : int
        Draws of the parameters that were used.
    burn_in : int
        Sweeps that were left out before them.
    statistics : DataFrame
        Statistics of observed values against draws from the model: ``observed``, ``predicted``,
        ``q5``, ``q95``, ``p_value``.
    pit : LooPit
        Where observed values lie in what is predicted without them: its values ``by_row``,
        ``pareto_k``, and the ``p_value`` of uniformity.
    difference : DataFrame
        Imputed less observed values with the same probability of being missing: ``estimate,
        std_error, lower, upper, differs``.
    by_propensity : DataFrame
        Observed and imputed values in groups of rows with like probabilities of being missing.
    range : RangeCheck or None
        Imputed values beyond the observed ones; None for levels.
    """

    name: str
    n_draws: int
    burn_in: int
    statistics: pd.DataFrame
    pit: LooPit
    difference: pd.DataFrame
    by_propensity: pd.DataFrame
    range: RangeCheck | None

    @property
    def is_good(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def findings(self) -> list[str]:
        """What was found against the model, in sentences; empty if nothing was."""
        return [*self._about_statistics(), *self._about_pit(), *self._about_imputed()]

    @property
    def verdict(self) -> str:
        """What was found, or that nothing was, in one text."""
        text = " ".join(self.findings) or (
            f"Nothing speaks against the model of {self.name}: statistics of its observed values "
            "are as it predicts, and imputed values differ from observed ones by no more than "
            "chance where both are equally likely to be missing."
        )
        return " ".join([text, *self._cautions()])

    def _about_statistics(self) -> list[str]:
        p = self.statistics["p_value"]
        extreme = self.statistics[(p < EXTREME) | (p > 1 - EXTREME)]
        if extreme.empty:
            return []
        told = ", ".join(
            f"{statistic} {row['observed']:.3g} (predicted {row['q5']:.3g} to {row['q95']:.3g})"
            for statistic, row in extreme.iterrows()
        )
        return [f"The model of {self.name} does not predict these of its observed values: {told}."]

    def _about_pit(self) -> list[str]:
        if not self.pit.p_value < NOT_UNIFORM:
            return []
        return [
            f"Observed values of {self.name} do not lie as they should in what is predicted "
            f"without them: LOO-PIT values are not uniform (p = {_p(self.pit.p_value)}), "
            f"{_shape(self.pit.by_row.to_numpy())}."
        ]

    def _about_imputed(self) -> list[str]:
        found = []
        for quantity, row in self.difference[self.difference["differs"]].iterrows():
            interval = f"95% interval {row['lower']:.3g} to {row['upper']:.3g}"
            if quantity == "spread":
                found.append(
                    "Given their probability of being missing, the standard deviation of imputed "
                    f"values is {row['estimate']:.3g} times that of observed ones ({interval})."
                )
            else:
                what = "" if quantity == "difference" else f"the {quantity} of "
                found.append(
                    f"Given their probability of being missing, {what}imputed values "
                    f"{'differ' if not what else 'differs'} from observed ones by "
                    f"{row['estimate']:.3g} ({interval})."
                )
        if self.range is not None and self.range.negative > 0:
            found.append(
                f"No observed value of {self.name} is negative, and {self.range.negative:.1%} of "
                "the imputed ones are."
            )
        return found

    def _cautions(self) -> list[str]:
        cautions = []
        if self.difference["estimate"].isna().all():
            cautions.append(
                "Rows with and without the column are too few to compare imputed with observed "
                "values."
            )
        elif self.difference["lower"].isna().all():
            cautions.append("With one imputation, differences have no interval.")
        if self.pit.n_bad_k:
            cautions.append(
                f"Pareto k is above {self.pit.good_k:.2f} in {self.pit.n_bad_k} of "
                f"{self.pit.by_row.size} rows, whose LOO-PIT values are not reliable; more sweeps "
                "or chains make them so, if the model is right."
            )
        return cautions

    def _range_line(self) -> str:
        own = self.range
        if own is None:
            return ""
        expected = "" if np.isnan(own.expected) else f"; {own.expected:.1%} of draws for observed"
        return (
            f"Range: observed {own.lowest:.4g} to {own.highest:.4g}, imputed "
            f"{own.lowest_imputed:.4g} to {own.highest_imputed:.4g}; {own.below:.1%} of imputed "
            f"values below and {own.above:.1%} above{expected} rows lie beyond."
            if expected
            else ""
        )

    def _lines(self) -> list[str]:
        return [
            f"Check of the model of {self.name}: {self.n_draws} draws after {self.burn_in} sweeps "
            "of burn-in",
            self.verdict,
        ]

    def _tables(self) -> dict[str, pd.DataFrame]:
        return {
            "Statistics of observed values, and of draws from the model": self.statistics,
            "Imputed less observed values, given the probability of being missing": self.difference,
            "The same in groups of rows": self.by_propensity,
        }

    def __repr__(self) -> str:
        tables = [
            f"{title}\n{table.to_string(float_format='{:.3g}'.format)}"
            for title, table in self._tables().items()
        ]
        pit = f"LOO-PIT: p-value of uniformity {_p(self.pit.p_value)}"
        return "\n\n".join([*self._lines(), *tables, "\n".join(filter(None, self._footer(pit)))])

    def _footer(self, pit: str) -> list[str]:
        return [pit, self._range_line()]

    def _repr_html_(self) -> str:
        lines = [f"<p>{escape(line)}</p>" for line in self._lines()]
        tables = [
            f"<p>{escape(title)}</p>\n{table.to_html(float_format='{:.3g}'.format)}"
            for title, table in self._tables().items()
        ]
        pit = f"LOO-PIT: p-value of uniformity {_p(self.pit.p_value)}"
        footer = [f"<p>{escape(line)}</p>" for line in self._footer(pit) if line]
        return "\n".join([*lines, *tables, *footer])


def check_model_of(conditional: Conditional, random_seed: int = 0) -> ModelCheck:
    """Check a column's conditional model.

    Parameters
    ----------
    conditional : Conditional
        The column, in a tree with its log-likelihood and posterior predictive draws.
    random_seed : int, default 0
        Seed of the random places that LOO-PIT gives to ties.

    Returns
    -------
    ModelCheck

    Raises
    ------
    SpecificationError
        If there are too few draws, or something that is needed is not in the tree.
    """
    check_draws(conditional, "A check")
    propensity = find_propensity(conditional.tree, conditional.column, conditional.label)
    return ModelCheck(
        conditional.title,
        conditional.n_draws,
        conditional.burn_in,
        check_statistics(conditional),
        loo_pit(conditional, random_seed),
        compare_given_propensity(propensity),
        stratify(propensity),
        _range(conditional.predicted, propensity),
    )


def _range(predicted: xr.DataArray, propensity: Propensity) -> RangeCheck | None:
    if propensity.column.levels:
        return None
    observed = propensity.completed[0, ~propensity.is_missing]
    imputed = propensity.completed[:, propensity.is_missing]
    return check_range(observed, imputed, predicted.to_numpy())


def _p(p_value: float) -> str:
    return "below 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def _shape(values: np.ndarray) -> str:
    """Say in words how values are not uniform, by the largest of three departures."""
    n = len(values)
    # In standard errors: the mean of uniform numbers, and the mean of their squared distance from
    # the middle, whose variance is 1/180.
    shift = (values.mean() - 0.5) * np.sqrt(12 * n)
    width = (((values - 0.5) ** 2).mean() - 1 / 12) * np.sqrt(180 * n)
    if max(abs(shift), abs(width)) < 2:
        return "so the shape of the predicted distribution is wrong, as under skewness"
    if abs(shift) > abs(width):
        return f"too many of them {'high' if shift > 0 else 'low'}: predictions are biased"
    if width > 0:
        return "too many near 0 and 1: predictions are too narrow, or their tails too light"
    return "too many in the middle: predictions are too wide"

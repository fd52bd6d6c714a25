"""What a simulation study consists of, and the parts that designs share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import statsmodels.api as sm
from peers import Peer

import bayesmice as bm

Rng = np.random.Generator
Analysis = Callable[[pd.DataFrame], Any]


class Published(NamedTuple):
    """What other software found in the same design.

    Attributes
    ----------
    bias, bias_mcse, coverage : float
        With the Monte Carlo error of the bias.
    replicates : int
        How many it had.
    """

    bias: float
    bias_mcse: float
    coverage: float
    replicates: int

    @property
    def coverage_mcse(self) -> float:
        # One success and one failure more, so that a share of zero has an error too.
        share = (self.coverage * self.replicates + 1) / (self.replicates + 2)
        return float(np.sqrt(share * (1 - share) / self.replicates))


@dataclass(frozen=True)
class Design:
    """A simulation study.

    `right` are names of methods whose intervals must cover; `wrong` says of others why theirs need
    not. `published` are figures of other software for the same design, by method and parameter, and
    must be reproduced. `book` are bias and coverage of a design that is much like this one, for
    comparison by eye. `peers` are R's methods on the same data sets, by the name of the method of
    ours that does the same. `full_data_bias` is what the analysis is off by without missing values.
    `share` is the part of the usual number of replicates that are run.
    """

    title: str
    make: Callable[[Rng], pd.DataFrame]
    ampute: Callable[[pd.DataFrame, Rng], pd.DataFrame]
    analyze: Analysis
    truth: Mapping[str, float]
    methods: Mapping[str, Any]
    right: tuple[str, ...]
    wrong: Mapping[str, str] = field(default_factory=dict)
    m: int = 5
    sweeps: int = 10
    published: Mapping[tuple[str, str], Published] = field(default_factory=dict)
    book: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    peers: Mapping[str, Peer] = field(default_factory=dict)
    full_data_bias: Mapping[str, float] = field(default_factory=dict)
    share: float = 1.0


def drop(data: pd.DataFrame, column: str, chance: Any, rng: Rng) -> pd.DataFrame:
    """Delete cells of a column, each with its own chance."""
    return data.assign(**{column: data[column].mask(rng.random(len(data)) < chance)})


def regression(
    outcome: str,
    predictors: Sequence[str],
    family: type[sm.families.Family] | None = None,
    derived: Mapping[str, Callable[[pd.DataFrame], pd.Series]] | None = None,
) -> Analysis:
    """Regress by statsmodels, without a formula, whose evaluation takes longer than the fit.

    Columns with levels become indicators, with the names that formulas give them. `derived` are
    further predictors, each a function of the data.
    """

    def analyze(data: pd.DataFrame) -> Any:
        terms = {"Intercept": np.ones(len(data))}
        for name in predictors:
            column = data[name]
            if isinstance(column.dtype, pd.CategoricalDtype):
                for code, level in enumerate(column.cat.categories[1:], start=1):
                    terms[f"{name}[T.{level}]"] = (column.cat.codes == code).to_numpy(float)
            else:
                terms[name] = column.to_numpy(float)
        terms |= {name: of(data).to_numpy(float) for name, of in (derived or {}).items()}
        design, y = pd.DataFrame(terms), data[outcome].to_numpy(float)
        model = sm.OLS(y, design) if family is None else sm.GLM(y, design, family=family())
        return model.fit()

    return analyze


def mean_of(column: str) -> Analysis:
    def analyze(data: pd.DataFrame) -> bm.CompleteDataResult:
        values = data[column].to_numpy(float)
        n = len(values)
        return bm.CompleteDataResult(
            (column,), np.array([values.mean()]), np.array([values.var(ddof=1) / n]), n - 1
        )

    return analyze


def line(n: int) -> Callable[[Rng], pd.DataFrame]:
    """y = x + e."""

    def make(rng: Rng) -> pd.DataFrame:
        x = rng.normal(size=n)
        return pd.DataFrame({"x": x, "y": x + rng.normal(size=n)})

    return make


UNADJUSTED = {"full data": "full_data", "complete cases": "complete_cases"}

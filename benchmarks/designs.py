"""Designs of simulation studies: how data come about, how values go missing, what is asked of them.

FIMD is van Buuren (2018), Flexible Imputation of Missing Data, 2nd edition. Published figures are
those of R's mice 3.15 in 500 to 1,000 replicates of the same designs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf
from scipy.special import expit

import bayesmice as bm

Rng = np.random.Generator


@dataclass(frozen=True)
class Design:
    """A simulation study.

    `right` are names of methods whose intervals must cover; `wrong` says of others why theirs need
    not. `published` are bias and coverage of R's mice and of complete cases for the same design, by
    method and parameter.
    """

    title: str
    make: Callable[[Rng], pd.DataFrame]
    ampute: Callable[[pd.DataFrame, Rng], pd.DataFrame]
    analyze: Callable[[pd.DataFrame], Any]
    truth: Mapping[str, float]
    methods: Mapping[str, Any]
    right: tuple[str, ...]
    wrong: Mapping[str, str] = field(default_factory=dict)
    m: int = 5
    sweeps: int = 10
    published: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)


def drop(data: pd.DataFrame, column: str, chance: Any, rng: Rng) -> pd.DataFrame:
    """Delete cells of a column, each with its own chance."""
    return data.assign(**{column: data[column].mask(rng.random(len(data)) < chance)})


def ols(formula: str) -> Callable[[pd.DataFrame], Any]:
    return lambda data: smf.ols(formula, data).fit()


def logit(formula: str) -> Callable[[pd.DataFrame], Any]:
    return lambda data: smf.glm(formula, data, family=sm.families.Binomial()).fit()


def line(n: int) -> Callable[[Rng], pd.DataFrame]:
    def make(rng: Rng) -> pd.DataFrame:
        x = rng.normal(size=n)
        return pd.DataFrame({"x": x, "y": x + rng.normal(size=n)})

    return make


def whiteside(rng: Rng) -> pd.DataFrame:
    x = rng.normal(4.875, 2.75, 50)
    return pd.DataFrame({"x": x, "y": 5.49 - 0.29 * x + rng.normal(0, 0.86, 50)})


def pair(rng: Rng) -> pd.DataFrame:
    draws = rng.multivariate_normal([5, 5], [[1, 0.6], [0.6, 1]], 200)
    return pd.DataFrame(draws, columns=["y1", "y2"])


def mean_of(column: str) -> Callable[[pd.DataFrame], Any]:
    def analyze(data: pd.DataFrame) -> bm.CompleteDataResult:
        values = data[column].to_numpy(float)
        n = len(values)
        return bm.CompleteDataResult(
            (column,), np.array([values.mean()]), np.array([values.var(ddof=1) / n]), n - 1
        )

    return analyze


def binary_covariate(rng: Rng) -> pd.DataFrame:
    z = rng.normal(size=300)
    b = rng.random(300) < expit(0.5 * z)
    y = rng.random(300) < expit(-0.5 + 0.7 * b + 0.5 * z)
    return pd.DataFrame({"z": z, "b": b.astype(int), "y": y.astype(int)})


def nominal_covariate(rng: Rng) -> pd.DataFrame:
    z = rng.normal(size=400)
    odds = np.exp(np.column_stack([np.zeros(400), 0.5 * z, 0.3 - 0.5 * z]))
    cumulated = (odds / odds.sum(axis=1, keepdims=True)).cumsum(axis=1)
    code = (rng.random((400, 1)) > cumulated).sum(axis=1)
    y = rng.random(400) < expit(-0.3 + 0.8 * (code == 1) - 0.8 * (code == 2) + 0.4 * z)
    group = pd.Categorical.from_codes(code, ["a", "b", "c"])
    return pd.DataFrame({"z": z, "group": group, "y": y.astype(int)})


def ordinal_covariate(rng: Rng) -> pd.DataFrame:
    z = rng.normal(size=300)
    code = np.digitize(0.8 * z + rng.logistic(size=300), [-1.0, 1.0])
    grade = pd.Categorical.from_codes(code, ["low", "middle", "high"], ordered=True)
    y = 1.0 * (code == 1) + 2.0 * (code == 2) + 0.5 * z + rng.normal(size=300)
    return pd.DataFrame({"z": z, "grade": grade, "y": y})


def unordered(data: pd.DataFrame) -> pd.DataFrame:
    labels = data["grade"].astype(str)
    return data.assign(grade=pd.Categorical(labels, ["low", "middle", "high"]))


def counts(rng: Rng) -> pd.DataFrame:
    z = rng.normal(size=300)
    return pd.DataFrame({"z": z, "visits": rng.poisson(np.exp(0.3 + 0.5 * z)).astype(float)})


def skewed(rng: Rng) -> pd.DataFrame:
    z = rng.normal(size=200)
    return pd.DataFrame({"z": z, "cost": rng.gamma(1.5, np.exp(1 + 0.5 * z) / 1.5)})


def poisson(formula: str) -> Callable[[pd.DataFrame], Any]:
    return lambda data: smf.glm(formula, data, family=sm.families.Poisson()).fit()


UNADJUSTED = {"full data": "full_data", "complete cases": "complete_cases"}

DESIGNS = {
    "missing predictor": Design(
        "FIMD 2.5.3: y = x + e, n = 50, half of x missing completely at random",
        make=line(50),
        ampute=lambda data, rng: drop(data, "x", 0.5, rng),
        analyze=ols("y ~ x"),
        truth={"x": 1.0},
        methods={"default": {}, **UNADJUSTED},
        right=("default",),
        sweeps=5,
        published={("default", "x"): (-0.030, 0.946)},
    ),
    "missing outcome": Design(
        "FIMD 3.2.3: n = 50, half of y missing completely at random",
        make=whiteside,
        ampute=lambda data, rng: drop(data, "y", 0.5, rng),
        analyze=ols("y ~ x"),
        truth={"x": -0.29},
        methods={"default": {}, "pmm": {"models": {"y": bm.Regression(draw=bm.PMM())}}},
        right=("default",),
        wrong={"pmm": "25 donors for 25 recipients: intervals are known to be too short"},
        sweeps=5,
        published={("default", "x"): (-0.004, 0.952), ("pmm", "x"): (0.037, 0.887)},
    ),
    "right tail": Design(
        "FIMD 3.2.4, MARRIGHT: the mean of y2, which is missing where y1 is large, n = 200",
        make=pair,
        ampute=lambda data, rng: drop(data, "y2", expit(-5 + data["y1"]), rng),
        analyze=mean_of("y2"),
        truth={"y2": 5.0},
        methods={"default": {}, "complete cases": "complete_cases"},
        right=("default",),
        wrong={"complete cases": "only small values of y1 are complete"},
        m=10,
        sweeps=5,
        published={("default", "y2"): (-0.003, 0.938), ("complete cases", "y2"): (-0.252, 0.278)},
    ),
    "binary covariate": Design(
        "logistic regression with a binary covariate, missing where y = 1, n = 300",
        make=binary_covariate,
        ampute=lambda data, rng: drop(data, "b", expit(-1 + data["y"]), rng),
        analyze=logit("y ~ b + z"),
        truth={"Intercept": -0.5, "b": 0.7, "z": 0.5},
        methods={"default": {}, "complete cases": "complete_cases"},
        right=("default",),
        wrong={"complete cases": "rows with y = 1 are missing more often"},
        m=10,
        sweeps=5,
        published={
            ("default", "Intercept"): (-0.019, 0.958),
            ("complete cases", "Intercept"): (-0.404, 0.636),
        },
    ),
    "nominal covariate": Design(
        "logistic regression with a covariate of three levels, missing by y and z, n = 400",
        make=nominal_covariate,
        ampute=lambda data, rng: drop(data, "group", expit(-1.5 + data["y"] + data["z"]), rng),
        analyze=logit("y ~ group + z"),
        truth={"group[T.b]": 0.8, "group[T.c]": -0.8, "z": 0.4},
        methods={"default": {}},
        right=("default",),
        m=10,
        sweeps=5,
    ),
    "ordinal covariate": Design(
        "linear regression on an ordered covariate, missing by y, n = 300",
        make=ordinal_covariate,
        ampute=lambda data, rng: drop(data, "grade", expit(-1.5 + 0.7 * data["y"]), rng),
        analyze=lambda data: smf.ols("y ~ grade + z", unordered(data)).fit(),
        truth={"grade[T.middle]": 1.0, "grade[T.high]": 2.0, "z": 0.5},
        methods={"default": {}},
        right=(),
        wrong={"default": "given y the levels do not have proportional odds, but nearly"},
        m=10,
        sweeps=5,
    ),
    "counts": Design(
        "a count with a log-linear mean, missing by its predictor, n = 300",
        make=counts,
        ampute=lambda data, rng: drop(data, "visits", expit(-0.5 + data["z"]), rng),
        analyze=poisson("visits ~ z"),
        truth={"Intercept": 0.3, "z": 0.5},
        methods={
            "poisson": {"models": {"visits": bm.Regression(family="poisson")}},
            "pmm": {"models": {"visits": bm.Regression(draw=bm.PMM())}},
        },
        right=("poisson",),
        wrong={"pmm": "matches a straight line where the mean bends"},
        m=10,
        sweeps=5,
    ),
    "skewed": Design(
        "the mean of a gamma variable, missing where its predictor is large, n = 200",
        make=skewed,
        ampute=lambda data, rng: drop(data, "cost", expit(-1 + data["z"]), rng),
        analyze=mean_of("cost"),
        truth={"cost": float(np.exp(1 + 0.125))},
        methods={
            "gamma": {"models": {"cost": bm.Regression(family="gamma")}},
            "gaussian": {},
            "pmm": {"models": {"cost": bm.Regression(draw=bm.PMM())}},
            "complete cases": "complete_cases",
        },
        right=("gamma",),
        wrong={
            "gaussian": "draws negative costs, and a straight line",
            "pmm": "matches a straight line where the mean bends",
            "complete cases": "large costs are missing more often",
        },
        m=10,
        sweeps=5,
    ),
    "large fraction": Design(
        "y = x + e, n = 200, 35 % of rows lack x, another 35 % lack y",
        make=line(200),
        ampute=lambda data, rng: _in_turn(data, rng),
        analyze=ols("y ~ x"),
        truth={"Intercept": 0.0, "x": 1.0},
        methods={"default": {}},
        right=("default",),
        m=20,
        sweeps=40,
    ),
}


def _in_turn(data: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Of every ten rows 35 % lack x, another 35 % lack y."""
    kind = rng.random(len(data))
    return data.assign(x=data["x"].mask(kind < 0.35), y=data["y"].mask(kind > 0.65))

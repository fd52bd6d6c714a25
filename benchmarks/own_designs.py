"""Designs of our own: other kinds of columns and models, and models that are wrong.

Their right methods have no published figures; R's mice runs on the same data sets where it has the
method.
"""

import numpy as np
import pandas as pd
import pymc as pm
import statsmodels.api as sm
from design import Design, Rng, drop, line, mean_of, regression
from peers import Peer
from scipy.special import expit

import bayesmice as bm

Data = bm.models.ModelData


def nominal_covariate(rng: Rng) -> pd.DataFrame:
    z = rng.normal(size=400)
    odds = np.exp(np.column_stack([np.zeros(400), 0.5 * z, 0.3 - 0.5 * z]))
    cumulated = (odds / odds.sum(axis=1, keepdims=True)).cumsum(axis=1)
    code = (rng.random((400, 1)) > cumulated).sum(axis=1)
    y = rng.random(400) < expit(-0.3 + 0.8 * (code == 1) - 0.8 * (code == 2) + 0.4 * z)
    group = pd.Categorical.from_codes(code, ["a", "b", "c"])
    return pd.DataFrame({"z": z, "group": group, "y": y.astype(int)})


def rare_levels(rng: Rng) -> pd.DataFrame:
    """Given y, the levels have the log-odds of a multinomial logistic regression."""
    code = np.repeat(np.arange(4), [200, 120, 68, 12])
    y = np.array([0.0, 0.5, -0.5, 1.0])[code] + rng.normal(size=400)
    return pd.DataFrame({"group": pd.Categorical.from_codes(code, list("abcd")), "y": y})


def ordinal_covariate(rng: Rng) -> pd.DataFrame:
    z = rng.normal(size=300)
    code = np.digitize(0.8 * z + rng.logistic(size=300), [-1.0, 1.0])
    grade = pd.Categorical.from_codes(code, ["low", "middle", "high"], ordered=True)
    y = 1.0 * (code == 1) + 2.0 * (code == 2) + 0.5 * z + rng.normal(size=300)
    return pd.DataFrame({"z": z, "grade": grade, "y": y})


def counts(rng: Rng) -> pd.DataFrame:
    z = rng.normal(size=300)
    return pd.DataFrame({"z": z, "visits": rng.poisson(np.exp(0.3 + 0.5 * z)).astype(float)})


def count_model(data: Data) -> None:
    eta = pm.Normal("a", 0, 2) + pm.Normal("b", 0, 2) * data["z"]
    pm.Poisson("visits", pm.math.exp(eta), observed=data["visits"])


def skewed(rng: Rng) -> pd.DataFrame:
    z = rng.normal(size=200)
    return pd.DataFrame({"z": z, "cost": rng.gamma(1.5, np.exp(1 + 0.5 * z) / 1.5)})


def two_pressures(rng: Rng) -> pd.DataFrame:
    age = rng.normal(50, 10, 200)
    sbp = 100 + 0.6 * age + rng.normal(0, 12, 200)
    dbp = 20 + 0.4 * sbp + 0.1 * age + rng.normal(0, 7, 200)
    return pd.DataFrame({"age": age, "sbp": sbp, "dbp": dbp})


def drop_together(data: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Old rows lack both more often; some lack one."""
    both = rng.random(len(data)) < expit(-1.5 + (data["age"] - 50) / 10)
    one = rng.random(len(data))
    return data.assign(
        sbp=data["sbp"].mask(both | (one < 0.15)), dbp=data["dbp"].mask(both | (one > 0.85))
    )


def pressures(data: Data) -> None:
    age = (data["age"] - 50) / 10
    a, b, s = pm.Normal("a", 130, 30), pm.Normal("b", 0, 20), pm.HalfNormal("s", 30)
    c, d, e = pm.Normal("c", 80, 30), pm.Normal("d", 0, 2), pm.Normal("e", 0, 20)
    t = pm.HalfNormal("t", 30)
    pm.Normal("sbp", a + b * age, s, observed=data["sbp"])
    pm.Normal("dbp", c + d * (data["sbp"] - 130) + e * age, t, observed=data["dbp"])


def in_turn(data: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Of every ten rows 35 % lack x, another 35 % lack y."""
    kind = rng.random(len(data))
    return data.assign(x=data["x"].mask(kind < 0.35), y=data["y"].mask(kind > 0.65))


POISSON = regression("visits", ["z"], sm.families.Poisson)

OWN = {
    "nominal covariate": Design(
        "logistic regression with a covariate of three levels, missing by y and z, n = 400",
        make=nominal_covariate,
        ampute=lambda data, rng: drop(data, "group", expit(-1.5 + data["y"] + data["z"]), rng),
        analyze=regression("y", ["group", "z"], sm.families.Binomial),
        truth={"group[T.b]": 0.8, "group[T.c]": -0.8, "z": 0.4},
        methods={"default": {}},
        right=("default",),
        m=10,
        sweeps=5,
        peers={"default": Peer({"group": "polyreg"})},
    ),
    "rare levels": Design(
        "linear regression on four levels, one of them in 12 of 400 rows, missing by y",
        make=rare_levels,
        # A third of the rare level is deleted on average, and all of it in 1 of 400,000 data sets.
        ampute=lambda data, rng: drop(data, "group", expit(-1.2 + 0.5 * data["y"]), rng),
        analyze=regression("y", ["group"]),
        truth={"Intercept": 0.0, "group[T.b]": 0.5, "group[T.c]": -0.5, "group[T.d]": 1.0},
        methods={"default": {}},
        right=("default",),
        m=10,
        sweeps=5,
        peers={"default": Peer({"group": "polyreg"})},
    ),
    "ordinal covariate": Design(
        "linear regression on an ordered covariate, missing by y, n = 300",
        make=ordinal_covariate,
        ampute=lambda data, rng: drop(data, "grade", expit(-1.5 + 0.7 * data["y"]), rng),
        analyze=regression("y", ["grade", "z"]),
        truth={"grade[T.middle]": 1.0, "grade[T.high]": 2.0, "z": 0.5},
        methods={"default": {}},
        right=(),
        wrong={"default": "given y the levels do not have proportional odds, but nearly"},
        m=10,
        sweeps=5,
        peers={"default": Peer({"grade": "polr"})},
    ),
    "counts": Design(
        "a count with a log-linear mean, missing by its predictor, n = 300",
        make=counts,
        ampute=lambda data, rng: drop(data, "visits", expit(-0.5 + data["z"]), rng),
        analyze=POISSON,
        truth={"Intercept": 0.3, "z": 0.5},
        methods={
            "poisson": {"models": {"visits": bm.Regression(family="poisson")}},
            "pmm": {"models": {"visits": bm.Regression(draw=bm.PMM())}},
        },
        right=("poisson",),
        wrong={"pmm": "matches a straight line where the mean bends"},
        m=10,
        sweeps=5,
        peers={"pmm": Peer({"visits": "pmm"})},
    ),
    "counts by PyMC's steps": Design(
        "the same counts with a model of one's own under kernel='pymc'",
        make=counts,
        ampute=lambda data, rng: drop(data, "visits", expit(-0.5 + data["z"]), rng),
        analyze=POISSON,
        truth={"Intercept": 0.3, "z": 0.5},
        methods={"custom": {"models": {"visits": bm.Custom(count_model, kernel="pymc")}}},
        right=("custom",),
        m=5,
        sweeps=4,
        share=0.05,
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
        peers={"gaussian": Peer({"cost": "norm"}), "pmm": Peer({"cost": "pmm"})},
    ),
    "two outcomes": Design(
        "two blood pressures, missing together and singly, imputed by one model, n = 200",
        make=two_pressures,
        ampute=drop_together,
        analyze=regression("dbp", ["sbp", "age"]),
        truth={"sbp": 0.4, "age": 0.1},
        methods={
            "block": {"models": {("sbp", "dbp"): bm.Custom(pressures, kernel="hmc")}},
            "default": {},
        },
        right=("block", "default"),
        m=10,
        sweeps=15,
        peers={"default": Peer({"sbp": "norm", "dbp": "norm"}, 10)},
    ),
    "large fraction": Design(
        "y = x + e, n = 200, 35 % of rows lack x, another 35 % lack y",
        make=line(200),
        ampute=in_turn,
        analyze=regression("y", ["x"]),
        truth={"Intercept": 0.0, "x": 1.0},
        methods={"default": {}},
        right=("default",),
        m=20,
        sweeps=40,
        peers={"default": Peer({"x": "norm", "y": "norm"}, 15)},
    ),
}

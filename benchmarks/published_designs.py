"""Designs that others have published figures for, or that their software was run on.

FIMD is van Buuren (2018), Flexible Imputation of Missing Data, 2nd edition. Figures marked as
published are of R 4.2.2 with mice 3.15.0 or smcfcs 2.0.1 (Bartlett, Keogh and others), 160 to
1,000 replicates of exactly these designs.
"""

from typing import Any

import pandas as pd
import pymc as pm
import statsmodels.api as sm
from design import UNADJUSTED, Design, Published, Rng, drop, line, mean_of, regression
from peers import Peer
from scipy.special import expit

import bayesmice as bm

Data = bm.models.ModelData


def flat_line(data: Data) -> None:
    """Regress x on y with a flat prior on coefficients and log sigma, as R's norm does."""
    a, b, sigma = pm.Flat("a"), pm.Flat("b"), pm.HalfFlat("sigma", initval=1.0)
    pm.Potential("scale invariance", -pm.math.log(sigma))
    pm.Normal("x", a + b * data["y"], sigma, observed=data["x"])


def whiteside(rng: Rng) -> pd.DataFrame:
    x = rng.normal(4.875, 2.75, 50)
    return pd.DataFrame({"x": x, "y": 5.49 - 0.29 * x + rng.normal(0, 0.86, 50)})


def matched(column: str, donors: int) -> dict[str, Any]:
    return {"models": {column: bm.Regression(draw=bm.PMM(donors=donors))}}


def pair(rng: Rng) -> pd.DataFrame:
    draws = rng.multivariate_normal([5, 5], [[1, 0.6], [0.6, 1]], 200)
    return pd.DataFrame(draws, columns=["y1", "y2"])


def binary_covariate(rng: Rng) -> pd.DataFrame:
    z = rng.normal(size=300)
    b = rng.random(300) < expit(0.5 * z)
    y = rng.random(300) < expit(-0.5 + 0.7 * b + 0.5 * z)
    return pd.DataFrame({"z": z, "b": b.astype(int), "y": y.astype(int)})


SQUARE = {"x^2": lambda data: data["x2"] if "x2" in data else data["x"] ** 2}


def quadratic(rng: Rng) -> pd.DataFrame:
    x, z = rng.normal(size=(2, 200))
    return pd.DataFrame({"z": z, "x": x, "y": 1 + z + x + x**2 + rng.normal(size=200)})


def logistic_quadratic(rng: Rng) -> pd.DataFrame:
    x, z = rng.normal(size=(2, 500))
    y = rng.random(500) < expit(z + x + x**2)
    return pd.DataFrame({"z": z, "x": x, "y": y.astype(int)})


def observed_by(column: str) -> Any:
    """Observe x with the more probability, the larger the other column is."""

    def ampute(data: pd.DataFrame, rng: Rng) -> pd.DataFrame:
        z = (data[column] - data[column].mean()) / data[column].std()
        return drop(data, "x", expit(-z), rng)

    return ampute


def with_square(data: pd.DataFrame) -> pd.DataFrame:
    return data.assign(x2=data["x"] ** 2)


def just_another_variable(data: pd.DataFrame, seed: int) -> list[pd.DataFrame]:
    """Impute x and its square as two columns that know nothing of each other."""
    mice = bm.MICE(with_square(data))
    return mice.mice(10, 10, random_seed=seed, progressbar=False).data


def only_target(function: Any) -> bm.Custom:
    """Impute by one block alone: nothing cycles, so that one transition per visit is enough."""
    return bm.Custom(function, kernel="hmc", inner_steps=1)


def quadratic_block(data: Data) -> None:
    a, b, s = pm.Normal("a", 0, 5), pm.Normal("b", 0, 5), pm.HalfNormal("s", 5)
    c, t = pm.Normal("c", 0, 10, shape=4), pm.HalfNormal("t", 5)
    pm.Normal("x", a + b * data["z"], s, observed=data["x"])
    x = data["x"]
    pm.Normal("y", c[0] + c[1] * data["z"] + c[2] * x + c[3] * x**2, t, observed=data["y"])


def logistic_quadratic_block(data: Data) -> None:
    a, b, s = pm.Normal("a", 0, 5), pm.Normal("b", 0, 5), pm.HalfNormal("s", 5)
    c = pm.Normal("c", 0, 5, shape=4)
    pm.Normal("x", a + b * data["z"], s, observed=data["x"])
    x = data["x"]
    eta = c[0] + c[1] * data["z"] + c[2] * x + c[3] * x**2
    pm.Bernoulli("y", logit_p=eta, observed=data["y"])


PRODUCT = {"x1:x2": lambda data: data["x1"] * data["x2"]}


def interaction(rng: Rng) -> pd.DataFrame:
    x1, x2 = rng.normal(size=200), rng.integers(0, 2, 200)
    y = 1 + x1 + x2 + x1 * x2 + rng.normal(size=200)
    return pd.DataFrame({"x1": x1, "x2": x2.astype(float), "y": y})


def interaction_block(data: Data) -> None:
    a, s, p = pm.Normal("a", 0, 5), pm.HalfNormal("s", 5), pm.Normal("p", 0, 2)
    c, t = pm.Normal("c", 0, 10, shape=4), pm.HalfNormal("t", 5)
    pm.Bernoulli("x2", logit_p=p, observed=data["x2"])
    pm.Normal("x1", a, s, observed=data["x1"])
    x1, x2 = data["x1"], data["x2"]
    pm.Normal("y", c[0] + c[1] * x1 + c[2] * x2 + c[3] * x1 * x2, t, observed=data["y"])


def drop_both(data: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    return drop(drop(data, "x1", 0.5, rng), "x2", 0.5, rng)


def by_y1(
    title: str, chance: Any, published: dict[tuple[str, str], Published], why: str = ""
) -> Design:
    return Design(
        f"FIMD 3.2.4, {title}, n = 200",
        make=pair,
        ampute=lambda data, rng: drop(data, "y2", expit(chance(data["y1"])), rng),
        analyze=mean_of("y2"),
        truth={"y2": 5.0},
        methods={"default": {}, "complete cases": "complete_cases"},
        right=("default",),
        wrong={"complete cases": why} if why else {},
        m=10,
        sweeps=5,
        published=published,
        peers={"default": Peer({"y2": "norm"})},
    )


FEW_DONORS = "of 25 rows for 25 cells: the same values come again"
DONORS = (1, 3, 5, 10)

PUBLISHED = {
    "missing predictor": Design(
        "FIMD 2.5.3: y = x + e, n = 50, half of x missing completely at random",
        make=line(50),
        ampute=lambda data, rng: drop(data, "x", 0.5, rng),
        analyze=regression("y", ["x"]),
        truth={"x": 1.0},
        methods={
            "default": {},
            "flat": {"models": {"x": bm.Custom(flat_line, kernel="hmc")}},
            "pmm": {"models": {"x": bm.Regression(draw=bm.PMM())}},
            **UNADJUSTED,
        },
        right=("default", "flat"),
        sweeps=5,
        published={
            ("default", "x"): Published(-0.0302, 0.0064, 0.946, 1000),
            ("flat", "x"): Published(-0.0302, 0.0064, 0.946, 1000),
            ("pmm", "x"): Published(-0.0319, 0.0070, 0.940, 1000),
            ("complete cases", "x"): Published(-0.0002, 0.0072, 0.940, 1000),
        },
        peers={"flat": Peer({"x": "norm"}), "pmm": Peer({"x": "pmm"})},
    ),
    "missing outcome": Design(
        "FIMD 3.2.3: n = 50, half of y missing completely at random",
        make=whiteside,
        ampute=lambda data, rng: drop(data, "y", 0.5, rng),
        analyze=regression("y", ["x"]),
        truth={"x": -0.29},
        methods={
            "default": {},
            **{f"pmm, {d}": matched("y", d) for d in DONORS},
            "complete cases": "complete_cases",
        },
        right=("default",),
        wrong={f"pmm, {d}": f"the nearest {d} {FEW_DONORS}" for d in DONORS},
        sweeps=5,
        published={
            ("default", "x"): Published(-0.0042, 0.0022, 0.952, 1000),
            ("pmm, 5", "x"): Published(0.0375, 0.0021, 0.887, 1000),
            ("complete cases", "x"): Published(-0.0029, 0.0021, 0.953, 1000),
        },
        book={
            ("default", "x"): (-0.0001, 0.951),
            ("pmm, 1", "x"): (0.016, 0.884),
            ("pmm, 3", "x"): (0.028, 0.890),
            ("pmm, 5", "x"): (0.039, 0.876),
            ("pmm, 10", "x"): (0.065, 0.806),
        },
        peers={"default": Peer({"y": "norm"})}
        | {f"pmm, {d}": Peer({"y": "pmm"}, donors=d) for d in DONORS},
    ),
    "missing x": Design(
        "FIMD 3.2.3: n = 50, half of x missing completely at random",
        make=whiteside,
        ampute=lambda data, rng: drop(data, "x", 0.5, rng),
        analyze=regression("y", ["x"]),
        truth={"x": -0.29},
        methods={"default": {}, **{f"pmm, {d}": matched("x", d) for d in DONORS}},
        right=("default",),
        wrong={f"pmm, {d}": f"the nearest {d} {FEW_DONORS}" for d in DONORS},
        sweeps=5,
        published={
            ("default", "x"): Published(0.0046, 0.0020, 0.954, 1000),
            ("pmm, 5", "x"): Published(0.0075, 0.0021, 0.934, 1000),
        },
        book={
            ("default", "x"): (0.0075, 0.955),
            ("pmm, 1", "x"): (-0.002, 0.916),
            ("pmm, 3", "x"): (0.002, 0.931),
            ("pmm, 5", "x"): (0.008, 0.938),
            ("pmm, 10", "x"): (0.028, 0.946),
        },
        peers={"default": Peer({"x": "norm"})}
        | {f"pmm, {d}": Peer({"x": "pmm"}, donors=d) for d in DONORS},
    ),
    "right tail": by_y1(
        "MARRIGHT: the mean of y2, which is missing where y1 is large",
        lambda y1: -5 + y1,
        {
            ("default", "y2"): Published(-0.0028, 0.0046, 0.938, 500),
            ("complete cases", "y2"): Published(-0.2518, 0.0043, 0.278, 500),
        },
        "only small values of y1 are complete",
    ),
    "middle": by_y1(
        "MARMID: the mean of y2, which is missing in the middle of y1",
        lambda y1: 0.75 - abs(y1 - 5),
        {
            ("default", "y2"): Published(-0.0019, 0.0042, 0.938, 500),
            ("complete cases", "y2"): Published(0.0004, 0.0048, 0.946, 500),
        },
    ),
    "tails": by_y1(
        "MARTAIL: the mean of y2, which is missing in the tails of y1",
        lambda y1: -0.75 + abs(y1 - 5),
        {
            ("default", "y2"): Published(0.0055, 0.0042, 0.956, 500),
            ("complete cases", "y2"): Published(0.0038, 0.0041, 0.960, 500),
        },
    ),
    "binary covariate": Design(
        "logistic regression with a binary covariate, missing where y = 1, n = 300",
        make=binary_covariate,
        ampute=lambda data, rng: drop(data, "b", expit(-1 + data["y"]), rng),
        analyze=regression("y", ["b", "z"], sm.families.Binomial),
        truth={"Intercept": -0.5, "b": 0.7, "z": 0.5},
        methods={"default": {}, "complete cases": "complete_cases"},
        right=("default",),
        wrong={"complete cases": "rows with y = 1 are missing more often"},
        m=10,
        sweeps=5,
        published={
            ("default", "Intercept"): Published(-0.0189, 0.0095, 0.958, 500),
            ("default", "b"): Published(0.0262, 0.0148, 0.954, 500),
            ("default", "z"): Published(0.0039, 0.0060, 0.958, 500),
            ("complete cases", "Intercept"): Published(-0.4039, 0.0107, 0.636, 500),
            ("complete cases", "b"): Published(0.0225, 0.0147, 0.950, 500),
            ("complete cases", "z"): Published(0.0086, 0.0086, 0.926, 500),
        },
        peers={"default": Peer({"b": "logreg"})},
    ),
    "quadratic": Design(
        "y = 1 + z + x + x² + e, n = 200, x missing where y is small (smcfcs, ex_linquad)",
        make=quadratic,
        ampute=observed_by("y"),
        analyze=regression("y", ["z", "x"], derived=SQUARE),
        truth={"Intercept": 1.0, "z": 1.0, "x": 1.0, "x^2": 1.0},
        methods={
            "block": {"models": {("x", "y"): only_target(quadratic_block)}},
            "square afterwards": {},
            "square as a column": just_another_variable,
            "complete cases": "complete_cases",
        },
        right=("block",),
        wrong={
            "square afterwards": "x is imputed as if y were a straight line",
            "square as a column": "the imputed square is not that of the imputed x",
            "complete cases": "small values of y are missing more often",
        },
        m=10,
        sweeps=10,
        published={
            ("block", "Intercept"): Published(0.0045, 0.0073, 0.935, 200),
            ("block", "z"): Published(-0.0028, 0.0060, 0.950, 200),
            ("block", "x"): Published(-0.0045, 0.0067, 0.965, 200),
            ("block", "x^2"): Published(0.0046, 0.0049, 0.930, 200),
            ("square afterwards", "Intercept"): Published(0.3209, 0.0097, 0.660, 200),
            ("square afterwards", "z"): Published(0.0105, 0.0073, 0.970, 200),
            ("square afterwards", "x"): Published(-0.0850, 0.0125, 0.920, 200),
            ("square afterwards", "x^2"): Published(-0.4143, 0.0073, 0.185, 200),
            ("square as a column", "Intercept"): Published(0.1702, 0.0086, 0.720, 200),
            ("square as a column", "z"): Published(-0.0077, 0.0073, 0.935, 200),
            ("square as a column", "x"): Published(-0.0871, 0.0064, 0.830, 200),
            ("square as a column", "x^2"): Published(-0.0798, 0.0049, 0.715, 200),
            ("complete cases", "Intercept"): Published(0.2504, 0.0098, 0.545, 200),
            ("complete cases", "x^2"): Published(-0.0256, 0.0051, 0.900, 200),
        },
        peers={
            "square afterwards": Peer({"x": "norm"}),
            "square as a column": Peer({"x": "norm", "x2": "norm"}, 10, prepare=with_square),
        },
    ),
    "interaction": Design(
        "y = 1 + x1 + x2 + x1 x2 + e, n = 200, half of x1 and of x2 missing (smcfcs, ex_lininter)",
        make=interaction,
        ampute=drop_both,
        analyze=regression("y", ["x1", "x2"], derived=PRODUCT),
        truth={"Intercept": 1.0, "x1": 1.0, "x2": 1.0, "x1:x2": 1.0},
        methods={
            "block": {"models": {("x1", "x2", "y"): only_target(interaction_block)}},
            "main effects": {},
        },
        right=("block",),
        wrong={"main effects": "x1 and x2 are imputed as if they did not interact"},
        m=10,
        sweeps=15,
        published={
            ("block", "Intercept"): Published(0.0033, 0.0121, 0.9625, 160),
            ("block", "x1"): Published(-0.0067, 0.0114, 0.975, 160),
            ("block", "x2"): Published(-0.0156, 0.0178, 0.95625, 160),
            ("block", "x1:x2"): Published(0.0084, 0.0168, 0.95625, 160),
            ("main effects", "Intercept"): Published(0.0121, 0.0141, 0.950, 160),
            ("main effects", "x1"): Published(0.2554, 0.0106, 0.675, 160),
            ("main effects", "x2"): Published(-0.0158, 0.0215, 0.95625, 160),
            ("main effects", "x1:x2"): Published(-0.5479, 0.0092, 0.20625, 160),
        },
        peers={"main effects": Peer({"x1": "norm", "x2": "logreg"}, 10)},
    ),
    "logistic quadratic": Design(
        "logit P(y) = z + x + x², n = 500, x missing where z is small (smcfcs, ex_logisticquad)",
        make=logistic_quadratic,
        ampute=observed_by("z"),
        analyze=regression("y", ["z", "x"], sm.families.Binomial, SQUARE),
        truth={"Intercept": 0.0, "z": 1.0, "x": 1.0, "x^2": 1.0},
        methods={
            "block": {"models": {("x", "y"): only_target(logistic_quadratic_block)}},
            "square afterwards": {},
        },
        right=("block",),
        wrong={"square afterwards": "x is imputed as if it were straight in y"},
        m=10,
        sweeps=10,
        published={
            ("block", "Intercept"): Published(-0.004, 0.0129, 0.955, 200),
            ("block", "z"): Published(0.028, 0.0098, 0.970, 200),
            ("block", "x"): Published(0.0531, 0.0218, 0.930, 200),
            ("block", "x^2"): Published(0.0418, 0.018, 0.980, 200),
            ("square afterwards", "Intercept"): Published(0.4251, 0.0087, 0.135, 200),
            ("square afterwards", "z"): Published(-0.1091, 0.0083, 0.860, 200),
            ("square afterwards", "x"): Published(-0.4085, 0.0116, 0.495, 200),
            ("square afterwards", "x^2"): Published(-0.7148, 0.0041, 0.0, 200),
        },
        peers={"square afterwards": Peer({"x": "norm"})},
        # Maximum likelihood of logistic regression is biased in 500 rows; by the same peer.
        full_data_bias={"z": 0.0134, "x": 0.0337, "x^2": 0.0389},
    ),
}

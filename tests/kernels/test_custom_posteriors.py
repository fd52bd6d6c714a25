"""Custom models, sampled by every kernel, against closed forms.

Every check is a t test over independent chains at 1e-5 (|z| < 4.5 for many of them), or a
Kolmogorov-Smirnov test at 1e-5; together they raise a false alarm less than once in 3,000 runs.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy import stats

import bayesmice as bm

CHAINS, SWEEPS, BURN_IN = 150, 40, 6
HOST_CHAINS = 10
"""PyMC's own steps move one chain after the other."""
ALARM = 1e-5
LIMIT = 4.5


@pytest.fixture(scope="module")
def whiteside() -> pd.DataFrame:
    data = pd.read_csv(Path(__file__).parent / "reference" / "whiteside.csv")
    data.loc[46, "gas"] = np.nan
    return data


def flat_regression(data: bm.models.ModelData) -> None:
    """Linear regression with a flat prior on coefficients and log sigma."""
    a, b, c = pm.Flat("a"), pm.Flat("b"), pm.Flat("c")
    sigma = pm.HalfFlat("sigma", initval=1.0)
    pm.Potential("scale invariance", -pm.math.log(sigma))
    mean = a + b * data["temp"] + c * data["insul"]
    pm.Normal("gas", mean, sigma, observed=data["gas"])


def z_score(per_draw: np.ndarray, exact: float) -> float:
    by_chain = per_draw.mean(axis=1)
    return (by_chain.mean() - exact) / (by_chain.std(ddof=1) / np.sqrt(len(by_chain)))


@pytest.mark.parametrize(
    ("kernel", "chains"),
    [
        ("hmc", CHAINS),
        ("nuts", CHAINS),
        pytest.param("pymc", HOST_CHAINS, marks=pytest.mark.statistical),
    ],
)
def test_every_kernel_draws_the_t_distribution_of_the_textbook(
    whiteside: pd.DataFrame, kernel: str, chains: int
) -> None:
    # "before" and "after" sort as after = 0, before = 1; R codes after as 1.
    mice = bm.MICE(whiteside, models={"gas": bm.Custom(flat_regression, kernel=kernel)})
    imputations = mice.mice(m=chains, sweeps=SWEEPS, progressbar=False)
    limit = stats.t.isf(ALARM / 2, chains - 1)
    posterior = imputations.tree["conditionals/gas/posterior"].isel(draw=slice(BURN_IN, None))
    slope, before = posterior["b"].to_numpy(), posterior["c"].to_numpy()
    sigma = posterior["sigma"].to_numpy()
    df = 52
    checks = {
        "temp": z_score(slope, -0.33710502214215676),
        "insul": z_score(before, 1.5758278217666053),
        "temp variance": z_score((slope + 0.33710502214215676) ** 2, 0.0181708770963581**2),
        "insul variance": z_score((before - 1.5758278217666053) ** 2, 0.10007096966039683**2),
        "sigma squared": z_score(sigma**2, 0.13357685248520199),
    }
    assert max(map(abs, checks.values())) < limit, checks
    scale_of_slope = 0.0181708770963581 / np.sqrt(df / (df - 2))
    in_tail = np.abs(slope + 0.33710502214215676) > scale_of_slope * stats.t.ppf(0.95, df)
    assert abs(z_score(in_tail.astype(float), 0.1)) < limit

    cells = imputations.tree["imputations"]["gas"].to_numpy()[:, 0]
    exact = stats.t(df, 3.292158935983143, 0.36464513568699564)
    assert stats.kstest(cells, exact.cdf).pvalue > 1e-5


def test_a_hierarchical_model_draws_its_exact_gaussian_posterior() -> None:
    """Group means with known variances: each posterior mean is a precision-weighted average."""
    y = {"p": [1.0, 2.0, 3.0], "q": [4.0, 6.0], "r": [-1.0]}
    rows = [(group, value) for group, values in y.items() for value in values] + [("r", np.nan)]
    data = pd.DataFrame(rows, columns=["group", "y"])

    def group_means(data: bm.models.ModelData) -> None:
        mean = pm.Normal("mean", 0, 2, dims="group")
        pm.Normal("y", mean[data["group"]], 1.5, observed=data["y"])

    imputations = bm.MICE(data, models={"y": group_means}).mice(
        m=CHAINS, sweeps=SWEEPS, progressbar=False
    )
    draws = imputations.tree["conditionals/y/posterior"]["mean"].isel(draw=slice(BURN_IN, None))
    assert draws.dims == ("chain", "draw", "group")
    for group, values in y.items():
        precision = 1 / 2**2 + len(values) / 1.5**2
        mean = sum(values) / 1.5**2 / precision
        sample = draws.sel(group=group).to_numpy()
        assert abs(z_score(sample, mean)) < LIMIT, group
        assert abs(z_score((sample - mean) ** 2, 1 / precision)) < LIMIT, group
    precision = 1 / 2**2 + 1 / 1.5**2
    predictive = stats.norm(-1 / 1.5**2 / precision, np.sqrt(1 / precision + 1.5**2))
    cells = imputations.tree["imputations"]["y"].to_numpy()[:, 0]
    assert stats.kstest(cells, predictive.cdf).pvalue > 1e-5

"""Predictive draws of every family, by every kernel, against SciPy's distribution functions.

A missing cell is drawn at the parameters that the same sweep of the same chain recorded, so its
probability integral transform at these parameters is uniform, and independent of all others; that
of a discrete value is taken at a random place within its probability. This needs no posterior. The
posterior predictive distributions of single cells are compared with textbook t distributions.

Every test allows a false alarm of `TEST_ALARM`, so that the file raises one less than once in
2,000 runs.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from conjugate import conjugate_posterior
from family_cases import CASES
from family_posteriors import cell_p_value
from posterior_checks import predictive_p_value
from scipy import stats

import bayesmice as bm

pytestmark = pytest.mark.statistical

N_TESTS = 2 * len(CASES) + 2
TEST_ALARM = 5e-4 / N_TESTS
IMPUTATIONS = 4000
ROW = 46
"""Gas of week 47, which the textbooks delete."""


@pytest.mark.parametrize("kernel", ["hmc", "nuts"])
@pytest.mark.parametrize("name", CASES)
def test_cells_follow_the_distribution_at_the_parameters_of_their_sweep(
    name: str, kernel: str
) -> None:
    assert cell_p_value(name, kernel) > TEST_ALARM


@pytest.fixture(scope="module")
def whiteside() -> pd.DataFrame:
    folder = Path(__file__).parents[1] / "kernels" / "reference"
    data = pd.read_csv(folder / "whiteside.csv")
    data.loc[ROW, "gas"] = np.nan
    return data


def flat(data: bm.models.ModelData) -> None:
    """Linear regression with a flat prior on coefficients and log sigma."""
    a, b, c = pm.Flat("a"), pm.Flat("b"), pm.Flat("c")
    sigma = pm.HalfFlat("sigma", initval=1.0)
    pm.Potential("scale invariance", -pm.math.log(sigma))
    pm.Normal("gas", a + b * data["temp"] + c * data["insul"], sigma, observed=data["gas"])


def conjugate(data: bm.models.ModelData) -> None:
    variance = pm.InverseGamma("variance", alpha=2, beta=1)
    a = pm.Normal("a", 0, 10 * pm.math.sqrt(variance))
    b = pm.Normal("b", 0, 10 * pm.math.sqrt(variance))
    pm.Normal("gas", a + b * data["temp"], pm.math.sqrt(variance), observed=data["gas"])


def imputed(data: pd.DataFrame, function: Callable[[bm.models.ModelData], None]) -> np.ndarray:
    """One cell per chain, each an independent draw from its posterior predictive distribution."""
    mice = bm.MICE(data, models={"gas": bm.Custom(function, kernel="hmc")})
    imputations = mice.mice(m=IMPUTATIONS, sweeps=8, progressbar=False)
    return imputations.tree["imputations"]["gas"].to_numpy()[:, 0]


def test_a_cell_under_a_flat_prior_follows_the_t_distribution_of_the_textbook(
    whiteside: pd.DataFrame,
) -> None:
    """Location and scale are from R's ``lm`` on the 55 other rows, at five degrees of freezing."""
    exact = stats.t(52, 3.292158935983143, 0.36464513568699564)
    assert predictive_p_value(exact.cdf(imputed(whiteside, flat))) > TEST_ALARM


def test_a_cell_under_a_conjugate_prior_follows_its_t_distribution(
    whiteside: pd.DataFrame,
) -> None:
    """Location and scale are from R, by the formulas of the conjugate posterior."""
    kept = whiteside.dropna()
    design = np.column_stack([np.ones(len(kept)), kept["temp"]])
    posterior = conjugate_posterior(design, kept["gas"].to_numpy(), 10, 2, 1)
    exact = posterior.predictive(np.array([1, whiteside.loc[ROW, "temp"]]))
    assert exact.kwds == {}
    np.testing.assert_allclose(exact.args, (59, 4.042166078060017, 0.8524293302297347), rtol=1e-9)
    assert predictive_p_value(exact.cdf(imputed(whiteside, conjugate))) > TEST_ALARM

"""Long runs of compatible models end where maximum likelihood says; slow runs are called so.

Where all columns are normal, a sweep of linear regressions with flat priors is a Gibbs sampler of a
multivariate normal distribution. Its means and covariances must be those of maximum likelihood,
within a tenth of a posterior standard deviation (what the prior and the skewness of the posterior
may do in n rows) and 4 Monte Carlo errors. With 33 comparisons the file raises a false alarm less
than once in 400 runs.

van Buuren (2018), Flexible Imputation of Missing Data, 2nd edition, section 4.5.7, gives a case in
which chained equations converge slowly: two columns with a correlation of 0.7, each 0.9 with a
third, and never or rarely observed together. The first sweeps impute them as if they had nothing
in common but the third, so that their correlation begins at 0.81.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from flat_regression import flat_regressions
from normal_likelihood import NormalFit, fit_normal

import bayesmice as bm
from bayesmice.scheduler import fill

pytestmark = pytest.mark.statistical

FOLDER = Path(__file__).parent / "reference"
MAXIMA = json.loads((FOLDER / "normal_likelihood.json").read_text())
ROWS = 600
CHAINS, SWEEPS = 500, 20
PRIOR_ERROR = 0.1
"""In posterior standard deviations."""


def airquality() -> pd.DataFrame:
    """Two incomplete columns, 153 rows."""
    return pd.read_csv(FOLDER / "airquality.csv")[list(MAXIMA["airquality"]["mean"])].astype(float)


def three_incomplete() -> pd.DataFrame:
    """Three incomplete columns and a complete one, on which their being missing depends."""
    rng = np.random.default_rng()
    root = np.array([[1, 0, 0, 0], [0.5, 0.9, 0, 0], [-0.4, 0.3, 0.8, 0], [0.6, 0.2, 0.4, 0.7]])
    data = pd.DataFrame(rng.normal(size=(ROWS, 4)) @ root.T, columns=list("wxyz"))
    for name, share in {"x": 0.15, "y": 0.25, "z": 0.35}.items():
        chance = np.clip(share + 0.1 * data["w"], 0.02, 0.9)
        data[name] = data[name].mask(rng.random(ROWS) < chance)
    return data


@pytest.mark.parametrize("name", ["airquality", "nhanes"])
def test_the_optimizer_finds_the_maximum_that_em_finds(name: str) -> None:
    data = pd.read_csv(FOLDER / f"{name}.csv")[list(MAXIMA[name]["mean"])].astype(float)
    found = fit_normal(data)
    np.testing.assert_allclose(found.mean, list(MAXIMA[name]["mean"].values()), rtol=1e-3)
    expected = np.array(MAXIMA[name]["cov_ml"])
    spread = np.sqrt(np.diag(expected))
    np.testing.assert_allclose(
        found.covariance / np.outer(spread, spread),
        expected / np.outer(spread, spread),
        atol=2e-3,
    )


@pytest.mark.parametrize("make", [airquality, three_incomplete])
def test_completed_data_have_the_means_and_covariances_of_maximum_likelihood(make) -> None:
    """In the last sweep of many chains, which are independent."""
    data = make()
    exact = fit_normal(data)
    imputations = bm.MICE(data, flat_regressions(data)).mice(CHAINS, SWEEPS, progressbar=False)
    completed = np.stack([frame.to_numpy(float) for frame in imputations.data])
    means = completed.mean(axis=1)
    centered = completed - means[:, None]
    covariances = np.einsum("cni,cnj->cij", centered, centered) / len(data)

    within = np.diag(exact.covariance) / len(data)
    assert_near(means, exact.mean, within)
    variances = np.diag(exact.covariance)
    within = (np.outer(variances, variances) + exact.covariance**2) / len(data)
    lower = np.tril_indices(len(variances))
    assert_near(covariances[:, *lower], exact.covariance[lower], within[lower])


@pytest.mark.parametrize("make", [airquality, three_incomplete])
def test_a_long_run_has_the_means_of_maximum_likelihood(make) -> None:
    """All sweeps of a few chains: what imputed cells have in the mean, and the regressions."""
    data, sweeps, chains = make(), 900, 4
    exact = fit_normal(data)
    imputations = bm.MICE(data, flat_regressions(data)).mice(chains, sweeps, progressbar=False)
    cells = imputations.tree["sweep_stats"].to_dataset().isel(draw=slice(100, None))
    for column, name in enumerate(data.columns):
        n_missing = int(data[name].isna().sum())
        if n_missing == 0:
            continue
        imputed = cells[name].sel(statistic="mean").to_numpy()
        means = (data[name].sum() + n_missing * imputed) / len(data)
        # Means of a hundred sweeps are as good as independent.
        batches = means.reshape(chains * (sweeps - 100) // 100, 100).mean(axis=1)
        within = exact.covariance[column, column] / len(data) + means.var()
        error = batches.std(ddof=1) / np.sqrt(len(batches))
        gap = abs(batches.mean() - exact.mean[column])
        assert gap < PRIOR_ERROR * np.sqrt(within) + 4 * error, (name, gap, error)


def assert_near(draws: np.ndarray, exact: np.ndarray, within: np.ndarray) -> None:
    """Compare means over chains with exact values, of shape (k,)."""
    between = draws.var(axis=0, ddof=1)
    allowed = PRIOR_ERROR * np.sqrt(within + between) + 4 * np.sqrt(between / len(draws))
    gap = np.abs(draws.mean(axis=0) - exact)
    assert (gap <= allowed + 1e-3 * np.sqrt(within)).all(), gap / np.sqrt(within + between)


def test_the_oracle_is_of_a_kind_that_can_fail() -> None:
    """A mean that is a fifth of a posterior standard deviation off."""
    exact = NormalFit(np.zeros(1), np.eye(1))
    draws = np.random.default_rng().normal(0.2 * np.sqrt(2), 1, (4000, 1))
    with pytest.raises(AssertionError):
        assert_near(draws, exact.mean, np.ones(1))


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let chains begin far above or below what was observed, and say where.

    In standard deviations of what was observed.
    """
    honest, starts = fill._fill_column, []

    def shifted(column, known, rng):
        starts.append(rng.normal(0, 5))
        return honest(column, known, rng) + starts[-1] * np.std(known.observed_values)

    monkeypatch.setattr(fill, "_fill_column", shifted)
    return starts


def test_chains_from_overdispersed_starts_converge(starts) -> None:
    """R-hat below 1.05 and 400 effective draws; a right run is beyond far less often than 1e-6."""
    data = three_incomplete()
    imputations = bm.MICE(data).mice(m=8, sweeps=400, progressbar=False)
    table = imputations.convergence().table
    assert (table["r_hat"] < 1.05).all(), table
    assert (table["ess_bulk"] > 400).all(), table
    assert len(starts) >= 3 * 8
    assert np.std(starts) > 2


def slow(complete: int) -> pd.DataFrame:
    """Of 10,000 rows few have both y1 and y2; the others lack one or the other."""
    n, rng = 10_000, np.random.default_rng()
    covariance = np.array([[1, 0.9, 0.9], [0.9, 1, 0.7], [0.9, 0.7, 1]])
    data = pd.DataFrame(rng.multivariate_normal(np.zeros(3), covariance, n), columns=["x", *PAIR])
    middle = complete + (n - complete) // 2
    data.loc[complete : middle - 1, "y1"] = np.nan
    data.loc[middle:, "y2"] = np.nan
    return data


PAIR = ["y1", "y2"]


def correlation(data: pd.DataFrame, sweeps: int) -> tuple[float, bm.Imputations]:
    imputations = bm.MICE(data).mice(m=5, sweeps=sweeps, progressbar=False)
    return float(np.mean([df["y1"].corr(df["y2"]) for df in imputations.data])), imputations


@pytest.mark.parametrize("complete", [1000, 500, 250, 100])
def test_slow_convergence_is_flagged_after_few_sweeps(complete: int) -> None:
    """The published figures: from about 0.81 towards 0.70, slowly."""
    data = slow(complete)
    first, _ = correlation(data, 1)
    assert abs(first - 0.81) < 0.03, first
    early, run = correlation(data, 10)
    assert run.convergence().converged is False, run.convergence()
    assert early < first


def test_slow_convergence_ends_at_the_truth() -> None:
    """With 1,000 complete rows, flat after some 20 sweeps.

    The correlation has a posterior standard deviation of 0.01 or so; five of them are allowed.
    """
    data = slow(1000)
    late, run = correlation(data, 150)
    assert abs(late - 0.7) < 0.05, late
    assert (run.convergence().table["r_hat"] < 1.1).all(), run.convergence()

"""Custom models and their rows: what has one likelihood per row, and what has not."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest

import bayesmice as bm

pytestmark = pytest.mark.long


@pytest.fixture
def data() -> pd.DataFrame:
    rng = np.random.default_rng(9)
    x = rng.normal(size=30)
    frame = pd.DataFrame({"x": x, "y": 2 * x + rng.normal(size=30)})
    frame.loc[[3, 7], "y"] = np.nan
    return frame


def test_a_multivariate_likelihood_is_refused(data: pd.DataFrame) -> None:
    """Its one number would be counted once for every observed row."""

    def together(data: bm.models.ModelData) -> None:
        slope = pm.Normal("slope", 0, 5)
        pm.MvNormal("y", slope * data["x"], np.eye(30), observed=data["y"])

    with pytest.raises(bm.ModelError, match="one log-likelihood for all rows together"):
        bm.MICE(data, models={"y": together})


def test_a_latent_variable_per_row_works(data: pd.DataFrame) -> None:
    def noisy(data: bm.models.ModelData) -> None:
        latent = pm.Normal("latent", 0, 1, dims="row")
        slope = pm.Normal("slope", 0, 5)
        pm.Normal("y", slope * data["x"] + latent, 0.5, observed=data["y"])

    mice = bm.MICE(data, models={"y": noisy})
    imputations = mice.mice(m=20, sweeps=12, random_seed=2, progressbar=False)
    posterior = imputations.tree["conditionals/y/posterior"]
    assert posterior["latent"].dims == ("chain", "draw", "row")
    assert posterior["slope"].mean() == pytest.approx(2, abs=0.6)
    assert mice.model("y")["latent"].eval().shape == (28,)


@pytest.mark.parametrize("own_function", [False, True], ids=["family", "function"])
def test_an_unknown_value_may_have_another_support_than_the_known_ones(own_function: bool) -> None:
    """Rows with one trial are missing, and every known count is above one."""
    rng = np.random.default_rng(4)
    trials = np.r_[np.full(30, 40), np.full(30, 41), np.full(20, 1)]
    frame = pd.DataFrame({"n": trials, "x": rng.normal(size=80)})
    frame["y"] = np.r_[rng.binomial(trials[:60], 0.5).astype(float), np.full(20, np.nan)]

    def binomial(data: bm.models.ModelData) -> None:
        share = pm.Beta("share", 1, 1)
        pm.Binomial("y", data["n"].astype("int64"), share, observed=data["y"])

    model = binomial if own_function else bm.Regression("1", family="binomial", trials="n")
    run = bm.MICE(frame, models={"y": model}).mice(m=3, sweeps=5, progressbar=False)
    for completed in run:
        assert completed["y"][60:].isin([0, 1]).all()

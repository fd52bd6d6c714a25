"""Custom models and their rows: what has one likelihood per row, and what has not."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest

import bayesmice as bm


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

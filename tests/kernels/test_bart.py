"""BART (pymc-bart), which brings its own step method."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest

from bayesmice import MICE, Custom, Regression

pmb = pytest.importorskip("pymc_bart")

# pymc-bart keeps its trees in a process of its own, which Python starts by a fork.
pytestmark = pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")

N = 150


@pytest.fixture(scope="module")
def wave():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.uniform(-3, 3, N), "w": rng.normal(size=N)})
    frame["y"] = 5 * np.sin(frame["x"]) + rng.normal(0, 0.5, N)
    frame.loc[rng.random(N) < 0.25, "y"] = np.nan
    return frame


def forest(data):
    covariates = pm.math.stack([data["x"], data["w"]], axis=1)
    mu = pmb.BART("mu", covariates, data["y"].get_value(), m=20, dims="row")
    pm.Normal("y", mu, pm.HalfNormal("s", 2), observed=data["y"])


def impute(frame, models, m=1):
    return MICE(frame, models).mice(m=m, sweeps=4, random_seed=6, progressbar=False)


def test_trees_follow_a_wave_that_a_line_cannot(wave):
    run = impute(wave, {"y": forest})
    missing = wave["y"].isna()
    truth = 5 * np.sin(wave["x"][missing])

    def error(imputations):
        return float(((imputations.completed(0)["y"][missing] - truth) ** 2).mean() ** 0.5)

    # The noise is 0.5; a line leaves a standard deviation of about 3.
    assert error(run) < 1.5 < error(impute(wave, {"y": Regression("x + w")}))
    posterior = run.tree["conditionals/y/posterior"]
    assert posterior["mu"].dims == ("chain", "draw", "row")


def test_covariates_with_missing_cells_are_seen_as_completed(wave):
    frame = wave.copy()
    frame.loc[0:9, "w"] = np.nan
    models = {"y": Custom(forest, inner_steps=30)}
    first, again = impute(frame, models), impute(frame, models, m=2)
    assert first.completed(0).notna().all().all()
    pd.testing.assert_frame_equal(first.completed(0), again.completed(0))

"""Small runs that several modules look at; one shape, so that they share compiled programs."""

import numpy as np
import pandas as pd
import pytest

from bayesmice import MICE

N = 24


@pytest.fixture(scope="session")
def numbers():
    """One complete column and two with four missing cells each; another number each call."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=N)
    frame = pd.DataFrame({"x": x, "y": x + rng.normal(size=N), "z": 20 + rng.normal(size=N)})
    frame.loc[0:3, "y"] = None
    frame.loc[6:9, "z"] = None
    return frame


@pytest.fixture(scope="session")
def impute():
    """Run two chains of two sweeps."""

    def run(frame, models=None, *, m=2, sweeps=2, random_seed=3):
        mice = MICE(frame, models)
        return mice.mice(m=m, sweeps=sweeps, random_seed=random_seed, progressbar=False)

    return run


@pytest.fixture(scope="session")
def imputations(impute, numbers):
    """Five sweeps of the three numbers."""
    return impute(numbers, sweeps=5)

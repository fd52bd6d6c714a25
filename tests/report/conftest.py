"""Runs that are reported: small ones with every kind of column."""

import numpy as np
import pandas as pd
import pytest

import bayesmice as bm


@pytest.fixture(scope="session")
def awkward_data():
    """Columns of every scale, with names that are not HTML, units, and a passive column."""
    rng = np.random.default_rng(7)
    n = 120
    data = pd.DataFrame(
        {
            "age": rng.normal(50, 10, n),
            "a <b> & c": rng.gamma(3, 2, n),
            "stage": pd.Categorical(rng.choice(["I", "II", "III"], n), ordered=True),
            "treated": rng.choice(["no", "yes"], n),
            "site": pd.Categorical(rng.choice(["x", "y", "<z>"], n)),
        }
    )
    data["age"] += 5 * (data["treated"] == "yes")
    data["doubled"] = 2 * data["a <b> & c"]
    for at, column in enumerate(["a <b> & c", "stage", "treated", "site"]):
        data.loc[rng.choice(n, 15 + 5 * at, replace=False), column] = None
    data["doubled"] = 2 * data["a <b> & c"]
    data.attrs["units"] = {"age": "years", "a <b> & c": "mmol/l"}
    data.attrs["long_name"] = {"age": "age at entry"}
    return data


@pytest.fixture(scope="session")
def awkward(awkward_data):
    models = {"a <b> & c": bm.Regression(family="gamma"), "stage": bm.Regression("age")}
    mice = bm.MICE(awkward_data, models, passive={"doubled": lambda d: 2 * d["a <b> & c"]})
    return mice.mice(m=3, sweeps=8, random_seed=2, progressbar=False)

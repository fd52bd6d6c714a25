"""Sums over the rows of the design follow what is drawn, in any kind of visit."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest

import bayesmice as bm
from bayesmice.scheduler import sweeps

pytestmark = pytest.mark.long

N = 80


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Numbers, levels, and two numbers that are missing in the same rows and in others."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=(N, 5)) + rng.normal(size=(N, 1))
    data = pd.DataFrame(values, columns=["a", "b", "c", "d", "e"])
    data["kind"] = pd.Categorical.from_codes(rng.integers(0, 3, N), ["u", "v", "w"])
    for name in ("a", "b", "c", "d", "kind"):
        data[name] = data[name].mask(rng.random(N) < 0.2)
    data.loc[:5, ["c", "d"]] = np.nan
    return data


def pair(data):
    slope, noise = pm.Normal("slope", 0, 1, shape=2), pm.HalfNormal("noise", 1, shape=2)
    pm.Normal("c", slope[0] * data["e"], noise[0], observed=data["c"])
    pm.Normal("d", slope[1] * data["c"], noise[1], observed=data["d"])


def by_steps(data):
    slope, noise = pm.Normal("slope", 0, 1), pm.HalfNormal("noise", 1)
    pm.Normal("d", slope * data["e"], noise, observed=data["d"])


CASES = {
    "regressions": {},
    "a block": {"models": {("c", "d"): pair}},
    "steps of PyMC": {"models": {"d": bm.Custom(by_steps, kernel="pymc")}},
    "cells that were observed": {
        "where": lambda data: data.isna() | (data.index.to_numpy()[:, None] < 9)
    },
}


@pytest.mark.parametrize("case", CASES)
def test_sums_after_a_visit_are_those_of_the_design(frame, case, monkeypatch):
    settings = dict(CASES[case])
    if "where" in settings:
        settings["where"] = settings["where"](frame)
    honest, visited = sweeps.write_columns, []

    def checked(state, target, chains, cells):
        honest(state, target, chains, cells)
        for rows, sums in zip(*map(np.asarray, state.design), strict=True):
            columns = np.column_stack([np.ones(N), rows])
            np.testing.assert_allclose(sums, columns.T @ columns, rtol=1e-9, atol=1e-9)
            np.testing.assert_array_equal(sums, sums.T)
        visited.append(target.name)

    monkeypatch.setattr(sweeps, "write_columns", checked)
    bm.MICE(frame, **settings).mice(m=3, sweeps=2, progressbar=False)
    assert len(set(visited)) >= 4

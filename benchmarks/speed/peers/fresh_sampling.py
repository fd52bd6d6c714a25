"""The naive way: a model of PyMC is written and sampled anew in every visit.

One chain, tuned for 500 transitions, after which one draw is taken.
"""

import warnings
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pymc as pm

from speed.peers.process import answer

TUNE = 500


def impute(data: pd.DataFrame, m: int, sweeps: int) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    is_missing = data.isna().to_numpy()
    completed = []
    for _ in range(m):
        values = data.fillna(data.mean()).to_numpy()
        for _ in range(sweeps):
            for column in range(values.shape[1]):
                visit(values, column, is_missing[:, column], rng)
        completed.append(values)
    return completed


def visit(values: np.ndarray, column: int, missing: np.ndarray, rng: np.random.Generator) -> None:
    others = np.delete(values, column, axis=1)
    with pm.Model():
        intercept = pm.Normal("intercept", 0, 10)
        slopes = pm.Normal("slopes", 0, 2.5, shape=others.shape[1])
        sigma = pm.HalfNormal("sigma", 2)
        pm.Normal(
            "y", intercept + others[~missing] @ slopes, sigma, observed=values[~missing, column]
        )
        with warnings.catch_warnings(action="ignore"):  # one chain and one draw are meant
            drawn = pm.sample(1, tune=TUNE, chains=1, cores=1, progressbar=False, random_seed=rng)
    last = drawn.posterior.isel(chain=0, draw=0)
    mean = last["intercept"].item() + others[missing] @ last["slopes"].to_numpy()
    values[missing, column] = rng.normal(mean, last["sigma"].item())


if __name__ == "__main__":
    # pm.sample prefers nutpie where it is installed.
    nutpie = ("nutpie",) if find_spec("nutpie") else ()
    answer(impute, ("pymc", *nutpie, "numpy"))

"""Sweeps of HMC against sweeps whose conditional models are drawn exactly.

nhanes: 25 rows, a third of the cells of three columns missing. Both have the same flat priors, and
chains are independent, so that a difference of means over its standard error is normal: 4.5 of them
are allowed for the logarithm of sigma of chl and for two coefficients of completed data, a false
alarm once in 45,000 runs.

A visit that draws its parameters afresh, given the other columns as they now are, is a step of a
Gibbs sampler of the cells alone. A visit that moves the old parameters by one transition is not:
they were drawn given other columns as those were a sweep ago, and have no longer the distribution
that the transition would leave as it is (van Dyk and Jiao 2015, Journal of Computational and
Graphical Statistics 24, 301-327). What is left of the old parameters must be small. With one
transition it is not: sigma is 6 % too large here. So few rows get eight.
"""

import numpy as np
import pandas as pd
import pytest
from agreement import frame
from exact_sweeps import exact_sweeps
from flat_regression import flat_regressions

import bayesmice as bm

pytestmark = pytest.mark.statistical

CHAINS, SWEEPS = 3000, 20
ALLOWED = 4.5


def summaries(completed: np.ndarray, sigma: np.ndarray, names: list[str]) -> pd.DataFrame:
    """Log sigma of chl, and the coefficients of age and bmi for chl, by chain."""
    age, bmi, chl = (completed[..., names.index(name)] for name in ("age", "bmi", "chl"))
    design = np.stack([np.ones_like(age), age, bmi], axis=2)
    moments = np.einsum("cni,cnk->cik", design, design)
    slopes = np.linalg.solve(moments, np.einsum("cni,cn->ci", design, chl)[..., None])[..., 0]
    return pd.DataFrame({"log sigma": np.log(sigma), "age": slopes[:, 1], "bmi": slopes[:, 2]})


def z_scores(transitions: int | None) -> "pd.Series[float]":
    """Differences of means between our sweeps and exact ones, in standard errors."""
    data = frame("nhanes")
    exact = exact_sweeps(data, CHAINS, SWEEPS)
    models = {
        name: bm.Custom(model.function, kernel="hmc", inner_steps=transitions)
        for name, model in flat_regressions(data).items()
    }
    imputations = bm.MICE(data, models).mice(CHAINS, SWEEPS, progressbar=False)
    sigma = imputations.tree["conditionals/chl/posterior"]["sigma"].isel(draw=-1).to_numpy()
    completed = np.stack([df.to_numpy(float) for df in imputations.data])

    names = list(data.columns)
    ours = summaries(completed, sigma, names)
    theirs = summaries(exact.completed, exact.sigma["chl"], names)
    return (ours.mean() - theirs.mean()) / np.sqrt((ours.var() + theirs.var()) / CHAINS)


def test_sweeps_are_those_of_exact_draws() -> None:
    z = z_scores(None)
    assert (z.abs() < ALLOWED).all(), z


def test_what_a_single_transition_keeps_of_the_last_sweep_is_noticed() -> None:
    z = z_scores(1)
    assert (z.abs() > ALLOWED).any(), z

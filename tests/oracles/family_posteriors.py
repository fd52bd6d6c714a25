"""The exact posterior of every family's small data set, and runs of the engine on it.

The posterior is the same in every sweep, and the last sweep of each chain is an independent draw
from it. Parameters are compared on the scales where they are free: logarithms of positive ones,
log-odds of shares, logarithms of the gaps between cutpoints.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from family_cases import CASES, MISSING, OBSERVED, TRIALS, FamilyCase, X, observed_values, shaped
from importance import importance_sample
from laws import Array
from posterior_checks import ExactDistribution, moment_p_values, predictive_p_value

import bayesmice as bm

CHAINS = {"hmc": 400, "nuts": 150}
SWEEPS = {"hmc": 20, "nuts": 7}
"""NUTS spends 400 transitions in sweep 0 and again in sweep 3."""


@cache
def exact_posterior(name: str) -> ExactDistribution:
    """Compute the posterior of the free parameters, by importance sampling."""
    case, y = CASES[name], observed_values(name)
    own = case.parameters
    ends = np.cumsum([parameter.size for parameter in own.values()])[:-1]

    def log_density(positions: Array) -> Array:
        free = dict(zip(own, np.split(positions, ends, axis=1), strict=True))
        bound = {key: own[key].scale.bind(part) for key, part in free.items()}
        total = np.zeros(len(positions))
        for key, parameter in own.items():
            total += parameter.prior.logpdf(bound[key]).sum(axis=1)
            total += parameter.scale.log_jacobian(free[key])
        law = case.law(shaped(bound, case), X[:OBSERVED], TRIALS[:OBSERVED])
        # Far away a power overflows, and the density is zero.
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            total += law.log_density(y).sum(axis=1)
        return np.where(np.isnan(total), -np.inf, total)

    truth = {key: np.atleast_2d(np.asarray(value, float)) for key, value in case.truth.items()}
    start = np.concatenate([own[key].scale.free(truth[key])[0] for key in own])
    sample = importance_sample(log_density, start)
    names = [f"{key}[{i}]" for key, part in own.items() for i in range(part.size)]
    values = dict(zip(names, sample.positions.T, strict=True))
    return ExactDistribution(values, sample.weights, sample.effective_size)


class FamilyRun(NamedTuple):
    """What a run of the engine drew in the last sweep of each chain.

    Attributes
    ----------
    parameters : mapping of str to ndarray of shape (n_chains, k)
        On their own scales.
    cells : ndarray of shape (n_chains, MISSING)
        Values, or codes of levels.
    """

    parameters: Mapping[str, Array]
    cells: Array

    def free(self, case: FamilyCase) -> dict[str, Array]:
        """Give the draws of the free parameters, of shape (n_chains,), by element."""
        return {
            f"{key}[{i}]": part
            for key, own in case.parameters.items()
            for i, part in enumerate(own.scale.free(self.parameters[key]).T)
        }

    def integrals(self, case: FamilyCase) -> Array:
        """Give the probability integral transforms of the cells at the parameters drawn."""
        law = case.law(shaped(self.parameters, case), X[OBSERVED:], TRIALS[OBSERVED:])
        return law.integrals(self.cells[:, :MISSING], np.random.default_rng())


def family_frame(name: str, further: int = 0) -> pd.DataFrame:
    """Give the data of a case, with the last rows of y missing.

    Further missing rows change nothing for the posterior.
    """
    case = CASES[name]
    y: Any = np.append(observed_values(name), np.full(MISSING + further, np.nan))
    if case.labels:
        codes = np.where(np.isnan(y), -1, y).astype(int)
        y = pd.Categorical.from_codes(codes, list(case.labels), ordered=case.is_ordered)
    rows = np.arange(len(y)) % len(X)
    return pd.DataFrame({"x": X[rows], "n": TRIALS[rows], "y": y})


def draw_once(name: str, kernel: str, chains: int, sweeps: int, further: int = 0) -> FamilyRun:
    """Run the engine with a fresh seed, and keep the last sweep."""
    case = CASES[name]
    priors = {key: parameter.engine for key, parameter in case.parameters.items()}
    model = bm.Regression("x", family=name, priors=priors, kernel=kernel, **case.extra)
    imputations = bm.MICE(family_frame(name, further), {"y": model}).mice(
        m=chains, sweeps=sweeps, progressbar=False
    )
    last = imputations.tree["conditionals/y/posterior"].isel(draw=-1)
    drawn = {key: last[key].to_numpy().reshape(chains, -1) for key in case.parameters}
    return FamilyRun(drawn, imputations.tree["imputations"]["y"].to_numpy().astype(float))


@cache
def family_run(name: str, kernel: str) -> FamilyRun:
    """Run a case once for all tests that look at it."""
    return draw_once(name, kernel, CHAINS[kernel], SWEEPS[kernel])


def parameter_p_values(name: str, kernel: str) -> dict[str, float]:
    """Compare the parameters of a run with the exact posterior, quantity by quantity."""
    return moment_p_values(family_run(name, kernel).free(CASES[name]), exact_posterior(name))


def cell_p_value(name: str, kernel: str) -> float:
    """Compare the cells of a run with the distribution at the parameters of their sweep."""
    return predictive_p_value(family_run(name, kernel).integrals(CASES[name]))

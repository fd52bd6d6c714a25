"""Forests: what PyMC's steps need to sample BART (pymc-bart) on data that change.

The particle sampler of pymc-bart grows its trees on the covariates that it was made with. They
change from sweep to sweep where they have missing cells; a visit then plants a new forest on the
completed covariates, with a seed of its own, and lets it grow for the steps of the visit.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import pytensor
from numpy.typing import NDArray
from pytensor.graph.basic import Variable

GROWING_STEPS = 100
"""Steps per visit by default for a model with a forest, which may have to begin anew."""
LARGEST_SEED = 2**31


def is_forest(method: Any) -> bool:
    """Whether a step method is the particle sampler of pymc-bart."""
    return getattr(method, "name", "") == "pgbart"


@dataclass(frozen=True, eq=False)
class Grown:
    """The trees of one chain.

    Attributes
    ----------
    covariates : ndarray of shape (n_rows, n_covariates)
        What they were grown on.
    sampler : object
        The particle sampler that holds them.
    """

    covariates: NDArray[np.float64]
    sampler: Any


class Forest:
    """The trees of one BART variable.

    Parameters
    ----------
    method : PGBART
        Its step method.
    """

    def __init__(self, method: Any) -> None:
        self._method = method
        covariates = method.bart.X
        self._covariates = (
            pytensor.function([], covariates, mode="FAST_COMPILE")
            if isinstance(covariates, Variable)
            else lambda: np.asarray(covariates)
        )

    def take_up(self, grown: Grown | None, rng: np.random.Generator) -> Grown:
        """Go on with a chain's trees, or begin anew where its covariates have changed."""
        method = self._method
        covariates: NDArray[np.float64] = np.asfortranarray(self._covariates(), dtype=float)
        if grown is None or not np.array_equal(grown.covariates, covariates):
            grown = Grown(covariates, self._plant(covariates, int(rng.integers(LARGEST_SEED))))
        method.X, method.pg_bart = grown.covariates, grown.sampler
        return grown

    def _plant(self, covariates: NDArray[np.float64], seed: int) -> Any:
        method, rust = self._method, import_module("bartrs.bartrs")
        return rust.PySampler.init(
            x=covariates,
            y=method.bart.Y,
            model=method.compiled_pymc_model.get_function_pointer(),
            settings=rust.PyBartSettings(**method._settings_params, seed=seed),
        )

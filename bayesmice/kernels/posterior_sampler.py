"""What samples the posterior of an analysis model: settings, draws, and the contract."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import pymc as pm
from numpy.typing import NDArray

from bayesmice.errors import ModelError
from bayesmice.kernels.likeness import number_of_rows

POSTERIOR_STREAM = 0xA11A
"""Keeps these random numbers apart from those of imputation with the same seed."""


@dataclass(frozen=True)
class PosteriorSettings:
    """How posteriors are sampled.

    Attributes
    ----------
    draws, tune, chains : int
        Draws kept and transitions of adaptation, per chain, and the number of chains.
    random_seed : int
        Seed of the run.
    target_accept : float
        Acceptance probability that the step size is adapted to.
    log_likelihood : bool
        Whether to compute the log-likelihood of the observed variables at every draw.
    keep_positions : bool, default False
        Whether to keep the draws in unconstrained space too, where the sampler can.
    """

    draws: int
    tune: int
    chains: int
    random_seed: int
    target_accept: float
    log_likelihood: bool
    keep_positions: bool = False


class PosteriorDraws(NamedTuple):
    """Draws of one data set; every array has the axes chain and draw first.

    Attributes
    ----------
    parameters : dict of str to ndarray
        Free and deterministic variables on their own scales.
    statistics : dict of str to ndarray of shape (chains, draws)
        What happened in each transition, by ArviZ's names.
    log_likelihood : dict of str to ndarray
        By observed variable, one value per observation; empty where it was not asked for.
    positions : ndarray of shape (chains, draws, n_dim) or None
        Draws in unconstrained space, where they were asked for and the sampler keeps them.
    """

    parameters: dict[str, NDArray[np.generic]]
    statistics: dict[str, NDArray[np.generic]]
    log_likelihood: dict[str, NDArray[np.generic]]
    positions: NDArray[np.float64] | None = None


class PosteriorSampler(Protocol):
    """What draws from the posterior of one model, given any of the data sets that it serves."""

    def begin(
        self, imputation: int, data: Mapping[str, NDArray[np.generic]], executor: Executor
    ) -> Callable[[], PosteriorDraws]:
        """Begin to draw from one posterior.

        Parameters
        ----------
        imputation : int
            Which data set; random numbers depend on it.
        data : mapping of str to ndarray
            Values of all named data of the model.
        executor : Executor
            What runs chains side by side.

        Returns
        -------
        callable
            Waits for the draws, or makes them, and returns them.
        """


def is_recorded(model: pm.Model, name: str, shape: tuple[int, ...]) -> bool:
    """Tell whether a variable is part of a posterior: all but those as long as the data.

    A deterministic variable with one element per row would multiply the size of the posterior, and
    follows from the parameters.
    """
    if name in {variable.name for variable in model.free_RVs}:
        return True
    along_rows = [*model.observed_RVs, *model.data_vars]
    row_dims = {dim for v in along_rows for dim in model.named_vars_to_dims.get(v.name, ())[:1]}
    is_long = shape[:1] == (number_of_rows(model),)
    dims = model.named_vars_to_dims.get(name)
    return not (is_long and (not dims or dims[0] in row_dims))


def refuse_discrete(model: pm.Model) -> None:
    """Raise a ModelError where a parameter is discrete: NUTS moves only continuous ones."""
    discrete = [v.name for v in model.free_RVs if np.dtype(v.type.dtype).kind != "f"]
    if discrete:
        raise ModelError(
            f"The analysis model has the discrete parameter {discrete[0]!r}, and NUTS moves only "
            "continuous ones. Sum it out of the model, or use sampler='pymc'."
        )

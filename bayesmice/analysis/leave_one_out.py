"""PSIS-LOO of models of every completed data set, with moment matching where it is not reliable."""

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesmice.analysis.bayesian import sample_all
from bayesmice.analysis.pointwise import pointwise_loo
from bayesmice.analysis.posterior_tree import stack_imputations
from bayesmice.kernels.cache import configure_jax
from bayesmice.kernels.posterior import BlackJAXSampler
from bayesmice.kernels.posterior_choice import posterior_sampler
from bayesmice.kernels.posterior_sampler import PosteriorDraws, PosteriorSettings
from bayesmice.kernels.sharing import share_models

type Data = Mapping[str, NDArray[np.generic]]

UNCONSTRAINED = "unconstrained"


@dataclass(frozen=True, eq=False)
class SampledModel:
    """What a model says of observed rows, given every completed data set.

    Attributes
    ----------
    pointwise : xarray.Dataset
        ``elpd``, ``p_loo``, ``pareto_k`` over imputation and row, ``was_matched``, and ``good_k``
        over imputation.
    programs : int
        Programs that were compiled.
    """

    pointwise: xr.Dataset
    programs: int


def sample_pointwise(
    models: Iterable[Any],
    name: str,
    settings: PosteriorSettings,
    progress: Callable[[int, int], None] | None = None,
) -> SampledModel:
    """Sample the posterior of a model of every data set, and leave out one row after the other.

    Parameters
    ----------
    models : iterable of pm.Model
        The same model of every completed data set, with the same rows.
    name : str
        Its observed variable.
    settings : PosteriorSettings
        How to sample; it keeps log-likelihoods and positions.
    progress : callable, optional
        Called as ``progress(done, m)``.

    Returns
    -------
    SampledModel
    """
    configure_jax()
    shares = share_models(models)
    samplers = [posterior_sampler(share.model, settings, "auto")[1] for share in shares]
    m = sum(len(share.members) for share in shares)
    where = {
        imputation: (sampler, data)
        for share, sampler in zip(shares, samplers, strict=True)
        for imputation, data in zip(share.members, share.data, strict=True)
    }
    parts = []
    for imputation, drawn in sample_all(shares, samplers, m, settings, progress):
        sampler, data = where[imputation]
        matching = sampler if isinstance(sampler, BlackJAXSampler) else None
        parts.append(_pointwise(drawn, name, matching, data))
    return SampledModel(stack_imputations(parts), len(shares))


def _pointwise(
    drawn: PosteriorDraws, name: str, sampler: BlackJAXSampler | None, data: Data
) -> xr.Dataset:
    """Leave out every row of one data set."""
    dims = ("chain", "draw", "row")
    by_row = xr.DataArray(drawn.log_likelihood[name], dims=dims)
    # One variable per element: the relative efficiency is an average over them.
    posterior = xr.Dataset(
        {
            parameter: (("chain", "draw", *(f"{parameter}_{i}" for i in range(v.ndim - 2))), v)
            for parameter, v in drawn.parameters.items()
        }
    )
    with np.errstate(over="ignore"):  # rows that a model all but excludes
        found = pointwise_loo(posterior, by_row)
    found["was_matched"] = xr.zeros_like(found["pareto_k"], dtype=bool)
    bad = found["pareto_k"] > found["good_k"]
    if sampler is None or drawn.positions is None or not bad.any():
        return found
    return _matched(found, posterior, by_row, drawn.positions, name, sampler, data)


def _matched(
    found: xr.Dataset,
    posterior: xr.Dataset,
    by_row: xr.DataArray,
    positions: NDArray[np.float64],
    name: str,
    sampler: BlackJAXSampler,
    data: Data,
) -> xr.Dataset:
    """Move draws of the rows that are not reliable by moment matching, where that helps."""
    from arviz_stats import loo, loo_moment_match

    tree = xr.DataTree.from_dict(
        {"posterior": posterior, "log_likelihood": by_row.to_dataset(name=name)}
    )
    points = xr.DataArray(positions, dims=("chain", "draw", UNCONSTRAINED))

    def evaluate(at: xr.DataArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        ordered = at.transpose("chain", "draw", UNCONSTRAINED).to_numpy()
        density, terms = sampler.evaluate(ordered.reshape(-1, ordered.shape[-1]), data)
        shape = ordered.shape[:2]
        return density.reshape(shape), terms[name].reshape(*shape, -1)

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # What stays unreliable is counted over all imputations, and told once.
        warnings.simplefilter("ignore", UserWarning)
        before = loo(tree, pointwise=True, var_name=name)
        after = loo_moment_match(
            tree,
            before,
            lambda at: xr.DataArray(evaluate(at)[0], dims=("chain", "draw")),
            lambda at, row: xr.DataArray(evaluate(at)[1][..., row], dims=("chain", "draw")),
            points,
            var_name=name,
            pointwise=True,
        )
    moved = after.elpd_i - found["elpd"]
    return found.assign(
        elpd=after.elpd_i,
        p_loo=found["p_loo"] - moved,
        pareto_k=after.pareto_k,
        was_matched=after.pareto_k != found["pareto_k"],
    )

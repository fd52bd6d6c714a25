"""Bayesian analysis of completed data sets: one posterior per imputation, from one program."""

import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from bayesmice.analysis.bambi_models import bambi_analysis, is_bambi_model
from bayesmice.analysis.convergence import convergence_within, warn_unconverged
from bayesmice.analysis.function_models import AnalysisModel, FunctionAnalysis
from bayesmice.analysis.posterior_groups import LogLikelihood, arrange, observed_dataset
from bayesmice.analysis.posterior_tree import stack_imputations
from bayesmice.arguments import check_count, check_seed
from bayesmice.errors import SamplingError, SpecificationError, warn_caller
from bayesmice.kernels.cache import configure_jax
from bayesmice.kernels.posterior_choice import SAMPLERS, posterior_sampler
from bayesmice.kernels.posterior_sampler import (
    PosteriorDraws,
    PosteriorSampler,
    PosteriorSettings,
)
from bayesmice.kernels.room import make_room
from bayesmice.kernels.sharing import Shared, share_models

Sampler = Literal["auto", "blackjax", "nutpie", "pymc"]


def sample_posteriors(
    frames: Iterable[pd.DataFrame],
    model: Any,
    *,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    random_seed: int | None = None,
    family: str | None = None,
    sampler: Sampler = "auto",
    log_likelihood: LogLikelihood = False,
    target_accept: float = 0.8,
    progress: Callable[[int, int], None] | None = None,
) -> xr.DataTree:
    """Sample the posterior of an analysis model given every completed data set.

    Parameters
    ----------
    frames : iterable of DataFrame
        Completed data sets, one per imputation, with the same columns.
    model : callable, bambi.Model or str
        A function that gets ``data`` and writes a PyMC model, with the contract of a custom
        conditional model: ``data["age"]`` is a vector over rows, numbers for a continuous column
        and integer level codes for any other; ``data.coords`` has the levels, which are coordinates
        of the model too; ``"row"`` is the dimension of the rows. Levels are those of all data sets
        together. Or a Bambi model, or a formula for one: it is written anew for every data set with
        the same priors.
    draws, tune : int, default 1000
        Draws kept, and transitions of adaptation before them, per chain.
    chains : int, default 4
        Chains per imputation.
    random_seed : int, optional
        Seed. The draws of imputation ``i`` do not depend on how many others there are. By default a
        fresh one, which is kept in the attributes.
    family : str, optional
        Family of a formula; gaussian by default.
    sampler : {"auto", "blackjax", "nutpie", "pymc"}, default "auto"
        ``"blackjax"`` and ``"nutpie"`` are NUTS, ``"pymc"`` is PyMC's own step methods, also for
        discrete parameters. ``"auto"`` is BlackJAX wherever JAX can run the model, and PyMC
        elsewhere. nutpie, an optional package, takes Numba's time to compile, and then draws faster
        than BlackJAX: for many imputations.
    log_likelihood : bool or "loo", default False
        Whether to keep the log-likelihood of every observation at every draw (8 bytes each, so 160
        MB per imputation for 5,000 rows and 4,000 draws), or only its pointwise PSIS-LOO. `loo` and
        `compare` need either.
    target_accept : float, default 0.8
        Acceptance probability that step sizes are adapted to; more where transitions diverge.
    progress : callable, optional
        Called as ``progress(done, m)`` before and after every imputation.

    Returns
    -------
    xarray.DataTree
        Groups ``posterior`` and ``sample_stats`` over imputation, chain and draw;
        ``observed_data``; and, where asked for, ``log_likelihood`` or ``loo/<variable>``. Free and
        deterministic variables are on their own scales; deterministic variables as long as the data
        are left out. Attributes tell versions, seed, sampler, programs compiled and seconds.

    Raises
    ------
    SpecificationError
        If an argument is wrong.
    DataError
        If there is no data set, or their columns differ.
    ModelError
        If the model cannot be sampled, or its parameters differ between data sets.
    SamplingError
        If the density is not finite where a chain begins.

    Warns
    -----
    UserWarning
        If data sets need different programs, or the chains of some imputation have not mixed.

    Notes
    -----
    The model is written for every data set and compiled once. What differs between data sets
    becomes an input of the compiled program: columns, and also constants that the function made of
    them. Where more than that differs (shapes, or the model itself), another program is compiled.

    Not for pooling: `mix` and `pool` make one posterior of these.

    Examples
    --------
    >>> import pymc as pm
    >>> def mean(data):
    ...     mu = pm.Normal("mu", 0, 10)
    ...     pm.Normal("y", mu, 1, observed=data["y"])
    >>> frames = [pd.DataFrame({"y": [1.0, 2.0, y]}) for y in (2.5, 3.0, 3.5)]
    >>> tree = sample_posteriors(frames, mean, draws=500, tune=500, chains=4, random_seed=1)
    >>> dict(tree["posterior"].sizes), tree.attrs["programs_compiled"]
    ({'imputation': 3, 'chain': 4, 'draw': 500}, 1)
    """
    settings = _checked_settings(
        draws, tune, chains, random_seed, target_accept, bool(log_likelihood)
    )
    _check_choice("sampler", sampler, SAMPLERS)
    _check_choice("log_likelihood", log_likelihood, (False, True, "loo"))
    frames = list(frames) if isinstance(frames, Iterator) else frames
    analysis = _read_model(model, family, frames)
    configure_jax()
    make_room()
    began = time.perf_counter()
    shares = share_models(analysis.models(frames))
    m = sum(len(share.members) for share in shares)
    _warn_programs(shares, m)
    programs = [posterior_sampler(share.model, settings, sampler) for share in shares]
    runs = [program for _, program in programs]
    parts: list[dict[str, xr.Dataset]] = []
    within: list[pd.DataFrame] = []
    # Everything per imputation happens here, while the chains of the next ones run.
    for imputation, drawn in sample_all(shares, runs, m, settings, progress):
        groups = arrange(analysis, shares, imputation, drawn, log_likelihood)
        parts.append(groups)
        divergences = int(drawn.statistics["diverging"].sum())
        within.append(
            convergence_within(
                groups["posterior"].expand_dims("imputation"), imputation, divergences
            )
        )
    tree = xr.DataTree.from_dict(
        {name: stack_imputations([part[name] for part in parts]) for name in parts[0]}
    )
    observed = observed_dataset(shares, m)
    if observed.data_vars:
        tree["observed_data"] = xr.DataTree(observed)
    tree.attrs = {
        "bayesmice_version": version("bayesmice"),
        "pymc_version": version("pymc"),
        "jax_version": version("jax"),
        "m": m,
        "random_seed": str(settings.random_seed),
        "sampler": ", ".join(dict.fromkeys(name for name, _ in programs)),
        "programs_compiled": len(shares),
        "seconds": round(time.perf_counter() - began, 3),
    }
    warn_unconverged(within, settings.chains)
    return tree


def _read_model(model: Any, family: str | None, frames: Iterable[pd.DataFrame]) -> AnalysisModel:
    if isinstance(model, str) or is_bambi_model(model):
        analysis: AnalysisModel = bambi_analysis(model, family, frames)
        return analysis
    if family is not None:
        raise SpecificationError(
            f"family={family!r} is for formulas, and the analysis model is a "
            f"{type(model).__name__}. Leave family out, and write the likelihood in the function."
        )
    if not callable(model) or isinstance(model, type):
        raise SpecificationError(
            f"The analysis model is {model!r:.80}; expected a function of data that writes a PyMC "
            "model, a Bambi model, or a formula."
        )
    return FunctionAnalysis(model)


def sample_all(
    shares: Sequence[Shared],
    runs: Sequence[PosteriorSampler],
    m: int,
    settings: PosteriorSettings,
    progress: Callable[[int, int], None] | None,
) -> Iterator[tuple[int, PosteriorDraws]]:
    """Sample every imputation in turn, with enough of them begun to keep all cores busy."""
    where = {
        imputation: (run, data)
        for share, run in zip(shares, runs, strict=True)
        for imputation, data in zip(share.members, share.data, strict=True)
    }
    cores = os.cpu_count() or 1
    ahead = 1 + math.ceil(cores / settings.chains)
    tell = progress or (lambda done, total: None)
    with ThreadPoolExecutor(cores) as executor:
        waiting: deque[Callable[[], PosteriorDraws]] = deque()
        tell(0, m)
        for imputation in range(m):
            while len(waiting) <= ahead and imputation + len(waiting) < m:
                run, data = where[imputation + len(waiting)]
                waiting.append(run.begin(imputation + len(waiting), data, executor))
            drawn = waiting.popleft()()
            _check_finite(drawn, imputation)
            tell(imputation + 1, m)
            yield imputation, drawn


def _check_finite(drawn: PosteriorDraws, imputation: int) -> None:
    if not np.isfinite(drawn.statistics["lp"]).all():
        raise SamplingError(
            f"A chain of imputation {imputation} has a log-density that is not finite. Check that "
            "the likelihood of the analysis model allows every value of the data, or give initval= "
            "to its parameters."
        )


def _warn_programs(shares: Sequence[Shared], m: int) -> None:
    if len(shares) == 1:
        return
    others = ", ".join(str(share.members[0]) for share in shares[1:6])
    warn_caller(
        f"The analysis model is not the same for all completed data sets but for their values, so "
        f"{len(shares)} programs are compiled for {m} imputations; those of imputation 0 cannot "
        f"run imputation {others}{', ...' if len(shares) > 6 else ''}. Different numbers of rows "
        "or levels, and constants made of the data within pm.CustomDist, are the usual reasons.",
    )


def _checked_settings(
    draws: int,
    tune: int,
    chains: int,
    random_seed: int | None,
    target_accept: float,
    log_likelihood: bool,
) -> PosteriorSettings:
    for name, value in (("draws", draws), ("tune", tune), ("chains", chains)):
        check_count(name, value)
    if not 0 < target_accept < 1:
        raise SpecificationError(
            f"target_accept is {target_accept!r}; expected a number between 0 and 1."
        )
    return PosteriorSettings(
        int(draws), int(tune), int(chains), check_seed(random_seed), target_accept, log_likelihood
    )


def _check_choice(name: str, value: object, choices: Sequence[object]) -> None:
    if value not in choices:
        raise SpecificationError(
            f"{name} is {value!r}; expected one of {', '.join(map(repr, choices))}."
        )

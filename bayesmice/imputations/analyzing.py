"""Analyses of all completed data sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import xarray as xr

from bayesmice.data.libraries import AnyFrame
from bayesmice.errors import SpecificationError, warn_caller
from bayesmice.imputations.completing import Completing
from bayesmice.later import later
from bayesmice.progress import counting_display
from bayesmice.store import analysis_dataset

if TYPE_CHECKING:
    from distributed import Client

    from bayesmice.analysis import analyses, bayesian, formulas
    from bayesmice.analysis.analyses import Analyses
    from bayesmice.analysis.bayesian import Sampler
    from bayesmice.analysis.posterior_groups import LogLikelihood
else:
    analyses, bayesian, formulas = (
        later(f"bayesmice.analysis.{name}") for name in ("analyses", "bayesian", "formulas")
    )


class Analyzing(Completing):
    """Analyses of the completed data sets of a run."""

    def analyze(
        self,
        analysis: Callable[[AnyFrame], Any],
        *,
        progressbar: bool = True,
        workers: int | None = None,
        client: Client | None = None,
    ) -> Analyses:
        """Run an analysis on every completed data set.

        Parameters
        ----------
        analysis : callable
            From a completed data frame, in the library that the data came from, to a result, such
            as a fitted model of statsmodels.
        progressbar : bool, default True
            Whether to show a progress bar.
        workers : int, optional
            Number of processes to spread the analyses over, -1 for all cores. By default they run
            in this process, which is faster for fits that take less than a second.
        client : dask.distributed.Client, optional
            A cluster of Dask to spread the analyses over instead. The data and the imputations
            travel to each worker once.

        Returns
        -------
        Analyses
            The results in the order of the imputations; ``.pool()`` pools them.

        Raises
        ------
        AnalysisError
            If the analysis fails for every imputation.

        Warns
        -----
        UserWarning
            If it fails for some: their errors are kept in ``.failed``, and the others stay.
        """
        with counting_display("Analyzing", self.m, progressbar) as progress:
            done = _run(self, analysis, workers, client, progress)
        _warn_failed(done)
        return done

    def fit(
        self,
        formula: str,
        model: str | Callable[..., Any] = "ols",
        *,
        fit_options: Mapping[str, Any] | None = None,
        progressbar: bool = True,
        workers: int | None = None,
        client: Client | None = None,
        **model_options: Any,
    ) -> Analyses:
        """Fit a regression of statsmodels to every completed data set.

        Parameters
        ----------
        formula : str
            In the grammar of statsmodels, such as ``"chl ~ age + bmi"``.
        model : str or callable, default "ols"
            A function of `statsmodels.formula.api` by its name (``"logit"``, ``"poisson"``,
            ``"glm"``, ``"mixedlm"``...), or a function of formula and data, such as
            ``OrderedModel.from_formula``.
        fit_options : mapping, optional
            Arguments of the model's ``fit``, such as ``{"cov_type": "HC1"}``.
        progressbar, workers, client
            As in `analyze`.
        **model_options
            Passed on to the model, such as ``family=`` of a GLM or ``groups=`` of a mixed model.

        Returns
        -------
        Analyses
            The fits; ``.pool()`` pools them.

        Raises
        ------
        AnalysisError
            If statsmodels is not installed, has no such model, or the fit fails for every
            imputation.
        """
        analysis = formulas.FormulaFit(
            formula, formulas.find_model(model), model_options, fit_options or {}
        )
        with counting_display("Fitting", self.m, progressbar) as progress:
            fits = _run(self.in_pandas, analysis, workers, client, progress)
        _warn_failed(fits)
        return fits

    def sample(
        self,
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
        progressbar: bool = True,
    ) -> xr.DataTree:
        """Sample the posterior of an analysis model given every completed data set.

        The model is written for every data set, compiled once, and sampled by NUTS. Pool the
        posteriors with `bayesmice.pool` (Rubin's rules) or `bayesmice.mix` (all draws together).

        Parameters
        ----------
        model : callable, bambi.Model or str
            A function that gets ``data`` and writes a PyMC model, like a custom conditional model
            but with any number of observed variables; a Bambi model; or a formula for one.
        draws, tune : int, default 1000
            Draws kept, and transitions of adaptation before them, per chain.
        chains : int, default 4
            Chains per imputation.
        random_seed : int, optional
            Seed. The draws of imputation ``i`` do not depend on ``m``.
        family : str, optional
            Family of a formula, as Bambi names it; gaussian by default.
        sampler : {"auto", "blackjax", "nutpie", "pymc"}, default "auto"
            BlackJAX wherever JAX can run the model, PyMC's own step methods elsewhere; nutpie, an
            optional package, takes longer to compile and then draws faster.
        log_likelihood : bool or "loo", default False
            Whether to keep the log-likelihood of every observation at every draw, or only its
            pointwise PSIS-LOO; `bayesmice.loo` and `bayesmice.compare` need either.
        target_accept : float, default 0.8
            Acceptance probability that step sizes are adapted to.
        progressbar : bool, default True
            Whether to show a progress bar.

        Returns
        -------
        xarray.DataTree
            Groups ``posterior`` and ``sample_stats`` over imputation, chain and draw,
            ``observed_data``, and ``log_likelihood`` or ``loo`` where asked for. Its posterior
            becomes the group ``posterior`` of the run's ``tree`` too.

        Raises
        ------
        SpecificationError
            If an argument is wrong.
        ModelError
            If the model cannot be sampled, or its parameters differ between data sets.
        SamplingError
            If the density is not finite where a chain begins.

        Warns
        -----
        UserWarning
            If data sets need different programs, or the chains of some imputation have not mixed.
        """
        with counting_display("Sampling", self.m, progressbar) as progress:
            posterior = bayesian.sample_posteriors(
                self.in_pandas,
                model,
                draws=draws,
                tune=tune,
                chains=chains,
                random_seed=random_seed,
                family=family,
                sampler=sampler,
                log_likelihood=log_likelihood,
                target_accept=target_accept,
                progress=lambda done, total: progress(done),
            )
        self.tree["posterior"] = xr.DataTree(analysis_dataset(posterior["posterior"].to_dataset()))
        return posterior


def _run(
    imputations: Completing,
    analysis: Callable[[AnyFrame], Any],
    workers: int | None,
    client: Client | None,
    progress: Callable[[int], None],
) -> Analyses:
    if client is None:
        return analyses.run_analyses(imputations, analysis, workers=workers, progress=progress)
    if workers is not None:
        raise SpecificationError(
            f"workers is {workers}, processes of this machine, and client a cluster. Give one of "
            "them."
        )
    return analyses.run_far_analyses(imputations._bare, analysis, client, progress=progress)


def _warn_failed(done: Analyses) -> None:
    failed = done.failed
    if failed:
        numbers = ", ".join(str(one.imputation) for one in failed)
        warn_caller(
            f"The analysis of {len(failed)} of {len(done)} imputations failed: {numbers} "
            f"(counted from 0); of imputation {failed[0].imputation} with {failed[0].reason}. The "
            f"others are kept; .pool(drop_failed=True) pools them."
        )

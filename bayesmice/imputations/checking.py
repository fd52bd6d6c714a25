"""Checks of the conditional models of a run."""

from collections.abc import Callable, Sequence
from typing import Any

import xarray as xr

from bayesmice.arguments import check_seed
from bayesmice.data.libraries import AnyFrame
from bayesmice.diagnostics.check import ModelCheck, check_model_of
from bayesmice.diagnostics.conditional import (
    LOG_LIKELIHOOD,
    LOG_PRIOR,
    PREDICTIVE,
    Conditional,
    check_draws,
    find_conditional,
)
from bayesmice.diagnostics.power_scaling import PriorSensitivity, prior_sensitivity_of
from bayesmice.errors import SpecificationError
from bayesmice.imputations.analyzing import Analyzing
from bayesmice.imputations.going_on import GoingOn


class Checking(Analyzing, GoingOn):
    """Checks of the conditional models of a run."""

    def check(
        self,
        name: str,
        *,
        burn_in: int | None = None,
        random_seed: int = 0,
        progressbar: bool = True,
    ) -> ModelCheck:
        r"""Check the conditional model of a column against its observed and its imputed values.

        - Statistics of the observed values against those of draws from the model, with posterior
          predictive p-values.
        - LOO-PIT: where each observed value lies in what the model predicts for its row without
          it, and whether these places are uniform, as they are under a model that is right.
        - Imputed against observed values with the same probability of being missing. Where that
          probability explains who is missing, and the model is right, the two are distributed
          alike [1]_ [2]_.
        - Imputed values beyond the observed ones.

        Parameters
        ----------
        name : str
            The column; ``"bmi[sex=male]"`` where models are separate for groups of rows.
        burn_in : int, optional
            Sweeps at the beginning that are left out. By default half of them.
        random_seed : int, default 0
            Seed of the random places that ties, such as those of counts and levels, get in LOO-PIT.
        progressbar : bool, default True
            Whether to show progress.

        Returns
        -------
        ModelCheck
            It shows itself as text and in a notebook. ``.verdict`` is what was found in plain
            words, ``.findings`` a list of what speaks against the model.

        Raises
        ------
        SpecificationError
            If there is no such model, or there are fewer than 25 draws after the burn-in.
        NotRunError
            If no run is behind the imputations.
        StoreError
            If the run has to be replayed, and cannot be; see `add_log_likelihood`.

        Notes
        -----
        What the tree lacks is added first, as by `add_log_likelihood` and
        `add_posterior_predictive`, which runs the sweeps again.

        The draws are those of the run: parameters of all chains in all sweeps after the burn-in,
        each with the predictors that were completed in its sweep. Leaving out an observed value
        leaves it out of its own model; the imputed predictors of its row still knew it.

        False alarms: in 600 data sets of 100 rows, under right gaussian models, 7 % of the checks
        found something, always a statistic (skewness 6 %, smallest and largest 2 % each). LOO-PIT
        (level 5 %) never did, nor, in 300 of them, did differences between imputed and observed
        values (95 % intervals), since the model was fitted to the same values. So of ten columns
        with right models expect one to be flagged.

        It is not a test of "missing at random". Imputed values come from a model that takes it for
        granted, and observed values cannot tell.

        The predictive draws are from the likelihood, also where cells are imputed by matching.

        References
        ----------
        .. [1] van Buuren (2018), Flexible Imputation of Missing Data, 2nd edition, section 6.6.
        .. [2] Abayomi, Gelman and Levy (2008), Journal of the Royal Statistical Society C 57,
           273-291.

        Examples
        --------
        >>> import bayesmice as bm
        >>> mice = bm.MICE(bm.load_dataset("nhanes2"))
        >>> imputations = mice.mice(m=4, sweeps=20, random_seed=1, progressbar=False)
        >>> check = imputations.check("bmi", progressbar=False)
        >>> check.n_draws, check.burn_in, list(check.statistics.index)
        (40, 10, ['mean', 'sd', 'min', 'max', 'skewness'])
        """
        conditional = find_conditional(self.tree, name, burn_in)
        check_draws(conditional, "A check")
        self._complete("check", conditional, (LOG_LIKELIHOOD, PREDICTIVE), progressbar)
        return check_model_of(conditional, check_seed(random_seed))

    def prior_sensitivity(
        self,
        name: str,
        *,
        analysis: str | Callable[[AnyFrame], Any] | None = None,
        burn_in: int | None = None,
        progressbar: bool = True,
    ) -> PriorSensitivity:
        r"""Measure how much a conditional model, and an analysis, depend on that model's priors.

        By power-scaling [1]_: what changes if the priors of the model, or its likelihood, are
        raised to a power slightly above or below one. No model is fitted again.

        Parameters
        ----------
        name : str
            The column; ``"bmi[sex=male]"`` where models are separate for groups of rows.
        analysis : callable or str, optional
            What to pool: a function as for `analyze`, or a formula of a linear regression as for
            `fit`. By default parameters only.
        burn_in : int, optional
            Sweeps at the beginning that are left out. By default half of them.
        progressbar : bool, default True
            Whether to show progress.

        Returns
        -------
        PriorSensitivity
            ``.verdict`` in plain words, ``.parameters`` and ``.estimates`` as tables.

        Raises
        ------
        SpecificationError
            If there is no such model, or there are fewer than 25 draws after the burn-in.
        NotRunError
            If no run is behind the imputations.
        PoolingError
            If an analysis is given and there is one imputation only.
        StoreError
            If the run has to be replayed, and cannot be; see `add_log_likelihood`.

        Notes
        -----
        What the tree lacks is added first, as by `add_log_prior` and `add_log_likelihood`.

        A parameter is sensitive from 0.05 on: the largest distance (cumulative Jensen-Shannon) by
        which its distribution moves per doubling of the power. Where prior and likelihood both
        reach that, they disagree; where only the prior does, it is strong, or the data weak.

        For pooled estimates, imputation k counts with the weight
        :math:`p(\theta_k)^{\alpha - 1}` of the parameters that it was drawn with. Approximate are:

        - the weights, where the conditional models of several incomplete columns are not those of
          one joint model. Then the priors of one model are a factor of the distribution that the
          chains converge to only nearly so;
        - the moves, which are first derivatives at a power of one;
        - the average over ``m`` imputations: see the Monte Carlo errors, and use some hundred
          imputations where moves are to be known well. Estimates at the halved and doubled power
          are weighted means, and rest on few imputations where they differ much.

        All priors of the model are scaled together, also those that scale with the data. Standard
        errors are not scaled.

        References
        ----------
        .. [1] Kallioinen, Paananen, Bürkner and Vehtari (2024), Statistics and Computing 34, 57.

        Examples
        --------
        >>> import bayesmice as bm
        >>> mice = bm.MICE(bm.load_dataset("nhanes2"))
        >>> imputations = mice.mice(m=4, sweeps=20, random_seed=1, progressbar=False)
        >>> found = imputations.prior_sensitivity("bmi", analysis="chl ~ bmi", progressbar=False)
        >>> list(found.estimates.index)
        ['Intercept', 'bmi']
        """
        conditional = find_conditional(self.tree, name, burn_in)
        check_draws(conditional, "Prior sensitivity")
        if analysis is not None and not isinstance(analysis, str) and not callable(analysis):
            raise SpecificationError(
                f"analysis is {analysis!r:.60}; expected a function of completed data, or a "
                "formula such as 'chl ~ bmi'."
            )
        self._complete("prior_sensitivity", conditional, (LOG_PRIOR, LOG_LIKELIHOOD), progressbar)
        if analysis is None:
            return prior_sensitivity_of(conditional)
        results = (
            self.fit(analysis, progressbar=progressbar)
            if isinstance(analysis, str)
            else self.analyze(analysis, progressbar=progressbar)
        )
        return prior_sensitivity_of(conditional, results.pool())

    def _complete(
        self, verb: str, conditional: Conditional, groups: Sequence[str], progressbar: bool
    ) -> None:
        """Add groups that the tree lacks."""
        there = self.tree[f"conditionals/{conditional.name}"].children
        lacking = [group for group in groups if group not in there]
        if not lacking:
            return
        going_on, names = self._going_on(verb), [conditional.name]
        for group in lacking:
            added: dict[str, xr.Dataset] = (
                going_on.log_priors(self.tree, names)
                if group == LOG_PRIOR
                else going_on.replayed(self.tree, names, group, progressbar)
            )
            self._added(added)

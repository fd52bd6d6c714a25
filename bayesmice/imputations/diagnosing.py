"""What a run tells of itself."""

from collections.abc import Hashable

import pandas as pd

from bayesmice.diagnostics import Convergence, convergence
from bayesmice.imputations.kept_run import KeptRun
from bayesmice.store import events_from_dataset


class Diagnosing(KeptRun):
    """Events and diagnostics of a run."""

    @property
    def events(self) -> pd.DataFrame:
        """What happened: a table with severity, code, message, variable, chain and sweep."""
        return events_from_dataset(self.tree["event_log"].to_dataset())

    @property
    def incomplete(self) -> list[Hashable]:
        """Labels of the columns that have imputed cells, as they stand in the data."""
        return [self._store.label(name) for name in self._store.wanted]

    def convergence(self) -> Convergence:
        """Say whether the chains have converged, and by how many sweeps to extend them if not.

        Rank-normalized split R-hat, effective sample sizes [1]_ and autocorrelation of the mean and
        the standard deviation of each column's imputed cells, and of each parameter of the
        conditional models, over all sweeps of the imputations' own chains. The first sweeps are
        included: chains that have not yet forgotten their initial fill show as a large R-hat.

        Returns
        -------
        Convergence
            ``verdict`` is a sentence, ``table`` has everything, the worst first, ``windows`` R-hat
            over the first sweeps, and ``kernels`` how the transitions of parameters went.

        Raises
        ------
        NotRunError
            If the imputations come from a table, or from runs whose sweeps were left out.

        Notes
        -----
        R-hat of few chains and sweeps varies: of five chains of ten sweeps with nothing wrong the
        largest of fourteen R-hats is about 1.14, and seldom above 1.24. So the verdict calls a run
        not converged only where R-hat is above what chains that mix well enough (whose R-hat is
        1.05 in the long run) exceed in one of twenty runs, converged only where none is above 1.05
        in ten sweeps or more, and says otherwise that it cannot tell. ``docs/convergence.md`` has
        the error rates and the derivation.

        It is a verdict on sweeps, not on models: chains of a wrong model converge as well. What the
        last sweep takes from the first is forgotten far sooner than R-hat falls below 1.05.

        References
        ----------
        .. [1] Vehtari, Gelman, Simpson, Carpenter and Buerkner (2021), Bayesian Analysis 16,
           667-718.

        Examples
        --------
        >>> import bayesmice as bm
        >>> mice = bm.MICE(bm.load_dataset("nhanes2"))
        >>> imputations = mice.mice(m=3, sweeps=5, random_seed=1, progressbar=False)
        >>> found = imputations.convergence()
        >>> found.verdict.split(":")[0]
        'Cannot tell yet'
        >>> list(found.table)[:5]
        ['variable', 'quantity', 'r_hat', 'ess_bulk', 'ess_tail']
        """
        return convergence(self.tree)

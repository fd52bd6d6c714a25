"""What a run tells of itself."""

from collections.abc import Hashable

import pandas as pd

from bayesmice.diagnostics import convergence_table
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

    def convergence(self) -> pd.DataFrame:
        """Tabulate rank-normalized R-hat and effective sample sizes over sweeps, the worst first.

        Returns
        -------
        DataFrame
            One row for the mean and the standard deviation of each column's imputed cells and for
            each parameter: ``variable, quantity, r_hat, ess_bulk, ess_tail``. NaN where there are
            fewer than four sweeps (or, for R-hat, a single chain).

        Raises
        ------
        NotRunError
            If the imputations come from a table, or from runs whose sweeps were left out.
        """
        return convergence_table(self.tree)

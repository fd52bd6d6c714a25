"""What all parts of `Imputations` work on, and what lets the run behind them go on."""

from collections.abc import Sequence
from typing import Any, Protocol

import xarray as xr

from bayesmice.data import ColumnStore
from bayesmice.diagnostics import HidingRequest, Overimputation
from bayesmice.errors import NotRunError
from bayesmice.events import Event
from bayesmice.store import origin_of


class Continuation(Protocol):
    """Lets the run behind imputations go on."""

    def extend(self, sweeps: int, progressbar: bool) -> xr.DataTree:
        """Run further sweeps of all chains, and give the tree of the whole run."""

    def more(self, m: int, progressbar: bool) -> xr.DataTree:
        """Run further chains, and give the tree of all."""

    def impute(
        self, data: object, seed: int, sweeps: int | None
    ) -> tuple[xr.DataTree, ColumnStore]:
        """Impute new rows, and give their tree and their columns."""

    def note(self, event: Event) -> xr.DataTree:
        """Add an event to the log of the run, and give its tree."""

    def portable(self, tree: xr.DataTree) -> "Continuation":
        """Give a continuation that can be pickled, which makes the run again from its tree."""

    def replayed(
        self, tree: xr.DataTree, names: Sequence[str], what: str, progressbar: bool
    ) -> dict[str, xr.Dataset]:
        """Run the sweeps again, and give what was asked for, by the paths of new groups."""

    def log_priors(self, tree: xr.DataTree, names: Sequence[str]) -> dict[str, xr.Dataset]:
        """Evaluate priors at the draws of parameters, by the paths of new groups."""

    def priors(self, names: Sequence[str], draws: int, random_seed: int) -> dict[str, xr.Dataset]:
        """Draw from priors, by the paths of new groups."""

    def overimputed(
        self, tree: xr.DataTree, request: HidingRequest, progressbar: bool
    ) -> Overimputation:
        """Hide observed cells, and impute them in a run of their own."""


class KeptRun:
    """A tree of imputations, the data behind it, and what lets its run go on.

    The methods of `Imputations` stand in modules by what they are for; each of these modules has a
    class that only adds methods to this one.

    Parameters
    ----------
    tree : xarray.DataTree
        The tree of a run.
    store : ColumnStore
        The data that were imputed.
    continuation : Continuation, optional
        What lets the run go on.
    """

    def __init__(
        self, tree: xr.DataTree, store: ColumnStore, continuation: Continuation | None = None
    ) -> None:
        self.tree = tree
        self._store = store
        self._continuation = continuation

    def __getstate__(self) -> dict[str, Any]:
        continuation = self._continuation
        return self.__dict__ | {
            "_continuation": None if continuation is None else continuation.portable(self.tree)
        }

    @property
    def m(self) -> int:
        """Number of imputations."""
        return int(self.tree["imputations"].sizes["imputation"])

    @property
    def _imputed(self) -> xr.Dataset:
        return self.tree["imputations"].to_dataset()

    def _going_on(self, verb: str) -> Continuation:
        origin = origin_of(self.tree)
        if origin is not None:
            raise NotRunError(
                f"{verb} needs the run behind the imputations, and these come from {origin}, which "
                "no run goes on from. Only what mice.mice(...) gave can go on: do that first, and "
                "select, filter or combine afterwards."
            )
        if self._continuation is None:
            raise NotRunError(
                f"{verb} needs the run behind the imputations, and these were made from a tree "
                "alone. Use what mice.mice(...) or bm.open_imputations(path) gave."
            )
        return self._continuation

"""One analysis per completed data set: running them, and holding what they return."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, overload

import joblib

from bayesmice.cluster import check_client, mapped
from bayesmice.data.libraries import AnyFrame
from bayesmice.errors import AnalysisError
from bayesmice.pooling import FailedAnalysis, PooledResults, pool

Analysis = Callable[[AnyFrame], Any]


class Frames(Protocol):
    """Completed data sets, made one at a time."""

    def completed(self, imputation: int) -> AnyFrame:
        """Give one of them, counted from 0."""

    def __len__(self) -> int:
        """Give their number."""


class Analyses(Sequence[Any]):
    """The results of an analysis, one per imputation, in their order.

    Made by `Imputations.analyze` and `Imputations.fit`. It is read like a list. The place of an
    analysis that raised an error holds a `FailedAnalysis`.

    Parameters
    ----------
    results : iterable
        One per imputation.

    Examples
    --------
    >>> fits = Analyses([(1.0, 0.5), (2.0, 0.5), (3.0, 0.5)])
    >>> len(fits), fits[0]
    (3, (1.0, 0.5))
    >>> float(fits.pool().params[0])
    2.0
    """

    def __init__(self, results: Iterable[Any]) -> None:
        self._results = tuple(results)

    @property
    def failed(self) -> list[FailedAnalysis]:
        """The analyses that raised an error, each with its ``imputation`` and its ``error``."""
        return [result for result in self._results if isinstance(result, FailedAnalysis)]

    def pool(self, **options: Any) -> PooledResults:
        """Pool the results, as `bayesmice.pool` does.

        Parameters
        ----------
        **options
            Passed on to `bayesmice.pool`.

        Returns
        -------
        PooledResults
        """
        return pool(list(self._results), **options)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Any, ...]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return self._results[index]

    def __len__(self) -> int:
        return len(self._results)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._results)

    def __repr__(self) -> str:
        kinds = sorted(
            {type(r).__name__ for r in self._results if not isinstance(r, FailedAnalysis)}
        )
        failed = f", {len(self.failed)} failed (.failed)" if self.failed else ""
        return f"Analyses: {len(self)} results ({', '.join(kinds)}){failed}; .pool() pools them"


def run_analyses(
    frames: Iterable[AnyFrame],
    analysis: Analysis,
    *,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Analyses:
    """Run an analysis on every completed data set.

    Parameters
    ----------
    frames : iterable of DataFrame
        The completed data sets.
    analysis : callable
        From a DataFrame to a result. It gets a frame of its own, which it may change.
    workers : int, optional
        Number of processes; one, this one, by default. -1 takes all cores.
    progress : callable, optional
        Called with the number of analyses that are done after each.

    Returns
    -------
    Analyses

    Raises
    ------
    AnalysisError
        If every analysis failed. It was raised from the first error.

    Examples
    --------
    >>> import pandas as pd
    >>> frames = [pd.DataFrame({"x": [1.0, 2.0]}), pd.DataFrame({"x": [3.0, 5.0]})]
    >>> list(run_analyses(frames, lambda df: float(df["x"].mean())))
    [1.5, 4.0]
    """
    tasks = (joblib.delayed(_attempt)(analysis, n, frame) for n, frame in enumerate(frames))
    results = []
    for result in joblib.Parallel(n_jobs=workers or 1, return_as="generator")(tasks):
        results.append(result)
        if progress is not None:
            progress(len(results))
    return _checked(results)


def run_far_analyses(
    frames: Frames,
    analysis: Analysis,
    client: Any,
    *,
    progress: Callable[[int], None] | None = None,
) -> Analyses:
    """Run an analysis on every completed data set, on the workers of a cluster.

    Parameters
    ----------
    frames : Frames
        The completed data sets; all of them travel to each worker once, as little as they hold.
    analysis : callable
        As in `run_analyses`.
    client : distributed.Client
        The cluster.
    progress : callable, optional
        Called with the number of analyses that are done after each.

    Returns
    -------
    Analyses

    Raises
    ------
    AnalysisError
        If every analysis failed. It was raised from the first error.
    SpecificationError
        If ``client`` is no client, or the analysis cannot be sent to another process.
    """
    far = FarAnalysis(frames, analysis)
    numbers = range(len(frames))
    return _checked(mapped(check_client(client), far, numbers, "The analysis", progress))


@dataclass(frozen=True, eq=False)
class FarAnalysis:
    """Runs an analysis on one of some completed data sets.

    Attributes
    ----------
    frames : Frames
        The completed data sets.
    analysis : callable
        The analysis.
    """

    frames: Frames
    analysis: Analysis

    def __call__(self, imputation: int) -> Any:
        """Run the analysis on one imputation."""
        return _attempt(self.analysis, imputation, self.frames.completed(imputation))


def _checked(results: Sequence[Any]) -> Analyses:
    analyses = Analyses(results)
    if results and len(analyses.failed) == len(results):
        first = analyses.failed[0]
        raise AnalysisError(
            f"The analysis failed for all {len(results)} imputations; for imputation 0 with "
            f"{first.reason}. Try it on imputations.completed(0)."
        ) from first.error
    return analyses


def _attempt(analysis: Analysis, imputation: int, frame: AnyFrame) -> Any:
    try:
        return analysis(frame)
    except Exception as error:  # whatever a user's function raises is kept, and shown
        return FailedAnalysis(imputation, error)

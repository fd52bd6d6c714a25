"""Watching a run: what happened in it that a user should know."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bayesmice.data import Column, ColumnStore, Scale
from bayesmice.events import Event, Severity
from bayesmice.kernels import Target

LOW_ACCEPTANCE = 0.5


def transition_events(
    target: Target, statistics: Mapping[str, NDArray[np.generic]], chains: Sequence[int]
) -> list[Event]:
    """Report transitions that went badly after tuning.

    Parameters
    ----------
    target : Target
        The column.
    statistics : mapping of str to ndarray of shape (n_chains, n_sweeps)
        Statistics of its transitions.
    chains : sequence of int
        Identities of the chains.

    Returns
    -------
    list of Event
        ``low_acceptance`` per chain, and ``divergences``.
    """
    name, kernel = target.name, target.program.kernel
    n_sweeps = statistics["acceptance_rate"].shape[1]
    tuned = max(sweep for sweep in kernel.tuning_sweeps if sweep < n_sweeps)
    acceptance = statistics["acceptance_rate"][:, tuned:].astype(float).mean(axis=1)
    events = [
        Event(
            Severity.WARNING,
            "low_acceptance",
            f"Chain {chains[place]} accepted {acceptance[place]:.2f} of its {kernel.name} "
            "transitions on "
            "average; "
            f"below {LOW_ACCEPTANCE} its parameters move slowly. Run more sweeps, or give narrower "
            "priors.",
            name,
            chain=int(chains[place]),
        )
        for place in np.flatnonzero(acceptance < LOW_ACCEPTANCE).tolist()
    ]
    n_diverging = int(statistics["diverging"][:, tuned:].sum())
    if n_diverging:
        events.append(
            Event(
                Severity.WARNING,
                "divergences",
                f"{n_diverging} of {acceptance.size * (n_sweeps - tuned)} {kernel.name} "
                "transitions diverged after tuning. "
                "The posterior has a region of high curvature; reparametrize the model or give "
                "narrower priors.",
                name,
            )
        )
    return events


def range_events(
    store: ColumnStore, cells: Mapping[str, NDArray[np.float64]], computed: Collection[str]
) -> list[Event]:
    """Report imputed numbers that lie where no observed value does.

    Parameters
    ----------
    store : ColumnStore
        The data.
    cells : mapping of str to ndarray of shape (m, n_wanted)
        The imputed cells.
    computed : collection of str
        Passive columns, whose values are what their ingredients make them.

    Returns
    -------
    list of Event
        ``negative_values`` for a column whose observed values are all positive or zero,
        ``beyond_observed`` for others.
    """
    continuous = (
        store.columns[name]
        for name in store.wanted
        if name not in computed
        and store.columns[name].scale is Scale.CONTINUOUS
        and not store.columns[name].is_constant
        and not store.columns[name].has_limits
    )
    return [event for column in continuous for event in _range_events(column, cells[column.name])]


def _range_events(column: Column, cells: NDArray[np.float64]) -> Sequence[Event]:
    low, high = column.observed_values.min(), column.observed_values.max()
    n_negative = int((cells < 0).sum())
    if low >= 0 and n_negative:
        return [
            Event(
                Severity.WARNING,
                "negative_values",
                f"Of {cells.size} imputed values {n_negative} are negative, while every observed "
                f"value is at least {low:.4g}. "
                f"If the column cannot be negative, bounds={{{column.name!r}: (0, None)}} or "
                f"bm.Regression with {_positive(low)} or draw=bm.PMM() keeps it so.",
                column.name,
            )
        ]
    n_beyond = int(((cells < low) | (cells > high)).sum())
    if not n_beyond:
        return []
    return [
        Event(
            Severity.INFO,
            "beyond_observed",
            f"Of {cells.size} imputed values {n_beyond} are beyond the observed range, {low:.4g} "
            "to "
            f"{high:.4g}.",
            column.name,
        )
    ]


def _positive(low: float) -> str:
    """Name families whose values are as the observed ones."""
    if low > 0:
        return "family='gamma' or 'lognormal'"
    return "family='hurdle_gamma' or 'hurdle_lognormal'"

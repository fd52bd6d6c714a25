"""Overimputation: what the models impute where a value was observed and hidden from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from bayesmice.data import Column
from bayesmice.diagnostics.hidden_cells import (
    Numbers,
    Ranks,
    draw_quantiles,
    inside_interval,
    level_counts,
    log_scores,
    randomized_pit,
    ranks_among,
    share_errors,
)
from bayesmice.events import Event
from bayesmice.later import later

stats = later("scipy.stats")

LEVELS = (0.5, 0.8, 0.95)
"""Probabilities of the intervals whose coverage is reported."""
QUANTILES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
"""Their ends, and the median."""
TABLE = (
    "hidden",
    *(f"coverage_{100 * level:.0f}{end}" for level in LEVELS for end in ("", "_mcse")),
    "pit_p",
    *("bias", "bias_mcse", "rmse", "expected_rmse", "sd", "relative_rmse"),
    *("accuracy", "marginal_accuracy", "log_score", "marginal_log_score"),
)
"""Columns of the table."""
PIT_STREAM = 0x917
"""Keeps the random numbers of ranks apart from those of the run."""
RARE = 0.001
"""How improbable something must be, over all columns, before the text says that it is off."""


@dataclass(frozen=True)
class HidingRequest:
    """What to hide, and how to impute it.

    Attributes
    ----------
    share : float
        Share of the cells of each column that are hidden.
    names : tuple of str or None
        The columns; None for those that the run imputes.
    m : int
        Number of draws of each cell.
    sweeps : int or None
        Sweeps of each chain; None for as many as the run had before its first imputation.
    seed : int
        Random seed.
    """

    share: float
    names: tuple[str, ...] | None
    m: int
    sweeps: int | None
    seed: int


@dataclass(frozen=True, eq=False)
class HiddenCells:
    """The hidden cells of a column, and what was imputed there.

    Attributes
    ----------
    column : Column
        The column with all its observed values.
    rows : ndarray of shape (n_hidden,)
        Positions of the hidden cells.
    labels : sequence
        The labels of these rows in the index of the data.
    groups : sequence of str
        The group of rows that each belongs to; empty texts without groups.
    draws : ndarray of shape (m, n_hidden)
        Imputed values, or level codes.
    ranks : Ranks
        The observed values among them.
    pit : ndarray of shape (n_hidden,)
        Their randomized places in the distribution of the draws.
    """

    column: Column
    rows: NDArray[np.intp]
    labels: Sequence[object]
    groups: Sequence[str]
    draws: Numbers
    ranks: Ranks
    pit: Numbers

    @property
    def name(self) -> str:
        """The column's name."""
        return self.column.name

    @property
    def truth(self) -> Numbers:
        """The observed values or level codes, of shape (n_hidden,)."""
        return self.column.values[self.rows]  # noqa: PD011

    @property
    def codes(self) -> NDArray[np.intp]:
        """The observed level codes, of shape (n_hidden,)."""
        return self.truth.astype(np.intp)

    @property
    def remaining(self) -> Numbers:
        """The values that the models still learned from."""
        left = self.column.fitted.copy()
        left[self.rows] = False
        return self.column.values[left]  # noqa: PD011

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """How often each level was drawn, of shape (n_levels, n_hidden)."""
        return level_counts(self.draws, len(self.column.levels))


def hidden_cells(
    column: Column,
    rows: NDArray[np.intp],
    labels: Sequence[object],
    groups: Sequence[str],
    draws: Numbers,
    rng: Generator,
) -> HiddenCells:
    """Put the hidden cells of a column beside their draws.

    Parameters
    ----------
    column, rows, labels, groups, draws
        As in `HiddenCells`. Draws of a column of whole numbers are rounded, as completed data are.
    rng : Generator
        Where the places among draws come from.

    Returns
    -------
    HiddenCells
    """
    rounded = np.rint(draws) if column.is_integer and not column.levels else draws
    ranks = ranks_among(column.values[rows], rounded)  # noqa: PD011
    return HiddenCells(column, rows, labels, groups, rounded, ranks, randomized_pit(ranks, rng))


@dataclass(frozen=True, eq=False, repr=False)
class Overimputation:
    """What the models of a run impute where a value was observed, of `Imputations.overimpute`.

    Attributes
    ----------
    hidden : tuple of HiddenCells
        By column: the hidden cells, their draws, and where observed values lie among them.
    m : int
        Number of draws of each cell.
    sweeps : int
        Sweeps of each chain.
    random_seed : int
        Seed of the hiding and of the draws.
    left_out : mapping of str to str
        Columns of which no cell was hidden, with the reason.
    events : tuple of Event
        What happened in the run.
    """

    hidden: tuple[HiddenCells, ...]
    m: int
    sweeps: int
    random_seed: int
    left_out: Mapping[str, str]
    events: tuple[Event, ...]

    def __getitem__(self, name: str) -> HiddenCells:
        for own in self.hidden:
            if own.name == name:
                return own
        raise KeyError(f"No cell of {name!r} was hidden; of {', '.join(self.names)} some were.")

    @property
    def names(self) -> list[str]:
        """The columns with hidden cells."""
        return [own.name for own in self.hidden]

    @property
    def n_hidden(self) -> int:
        """Number of hidden cells."""
        return sum(len(own.rows) for own in self.hidden)

    @cached_property
    def table(self) -> pd.DataFrame:
        r"""One row per column, with the columns below; NaN for what a scale does not have.

        ``hidden``
            Number of hidden cells, n.
        ``coverage_50``, ``coverage_80``, ``coverage_95``
            Share of the observed values that lie in the central intervals of their draws. A value
            in the gap of draws where an interval ends counts by the share of the gap inside, so
            that 0.95 is expected of 95 % intervals for any number of draws.
        ``coverage_50_mcse``, ...
            What chance does to it if the models are right: the square root of p (1 - p) / n.
        ``pit_p``
            p-value of the hypothesis that the places of the observed values among their draws are
            uniform (Kolmogorov and Smirnov). Small where imputations are shifted, too wide or too
            narrow; for levels, where one of them is imputed too often.
        ``bias``, ``bias_mcse``
            Mean over cells of the mean draw minus the observed value, and its standard error.
        ``rmse``, ``expected_rmse``
            Root mean squared difference of the mean draw from the observed value, and what it
            should be by the variance of the draws.
        ``sd``, ``relative_rmse``
            Standard deviation of the values that were not hidden, and ``rmse`` over it: about 1
            where the other columns tell nothing.
        ``accuracy``, ``marginal_accuracy``
            Of columns with levels, how often the level that was drawn most often is the observed
            one, and how often the most frequent level of the column is.
        ``log_score``, ``marginal_log_score``
            Mean logarithm (in nats) of the probability of the observed level by its draws, and by
            the shares of levels in the column. The larger, the better.
        """
        rows = [_level_row(own) if own.column.levels else _number_row(own) for own in self.hidden]
        return pd.DataFrame(rows, pd.Index(self.names, name="variable"), TABLE)

    @cached_property
    def levels(self) -> pd.DataFrame:
        """Predicted and observed shares of levels among the hidden cells, one row per level.

        ``predicted`` is the mean probability of the level by the draws, ``observed`` its share of
        the hidden cells, and ``mcse`` the standard error of their difference if the probabilities
        are right.
        """
        rows = [
            {
                "variable": own.name,
                "level": level,
                "hidden": len(own.rows),
                "predicted": own.counts[code].mean() / self.m,
                "observed": float((own.codes == code).mean()),
                "mcse": errors[code],
            }
            for own in self.hidden
            if own.column.levels
            for errors in [share_errors(own.counts)]
            for code, level in enumerate(own.column.levels)
        ]
        columns = ["variable", "level", "hidden", "predicted", "observed", "mcse"]
        return pd.DataFrame(rows, columns=columns).set_index(["variable", "level"])

    @cached_property
    def cells(self) -> pd.DataFrame:
        """One row per hidden cell, with the columns below; NaN for what a scale does not have.

        ``variable``, ``row`` (its position, from 0), ``label`` (in the index of the data),
        ``group`` (with ``by``), ``observed`` (the value or level); ``mean``, ``sd`` and quantiles
        ``q2.5``, ..., ``q97.5`` of the draws; ``rank`` (how many draws are smaller) and ``ties``
        (how many are equal), of codes where there are levels; ``pit``, the place of the observed
        value among the draws between 0 and 1, at random within ties; ``in_50``, ``in_80``,
        ``in_95``, how far it lies in the interval; and for levels ``mode``, the one drawn most
        often, and ``probability``, the share of draws that are the observed level.
        """
        return pd.concat([_cell_table(own) for own in self.hidden], ignore_index=True)

    @property
    def findings(self) -> list[str]:
        """What is off by more than chance explains, in sentences; an empty list if nothing is."""
        return [sentence for own in self.hidden for sentence in _findings(own, len(self.hidden))]

    def __repr__(self) -> str:
        parts = [self._caption(), *(shown.to_string() for shown in self._tables())]
        return "\n".join([*parts, *self._notes()])

    def _repr_html_(self) -> str:
        tables = "\n".join(shown.to_html(escape=True) for shown in self._tables())
        notes = "\n".join(f"<p>{escape(note)}</p>" for note in self._notes())
        return f"<p>{escape(self._caption())}</p>\n{tables}\n{notes}"

    def _caption(self) -> str:
        return (
            f"Overimputation: {self.n_hidden} observed cells hidden and imputed {self.m} times "
            f"({self.sweeps} sweeps, random_seed={self.random_seed})"
        )

    def _tables(self) -> list[pd.DataFrame]:
        has_levels = [bool(own.column.levels) for own in self.hidden]
        shown = self.table[[name for name in self.table if not str(name).endswith("0_mcse")]]
        parts = [shown[[own == kind for own in has_levels]] for kind in (False, True)]
        return [part.dropna(axis="columns", how="all").round(3) for part in parts if len(part)]

    def _notes(self) -> list[str]:
        notes = self.findings or ["Nothing is off by more than chance explains."]
        return notes + [f"Left out: {name} ({why})." for name, why in self.left_out.items()]


def _number_row(own: HiddenCells) -> dict[str, float]:
    n, mean = len(own.rows), own.draws.mean(axis=0)
    errors = mean - own.truth
    m = len(own.draws)
    row: dict[str, float] = {"hidden": n}
    for level in LEVELS:
        name = f"coverage_{100 * level:.0f}"
        row[name] = float(inside_interval(own.ranks, level).mean())
        row[f"{name}_mcse"] = float(np.sqrt(level * (1 - level) / n))
    rmse, sd = float(np.sqrt((errors**2).mean())), float(own.remaining.std(ddof=1))
    return row | {
        "pit_p": _uniform_p(own.pit),
        "bias": float(errors.mean()),
        "bias_mcse": float(errors.std(ddof=1) / np.sqrt(n)) if n > 1 else np.nan,
        "rmse": rmse,
        "expected_rmse": float(np.sqrt((own.draws.var(axis=0, ddof=1) * (1 + 1 / m)).mean())),
        "sd": sd,
        "relative_rmse": rmse / sd,
    }


def _level_row(own: HiddenCells) -> dict[str, float]:
    remaining = np.bincount(own.remaining.astype(np.intp), minlength=len(own.column.levels))
    shares = remaining / remaining.sum()
    return {
        "hidden": len(own.rows),
        "pit_p": _uniform_p(own.pit),
        "accuracy": float((own.counts.argmax(axis=0) == own.codes).mean()),
        "marginal_accuracy": float((shares.argmax() == own.codes).mean()),
        "log_score": float(log_scores(own.counts, own.codes).mean()),
        "marginal_log_score": float(np.log(shares[own.codes]).mean()),
    }


def _uniform_p(pit: Numbers) -> float:
    return float(stats.kstest(pit, "uniform").pvalue)


def _cell_table(own: HiddenCells) -> pd.DataFrame:
    n, levels = len(own.rows), np.array([*own.column.levels, None], dtype=object)[:-1]
    nothing = np.full(n, np.nan)
    is_coded = bool(own.column.levels)
    observed = levels[own.codes] if is_coded else own.truth.astype(object)
    quantiles = draw_quantiles(own.draws, np.array(QUANTILES))
    numbers = {
        "mean": own.draws.mean(axis=0),
        "sd": own.draws.std(axis=0, ddof=1),
        **{f"q{100 * q:g}": row for q, row in zip(QUANTILES, quantiles, strict=True)},
    }
    return pd.DataFrame(
        {
            "variable": own.name,
            "row": own.rows,
            "label": np.array([*own.labels, None], dtype=object)[:-1],
            "group": list(own.groups),
            "observed": observed,
            **{name: nothing if is_coded else values for name, values in numbers.items()},
            "rank": own.ranks.below,
            "ties": own.ranks.equal,
            "pit": own.pit,
            **{
                f"in_{100 * level:.0f}": nothing if is_coded else inside_interval(own.ranks, level)
                for level in LEVELS
            },
            "mode": levels[own.counts.argmax(axis=0)] if is_coded else np.full(n, None),
            "probability": own.ranks.equal / len(own.draws) if is_coded else nothing,
        }
    )


def _findings(own: HiddenCells, n_columns: int) -> list[str]:
    rare = RARE / n_columns
    found = []
    for level in () if own.column.levels else LEVELS:
        share = float(inside_interval(own.ranks, level).mean())
        if _coverage_p(share, level, len(own.rows)) < rare / len(LEVELS):
            width = "narrow, or shifted" if share < level else "wide"
            found.append(
                f"{own.name}: {100 * level:.0f} % intervals hold {100 * share:.0f} % of "
                f"{len(own.rows)} observed values. Its imputations are too {width}."
            )
    p_value = _uniform_p(own.pit)
    if p_value < rare:
        where = "The table .levels" if own.column.levels else "The picture of bm.plot_overimpute"
        found.append(
            f"{own.name}: the places of observed values among their draws are not uniform "
            f"(p = {p_value:.1g}). {where} shows in which direction."
        )
    return found


def _coverage_p(share: float, level: float, n: int) -> float:
    """Give the probability of a coverage as far from what is expected, on this side of it.

    Fractions of a cell, which count in the share, are rounded towards what is expected.
    """
    if share < level:
        return float(stats.binom.cdf(np.ceil(share * n), n, level))
    return float(stats.binom.sf(np.floor(share * n) - 1, n, level))

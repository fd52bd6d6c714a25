"""What was missing: counts by column, and how incomplete rows differ from complete ones."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmice.data import Column, ColumnStore
from bayesmice.data.flux import flux
from bayesmice.report.tables import Table, share, table

Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]

MOST_LEVELS = 12
"""Levels of a column whose shares are compared; more are left out."""


@dataclass(frozen=True)
class Missing:
    """What was missing.

    Attributes
    ----------
    n_rows, n_columns, n_cells : int
        Rows and columns of the data, and missing cells.
    n_incomplete : int
        Rows with a missing cell.
    columns : sequence of str
        Columns with missing cells, most first.
    by_column : Table
        Counts, influx and outflux by column.
    compared : Table or None
        Means or shares in complete and in other rows; None where all are of one kind.
    """

    n_rows: int
    n_columns: int
    n_cells: int
    n_incomplete: int
    columns: tuple[str, ...]
    by_column: Table
    compared: Table | None

    @property
    def share_incomplete(self) -> float:
        """Share of rows with a missing cell."""
        return self.n_incomplete / self.n_rows


def describe_missing(store: ColumnStore) -> Missing:
    """Describe what was missing in the data.

    Parameters
    ----------
    store : ColumnStore
        The data.
    """
    columns = list(store.columns.values())
    incomplete = np.zeros(store.n_rows, dtype=bool)
    for column in columns:
        incomplete[column.missing_rows] = True
    counts = {column.name: column.n_missing for column in columns}
    most_first = sorted((n for n in counts if counts[n]), key=lambda n: -counts[n])
    return Missing(
        n_rows=store.n_rows,
        n_columns=len(columns),
        n_cells=sum(counts.values()),
        n_incomplete=int(incomplete.sum()),
        columns=tuple(most_first),
        by_column=_by_column(store),
        compared=_compared(columns, incomplete),
    )


def _by_column(store: ColumnStore) -> Table:
    connected = flux(_mask(store))[["influx", "outflux"]].astype(float)
    by_name = connected.to_dict("index")
    rows = [
        {
            "column": column.name,
            "what": str(store.frame.attrs.get("long_name", {}).get(store.label(column.name), "")),
            "unit": str(store.frame.attrs.get("units", {}).get(store.label(column.name), "")),
            "scale": str(column.scale),
            "missing": column.n_missing,
            "share": share(column.n_missing / store.n_rows),
            **by_name[column.name],
        }
        for column in store.columns.values()
    ]
    frame = pd.DataFrame(rows)
    described = [name for name in ("what", "unit") if not frame[name].any()]
    return table("Missing cells of each column", frame.drop(columns=described))


def _mask(store: ColumnStore) -> pd.DataFrame:
    """Give a frame with the same holes: what `flux` looks at, limits counted as missing."""
    shown = {name: np.ones(store.n_rows) for name in store.columns}
    for name, column in store.columns.items():
        shown[name][column.missing_rows] = np.nan
    return pd.DataFrame(shown)


def _compared(columns: list[Column], incomplete: Flags) -> Table | None:
    if incomplete.all() or not incomplete.any():
        return None
    rows = [
        row
        for column in columns
        if len(column.levels) <= MOST_LEVELS
        for row in _compare(column, incomplete)
    ]
    return table("Observed values in complete and in incomplete rows", pd.DataFrame(rows))


def _compare(column: Column, incomplete: Flags) -> list[dict[str, object]]:
    """Compare means, or shares of levels, with a difference in standard deviations."""
    values = np.asarray(column.values, dtype=float)
    complete, others = values[~incomplete & column.observed], values[incomplete & column.observed]
    if not len(complete) or not len(others):
        return []
    if not column.levels:
        return [_difference(column.name, "mean", complete, others)]
    shown = range(1, 2) if len(column.levels) == 2 else range(len(column.levels))
    return [
        _difference(
            column.name, f"share of {column.levels[code]}", complete == code, others == code
        )
        for code in shown
    ]


def _difference(name: str, what: str, complete: Numbers, others: Numbers) -> dict[str, object]:
    spread = float(np.sqrt((complete.var() + others.var()) / 2))
    apart = float(others.mean() - complete.mean())
    return {
        "column": name,
        "what": what,
        "complete rows": float(complete.mean()),
        "incomplete rows": float(others.mean()),
        "difference in sd": apart / spread if spread > 0 else np.nan,
    }

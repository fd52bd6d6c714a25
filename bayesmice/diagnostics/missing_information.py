"""Missing information: how much more uncertain means are for missing cells, and the cells."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayesmice.arguments import chosen_names
from bayesmice.data import Column, ColumnStore
from bayesmice.data.flux import flux
from bayesmice.errors import PoolingError, SpecificationError
from bayesmice.later import later
from bayesmice.pooling import PooledResults, pool_scalar
from bayesmice.store import imputed_cells

stats = later("scipy.stats")
special = later("scipy.special")

Numbers = NDArray[np.float64]

CONF_LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class ImputedColumn:
    """A column with imputed cells.

    Attributes
    ----------
    column : Column
        What was observed.
    rows : ndarray of shape (n_cells,)
        Positions of its missing cells that were imputed.
    draws : ndarray of shape (m, n_cells)
        Their imputations, or level codes.
    """

    column: Column
    rows: NDArray[np.intp]
    draws: Numbers

    @property
    def n_rows(self) -> int:
        """Rows with a value, observed or imputed."""
        return len(self.column.observed_values) + len(self.rows)

    @property
    def is_coded(self) -> bool:
        """Whether the column has levels."""
        return bool(self.column.levels)

    def quantities(self) -> dict[str, tuple[Numbers, Numbers]]:
        """Give observed values and draws of what is averaged: values, or indicators of levels."""
        observed = self.column.observed_values
        if not self.is_coded:
            return {"mean": (observed, self.draws)}
        levels = list(enumerate(self.column.levels))
        shown = levels[1:] if len(levels) == 2 else levels
        return {
            f"share of {level}": ((observed == code) * 1.0, (self.draws == code) * 1.0)
            for code, level in shown
        }


@dataclass(frozen=True, eq=False, repr=False)
class MissingInformation:
    """What missing cells cost, of `Imputations.fmi`.

    Attributes
    ----------
    columns : tuple of ImputedColumn
        Columns with imputed cells.
    labels : Index
        Labels of all rows.
    flux : DataFrame
        Influx and outflux of these columns, as `bayesmice.flux` has them.
    """

    columns: tuple[ImputedColumn, ...]
    labels: pd.Index
    flux: pd.DataFrame

    @property
    def m(self) -> int:
        """Number of imputations."""
        return len(self.columns[0].draws)

    @cached_property
    def table(self) -> pd.DataFrame:
        r"""One row for the mean of each column, or for the share of each of its levels.

        ``missing``
            Share of its cells that are missing.
        ``estimate``, ``std_error``, ``df``
            The pooled mean or share, its standard error and its degrees of freedom (those of
            Barnard and Rubin, with n - 1 for complete data).
        ``fmi``, ``fmi_low``, ``fmi_high``
            Fraction of missing information, and a 95 % interval: with m imputations its logit has
            a standard error of about :math:`\sqrt{2/m}`. NaN ends where it is 0.
        ``lambda``, ``riv``
            Share of the variance that is due to missing cells, and relative increase of variance.
        ``relative_efficiency``
            :math:`(1 + \mathrm{fmi}/m)^{-1}`, of m imputations against infinitely many, in
            units of variance.
        """
        rows = [row for own in self.columns for row in _quantity_rows(own)]
        return pd.DataFrame(rows).set_index(["variable", "quantity"])

    @cached_property
    def cells(self) -> pd.DataFrame:
        """One row per missing cell, with the columns below; NaN for what a scale does not have.

        ``variable``, ``row`` (its position, from 0), ``label`` (in the index of the data);
        ``mean``, ``sd`` and ``variance`` between imputations; for levels ``mode``, the one imputed
        most often, ``probability``, how often it was, and ``entropy`` of the imputed levels in
        nats; ``relative_variance``, the variance over that of the observed values (for levels sums
        over indicators): near 0 where others tell all, near 1 where they tell nothing.
        """
        return pd.concat([_cell_table(own, self.labels) for own in self.columns], ignore_index=True)

    def probabilities(self, name: str) -> pd.DataFrame:
        """Give how often each level was imputed, one row per missing cell of a column.

        Parameters
        ----------
        name : str
            A column with levels.

        Returns
        -------
        DataFrame of shape (n_cells, n_levels)
            Shares of the imputations, by the position of the row.

        Raises
        ------
        SpecificationError
            If there is no such column, or it has no levels.
        """
        coded = {own.column.name: own for own in self.columns if own.is_coded}
        if name not in coded:
            raise SpecificationError(
                f"probabilities got {name!r}; expected an imputed column with levels: "
                f"{', '.join(coded) or '(none)'}."
            )
        own = coded[name]
        return pd.DataFrame(
            _level_shares(own).T,
            index=pd.Index(own.rows, name="row"),
            columns=pd.Index(list(own.column.levels), name="level"),
        )

    def __repr__(self) -> str:
        return f"{self._caption()}\n{self._shown().to_string()}\n{self._note()}"

    def _repr_html_(self) -> str:
        return (
            f"<p>{escape(self._caption())}</p>\n{self._shown().to_html(escape=True)}\n"
            f"<p>{escape(self._note())}</p>"
        )

    def _shown(self) -> pd.DataFrame:
        return self.table.join(self.flux[["influx", "outflux"]], on="variable").round(3)

    def _caption(self) -> str:
        return f"Missing information: m={self.m} imputations, {len(self.columns)} columns"

    def _note(self) -> str:
        if not self.table["fmi"].notna().any():
            return "No column varies, so that nothing is uncertain."
        row = self.table.reset_index().loc[int(np.nanargmax(self.table["fmi"]))]
        gain = 100 * (1 / np.sqrt(row["relative_efficiency"]) - 1)
        return (
            f"Most is missing of the {row['quantity']} of {row['variable']}: "
            f"{100 * row['fmi']:.0f} % of the information, with {100 * row['missing']:.0f} % of "
            "the cells missing. With "
            f"{self.m} imputations standard errors are {gain:.1f} % larger than with infinitely "
            "many."
        )


def missing_information(
    tree: xr.DataTree, store: ColumnStore, var_names: str | Sequence[str] | None = None
) -> MissingInformation:
    """Find out what missing cells cost.

    Parameters
    ----------
    tree : xarray.DataTree
        The tree of imputations.
    store : ColumnStore
        The data.
    var_names : str or sequence of str, optional
        Columns with imputed missing cells; all by default.

    Returns
    -------
    MissingInformation

    Raises
    ------
    SpecificationError
        If a column has none, or no cell is missing at all.
    PoolingError
        If there are fewer than two imputations.
    """
    imputed = tree["imputations"].to_dataset()
    available = [name for name in store.wanted if _missing_wanted(store.columns[name]).any()]
    if not available:
        raise SpecificationError(
            "There is no missing information: no missing cell of the data was imputed."
        )
    names = chosen_names(available, var_names, "is none of the columns with imputed missing cells")
    m = int(imputed.sizes["imputation"])
    if m < 2:
        raise PoolingError(
            f"fmi compares imputations, and there is {m}. Run mice(m=20) or more: with few it is "
            "hardly known."
        )
    columns = tuple(_imputed_column(store.columns[name], imputed) for name in names)
    return MissingInformation(columns, store.frame.index, flux(store.frame).loc[names])


def _missing_wanted(column: Column) -> NDArray[np.bool_]:
    """Mark which of the wanted cells are missing: others have an observed value that counts."""
    return ~column.observed[column.wanted_rows]


def _imputed_column(column: Column, imputed: xr.Dataset) -> ImputedColumn:
    chosen = _missing_wanted(column)
    draws = imputed_cells(imputed, column.name)[:, chosen]
    is_rounded = column.is_integer and not column.levels
    return ImputedColumn(
        column, column.wanted_rows[chosen], np.rint(draws) if is_rounded else draws
    )


def _quantity_rows(own: ImputedColumn) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for quantity, (observed, draws) in own.quantities().items():
        pooled = _pooled_mean(observed, draws)
        numbers = {str(name): float(values.iloc[0]) for name, values in pooled.table.items()}
        fmi, m = numbers["fmi"], len(draws)
        low, high = _fmi_interval(fmi, m)
        rows.append(
            {
                "variable": own.column.name,
                "quantity": quantity,
                "missing": len(own.rows) / own.n_rows,
                **{name: numbers[name] for name in ("estimate", "std_error", "df")},
                "fmi": fmi,
                "fmi_low": low,
                "fmi_high": high,
                **{name: numbers[name] for name in ("lambda", "riv")},
                "relative_efficiency": 1 / (1 + fmi / m),
            }
        )
    return rows


def _pooled_mean(observed: Numbers, draws: Numbers) -> PooledResults:
    """Pool the means of completed columns, without copies of what was observed."""
    n, n_observed = len(observed) + draws.shape[1], len(observed)
    means = (observed.sum() + draws.sum(axis=1)) / n
    center = observed.mean() if n_observed else 0.0
    squares = ((observed - center) ** 2).sum() + n_observed * (center - means) ** 2
    squares = squares + ((draws - means[:, None]) ** 2).sum(axis=1)
    return pool_scalar(means, squares / (n - 1) / n, df_complete=n - 1)


def _fmi_interval(fmi: float, m: int) -> tuple[float, float]:
    """Give the interval of von Hippel (2020), Sociological Methods & Research 49, 699-718."""
    if not 0 < fmi < 1:
        return np.nan, np.nan
    margin = stats.norm.isf((1 - CONF_LEVEL) / 2) * np.sqrt(2 / m)
    return float(special.expit(special.logit(fmi) - margin)), float(
        special.expit(special.logit(fmi) + margin)
    )


def _level_shares(own: ImputedColumn) -> Numbers:
    """Share of the imputations of each cell that are a level, of shape (n_levels, n_cells)."""
    return np.stack([(own.draws == code).mean(axis=0) for code in range(len(own.column.levels))])


def _cell_table(own: ImputedColumn, labels: pd.Index) -> pd.DataFrame:
    n, m = len(own.rows), len(own.draws)
    table: dict[str, object] = {
        "variable": own.column.name,
        "row": own.rows,
        "label": np.array([*labels[own.rows].tolist(), None], dtype=object)[:-1],
    }
    observed = own.column.observed_values
    if not own.is_coded:
        variance = own.draws.var(axis=0, ddof=1)
        numbers = {"mean": own.draws.mean(axis=0), "sd": np.sqrt(variance), "variance": variance}
        words = {"mode": np.full(n, None), "probability": np.nan, "entropy": np.nan}
        spread = observed.var(ddof=1) if len(observed) > 1 else np.nan
    else:
        shares = _level_shares(own)
        levels = np.array([*own.column.levels, None], dtype=object)[:-1]
        variance = (shares * (1 - shares)).sum(axis=0) * m / (m - 1)
        numbers = dict.fromkeys(("mean", "sd", "variance"), np.full(n, np.nan))
        words = {
            "mode": levels[shares.argmax(axis=0)],
            "probability": shares.max(axis=0),
            "entropy": stats.entropy(shares, axis=0),
        }
        known = np.bincount(observed.astype(np.intp)) / len(observed)
        spread = (known * (1 - known)).sum() * len(observed) / max(len(observed) - 1, 1)
    relative = variance / spread if spread > 0 else np.full(n, np.nan)
    return pd.DataFrame({**table, **numbers, **words, "relative_variance": relative})

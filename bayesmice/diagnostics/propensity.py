"""The probability of being missing, and values of a column given it.

References
----------
van Buuren (2018), Flexible Imputation of Missing Data, 2nd edition, section 6.6.
Abayomi, Gelman and Levy (2008), Journal of the Royal Statistical Society C 57, 273-291.
"""

import json
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesmice.data import Column, ColumnStore
from bayesmice.errors import SpecificationError
from bayesmice.later import later
from bayesmice.models.design import learn_design
from bayesmice.store import imputed_cells, store_from_dataset

special = later("scipy.special")

Numbers = NDArray[np.float64]

PRIOR_SD = 2.5
"""Of a coefficient per standard deviation of its predictor: keeps separated rows finite."""
STEPS, HALVINGS, TOLERANCE = 50, 30, 1e-10


@dataclass(frozen=True, eq=False)
class Propensity:
    """Values of a column, and the probability of being missing that its rows have.

    Attributes
    ----------
    column : Column
        The column.
    rows : ndarray of shape (n_rows,)
        Positions in the data of the rows that it is about.
    probability : ndarray of shape (n_rows,)
        Of being missing, averaged over imputations.
    completed : ndarray of shape (m, n_rows)
        Completed values or level codes.
    is_missing : ndarray of shape (n_rows,)
        Which of them were imputed.
    """

    column: Column
    rows: NDArray[np.intp]
    probability: Numbers
    completed: Numbers
    is_missing: NDArray[np.bool_]

    @cached_property
    def logit(self) -> Numbers:
        """The log odds of being missing, standardized, of shape (n_rows,)."""
        odds = np.log(self.probability) - np.log1p(-self.probability)
        spread = odds.std()
        return (odds - odds.mean()) / spread if spread > 0 else np.zeros_like(odds)


def find_propensity(tree: xr.DataTree, name: str, label: str = "") -> Propensity:
    r"""Estimate each row's probability that a column is missing, from all other columns.

    Parameters
    ----------
    tree : xarray.DataTree
        A tree of imputations, with or without a run behind them.
    name : str
        A column with imputed cells.
    label : str, optional
        A group of rows with models of its own, such as ``"sex=male"``.

    Returns
    -------
    Propensity

    Raises
    ------
    SpecificationError
        If the column has no missing cell that was imputed, or no observed one, in these rows.

    Notes
    -----
    A logistic regression of the indicator of missingness on all other columns, as each imputation
    completed them, whatever the column's own model reads; probabilities are averaged over
    imputations. Passive columns, which may be made of the column itself, are left out. Coefficients
    have normal priors with a standard deviation of 2.5 per standard deviation of the predictor, and
    the mode is taken.
    """
    store = store_from_dataset(tree["observed_data"].to_dataset())
    imputed = tree["imputations"].to_dataset()
    if name not in imputed.data_vars:
        raise SpecificationError(
            f"No cell of {name!r} was imputed. Imputed columns: "
            f"{', '.join(map(str, imputed.data_vars)) or 'none'}."
        )
    column = store.columns[name]
    rows = np.flatnonzero(rows_of(tree, store, label) & (column.row_weights > 0))
    is_missing = ~column.observed[rows]
    if not is_missing.any() or is_missing.all():
        which = "no" if not is_missing.any() else "every"
        raise SpecificationError(
            f"In {which} row {f'with {label} ' if label else ''}{name!r} is missing, so observed "
            "and imputed values cannot be compared."
        )
    values = completed_values(store, imputed, column)[:, rows]
    designs = _designs(tree, store, imputed, name)
    fits = [fit_logistic(design[rows], is_missing) for design in designs]
    return Propensity(column, rows, np.mean(fits, axis=0), values, is_missing)


def rows_of(tree: xr.DataTree, store: ColumnStore, label: str) -> NDArray[np.bool_]:
    """Mark the rows of a group, by its label."""
    everywhere = np.ones(store.n_rows, dtype=bool)
    if not label:
        return everywhere
    for name, column in store.columns.items():
        for code, level in enumerate(column.levels):
            if f"{name}={level}".replace("/", "_") == label:
                return np.asarray(column.values == code)
    raise SpecificationError(f"No rows of the data are the group {label!r}.")


def completed_values(store: ColumnStore, imputed: xr.Dataset, column: Column) -> Numbers:
    """Complete a column's missing cells, of shape (m, n_rows); NaN where none was imputed."""
    m = imputed.sizes["imputation"]
    completed = np.tile(column.values, (m, 1))
    if column.name in imputed.data_vars:
        wanted = column.wanted_rows
        missing = ~column.observed[wanted]
        completed[:, wanted[missing]] = imputed_cells(imputed, column.name)[:, missing]
    return completed


def _designs(
    tree: xr.DataTree, store: ColumnStore, imputed: xr.Dataset, name: str
) -> list[Numbers]:
    """Give the predictors of being missing, standardized, one array per imputation."""
    recipe = json.loads(tree.attrs.get("settings") or "{}").get("recipe", {})
    passive = set(recipe.get("passive", {}))
    parts = []
    for other, encoding in learn_design(store).encodings.items():
        if other == name or other in passive:
            continue
        completed = completed_values(store, imputed, store.columns[other])
        if not np.isnan(completed).any():
            parts.append(encoding.encode(completed))
    m = imputed.sizes["imputation"]
    design = np.concatenate([np.zeros((m, store.n_rows, 0)), *parts], axis=2)
    spread = design.std(axis=1, keepdims=True)
    centered = design - design.mean(axis=1, keepdims=True)
    return list(centered / np.where(spread > 0, spread, 1.0))


def fit_logistic(design: Numbers, outcome: NDArray[np.bool_]) -> Numbers:
    """Fit a logistic regression with weak priors, and give its probabilities.

    Parameters
    ----------
    design : ndarray of shape (n_rows, n_columns)
        Standardized predictors, without an intercept.
    outcome : ndarray of shape (n_rows,)
        Booleans.

    Returns
    -------
    ndarray of shape (n_rows,)
        Probabilities at the mode.

    Examples
    --------
    >>> fit_logistic(np.zeros((4, 1)), np.array([True, False, False, False])).round(3)
    array([0.25, 0.25, 0.25, 0.25])
    """
    X = np.column_stack([np.ones(len(design)), design])
    precision = np.full(X.shape[1], PRIOR_SD**-2)
    precision[0] = 0.0
    y, beta = outcome.astype(float), np.zeros(X.shape[1])

    def loss(at: Numbers) -> float:
        eta = X @ at
        return float((np.logaddexp(0, eta) - y * eta).sum() + 0.5 * (precision * at**2).sum())

    for _ in range(STEPS):
        p = special.expit(X @ beta)
        gradient = X.T @ (y - p) - precision * beta
        curvature = (X * (p * (1 - p))[:, None]).T @ X + np.diag(precision)
        step = np.linalg.solve(curvature, gradient)
        for _ in range(HALVINGS):
            if loss(beta + step) <= loss(beta) + 1e-12:
                break
            step = step / 2
        beta = beta + step
        if np.abs(step).max() < TOLERANCE:
            break
    tiny = np.finfo(float).eps
    return np.asarray(np.clip(special.expit(X @ beta), tiny, 1 - tiny))

"""Findings: what makes a regression depend on its priors more than a user may expect.

Too few rows, predictors that are linear functions of each other, classes that the predictors part
perfectly, levels that hardly occur: maximum likelihood breaks down there, and conditional models go
on, because their priors are proper. Nothing is dropped; what was found becomes an event.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bayesmice.data import ColumnStore
from bayesmice.events import Event, Severity
from bayesmice.later import later
from bayesmice.models.blueprint import PREDICTORS_DATA
from bayesmice.models.design import Design
from bayesmice.models.regression import RegressionModel, completed_columns

optimize = later("scipy.optimize")

RARE = 1
"""A level in this many rows or fewer is reported."""
RANK_TOLERANCE = 1e-9
"""Relative size of a singular value that counts as zero."""
NEWTON_STEPS, EXTREME = 12, 30.0
"""Steps towards the estimate of a logistic regression, and where its log-odds are cut off."""
OVERLAP_TOLERANCE = 1e-6
"""Relative size of a weight that is surely positive."""
LARGEST_PROGRAM = 500_000
"""Cells of a design, beyond which separation is not looked for."""


def regression_findings(
    model: RegressionModel, store: ColumnStore, fills: Mapping[str, NDArray[np.float64]]
) -> list[Event]:
    """Look at the observed rows of one regression.

    Parameters
    ----------
    model : RegressionModel
        The model of an incomplete column.
    store : ColumnStore
        The data.
    fills : mapping of str to ndarray of shape (n_missing,)
        Observed values that stand in missing cells of predictors.

    Returns
    -------
    list of Event
        ``few_rows``, ``rare_level``, ``separation``.
    """
    target = model.target
    known = target.fitted | target.is_limited
    columns = completed_columns(store, model.predictors, fills)
    design = model.designs(columns)[PREDICTORS_DATA][known]
    return [
        *_few_rows(model, design),
        *_rare_levels(model),
        *_separation(model, design),
    ]


def _few_rows(model: RegressionModel, design: NDArray[np.float64]) -> list[Event]:
    n_rows, n_coefficients = design.shape[0], design.shape[1] + 1
    if n_rows > n_coefficients:
        return []
    return [
        Event(
            Severity.WARNING,
            "few_rows",
            f"{n_rows} observed rows are to tell {n_coefficients} coefficients apart, so the "
            "priors decide much. Name fewer predictors in a formula, or give a prior for many "
            "coefficients, such as bm.priors.horseshoe().",
            model.target.name,
        )
    ]


def _rare_levels(model: RegressionModel) -> list[Event]:
    target = model.target
    counts = np.bincount(target.known_values.astype(int)) if target.levels else np.zeros(0)
    rare = [
        str(level) for level, count in zip(target.levels, counts, strict=False) if count <= RARE
    ]
    if not rare or target.is_identifier:
        return []
    return [
        Event(
            Severity.INFO,
            "rare_level",
            f"Observed in one row only: {', '.join(rare)}. How it depends on the predictors is "
            "left to the priors.",
            target.name,
        )
    ]


def _separation(model: RegressionModel, design: NDArray[np.float64]) -> list[Event]:
    target = model.target
    if not target.levels or target.is_identifier or not 0 < design.size <= LARGEST_PROGRAM:
        return []
    codes = target.known_values.astype(int)
    is_ordinal = model.family.location == "cutpoints"
    parted: dict[str, list[str]] = {}
    for code, level in enumerate(target.levels[1:], start=1):
        kind = separation(codes >= code if is_ordinal else codes == code, design)
        if kind:
            parted.setdefault(kind, []).append(str(level))
    return [
        Event(
            Severity.INFO,
            "separation",
            f"The predictors part {' and '.join(levels)} from the rest without an error in the "
            f"observed rows ({kind} separation), so the priors keep the coefficients finite.",
            target.name,
        )
        for kind, levels in parted.items()
    ]


def separation(is_one: NDArray[np.bool_], design: NDArray[np.float64]) -> str:
    """Tell whether a linear combination of predictors parts two classes.

    Some combination is never negative in one class and never positive in the other, and is not zero
    everywhere (Albert and Anderson 1984). It is found by linear programming (Konis 2007).

    Parameters
    ----------
    is_one : ndarray of shape (n_rows,)
        The classes.
    design : ndarray of shape (n_rows, n_predictors)
        Predictors, without an intercept.

    Returns
    -------
    str
        ``"complete"`` if the combination can be different from zero in every row,
        ``"quasi-complete"`` if only in some; empty if there is none, so that the
        maximum-likelihood estimate of a logistic regression exists.

    Examples
    --------
    >>> x = np.array([[1.0], [2.0], [3.0], [4.0]])
    >>> separation(np.array([False, False, True, True]), x)
    'complete'
    >>> separation(np.array([False, True, False, True]), x)
    ''
    """
    scales = np.abs(design).max(axis=0)
    columns = np.column_stack([np.ones(len(design)), design / np.where(scales > 0, scales, 1.0)])
    signed = np.where(is_one, 1.0, -1.0)[:, None] * columns
    if overlap(signed):
        return ""
    total = _maximize(signed.sum(axis=0), signed, margin=False)
    if total <= RANK_TOLERANCE * len(signed):
        return ""
    margin = _maximize(np.zeros(columns.shape[1]), signed, margin=True)
    return "complete" if margin > RANK_TOLERANCE else "quasi-complete"


def overlap(signed: NDArray[np.float64]) -> bool:
    """Tell, where it shows quickly, that no linear combination parts two classes.

    Positive weights of the rows whose weighted sum is zero rule every such combination out: the
    weighted sum of what it gives is zero too, so it cannot be positive anywhere (Gordan 1873). The
    derivative of a logistic log-likelihood is such a sum. A few steps of Newton's method bring it
    near zero, and a projection to zero, which may leave the weights positive.

    Parameters
    ----------
    signed : ndarray of shape (n_rows, n_columns)
        The predictors with a constant, times 1 in one class and -1 in the other.

    Returns
    -------
    bool
        True if nothing parts the classes. False says nothing.

    Examples
    --------
    >>> x = np.column_stack([np.ones(4), np.arange(4.0)])
    >>> bool(overlap(np.array([[-1.0], [1.0], [-1.0], [1.0]]) * x))
    True
    >>> bool(overlap(np.array([[-1.0], [-1.0], [1.0], [1.0]]) * x))
    False
    """
    basis, sizes, _ = np.linalg.svd(signed, full_matrices=False)
    basis = basis[:, sizes > np.finfo(float).eps * max(signed.shape) * sizes[0]]
    position = np.zeros(basis.shape[1])
    for _ in range(NEWTON_STEPS):
        weights = 1 / (1 + np.exp(np.clip(basis @ position, -EXTREME, EXTREME)))
        gradient = basis.T @ weights
        projected = weights - basis @ gradient
        if projected.min() > OVERLAP_TOLERANCE * weights.max():
            return True
        curvature = (basis * (weights * (1 - weights))[:, None]).T @ basis
        position = position + np.linalg.solve(curvature, gradient)
    return False


def _maximize(gain: NDArray[np.float64], signed: NDArray[np.float64], margin: bool) -> float:
    """Maximize a gain, or the smallest element of ``signed @ b``, where no element is negative."""
    n_rows, n_columns = signed.shape
    found = optimize.linprog(
        -np.append(gain, float(margin)),
        A_ub=np.column_stack([-signed, np.full(n_rows, float(margin))]),
        b_ub=np.zeros(n_rows),
        bounds=[(-1, 1)] * n_columns + [(0, 1)],
        method="highs",
    )
    return -float(found.fun) if found.status == 0 else 0.0


def dependence_findings(store: ColumnStore, design: Design) -> list[Event]:
    """Look for columns that are linear functions of each other.

    Parameters
    ----------
    store : ColumnStore
        The data.
    design : Design
        The design of the whole data set.

    Returns
    -------
    list of Event
        ``collinear``, one for each pair of columns that are the same but for their scale, and one
        for the columns of other exact relations in the rows that have all columns.
    """
    columns = {
        name: store.columns[name] for name in design.encodings if not store.columns[name].has_limits
    }
    blocks = [design.encodings[name].encode(_zero_filled(columns[name].values)) for name in columns]
    if not blocks:
        return []
    matrix = np.concatenate(blocks, axis=1) / np.concatenate(
        [design.encodings[name].units for name in columns]
    )
    owners = np.concatenate([[name] * len(design.encodings[name].names) for name in columns])
    seen = np.column_stack([columns[name].observed for name in owners])
    pairs = _equal_pairs(matrix, seen, owners)
    events = [
        _collinear([first, second], f"{first!r} and {second!r} are the same but for their scale")
        for first, second in pairs
    ]
    redundant = {second for _, second in pairs}
    kept = np.array([owner not in redundant for owner in owners])
    related = _related(matrix[:, kept], seen[:, kept], owners[kept])
    if related:
        shown = ", ".join(map(repr, related))
        events.append(_collinear(related, f"{shown} are linear functions of each other"))
    return events


def _collinear(columns: Sequence[str], what: str) -> Event:
    return Event(
        Severity.INFO,
        "collinear",
        f"{what} where all were observed. As predictors of another column they share its "
        "coefficients as their priors decide; each of them is nearly determined by the others.",
        columns[0],
    )


def _zero_filled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isnan(values), 0.0, values)


def _equal_pairs(
    matrix: NDArray[np.float64], seen: NDArray[np.bool_], owners: NDArray[np.str_]
) -> list[tuple[str, str]]:
    """Find columns with a correlation of one over the rows that have both."""
    mask = seen.astype(float)
    values = np.where(seen, matrix, 0.0)
    n = mask.T @ mask
    with np.errstate(invalid="ignore", divide="ignore"):
        sums = values.T @ mask
        cross = values.T @ values - sums * sums.T / n
        squares = (values**2).T @ mask
        spread = squares - sums**2 / n
        correlation = cross / np.sqrt(spread * spread.T)
    found = (np.abs(correlation) > 1 - RANK_TOLERANCE) & (n > 2)
    pairs = (
        (str(owners[i]), str(owners[j]))
        for i, j in zip(*np.nonzero(np.triu(found, 1)), strict=True)
    )
    return list(dict.fromkeys(pair for pair in pairs if pair[0] != pair[1]))


def _related(
    matrix: NDArray[np.float64], seen: NDArray[np.bool_], owners: NDArray[np.str_]
) -> list[str]:
    """Find the columns in exact linear relations over the rows that have all columns."""
    rows = seen.all(axis=1)
    if rows.sum() <= matrix.shape[1] + 1:
        return []
    complete = matrix[rows] - matrix[rows].mean(axis=0)
    _, sizes, directions = np.linalg.svd(complete, full_matrices=False)
    null = directions[sizes <= RANK_TOLERANCE * sizes[0]]
    if not len(null):
        return []
    involved = np.abs(null).max(axis=0) > np.sqrt(RANK_TOLERANCE)
    return list(dict.fromkeys(str(owner) for owner in owners[involved]))

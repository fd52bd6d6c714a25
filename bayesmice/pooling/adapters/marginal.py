"""Predictions, comparisons and slopes of the package marginaleffects."""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from bayesmice.errors import PoolingError
from bayesmice.pooling.complete import CompleteDataResult

STATISTICS = frozenset(
    {
        "estimate",
        "std_error",
        "statistic",
        "p_value",
        "s_value",
        "conf_low",
        "conf_high",
        "pred_low",
        "pred_high",
        "predicted",
        "predicted_lo",
        "predicted_hi",
        "rowid",
        "rowidcf",
    }
)
"""Columns of its tables that hold numbers rather than say which quantity a row is."""


def read_marginal_effects(result: Any) -> CompleteDataResult | None:
    """Read a result of ``marginaleffects``: one parameter per row of its table.

    A row is named by the columns that tell rows apart (term, contrast, group, values of ``by``), or
    by its position where none does. Variances alone are read. Degrees of freedom are infinite.
    """
    if not (type(result).__module__.startswith("marginaleffects.") and hasattr(result, "jacobian")):
        return None
    table = result.data
    marks = [
        name
        for name in table.columns
        if name not in STATISTICS and (table[name].n_unique() > 1 or name == "term")
    ]
    rows = list(zip(*(table[name].to_list() for name in marks), strict=True))
    if len(set(rows)) < len(table):
        rows = [(position,) for position in range(len(table))]
    return CompleteDataResult(
        names=tuple(row[0] if len(row) == 1 else row for row in rows),
        estimates=table["estimate"].to_numpy().astype(np.float64),
        covariance=table["std_error"].to_numpy().astype(np.float64) ** 2,
    )


def compute_effects(
    fits: Sequence[Any], function: str, options: Mapping[str, Any]
) -> Iterator[Any]:
    """Call a function of marginaleffects for every fit.

    Parameters
    ----------
    fits : sequence of fitted models
        One per imputation.
    function : str
        Its name in that package.
    options : mapping
        Its further arguments.

    Yields
    ------
    object
        Its results.

    Raises
    ------
    PoolingError
        If the package is not installed, or has no such function.
    """
    try:
        package = import_module("marginaleffects")
    except ModuleNotFoundError as error:
        raise PoolingError(
            "marginal_effects needs the package marginaleffects, which is not installed. Install "
            "it with bayesmice[marginaleffects]."
        ) from error
    known = [
        prefix + name
        for name in ("predictions", "comparisons", "slopes")
        for prefix in ("", "avg_")
    ]
    if function not in known:
        raise PoolingError(
            f"marginal_effects does not know the function {function!r}. Choose one of "
            f"{', '.join(known)}."
        )
    for fit in fits:
        yield getattr(package, function)(fit, **options)

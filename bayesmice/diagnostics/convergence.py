"""Convergence of a run: R-hat and effective sample sizes over sweeps."""

import itertools
from collections.abc import Iterator

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayesmice.errors import NotRunError
from bayesmice.store import origin_of

COLUMNS = ["variable", "quantity", "r_hat", "ess_bulk", "ess_tail"]
TAIL = (0.05, 0.95)
"""Quantiles whose estimation the tail effective sample size is about."""
MIN_DRAWS = 4
"""Fewer sweeps cannot be split into halves of two."""


def convergence_table(tree: xr.DataTree) -> pd.DataFrame:
    """Tabulate convergence of the imputed cells and of all parameters over sweeps.

    Rank-normalized split R-hat and effective sample sizes [1]_ of the mean and standard deviation
    of each column's imputed cells and of each parameter of its conditional model. Chains are the
    imputations' own chains, and draws are all sweeps, the first ones included: chains that had not
    yet forgotten their initial fill show as a large R-hat.

    Parameters
    ----------
    tree : xarray.DataTree
        The tree of a run.

    Returns
    -------
    DataFrame
        Columns ``variable, quantity, r_hat, ess_bulk, ess_tail``, the largest R-hat first. R-hat is
        NaN for a single chain, and everything is NaN for fewer than four sweeps.

    Raises
    ------
    NotRunError
        If no run made the imputations, and nothing is known of sweeps.

    References
    ----------
    .. [1] Vehtari, Gelman, Simpson, Carpenter and Buerkner (2021), Bayesian Analysis 16, 667-718.
    """
    rows = [
        row
        for name, values in tree["sweep_stats"].data_vars.items()
        for statistic in values["statistic"].to_numpy()
        for row in _diagnose(name, f"{statistic} of imputed cells", values.sel(statistic=statistic))
    ]
    conditionals = tree["conditionals"].children if "conditionals" in tree.children else {}
    rows += [
        row
        for name, group in conditionals.items()
        for parameter, draws in group["posterior"].data_vars.items()
        for row in _diagnose(name, str(parameter), draws)
    ]
    origin = origin_of(tree)
    if not rows and origin is not None:
        raise NotRunError(
            f"There are no sweeps to diagnose: these imputations come from {origin}, and do not "
            "say how their chains moved. Diagnose the run that made them."
        )
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.sort_values("r_hat", ascending=False, ignore_index=True, kind="stable")


def _diagnose(variable: object, quantity: str, draws: xr.DataArray) -> Iterator[list[object]]:
    ordered = draws.transpose("chain", "draw", ...)
    dims = ordered.dims[2:]
    labels = itertools.product(*(ordered[dim].to_numpy() for dim in dims))
    elements = ordered.to_numpy().reshape(*ordered.shape[:2], -1)
    for position, label in enumerate(labels):
        name = f"{quantity}[{', '.join(map(str, label))}]" if dims else quantity
        yield [variable, name, *_measures(elements[:, :, position])]


def r_hat(chains: NDArray[np.float64]) -> float:
    """Compute rank-normalized split R-hat.

    Parameters
    ----------
    chains : ndarray of shape (n_chains, n_draws)
        At least two chains.

    Returns
    -------
    float
        NaN where it is not defined: for a single chain, fewer than four draws, values that are not
        finite or all the same. Infinite for chains that each stand still.
    """
    # ArviZ takes longer to import than a small run takes, so only those who ask for it wait for it.
    from arviz_stats.base import array_stats

    if not _is_defined(chains) or chains.shape[0] < 2:
        return np.nan
    # Chains that each stand still have no variance within; their R-hat is infinite.
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(array_stats.rhat(chains))


def _measures(chains: NDArray[np.float64]) -> list[float]:
    from arviz_stats.base import array_stats

    if not _is_defined(chains):
        return [np.nan, np.nan, np.nan]
    with np.errstate(divide="ignore", invalid="ignore"):
        bulk = float(array_stats.ess(chains, method="bulk"))
        tail = float(array_stats.ess(chains, method="tail", prob=TAIL))
    return [r_hat(chains), bulk, tail]


def _is_defined(chains: NDArray[np.float64]) -> bool:
    return bool(chains.shape[1] >= MIN_DRAWS and np.isfinite(chains).all() and np.ptp(chains) > 0)

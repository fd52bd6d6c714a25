"""Chained equations of linear regressions, each drawn exactly in every sweep.

Under a prior that is flat on the coefficients and on log sigma, the residual sum of squares over
sigma squared is chi-squared, and the coefficients given sigma are normal (Gelman et al. 2013,
Bayesian Data Analysis, section 14.2). Nothing of a sweep's parameters is carried into the next.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]


class ExactSweeps(NamedTuple):
    """What independent chains hold after their last sweep.

    Attributes
    ----------
    completed : ndarray of shape (n_chains, n_rows, n_columns)
        Data.
    sigma : dict of str to ndarray of shape (n_chains,)
        Residual standard deviations by column.
    """

    completed: Array
    sigma: dict[str, Array]


def exact_sweeps(data: pd.DataFrame, chains: int, sweeps: int) -> ExactSweeps:
    """Impute all incomplete columns, fewest missing cells first, with a fresh seed."""
    rng = np.random.default_rng()
    values, missing = data.to_numpy(float), data.isna().to_numpy()
    order = [j for j in np.argsort(missing.sum(axis=0), kind="stable") if missing[:, j].any()]
    completed = np.repeat(values[None], chains, axis=0)
    for j in order:
        seen, count = values[~missing[:, j], j], missing[:, j].sum()
        completed[:, missing[:, j], j] = rng.choice(seen, (chains, count))
    sigma = {}
    for _ in range(sweeps):
        for j in order:
            sigma[str(data.columns[j])] = _visit(completed, missing[:, j], j, rng)
    return ExactSweeps(completed, sigma)


def _visit(completed: Array, is_missing: Array, j: int, rng: np.random.Generator) -> Array:
    """Draw the parameters and the cells of a column in all chains; give sigma."""
    design = np.concatenate([np.ones_like(completed[..., :1]), np.delete(completed, j, 2)], 2)
    known, y = design[:, ~is_missing], completed[:, ~is_missing, j]
    inverse = np.linalg.inv(np.einsum("cni,cnk->cik", known, known))
    estimate = np.einsum("cik,cnk,cn->ci", inverse, known, y)
    residual = ((y - np.einsum("cni,ci->cn", known, estimate)) ** 2).sum(axis=1)
    df = known.shape[1] - known.shape[2]
    sigma = np.sqrt(residual / rng.chisquare(df, len(y)))
    noise = rng.normal(size=estimate.shape)
    root = np.linalg.cholesky(inverse)
    coefficients = estimate + sigma[:, None] * np.einsum("cik,ck->ci", root, noise)
    means = np.einsum("cni,ci->cn", design[:, is_missing], coefficients)
    completed[:, is_missing, j] = means + sigma[:, None] * rng.normal(size=means.shape)
    return sigma

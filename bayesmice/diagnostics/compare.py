"""Comparison of analysis models over imputations, by leave-one-out cross-validation."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from bayesmice.diagnostics.loo import PooledLoo, by_imputation, loo, pooled_std_error
from bayesmice.errors import SpecificationError
from bayesmice.pooling.rubin import FloatArray


def compare(trees: Mapping[str, xr.DataTree], *, var_name: str | None = None) -> pd.DataFrame:
    r"""Rank analysis models of the same completed data by PSIS-LOO.

    Parameters
    ----------
    trees : mapping of str to xarray.DataTree
        At least two, by name, each as `loo` takes it, of the same imputations.
    var_name : str, optional
        Observed variable; needed where there are several.

    Returns
    -------
    DataFrame
        One row per model, the best first: ``rank`` (from 0), ``elpd_loo``, ``std_error``,
        ``p_loo``, ``elpd_diff`` (what the model lacks to the best one), ``diff_std_error`` and
        ``bad_k``, the number of unreliable observations over all imputations.

    Raises
    ------
    SpecificationError
        If there are fewer than two, or their imputations or observations are not the same.

    Warns
    -----
    UserWarning
        If some Pareto k is too large.

    Notes
    -----
    The standard error of a difference is that of the paired differences, pooled by Rubin's rules:
    the mean over imputations of n times their variance over observations, plus
    :math:`(1 + 1/m) B` of the differences' sums.

    References
    ----------
    Vehtari, Gelman and Gabry (2017), Statistics and Computing 27, 1413-1432, section 5.2.
    """
    if len(trees) < 2:
        raise SpecificationError(
            f"compare needs at least two models; got {len(trees)}. Pass a mapping such as "
            '{"linear": tree, "quadratic": other_tree}.'
        )
    pooled = {name: loo(tree, var_name=var_name) for name, tree in trees.items()}
    _check_same_observations(pooled)
    names = sorted(pooled, key=lambda name: pooled[name].elpd, reverse=True)
    best = pooled[names[0]].pointwise["elpd"]
    rows = [
        _row(rank, pooled[name], by_imputation(best - pooled[name].pointwise["elpd"]))
        for rank, name in enumerate(names)
    ]
    return pd.DataFrame(rows, index=pd.Index(names, name="model"))


def _row(rank: int, pooled: PooledLoo, lacks: FloatArray) -> dict[str, float]:
    return {
        "rank": rank,
        "elpd_loo": pooled.elpd,
        "std_error": pooled.std_error,
        "p_loo": pooled.p_loo,
        "elpd_diff": float(lacks.sum(axis=1).mean()),
        "diff_std_error": pooled_std_error(lacks),
        "bad_k": int(pooled.pareto_k["bad_k"].sum()),
    }


def _check_same_observations(pooled: Mapping[str, PooledLoo]) -> None:
    first, *others = pooled
    expected = pooled[first].pointwise["elpd"]
    for name in others:
        found = pooled[name].pointwise["elpd"]
        if found.sizes != expected.sizes or any(
            not np.array_equal(found[dim].to_numpy(), expected[dim].to_numpy())
            for dim in expected.dims
        ):
            raise SpecificationError(
                f"Models must be of the same imputations and observations to be compared: "
                f"{first!r} has {dict(expected.sizes)} and {name!r} has {dict(found.sizes)}, or "
                "their labels differ. Sample both from the same imputations and rows."
            )

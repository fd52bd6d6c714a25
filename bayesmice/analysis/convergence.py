"""Convergence of the posteriors, imputation by imputation."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayesmice.errors import SpecificationError, warn_caller
from bayesmice.pooling.elements import posterior_elements

"""A warning is about the first caller outside."""
COLUMNS = ["imputation", "parameter", "r_hat", "ess_bulk", "ess_tail", "divergences"]
TAIL = (0.05, 0.95)
"""Quantiles whose estimation the tail effective sample size is about."""
MIN_DRAWS = 4
"""Fewer draws cannot be split into halves of two."""
MAX_R_HAT = 1.01
"""Above it chains have not mixed, as Vehtari et al. (2021) recommend."""
MIN_ESS_PER_CHAIN = 100
"""Below it R-hat and quantiles are not reliable, as Vehtari et al. (2021) recommend."""


def posterior_convergence(tree: xr.DataTree, *, group: str = "posterior") -> pd.DataFrame:
    """Tabulate convergence of every parameter within every imputation.

    Rank-normalized split R-hat and effective sample sizes [1]_ compare the chains of one imputation
    with each other. R-hat over the chains of all imputations is something else, and has a
    column of its own: posteriors of different completed data sets differ by as much as the missing
    values leave uncertain, so a large ``heterogeneity`` says that much information is missing, and
    nothing of convergence.

    Parameters
    ----------
    tree : xarray.DataTree
        From `sample_posteriors`.
    group : str, default "posterior"
        Group with the draws, of dimensions imputation, chain and draw.

    Returns
    -------
    DataFrame
        One row per imputation and parameter, the largest R-hat first: ``imputation, parameter,
        r_hat, ess_bulk, ess_tail, divergences, heterogeneity``. Divergences are those of the
        imputation. R-hat is NaN for a single chain, heterogeneity for a single imputation, and all
        are NaN for fewer than four draws or a constant.

    Raises
    ------
    SpecificationError
        If the tree has no such group.

    References
    ----------
    .. [1] Vehtari, Gelman, Simpson, Carpenter and Buerkner (2021), Bayesian Analysis 16, 667-718.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> draws = rng.normal(size=(2, 4, 200)) + np.array([0.0, 5.0])[:, None, None]
    >>> posterior = xr.Dataset({"b": (("imputation", "chain", "draw"), draws)})
    >>> table = posterior_convergence(xr.DataTree.from_dict({"posterior": posterior}))
    >>> bool((table["r_hat"] < 1.05).all()), bool((table["heterogeneity"] > 1.5).all())
    (True, True)
    """
    if group not in tree.children:
        raise SpecificationError(
            f"The tree has no group {group!r}; it has {', '.join(tree.children) or 'none'}. Pass "
            "what imputations.sample returned."
        )
    draws = tree[group].to_dataset()
    divergences = _divergences(tree, draws.sizes["imputation"])
    table = pd.concat(
        convergence_within(draws.isel(imputation=[imputation]), imputation, divergences[imputation])
        for imputation in range(draws.sizes["imputation"])
    )
    table = _worst_first(table)
    spread = {
        name: _r_hat(values.reshape(-1, values.shape[2]), several=len(values) > 1)
        for name, values in _elements(draws)
    }
    return table.assign(heterogeneity=table["parameter"].map(spread).astype(float))


def convergence_within(draws: xr.Dataset, imputation: int, divergences: int) -> pd.DataFrame:
    """Tabulate convergence of every parameter of one imputation.

    Parameters
    ----------
    draws : xarray.Dataset
        Of dimensions imputation, of length 1, chain and draw.
    imputation : int
        Which one.
    divergences : int
        How many transitions diverged in it.

    Returns
    -------
    DataFrame
        As `posterior_convergence` returns it, without heterogeneity and in the order of the model.
    """
    rows = [
        [imputation, name, *_measures(values[0]), divergences] for name, values in _elements(draws)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def warn_unconverged(within: Sequence[pd.DataFrame], chains: int) -> None:
    """Warn where some imputation's posterior has not been sampled well, naming the worst.

    Parameters
    ----------
    within : sequence of DataFrame
        By imputation, from `convergence_within`.
    chains : int
        Chains per imputation.
    """
    table, m = _worst_first(pd.concat(within)), len(within)
    complaints = []
    unmixed = table[table["r_hat"] > MAX_R_HAT]
    if len(unmixed):
        worst = unmixed.iloc[0]
        complaints.append(
            f"R-hat is above {MAX_R_HAT} in {unmixed['imputation'].nunique()} of {m} imputations, "
            f"the worst {worst['r_hat']:.3f} for {worst['parameter']!r} in imputation "
            f"{worst['imputation']}"
        )
    least = table[["ess_bulk", "ess_tail"]].min(axis=1)
    if (least < MIN_ESS_PER_CHAIN * chains).any():
        worst = table.iloc[int(least.to_numpy().argmin())]
        few = table["imputation"][least < MIN_ESS_PER_CHAIN * chains].nunique()
        complaints.append(
            f"the effective sample size is below {MIN_ESS_PER_CHAIN} per chain in {few} of {m} "
            f"imputations, the least {least.min():.0f} for {worst['parameter']!r} in imputation "
            f"{worst['imputation']}"
        )
    divergences = table.groupby("imputation")["divergences"].first()
    if (divergences > 0).any():
        complaints.append(
            f"{divergences.sum()} transitions diverged in {(divergences > 0).sum()} of {m} "
            f"imputations, most of them ({divergences.max()}) in imputation {divergences.idxmax()}"
        )
    if complaints:
        text = "; ".join(complaints)
        warn_caller(
            f"The posteriors were not all sampled well: {text}. Take more draws and tune, "
            "reparameterize the model, or raise target_accept; posterior_convergence(tree) has "
            "every parameter.",
        )


def _worst_first(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values(
        ["r_hat", "ess_bulk"], ascending=[False, True], ignore_index=True, kind="stable"
    )


def _elements(draws: xr.Dataset) -> Iterator[tuple[str, NDArray[np.float64]]]:
    tree = xr.DataTree.from_dict({"posterior": draws})
    return posterior_elements(tree, "posterior", [str(name) for name in draws.data_vars])


def _measures(chains: NDArray[np.float64]) -> list[float]:
    # ArviZ takes longer to import than a small run takes, so only those who ask for it wait for it.
    from arviz_stats.base import array_stats

    if _has_no_spread(chains):
        return [np.nan, np.nan, np.nan]
    bulk = float(array_stats.ess(chains, method="bulk"))
    tail = float(array_stats.ess(chains, method="tail", prob=TAIL))
    return [_r_hat(chains, several=len(chains) > 1), bulk, tail]


def _r_hat(chains: NDArray[np.float64], *, several: bool) -> float:
    from arviz_stats.base import array_stats

    if not several or _has_no_spread(chains):
        return np.nan
    # Chains that each stand still have no variance within; their R-hat is infinite.
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(array_stats.rhat(chains))


def _has_no_spread(chains: NDArray[np.float64]) -> bool:
    return bool(chains.shape[1] < MIN_DRAWS or not np.isfinite(chains).all() or np.ptp(chains) == 0)


def _divergences(tree: xr.DataTree, m: int) -> list[int]:
    if "sample_stats" not in tree.children or "diverging" not in tree["sample_stats"].data_vars:
        return [0] * m
    diverging = tree["sample_stats"]["diverging"].sum(["chain", "draw"])
    return [int(count) for count in diverging.to_numpy()]

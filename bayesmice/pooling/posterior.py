"""From the posteriors of m completed data sets to one: mixed, or pooled by Rubin's rules."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayesmice.errors import PoolingError, warn_caller
from bayesmice.pooling.elements import posterior_elements
from bayesmice.pooling.rubin import FloatArray, pool_rubin
from bayesmice.pooling.student import two_sided_quantile

ENOUGH_TO_MIX = 100
"""Imputations from which on `mix` does not warn."""
NOTICEABLE = 0.25
"""Standard errors by which interval ends may differ without notice."""
ERRORS_APART = 2.0
"""Monte Carlo errors by which they must differ to be noticed."""
DRAWS_FOR_ERRORS = 1000
"""Draws per imputation that Monte Carlo errors are computed from."""


def mix(tree: xr.DataTree, *, group: str = "posterior") -> xr.DataTree:
    r"""Mix the posteriors of all imputations into one.

    The posterior given the observed values alone is the average of the posteriors given the
    completed data, over the distribution of the missing values:
    :math:`p(\theta \mid y_{obs}) = \int p(\theta \mid y_{obs}, y_{mis}) \, p(y_{mis} \mid
    y_{obs}) \, d y_{mis}`. The draws of all imputations together are draws from an estimate of it,
    without the assumption of normality that Rubin's rules need [1]_.

    Parameters
    ----------
    tree : xarray.DataTree
        From `sample_posteriors`.
    group : str, default "posterior"
        Group with the draws.

    Returns
    -------
    xarray.DataTree
        The group, and ``sample_stats`` where there is one, with all chains of all imputations along
        ``chain``; its coordinate ``imputation`` tells where each came from. ArviZ summarizes and
        plots it. Its R-hat compares imputations too: see `posterior_convergence` instead.

    Raises
    ------
    PoolingError
        If there is no such group, or it has no imputation, chain and draw.

    Warns
    -----
    UserWarning
        With fewer than 100 imputations: the average over few imputations is a poor estimate, and
        its tails are too short. Zhou and Reiter [1]_ found that mixing needs a large number of
        imputations, and that 5 to 10 are not enough.

    Notes
    -----
    The variance of the mixture is :math:`\bar U + (1 - 1/m) B`, that of Rubin's rules
    :math:`\bar U + (1 + 1/m) B`: with few imputations the mixture is too sure.

    References
    ----------
    .. [1] Zhou and Reiter (2010), The American Statistician 64, 159-163.

    Examples
    --------
    >>> draws = np.random.default_rng(0).normal(size=(100, 2, 50))
    >>> posterior = xr.Dataset({"b": (("imputation", "chain", "draw"), draws)})
    >>> mixed = mix(xr.DataTree.from_dict({"posterior": posterior}))
    >>> mixed["posterior"].sizes["chain"], mixed["posterior"].sizes["draw"]
    (200, 50)
    """
    _ = list(posterior_elements(tree, group, []))
    m = tree[group].sizes["imputation"]
    if m < ENOUGH_TO_MIX:
        warn_caller(
            f"{m} imputations are few for mixing: the tails of the mixture come out too short. "
            f"Run mice(m={ENOUGH_TO_MIX}) or more, or pool by Rubin's rules; "
            "compare_pooling(tree) shows whether the two differ here.",
        )
    kept = [name for name in (group, "sample_stats") if name in tree.children]
    return xr.DataTree.from_dict(
        {f"/{name}": _stack_chains(tree[name].to_dataset()) for name in kept}
        | {"/": xr.Dataset(attrs=tree.attrs)}
    )


def pool_posterior(
    tree: xr.DataTree, *, group: str = "posterior", var_names: str | Sequence[str] | None = None
) -> list[tuple["pd.Series[float]", pd.DataFrame]]:
    """Summarize every imputation's posterior as Rubin's rules need it.

    Parameters
    ----------
    tree : xarray.DataTree
        From `sample_posteriors`.
    group : str, default "posterior"
        Group with the draws.
    var_names : str or sequence of str, optional
        Variables; by default all of floating point.

    Returns
    -------
    list of (Series, DataFrame)
        For each imputation the posterior means and covariance matrix, labelled as ArviZ labels
        parameters (``b``, ``b[x]``). `pool` takes the list.

    Raises
    ------
    PoolingError
        If there is no such group or variable, there are fewer than two draws, or a draw is not
        finite.

    Notes
    -----
    Posterior means and standard deviations stand for estimates and standard errors: for posteriors
    close to normal. Sample a scale parameter on the log scale, or use `mix` for it.

    References
    ----------
    Gelman et al. (2014), Bayesian Data Analysis, 3rd edition, section 18.2.

    Examples
    --------
    >>> draws = np.array([[[1.0, 3.0]], [[2.0, 6.0]]])
    >>> posterior = xr.Dataset({"b": (("imputation", "chain", "draw"), draws)})
    >>> pairs = pool_posterior(xr.DataTree.from_dict({"posterior": posterior}))
    >>> [(float(mean["b"]), float(covariance.loc["b", "b"])) for mean, covariance in pairs]
    [(2.0, 2.0), (4.0, 8.0)]
    """
    names, flat = _flat(tree, group, var_names)
    return [
        (
            pd.Series(draws.mean(axis=1), index=names),
            pd.DataFrame(np.atleast_2d(np.cov(draws)), index=names, columns=names),
        )
        for draws in flat.transpose(1, 0, 2)
    ]


def compare_pooling(
    tree: xr.DataTree,
    *,
    group: str = "posterior",
    var_names: str | Sequence[str] | None = None,
    conf_level: float = 0.95,
) -> pd.DataFrame:
    r"""Set Rubin's rules and the mixture of posteriors side by side.

    Parameters
    ----------
    tree : xarray.DataTree
        From `sample_posteriors`.
    group : str, default "posterior"
        Group with the draws.
    var_names : str or sequence of str, optional
        Variables; by default all of floating point.
    conf_level : float, default 0.95
        Level of both intervals.

    Returns
    -------
    DataFrame
        One row per parameter: by Rubin's rules ``estimate, std_error, df, ci_low, ci_high``; of the
        mixture ``mixture_mean, mixture_sd, mixture_low, mixture_high``, with equal tails; and

        - ``difference``: by how much the interval ends differ, the larger of the two, in units of
          ``std_error``;
        - ``difference_mc_error``: its Monte Carlo error, from the finite numbers of imputations and
          of draws, by the jackknife over imputations; NaN for fewer than three;
        - ``disagree``: whether the difference is more than 0.25 and more than two Monte Carlo
          errors.

    Raises
    ------
    PoolingError
        If there are fewer than two imputations, no such group or variable, or a draw is not finite.

    Notes
    -----
    Where they disagree, either the posterior is not close to normal, and Rubin's rules do not
    suit it, or there are too few imputations for the mixture.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> draws = rng.normal(size=(50, 4, 500)) + rng.normal(size=(50, 1, 1))
    >>> posterior = xr.Dataset({"b": (("imputation", "chain", "draw"), draws)})
    >>> tree = xr.DataTree.from_dict({"posterior": posterior})
    >>> bool(compare_pooling(tree).loc["b", "disagree"])
    False
    """
    names, flat = _flat(tree, group, var_names)
    m = flat.shape[1]
    rubin = pool_rubin(flat.mean(axis=2).T, flat.var(axis=2, ddof=1).T)
    std_error = np.sqrt(rubin.t)
    low, high = _rubin_interval(flat, conf_level)
    mixture_low, mixture_high = _mixture_interval(flat, conf_level)
    some = flat[:, :, :: max(1, flat.shape[2] // DRAWS_FOR_ERRORS)]
    differences = _differences(flat, conf_level)
    without = [
        _differences(np.delete(some, imputation, axis=1), conf_level)
        for imputation in range(m if m > 2 else 0)
    ]
    errors = _jackknife(np.array(without)) if without else np.full_like(differences, np.nan)
    larger = np.argmax(np.abs(differences), axis=0), np.arange(len(names))
    difference = np.abs(differences)[larger]
    table = {
        "estimate": rubin.q_bar,
        "std_error": std_error,
        "df": rubin.df,
        "ci_low": low,
        "ci_high": high,
        "mixture_mean": flat.mean(axis=(1, 2)),
        "mixture_sd": flat.reshape(len(names), -1).std(axis=1, ddof=1),
        "mixture_low": mixture_low,
        "mixture_high": mixture_high,
        "difference": difference,
        "difference_mc_error": errors[larger],
        "disagree": (difference > NOTICEABLE) & (difference > ERRORS_APART * errors[larger]),
    }
    return pd.DataFrame(table, index=pd.Index(names, name="term"))


def _stack_chains(dataset: xr.Dataset) -> xr.Dataset:
    m, chains = dataset.sizes["imputation"], dataset.sizes["chain"]
    bare = dataset.drop_vars(["imputation", "chain"], errors="ignore")
    together = bare.stack(every=("imputation", "chain"), create_index=False)  # noqa: PD013
    labels = {"chain": np.arange(m * chains), "imputation": ("chain", np.repeat(range(m), chains))}
    named = together.rename(every="chain").assign_coords(labels)
    return named.transpose("chain", "draw", ...)


def _flat(
    tree: xr.DataTree, group: str, var_names: str | Sequence[str] | None
) -> tuple[list[str], FloatArray]:
    """Give names, and draws of shape (k, m, chains x draws)."""
    found = dict(posterior_elements(tree, group, var_names))
    if not found:
        raise PoolingError(
            f"The group {group!r} has no variable of floating point to pool. Name others with "
            "var_names."
        )
    for name, draws in found.items():
        if draws[0].size < 2:
            raise PoolingError(
                f"There is {draws[0].size} draw of {name!r} per imputation; expected at least 2."
            )
        wrong = ~np.isfinite(draws).all(axis=(1, 2))
        if wrong.any():
            raise PoolingError(
                f"Imputation {int(np.argmax(wrong))} has a draw of {name!r} that is not finite. "
                "Leave the variable out with var_names, or look at its model."
            )
    return list(found), np.stack([draws.reshape(len(draws), -1) for draws in found.values()])


def _rubin_interval(flat: FloatArray, conf_level: float) -> tuple[FloatArray, FloatArray]:
    rubin = pool_rubin(flat.mean(axis=2).T, flat.var(axis=2, ddof=1).T)
    margin = two_sided_quantile(conf_level, rubin.df) * np.sqrt(rubin.t)
    return rubin.q_bar - margin, rubin.q_bar + margin


def _mixture_interval(flat: FloatArray, conf_level: float) -> tuple[FloatArray, FloatArray]:
    tail = (1 - conf_level) / 2
    low, high = np.quantile(flat.reshape(len(flat), -1), [tail, 1 - tail], axis=1)
    return low, high


def _differences(flat: FloatArray, conf_level: float) -> FloatArray:
    """Mixture's interval ends minus Rubin's, in his standard errors, of shape (2, k)."""
    rubin = pool_rubin(flat.mean(axis=2).T, flat.var(axis=2, ddof=1).T)
    ends = np.array(_mixture_interval(flat, conf_level)) - np.array(
        _rubin_interval(flat, conf_level)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(ends / np.sqrt(rubin.t))


def _jackknife(without: NDArray[np.float64]) -> FloatArray:
    m = len(without)
    spread = ((without - without.mean(axis=0)) ** 2).sum(axis=0)
    return np.asarray(np.sqrt((m - 1) / m * spread))

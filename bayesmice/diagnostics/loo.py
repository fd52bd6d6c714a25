"""Leave-one-out cross-validation over imputations."""

from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd
import xarray as xr

from bayesmice.analysis.pointwise import pointwise_loo
from bayesmice.errors import SpecificationError, warn_caller
from bayesmice.pooling.rubin import FloatArray


@dataclass(frozen=True, eq=False, repr=False)
class PooledLoo:
    r"""Expected log predictive density of new observations, over imputations.

    Made by `loo`. With :math:`\mathrm{elpd}_{ki}` of imputation k and observation i, the estimate
    is the mean over k of :math:`\sum_i \mathrm{elpd}_{ki}`, and its variance follows Rubin's rules:
    the mean over k of n times the variance over observations, plus :math:`(1 + 1/m) B`.

    Attributes
    ----------
    pointwise : xarray.Dataset
        ``elpd``, ``p_loo`` and ``pareto_k`` over imputation and the observations.
    good_k : float
        Pareto k above which an observation's estimate is not reliable with this many draws.
    """

    pointwise: xr.Dataset
    good_k: float

    @property
    def m(self) -> int:
        """Number of imputations."""
        return int(self.pointwise.sizes["imputation"])

    @property
    def n_observations(self) -> int:
        """Number of observations."""
        return self.pointwise["elpd"].size // self.m

    @property
    def elpd_i(self) -> xr.DataArray:
        """Expected log predictive density of every observation, averaged over imputations."""
        return self.pointwise["elpd"].mean("imputation")

    @property
    def elpd(self) -> float:
        """Expected log predictive density of all observations, in nats."""
        return float(self.elpd_i.sum())

    @property
    def p_loo(self) -> float:
        """Effective number of parameters, averaged over imputations."""
        return float(self.pointwise["p_loo"].mean("imputation").sum())

    @property
    def within(self) -> float:
        """Variance of the sum over observations, averaged over imputations."""
        return _within(by_imputation(self.pointwise["elpd"]))

    @property
    def between(self) -> float:
        """Variance of the sum over imputations, B; NaN for a single one."""
        return _between(by_imputation(self.pointwise["elpd"]))

    @property
    def std_error(self) -> float:
        """Standard error of `elpd`; without a part between imputations where there is but one."""
        return pooled_std_error(by_imputation(self.pointwise["elpd"]))

    @property
    def pareto_k(self) -> pd.DataFrame:
        """By imputation, how many Pareto k are too large, and the largest; the worst first."""
        k = by_imputation(self.pointwise["pareto_k"])
        table = pd.DataFrame(
            {
                "imputation": np.arange(self.m),
                "bad_k": (k > self.good_k).sum(axis=1),
                "max_k": k.max(axis=1),
            }
        )
        return table.sort_values(
            ["bad_k", "max_k"], ascending=False, ignore_index=True, kind="stable"
        )

    def summary(self) -> pd.DataFrame:
        """Tabulate the estimate.

        Returns
        -------
        DataFrame of shape (1, 6)
            ``elpd_loo, std_error, p_loo, within, between, bad_k``; the last is the number of
            Pareto k that are too large, over all imputations.
        """
        row = {
            "elpd_loo": self.elpd,
            "std_error": self.std_error,
            "p_loo": self.p_loo,
            "within": self.within,
            "between": self.between,
            "bad_k": int(self.pareto_k["bad_k"].sum()),
        }
        return pd.DataFrame([row])

    def __repr__(self) -> str:
        return f"{self._caption()}\n{self.summary().to_string(index=False)}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(self._caption())}</p>\n{self.summary().to_html(index=False)}"

    def _caption(self) -> str:
        return (
            f"PooledLoo: {self.m} imputations, {self.n_observations} observations, PSIS-LOO in each"
        )


def loo(tree: xr.DataTree, *, var_name: str | None = None) -> PooledLoo:
    r"""Estimate out-of-sample predictive accuracy over imputations by PSIS-LOO.

    Pareto-smoothed importance sampling [1]_ runs in every imputation apart, as the posteriors
    differ. Pointwise values are averaged over imputations, and the variance of their sum follows
    Rubin's rules.

    Parameters
    ----------
    tree : xarray.DataTree
        From ``imputations.sample(..., log_likelihood=True)`` or ``log_likelihood="loo"``.
    var_name : str, optional
        Observed variable; needed where there are several.

    Returns
    -------
    PooledLoo
        ``elpd``, ``std_error``, ``p_loo``, and everything pointwise.

    Raises
    ------
    SpecificationError
        If the tree has no log-likelihoods, or several and none is chosen.

    Warns
    -----
    UserWarning
        If some Pareto k is too large, naming the worst imputation.

    Notes
    -----
    Predictive accuracy is that for new observations whose covariates are completed as these were.
    An imputed outcome was drawn by an imputation model and not observed: to judge an
    analysis model by it is to judge it by that model.

    References
    ----------
    .. [1] Vehtari, Gelman and Gabry (2017), Statistics and Computing 27, 1413-1432.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> mu, y = rng.normal(size=(3, 4, 250, 1)) / 10, rng.normal(size=100)
    >>> dims = ("imputation", "chain", "draw")
    >>> tree = xr.DataTree.from_dict({
    ...     "posterior": xr.Dataset({"mu": (dims, mu[..., 0])}),
    ...     "log_likelihood": xr.Dataset(
    ...         {"y": ((*dims, "row"), -0.5 * (y - mu) ** 2 - 0.5 * np.log(2 * np.pi))}
    ...     ),
    ... })
    >>> loo(tree).n_observations
    100
    """
    found = _pointwise(tree, var_name)
    pooled = PooledLoo(found[["elpd", "p_loo", "pareto_k"]], float(found["good_k"].min()))
    worst = pooled.pareto_k.iloc[0]
    if worst["bad_k"] > 0:
        affected = int((pooled.pareto_k["bad_k"] > 0).sum())
        warn_caller(
            f"Pareto k is above {pooled.good_k:.2f} in {affected} of {pooled.m} imputations, most "
            f"often in imputation {worst['imputation']:.0f}: {worst['bad_k']:.0f} of "
            f"{pooled.n_observations} observations, the largest k {worst['max_k']:.2f}. The "
            "estimates of these observations are not reliable: consider a model with heavier "
            "tails, or K-fold cross-validation.",
        )
    return pooled


def _pointwise(tree: xr.DataTree, var_name: str | None) -> xr.Dataset:
    """Find pointwise values in the tree, or compute them imputation by imputation."""
    if "loo" in tree.children:
        name = _chosen(list(tree["loo"].children), var_name)
        return tree[f"loo/{name}"].to_dataset()
    if "log_likelihood" not in tree.children:
        raise SpecificationError(
            "The tree has no log-likelihoods. Sample with log_likelihood=True, or with "
            "log_likelihood='loo' to keep less."
        )
    by_row = tree["log_likelihood"].to_dataset()
    name = _chosen([str(own) for own in by_row.data_vars], var_name)
    posterior = tree["posterior"].to_dataset()
    parts = [
        pointwise_loo(
            posterior.isel(imputation=imputation, drop=True),
            by_row[name].isel(imputation=imputation, drop=True),
        )
        for imputation in range(by_row.sizes["imputation"])
    ]
    return xr.concat(parts, dim="imputation", coords="minimal", compat="equals", join="exact")


def _chosen(names: list[str], var_name: str | None) -> str:
    if var_name is None and len(names) == 1:
        return names[0]
    if var_name not in names:
        given = "none was chosen" if var_name is None else f"got {var_name!r}"
        raise SpecificationError(
            f"var_name must be one of the observed variables, {', '.join(names)}; {given}."
        )
    return var_name


def by_imputation(values: xr.DataArray) -> FloatArray:
    """Lay values out with one row per imputation and one column per observation."""
    ordered = values.transpose("imputation", ...).to_numpy()
    return np.asarray(ordered.reshape(len(ordered), -1), dtype=np.float64)


def _within(values: FloatArray) -> float:
    return float((values.shape[1] * values.var(axis=1, ddof=1)).mean())


def _between(values: FloatArray) -> float:
    return float(values.sum(axis=1).var(ddof=1)) if len(values) > 1 else float("nan")


def pooled_std_error(values: FloatArray) -> float:
    """Pool the standard error of sums over observations, of shape (m, n), by Rubin's rules."""
    added = (1 + 1 / len(values)) * _between(values) if len(values) > 1 else 0.0
    return float(np.sqrt(_within(values) + added))

"""How much a conditional model, and an analysis, depend on the priors of that model."""

from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayesmice.diagnostics.conditional import (
    LOG_LIKELIHOOD,
    LOG_PRIOR,
    Conditional,
    check_draws,
)
from bayesmice.pooling import PooledResults

Numbers = NDArray[np.float64]

THRESHOLD = 0.05
"""Sensitivity of a parameter from which on it is told, as in ArviZ."""
NOTABLE = 0.3
"""Standard errors that doubling the power of the prior moves an estimate, from which on it is."""
MC_ERRORS = 2.0
"""An estimate's move is told where it is so many times its Monte Carlo error."""
CONFLICT = "prior and data may disagree"
STRONG = "prior strong, or data weak"
FEWEST_IMPUTATIONS = 20
"""With fewer, a Monte Carlo error is itself hardly known."""
FEWEST_DRAWS = 200
"""With fewer, sensitivities of parameters are rough."""
COLUMNS = [
    "estimate",
    "std_error",
    "prior_halved",
    "prior_doubled",
    "prior_move",
    "prior_mc_error",
    "likelihood_move",
    "likelihood_mc_error",
]


@dataclass(frozen=True, eq=False, repr=False)
class PriorSensitivity:
    """How much a conditional model, and an analysis, depend on the priors of that model.

    Made by `Imputations.prior_sensitivity`.

    Attributes
    ----------
    name : str
        The column, with its group of rows where there are some.
    n_draws, burn_in : int
        Draws of the parameters, and sweeps that were left out before them.
    m : int
        Number of imputations.
    parameters : DataFrame
        By parameter, its sensitivity to power-scaling the ``prior`` and the ``likelihood``, and a
        ``diagnosis`` in words, empty where there is nothing to say.
    estimates : DataFrame or None
        By term of the analysis: the pooled ``estimate`` and its ``std_error``; what the estimate is
        with all priors of the model to the power of one half (``prior_halved``) and of two
        (``prior_doubled``); and per doubling of the power of prior or likelihood, in standard
        errors, its ``prior_move`` and ``likelihood_move``, with their Monte Carlo errors. None
        where no analysis was given.
    """

    name: str
    n_draws: int
    burn_in: int
    m: int
    parameters: pd.DataFrame
    estimates: pd.DataFrame | None

    @property
    def verdict(self) -> str:
        """What was found, in plain words."""
        said = self.parameters[self.parameters["diagnosis"] != ""]
        if said.empty:
            text = f"No parameter of the model of {self.name} is sensitive to its priors."
        else:
            told = ", ".join(f"{name} ({row['diagnosis']})" for name, row in said.iterrows())
            text = f"Parameters of the model of {self.name} are sensitive to its priors: {told}."
        if self.n_draws < FEWEST_DRAWS:
            text += f" With {self.n_draws} draws these sensitivities are rough."
        return text if self.estimates is None else f"{text} {self._about_estimates()}"

    def _about_estimates(self) -> str:
        assert self.estimates is not None
        move, error = self.estimates["prior_move"].abs(), self.estimates["prior_mc_error"]
        moved = self.estimates[
            (self.m >= FEWEST_IMPUTATIONS) & (move > NOTABLE) & (move > MC_ERRORS * error)
        ]
        if len(moved):
            told = ", ".join(f"{term} by {row['prior_move']:.2g}" for term, row in moved.iterrows())
            return (
                "Doubling the power of these priors moves pooled estimates, in standard errors: "
                f"{told}."
            )
        if self.m < FEWEST_IMPUTATIONS:
            return (
                f"{self.m} imputations are too few to tell how pooled estimates move with the "
                "priors; add some with imputations.more(m)."
            )
        worst = float(error.max())
        if not MC_ERRORS * worst <= NOTABLE:
            return (
                "How much pooled estimates move with the priors is known to no better than "
                f"{worst:.2g} standard errors; add imputations with imputations.more(m)."
            )
        return (
            f"Doubling the power of these priors moves no pooled estimate by more than {NOTABLE} "
            "standard errors."
        )

    def _tables(self) -> dict[str, pd.DataFrame]:
        tables = {"Sensitivity of parameters": self.parameters}
        return tables if self.estimates is None else tables | {"Pooled estimates": self.estimates}

    def _caption(self) -> str:
        return (
            f"Prior sensitivity of the model of {self.name}: {self.n_draws} draws after "
            f"{self.burn_in} sweeps of burn-in"
        )

    def __repr__(self) -> str:
        tables = [
            f"{title}\n{table.to_string(float_format='{:.3g}'.format)}"
            for title, table in self._tables().items()
        ]
        return "\n\n".join([self._caption(), self.verdict, *tables])

    def _repr_html_(self) -> str:
        lines = [f"<p>{escape(line)}</p>" for line in (self._caption(), self.verdict)]
        tables = [
            f"<p>{escape(title)}</p>\n{table.to_html(float_format='{:.3g}'.format)}"
            for title, table in self._tables().items()
        ]
        return "\n".join([*lines, *tables])


def prior_sensitivity_of(
    conditional: Conditional, pooled: PooledResults | None = None
) -> PriorSensitivity:
    """Measure how much a conditional model, and pooled estimates, depend on its priors.

    Parameters
    ----------
    conditional : Conditional
        A column's model, in a tree with its log-likelihood and the log-densities of its priors.
    pooled : PooledResults, optional
        An analysis of the same imputations.

    Returns
    -------
    PriorSensitivity
    """
    check_draws(conditional, "Prior sensitivity")
    return PriorSensitivity(
        conditional.title,
        conditional.n_draws,
        conditional.burn_in,
        int(conditional.tree["imputations"].sizes["imputation"]),
        parameter_sensitivity(conditional),
        None if pooled is None else estimate_sensitivity(conditional, pooled),
    )


def parameter_sensitivity(conditional: Conditional) -> pd.DataFrame:
    """Measure the sensitivity of parameters by power-scaling, as `arviz.psense` does.

    Parameters
    ----------
    conditional : Conditional
        A column's model.

    Returns
    -------
    DataFrame
        ``prior``, ``likelihood`` and ``diagnosis`` by parameter.
    """
    # ArviZ takes longer to import than a small run takes, so only those who ask for it wait for it.
    from arviz_base import dataset_to_dataframe
    from arviz_stats import psense

    names = ("posterior", LOG_PRIOR, LOG_LIKELIHOOD)
    tree = xr.DataTree.from_dict({name: _one_chain(conditional.group(name)) for name in names})
    found = []
    for component, group in (("prior", LOG_PRIOR), ("likelihood", LOG_LIKELIHOOD)):
        if _is_flat(tree[group].to_dataset()):
            posterior = tree["posterior"].to_dataset()
            found.append(xr.zeros_like(posterior.isel(chain=0, draw=0, drop=True), dtype=float))
            continue
        with np.errstate(divide="ignore", invalid="ignore"):  # parameters that a prior fixes
            found.append(psense(tree, group=component))
    joined = xr.concat(found, dim="component").assign_coords(component=["prior", "likelihood"])
    table: pd.DataFrame = dataset_to_dataframe(joined, sample_dims=["component"]).T
    table["diagnosis"] = [
        _diagnosis(row["prior"], row["likelihood"]) for _, row in table.iterrows()
    ]
    return table.rename_axis("parameter")


def _one_chain(draws: xr.Dataset) -> xr.Dataset:
    """Put chains one after the other: ArviZ wants more draws than chains."""
    length = draws.sizes["chain"] * draws.sizes["draw"]
    variables = {}
    for name, values in draws.data_vars.items():
        dims = [dim for dim in values.dims if dim not in ("chain", "draw")]
        ordered = values.transpose("chain", "draw", *dims)
        joined = ordered.to_numpy().reshape(1, length, *ordered.shape[2:])
        variables[name] = (("chain", "draw", *dims), joined)
    coords = {dim: draws[dim] for dim in draws.dims if dim not in ("chain", "draw")}
    return xr.Dataset(variables, coords)


def _is_flat(densities: xr.Dataset) -> bool:
    """Tell whether a density is the same at all draws, so that no power changes anything."""
    return all(
        bool((values == values.isel(chain=0, draw=0)).all())
        for values in densities.data_vars.values()
    )


def _diagnosis(prior: float, likelihood: float) -> str:
    if not prior >= THRESHOLD:
        return ""
    return CONFLICT if likelihood >= THRESHOLD else STRONG


def estimate_sensitivity(conditional: Conditional, pooled: PooledResults) -> pd.DataFrame:
    r"""Measure how pooled estimates move when priors or likelihood of a model are power-scaled.

    Parameters
    ----------
    conditional : Conditional
        A column's model.
    pooled : PooledResults
        An analysis of the same imputations.

    Returns
    -------
    DataFrame
        As `PriorSensitivity.estimates`.

    Notes
    -----
    Imputation k was drawn with parameters :math:`\theta_k`. With the prior to the power of
    :math:`\alpha`, it counts with the weight :math:`w_k \propto p(\theta_k)^{\alpha - 1}`, and the
    pooled estimate is :math:`\sum_k w_k \hat Q_k`. Its derivative by :math:`\log_2 \alpha` at 1 is
    :math:`\log 2 \cdot \mathrm{cov}_k(\hat Q_k, \log p(\theta_k))`; the Monte Carlo error is that
    of this covariance. So for the likelihood.
    """
    imputations = conditional.tree["imputations"].to_dataset()
    chains = imputations["imputation_chain"].to_numpy()
    sweeps = imputations["imputation_sweep"].to_numpy()
    estimates = pooled.stack.q_hat
    error = np.sqrt(pooled.pooled.t)
    columns = {"estimate": pooled.pooled.q_bar, "std_error": error}
    for label, group in (("prior", LOG_PRIOR), ("likelihood", LOG_LIKELIHOOD)):
        log_density = _at_imputations(conditional, group, chains, sweeps)
        if label == "prior":
            columns["prior_halved"] = power_scaled(estimates, log_density, 0.5)
            columns["prior_doubled"] = power_scaled(estimates, log_density, 2.0)
        move, mc_error = doubling_effect(estimates, log_density)
        columns[f"{label}_move"] = move / error
        columns[f"{label}_mc_error"] = mc_error / error
    return pd.DataFrame(columns, index=pooled.terms)[COLUMNS]


def doubling_effect(estimates: Numbers, log_density: Numbers) -> tuple[Numbers, Numbers]:
    """Give the derivative of weighted means by the binary logarithm of the power, and its error.

    Parameters
    ----------
    estimates : ndarray of shape (m, k)
        Estimates of every imputation.
    log_density : ndarray of shape (m,)
        What is power-scaled.

    Returns
    -------
    tuple of ndarray of shape (k,)
        The derivative, in units of the estimates, and its Monte Carlo standard error.
    """
    m = len(estimates)
    products = (estimates - estimates.mean(axis=0)) * (log_density - log_density.mean())[:, None]
    covariance = products.sum(axis=0) / (m - 1)
    return np.log(2) * covariance, np.log(2) * products.std(axis=0, ddof=1) / np.sqrt(m)


def power_scaled(estimates: Numbers, log_density: Numbers, alpha: float) -> Numbers:
    """Average estimates, of shape (m, k), with weights of the density to the power of alpha - 1."""
    log_weights = (alpha - 1) * (log_density - log_density.mean())
    weights = np.exp(log_weights - log_weights.max())
    return np.asarray(weights @ estimates / weights.sum())


def _at_imputations(
    conditional: Conditional, group: str, chains: NDArray[np.int_], sweeps: NDArray[np.int_]
) -> Numbers:
    """Sum the log-densities of a group at the parameters that imputations were drawn with."""
    dataset = conditional.tree[f"conditionals/{conditional.name}/{group}"].to_dataset()
    at = {"chain": xr.DataArray(chains, dims="_m"), "draw": xr.DataArray(sweeps, dims="_m")}
    parts = [
        values.sel(at).transpose("_m", ...).to_numpy().reshape(len(chains), -1).sum(axis=1)
        for values in dataset.data_vars.values()
    ]
    return np.asarray(np.sum(parts, axis=0))

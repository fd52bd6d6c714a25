"""Pointwise PSIS-LOO of one imputation, all that `loo` needs of its log-likelihoods."""

import warnings

import numpy as np
import xarray as xr

from bayesmice.later import later

special = later("scipy.special")


def pointwise_loo(posterior: xr.Dataset, log_likelihood: xr.DataArray) -> xr.Dataset:
    r"""Estimate the expected log predictive density of every observation left out.

    By Pareto-smoothed importance sampling [1]_, as `arviz.loo` does it. The effective number of
    parameters of an observation is what it gains by not being left out:
    :math:`\log \frac 1 S \sum_s p(y_i \mid \theta_s) - \mathrm{elpd}_i`.

    Parameters
    ----------
    posterior : xarray.Dataset
        Draws of dimensions chain and draw; ArviZ takes the relative efficiency from them.
    log_likelihood : xarray.DataArray
        Of dimensions chain, draw and those of the observations.

    Returns
    -------
    xarray.Dataset
        ``elpd``, ``p_loo`` and ``pareto_k`` over the observations, and ``good_k``, the threshold
        above which a Pareto k is too large for the number of draws.

    References
    ----------
    .. [1] Vehtari, Gelman and Gabry (2017), Statistics and Computing 27, 1413-1432.
    """
    # ArviZ takes longer to import than a small run takes, so only those who ask for it wait for it.
    import arviz as az

    name = "observed"
    tree = xr.DataTree.from_dict(
        {"posterior": posterior, "log_likelihood": log_likelihood.to_dataset(name=name)}
    )
    with warnings.catch_warnings():
        # Large Pareto k are counted over all imputations and reported once.
        warnings.filterwarnings("ignore", "Estimated shape parameter of Pareto", UserWarning)
        found = az.loo(tree, pointwise=True, var_name=name)
    n_draws = log_likelihood.sizes["chain"] * log_likelihood.sizes["draw"]
    in_sample = xr.apply_ufunc(
        lambda values: special.logsumexp(values, axis=(-2, -1)) - np.log(n_draws),
        log_likelihood,
        input_core_dims=[["chain", "draw"]],
    )
    return xr.Dataset(
        {
            "elpd": found.elpd_i,
            "p_loo": in_sample - found.elpd_i,
            "pareto_k": found.pareto_k,
            "good_k": float(found.good_k),
        }
    )

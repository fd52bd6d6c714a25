"""Trees with one conditional model whose draws are exact."""

import numpy as np
import xarray as xr
from scipy import stats

CHAINS, DRAWS = 4, 500


def tree_of(y, log_likelihood, predicted, scale="continuous"):
    """A tree with one conditional model whose draws were made here."""
    rows = {"row": np.arange(len(y))}
    dims, attrs = ("chain", "draw", "row"), {"scale": scale}
    groups = {
        "posterior": xr.Dataset({"mu": (("chain", "draw"), np.zeros(predicted.shape[:2]))}),
        "log_likelihood": xr.Dataset({"y": (dims, log_likelihood)}, rows),
        "posterior_predictive": xr.Dataset({"y": (dims, predicted, attrs)}, rows),
        "observed_data": xr.Dataset({"y": ("row", y, attrs)}, rows),
    }
    tree = {f"/conditionals/y/{name}": dataset for name, dataset in groups.items()}
    return xr.DataTree.from_dict(
        tree | {"/observed_data": xr.Dataset({"y": ("row", y, attrs)}, rows)}
    )


def known_noise(y, sd, rng, chains=CHAINS, draws=DRAWS):
    """Exact posterior of a normal mean under a flat prior, with a known standard deviation."""
    mu = y.mean() + rng.normal(size=(chains, draws, 1)) * sd / np.sqrt(len(y))
    predicted = mu + rng.normal(size=(chains, draws, len(y))) * sd
    return tree_of(y, stats.norm.logpdf(y, mu, sd), predicted)

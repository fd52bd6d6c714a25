import numpy as np
import pytest
import xarray as xr


def autoregression(rng, shape, rho, start=None):
    """Chains of shape (..., draws) of unit variance; stationary unless they are started."""
    chains = np.empty(shape)
    last = rng.normal(size=shape[:-1]) if start is None else start
    for sweep in range(shape[-1]):
        last = rho * last + np.sqrt(1 - rho**2) * rng.normal(size=shape[:-1])
        chains[..., sweep] = last
    return chains


@pytest.fixture
def ar1():
    return autoregression


@pytest.fixture
def make_tree():
    """A tree whose model had these parameters and statistics, by name, over (chain, draw)."""

    def make(parameters, statistics=None):
        shape = next(iter(parameters.values())).shape
        ok = {"acceptance_rate": np.full(shape, 0.9), "diverging": np.zeros(shape, dtype=bool)}
        groups = {
            "/imputations": xr.Dataset({"y": ("imputation", np.zeros(shape[0]))}),
            "/sweep_stats": xr.Dataset(),
            "/state": xr.Dataset(),
            "/conditionals/y/posterior": _dataset(parameters),
            "/conditionals/y/sample_stats": _dataset(statistics or ok),
        }
        return xr.DataTree.from_dict(groups)

    return make


def _dataset(values):
    return xr.Dataset({name: (("chain", "draw"), own) for name, own in values.items()})

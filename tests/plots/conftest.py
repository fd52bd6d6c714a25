from collections.abc import Callable, Iterator, Mapping

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayesmice as bm
from bayesmice.data import encode
from bayesmice.store.frames import observed_dataset
from bayesmice.store.tree import RunDescription, imputations_dataset


@pytest.fixture(autouse=True)
def figures_without_a_window() -> Iterator[None]:
    before = mpl.get_backend()
    mpl.use("Agg")
    yield
    plt.close("all")
    mpl.use(before)


@pytest.fixture(scope="package")
def imputations() -> bm.Imputations:
    mice = bm.MICE(bm.load_dataset("nhanes2"))
    return mice.mice(m=4, sweeps=6, random_seed=1, progressbar=False)


MakeTree = Callable[[pd.DataFrame, Mapping[str, np.ndarray]], xr.DataTree]


@pytest.fixture
def make_tree() -> MakeTree:
    """Make a tree from data and imputed cells that were written down, not drawn."""

    def make(data: pd.DataFrame, cells: Mapping[str, np.ndarray]) -> xr.DataTree:
        store = encode(data)
        m = len(next(iter(cells.values())))
        run = RunDescription([(i, 2) for i in range(m)], range(m), 3, 1, list(cells), "{}")
        sweeps = np.arange(3.0)[None, :, None] + np.arange(m)[:, None, None] + np.zeros(2)
        statistics = {name: (("chain", "draw", "statistic"), sweeps.copy()) for name in cells}
        for name, drawn in cells.items():
            if drawn.shape[1] == 1:
                statistics[name][1][:, :, 1] = np.nan
        coords = {"chain": np.arange(m), "draw": np.arange(3), "statistic": ["mean", "sd"]}
        return xr.DataTree.from_dict(
            {
                "/observed_data": observed_dataset(store),
                "/imputations": imputations_dataset(store, cells, run.picks),
                "/sweep_stats": xr.Dataset(statistics, coords),
            }
        )

    return make

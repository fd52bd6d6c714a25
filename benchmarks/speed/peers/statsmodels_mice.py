"""statsmodels: m chains of `MICEData`, which draws by predictive mean matching."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from statsmodels.imputation.mice import MICEData

from speed.peers.process import answer


def impute(data: pd.DataFrame, m: int, sweeps: int) -> list[pd.DataFrame]:
    return [one.data for one in chains(data, m, sweeps)]


def chains(data: pd.DataFrame, m: int, sweeps: int) -> list[MICEData]:
    made = [MICEData(data, rng=seed) for seed in range(m)]
    for one in made:
        one.update_all(sweeps)
    return made


def watch(data: pd.DataFrame, m: int, sweeps: int) -> Iterator[list[np.ndarray]]:
    made = chains(data, m, 1)
    for _ in range(sweeps):
        yield [one.data[list(data)].to_numpy() for one in made]
        for one in made:
            one.update_all(1)


if __name__ == "__main__":
    answer(impute, ("statsmodels", "numpy", "pandas", "scipy"), watch)

"""Quantities of the completed data after every sweep of every chain, as JSON: FOLDER M SWEEPS."""

import json
import sys
from pathlib import Path

import numpy as np

from bayesmice import MICE, Imputations
from speed.datafiles import read_data
from speed.quantities import QUANTITIES, quantities_of


def every_sweep(mice: MICE, chains: int, sweeps: int) -> Imputations:
    """Impute, and keep the completed data of every sweep."""
    return mice.mice(
        m=chains * sweeps, chains=chains, thin=1, burn_in=0, random_seed=1, progressbar=False
    )


def series(imputations: Imputations) -> dict[str, np.ndarray]:
    """Give arrays of shape (n_chains, n_sweeps) by quantity; every sweep is an imputation."""
    group = imputations.tree["imputations"]
    chain, sweep = (group[f"imputation_{of}"].to_numpy().astype(int) for of in ("chain", "sweep"))
    found = np.full((len(QUANTITIES), chain.max() + 1, sweep.max() + 1), np.nan)
    for i in range(imputations.m):
        completed = imputations.completed(i).to_numpy(float)
        found[:, chain[i], sweep[i]] = quantities_of(completed)
    return dict(zip(QUANTITIES, found, strict=True))


def main() -> None:
    folder, chains, sweeps = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    found = series(every_sweep(MICE(read_data(folder)), chains, sweeps))
    print(json.dumps({name: draws.tolist() for name, draws in found.items()}))


if __name__ == "__main__":
    main()

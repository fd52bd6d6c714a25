"""Quantities of the completed data after every sweep of every chain, as JSON: FOLDER M SWEEPS."""

import json
import sys
from pathlib import Path

import numpy as np

from bayesmice import MICE
from speed.datafiles import read_data
from speed.quantities import QUANTITIES, quantities_of

folder, chains, sweeps = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
imputations = MICE(read_data(folder)).mice(
    m=chains * sweeps, chains=chains, thin=1, burn_in=0, progressbar=False
)
group = imputations.tree["imputations"]
found = np.full((len(QUANTITIES), chains, sweeps), np.nan)
for i in range(imputations.m):
    place = int(group["imputation_chain"][i]), int(group["imputation_sweep"][i])
    found[(slice(None), *place)] = quantities_of(imputations.completed(i).to_numpy(float))
print(json.dumps(dict(zip(QUANTITIES, found.tolist(), strict=True))))

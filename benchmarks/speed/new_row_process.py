"""Seconds to impute one new row with two missing cells, after a first call, as JSON: RUNS."""

import json
import sys
import time

from bayesmice import MICE
from speed.workloads import correlated

data = correlated(1000, 10, 3)
imputations = MICE(data).mice(m=5, random_seed=1, progressbar=False)
row = data.head(1).assign(**dict.fromkeys(data, 0.0)).assign(x0=None, x5=None)
found = []
for seed in range(int(sys.argv[1]) + 1):
    start = time.perf_counter()
    imputations.transform(row, random_seed=seed)
    found.append(time.perf_counter() - start)
print(json.dumps(found[1:]))

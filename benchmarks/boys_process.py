"""R's boys data as one process, for the stopwatch in run.py: boys_process.py DATA.csv."""

import sys

import pandas as pd

from bayesmice import MICE

data = pd.read_csv(sys.argv[1])
for column, letter, n_stages in (("gen", "G", 5), ("phb", "P", 6)):
    stages = [f"{letter}{stage}" for stage in range(1, n_stages + 1)]
    data[column] = pd.Categorical(data[column], stages, ordered=True)
MICE(data).mice(m=20, sweeps=10, progressbar=False)

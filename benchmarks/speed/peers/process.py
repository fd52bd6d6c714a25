"""What the processes of all Python peers do: versions, one whole run, later sweeps, a series.

Called as ``versions``, ``whole FOLDER M SWEEPS``, ``later FOLDER M SHORTER LONGER`` or
``series FOLDER M SWEEPS``. Answers are JSON.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from speed.datafiles import read_data
from speed.quantities import QUANTITIES, quantities_of

Impute = Callable[[pd.DataFrame, int, int], object]
"""From data, imputations and sweeps to anything."""
Watch = Callable[[pd.DataFrame, int, int], Iterator[list[np.ndarray]]]
"""Gives, after every sweep, the completed numbers of each imputation."""


def answer(impute: Impute, packages: tuple[str, ...], watch: Watch | None = None) -> None:
    """Do what the command line asks for, and print the answer."""
    task, *arguments = sys.argv[1:]
    if task == "versions":
        print(json.dumps({name: version(name) for name in packages}))
        return
    data = read_data(Path(arguments[0]))
    m, *sweeps = map(int, arguments[1:])
    if task == "whole":
        impute(data, m, *sweeps)
    elif task == "later":
        shorter, longer = sweeps
        short = seconds(lambda: impute(data, m, shorter))
        long = seconds(lambda: impute(data, m, longer))
        print(json.dumps({"per_sweep": [(long - short) / (longer - shorter)]}))
    elif watch is not None:
        found = [[quantities_of(one) for one in all_m] for all_m in watch(data, m, *sweeps)]
        by_name = np.moveaxis(np.array(found), -1, 0).transpose(0, 2, 1)
        print(json.dumps(dict(zip(QUANTITIES, by_name.tolist(), strict=True))))
    else:
        raise SystemExit(f"This peer has no task {task!r}.")


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start

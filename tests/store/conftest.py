"""Two runs: one with every dtype, and a quick one of two numbers."""

import numpy as np
import pandas as pd
import pytest

from bayesmice import MICE

N = 24
M, SWEEPS = 2, 5


def frame_of_every_dtype():
    rng = np.random.default_rng(12)
    numbers, letters = rng.normal(5, 1, N).round(6), np.resize(["b", "a", "c", "a"], N)
    two = np.resize([True, False, False], N)
    columns = {
        "float": pd.Series(numbers),
        "float32": pd.Series(rng.normal(size=N), dtype="float32"),
        "Float64": pd.Series(rng.normal(size=N), dtype="Float64"),
        "complete int": pd.Series(np.arange(N) % 7),
        "Int64": pd.Series(rng.integers(0, 100, N), dtype="Int64"),
        "boolean": pd.Series(two, dtype="boolean"),
        "object of bools": pd.Series(two, dtype=object),
        "two numbers": pd.Series(np.where(two, 2.5, 7.5)),
        "str": pd.Series(letters, dtype="str"),
        "string": pd.Series(letters[::-1], dtype="string"),
        "object": pd.Series(np.roll(letters, 3), dtype=object),
        "category": pd.Series(pd.Categorical(letters, ["c", "b", "a"])),
        "category of numbers": pd.Series(pd.Categorical(np.resize([30, 4, 1], N))),
        "my stage": pd.Series(
            pd.Categorical(
                np.resize(["stage 0", "II", "I", "II"], N), ["stage 0", "I", "II"], ordered=True
            )
        ),
    }
    frame = pd.DataFrame(columns)
    for position, name in enumerate(name for name in columns if "complete" not in name):
        frame.loc[position : position + 2, name] = None
    frame["object of bools"] = frame["object of bools"].astype(object)
    return frame


@pytest.fixture(scope="session")
def data():
    return frame_of_every_dtype()


@pytest.fixture(scope="session")
def run(data):
    return MICE(data).mice(m=M, sweeps=SWEEPS, random_seed=7, progressbar=False)


@pytest.fixture(scope="session")
def quick():
    """Impute one number from another, under any index and labels."""

    def impute(index=None, columns=None):
        rng = np.random.default_rng(11)
        x = rng.normal(size=N)
        frame = pd.DataFrame({"x": x, "y": 5 + x + rng.normal(size=N)})
        frame.loc[0:3, "y"] = None
        if index is not None:
            frame.index = index
        if columns is not None:
            frame.columns = columns
        return MICE(frame).mice(m=M, sweeps=SWEEPS, random_seed=7, progressbar=False)

    return impute

"""The workloads: data, how many imputations, and how much of each a peer is asked to do.

Every column lacks a fifth of its values, completely at random; ten sweeps.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

SWEEPS = 10
MISSING = 0.2
CORRELATION = 0.5


@dataclass(frozen=True)
class Effort:
    """How much of a workload is measured.

    Attributes
    ----------
    m : int or None
        Imputations; None for all. Where there are fewer, seconds are extrapolated linearly in
        imputations times sweeps.
    sweeps : int or None
        Sweeps of the whole run; None for all.
    later : tuple of int
        Sweeps of a shorter and a longer run, whose difference is the cost of later sweeps.
    most_runs : int or None
        Repetitions at most.
    pairs : int
        Shorter and longer runs of ours in one process.
    """

    m: int | None = None
    sweeps: int | None = None
    later: tuple[int, int] = (1, 3)
    most_runs: int | None = None
    pairs: int = 3

    @property
    def is_part(self) -> bool:
        """Whether less than all is run."""
        return self.m is not None or self.sweeps is not None


FULL = Effort()
ONCE = Effort(most_runs=1)
PART = Effort(m=1, sweeps=1, later=(1, 2), most_runs=1)
FULL_SMALL = Effort(later=(2, 22))
"""Where a sweep takes milliseconds, a difference needs many of them."""
OURS_SMALL = Effort(later=(10, 110))
OURS = Effort(later=(10, 30))
OURS_SHORT = Effort(later=(6, 10), pairs=1)


@dataclass(frozen=True)
class Workload:
    """Something to impute.

    Attributes
    ----------
    name, title : str
        Short and long.
    make : callable or None
        Makes data of so many rows; None for R's boys, which R writes.
    n_rows : int
        How many there are.
    m : int
        Imputations.
    peers : mapping of str to Effort
        What comparable peers are asked to do, by name.
    models : str
        Which models we give the columns, by its name in `speed.models`.
    ours : Effort
        Which sweeps of ours are compared to find the cost of a later one.
    goal_whole, goal_later : float
        How many times faster than ``goal_peer`` we want to be.
    goal_peer : str
        Which peer.
    goal_memory : float
        Bytes.
    """

    name: str
    title: str
    make: Callable[[int], pd.DataFrame] | None
    n_rows: int
    m: int
    peers: Mapping[str, Effort]
    models: str = "default"
    ours: Effort = field(default=OURS)
    goal_whole: float = math.nan
    goal_later: float = math.nan
    goal_peer: str = "R mice"
    goal_memory: float = math.nan

    def scaled(self, share: float) -> "Workload":
        """Give the same with a share of the rows."""
        if share == 1 or self.make is None:
            return self
        n_rows = max(int(self.n_rows * share), 100)
        return replace(self, n_rows=n_rows, title=f"{self.title}, cut to {n_rows:,} rows")


def correlated(n_rows: int, n_columns: int, n_binary: int = 0) -> pd.DataFrame:
    """Make equicorrelated normal columns, the first of them cut at zero, with missing values."""
    rng = np.random.default_rng(1)
    common = rng.normal(size=(n_rows, 1)) * math.sqrt(CORRELATION)
    values = common + math.sqrt(1 - CORRELATION) * rng.normal(size=(n_rows, n_columns))
    values[:, :n_binary] = values[:, :n_binary] > 0
    values[rng.random(values.shape) < MISSING] = np.nan
    return pd.DataFrame(values, columns=[f"x{i}" for i in range(n_columns)])


def with_levels(n_rows: int, n_levels: int, n_numbers: int = 4) -> pd.DataFrame:
    """Make a nominal column whose levels shift correlated numbers, all with missing values."""
    rng = np.random.default_rng(2)
    data = correlated(n_rows, n_numbers)
    # The first rows show every level, so that their number is what it is said to be.
    codes = np.concatenate([np.arange(n_levels), rng.integers(n_levels, size=n_rows - n_levels)])
    shifts = rng.normal(size=n_levels)
    data += shifts[codes][:, None]
    codes[n_levels:][rng.random(n_rows - n_levels) < MISSING] = -1
    labels = [f"level {level + 1}" for level in range(n_levels)]
    return data.assign(region=pd.Categorical.from_codes(codes, labels))


def with_curve(n_rows: int) -> pd.DataFrame:
    """Make ten correlated numbers and a saturating curve of the first, with heavy tails."""
    rng = np.random.default_rng(3)
    data = correlated(n_rows, 10)
    x = data["x0"].fillna(0.0)
    response = 2 + 3 * np.tanh(x) + 0.5 * rng.standard_t(4, n_rows)
    return data.assign(response=response.mask(rng.random(n_rows) < MISSING))


WORKLOADS: Mapping[str, Workload] = {
    workload.name: workload
    for workload in (
        Workload(
            "W1",
            "n=1,000, p=5, m=5",
            lambda n: correlated(n, 5),
            1_000,
            5,
            {
                "R mice": FULL_SMALL,
                "R mice default": FULL,
                "statsmodels": FULL,
                "scikit-learn": FULL_SMALL,
                "miceforest": Effort(m=1, sweeps=1, later=(1, 3), most_runs=1),
                "pm.sample per visit": Effort(m=1, sweeps=1, later=(0, 1), most_runs=1),
            },
            ours=OURS_SMALL,
            goal_whole=1 / 1.5,
            goal_later=5,
        ),
        Workload(
            "W2",
            "n=1,000, p=20 (5 binary), m=20",
            lambda n: correlated(n, 20, 5),
            1_000,
            20,
            {
                "R mice": FULL,
                "R mice default": ONCE,
                "statsmodels": Effort(m=2, most_runs=1),
                "scikit-learn": Effort(m=2, most_runs=1),
                "miceforest": PART,
            },
            goal_whole=15,
            goal_later=60,
        ),
        Workload(
            "W3",
            "n=10,000, p=20 (5 binary), m=5",
            lambda n: correlated(n, 20, 5),
            10_000,
            5,
            {
                "R mice": ONCE,
                "R mice default": PART,
                "statsmodels": PART,
                "scikit-learn": PART,
                "miceforest": PART,
            },
            goal_whole=15,
            goal_later=50,
        ),
        Workload(
            "W4",
            "R's boys (748 x 9; ordinal, nominal), m=20",
            None,
            748,
            20,
            {"R mice": ONCE, "R mice default": ONCE, "miceforest": PART},
            goal_whole=5,
            goal_later=20,
            goal_peer="R mice default",
        ),
        Workload(
            "W5",
            "n=1,000, p=100, m=5",
            lambda n: correlated(n, 100),
            1_000,
            5,
            {
                "R mice": PART,
                "R mice default": PART,
                "statsmodels": PART,
                "scikit-learn": PART,
                "miceforest": PART,
            },
            goal_whole=20,
            goal_later=50,
        ),
        Workload(
            "W6",
            "n=1,000,000, p=10, m=5",
            lambda n: correlated(n, 10),
            1_000_000,
            5,
            {"R mice": PART, "scikit-learn": PART, "miceforest": PART},
            ours=OURS_SHORT,
            goal_whole=5,
            goal_later=10,
            goal_memory=6e9,
        ),
        Workload(
            "W7",
            "matching: n=100,000, p=10, m=5",
            lambda n: correlated(n, 10),
            100_000,
            5,
            {"R mice default": PART, "statsmodels": PART, "miceforest": PART},
            models="matching",
            ours=OURS_SHORT,
            goal_whole=5,
            goal_later=10,
            goal_peer="R mice default",
        ),
        Workload(
            "W8",
            "50 levels: n=5,000, nominal and 4 numbers, m=5",
            lambda n: with_levels(n, 50),
            5_000,
            5,
            {"R mice": PART, "R mice default": PART, "miceforest": PART},
            ours=OURS_SHORT,
        ),
        Workload(
            "W9",
            "own NUTS model among ten regressions: n=1,000, m=5",
            with_curve,
            1_000,
            5,
            {"R mice": FULL_SMALL},
            models="curve",
        ),
    )
}

"""R's mice as a method of `bayesmice.testing.simulate`, on the same data sets.

Every process keeps one R process, which answers requests until its input ends (`peers.R`).
"""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

SCRIPT = Path(__file__).parent / "peers.R"
LARGEST_SEED = 2**31 - 1


def unchanged(data: pd.DataFrame) -> pd.DataFrame:
    return data


@dataclass(frozen=True)
class Peer:
    """How R's mice imputes a design.

    Attributes
    ----------
    methods : mapping of str to str
        Names of its methods, by incomplete column.
    sweeps : int
        Iterations; one is enough where a single column is incomplete.
    donors : int
        Of predictive mean matching.
    prepare : callable
        What is done to the incomplete data first.
    """

    methods: Mapping[str, str]
    sweeps: int = 1
    donors: int = 5
    prepare: Callable[[pd.DataFrame], pd.DataFrame] = unchanged

    def imputer(self, m: int) -> Callable[[pd.DataFrame, int], list[pd.DataFrame]]:
        """Give a method of `simulate` with m imputations."""

        def impute(data: pd.DataFrame, seed: int) -> list[pd.DataFrame]:
            prepared = self.prepare(data)
            return r_session().impute(prepared, self, m, seed % LARGEST_SEED)

        return impute


class RSession:
    """A process of R that imputes.

    Attributes
    ----------
    versions : str
        Of mice and of R; empty if either is not there.
    """

    def __init__(self) -> None:
        self.versions = ""
        program = shutil.which("Rscript")
        if program is None:
            return
        self._process = subprocess.Popen(
            [program, "--vanilla", str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._folder = tempfile.TemporaryDirectory()
        self.versions = self._read_line()

    def impute(self, data: pd.DataFrame, peer: Peer, m: int, seed: int) -> list[pd.DataFrame]:
        """Impute a data frame m times."""
        folder = Path(self._folder.name)
        values = np.column_stack([_numbers(data[name]) for name in data])
        values.T.tofile(folder / "data")
        fields = (
            folder,
            len(data),
            ",".join(data),
            ",".join(str(_levels(data[name], peer.methods.get(name))) for name in data),
            ",".join(peer.methods.get(name, "none") for name in data),
            m,
            peer.sweeps,
            seed,
            peer.donors,
        )
        assert self._process.stdin is not None
        print(*fields, sep="\t", file=self._process.stdin, flush=True)
        said = self._read_line()
        if said != "done":
            raise RuntimeError(f"R's mice failed: {said}")
        cells = np.fromfile(folder / "imputed").reshape(-1)
        completed = [data.copy() for _ in range(m)]
        for name in data.columns[data.isna().any()]:
            is_missing = data[name].isna().to_numpy()
            count = is_missing.sum()
            drawn, cells = cells[: count * m].reshape(m, count), cells[count * m :]
            for frame, values_of_one in zip(completed, drawn, strict=True):
                frame[name] = _filled(data[name], is_missing, values_of_one)
        return completed

    def _read_line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@cache
def r_session() -> RSession:
    """Start R once for each process."""
    return RSession()


def _numbers(column: pd.Series) -> np.ndarray:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return np.where(column.isna(), np.nan, column.cat.codes)
    return column.to_numpy(float, na_value=np.nan).copy()


def _levels(column: pd.Series, method: str | None) -> int:
    """How many levels a factor has; 0 for numbers."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return len(column.cat.categories)
    return 2 if method == "logreg" else 0


def _filled(column: pd.Series, is_missing: np.ndarray, drawn: np.ndarray) -> pd.Series:
    values = _numbers(column)
    values[is_missing] = drawn
    if isinstance(column.dtype, pd.CategoricalDtype):
        filled = pd.Categorical.from_codes(values.astype(int), dtype=column.dtype)
        return pd.Series(filled, index=column.index)
    return pd.Series(values, index=column.index)

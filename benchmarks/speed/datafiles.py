"""Data sets in files that Python and R read in no time: doubles, column by column.

A folder holds ``columns.tsv`` (name, kind and number of levels, one column a line) and ``values``.
Columns with levels hold codes from 0; NaN stands for what is missing.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

KINDS = ("number", "binary", "ordinal", "nominal")


class Column(NamedTuple):
    """A column as the file describes it.

    Attributes
    ----------
    name : str
        Its name.
    kind : str
        One of `KINDS`.
    levels : int
        How many it has; 0 for numbers.
    """

    name: str
    kind: str
    levels: int


def described(data: pd.DataFrame) -> list[Column]:
    """Describe the columns of a frame: categories by their dtype, numbers 0 and 1 as binary."""
    return [_column(str(name), data[name]) for name in data]


def _column(name: str, values: pd.Series) -> Column:
    if isinstance(values.dtype, pd.CategoricalDtype):
        kind = "ordinal" if values.cat.ordered else "nominal"
        return Column(name, kind, len(values.cat.categories))
    if values.dropna().isin([0, 1]).all():
        return Column(name, "binary", 2)
    return Column(name, "number", 0)


def write_data(data: pd.DataFrame, folder: Path) -> None:
    """Write a frame."""
    columns = described(data)
    lines = ["\t".join(map(str, column)) for column in columns]
    (folder / "columns.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with (folder / "values").open("wb") as file:
        for column in columns:
            _numbers(data[column.name]).tofile(file)


def _numbers(values: pd.Series) -> np.ndarray:
    if isinstance(values.dtype, pd.CategoricalDtype):
        return np.where(values.isna(), np.nan, values.cat.codes)
    return values.to_numpy(float)


def read_columns(folder: Path) -> list[Column]:
    """Read what the columns are."""
    lines = (folder / "columns.tsv").read_text(encoding="utf-8").splitlines()
    fields = [line.split("\t") for line in lines]
    return [Column(name, kind, int(levels)) for name, kind, levels in fields]


def read_numbers(folder: Path) -> pd.DataFrame:
    """Read a frame of numbers and codes."""
    columns = read_columns(folder)
    values = np.fromfile(folder / "values").reshape(len(columns), -1)
    return pd.DataFrame(dict(zip((column.name for column in columns), values, strict=True)))


def read_data(folder: Path) -> pd.DataFrame:
    """Read a frame; levels become categories, those of binary columns stay 0 and 1."""
    data = read_numbers(folder)
    for column in read_columns(folder):
        if column.kind in ("ordinal", "nominal"):
            codes = data[column.name].fillna(-1).astype(int)
            labels = [f"level {level + 1}" for level in range(column.levels)]
            data[column.name] = pd.Categorical.from_codes(
                codes, labels, ordered=column.kind == "ordinal"
            )
    return data

"""Tables in files: which formats are read and written, and what is said of bad files."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bayesmice.commands.columns import check_texts, in_order, without_words
from bayesmice.commands.failures import CommandError, check_package

FORMATS = {
    ".csv": "CSV",
    ".tsv": "CSV",
    ".txt": "CSV",
    ".parquet": "Parquet",
    ".pq": "Parquet",
    ".feather": "feather",
    ".arrow": "feather",
    ".dta": "Stata",
    ".sav": "SPSS",
    ".zsav": "SPSS",
}
PACKAGES = {"Parquet": ("pyarrow", "arrow"), "feather": ("pyarrow", "arrow")}
PACKAGES["SPSS"] = ("pyreadstat", "spss")
COMPRESSED = (".gz", ".bz2", ".xz", ".zip")


@dataclass(frozen=True)
class Source:
    """Where a table comes from, and how it is to be read.

    Attributes
    ----------
    path : Path
        The file.
    index : str or None
        The column that identifies rows.
    left_out : tuple of str
        Columns that are dropped.
    missing_words : tuple of str
        Cells, besides empty ones, that are missing.
    dates : tuple of str
        Columns of a CSV file that hold dates.
    ordered : tuple of (str, tuple of str)
        Columns whose levels have an order, and the levels, where the file does not know it.
    separator, decimal, encoding : str
        Of a CSV file.
    """

    path: Path
    index: str | None = None
    left_out: tuple[str, ...] = ()
    missing_words: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    ordered: tuple[tuple[str, tuple[str, ...]], ...] = ()
    separator: str = ""
    decimal: str = "."
    encoding: str = "utf-8"


def add_source(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say how a table is read."""
    parser.add_argument("data", type=Path, help="CSV, Parquet, feather, Stata or SPSS file")
    group = parser.add_argument_group("reading the file")
    group.add_argument("--id", metavar="COLUMN", help="column that identifies rows: kept, not used")
    group.add_argument(
        "--leave-out",
        metavar="COLUMNS",
        type=split_names,
        default=(),
        help="columns that are neither used nor written, separated by commas",
    )
    group.add_argument(
        "--missing",
        metavar="WORD",
        action="append",
        default=[],
        help="a word or number that stands for a missing cell, besides empty cells, NA, NaN and "
        "the like; can be repeated",
    )
    group.add_argument(
        "--dates",
        metavar="COLUMNS",
        type=split_names,
        default=(),
        help="columns of a CSV file that hold dates such as 2024-01-31, separated by commas",
    )
    group.add_argument(
        "--ordered",
        metavar="COLUMN",
        type=_order,
        action="append",
        default=[],
        help="a column whose levels have an order: that of labels in Stata and SPSS files and of "
        "numbers, or stage=low<middle<high; can be repeated",
    )
    group.add_argument(
        "--separator", default="", help="of a CSV file: a comma, a tab in .tsv files, by default"
    )
    group.add_argument("--decimal", default=".", help="decimal mark of a CSV file")
    group.add_argument("--encoding", default="utf-8", help="of a CSV file")


def split_names(text: str) -> tuple[str, ...]:
    """Split names at commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _order(text: str) -> tuple[str, tuple[str, ...]]:
    name, _, levels = text.partition("=")
    return name.strip(), tuple(level.strip() for level in levels.split("<") if level.strip())


def source_of(parsed: argparse.Namespace) -> Source:
    """Collect what the command line says of a table."""
    return Source(
        parsed.data,
        parsed.id,
        parsed.leave_out,
        tuple(parsed.missing),
        parsed.dates,
        tuple(parsed.ordered),
        parsed.separator,
        parsed.decimal,
        parsed.encoding,
    )


def read_table(source: Source) -> pd.DataFrame:
    """Read a table.

    Parameters
    ----------
    source : Source
        The file, and how it is to be read.

    Returns
    -------
    DataFrame
        Its index is the column that identifies rows, where one does.

    Raises
    ------
    CommandError
        If the file is missing, empty, broken, of an unknown format or one whose reader is not
        installed, or if a column that was named is not there.
    """
    path, kind = source.path, format_of(source.path)
    if not path.exists():
        raise CommandError(f"There is no file {path}.")
    if path.is_dir():
        raise CommandError(f"{path} is a folder; expected a file.")
    if path.stat().st_size == 0:
        raise CommandError(f"{path} is empty.")
    if kind in PACKAGES:
        name, extra = PACKAGES[kind]
        check_package(name, f"Reading {kind} files", extra)
    frame = _read(source, kind)
    ordered = [name for name, _ in source.ordered]
    named = [*source.left_out, *source.dates, *ordered, *([source.index] if source.index else [])]
    for name in named:
        if name not in frame.columns:
            raise CommandError(
                f"{path} has no column {name!r}. Columns: {', '.join(map(str, frame.columns))}."
            )
    frame = frame.drop(columns=list(source.left_out))
    if source.index is not None:
        frame = frame.set_index(source.index)
    frame = in_order(without_words(frame, source.missing_words), source.ordered)
    check_texts(frame)
    return frame


def format_of(path: Path) -> str:
    """Name the format of a file by its ending."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if len(suffixes) > 1 and suffixes[-1] in COMPRESSED and suffixes[-2] in (".csv", ".tsv"):
        return "CSV"
    if suffixes and suffixes[-1] in FORMATS:
        return FORMATS[suffixes[-1]]
    raise CommandError(
        f"{path} has the ending {path.suffix or 'of no format'!r}; expected one of "
        f"{', '.join(FORMATS)}."
    )


def _read(source: Source, kind: str) -> pd.DataFrame:
    readers: dict[str, Callable[[], pd.DataFrame]] = {
        "CSV": lambda: _read_csv(source),
        "Parquet": lambda: pd.read_parquet(source.path),
        "feather": lambda: pd.read_feather(source.path),
        "Stata": lambda: pd.read_stata(source.path, order_categoricals=False),
        "SPSS": lambda: pd.read_spss(source.path),
    }
    try:
        return readers[kind]()
    except CommandError:
        raise
    except UnicodeDecodeError as error:
        raise CommandError(
            f"{source.path} is not written in {source.encoding}: byte {error.start} does not fit. "
            "Give its encoding, such as --encoding latin-1."
        ) from error
    except pd.errors.EmptyDataError as error:
        raise CommandError(f"{source.path} holds no table.") from error
    except LookupError as error:
        raise CommandError(f"{source.path}: {' '.join(map(str, error.args))}.") from error
    # A reader of another library may raise anything at all where a file is broken.
    except Exception as error:
        reason = str(error).strip().splitlines()
        raise CommandError(
            f"{source.path} could not be read as {kind}: {reason[0] if reason else 'it is broken'}."
        ) from error


def _read_csv(source: Source) -> pd.DataFrame:
    is_tsv = ".tsv" in (suffix.lower() for suffix in source.path.suffixes)
    frame = pd.read_csv(
        source.path,
        sep=source.separator or ("\t" if is_tsv else ","),
        decimal=source.decimal,
        encoding=source.encoding,
        na_values=list(source.missing_words),
        index_col=False,
    )
    for name in source.dates:
        if name in frame.columns:
            try:
                # Of 01/02/2024 nobody but the user knows whether it is in January.
                frame[name] = pd.to_datetime(frame[name].astype("string"), format="ISO8601")
            except ValueError as error:
                raise CommandError(
                    f"Column {name!r} of {source.path} does not hold dates such as 2024-01-31: "
                    f"{str(error).splitlines()[0]}"
                ) from error
    return frame

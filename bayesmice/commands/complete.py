"""``bayesmice complete``."""

import argparse
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from bayesmice.commands.failures import CommandError, check_package
from bayesmice.continuation import open_imputations
from bayesmice.imputations import Imputations

EPILOG = """examples:
  bayesmice complete run.nc -o completed/
  bayesmice complete run.nc -o completed/ --format stata
  bayesmice complete run.nc -o completed/ --long --original
"""
ENDINGS = {"csv": ".csv", "parquet": ".parquet", "feather": ".feather", "stata": ".dta"}


def add_command(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "complete",
        help="write completed data sets, one file per imputation",
        description="Write the completed data sets of a run, one file per imputation.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("imputations", type=Path, help="what impute wrote")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="folder; it is made where it is not there"
    )
    parser.add_argument("--format", choices=list(ENDINGS), default="csv", help="default: csv")
    parser.add_argument(
        "--long",
        action="store_true",
        help="one file, with the columns .imp (imputation, from 1) and .id (row)",
    )
    parser.add_argument(
        "--original", action="store_true", help="with --long: the data as they came too, as .imp 0"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace older files")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> None:
    """Write completed data sets."""
    if parsed.original and not parsed.long:
        raise CommandError("--original goes with --long.")
    if parsed.format in ("parquet", "feather"):
        check_package("pyarrow", f"Writing {parsed.format} files", "arrow")
    imputations = open_imputations(parsed.imputations).in_pandas
    makers = _long(imputations, parsed.original) if parsed.long else _each(imputations)
    ending, folder = ENDINGS[parsed.format], parsed.output
    paths = {folder / f"{stem}{ending}": make for stem, make in makers.items()}
    present = [path for path in paths if path.exists()]
    if present and not parsed.overwrite:
        raise CommandError(f"{present[0]} exists already. Give --overwrite to replace it.")
    folder.mkdir(parents=True, exist_ok=True)
    for path, make in paths.items():
        _write(make(), path, parsed.format)
    names = [path.name for path in paths]
    span = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
    sys.stdout.write(f"Written to {folder}: {span}.\n")


def _each(imputations: Imputations) -> dict[str, Callable[[], pd.DataFrame]]:
    digits = len(str(imputations.m))
    return {
        f"imputation_{i + 1:0{digits}}": partial(_completed, imputations, i)
        for i in range(imputations.m)
    }


def _long(imputations: Imputations, original: bool) -> dict[str, Callable[[], pd.DataFrame]]:
    return {"completed": partial(_below_each_other, imputations, original)}


def _completed(imputations: Imputations, i: int) -> pd.DataFrame:
    """Give a completed data set, whose labels of rows are columns where they say something."""
    frame: pd.DataFrame = imputations.completed(i)
    return frame.reset_index(drop=_only_counts(frame.index))


def _below_each_other(imputations: Imputations, original: bool) -> pd.DataFrame:
    """Give all completed data sets, with the labels of rows after ``.imp`` and ``.id``."""
    frame: pd.DataFrame = imputations.long(include_original=original)
    if _only_counts(imputations.completed(0).index):
        return frame.reset_index(drop=True)
    labels, cells = frame.index.to_frame(index=False), frame.reset_index(drop=True)
    return pd.concat([cells.iloc[:, :2], labels, cells.iloc[:, 2:]], axis=1)


def _only_counts(index: pd.Index) -> bool:
    return isinstance(index, pd.RangeIndex) and index.name is None


def _write(frame: pd.DataFrame, path: Path, kind: str) -> None:
    writers: dict[str, Callable[[], object]] = {
        "csv": lambda: frame.to_csv(path, index=False),
        "parquet": lambda: frame.to_parquet(path, index=False),
        "feather": lambda: frame.reset_index(drop=True).to_feather(path),
        "stata": lambda: frame.to_stata(path, write_index=False, version=118),
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default")  # of names that Stata does not know: they are changed
            writers[kind]()
    # Stata knows neither long names nor all dtypes, and says so in many ways.
    except (ValueError, TypeError, NotImplementedError) as error:
        path.unlink(missing_ok=True)
        raise CommandError(
            f"{path} could not be written as {kind}: {str(error).strip().splitlines()[0]}. Another "
            "--format may do."
        ) from error

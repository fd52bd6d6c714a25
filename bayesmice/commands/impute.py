"""``bayesmice impute``."""

import argparse
import sys
from pathlib import Path
from typing import Any

from bayesmice.commands.failures import check_new, check_package
from bayesmice.commands.tables import add_source, read_table, source_of
from bayesmice.imputations import Imputations
from bayesmice.mice import MICE
from bayesmice.models import Regression

SUFFIXES = (".nc", ".zarr")
EPILOG = """examples:
  bayesmice impute patients.csv -m 20 -o run.nc
  bayesmice impute patients.csv -m 20 --sweeps 30 --seed 1 -o run.nc
  bayesmice impute patients.sav --id patient --missing -99 --missing unknown -o run.nc
  bayesmice impute patients.csv --ordered "stage=I<II<III" --dates visit -o run.nc
  bayesmice impute patients.csv --family bmi=gamma --formula "bmi=age * sex" -o run.nc
  bayesmice impute patients.csv --passive "bmi=weight / (height / 100) ** 2" -o run.nc

Numbers are gaussian, whole numbers are drawn from values that occur, columns with two values
are binary and texts categories, unless --family says otherwise. Functions, priors and models
of your own are for Python.
"""


def add_command(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "impute",
        help="impute a table, and write the run to a file",
        description="Impute the missing cells of a table, and write the run to a file.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_source(parser)
    parser.add_argument(
        "-o", "--output", type=_output, required=True, help="the run: run.nc, or a folder run.zarr"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an older file")
    parser.add_argument(
        "-m", type=_count_or_auto, default=5, help="number of imputations, or auto (default: 5)"
    )
    parser.add_argument("--sweeps", type=_count, help="sweeps of each chain (default: 10)")
    parser.add_argument("--seed", type=int, help="random seed, for the same imputations again")
    parser.add_argument("--by", metavar="COLUMN", help="models of their own for each of its levels")
    for name, value, text in (
        ("family", "FAMILY", "family of a column's model, such as bmi=gamma; can be repeated"),
        ("formula", "FORMULA", "right-hand side of a column's model, such as bmi=age*sex"),
        ("passive", "EXPRESSION", "a column that is computed from others"),
    ):
        parser.add_argument(
            f"--{name}",
            metavar=f"COLUMN={value}",
            type=_assignment,
            action="append",
            default=[],
            help=text,
        )
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> None:
    """Impute a table, and write the run."""
    check_new(parsed.output, parsed.overwrite)
    if parsed.output.suffix == ".zarr":
        check_package("zarr", "Writing Zarr folders", "zarr")
    frame = read_table(source_of(parsed))
    mice = MICE(frame, _models(parsed), passive=dict(parsed.passive) or None, by=parsed.by)
    imputations = mice.mice(
        parsed.m, parsed.sweeps, random_seed=parsed.seed, progressbar=not parsed.quiet
    )
    write = imputations.to_zarr if parsed.output.suffix == ".zarr" else imputations.to_netcdf
    written = write(parsed.output)
    sys.stdout.write(_summary(imputations, written))


def _models(parsed: argparse.Namespace) -> dict[str, Regression]:
    families, formulas = dict(parsed.family), dict(parsed.formula)
    return {
        name: Regression(formulas.get(name, "."), family=families.get(name))
        for name in dict.fromkeys([*families, *formulas])
    }


def _summary(imputations: Imputations, written: Path) -> str:
    warnings = imputations.events.query("severity != 'info'")
    noted = [f"- {name}: {text}" for name, text in warnings[["variable", "message"]].to_numpy()]
    lines = [
        repr(imputations),
        "",
        *(["Warnings:", *noted, ""] if noted else []),
        imputations.convergence().verdict,
        f"Written to {written}.",
    ]
    return "\n".join(lines) + "\n"


def _output(text: str) -> Path:
    path = Path(text)
    if path.suffix not in SUFFIXES:
        raise argparse.ArgumentTypeError(
            f"{text!r} has the ending {path.suffix!r}; expected .nc, or .zarr for a folder"
        )
    return path


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return int(text)


def _count_or_auto(text: str) -> int | str:
    return text if text == "auto" else _count(text)


def _assignment(text: str) -> tuple[str, str]:
    name, sign, value = (part.strip() for part in text.partition("="))
    if not (name and sign and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form column=something")
    return name, value

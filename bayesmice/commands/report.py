"""``bayesmice report``."""

import argparse
import sys
from pathlib import Path
from typing import Any

from bayesmice.commands.failures import check_new
from bayesmice.continuation import open_imputations

EPILOG = """examples:
  bayesmice report run.nc
  bayesmice report run.nc -o report.html --title "Trial 12"
  bayesmice report run.nc --no-checks
"""


def add_command(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "report",
        help="write a page about a run, for readers who do not code",
        description="Write one HTML page about a run: what was missing, the models, convergence, "
        "a panel per column, and a paragraph on methods.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("imputations", type=Path, help="what impute wrote")
    parser.add_argument(
        "-o", "--output", type=Path, help="the page (default: run.html beside run.nc)"
    )
    parser.add_argument("--title", default="Multiple imputation", help="heading of the page")
    parser.add_argument(
        "--no-checks", action="store_true", help="leave out checks, which run the sweeps again"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an older page")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> None:
    """Write a report."""
    path = parsed.output or parsed.imputations.with_suffix(".html")
    check_new(path, parsed.overwrite)
    written = open_imputations(parsed.imputations).report(
        path, title=parsed.title, checks=not parsed.no_checks, progressbar=not parsed.quiet
    )
    sys.stdout.write(f"Written to {written}.\n")

"""``bayesmice pattern``."""

import argparse
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from bayesmice import plots
from bayesmice.commands.failures import check_new
from bayesmice.commands.tables import add_source, read_table, source_of
from bayesmice.data.missing_pattern import missing_pattern

EPILOG = """examples:
  bayesmice pattern patients.csv
  bayesmice pattern patients.csv --missing -99 --leave-out name,notes
  bayesmice pattern patients.dta --picture pattern.png
"""


def add_command(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "pattern",
        help="show which cells of a table are missing",
        description="Show which cells of a table are missing, and which of them together.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_source(parser)
    parser.add_argument("--picture", type=Path, help="draw it too: pattern.png, .svg or .pdf")
    parser.add_argument("--overwrite", action="store_true", help="replace an older picture")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> None:
    """Show the missing-data pattern."""
    if parsed.picture is not None:
        check_new(parsed.picture, parsed.overwrite)
    frame = read_table(source_of(parsed))
    sys.stdout.write(_text(frame))
    if parsed.picture is not None:
        plots.plot_pattern(frame).savefig(parsed.picture)
        sys.stdout.write(f"\nDrawn in {parsed.picture}.\n")


def _text(frame: pd.DataFrame) -> str:
    table = missing_pattern(frame)
    missing = frame.isna()
    n_complete = int((~missing.any(axis=1)).sum())
    counts = missing.sum()[missing.any()].sort_values()
    lines = [
        f"{len(frame)} rows, {len(frame.columns)} columns; {int(missing.to_numpy().sum())} cells "
        f"missing, {n_complete} rows complete.",
        "",
        *(f"{name}: {n} missing ({n / len(frame):.0%})" for name, n in counts.items()),
        *([""] if len(counts) else []),
        "Rows by what they lack (1: there, 0: missing):",
        table.to_string(),
    ]
    return "\n".join(lines) + "\n"

"""Measure how costs grow with rows, columns, imputations and levels.

    uv run benchmarks/curves.py [--only n p] [--share 0.5] [--picture]

Writes curves.csv and curves.md into benchmarks/results, and with --picture docs/images/costs.png.
"""

import argparse
from pathlib import Path

from speed.curve_picture import draw_curves
from speed.curves import CURVES, curve_rows, curve_tables, measure_curve
from speed.machine import described_machine
from speed.table import write_csv

HERE = Path(__file__).parent
PICTURE = HERE.parent / "docs" / "images" / "costs.png"
DPI = 80


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=CURVES, default=list(CURVES))
    parser.add_argument("--share", type=float, default=1.0, help="of the sizes, for a look")
    parser.add_argument("--picture", action="store_true", help="draw the picture of the docs too")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    arguments = parser.parse_args()
    points = []
    for name in arguments.only:
        points += measure_curve(CURVES[name], arguments.share, lambda said: print(said, flush=True))
    write_csv(curve_rows(points), arguments.results / "curves.csv")
    machine = "\n".join(f"- {about}: {said}" for about, said in described_machine({}).items())
    text = f"{machine}\n\n{curve_tables(points)}\n"
    (arguments.results / "curves.md").write_text(text, encoding="utf-8")
    print(text)
    if arguments.picture:
        draw_curves(points).savefig(PICTURE, dpi=DPI)


if __name__ == "__main__":
    main()

"""Count what small workloads compile, compute and allocate, and compare with counts.json.

    uv run benchmarks/counts.py [--only numbers] [--renew]

Nothing in it depends on how fast the machine is. It ends with an error when a count has grown to
more than three times of what counts.json says; --renew writes that file, after a change that is
meant. Each workload has a process of its own.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from speed.grown import gross_changes
from speed.measuring import child_environment, measure

COMMITTED = Path(__file__).parent / "counts.json"
NAMES = ("numbers", "numbers and binary", "matching", "levels", "own model")
ONE = "import json, sys; from speed.counting import count; print(json.dumps(count(sys.argv[1])))"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--renew", action="store_true", help="write counts.json")
    parser.add_argument("--file", type=Path, default=COMMITTED, help="instead of counts.json")
    chosen = parser.parse_args(arguments)
    before = json.loads(chosen.file.read_text(encoding="utf-8")) if chosen.file.exists() else {}
    now = {name: counted(name) for name in chosen.only}
    print(json.dumps(now, indent=2))
    if chosen.renew:
        chosen.file.write_text(json.dumps(before | now, indent=2) + "\n", encoding="utf-8")
        return 0
    complaints = gross_changes(before, now)
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    if complaints:
        print(
            "If this is meant, renew the counts: uv run benchmarks/counts.py --renew",
            file=sys.stderr,
        )
    return len(complaints)


def counted(name: str) -> dict[str, float]:
    """Count in a process of its own, without a compilation cache on disk."""
    environment = child_environment(JAX_ENABLE_COMPILATION_CACHE="false", JAX_PLATFORMS="cpu")
    return json.loads(measure([sys.executable, "-c", ONE, name], environment).printed)


if __name__ == "__main__":
    sys.exit(main())

"""Figures as Markdown for people and CSV for programs."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from speed.efficiency import Efficiency
from speed.measuring import Figure
from speed.trials import OURS
from speed.workloads import Workload

COUNTERPART = {"whole": "second", "later_sweep": "later_sweep", "peak_memory": "peak_memory"}
"""Which of our figures a peer's is divided by."""
GB = 1e9


def by_key(figures: Iterable[Figure]) -> dict[tuple[str, str, str], Figure]:
    return {(one.workload, one.who, one.name): one for one in figures}


def over_ours(figure: Figure, all_figures: Iterable[Figure]) -> float:
    """Divide a peer's median by ours of the same workload; NaN where there is none."""
    key = figure.workload, OURS, COUNTERPART.get(figure.name, "")
    ours = by_key(all_figures).get(key)
    return math.nan if ours is None or figure.who == OURS else figure.median / ours.median


def goal_of(figure: Figure, workload: Workload) -> float:
    """Give the goal of a ratio; NaN where there is none."""
    goals = {"whole": workload.goal_whole, "later_sweep": workload.goal_later}
    return goals.get(figure.name, math.nan) if figure.who == workload.goal_peer else math.nan


def csv_rows(
    figures: Sequence[Figure], workloads: Mapping[str, Workload]
) -> list[dict[str, object]]:
    """Give one row per figure."""
    return [
        {
            "workload": one.workload,
            "data": workloads[one.workload].title,
            "who": one.who,
            "figure": one.name,
            "unit": one.unit,
            "median": _plain(one.median),
            "least": _plain(min(one.values)),
            "most": _plain(max(one.values)),
            "runs": len(one.values),
            "over_bayesmice": _plain(over_ours(one, figures)),
            "goal": _plain(goal_of(one, workloads[one.workload])),
            "note": one.note,
        }
        for one in figures
    ]


def write_csv(rows: Sequence[Mapping[str, object]], path: Path) -> None:
    """Write rows with the same keys."""
    if not rows:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def markdown(rows: Sequence[Sequence[str]], header: Sequence[str]) -> str:
    """Write a table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def our_table(figures: Sequence[Figure], workloads: Mapping[str, Workload]) -> str:
    """Show our own figures, one workload a line."""
    found = by_key(figures)
    rows = []
    for name, workload in workloads.items():
        ours = {key: found.get((name, OURS, key)) for key in ("cold", "second", "later_sweep")}
        peak = found.get((name, OURS, "peak_memory"))
        cold, call = ours["cold"], found.get((name, OURS, "call"))
        if call is not None:
            row = [f"{name}: {workload.title}", "", "", f"{seconds_text(call.median)} a call", ""]
            rows.append([*row, str(len(call.values))])
        if cold is None:
            continue
        memory = "" if peak is None else f"{peak.median / GB:.2f} GB"
        if not math.isnan(workload.goal_memory):
            memory += f" (goal {workload.goal_memory / GB:g})"
        times = ["" if one is None else seconds_text(one.median) for one in ours.values()]
        rows.append([f"{name}: {workload.title}", *times, memory, str(len(cold.values))])
    header = ["workload", "cold", "second process", "a later sweep", "peak memory", "runs"]
    return markdown(rows, header)


def peer_table(figures: Sequence[Figure], workloads: Mapping[str, Workload]) -> str:
    """Show peers beside us, one workload and peer a line."""
    found, rows = by_key(figures), []
    for (workload, who, name), whole in found.items():
        if name != "whole":
            continue
        cells = [workload, who]
        for figure in (whole, found.get((workload, who, "later_sweep"))):
            if figure is None:
                cells += ["", ""]
                continue
            ratio, goal = over_ours(figure, figures), goal_of(figure, workloads[workload])
            wanted = "" if math.isnan(goal) else f" (goal {goal:.2g})"
            reached = "" if math.isnan(ratio) else f"{ratio:.3g}"
            cells += [seconds_text(figure.median), f"{reached}{wanted}".strip()]
        memory = found[workload, who, "peak_memory"]
        cells += [f"{memory.median / GB:.2f} GB", str(len(whole.values)), whole.note]
        rows.append(cells)
    header = ["workload", "peer", "whole run", "over ours", "a later sweep", "over ours"]
    return markdown(rows, [*header, "peak memory", "runs", "note"])


def efficiency_rows(found: Sequence[Efficiency]) -> list[dict[str, object]]:
    """Give one row per quantity and software."""
    return [
        one._asdict()
        | {
            "effective": _plain(one.effective),
            "seconds_per_sweep": _plain(one.seconds_per_sweep),
            "effective_per_second": _plain(one.per_second),
        }
        for one in found
    ]


def efficiency_table(found: Sequence[Efficiency]) -> str:
    """Show effective draws per second, and ours over each peer's."""
    ours = {(one.workload, one.quantity): one.per_second for one in found if one.who == OURS}
    rows = [
        [
            one.workload,
            one.quantity,
            one.who,
            f"{one.effective:.0f} of {one.draws}",
            f"{one.per_second:.3g}",
            f"{ours[one.workload, one.quantity] / one.per_second:.3g}",
        ]
        for one in found
    ]
    header = ["workload", "quantity", "who", "effective draws", "per second", "ours over it"]
    return markdown(rows, header)


def seconds_text(seconds: float) -> str:
    """Write seconds with three digits, those of small times as milliseconds.

    Examples
    --------
    >>> seconds_text(0.00612), seconds_text(12.34), seconds_text(940.2)
    ('6.12 ms', '12.3 s', '940 s')
    """
    if seconds < 1:
        return f"{_three_digits(seconds * 1000)} ms"
    return f"{_three_digits(seconds)} s"


def _three_digits(number: float) -> str:
    digits = max(2 - math.floor(math.log10(max(abs(number), 0.01))), 0)
    return f"{number:.{digits}f}"


def _plain(number: float) -> object:
    return "" if math.isnan(number) else float(f"{number:.6g}")

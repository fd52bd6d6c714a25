"""Tables of figures."""

import csv
import math

import pytest
from speed.efficiency import Efficiency
from speed.jobs import JOBS
from speed.measuring import Figure
from speed.table import (
    csv_rows,
    efficiency_rows,
    efficiency_table,
    goal_of,
    our_table,
    over_ours,
    peer_table,
    seconds_text,
    write_csv,
)
from speed.workloads import WORKLOADS

FIGURES = [
    Figure("W1", "bayesmice", "cold", (6.0, 5.0, 7.0)),
    Figure("W1", "bayesmice", "second", (2.0, 2.5, 1.5)),
    Figure("W1", "bayesmice", "later_sweep", (0.004, 0.005, 0.003)),
    Figure("W1", "bayesmice", "peak_memory", (5e8, 6e8, 4e8)),
    Figure("W1", "R mice", "whole", (1.0, 3.0), "extrapolated from m=1, 1 sweep"),
    Figure("W1", "R mice", "later_sweep", (0.08, 0.08)),
    Figure("W1", "R mice", "peak_memory", (1e8, 1e8)),
]
W1 = {"W1": WORKLOADS["W1"]}


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_ratios_are_of_medians_to_our_counterpart():
    found = {(one.who, one.name): over_ours(one, FIGURES) for one in FIGURES}
    assert found["R mice", "whole"] == 1.0  # 2 s to 2 s of the second process
    assert found["R mice", "later_sweep"] == pytest.approx(20.0)
    assert found["R mice", "peak_memory"] == pytest.approx(0.2)
    assert math.isnan(found["bayesmice", "cold"])


def test_goals_belong_to_the_peer_that_they_name():
    assert goal_of(FIGURES[4], WORKLOADS["W1"]) == pytest.approx(1 / 1.5)
    assert goal_of(FIGURES[5], WORKLOADS["W1"]) == 5
    other = Figure("W1", "statsmodels", "whole", (1.0,))
    assert math.isnan(goal_of(other, WORKLOADS["W1"]))


def test_our_own_figures_are_a_line_for_each_workload():
    lines = our_table(FIGURES, WORKLOADS).splitlines()
    assert len(lines) == 3
    expected = ["W1: n=1,000, p=5, m=5", "6.00 s", "2.00 s", "4.00 ms", "0.50 GB", "3"]
    assert cells(lines[2]) == expected


def test_a_job_that_is_one_call_has_a_line_too():
    call = Figure("new row", "bayesmice", "call", (0.03, 0.05, 0.04))
    (line,) = our_table([call], JOBS).splitlines()[2:]
    assert cells(line)[3:] == ["40.0 ms a call", "", "3"]


def test_a_peer_is_a_line_with_ratios_goals_and_what_is_extrapolated():
    (line,) = peer_table(FIGURES, WORKLOADS).splitlines()[2:]
    expected = ["W1", "R mice", "2.00 s", "1 (goal 0.67)", "80.0 ms", "20 (goal 5)"]
    assert cells(line) == [*expected, "0.10 GB", "2", "extrapolated from m=1, 1 sweep"]


def test_where_we_have_no_figure_there_is_no_ratio():
    (line,) = peer_table(FIGURES[4:], WORKLOADS).splitlines()[2:]
    assert cells(line)[3] == "(goal 0.67)"
    assert our_table(FIGURES[4:], WORKLOADS).count("\n") == 1


def test_csv_holds_every_figure(tmp_path):
    path = tmp_path / "new" / "latest.csv"
    write_csv(csv_rows(FIGURES, W1), path)
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(FIGURES)
    assert rows[0]["median"] == "6.0"
    assert (rows[0]["least"], rows[0]["most"], rows[0]["runs"]) == ("5.0", "7.0", "3")
    assert rows[0]["over_bayesmice"] == ""
    assert rows[4]["note"] == "extrapolated from m=1, 1 sweep"
    assert float(rows[5]["over_bayesmice"]) == pytest.approx(20)


def test_efficiency_is_told_as_ours_over_theirs():
    found = [
        Efficiency("W1", "bayesmice", "slope", 1_000, 500.0, 0.01),
        Efficiency("W1", "R mice", "slope", 1_000, 800.0, 0.16),
    ]
    lines = efficiency_table(found).splitlines()
    assert cells(lines[2])[3:] == ["500 of 1000", "250", "1"]
    assert cells(lines[3])[3:] == ["800 of 1000", "25", "10"]
    assert efficiency_rows(found)[1]["effective_per_second"] == 25.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.000123, "0.123 ms"),
        (0.99, "990 ms"),
        (9.999, "10.00 s"),
        (12.34, "12.3 s"),
        (1234, "1234 s"),
    ],
)
def test_seconds_are_read_at_a_glance(seconds, text):
    assert seconds_text(seconds) == text

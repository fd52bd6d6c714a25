"""The page of the benchmarks says what they do."""

import math
import re
from pathlib import Path

import pytest
from speed.peers.registry import PEERS
from speed.workloads import WORKLOADS

PAGE = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text(encoding="utf-8")


def rows_of(section: str) -> dict[str, list[str]]:
    """Give the cells of a section's tables by their first cell."""
    text = PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    split = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {first: others for first, *others in split}


@pytest.mark.parametrize("name", WORKLOADS)
def test_the_page_has_each_workload_with_its_goals(name):
    workload = WORKLOADS[name]
    _, m, _, whole, later = rows_of("Workloads")[name]
    assert int(m) == workload.m
    for said, goal in ((whole, workload.goal_whole), (later, workload.goal_later)):
        numbers = re.findall(r"[\d.]+", said)
        if math.isnan(goal):
            assert not numbers
        elif goal < 1:
            assert float(numbers[0]) == pytest.approx(1 / goal)
        else:
            assert float(numbers[0]) == goal


@pytest.mark.parametrize("name", PEERS)
def test_the_page_has_each_peer(name):
    assert name in rows_of("Peers")

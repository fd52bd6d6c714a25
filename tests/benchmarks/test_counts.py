"""Counts that do not depend on the machine, beside those that were committed."""

import json

import counts
import pytest
from speed.counting import SMALL
from speed.grown import gross_changes

BEFORE = {"numbers": {"compiled programs": 30.0, "gradients per visit": 0.0}}


def test_four_times_as_many_are_reported_and_three_times_are_not():
    four = {"numbers": {"compiled programs": 120.0, "gradients per visit": 1.0}}
    (said,) = gross_changes(BEFORE, four)
    assert said == (
        "numbers: compiled programs grew from 30 to 120, which is 4.0 times as much; "
        "3 times are allowed."
    )
    three = {"numbers": {"compiled programs": 90.0, "gradients per visit": 0.0}}
    assert gross_changes(BEFORE, three) == []


def test_a_count_that_was_zero_may_become_one():
    now = {"numbers": {"compiled programs": 30.0, "gradients per visit": 2.0}}
    assert "grew from 0 to 2, which is from nothing" in gross_changes(BEFORE, now)[0]


def test_what_was_never_counted_is_reported():
    other = {"levels": {"compiled programs": 1.0}}
    assert gross_changes(BEFORE, other)[0].startswith("levels: there are no counts of before")


def test_all_small_workloads_have_committed_counts():
    committed = json.loads(counts.COMMITTED.read_text())
    assert set(committed) == set(SMALL) == set(counts.NAMES)
    for numbers in committed.values():
        assert numbers["compiled programs"] > 0
        assert numbers["largest program, bytes"] <= numbers["allocated bytes"]


@pytest.mark.long
def test_nothing_has_grown_grossly(capsys):
    assert counts.main([]) == 0, capsys.readouterr().err


def test_a_planted_change_fails_until_it_is_renewed(tmp_path, capsys, monkeypatch):
    committed = json.loads(counts.COMMITTED.read_text())
    monkeypatch.setattr(counts, "counted", lambda name: committed[name])
    planted = json.loads(counts.COMMITTED.read_text())
    planted["numbers"]["flops"] /= 4
    file = tmp_path / "counts.json"
    file.write_text(json.dumps(planted))
    chosen = ["--only", "numbers", "--file", str(file)]
    assert counts.main(chosen) == 1
    said = capsys.readouterr().err
    assert "numbers: flops grew from" in said
    assert "which is 4.0 times as much" in said
    assert "uv run benchmarks/counts.py --renew" in said
    assert counts.main([*chosen, "--renew"]) == 0
    assert json.loads(file.read_text()) == committed
    assert counts.main(chosen) == 0

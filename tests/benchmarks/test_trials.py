"""A workload by us and by peers: turns, extrapolation, what is skipped."""

import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from speed import trials
from speed.measuring import Measured, measure
from speed.peers import registry
from speed.peers.registry import Peer, PeerMissingError, found_peers, interpreter
from speed.trials import Amounts, WorkloadMissingError, extrapolated, prepare, run_workload
from speed.workloads import WORKLOADS, Effort

# Stands for other software: says what it was asked to do.
ECHO = """
import json, sys
task, *rest = sys.argv[1:]
with open({log!r}, "a") as log:
    log.write(" ".join([task, *rest[1:]]) + "\\n")
if task == "versions":
    print(json.dumps({{"echo": "1.0"}}))
elif task == "later":
    print(json.dumps({{"per_sweep": [2.0 * int(rest[1])]}}))
"""


@pytest.fixture
def log(tmp_path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def echo(log) -> Peer:
    code = ECHO.format(log=str(log))
    return Peer("echo", lambda: [sys.executable, "-c", code], "none")


@pytest.fixture
def us(monkeypatch, log):
    """Stands for our own processes, which take seconds: the tests of peers' turns need none."""
    calls = []

    def run(workload, folder, environment, limit):
        calls.append(environment["JAX_COMPILATION_CACHE_DIR"])
        with log.open("a") as file:
            file.write("ours\n")
        return Measured(10.0, 10.0, 1_000, "")

    def later(workload, folder, environment, limit):
        return [0.5, 0.1, 0.2], Measured(1.0, 1.0, 1_000, ""), 0

    monkeypatch.setattr(trials, "our_run", run)
    monkeypatch.setattr(trials, "our_later_sweeps", later)
    return calls


def workload_with(effort: Effort):
    return replace(WORKLOADS["W1"], peers={"echo": effort})


def quiet(said: str) -> None:
    pass


def figures_of(found):
    return {(one.who, one.name): one for one in found}


def test_ours_and_the_peer_take_turns(tmp_path, echo, us, log):
    found, failed = run_workload(workload_with(Effort()), tmp_path, [echo], Amounts(2), quiet)
    turn = ["ours", "ours", "whole 5 10", "later 5 1 3"]
    assert log.read_text().splitlines() == turn * 2
    figures = figures_of(found)
    assert not failed
    assert figures["bayesmice", "later_sweep"].values == (0.2, 0.2)
    assert figures["echo", "later_sweep"].values == (10.0, 10.0)
    assert figures["echo", "whole"].note == ""
    assert figures["echo", "peak_memory"].median > 1e6


def test_a_cold_start_has_a_cache_of_its_own_and_the_second_process_the_same(tmp_path, us):
    run_workload(workload_with(Effort()), tmp_path, [], Amounts(2), quiet)
    assert us[0] == us[1] != us[2] == us[3]


def test_a_part_is_extrapolated_and_said_to_be(tmp_path, echo, us, log):
    effort = Effort(m=1, sweeps=1, later=(1, 2), most_runs=1)
    found, _ = run_workload(workload_with(effort), tmp_path, [echo], Amounts(3), quiet)
    assert log.read_text().splitlines().count("whole 1 1") == 1
    whole = figures_of(found)["echo", "whole"]
    assert len(whole.values) == 1
    # 49 more sweeps of one imputation at 2 s each, and what the process itself took.
    assert 98 < whole.median < 103
    assert whole.note == "extrapolated from m=1, 1 sweep"
    assert figures_of(found)["echo", "later_sweep"].median == 10.0


def test_extrapolation_of_a_linear_cost_is_exact():
    def cost(m, sweeps):
        return 3.0 + 0.25 * m * sweeps

    per_sweep = (cost(2, 5) - cost(2, 3)) / 2
    assert extrapolated(cost(2, 4), per_sweep, (2, 4), (20, 10)) == pytest.approx(cost(20, 10))


def test_a_peer_that_fails_is_named_and_not_asked_again(tmp_path, us):
    code = "import sys; sys.exit('it has no such dtype')"
    peer = Peer("echo", lambda: [sys.executable, "-c", code], "none")
    found, failed = run_workload(workload_with(Effort()), tmp_path, [peer], Amounts(2), quiet)
    assert failed["echo"].endswith("it has no such dtype")
    assert {one.who for one in found} == {"bayesmice"}


def test_whoever_takes_too_long_is_ended_and_named(tmp_path, log, echo, monkeypatch):
    code = "import time; time.sleep(60)"
    slow = Peer("slow", lambda: [sys.executable, "-S", "-c", code], "none")
    monkeypatch.setattr(trials, "our_run", lambda *_: measure(slow.find(), {}, 0.5))
    chosen = replace(WORKLOADS["W1"], peers={"slow": Effort(), "echo": Effort()})
    found, failed = run_workload(chosen, tmp_path, [slow, echo], Amounts(2, limit=5), quiet)
    assert failed == {
        "bayesmice": "it took longer than 0.5 s",
        "slow": "it took longer than 5 s",
    }
    assert len(figures_of(found)["echo", "whole"].values) == 2


def test_peers_that_are_not_there_are_named_with_why(monkeypatch, echo):
    def find():
        raise PeerMissingError("Rscript was not found")

    broken = Peer("broken", lambda: [sys.executable, "-c", "import nothing_of_this_name"], "none")
    peers = {"echo": echo, "absent": Peer("absent", find, "none"), "broken": broken}
    monkeypatch.setattr(registry, "PEERS", peers)
    found, missing = found_peers(list(peers))
    assert found == {echo: {"echo": "1.0"}}
    assert missing["absent"] == "Rscript was not found"
    assert missing["broken"].endswith("No module named 'nothing_of_this_name'")


def test_without_uv_no_environment_is_made(monkeypatch):
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setattr(registry.shutil, "which", lambda name: None)
    with pytest.raises(PeerMissingError, match="uv was not found"):
        interpreter(Path("any.py"))


def test_a_workload_of_r_needs_r(monkeypatch, tmp_path):
    monkeypatch.setattr(registry.shutil, "which", lambda name: None)
    with pytest.raises(WorkloadMissingError, match="come with R's mice: Rscript was not found"):
        prepare(WORKLOADS["W4"], tmp_path)


@pytest.mark.long
def test_our_processes_tell_times_and_memory(tmp_path):
    small = WORKLOADS["W1"].scaled(0.1)
    small = replace(small, m=2, ours=Effort(later=(5, 8), pairs=2))
    prepare(small, tmp_path)
    found, _ = run_workload(small, tmp_path, [], Amounts(1), quiet)
    figures = figures_of(found)
    assert {name for _, name in figures} == {"cold", "second", "later_sweep", "peak_memory"}
    assert all(math.isfinite(one.median) for one in found)
    assert 1e8 < figures["bayesmice", "peak_memory"].median < 1e10
    assert figures["bayesmice", "cold"].median > 0
    assert json.dumps([one.values for one in found])

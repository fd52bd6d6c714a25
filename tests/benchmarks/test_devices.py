"""Many chains on devices."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
from speed.datafiles import write_data
from speed.devices import (
    Device,
    DeviceMissingError,
    OnDevice,
    cases,
    device_table,
    find_device,
    least_bytes,
    only_cores,
)
from speed.measuring import child_environment
from speed.workloads import with_levels

GPU = Path(__file__).parents[2] / "benchmarks" / "gpu.py"


def test_the_least_that_a_sweep_reads(tmp_path):
    """Four numbers and five indicators of six levels, 100 rows, five visits, three chains."""
    write_data(with_levels(100, 6), tmp_path)
    assert least_bytes(tmp_path, 3) == 8 * 3 * 100 * 9 * 5


def test_workloads_with_many_chains():
    assert [(case.title, case.m) for case in cases(tiny=False)] == [
        ("W2 with n=1,000, m=1,000", 1_000),
        ("W3 with n=10,000, m=200", 200),
        ("W6 with n=1,000,000, m=20", 20),
    ]
    assert {(case.n_rows, case.m) for case in cases(tiny=True)} == {(200, 3)}


def test_a_device_is_set_beside_the_cpu_and_beside_its_memory():
    gpu, cpu = Device("cuda", "H100", 2e12), Device("cpu", "cpu", 2e10)
    found = [OnDevice("W2", gpu, 0.01, 10**9, 0), OnDevice("W2", cpu, 1.0, 10**9, 0)]
    assert found[0].limit == pytest.approx(0.0005)
    first, second = device_table(found).splitlines()[2:]
    assert "| 10.0 ms | 100 | 1 GB | 2,000.0 GB/s | 0.500 ms | 20 |" in first
    assert "| 1.00 s | 1 |" in second


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be chosen here")
def test_runs_on_a_cpu_may_be_kept_to_some_cores():
    before = os.sched_getaffinity(0)
    with only_cores(1):
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before


@pytest.mark.long
def test_a_platform_that_jax_does_not_see_is_refused_in_a_sentence():
    with pytest.raises(DeviceMissingError) as caught:
        find_device("tpu", 2**20)
    said = str(caught.value)
    assert said.startswith("JAX sees no device of the platform 'tpu' here (")
    assert "Install bayesmice[cuda] on a machine with an NVIDIA GPU and its driver" in said


@pytest.mark.long
def test_a_cpu_copies_its_memory_at_a_plausible_speed():
    device = find_device("cpu", 2**24)
    assert 1e8 < device.bytes_per_second < 1e12


@pytest.mark.long
def test_tiny_sizes_go_through_all_parts_on_a_cpu(tmp_path):
    command = [sys.executable, str(GPU), "--sizes", "tiny", "--devices", "cpu"]
    subprocess.run(
        [*command, "--results", str(tmp_path)],
        env=child_environment(),
        check=True,
        capture_output=True,
    )
    with (tmp_path / "gpu.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["workload"][:2] for row in rows] == ["W2", "W3", "W6"]
    assert all(row["platform"] == "cpu" and int(row["peak_bytes"]) > 1e8 for row in rows)
    assert "W6 with n=200, m=3" in (tmp_path / "gpu.md").read_text()

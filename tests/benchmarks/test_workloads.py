"""The workloads are what their titles say."""

from importlib import import_module

import numpy as np
import pytest
from speed.curves import CURVES
from speed.datafiles import described
from speed.peers.registry import PEERS
from speed.workloads import WORKLOADS, correlated, with_curve, with_levels

MADE = {name: workload for name, workload in WORKLOADS.items() if workload.make}
SHAPES = {
    "W1": (5, 0),
    "W2": (20, 5),
    "W3": (20, 5),
    "W5": (100, 0),
    "W6": (10, 0),
    "W7": (10, 0),
    "W8": (5, 0),
    "W9": (11, 0),
}


@pytest.mark.parametrize("name", MADE)
def test_a_fifth_of_every_column_is_missing(name):
    data = MADE[name].make(4_000)
    n_columns, n_binary = SHAPES[name]
    assert data.shape == (4_000, n_columns)
    kinds = [column.kind for column in described(data)]
    assert kinds.count("binary") == n_binary
    # Five standard errors.
    np.testing.assert_allclose(data.isna().mean(), 0.2, atol=5 * np.sqrt(0.16 / 4_000))


def test_numbers_correlate_as_they_should():
    correlations = correlated(40_000, 4).corr().to_numpy()
    np.testing.assert_allclose(correlations[np.triu_indices(4, 1)], 0.5, atol=0.03)


def test_every_level_is_seen():
    data = with_levels(300, 50)
    assert data["region"].dropna().nunique() == 50
    assert described(data)[-1].kind == "nominal"


def test_the_curve_is_no_straight_line():
    data = with_curve(20_000).dropna()
    near, far = data[data["x0"].abs() < 0.5], data[data["x0"] > 1.5]
    slopes = [np.polyfit(part["x0"], part["response"], 1)[0] for part in (near, far)]
    # The derivative of 3 tanh(x) is about 2.8 near zero, and 0.3 where x is about 2.
    assert slopes[0] > 2.3
    assert slopes[1] < 0.7


@pytest.mark.parametrize("name", WORKLOADS)
def test_peers_and_models_are_there(name):
    workload = WORKLOADS[name]
    assert set(workload.peers) <= set(PEERS)
    assert callable(import_module(f"speed.models.{workload.models}").models)
    if not np.isnan(workload.goal_whole):
        assert workload.goal_peer in workload.peers


def test_fewer_rows_are_said_to_be_fewer():
    few = WORKLOADS["W6"].scaled(0.001)
    assert (few.n_rows, few.title) == (1_000, "n=1,000,000, p=10, m=5, cut to 1,000 rows")
    assert WORKLOADS["W1"].scaled(1.0) is WORKLOADS["W1"]


@pytest.mark.parametrize("name", CURVES)
def test_curves_vary_what_they_are_named_after(name):
    curve = CURVES[name]
    smallest, next_one = curve.sizes[:2]
    frames = [curve.make(size) for size in (smallest, next_one)]
    varied = {
        "n": [len(frame) for frame in frames],
        "p": [frame.shape[1] for frame in frames],
        "m": [curve.m(size) for size in (smallest, next_one)],
        "levels": [len(frame["region"].cat.categories) for frame in frames if "region" in frame],
    }
    assert varied[name] == [smallest, next_one]

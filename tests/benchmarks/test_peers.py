"""Every peer that is at hand does its tasks on little data."""

import json

import numpy as np
import pytest
from speed.datafiles import write_data
from speed.efficiency import WATCHABLE
from speed.measuring import child_environment, measure
from speed.peers.registry import PEERS, PeerMissingError
from speed.quantities import QUANTITIES
from speed.workloads import correlated, with_levels

pytestmark = pytest.mark.long
WITH_LEVELS = ("R mice", "R mice default", "miceforest")


def asked(name, task, *arguments):
    return measure(PEERS[name].command(task, *arguments), child_environment()).printed


@pytest.fixture
def peer(request):
    try:
        versions = PEERS[request.param].versions()
    except PeerMissingError as reason:
        pytest.skip(str(reason))
    assert versions
    assert all(versions.values())
    return request.param


@pytest.mark.parametrize("peer", PEERS, indirect=True)
def test_a_peer_imputes_and_tells_what_a_sweep_takes(tmp_path, peer):
    sweeps = (0, 1) if peer == "pm.sample per visit" else (1, 2)
    write_data(correlated(80, 2), tmp_path)
    asked(peer, "whole", tmp_path, 1, 1)
    (per_sweep,) = json.loads(asked(peer, "later", tmp_path, 1, *sweeps))["per_sweep"]
    assert np.isfinite(per_sweep)


@pytest.mark.parametrize("peer", WITH_LEVELS, indirect=True)
def test_a_peer_imputes_levels(tmp_path, peer):
    write_data(with_levels(120, 3, 2), tmp_path)
    asked(peer, "whole", tmp_path, 1, 1)


@pytest.mark.parametrize("peer", WATCHABLE, indirect=True)
def test_chains_are_followed_from_sweep_to_sweep(tmp_path, peer):
    data = correlated(80, 3)
    write_data(data, tmp_path)
    series = json.loads(asked(peer, "series", tmp_path, 2, 4))
    assert tuple(series) == QUANTITIES
    for draws in series.values():
        assert np.shape(draws) == (2, 4)
        # Chains differ, and sweeps too.
        assert len(np.unique(draws)) == 8
    n_missing = data["x0"].isna().sum()
    low, high = data["x0"].min() - 5, data["x0"].max() + 5
    known = data["x0"].sum()
    means = np.array(series["mean of x0"])
    assert ((known + n_missing * low) / 80 < means).all()
    assert (means < (known + n_missing * high) / 80).all()

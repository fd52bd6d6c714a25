"""Runs, analyses and studies on a cluster of Dask give what they give here, bit for bit."""

import os
import random
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import statsmodels.formula.api as smf
from same_runs import assert_same_run
from small_frames import logarithm_of_a_draw, numbers_and_sex

import bayesmice as bm
from bayesmice.cluster import opened, pack
from bayesmice.running.dask_crew import LONGEST, DaskCrew

distributed = pytest.importorskip("distributed")

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def client():
    """Two processes with a thread each."""
    with cluster(2) as connected:
        yield connected


def cluster(n_workers):
    return distributed.Client(
        n_workers=n_workers, threads_per_worker=1, dashboard_address=":0", memory_limit=0
    )


@pytest.fixture(scope="module")
def frame():
    return numbers_and_sex()


def run(frame, client=None, *, m=5, sweeps=6, settings=None, **how):
    mice = bm.MICE(frame, **(settings or {}))
    return mice.mice(m=m, sweeps=sweeps, random_seed=3, progressbar=False, client=client, **how)


def functions_of_a_notebook():
    """Closures and lambdas, which only cloudpickle can send, and priors."""
    width = 2.0

    def y(data):
        slope, sd = pm.Normal("slope", 0, width), pm.HalfNormal("sd", width)
        pm.Normal("y", slope * data["x"], sd, observed=data["y"])

    return {
        "models": {"y": y, "z": bm.Regression("x + y", priors={"x": pm.Normal.dist(0, width)})},
        "passive": {"ratio": lambda columns: columns["y"] / columns["z"]},
        "post": {"z": lambda values, completed: values.clip(18, 22)},
    }


@pytest.mark.parametrize("settings", [{}, {"by": "sex"}, functions_of_a_notebook()], ids=list)
def test_a_cluster_gives_the_same_tree(frame, client, settings, tmp_path):
    here = run(frame, settings=settings)
    path = tmp_path / "run.nc"
    far = run(frame, client, settings=settings, chunk=2, checkpoint=path, every=4)
    assert_same_run(far, here)
    assert_same_run(far.extend(2, progressbar=False), here.extend(2, progressbar=False))
    assert bm.open_imputations(path).tree.attrs["sweeps"] == 6


def test_callbacks_see_every_sweep_and_can_stop_in_the_midst_of_a_block(frame, client):
    def watched(client):
        seen = []

        def callback(info):
            seen.append((info.sweep, info.chains, info.cells["y"].tobytes()))
            if info.sweep == 4:
                info.stop()

        return seen, run(frame, client, sweeps=300, callback=callback)

    (one, here), (two, far) = watched(None), watched(client)
    assert one == two
    assert len(one) == 5
    assert_same_run(far, here)
    assert_same_run(far.extend(1, progressbar=False), here.extend(1, progressbar=False))


def test_a_stopping_rule_decides_alike(frame, client):
    rule = bm.until(rhat=50, min_sweeps=7)
    settings = {"m": 6, "chains": 3, "thin": 2, "sweeps": rule}
    assert_same_run(run(frame, client, **settings), run(frame, **settings))


def test_an_interrupt_keeps_the_sweeps_that_were_told_of(frame, client, monkeypatch):
    honest = DaskCrew.sweep

    def interrupted(self, sweep, before_visit):
        if sweep == 4:
            raise KeyboardInterrupt
        return honest(self, sweep, before_visit)

    monkeypatch.setattr(DaskCrew, "sweep", interrupted)
    with pytest.warns(UserWarning, match="interrupted after 4 of 300 sweeps"):
        stopped = run(frame, client, sweeps=300)
    monkeypatch.undo()
    assert_same_data(stopped, run(frame, sweeps=4))
    assert_same_data(stopped.extend(2, progressbar=False), run(frame, sweeps=6))


def assert_same_data(one, other):
    for left, right in zip(one, other, strict=True):
        pd.testing.assert_frame_equal(left, right, check_exact=True)


def test_chains_recover_on_a_worker_and_are_told_of(client):
    frame, settings = logarithm_of_a_draw()
    here = run(frame, m=4, sweeps=10, settings=settings)
    assert (here.events["code"] == "chain_recovered").any(), "some draws of dose are negative"
    assert_same_run(run(frame, client, m=4, sweeps=10, settings=settings), here)


def test_a_killed_worker_costs_the_block_that_it_was_in_and_nothing_else(frame, tmp_path):
    """Whom and when is drawn anew each time; the visit sequence notes who runs which sweep."""
    log = str(tmp_path / "sweeps.log")

    def noting(sweep, targets):
        with Path(log).open("a") as file:
            file.write(f"{os.getpid()} {sweep}\n")
        time.sleep(0.1)
        return targets

    settings = {"visit_sequence": noting}
    sweeps = 40
    when, killed = random.randint(1, 2 * sweeps - 20), []

    def kill():
        while len(noted := _noted(log)) < when:
            time.sleep(0.01)
        killed.append(random.choice(sorted({pid for pid, _ in noted})))
        os.kill(killed[0], signal.SIGKILL)

    with cluster(2) as client:
        killer = threading.Thread(target=kill)
        killer.start()
        far = run(frame, client, m=4, sweeps=sweeps, settings=settings)
        killer.join()
    noted = [(pid, sweep) for pid, sweep in _noted(log) if pid != os.getpid()]
    times = Counter(sweep for _, sweep in noted)
    again = sorted(sweep for sweep, count in times.items() if count > 2)
    assert set(times) == set(range(sweeps))
    assert all(times[sweep] == (3 if sweep in again else 2) for sweep in range(sweeps))
    if again:
        last = max(sweep for pid, sweep in noted if pid == killed[0])
        assert again == list(range(again[0], last + 1))
        assert len(again) <= LONGEST
    assert_same_run(far, run(frame, m=4, sweeps=sweeps, settings=settings))


def _noted(log: str) -> list[tuple[int, int]]:
    path = Path(log)
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [(int(pid), int(sweep)) for pid, sweep in map(str.split, lines)]


def test_workers_that_die_again_and_again_are_an_error(frame):
    here = os.getpid()

    def deadly(values, completed):
        if os.getpid() != here:
            os._exit(1)
        return values

    with cluster(1) as client:
        client.run_on_scheduler(
            lambda dask_scheduler: setattr(dask_scheduler, "allowed_failures", 0)
        )
        with pytest.raises(bm.SamplingError, match="its workers died one after the other"):
            run(frame, client, settings={"post": {"y": deadly}})


def test_analyses_are_spread_over_workers(frame, client):
    imputations = run(frame, m=4, sweeps=2)

    def analysis(completed):
        if completed["y"].iloc[0] == imputations_of_two:
            raise ValueError("not this one")
        return smf.ols("y ~ x + z", completed).fit().params

    imputations_of_two = imputations.completed(2)["y"].iloc[0]
    with pytest.warns(UserWarning, match="of 1 of 4 imputations failed"):
        here = imputations.analyze(analysis, progressbar=False)
    with pytest.warns(UserWarning, match="of 1 of 4 imputations failed"):
        far = imputations.analyze(analysis, progressbar=False, client=client)
    for one, other in zip(here, far, strict=True):
        if isinstance(one, pd.Series):
            pd.testing.assert_series_equal(one, other, check_exact=True)
        else:
            assert (other.imputation, other.reason) == (2, one.reason)
    fits = imputations.fit("y ~ x", progressbar=False, client=client)
    np.testing.assert_array_equal(
        fits.pool().params, imputations.fit("y ~ x", progressbar=False).pool().params
    )


def test_studies_are_spread_over_workers(client):
    def make(rng):
        x = rng.normal(size=50)
        return pd.DataFrame({"x": x, "y": x + rng.normal(size=50)})

    def ampute(data, rng):
        return data.assign(y=data["y"].mask(rng.random(50) < 0.3))

    def analyze(data):
        return pd.Series({"mean": data["y"].mean()}), np.array([data["y"].var() / 50])

    def study(**how):
        return bm.testing.simulate(
            make,
            ampute,
            analyze,
            {"mean": 0.0},
            replicates=4,
            m=2,
            sweeps=2,
            random_seed=1,
            progressbar=False,
            **how,
        )

    pd.testing.assert_frame_equal(study().table, study(client=client).table, check_exact=True)
    with pytest.raises(bm.SpecificationError, match="workers is 2, processes of this machine"):
        study(client=client, workers=2)


def test_runs_of_the_same_families_share_programs_on_a_worker(frame):
    """A worker opens a parcel as this process does here."""
    mice = bm.MICE(frame)
    problems = [opened(pack(mice._problem, "The run")) for _ in range(2)]
    for name in ("y", "z"):
        here, one, other = (
            problem.groups[0].specification.target(name).program
            for problem in (mice._problem, *problems)
        )
        assert here is one is other


def test_what_is_no_client_or_cannot_be_sent_is_said(frame, client):
    with pytest.raises(bm.SpecificationError, match="client is 4; expected a client of Dask"):
        run(frame, 4)
    lock = threading.Lock()

    def y(values, completed):
        with lock:
            return values

    with pytest.raises(bm.SpecificationError, match="The run cannot be sent to the workers"):
        run(frame, client, settings={"post": {"y": y}})
    imputations = run(frame, m=2, sweeps=1)
    with pytest.raises(bm.SpecificationError, match="client is 'here'; expected a client"):
        imputations.analyze(len, client="here", progressbar=False)
    with pytest.raises(bm.SpecificationError, match="workers is 2, processes of this machine"):
        imputations.analyze(len, client=client, workers=2, progressbar=False)
    closed = distributed.Client(client.scheduler.address)
    closed.close()
    with pytest.raises(bm.SpecificationError, match="client is closed; expected one that is"):
        run(frame, closed)

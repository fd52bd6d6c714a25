"""Runs that go on: extended, with more chains, from a file, in another process; draw for draw."""

import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr

import bayesmice as bm
from bayesmice.kernels.programs import ModelProgram

pytestmark = pytest.mark.long

COMPARED = ("/imputations", "/sweep_stats", "/conditionals")


def assert_same_run(one, other):
    """Every draw, statistic and imputed cell, bit for bit."""
    assert one.tree.groups == other.tree.groups
    for path in one.tree.groups:
        if path.startswith(COMPARED):
            xr.testing.assert_identical(one.tree[path].to_dataset(), other.tree[path].to_dataset())
    for left, right in zip(one, other, strict=True):
        pd.testing.assert_frame_equal(left, right, check_exact=True)


def run(mice, m=2, sweeps=None, **settings):
    return mice.mice(m=m, sweeps=sweeps, random_seed=3, progressbar=False, **settings)


def test_an_extended_run_is_a_longer_run(numbers):
    mice = bm.MICE(numbers)
    extended = run(mice, sweeps=3).extend(2, progressbar=False).extend(1, progressbar=False)
    assert_same_run(extended, run(mice, sweeps=6))
    assert extended.tree.attrs["sweeps"] == 6
    assert extended.tree["imputations"]["imputation_sweep"].to_numpy().tolist() == [5, 5]


def test_more_chains_are_those_of_a_run_with_a_larger_m(numbers):
    mice = bm.MICE(numbers)
    more = run(mice, m=2, sweeps=4).more(3, progressbar=False)
    assert_same_run(more, run(mice, m=5, sweeps=4))
    again = run(mice, m=2, sweeps=2).more(1, progressbar=False).extend(2, progressbar=False)
    assert_same_run(again.more(2, progressbar=False), run(mice, m=5, sweeps=4))


def test_a_thinned_run_goes_on_by_multiples_of_its_distance(numbers):
    mice = bm.MICE(numbers)
    short = run(mice, m=5, chains=2, thin=2, burn_in=1)
    assert short.tree["imputations"]["imputation_chain"].to_numpy().tolist() == [0, 1, 0, 1, 0]
    assert short.tree["imputations"]["imputation_sweep"].to_numpy().tolist() == [2, 2, 4, 4, 6]
    long = run(mice, m=5, chains=2, thin=2, burn_in=5)
    assert_same_run(short.extend(4, progressbar=False), long)
    with pytest.raises(bm.SpecificationError, match="Extend by a multiple of 2"):
        short.extend(3, progressbar=False)


def test_imputations_of_one_chain_are_its_states_at_their_sweeps(numbers):
    """A chain's state is at hand: sd and mean of the cells of its sweep are recorded."""
    thinned = run(bm.MICE(numbers), m=6, chains=2, thin=3, burn_in=2)
    for name in ("y", "z"):
        cells = thinned.tree["imputations"][name]
        for i in range(6):
            chain, sweep = (
                int(cells[f"imputation_{what}"][i].item()) for what in ("chain", "sweep")
            )
            moments = thinned.tree["sweep_stats"][name].sel(chain=chain, draw=sweep).to_numpy()
            drawn = cells[i].to_numpy()
            np.testing.assert_allclose(moments, [drawn.mean(), drawn.std(ddof=1)], rtol=1e-12)


@pytest.mark.parametrize("suffix", ["nc", "zarr"])
def test_a_run_goes_on_from_a_file(numbers, tmp_path, suffix):
    mice = bm.MICE(numbers)
    short = run(mice, m=4, chains=2, thin=2, burn_in=1)
    path = tmp_path / f"run.{suffix}"
    (short.to_zarr if suffix == "zarr" else short.to_netcdf)(path)
    opened = bm.open_imputations(path)
    assert_same_run(opened, short)
    opened.extend(2, progressbar=False)
    assert_same_run(opened, run(mice, m=4, chains=2, thin=2, burn_in=3))
    # and once more, through the other kind of file
    other = tmp_path / ("again.nc" if suffix == "zarr" else "again.zarr")
    (opened.to_netcdf if suffix == "zarr" else opened.to_zarr)(other)
    again = bm.open_imputations(other).extend(2, progressbar=False)
    assert_same_run(again, run(mice, m=4, chains=2, thin=2, burn_in=5))


def test_a_run_goes_on_in_another_process(numbers, tmp_path):
    path, extended = tmp_path / "run.nc", tmp_path / "extended.nc"
    mice = bm.MICE(numbers)
    run(mice, sweeps=3).to_netcdf(path)
    program = f"""
        import bayesmice as bm
        imputations = bm.open_imputations({str(path)!r})
        imputations.extend(2, progressbar=False).more(1, progressbar=False)
        imputations.to_netcdf({str(extended)!r})
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)
    assert_same_run(bm.open_imputations(extended), run(mice, m=3, sweeps=5))


def every_kind_of_model():
    def flat(data):
        mean = pm.Normal("mean", 0, 10)
        pm.Normal("y", mean + 0.5 * data["x"], pm.HalfNormal("sd", 2), observed=data["y"])

    return {
        "y": flat,
        "kind": bm.Regression("x + y", priors={"coefficients": pm.Normal.dist(0, 1)}),
        "count": bm.Regression(draw=bm.PMM(3), formula="x + bs(y, df=4)"),
    }


@pytest.fixture(scope="module")
def mixed():
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"x": rng.normal(size=24), "y": rng.normal(size=24)})
    frame["kind"] = np.resize(["a", "b", "c"], 24)
    frame["count"] = pd.array(rng.poisson(3, 24), dtype="Int64")
    frame.loc[0:3, "y"] = None
    frame.loc[2:6, "kind"] = None
    frame.loc[8:10, "count"] = None
    return frame


def test_functions_and_priors_are_given_again(mixed, tmp_path):
    def clipped(values, data):
        return values.clip(-2, 2)

    models = every_kind_of_model()
    passive = {"total": lambda data: data["x"] + data["y"]}

    def mice():
        return bm.MICE(mixed, models, passive=passive, post={"y": clipped})

    run(mice(), sweeps=3).to_netcdf(tmp_path / "run.nc")
    opened = bm.open_imputations(tmp_path / "run.nc")
    assert opened.completed(0).notna().all().all()
    with pytest.raises(bm.StoreError) as caught:
        opened.extend(2, progressbar=False)
    for needed in ("models={'y': ...}", "models={'kind': ...}", "passive=", "post={'y': ...}"):
        assert needed in str(caught.value)
    assert "'count'" not in str(caught.value), "a plain regression is kept in the file"
    given = bm.open_imputations(
        tmp_path / "run.nc", models=models, passive=passive, post={"y": clipped}
    )
    assert_same_run(given.extend(2, progressbar=False), run(mice(), sweeps=5))


def test_models_that_differ_from_those_of_the_file_are_refused(mixed, tmp_path):
    model = {"y": bm.Regression(priors={"sigma": pm.HalfNormal.dist(3)})}
    run(bm.MICE(mixed, model), sweeps=2).to_netcdf(tmp_path / "run.nc")
    other = {"y": bm.Regression(priors={"sigma": pm.HalfNormal.dist(4)})}
    opened = bm.open_imputations(tmp_path / "run.nc", models=other)
    with pytest.raises(bm.StoreError, match="The model for 'y' is not the one of the file"):
        opened.extend(1, progressbar=False)


def test_chains_of_pymcs_own_steps_go_on_from_a_file(tmp_path):
    """Gibbs and Metropolis steps of discrete parameters, and NUTS, keep what they adapted."""

    def mixture(data):
        p = pm.Beta("p", 2, 2)
        is_high = pm.Bernoulli("is_high", p)
        shift = pm.Poisson("shift", 2)
        pm.Normal("y", 3.0 * is_high + 0.1 * shift, 1, observed=data["y"])

    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x": rng.normal(size=24), "y": 3 + rng.normal(size=24)})
    frame.loc[:3, "y"] = None
    models = {"y": mixture}
    run(bm.MICE(frame, models), sweeps=2).to_netcdf(tmp_path / "run.nc")
    opened = bm.open_imputations(tmp_path / "run.nc", models=models)
    assert_same_run(opened.extend(2, progressbar=False), run(bm.MICE(frame, models), sweeps=4))


def test_a_single_incomplete_column_has_all_of_its_visits_in_one_sweep(numbers):
    mice = bm.MICE(numbers[["x", "y"]])
    lone = run(mice)
    assert lone.tree.attrs["sweeps"] == 1
    longer = run(mice, sweeps=10)
    assert longer.tree.attrs["sweeps"] == 10
    # The first visit of both is one and the same, and the later ones differ in their keys only.
    assert lone.completed(0).notna().all().all()
    assert not lone.completed(0).equals(lone.completed(1))


def test_imputations_made_from_a_tree_alone_cannot_go_on(numbers, imputations):
    alone = bm.Imputations(imputations.tree, imputations._store)
    with pytest.raises(bm.NotRunError, match="extend needs the run behind the imputations"):
        alone.extend(2)


@pytest.mark.parametrize("value", [0, -1, 1.5, True, None])
def test_how_much_to_add_is_a_count(imputations, value):
    with pytest.raises(bm.SpecificationError, match="expected a whole number of at least 1"):
        imputations.extend(value)
    with pytest.raises(bm.SpecificationError, match="expected a whole number of at least 1"):
        imputations.more(value)


def test_cells_rows_limits_and_orders_come_back_from_a_file(numbers, tmp_path):
    """Everything that can be said of a run without a function, and a run that goes on with it."""
    frame = numbers.assign(kind=np.resize(["a", "b", "c"], 24), weight=np.linspace(0.5, 2, 24))
    frame.loc[12:15, "kind"] = None
    where = frame.isna()
    where.loc[20:21, "z"] = True
    where.loc[0, "y"] = False
    settings = {
        "where": where,
        "ignore": np.arange(24) == 19,
        "weights": "weight",
        "bounds": {"z": (0, None)},
        "predictors": {"y": ["x", "kind"]},
        "passive": {"sum": "y + z"},
        "visit_sequence": "random",
    }
    models = {"y": bm.Regression(family="t", draw=bm.PMM(3), kernel="hmc")}
    mice = bm.MICE(frame, models, **settings)
    short = run(mice, sweeps=3)
    short.to_zarr(tmp_path / "run.zarr")
    opened = bm.open_imputations(tmp_path / "run.zarr")
    assert_same_run(opened, short)
    pd.testing.assert_frame_equal(opened.events, short.events)
    assert_same_run(opened.extend(2, progressbar=False), run(mice, sweeps=5))
    assert opened.completed(0).isna().sum().to_dict() == {"y": 1} | dict.fromkeys(
        ["x", "z", "kind", "weight", "sum"], 0
    )


def test_limits_come_back_from_a_file(numbers, tmp_path):
    limits = {"y": (None, np.where(np.arange(24) < 2, -0.5, np.nan))}
    mice = bm.MICE(numbers, limits=limits)
    run(mice, sweeps=2).to_netcdf(tmp_path / "run.nc")
    opened = bm.open_imputations(tmp_path / "run.nc").extend(2, progressbar=False)
    assert_same_run(opened, run(mice, sweeps=4))
    assert all((completed.loc[:1, "y"] <= -0.5).all() for completed in opened)


def test_every_visit_has_random_numbers_of_its_own(numbers, monkeypatch):
    """Sweeps, targets, and repeated visits to one target within a sweep."""
    honest, seen = ModelProgram.visit, []

    def visit(self, moment, *rest):
        seen.append((int(moment.sweep), int(moment.target)))
        return honest(self, moment, *rest)

    monkeypatch.setattr(ModelProgram, "visit", visit)
    run(bm.MICE(numbers, visit_sequence=["y", "z", "y", "y", "z"]), sweeps=2)
    run(bm.MICE(numbers[["x", "y"]]))
    assert len(seen) == 2 * 5 + 10
    assert len(set(seen[:10])) == 10
    assert len(set(seen[10:])) == 10


def positive(values, data):
    """Change drawn values."""
    return values.abs()


def squared(data):
    """Compute a column."""
    return data["y"] ** 2


def test_a_pickle_goes_on_as_if_nothing_had_happened(numbers):
    mice = bm.MICE(
        numbers,
        {"y": bm.Regression(priors={"x": pm.Normal.dist(0, 1)})},
        passive={"square": squared, "sum": "x + y"},
        post={"z": positive},
    )
    imputations = run(mice, sweeps=4)
    for before in (imputations, pickle.loads(pickle.dumps(imputations))):
        again = pickle.loads(pickle.dumps(before))
        assert_same_run(again, run(mice, sweeps=4))
        assert_same_run(again.extend(2, progressbar=False), run(mice, sweeps=6))

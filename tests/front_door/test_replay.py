"""Groups that are added on request: what they hold, and that replaying changes nothing."""

import json
import re
import warnings

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from pymc.stats import compute_log_likelihood
from scipy import stats

import bayesmice as bm
from bayesmice.events import Event, Severity

pytestmark = pytest.mark.long

N, M, SWEEPS = 24, 2, 20
MISSING = {"y": slice(0, 3), "flag": slice(4, 7), "stage": slice(8, 11), "count": slice(12, 15)}


def poisson(data):
    a, b = pm.Normal("a", 0, 2), pm.Normal("b", 0, 1)
    rate = pm.Deterministic("rate", pm.math.exp(a + b * data["x"]))  # by row, so it is not kept
    pm.Poisson("count", rate, observed=data["count"])


MODELS = {"count": bm.Custom(poisson, inner_steps=1)}


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(4)
    x = rng.normal(size=N)
    data = pd.DataFrame({"x": x, "y": 3 + x + rng.normal(size=N)})
    data["flag"] = pd.array(rng.normal(size=N) < x, dtype="boolean")
    stage = pd.cut(x + rng.normal(size=N), [-9, -0.7, 0.7, 9], labels=["I", "II", "III"])
    data["stage"], data["count"] = stage, pd.array(rng.poisson(3, N), dtype="Int64")
    for name, rows in MISSING.items():
        data.iloc[rows, data.columns.get_loc(name)] = None
    return data


def impute(frame, sweeps=SWEEPS, models=MODELS, m=M, **settings):
    mice = bm.MICE(frame, models, **settings)
    return mice, mice.mice(m=m, sweeps=sweeps, random_seed=3, progressbar=False)


@pytest.fixture(scope="module")
def alone(frame):
    """Every model reads the complete column only, so that its predictors are known."""
    mice, imputations = impute(frame, predictors={name: ["x"] for name in MISSING})
    before = imputations.tree.copy(deep=True)
    imputations.add_log_likelihood(progressbar=False)
    imputations.add_posterior_predictive("y", "count", progressbar=False)
    imputations.add_log_prior().add_prior("y", draws=50, random_seed=1)
    return mice, imputations, before


def likelihood_of_pymc(model, tree):
    """What PyMC computes at the same draws, in the observed rows."""
    draws = compute_log_likelihood(
        tree, model=model, extend_inferencedata=False, progressbar=False,
        compile_kwargs={"mode": "FAST_COMPILE"},
    )  # fmt: skip
    (values,) = draws.data_vars.values()
    return values.to_numpy()


@pytest.mark.parametrize("name", MISSING)
def test_log_likelihoods_are_those_of_pymc_at_the_same_draws(frame, alone, name):
    mice, imputations, _ = alone
    group = imputations.tree[f"conditionals/{name}/log_likelihood"]
    assert group[name].dims == ("chain", "draw", "row")
    assert group[name].shape == (M, SWEEPS, N - 3)
    np.testing.assert_array_equal(group["row"], np.flatnonzero(frame[name].notna()))
    expected = likelihood_of_pymc(mice.model(name), imputations.tree[f"conditionals/{name}"])
    np.testing.assert_allclose(group[name], expected, rtol=1e-9, atol=1e-12)


def test_log_likelihoods_of_a_gaussian_are_those_of_scipy(frame, alone):
    conditional = alone[1].tree["conditionals/y"]
    draws, rows = conditional["posterior"], conditional["log_likelihood"]["row"].to_numpy()
    mean = draws["Intercept"] + draws["coefficients"].isel(predictor=0) * xr.DataArray(
        frame["x"][rows], dims="row"
    )
    expected = stats.norm.logpdf(
        frame["y"][rows], mean.transpose("chain", "draw", "row"), draws["sigma"].values[..., None]
    )
    np.testing.assert_allclose(conditional["log_likelihood"]["y"], expected, rtol=1e-10)


@pytest.mark.parametrize("name", MISSING)
def test_log_priors_are_those_of_pymc_by_parameter(alone, name):
    mice, imputations, _ = alone
    conditional = imputations.tree[f"conditionals/{name}"]
    model = mice.model(name)
    assert set(conditional["log_prior"].data_vars) == {v.name for v in model.free_RVs}
    if name == "count":
        draws, found = conditional["posterior"], conditional["log_prior"]
        np.testing.assert_allclose(found["a"], stats.norm.logpdf(draws["a"], 0, 2))
        np.testing.assert_allclose(found["b"], stats.norm.logpdf(draws["b"], 0, 1))
    else:
        own = conditional["posterior"].data_vars
        for parameter, values in conditional["log_prior"].data_vars.items():
            assert values.shape == own[parameter].shape


def total(group):
    """Sum over everything but chains and sweeps."""
    return sum(values.sum([d for d in values.dims if d not in ("chain", "draw")])
               for values in group.data_vars.values())  # fmt: skip


@pytest.fixture(scope="module")
def together(frame):
    """Every model reads all columns, of which most were completed; rows count differently."""
    settings = {"weights": np.linspace(0.5, 2, N), "ignore": np.arange(N) == 19}
    own = {"flag": bm.Regression(priors={"coefficients": pm.Normal.dist(0, 1)})}
    _, imputations = impute(frame, 4, MODELS | own, **settings)
    return imputations.add_log_likelihood("flag", progressbar=False).add_log_prior("flag")


def test_rows_and_priors_make_up_the_density_that_was_sampled(together):
    """None of the parameters is transformed. The predictors are those of the sweep.

    A model with priors of its own shares no program, in which unused coefficients have priors too.
    """
    conditional = together.tree["conditionals/flag"]
    made = total(conditional["log_likelihood"]) + total(conditional["log_prior"])
    np.testing.assert_allclose(conditional["sample_stats"]["lp"], made, rtol=1e-10)


def test_rows_say_their_weights_and_ignored_ones_are_left_out(together):
    rows = together.tree["conditionals/flag/log_likelihood"]
    assert 19 not in rows["row"]
    assert rows.sizes["row"] == N - 4
    np.testing.assert_allclose(rows["row_weight"], np.linspace(0.5, 2, N)[rows["row"]])


def test_an_event_that_is_noted_leaves_added_groups_in_the_tree(together):
    together.note(Event(Severity.INFO, "noted", "Something."))
    assert "noted" in set(together.events["code"])
    assert "log_likelihood" in together.tree["conditionals/flag"].children


def test_a_replay_adds_groups_and_changes_no_other(frame, alone):
    _, imputations, before = alone
    for node in before.subtree:
        same = imputations.tree[node.path].to_dataset(inherit=False)
        xr.testing.assert_identical(same, node.to_dataset(inherit=False))
    extra = set(imputations.tree["conditionals/y"].children) - {"posterior", "sample_stats"}
    assert extra == {
        "log_likelihood", "log_prior", "observed_data", "posterior_predictive", "prior",
        "prior_predictive",
    }  # fmt: skip


def test_a_run_goes_on_after_a_replay_as_if_there_had_been_none(frame):
    numbers = frame[["x", "y"]]
    _, short = impute(numbers, sweeps=2, models=None)
    short.add_log_likelihood("y", progressbar=False)
    short.extend(2, progressbar=False)
    _, long = impute(numbers, sweeps=4, models=None)
    for one, other in zip(short, long, strict=True):
        pd.testing.assert_frame_equal(one, other)
    assert "log_likelihood" not in short.tree["conditionals/y"].children
    short.more(2, progressbar=False).add_log_likelihood("y", progressbar=False)
    assert short.tree["conditionals/y/log_likelihood"].sizes["chain"] == 4


def test_predictive_draws_are_spread_as_their_likelihood_says(frame, alone):
    conditional = alone[1].tree["conditionals/y"]
    draws, drawn = conditional["posterior"], conditional["posterior_predictive"]["y"]
    x = xr.DataArray(frame["x"][drawn["row"].to_numpy()], dims="row")
    mean = draws["Intercept"] + draws["coefficients"].isel(predictor=0) * x
    standard = ((drawn - mean) / draws["sigma"]).to_numpy().ravel()
    assert len(standard) == M * SWEEPS * (N - 3)
    assert len(np.unique(standard.round(9))) == len(standard)
    assert stats.kstest(standard, "norm").pvalue > 1e-4
    counts = alone[1].tree["conditionals/count/posterior_predictive"]["count"].to_numpy()
    assert (counts == counts.round()).all()
    assert (counts >= 0).all()


def test_observed_data_stand_beside_predictive_draws(frame, alone):
    observed = alone[1].tree["conditionals/y/observed_data"]
    np.testing.assert_array_equal(observed["y"], frame["y"].dropna())
    for group in ("posterior_predictive", "prior_predictive", "log_likelihood"):
        np.testing.assert_array_equal(
            alone[1].tree[f"conditionals/y/{group}"]["row"], observed["row"]
        )


def test_prior_draws_are_those_that_mice_gives(alone):
    mice, imputations, _ = alone
    tree = mice.prior_predictive("y", draws=50, random_seed=1)
    for group in ("prior", "prior_predictive", "observed_data"):
        xr.testing.assert_identical(
            imputations.tree[f"conditionals/y/{group}"].to_dataset(), tree[group].to_dataset()
        )


def plot_ppc_dist(tree):
    return az.plot_ppc_dist(tree, num_samples=M * SWEEPS)


READERS = (az.summary, az.rhat, az.ess, az.psense_summary, az.loo, az.plot_trace, az.plot_rank,
           plot_ppc_dist, az.plot_loo_pit)  # fmt: skip


@pytest.mark.parametrize("read", READERS, ids=lambda function: function.__name__)
@pytest.mark.parametrize("name", ["y", "count"])
def test_arviz_reads_a_conditional_model_with_all_of_its_groups(alone, name, read):
    with warnings.catch_warnings():
        # Forty draws are few for Pareto tails.
        warnings.filterwarnings("ignore", "Estimated shape parameter of Pareto", UserWarning)
        found = read(alone[1].tree[f"conditionals/{name}"])
    assert found is not None
    plt.close("all")


def test_groups_come_back_from_a_file_and_are_added_there(frame, alone, tmp_path):
    _, imputations, before = alone
    imputations.to_netcdf(tmp_path / "run.nc")
    xr.testing.assert_identical(bm.open_imputations(tmp_path / "run.nc").tree, imputations.tree)
    bm.Imputations(before, imputations._store).to_netcdf(tmp_path / "bare.nc")
    bare = bm.open_imputations(tmp_path / "bare.nc", models=MODELS)
    bare.add_log_likelihood("count", progressbar=False)
    xr.testing.assert_identical(
        bare.tree["conditionals/count/log_likelihood"].to_dataset(),
        imputations.tree["conditionals/count/log_likelihood"].to_dataset(),
    )
    unknown = bm.open_imputations(tmp_path / "bare.nc")
    with pytest.raises(bm.StoreError, match=re.escape("models={'count': ...}")):
        unknown.add_log_likelihood("y", progressbar=False)


def test_a_run_that_cannot_be_reproduced_is_not_replayed(frame, alone):
    generator = np.random.default_rng(1)

    def jitter(values, data):
        return values + generator.normal(size=len(values))

    _, imputations = impute(frame, sweeps=3, post={"y": jitter})
    with pytest.raises(bm.StoreError, match="The run cannot be replayed: in sweep 0 of chain 0"):
        imputations.add_log_likelihood("flag", progressbar=False)
    assert "log_likelihood" not in imputations.tree["conditionals/flag"].children
    tree = alone[2].copy(deep=True)
    tree["conditionals/y/posterior"]["sigma"][1, 2] += 1e-15
    changed = bm.Imputations(tree, alone[1]._store, alone[1]._continuation)
    with pytest.raises(bm.StoreError, match="in sweep 2 of chain 1 the parameter 'sigma' of 'y'"):
        changed.add_log_likelihood("count", progressbar=False)


def test_models_are_found_by_their_names_in_the_tree(alone):
    imputations = alone[1]
    with pytest.raises(
        bm.SpecificationError, match=r"no conditional model 'x' in the tree\. Models: y"
    ):
        imputations.add_log_likelihood("x", progressbar=False)
    with pytest.raises(bm.NotRunError, match="add_log_likelihood needs the run behind"):
        bm.Imputations(imputations.tree, imputations._store).add_log_likelihood("y")
    with pytest.raises(bm.SpecificationError, match="draws is 0; expected a whole number"):
        imputations.add_prior("y", draws=0)


def test_cells_with_limits_count_by_the_probability_of_these(frame):
    limits = {"y": (None, np.where(np.arange(N) < 2, 2.0, np.nan))}
    _, imputations = impute(frame[["x", "y"]], sweeps=2, models=None, limits=limits)
    imputations.add_log_likelihood("y", progressbar=False)
    conditional = imputations.tree["conditionals/y"]
    draws, rows = conditional["posterior"], conditional["log_likelihood"]["y"]
    assert rows["row"].to_numpy().tolist() == [0, 1, *range(3, N)]
    assert conditional["observed_data"]["row"].to_numpy().tolist() == list(range(3, N))
    for row in (0, 1):
        mean = draws["Intercept"] + draws["coefficients"].isel(predictor=0) * frame["x"][row]
        expected = stats.norm.logcdf(2.0, mean, draws["sigma"])
        np.testing.assert_allclose(rows.sel(row=row), expected, rtol=1e-9)


def test_groups_of_rows_and_blocks_have_rows_of_their_own(frame):
    def block(data):
        b = pm.Normal("b", 0, 3, shape=2)
        pm.Normal("y", b[0], 1, observed=data["y"])
        pm.Normal("z", b[1], 1, observed=data["z"])

    data = frame[["x", "y"]].assign(sex=np.resize(["m", "f"], N), z=frame["x"] ** 2)
    data.iloc[5:7, 3] = None
    _, imputations = impute(data, sweeps=1, models={("y", "z"): block}, m=1, by="sex")
    imputations.add_log_likelihood("z[sex=f]", progressbar=False).add_prior("z[sex=f]", draws=3)
    conditional = imputations.tree["conditionals/y+z[sex=f]"]
    odd = [*range(7, N, 2)]
    rows = {"y": [3, 5, *odd], "z": [1, 3, *odd]}
    for position, name in enumerate(("y", "z")):
        found = conditional["log_likelihood"][name]
        assert found[f"{name}_row"].to_numpy().tolist() == rows[name]
        mean = conditional["posterior"]["b"].to_numpy()[0, 0, position]
        expected = stats.norm.logpdf(data[name][rows[name]], mean, 1)
        np.testing.assert_allclose(found[0, 0], expected, rtol=1e-10)
        assert conditional["observed_data"][f"{name}_row"].to_numpy().tolist() == rows[name]
    assert "log_likelihood" not in imputations.tree["conditionals/y+z[sex=m]"].children


def test_models_of_pymcs_own_steps_are_replayed_too(frame):
    def mixture(data):
        is_high = pm.Bernoulli("is_high", 0.5)
        pm.Normal("y", 2.0 + 2.0 * is_high + data["x"], 1, observed=data["y"])

    _, imputations = impute(frame[["x", "y"]], sweeps=2, models={"y": mixture}, m=1)
    imputations.add_log_likelihood(progressbar=False)
    imputations.add_posterior_predictive(progressbar=False)
    conditional = imputations.tree["conditionals/y"]
    known = frame.dropna(subset="y")
    for sweep, is_high in enumerate(conditional["posterior"]["is_high"].to_numpy()[0]):
        mean = 2.0 + 2.0 * is_high + known["x"]
        found = conditional["log_likelihood"]["y"].to_numpy()[0, sweep]
        np.testing.assert_allclose(found, stats.norm.logpdf(known["y"], mean, 1), rtol=1e-10)
        drawn = conditional["posterior_predictive"]["y"].to_numpy()[0, sweep]
        assert stats.kstest(drawn - mean, "norm").pvalue > 1e-4


def test_specifications_are_still_those_of_the_run(alone):
    assert set(json.loads(alone[1].tree.attrs["specification"])) == {"x", *MISSING}

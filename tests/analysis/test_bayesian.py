"""Posteriors of completed data sets: contract of the model, tree, pooling, Bambi, warnings."""

import warnings

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr

import bayesmice as bm
from bayesmice.analysis.bayesian import sample_posteriors
from bayesmice.analysis.convergence import (
    convergence_within,
    posterior_convergence,
    warn_unconverged,
)
from bayesmice.errors import (
    ColumnNotFoundError,
    DataError,
    DataTypeError,
    ModelError,
    SamplingError,
    SpecificationError,
)
from bayesmice.pooling.posterior import pool_posterior
from bayesmice.pooling.rubin import pool_rubin

N, M = 40, 4
QUICK = {"draws": 100, "tune": 100, "chains": 2, "random_seed": 3}


def completed(imputation, n=N):
    """Complete one data set: observed cells are the same in all of them."""
    rng = np.random.default_rng(1)
    x, e = rng.normal(size=(2, n))
    g = pd.Categorical(rng.choice(["low", "mid", "high"], n), ["low", "mid", "high"], ordered=True)
    frame = pd.DataFrame({"x": x, "g": g, "treated": rng.choice(["no", "yes"], n)})
    frame["y"] = 1 + 2 * x + e
    own = np.random.default_rng(100 + imputation)
    frame.loc[: n // 4, "x"] = own.normal(size=n // 4 + 1)
    return frame


FRAMES = [completed(imputation) for imputation in range(M)]


def flat_regression(data):
    """Regress with a flat prior of the coefficients and of sigma."""
    b = pm.Flat("b", shape=2)
    sigma = pm.HalfFlat("sigma", default_transform=pm.distributions.transforms.log)
    pm.Normal("y", b[0] + b[1] * data["x"], sigma, observed=data["y"])


def flat_posterior(frame):
    """Mean and covariance of the coefficients: multivariate t with n - 3 degrees of freedom.

    With a flat prior of sigma, sigma^2 is scaled inverse chi squared with n - 3 of them, which
    makes the covariance RSS / (n - 5) (X'X)^-1.
    """
    x = np.column_stack([np.ones(len(frame)), frame["x"]])
    inverse = np.linalg.inv(x.T @ x)
    mean = inverse @ x.T @ frame["y"].to_numpy()
    rss = ((frame["y"].to_numpy() - x @ mean) ** 2).sum()
    return mean, rss / (len(frame) - 2 - 3) * inverse


@pytest.fixture(scope="module")
def flat():
    return sample_posteriors(FRAMES, flat_regression, draws=1000, tune=500, random_seed=5)


def test_tree_has_a_posterior_for_every_imputation(flat):
    assert dict(flat["posterior"].sizes) == {
        "imputation": 4,
        "chain": 4,
        "draw": 1000,
        "b_dim_0": 2,
    }
    assert set(flat["sample_stats"].data_vars) == {
        "acceptance_rate",
        "diverging",
        "energy",
        "lp",
        "n_steps",
        "step_size",
        "tree_depth",
    }
    np.testing.assert_array_equal(flat["observed_data"]["y"], FRAMES[0]["y"])
    assert flat.attrs["programs_compiled"] == 1
    assert flat.attrs["sampler"] == "blackjax"
    assert flat.attrs["random_seed"] == "5"


def test_pooled_posteriors_of_a_flat_regression_are_pooled_closed_forms(flat):
    """Six Monte Carlo errors: one false alarm in 5e8 for each of the six numbers."""
    expected = [flat_posterior(frame) for frame in FRAMES]
    pairs = pool_posterior(flat, var_names="b")
    ess = posterior_convergence(flat)["ess_bulk"].min()
    for (mean, covariance), (exact, exact_covariance) in zip(pairs, expected, strict=True):
        sd = np.sqrt(np.diag(exact_covariance))
        np.testing.assert_allclose((mean - exact) / sd, 0, atol=6 / np.sqrt(ess))
        # The relative error of a variance is sqrt(2 / ess); heavier tails make it a bit larger.
        ratio = np.diag(covariance) / np.diag(exact_covariance)
        np.testing.assert_allclose(ratio, 1, atol=6 * np.sqrt(2.5 / ess))
    pooled, exact = bm.pool(pairs), bm.pool(expected)
    error = 6 * np.sqrt(np.diag(expected[0][1]) / (M * ess))
    assert (np.abs(pooled.params.to_numpy() - exact.params.to_numpy()) < error).all()
    np.testing.assert_allclose(pooled.bse, exact.bse, rtol=0.15)


def test_imputation_has_the_same_bits_however_many_there_are(flat):
    few = sample_posteriors(iter(FRAMES[:2]), flat_regression, draws=1000, tune=500, random_seed=5)
    for name in ("b", "sigma"):
        np.testing.assert_array_equal(
            few["posterior"][name], flat["posterior"][name].isel(imputation=slice(2))
        )


CALLS = []


def with_levels(data):
    """Use levels as a dimension, a categorical outcome, and a constant made of the data."""
    CALLS.append(list(data))
    a = pm.Normal("a", 0, 5, dims="g")
    p = pm.Beta("p", 1, 1)
    center = float(data["x"].get_value().mean())
    mu = pm.Deterministic("mu", a[data["g"]] + data["x"] - center, dims="row")
    pm.Normal("y", mu, 1, observed=data["y"])
    pm.Bernoulli("treated", p, observed=data["treated"])


@pytest.fixture(scope="module")
def levels():
    CALLS.clear()
    frames = [frame.set_axis([f"id{i}" for i in range(N)]) for frame in FRAMES]
    done = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The posteriors were not all sampled well")
        tree = sample_posteriors(
            frames,
            with_levels,
            **QUICK,
            log_likelihood=True,
            progress=lambda *given: done.append(given),
        )
    return tree, done


def test_levels_and_row_names_are_coordinates(levels):
    tree, _ = levels
    assert list(tree["posterior"]["g"].to_numpy()) == ["low", "mid", "high"]
    assert tree["log_likelihood"]["y"].dims == ("imputation", "chain", "draw", "row")
    assert list(tree["log_likelihood"]["row"].to_numpy()[:2]) == ["id0", "id1"]
    assert set(tree["posterior"].data_vars) == {"a", "p"}


def test_codes_follow_the_order_of_the_levels(levels):
    tree, _ = levels
    expected = (FRAMES[0]["treated"] == "yes").to_numpy().astype(int)
    np.testing.assert_array_equal(tree["observed_data"]["treated"], expected)
    posterior = tree["posterior"]
    code = FRAMES[2]["g"].cat.codes.to_numpy()
    x = FRAMES[2]["x"].to_numpy()
    mu = posterior["a"].isel(imputation=2).to_numpy()[..., code] + x - x.mean()
    by_row = -0.5 * (FRAMES[2]["y"].to_numpy() - mu) ** 2 - 0.5 * np.log(2 * np.pi)
    found = tree["log_likelihood"]["y"].isel(imputation=2)
    np.testing.assert_allclose(found, by_row, rtol=1e-6)


def test_a_function_that_bakes_in_constants_is_compiled_once(levels):
    tree, _ = levels
    assert tree.attrs["programs_compiled"] == 1
    # Once more where an outcome with levels takes the name of a dimension.
    assert len(CALLS) == 2 * M
    assert CALLS[0] == ["x", "g", "treated", "y"]


def test_progress_is_told_of_every_imputation(levels):
    assert levels[1] == [(done, M) for done in range(M + 1)]


def test_tree_survives_a_file(levels, tmp_path):
    levels[0].to_netcdf(tmp_path / "tree.nc")
    again = xr.open_datatree(tmp_path / "tree.nc")
    xr.testing.assert_equal(again["posterior"].to_dataset(), levels[0]["posterior"].to_dataset())
    again.close()


def test_pointwise_values_are_those_of_the_whole_log_likelihood(levels):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The posteriors were not all sampled well")
        small = sample_posteriors(FRAMES[:2], with_levels, **QUICK, log_likelihood="loo")
    assert set(small.children) == {"posterior", "sample_stats", "loo", "observed_data"}
    whole = arviz_loo(levels[0], imputation=1)
    np.testing.assert_allclose(small["loo/y"]["elpd"].isel(imputation=1), whole.elpd_i, rtol=1e-6)


def arviz_loo(tree, imputation):
    import arviz as az

    one = {
        group: tree[group].to_dataset().isel(imputation=imputation, drop=True)
        for group in ("posterior", "log_likelihood")
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return az.loo(xr.DataTree.from_dict(one), var_name="y", pointwise=True)


def with_fewer_rows(data):
    mu = pm.Normal("mu", 0, 5)
    pm.Normal("y", mu, 1, observed=data["y"])


def test_data_sets_of_different_shapes_get_programs_of_their_own():
    frames = [FRAMES[0], FRAMES[1].iloc[:30], FRAMES[2], FRAMES[3].iloc[:30]]
    with pytest.warns(UserWarning) as caught:  # noqa: PT030
        tree = sample_posteriors(frames, with_fewer_rows, **QUICK | {"draws": 4, "tune": 50})
    texts = [str(warning.message) for warning in caught]
    assert any("2 programs are compiled for 4 imputations" in text for text in texts)
    assert {warning.filename for warning in caught} == {__file__}
    assert tree.attrs["programs_compiled"] == 2
    assert "observed_data" not in tree.children


def test_outcomes_that_were_imputed_are_kept_by_imputation():
    frames = [frame.assign(y=frame["y"] + i) for i, frame in enumerate(FRAMES[:2])]
    with pytest.warns(UserWarning, match="sampled well"):
        tree = sample_posteriors(frames, with_fewer_rows, **QUICK | {"draws": 4, "tune": 50})
    assert tree["observed_data"]["y"].dims == ("imputation", "row")


def test_too_few_draws_are_told_with_the_worst_imputation_and_parameter():
    draws = np.random.default_rng(0).normal(size=(3, 4, 500))
    warn_unconverged(tables(draws, [0, 0, 0]), 4)  # well sampled: a warning would be an error
    draws[1, 0] += 3
    with pytest.warns(UserWarning, match="not all sampled well") as caught:
        warn_unconverged(tables(draws, [0, 0, 7]), 4)
    text = str(caught[0].message)
    assert "R-hat is above 1.01 in 1 of 3 imputations" in text
    assert "for 'b' in imputation 1" in text
    assert "7 transitions diverged in 1 of 3 imputations, most of them (7) in imputation 2" in text
    assert "effective sample size is below 100 per chain in 1 of 3" in text


def tables(draws, divergences):
    datasets = [xr.Dataset({"b": (("imputation", "chain", "draw"), one[None])}) for one in draws]
    return [
        convergence_within(dataset, imputation, divergences[imputation])
        for imputation, dataset in enumerate(datasets)
    ]


def test_convergence_is_that_of_arviz_in_every_imputation(flat):
    import arviz as az

    table = posterior_convergence(flat).set_index(["imputation", "parameter"])
    one = flat["posterior"].to_dataset().isel(imputation=2, drop=True)
    row = table.loc[(2, "b[1]")]
    assert row["r_hat"] == pytest.approx(float(az.rhat(one)["b"][1]))
    assert row["ess_bulk"] == pytest.approx(float(az.ess(one)["b"][1]))
    assert row["ess_tail"] == pytest.approx(
        float(az.ess(one, method="tail", prob=(0.05, 0.95))["b"][1])
    )
    assert posterior_convergence(flat)["r_hat"].is_monotonic_decreasing


def test_heterogeneity_is_one_for_identical_data_sets_and_large_for_different_ones():
    rng = np.random.default_rng(2)
    draws = rng.normal(size=(6, 4, 500))
    dims = ("imputation", "chain", "draw")
    alike = xr.DataTree.from_dict({"posterior": xr.Dataset({"b": (dims, draws)})})
    apart = draws + 2 * np.arange(6)[:, None, None]
    different = xr.DataTree.from_dict({"posterior": xr.Dataset({"b": (dims, apart)})})
    assert posterior_convergence(alike)["heterogeneity"].max() < 1.01
    assert posterior_convergence(different)["heterogeneity"].min() > 2
    pd.testing.assert_series_equal(
        posterior_convergence(alike)["r_hat"],
        posterior_convergence(different)["r_hat"],
        rtol=1e-4,
    )


def test_identical_data_sets_have_no_variance_between_them():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The posteriors were not all sampled well")
        tree = sample_posteriors([FRAMES[0]] * 6, with_fewer_rows, **QUICK | {"draws": 400})
    pairs = pool_posterior(tree)
    pooled = pool_rubin([mean for mean, _ in pairs], [np.diag(u) for _, u in pairs])
    # Only Monte Carlo error is left: variance / ess, with an ess above 200 in each imputation.
    assert pooled.lambda_[0] < 0.05
    assert posterior_convergence(tree)["heterogeneity"].iloc[0] < 1.02


def nothing_observed(data):
    pm.Normal("mu")


def nothing_to_learn(data):
    pm.Normal("y", 0, 1, observed=data["y"])


def taken_name(data):
    imputation = pm.Normal("imputation")
    pm.Normal("y", imputation, 1, observed=data["y"])


def unknown_column(data):
    pm.Normal("y", pm.Normal("mu"), 1, observed=data["z"])


def shapes_that_differ(data):
    n = 1 + int(data["x"].get_value()[0] > FRAMES[0]["x"][0])
    pm.Normal("y", pm.Normal("mu", shape=n).sum(), 1, observed=data["y"])


def impossible(data):
    mu = pm.Normal("mu")
    pm.Potential("never", pm.math.switch(mu**2 >= 0, -np.inf, 0.0))
    pm.Normal("y", mu, 1, observed=data["y"])


@pytest.mark.parametrize(
    ("model", "error", "text"),
    [
        (nothing_observed, ModelError, "observes nothing"),
        (nothing_to_learn, ModelError, "no free parameter"),
        (taken_name, ModelError, r"variable named 'imputation', which is a dimension"),
        (unknown_column, ColumnNotFoundError, r"'z' is not a column of the data.*x, g, treated"),
        (3, SpecificationError, "expected a function of data"),
        (pm.Model, SpecificationError, "expected a function of data"),
    ],
)
def test_models_that_cannot_be_sampled_are_refused(model, error, text):
    with pytest.raises(error, match=text):
        sample_posteriors(FRAMES, model, **QUICK)


def test_parameters_of_different_shapes_cannot_be_put_together():
    two = [FRAMES[0], FRAMES[0].assign(x=FRAMES[0]["x"] + 1)]
    with (
        pytest.warns(UserWarning, match="programs are compiled"),
        pytest.raises(ModelError, match=r"variable 'mu'.*in imputation 1.*in imputation 0"),
    ):
        sample_posteriors(two, shapes_that_differ, **QUICK | {"draws": 4, "tune": 10})


def test_a_density_that_is_nowhere_finite_is_an_error():
    with pytest.raises(SamplingError, match=r"imputation 0 has a log-density that is not finite"):
        sample_posteriors(FRAMES[:1], impossible, **QUICK | {"draws": 4, "tune": 10})


def test_a_missing_cell_is_refused_where_the_model_reads_it():
    holes = [frame.assign(x=frame["x"].mask(frame.index < 3)) for frame in FRAMES]
    with pytest.raises(ModelError, match=r"column 'x', which has 3 missing cells in imputation 0"):
        sample_posteriors(holes, flat_regression, **QUICK)


@pytest.mark.parametrize(
    ("frames", "error", "text"),
    [
        ([], DataError, "no data set to analyse"),
        ([FRAMES[0], 3], DataTypeError, "Data set 1 is a int"),
        ([FRAMES[0], FRAMES[0][["x"]]], DataError, "Data set 1 has the columns x; expected"),
    ],
)
def test_frames_that_do_not_fit_are_refused(frames, error, text):
    with pytest.raises(error, match=text):
        sample_posteriors(frames, flat_regression, **QUICK)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"draws": 0}, "draws is 0"),
        ({"tune": 1.5}, "tune is 1.5"),
        ({"chains": True}, "chains is True"),
        ({"random_seed": -1}, "random_seed is -1"),
        ({"target_accept": 1.0}, "target_accept is 1.0"),
        ({"sampler": "gibbs"}, "sampler is 'gibbs'; expected one of 'auto', 'blackjax'"),
        ({"log_likelihood": "all"}, "log_likelihood is 'all'"),
        ({"family": "gaussian"}, "family='gaussian' is for formulas"),
    ],
)
def test_wrong_arguments_are_refused(wrong, text):
    with pytest.raises(SpecificationError, match=text):
        sample_posteriors(FRAMES, flat_regression, **QUICK | wrong)


def test_codes_mean_the_same_in_all_data_sets():
    one = pd.DataFrame({"g": ["b", "c", "b", "c", "c"], "two": [0, 1, 0, 1, 1]})
    two = pd.DataFrame({"g": ["a", "c", "b", "c", "a"], "two": [0, 1, 2, 1, 1]})
    seen = []

    def remember(data):
        seen.append((data["g"].get_value().tolist(), data["two"].get_value().tolist()))
        seen.append(data.coords)
        mu = pm.Normal("mu")
        pm.Normal("y", mu, 1, observed=data["two"])

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The posteriors were not all sampled well")
        sample_posteriors([one, two], remember, **QUICK | {"draws": 4, "tune": 10})
    assert seen[0] == ([1, 2, 1, 2, 2], [0, 1, 0, 1, 1])
    assert seen[2] == ([0, 2, 1, 2, 0], [0, 1, 2, 1, 1])
    assert seen[1] == seen[3] == {"g": ["a", "b", "c"]}


def test_a_formula_needs_bambi(monkeypatch):
    from bayesmice.analysis import bambi_models

    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(bambi_models, "import_module", absent)
    with pytest.raises(ModelError, match="pip install bambi"):
        sample_posteriors(FRAMES, "y ~ x", **QUICK)


def test_formula_is_one_program_with_the_same_prior_for_all_data_sets():
    bambi = pytest.importorskip("bambi")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The posteriors were not all sampled well")
        tree = sample_posteriors(FRAMES, "y ~ x + g", draws=500, tune=300, chains=2, random_seed=3)
    assert tree.attrs["programs_compiled"] == 1
    assert set(tree["posterior"].data_vars) == {"Intercept", "x", "g", "sigma"}
    # Weak priors: posterior means are least squares, up to a little shrinkage and noise.
    for imputation, frame in enumerate(FRAMES):
        mid, high = (frame["g"] == level for level in ("mid", "high"))
        x = np.column_stack([np.ones(N), frame["x"], mid, high])
        exact, rss, *_ = np.linalg.lstsq(x, frame["y"].to_numpy())
        sd = np.sqrt(np.diag(np.linalg.inv(x.T @ x)) * rss / (N - 4))
        one = tree["posterior"].to_dataset().isel(imputation=imputation).mean(["chain", "draw"])
        found = np.concatenate([[one["Intercept"], one["x"]], one["g"]])
        assert (np.abs(found - exact) / sd < 0.4).all()
    with pytest.raises(SpecificationError, match="has its own family"):
        sample_posteriors(FRAMES, bambi.Model("y ~ x", FRAMES[0][["x", "y"]]), family="t", **QUICK)


@pytest.mark.statistical
def test_a_bambi_model_has_the_posterior_of_its_own_fit():
    """Group effects, priors of its own, a link; five Monte Carlo errors for each parameter."""
    bambi = pytest.importorskip("bambi")
    rng = np.random.default_rng(4)
    frames = []
    for _ in range(2):
        x, g = 5 + rng.normal(size=120), rng.choice(list("abcdefgh"), 120)
        y = rng.random(120) < 1 / (1 + np.exp(-(x - 5) - 0.5 * (g < "d")))
        frames.append(pd.DataFrame({"x": x, "g": pd.Categorical(g), "y": y.astype(int)}))
    model = bambi.Model(
        "y ~ x + (1|g)",
        frames[0],
        family="bernoulli",
        priors={"x": bambi.Prior("Normal", mu=0, sigma=0.7)},
    )
    options = {"draws": 2000, "tune": 1000, "chains": 4, "random_seed": 1, "target_accept": 0.95}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = sample_posteriors(frames, model, **options)
        own = model.fit(draws=2000, tune=1000, chains=4, random_seed=2, progressbar=False)
    ours = tree["posterior"].to_dataset().isel(imputation=0, drop=True)
    theirs = own["posterior"].to_dataset()
    assert set(ours.data_vars) == set(theirs.data_vars)
    import arviz as az

    for name in theirs.data_vars:
        error = np.hypot(az.mcse(ours)[name], az.mcse(theirs)[name])
        gap = abs(ours[name].mean(["chain", "draw"]) - theirs[name].mean(["chain", "draw"]))
        assert (gap < 5 * error).all(), name

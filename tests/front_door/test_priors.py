"""Looking at the priors of a conditional model."""

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy.special import logit

import bayesmice as bm
from bayesmice.errors import BayesMiceError


@pytest.fixture(scope="module")
def mice():
    def cholesterol(data):
        mean = pm.Normal("mean", 190, 20)
        offset = pm.Normal("offset", 0, 10, dims="age")
        mu = mean + offset[data["age"]]
        pm.Normal("chl", mu, pm.HalfNormal("sd", 30), observed=data["chl"])

    models = {
        "bmi": bm.Regression("age + chl", priors={"chl": pm.Normal.dist(0.5, 0.1)}),
        "chl": cholesterol,
    }
    return bm.MICE(bm.load_dataset("nhanes2"), models)


def test_the_table_says_what_each_prior_means_in_numbers(mice):
    table = mice.priors("bmi", draws=4000, random_seed=1)
    assert list(table.columns) == ["prior", "mean", "sd", "q2.5", "q97.5"]
    own = table.loc["chl"]
    assert "Normal(0.5, 0.1)" in own["prior"]
    # Standard errors of 4,000 draws; five of them.
    assert abs(own["mean"] - 0.5) < 5 * 0.1 / 4000**0.5
    assert abs(own["sd"] - 0.1) < 5 * 0.1 / 8000**0.5
    assert own["q2.5"] == pytest.approx(0.5 - 1.96 * 0.1, abs=0.02)
    observed = bm.load_dataset("nhanes2")["bmi"]
    centered = table.loc["Intercept_centered"]
    assert centered["mean"] == pytest.approx(observed.mean(), abs=5 * 2.5 * observed.std() / 63)
    assert table.loc["Intercept", "prior"] == "", "it follows from the others"
    assert {"age[T.40-59]", "sigma"} <= set(table.index)
    assert "Normal(mu=0" in table.loc["age[T.40-59]", "prior"]


def test_a_custom_model_has_a_table_too(mice):
    table = mice.priors("chl", random_seed=1)
    assert {"mean", "sd", "offset[20-39]", "offset[60-99]"} <= set(table.index)
    assert "Normal" in table.loc["mean", "prior"]


@pytest.mark.parametrize("name", ["bmi", "hyp", "age", "chl"])
def test_prior_predictive_draws_are_a_tree_that_arviz_reads(mice, name):
    tree = mice.prior_predictive(name, draws=20, random_seed=2)
    assert set(tree.children) == {"prior", "prior_predictive", "observed_data"}
    observed = bm.load_dataset("nhanes2")[name].dropna()
    assert tree["prior_predictive"][name].shape == (1, 20, len(observed))
    assert tree["observed_data"][name].shape == (len(observed),)
    assert np.isfinite(tree["prior_predictive"][name]).all()
    summary = az.summary(tree, group="prior")
    assert len(summary) > 1


def test_the_same_seed_gives_the_same_draws(mice):
    first, again = (mice.prior_predictive("bmi", draws=5, random_seed=9) for _ in range(2))
    np.testing.assert_array_equal(
        first["prior_predictive"]["bmi"], again["prior_predictive"]["bmi"]
    )


@pytest.mark.parametrize("name", ["bmi", "hyp"])
def test_the_picture_shows_prior_draws_and_observed_values(mice, name):
    plt.switch_backend("agg")
    picture = mice.plot_prior_predictive(name, draws=12, random_seed=3)
    assert picture.viz["prior"][name].sizes["draw"] == 12
    assert name in picture.viz["observed"]
    plt.close("all")


def test_errors_name_the_columns(mice):
    with pytest.raises(BayesMiceError, match="'weight' is not a column of data"):
        mice.prior_predictive("weight")
    with pytest.raises(BayesMiceError, match="draws is 0; expected a whole number of at least 1"):
        mice.priors("bmi", draws=0)


def test_coefficients_have_the_names_that_priors_use(mice):
    nhanes2 = bm.load_dataset("nhanes2")
    models = {
        "age": bm.Regression("bmi", priors={"bmi": bm.priors.r2d2()}),
        "bmi": bm.Regression(priors={"coefficients": bm.priors.horseshoe(), "sigma": 2}),
        "chl": bm.Regression("age", distributional={"sigma": "hyp"}),
    }
    shrunken = bm.MICE(nhanes2, models)
    assert list(shrunken.priors("bmi").index) == [
        "Intercept_centered",
        "Intercept",
        "coefficients_global",
        "coefficients_slab_variance",
        "age[T.40-59]",
        "age[T.60-99]",
        "hyp[T.yes]",
        "chl",
        "sigma",
    ]
    table = shrunken.priors("bmi")
    assert table.loc["chl", "prior"] == "horseshoe(nonzero=0.4, slab_scale=2.5, slab_df=4)"
    assert table.loc["coefficients_global", "prior"].startswith("HalfCauchy(")
    assert table.loc["sigma"].to_list() == ["fixed at 2", 2, 0, 2, 2]
    assert {"sigma_hyp[T.yes]", "sigma_Intercept_centered"} <= set(shrunken.priors("chl").index)
    levels = shrunken.priors("age").index
    assert {"bmi[40-59]", "bmi_R2[60-99]", "Intercept_centered[40-59]"} <= set(levels)


N_STAGES = 5


@pytest.fixture(scope="module")
def stages():
    rng = np.random.default_rng(8)
    codes = rng.integers(0, N_STAGES, 40)
    ordered = pd.Categorical.from_codes(codes, list("abcde"), ordered=True)
    frame = pd.DataFrame({"x": rng.normal(size=40), "stage": ordered})
    frame.loc[3, "stage"] = None
    return frame


def test_cutpoints_are_drawn_in_order_from_their_density(stages):
    """Against plain rejection. Eight z tests at 4.5: a false alarm in 20,000 runs."""
    draws = 4000
    tree = bm.MICE(stages).prior_predictive("stage", draws=draws)
    cutpoints = tree["prior"]["cutpoints_centered"].to_numpy()[0]
    assert (np.diff(cutpoints) > 0).all()
    center = logit(np.arange(1, N_STAGES) / N_STAGES)
    plain = np.random.default_rng().normal(center, 2.5, (400_000, N_STAGES - 1))
    exact = plain[(np.diff(plain) > 0).all(axis=1)]
    error = np.sqrt(exact.var(axis=0) * (1 / draws + 1 / len(exact) + 1 / 20_000))
    assert np.abs((cutpoints.mean(axis=0) - exact.mean(axis=0)) / error).max() < 4.5
    gaps, exact_gaps = np.diff(cutpoints), np.diff(exact)
    error = np.sqrt(exact_gaps.var(axis=0) * (1 / draws + 1 / len(exact) + 1 / 20_000))
    assert np.abs((gaps.mean(axis=0) - exact_gaps.mean(axis=0)) / error).max() < 4.5


def test_ordered_parameters_with_hyperpriors_are_drawn_in_order(stages):
    def own(data):
        spread = pm.HalfNormal("spread", 1)
        cut = pm.Normal(
            "cut",
            np.arange(N_STAGES - 1.0),
            spread,
            shape=N_STAGES - 1,
            transform=pm.distributions.transforms.ordered,
        )
        eta = pm.Normal("slope", 0, 1) * data["x"]
        pm.OrderedLogistic("stage", eta=eta, cutpoints=cut, observed=data["stage"])

    tree = bm.MICE(stages, {"stage": own}).prior_predictive("stage", draws=300, random_seed=1)
    assert (np.diff(tree["prior"]["cut"].to_numpy()[0]) > 0).all()
    # Order is likelier where the spread is small, so it is smaller than its own prior says: 0.8.
    assert tree["prior"]["spread"].mean() < 0.7


def test_ordered_parameters_that_are_never_in_order_are_an_error(stages):
    priors = {"cutpoints": pm.Normal.dist([3e3, 2e3, 1e3, 0.0], 1)}
    mice = bm.MICE(stages, {"stage": bm.Regression(priors=priors)})
    with pytest.raises(BayesMiceError, match="Draws from the prior of cutpoints are hardly ever"):
        mice.priors("stage")


def test_levels_are_codes_with_names(stages):
    tree = bm.MICE(stages).prior_predictive("stage", draws=3)
    for group in ("prior_predictive", "observed_data"):
        assert tree[group]["stage"].attrs["levels"] == '["a", "b", "c", "d", "e"]'
    assert set(np.unique(tree["prior_predictive"]["stage"])) <= set(range(N_STAGES))
    assert 3 not in tree["observed_data"]["row"]


@pytest.fixture(scope="module")
def flat_mice():
    def flat(data):
        level = pm.Flat("level")
        pm.Deterministic("shifted", level + 1)
        pm.Normal("bmi", level, pm.HalfNormal("sd", 3), observed=data["bmi"])

    return bm.MICE(bm.load_dataset("nhanes2"), {"bmi": flat})


def test_a_flat_prior_has_no_numbers(flat_mice):
    table = flat_mice.priors("bmi")
    assert table.loc[["level", "shifted"], ["mean", "q97.5"]].isna().all(axis=None)
    assert table.loc["level", "prior"] == "Flat()"
    assert table.loc["sd", "mean"] > 0


def test_a_flat_prior_predicts_nothing(flat_mice):
    with pytest.raises(
        BayesMiceError, match="'bmi' has no prior predictive distribution, because 'level' cannot"
    ):
        flat_mice.prior_predictive("bmi")


def test_a_block_is_drawn_and_shown_together():
    def both(data):
        level = pm.Normal("level", 25, 3)
        pm.Normal("bmi", level, 3, observed=data["bmi"])
        pm.Normal("chl", 7 * level, 30, observed=data["chl"])

    nhanes2 = bm.load_dataset("nhanes2")
    mice = bm.MICE(nhanes2, {("bmi", "chl"): both})
    tree = mice.prior_predictive("chl", draws=5)
    assert set(tree["prior_predictive"].data_vars) == {"bmi", "chl"}
    complete = nhanes2[["bmi", "chl"]].notna().all(axis=1)
    assert list(tree["observed_data"]["row"]) == list(np.flatnonzero(complete))
    plt.switch_backend("agg")
    assert set(mice.plot_prior_predictive("bmi+chl", draws=5).viz["prior"]) >= {"bmi", "chl"}
    assert "bmi" not in mice.plot_prior_predictive("chl", draws=5).viz["prior"]
    plt.close("all")


def test_priors_that_reach_beyond_what_can_be_drawn_are_refused_with_a_sentence():
    """NumPy draws no counts whose mean is above 9e18."""
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"x": rng.normal(size=60), "y": rng.poisson(3, 60).astype(float)})
    data.loc[:9, "y"] = np.nan
    wide = bm.Regression(family="poisson", priors={"x": pm.Normal.dist(0, 200)})
    mice = bm.MICE(data, {"y": wide})
    with pytest.raises(bm.ModelError, match=r"nothing can be drawn .* narrower ones with priors="):
        mice.prior_predictive("y", random_seed=1)

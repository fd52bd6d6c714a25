"""A Bayesian analysis, from imputations to one answer."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import statsmodels.formula.api as smf

import bayesmice as bm


def model(data):
    a, b = pm.Normal("a", 0, 100), pm.Normal("b", 0, 100)
    sigma = pm.HalfNormal("sigma", 100)
    pm.Normal("y", a + b * data["x"], sigma, observed=data["y"])


@pytest.fixture(scope="module")
def imputations() -> bm.Imputations:
    rng = np.random.default_rng(8)
    x = rng.normal(size=80)
    frame = pd.DataFrame({"x": x, "y": 1 + 2 * x + rng.normal(size=80)})
    frame.loc[:29, "x"] = np.nan
    return bm.MICE(frame).mice(m=6, sweeps=5, random_seed=2, progressbar=False)


@pytest.fixture(scope="module")
def posterior(imputations):
    return imputations.sample(model, draws=1000, tune=500, random_seed=3, progressbar=False)


def test_the_posterior_is_kept_in_the_tree_of_the_run(imputations, posterior, tmp_path):
    assert dict(posterior["posterior"].sizes) == {"imputation": 6, "chain": 4, "draw": 1000}
    file = imputations.to_netcdf(tmp_path / "run.nc")
    reopened = bm.open_imputations(file)
    np.testing.assert_array_equal(reopened.tree["posterior/b"], posterior["posterior/b"])
    pd.testing.assert_frame_equal(reopened.completed(1), imputations.completed(1))


def test_rubin_pooling_of_posteriors_is_that_of_least_squares(imputations, posterior):
    """Under nearly flat priors; 24,000 draws know a mean to 1 % of a standard error."""
    ours = bm.pool(posterior, df_complete=78).table
    fits = [smf.ols("y ~ x", df).fit() for df in imputations.data]
    theirs = bm.pool(fits).table
    for mine, name in (("a", "Intercept"), ("b", "x")):
        error = theirs.loc[name, "std_error"]
        assert abs(ours.loc[mine, "estimate"] - theirs.loc[name, "estimate"]) < 0.15 * error
        # The posterior of sigma makes standard deviations larger by a factor of about 78/76.
        assert ours.loc[mine, "std_error"] == pytest.approx(error, rel=0.1)
        assert ours.loc[mine, "fmi"] == pytest.approx(theirs.loc[name, "fmi"], abs=0.06)


def test_both_ways_of_pooling_stand_side_by_side(posterior):
    table = bm.compare_pooling(posterior)
    assert table.index.tolist() == ["a", "b", "sigma"]
    with pytest.warns(UserWarning, match="6 imputations are few for mixing"):
        mixed = bm.mix(posterior)
    assert dict(mixed["posterior"].sizes) == {"chain": 24, "draw": 1000}


# Few draws, for the sake of time.
@pytest.mark.filterwarnings("ignore:The posteriors were not all sampled well:UserWarning")
@pytest.mark.filterwarnings("ignore:Pareto k is above:UserWarning")
def test_models_are_compared_over_imputations(imputations, posterior):
    def constant(data):
        a, sigma = pm.Normal("a", 0, 100), pm.HalfNormal("sigma", 100)
        pm.Normal("y", a, sigma, observed=data["y"])

    options = {"draws": 300, "tune": 300, "log_likelihood": "loo", "progressbar": False}
    trees = {
        "line": imputations.sample(model, **options),
        "constant": imputations.sample(constant, **options),
    }
    table = bm.compare(trees)
    assert table.index.tolist() == ["line", "constant"]
    assert bm.loo(trees["line"]).elpd > bm.loo(trees["constant"]).elpd


@pytest.mark.filterwarnings("ignore:The posteriors were not all sampled well:UserWarning")
def test_a_progress_bar_counts_the_imputations(imputations, capsys):
    imputations.sample(model, draws=100, tune=200, random_seed=1)
    assert "6/6" in capsys.readouterr().out

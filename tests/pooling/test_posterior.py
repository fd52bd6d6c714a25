"""Mixing and pooling posteriors, against NumPy by hand and closed forms."""

import arviz as az
import numpy as np
import pytest
import xarray as xr
from scipy import stats

import bayesmice as bm
from bayesmice.errors import PoolingError
from bayesmice.pooling.posterior import compare_pooling, mix, pool_posterior

DIMS = ("imputation", "chain", "draw")
M, CHAINS, DRAWS = 5, 3, 40


def tree_of(**variables):
    return xr.DataTree.from_dict({"posterior": xr.Dataset(variables)})


@pytest.fixture(scope="module")
def tree():
    rng = np.random.default_rng(8)
    coords = {"g": ["x", "y"], "imputation": np.arange(M), "chain": np.arange(CHAINS)}
    posterior = xr.Dataset(
        {
            "a": (DIMS, rng.normal(size=(M, CHAINS, DRAWS)) + np.arange(M)[:, None, None]),
            "b": ((*DIMS, "g"), rng.normal(size=(M, CHAINS, DRAWS, 2))),
            "k": (DIMS, rng.integers(0, 5, size=(M, CHAINS, DRAWS))),
        },
        coords,
    )
    statistics = xr.Dataset({"diverging": (DIMS, rng.random((M, CHAINS, DRAWS)) < 0.1)})
    return xr.DataTree.from_dict({"posterior": posterior, "sample_stats": statistics})


@pytest.fixture(scope="module")
def mixed(tree):
    with pytest.warns(UserWarning, match=r"5 imputations are few.*mice\(m=100\)"):
        return mix(tree)


def test_mixture_holds_every_chain_of_every_imputation(tree, mixed):
    posterior = mixed["posterior"]
    assert dict(posterior.sizes) == {"chain": M * CHAINS, "draw": DRAWS, "g": 2}
    for imputation in range(M):
        for chain in range(CHAINS):
            stacked = posterior.to_dataset().isel(chain=imputation * CHAINS + chain)
            assert int(stacked["imputation"]) == imputation
            np.testing.assert_array_equal(stacked["b"], tree["posterior"]["b"][imputation, chain])
    np.testing.assert_array_equal(
        mixed["sample_stats"]["diverging"].sum(), tree["sample_stats"]["diverging"].sum()
    )


def test_arviz_summarizes_the_mixture_and_gives_parameters_the_same_names(tree, mixed):
    table = az.summary(mixed, var_names=["a", "b"], round_to=12)
    pairs = pool_posterior(tree)
    assert list(table.index) == list(pairs[0][0].index) == ["a", "b[x]", "b[y]"]
    mean = np.mean([pair[0].to_numpy() for pair in pairs], axis=0)
    np.testing.assert_allclose(table["mean"].astype(float), mean, rtol=1e-9)


def test_many_imputations_are_mixed_without_a_warning():
    draws = np.random.default_rng(0).normal(size=(100, 1, 4))
    assert mix(tree_of(b=(DIMS, draws)))["posterior"].sizes["chain"] == 100


def test_variance_of_the_mixture_is_within_plus_what_is_between(tree, mixed):
    a = tree["posterior"]["a"].to_numpy().reshape(M, -1)
    within, between = a.var(axis=1).mean(), a.mean(axis=1).var(ddof=1)
    expected = within + (1 - 1 / M) * between
    assert float(mixed["posterior"]["a"].var()) == pytest.approx(expected)


def test_every_imputation_gives_its_posterior_means_and_covariance(tree):
    pairs = pool_posterior(tree)
    assert len(pairs) == M
    draws = tree["posterior"].to_dataset().isel(imputation=3)
    flat = np.stack([draws["a"].to_numpy().ravel(), *draws["b"].to_numpy().reshape(-1, 2).T])
    mean, covariance = pairs[3]
    np.testing.assert_allclose(mean, flat.mean(axis=1))
    np.testing.assert_allclose(covariance, np.cov(flat))
    assert list(covariance.columns) == list(covariance.index) == list(mean.index)


def test_variables_are_chosen_by_name(tree):
    assert list(pool_posterior(tree, var_names="b")[0][0].index) == ["b[x]", "b[y]"]
    assert list(pool_posterior(tree, var_names=["k"])[0][0].index) == ["k"]


def test_rubin_columns_are_those_of_pool(tree):
    table = compare_pooling(tree, conf_level=0.9)
    pooled = bm.pool(pool_posterior(tree))
    np.testing.assert_allclose(table["estimate"], pooled.params)
    np.testing.assert_allclose(table["std_error"], pooled.bse)
    np.testing.assert_allclose(table["df"], pooled.df)
    np.testing.assert_allclose(table[["ci_low", "ci_high"]], pooled.conf_int(alpha=0.1))
    assert list(table.index) == ["a", "b[x]", "b[y]"]


def test_mixture_columns_are_moments_and_quantiles_of_all_draws(tree):
    row = compare_pooling(tree, conf_level=0.8).loc["a"]
    every = tree["posterior"]["a"].to_numpy().ravel()
    assert row["mixture_mean"] == pytest.approx(every.mean())
    assert row["mixture_sd"] == pytest.approx(every.std(ddof=1))
    assert row["mixture_low"] == pytest.approx(np.quantile(every, 0.1))
    assert row["mixture_high"] == pytest.approx(np.quantile(every, 0.9))
    ends = (row["mixture_low"] - row["ci_low"], row["mixture_high"] - row["ci_high"])
    assert row["difference"] == pytest.approx(np.abs(ends).max() / row["std_error"])


def test_error_of_the_difference_is_the_jackknife_over_imputations(tree):
    """Leave each imputation out by hand, and take the end that differs more."""
    table = compare_pooling(tree, var_names="a")
    side = (
        "low"
        if abs(table["mixture_low"] - table["ci_low"]).iloc[0]
        > abs(table["mixture_high"] - table["ci_high"]).iloc[0]
        else "high"
    )
    without = []
    for left_out in range(M):
        kept = tree["posterior"].to_dataset().drop_isel(imputation=left_out)
        row = compare_pooling(xr.DataTree.from_dict({"posterior": kept}), var_names="a").iloc[0]
        without.append((row[f"mixture_{side}"] - row[f"ci_{side}"]) / row["std_error"])
    expected = np.sqrt((M - 1) * np.var(without))
    assert table["difference_mc_error"].iloc[0] == pytest.approx(expected)


def test_rubin_and_mixture_agree_for_normal_posteriors_and_not_for_skewed_ones():
    """Exact quantiles instead of draws, so that nothing is left to chance."""
    q = stats.norm.ppf((np.arange(2000) + 0.5) / 2000)
    shift = 0.3 * stats.norm.ppf((np.arange(60) + 0.5) / 60)
    normal = (q[None] + shift[:, None])[:, None, :]
    table = compare_pooling(tree_of(normal=(DIMS, normal), skewed=(DIMS, np.exp(normal))))
    assert not table.loc["normal", "disagree"]
    assert table.loc["normal", "difference"] < 0.1
    assert table.loc["skewed", "disagree"]
    # The lower end of Rubin's interval is negative, where a log-normal has no mass.
    assert table.loc["skewed", "ci_low"] < 0 < table.loc["skewed", "mixture_low"]


def test_two_imputations_have_no_error_of_the_difference():
    draws = np.random.default_rng(0).normal(size=(2, 2, 50))
    row = compare_pooling(tree_of(b=(DIMS, draws))).iloc[0]
    assert np.isnan(row["difference_mc_error"])
    assert not row["disagree"]


@pytest.mark.parametrize("function", [mix, pool_posterior, compare_pooling])
def test_trees_without_posteriors_are_refused(function, mixed):
    with pytest.raises(
        PoolingError, match=r"no group 'posterior'; it has none.*imputations.sample"
    ):
        function(xr.DataTree())
    with pytest.raises(PoolingError, match=r"no dimension 'imputation'.*before mix"):
        function(xr.DataTree.from_dict({"posterior": mixed["posterior"].to_dataset()}))


def test_what_cannot_be_pooled_is_refused(tree):
    with pytest.raises(PoolingError, match="no variable 'z'; the posterior has a, b, k"):
        pool_posterior(tree, var_names="z")
    only_whole = tree_of(k=(DIMS, np.zeros((2, 1, 3), dtype=int)))
    with pytest.raises(PoolingError, match="no variable of floating point"):
        pool_posterior(only_whole)
    holes = tree["posterior"].to_dataset().copy(deep=True)
    holes["a"][2, 1, 7] = np.nan
    with pytest.raises(PoolingError, match="Imputation 2 has a draw of 'a' that is not finite"):
        pool_posterior(xr.DataTree.from_dict({"posterior": holes}))
    with pytest.raises(PoolingError, match="There is 1 draw of 'b' per imputation"):
        pool_posterior(tree_of(b=(DIMS, np.zeros((2, 1, 1)))))
    with pytest.raises(PoolingError, match="at least 2"):
        compare_pooling(tree_of(b=(DIMS, np.zeros((1, 1, 5)))))

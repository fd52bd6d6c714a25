"""PSIS-LOO over imputations, against ArviZ for one data set and NumPy by hand for several."""

import warnings

import arviz as az
import numpy as np
import pytest
import xarray as xr
from scipy import stats

from bayesmice.diagnostics.compare import compare
from bayesmice.diagnostics.loo import loo
from bayesmice.errors import SpecificationError

DIMS = ("imputation", "chain", "draw")
N, M = 60, 3


def normal_tree(y, sd, seed=0):
    """Exact posterior draws of a normal mean with known noise, one data set per row of y."""
    rng = np.random.default_rng(seed)
    m, n = y.shape
    mu = y.mean(axis=1)[:, None, None] + rng.normal(size=(m, 4, 500)) * sd / np.sqrt(n)
    by_row = stats.norm.logpdf(y[:, None, None, :], mu[..., None], sd)
    return xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({"mu": (DIMS, mu)}),
            "log_likelihood": xr.Dataset({"y": ((*DIMS, "row"), by_row)}),
        }
    )


@pytest.fixture(scope="module")
def outcomes():
    rng = np.random.default_rng(6)
    y = np.tile(rng.normal(size=N), (M, 1))
    y[:, :15] = rng.normal(size=(M, 15))
    return y


def arviz_of(tree, imputation):
    one = {
        group: tree[group].to_dataset().isel(imputation=imputation)
        for group in ("posterior", "log_likelihood")
    }
    return az.loo(xr.DataTree.from_dict(one), pointwise=True)


def pointwise_tree(elpd, k=0.1, good_k=0.7):
    m = len(elpd)
    found = xr.Dataset(
        {
            "elpd": (("imputation", "row"), elpd),
            "p_loo": (("imputation", "row"), np.full_like(elpd, 0.01)),
            "pareto_k": (("imputation", "row"), np.broadcast_to(k, elpd.shape)),
            "good_k": ("imputation", np.full(m, good_k)),
        }
    )
    return xr.DataTree.from_dict({"/loo/y": found})


def test_one_imputation_has_the_numbers_of_arviz(outcomes):
    tree = normal_tree(outcomes[:1], 1.0)
    pooled, one = loo(tree), arviz_of(tree, 0)
    assert pooled.elpd == pytest.approx(one.elpd)
    assert pooled.std_error == pytest.approx(one.se)
    assert pooled.p_loo == pytest.approx(one.p)
    assert pooled.good_k == pytest.approx(one.good_k)
    assert np.isnan(pooled.between)


def test_estimate_is_close_to_exact_leave_one_out(outcomes):
    """Without y_i the predictive distribution is normal around the mean of the others."""
    others = (outcomes[0].sum() - outcomes[0]) / (N - 1)
    exact = stats.norm.logpdf(outcomes[0], others, np.sqrt(1 + 1 / (N - 1)))
    assert loo(normal_tree(outcomes[:1], 1.0)).elpd == pytest.approx(exact.sum(), abs=0.1)


def test_pointwise_values_are_averages_of_those_of_every_imputation(outcomes):
    tree = normal_tree(outcomes, 1.0)
    pooled = loo(tree)
    each = np.stack([arviz_of(tree, imputation).elpd_i for imputation in range(M)])
    np.testing.assert_allclose(pooled.elpd_i, each.mean(axis=0))
    assert pooled.elpd == pytest.approx(each.sum(axis=1).mean())
    assert pooled.within == pytest.approx(np.mean([arviz_of(tree, k).se ** 2 for k in range(M)]))
    assert pooled.between == pytest.approx(each.sum(axis=1).var(ddof=1))


def test_variance_follows_rubins_rules_by_hand():
    elpd = np.array([[-1.0, -2.0, -3.0], [-1.0, -2.5, -4.0]])
    pooled = loo(pointwise_tree(elpd))
    # Variances over rows 1 and 2.25, times 3 rows; sums -6 and -7.5, of variance 1.125.
    assert pooled.within == pytest.approx((3.0 + 6.75) / 2)
    assert pooled.between == pytest.approx(1.125)
    assert pooled.std_error == pytest.approx(np.sqrt(4.875 + 1.5 * 1.125))
    assert pooled.elpd == pytest.approx(-6.75)
    assert pooled.p_loo == pytest.approx(0.03)
    table = pooled.summary()
    assert list(table.columns) == ["elpd_loo", "std_error", "p_loo", "within", "between", "bad_k"]
    assert "2 imputations, 3 observations" in repr(pooled)
    assert "<table" in pooled._repr_html_()


def test_identical_data_sets_have_nothing_between_them(outcomes):
    tree = normal_tree(outcomes[:1], 1.0)
    twice = xr.DataTree.from_dict(
        {
            group: xr.concat([tree[group].to_dataset()] * 2, dim="imputation")
            for group in ("posterior", "log_likelihood")
        }
    )
    pooled = loo(twice)
    assert pooled.between == 0
    assert pooled.std_error == pytest.approx(loo(tree).std_error)


def test_unreliable_observations_are_told_with_the_worst_imputation():
    k = np.full((3, 4), 0.2)
    k[1, :2], k[2, 0] = [0.9, 1.3], 0.8
    with pytest.warns(UserWarning) as caught:  # noqa: PT030
        pooled = loo(pointwise_tree(-np.ones((3, 4)), k))
    text = str(caught[0].message)
    assert "Pareto k is above 0.70 in 2 of 3 imputations" in text
    assert "imputation 1: 2 of 4 observations, the largest k 1.30" in text
    assert list(pooled.pareto_k["imputation"]) == [1, 2, 0]
    assert list(pooled.pareto_k["bad_k"]) == [2, 1, 0]


def test_arviz_does_not_warn_besides():
    """One outlier far from all draws: its k is large, and told once."""
    y = np.zeros((1, 20))
    y[0, 0] = 30.0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loo(normal_tree(y, 1.0))
    assert [warning.category for warning in caught] == [UserWarning]
    assert "imputation 0" in str(caught[0].message)


def test_models_are_compared_by_paired_differences(outcomes):
    good, bad = normal_tree(outcomes, 1.0), normal_tree(outcomes, 3.0, seed=1)
    table = compare({"wide": bad, "right": good})
    assert list(table.index) == ["right", "wide"]
    assert list(table["rank"]) == [0, 1]
    a, b = (np.stack([arviz_of(tree, k).elpd_i for k in range(M)]) for tree in (good, bad))
    difference = a - b
    within = (N * difference.var(axis=1, ddof=1)).mean()
    between = difference.sum(axis=1).var(ddof=1)
    assert table.loc["wide", "elpd_diff"] == pytest.approx(difference.sum(axis=1).mean())
    assert table.loc["wide", "diff_std_error"] == pytest.approx(
        np.sqrt(within + (1 + 1 / M) * between)
    )
    assert table.loc["right", ["elpd_diff", "diff_std_error"]].tolist() == [0, 0]


def test_one_imputation_is_compared_as_arviz_compares(outcomes):
    trees = {"right": normal_tree(outcomes[:1], 1.0), "wide": normal_tree(outcomes[:1], 3.0)}
    table = compare(trees)
    ours = table.loc["wide"]
    theirs = az.compare(
        {name: arviz_of(tree, 0) for name, tree in trees.items()}, round_to="none"
    ).loc["wide"]
    assert ours["elpd_diff"] == pytest.approx(abs(theirs["elpd_diff"]))
    # ArviZ divides the variance of a difference by N, and that of an elpd by N - 1.
    assert ours["diff_std_error"] == pytest.approx(theirs["dse"] * np.sqrt(N / (N - 1)))
    assert ours["elpd_loo"] == pytest.approx(theirs["elpd"])
    assert ours["std_error"] == pytest.approx(theirs["se"])
    assert ours["p_loo"] == pytest.approx(theirs["p"])


def test_models_of_different_data_are_not_compared():
    one, few = pointwise_tree(-np.ones((3, 4))), pointwise_tree(-np.ones((2, 4)))
    with pytest.raises(SpecificationError, match=r"'one' has .*3.*'few' has .*2"):
        compare({"one": one, "few": few})
    rows = one["loo/y"].to_dataset().assign_coords(row=list("abcd"))
    other = xr.DataTree.from_dict({"/loo/y": rows})
    with pytest.raises(SpecificationError, match="same imputations and rows"):
        compare({"one": one, "other": other})
    with pytest.raises(SpecificationError, match="at least two models; got 1"):
        compare({"one": one})


def test_an_observed_variable_is_chosen_by_name():
    values = pointwise_tree(-np.ones((2, 3)))["loo/y"].to_dataset()
    several = xr.DataTree.from_dict({"/loo/y": values, "/loo/z": values - 1})
    with pytest.raises(SpecificationError, match="y, z; none was chosen"):
        loo(several)
    with pytest.raises(SpecificationError, match="y, z; got 'w'"):
        loo(several, var_name="w")
    assert loo(several, var_name="z").elpd == -6


def test_log_likelihoods_are_needed():
    posterior = xr.Dataset({"mu": (DIMS, np.zeros((2, 1, 3)))})
    with pytest.raises(SpecificationError, match="Sample with log_likelihood=True"):
        loo(xr.DataTree.from_dict({"posterior": posterior}))

"""The probability of being missing, and values given it."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize

import bayesmice as bm
from bayesmice.data import encode
from bayesmice.diagnostics.conditional_difference import compare_given_propensity, stratify
from bayesmice.diagnostics.propensity import Propensity, find_propensity, fit_logistic
from bayesmice.diagnostics.ranges import check_range

N, M = 400, 4


def test_probabilities_are_those_of_another_optimizer():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(80, 3)), rng.random(80) < 0.3

    def loss(beta):
        eta = beta[0] + X @ beta[1:]
        return np.sum(np.logaddexp(0, eta) - y * eta) + 0.5 * np.sum((beta[1:] / 2.5) ** 2)

    beta = minimize(loss, np.zeros(4), tol=1e-12).x
    expected = 1 / (1 + np.exp(-beta[0] - X @ beta[1:]))
    np.testing.assert_allclose(fit_logistic(X, y), expected, atol=1e-5)


def test_separated_rows_have_probabilities_within_zero_and_one():
    x = np.linspace(-1, 1, 20)[:, None]
    fitted = fit_logistic(x, x[:, 0] > 0)
    assert 0 < fitted.min() < 0.2
    assert 0.8 < fitted.max() < 1


def written(value_of, seed=1, levels=None):
    """Rows that miss y the more often the larger x, with imputations by ``value_of``."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=N)
    is_missing = rng.random(N) < 1 / (1 + np.exp(1 - x))
    completed = np.stack([value_of(rng, x, is_missing) for _ in range(M)])
    completed[:, ~is_missing] = completed[0, ~is_missing]
    series = pd.Series(np.where(is_missing, np.nan, completed[0]), name="y")
    if levels:
        codes = np.where(is_missing, -1, completed[0]).astype(int)
        series = pd.Series(pd.Categorical.from_codes(codes, levels), name="y")
    column = encode(series.to_frame()).columns["y"]
    probability = fit_logistic(x[:, None], is_missing)
    return Propensity(column, np.arange(N), probability, completed, is_missing)


def test_imputations_like_observed_values_do_not_differ():
    """At 95 % of two intervals each, 3 of 3 data sets differ by chance in fewer than 1 of 1,000."""
    tables = [
        compare_given_propensity(
            written(lambda rng, x, gone: 1 + x + rng.normal(size=N), np.random.SeedSequence())
        )
        for _ in range(3)
    ]
    assert not all(table["differs"].any() for table in tables)


def test_a_shift_and_a_smaller_spread_are_found_in_units_of_the_column():
    found = written(lambda rng, x, gone: x + np.where(gone, 0.5, 1.0) * rng.normal(size=N) + gone)
    table = compare_given_propensity(found)
    assert table["differs"].tolist() == [True, True]
    assert table.loc["difference", "estimate"] == pytest.approx(1, abs=0.3)
    assert table.loc["spread", "estimate"] == pytest.approx(0.5, abs=0.12)
    assert (table["lower"] < table["estimate"]).all()


def test_the_difference_is_from_the_regression_of_observed_values():
    found = written(lambda rng, x, gone: x**2 + rng.normal(size=N))
    logit, gone = np.log(found.probability / (1 - found.probability)), found.is_missing
    X = sm.add_constant(np.column_stack([logit, logit**2]))
    fit = sm.OLS(found.completed[0, ~gone], X[~gone]).fit()
    at_middle = fit.get_prediction(X[gone].mean(axis=0)[None])
    beyond = found.completed[:, gone] - fit.predict(X[gone])
    q = beyond.mean(axis=1)
    u = beyond.var(axis=1, ddof=1) / gone.sum() + at_middle.se_mean[0] ** 2
    row = compare_given_propensity(found).loc["difference"]
    assert row["estimate"] == pytest.approx(q.mean())
    assert row["std_error"] == pytest.approx(np.sqrt(u.mean() + 1.25 * q.var(ddof=1)))
    spread = compare_given_propensity(found).loc["spread", "estimate"]
    logs = np.log(beyond.std(axis=1, ddof=1) / np.sqrt(fit.scale))
    assert spread == pytest.approx(np.exp(logs.mean()))


def test_levels_that_are_imputed_too_often_are_found():
    def value(rng, x, gone):
        return (rng.random(N) < np.where(gone, 0.8, 0.3)).astype(float)

    table = compare_given_propensity(written(value, levels=["no", "yes"]))
    assert list(table.index) == ["share of no", "share of yes"]
    assert table["differs"].all()
    assert table.loc["share of yes", "estimate"] == pytest.approx(0.5, abs=0.15)


def test_groups_of_rows_hold_the_means_of_their_rows():
    found = written(lambda rng, x, gone: x + rng.normal(size=N))
    table = stratify(found)
    assert len(table) == 5
    assert table["n_observed"].sum() + table["n_imputed"].sum() == N
    assert (table["lowest"].to_numpy()[1:] > table["highest"].to_numpy()[:-1]).all()
    own = (found.probability >= table["lowest"][2]) & (found.probability <= table["highest"][2])
    observed = found.completed[0, own & ~found.is_missing]
    imputed = found.completed[:, own & found.is_missing]
    assert table.loc[2, "observed_mean"] == pytest.approx(observed.mean())
    assert table.loc[2, "imputed_sd"] == pytest.approx(imputed.std(axis=1, ddof=1).mean())


def test_few_imputed_rows_have_no_interval():
    found = written(lambda rng, x, gone: x)
    few = np.zeros(N, dtype=bool)
    few[:3] = True
    few = Propensity(found.column, found.rows, found.probability, found.completed, few)
    table = compare_given_propensity(few)
    assert table["lower"].isna().all()
    assert not table["differs"].any()
    assert len(stratify(few)) == 1


def test_probabilities_come_from_all_other_columns_and_are_averaged():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"a": rng.normal(size=60), "b": rng.normal(size=60)})
    data["c"] = rng.normal(size=60)
    data.loc[rng.random(60) < 1 / (1 + np.exp(-data["a"])), "c"] = np.nan
    data.loc[:5, "b"] = np.nan
    imputations = bm.MICE(data).mice(m=2, sweeps=3, random_seed=1, progressbar=False)
    found = find_propensity(imputations.tree, "c")
    fits = []
    for completed in imputations:
        X = completed[["a", "b"]].to_numpy()
        fits.append(fit_logistic((X - X.mean(0)) / X.std(0), data["c"].isna().to_numpy()))
    np.testing.assert_allclose(found.probability, np.mean(fits, axis=0), atol=1e-8)
    np.testing.assert_array_equal(found.completed, [frame["c"] for frame in imputations])


def test_columns_without_imputed_cells_are_refused():
    data = pd.DataFrame({"a": [1.0, 2.0, 4.0, 3.0], "b": [1.0, None, 2.0, 5.0]})
    imputations = bm.MICE(data).mice(m=2, sweeps=2, random_seed=1, progressbar=False)
    with pytest.raises(bm.SpecificationError, match=r"No cell of 'a' was imputed.*columns: b\."):
        find_propensity(imputations.tree, "a")


def test_values_beyond_the_observed_ones_are_counted():
    found = check_range(
        np.array([0.0, 10.0]), np.array([[-1.0, 5.0, 11.0, 12.0]]), np.array([[0.0, 20.0]])
    )
    assert (found.below, found.above, found.expected, found.negative) == (0.25, 0.5, 0.5, 0.25)
    assert np.isnan(check_range(np.ones(2), np.ones((1, 1)), np.ones(0)).expected)

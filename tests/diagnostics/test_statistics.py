"""Statistics of observed values among those of draws."""

import numpy as np
import pytest
from conditional_trees import tree_of
from scipy import stats

from bayesmice.diagnostics.conditional import find_conditional
from bayesmice.diagnostics.statistics import check_statistics


def check(y, predicted, **tree):
    empty = np.zeros(predicted.shape)
    return check_statistics(find_conditional(tree_of(y, empty, predicted, **tree), "y", 0))


def test_statistics_are_those_of_scipy_and_p_values_count_draws():
    rng = np.random.default_rng(1)
    y, predicted = rng.gamma(2.0, size=30), rng.normal(2.0, 1.5, (2, 20, 30))
    table = check(y, predicted)
    draws = predicted.reshape(40, 30)
    functions = {
        "mean": np.mean,
        "sd": lambda values: np.std(values, ddof=1),
        "min": np.min,
        "max": np.max,
        "skewness": stats.skew,
    }
    assert list(table.index) == list(functions)
    for name, function in functions.items():
        drawn = np.array([function(row) for row in draws])
        assert table.loc[name, "observed"] == pytest.approx(function(y))
        assert table.loc[name, "predicted"] == pytest.approx(drawn.mean())
        assert table.loc[name, "q5"] == pytest.approx(np.quantile(drawn, 0.05))
        assert table.loc[name, "p_value"] == (drawn > function(y)).mean()


def test_ties_count_half_and_counts_have_a_share_of_zeros():
    y = np.array([0.0, 1.0, 2.0, 0.0])
    predicted = np.array([[[0.0, 1.0, 2.0, 0.0], [0.0, 0.0, 0.0, 2.0]]])
    table = check(y, predicted)
    assert table.loc["share of zeros", ["observed", "predicted"]].tolist() == [0.5, 0.625]
    assert table.loc["share of zeros", "p_value"] == 0.5 * 0.5 + 0.5
    assert table.loc["max", "p_value"] == 0.5


def test_numbers_without_zeros_have_no_share_of_them():
    y = np.array([1.5, 2.5, 3.0])
    assert "share of zeros" not in check(y, np.ones((1, 4, 3))).index


def test_levels_have_shares():
    drawn = np.array([[[0, 1, 1, 1], [2, 2, 1, 0]]])
    tree = tree_of(np.array([0.0, 1.0, 1.0, 2.0]), np.zeros(drawn.shape), drawn)
    values = tree["conditionals/y/observed_data/y"]
    values.attrs |= {"scale": "nominal", "levels": '["a", "b", "c"]'}
    table = check_statistics(find_conditional(tree, "y", 0))
    assert list(table.index) == ["share of a", "share of b", "share of c"]
    assert table["observed"].tolist() == [0.25, 0.5, 0.25]
    assert table["predicted"].tolist() == [0.25, 0.5, 0.25]
    assert table["p_value"].tolist() == [0.5, 0.5, 0.5]


def test_draws_that_do_not_vary_have_no_skewness():
    table = check(np.array([1.0, 2.0, 4.0]), np.ones((1, 4, 3)))
    assert np.isnan(table.loc["skewness", "predicted"])
    assert np.isnan(table.loc["skewness", "p_value"])

import json

import numpy as np
import pandas as pd
import pytest

import bayesmice as bm


def counted(values, n_missing, dtype="Int64"):
    return pd.DataFrame({"x": pd.Series([*values, *[None] * n_missing], dtype=dtype)})


VALUES = [0, 0, 0, 0, 1, 1, 1, 2, 2, 5]


def ylabel(picture):
    return picture.viz["figure"].item().axes[0].get_ylabel()


def test_bars_and_dots_are_roots_of_proportions(make_tree):
    drawn = np.array([[0.0, 1.0, 1.2, 4.0], [2.0, 2.0, 2.0, 7.0]])
    picture = bm.plot_density(make_tree(counted(VALUES, 4), {"x": drawn}))
    bars = picture.get_viz("observed", "x").get_ydata()[1::2]
    np.testing.assert_allclose(bars[:8] ** 2, [0.4, 0.3, 0.2, 0, 0, 0.1, 0, 0])
    dots = picture.get_viz("imputed", "x", imputation=0).get_offsets()
    # Draws of a column of integers are rounded, as they are in completed data.
    np.testing.assert_allclose(dots[:, 1] ** 2, [0.25, 0.5, 0, 0, 0.25, 0, 0, 0])
    np.testing.assert_array_equal(dots[:, 0].round(), range(8))
    assert ylabel(picture) == "root of proportion"


def test_many_counts_are_grouped_and_the_axis_says_so(make_tree):
    values = np.random.default_rng(1).poisson(40, 300) * np.array([0, 2, 1] * 100)
    drawn = values[None, :20].astype(float)
    picture = bm.plot_density(make_tree(counted(values, 20), {"x": drawn}))
    assert ylabel(picture) == f"root of proportion (bars of {-(-(values.max() + 1) // 40)})"
    bars = picture.get_viz("observed", "x").get_ydata()[1::2]
    assert (bars**2).sum() == pytest.approx(1)
    assert len(picture.get_viz("imputed", "x", imputation=0).get_offsets()) <= 40


@pytest.mark.parametrize(
    ("data", "drawn"),
    [
        (counted([v + 40 for v in VALUES], 2), [[41.0, 42.0]]),  # years, not counts
        (counted([v - 2 for v in VALUES], 2), [[1.0, 2.0]]),  # below zero
        (counted(VALUES, 2, float), [[1.0, 2.0]]),  # whole by chance
    ],
)
def test_other_whole_numbers_have_densities(data, drawn, make_tree):
    assert ylabel(bm.plot_density(make_tree(data, {"x": np.array(drawn)}))) == "density"


def test_the_family_of_a_model_says_that_a_column_counts(make_tree):
    data = counted(VALUES, 2, float).assign(y=np.arange(12.0) ** 2)
    tree = make_tree(data, {"x": np.array([[1.0, 2.0]])})
    mice = bm.MICE(data, {"x": bm.Regression(family="poisson")})
    tree.attrs["specification"] = json.dumps(mice.specification)
    assert ylabel(bm.plot_density(tree)) == "root of proportion"
    tree.attrs["specification"] = json.dumps(bm.MICE(data).specification)
    assert ylabel(bm.plot_density(tree)) == "density"

"""Strips and boxes."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import bayesmice as bm
from bayesmice.plots.look import IMPUTED

PICTURES = pytest.mark.parametrize("plot", [bm.plot_strip, bm.plot_box])


def axes_of(picture, position=0):
    return picture.viz["figure"].item().axes[position]


def ticks_of(axes):
    return [label.get_text() for label in axes.get_xticklabels()]


def many(make_tree, m=120, n=1000, n_observed=5000):
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"x": np.r_[rng.normal(size=n_observed), np.full(n, np.nan)]})
    return make_tree(data, {"x": rng.normal(size=(m, n))}), data


@PICTURES
def test_observed_values_stand_before_the_imputations(plot, imputations):
    picture = plot(imputations)
    assert ticks_of(axes_of(picture)) == ["observed", "0", "1", "2", "3"]
    assert axes_of(picture).get_xlabel() == "imputation"
    assert axes_of(picture).get_title(loc="left") == "bmi: 9 of 25 imputed"
    places = axes_of(picture).get_xticks()
    assert places[0] <= -1
    np.testing.assert_array_equal(places[1:], range(4))


@PICTURES
def test_columns_with_levels_have_bars_of_proportions(plot, imputations):
    picture = plot(imputations, "hyp")
    heights = picture.get_viz("observed", "hyp").get_ydata()
    np.testing.assert_allclose(heights, [0, 13 / 17, 0, 4 / 17, 0, 0])
    assert ticks_of(axes_of(picture)) == ["no", "yes"]


@PICTURES
def test_of_many_imputations_fifty_are_shown_and_the_legend_says_so(plot, make_tree):
    tree, _ = many(make_tree, n=30, n_observed=50)
    picture = plot(tree)
    (legend,) = picture.viz["figure"].item().legends
    assert legend.texts[1].get_text() == "imputed (50 of 120 imputations)"
    assert picture.viz["imputed"]["x"].sizes["imputation"] == 50
    assert len(ticks_of(axes_of(picture))) <= 12
    picture.viz["figure"].item().canvas.draw()
    boxes = [label.get_window_extent() for label in axes_of(picture).get_xticklabels()]
    assert not any(one.overlaps(other) for one, other in pairwise(boxes))


def test_points_of_strips_are_the_values(imputations):
    picture = bm.plot_strip(imputations)
    data = bm.load_dataset("nhanes2")
    observed = picture.get_viz("observed", "bmi").get_offsets()
    np.testing.assert_allclose(np.sort(observed[:, 1]), np.sort(data["bmi"].dropna()))
    for i, completed in enumerate(imputations.data):
        points = picture.get_viz("imputed", "bmi", imputation=i).get_offsets()
        cells = completed.loc[data["bmi"].isna(), "bmi"]
        np.testing.assert_allclose(np.sort(points[:, 1]), np.sort(cells))
        assert (abs(points[:, 0] - i) <= 0.5).all()
    assert len(np.unique(observed[:, 0])) == len(observed)


def test_strips_of_many_values_are_thinned_and_keep_their_distribution(make_tree):
    tree, data = many(make_tree, m=20, n_observed=100_000)
    picture = bm.plot_strip(tree)
    known = data["x"].dropna()
    observed = np.asarray(picture.get_viz("observed", "x").get_offsets())[:, 1]
    assert len(observed) == 300
    assert (observed.min(), observed.max()) == (known.min(), known.max())
    shares = [0.1, 0.5, 0.9]
    np.testing.assert_allclose(np.quantile(observed, shares), known.quantile(shares), atol=0.01)
    assert len(picture.get_viz("imputed", "x", imputation=3).get_offsets()) == 250


def test_boxes_are_quartiles_and_medians(imputations):
    picture = bm.plot_box(imputations)
    data = bm.load_dataset("nhanes2")
    wanted = {"observed": data["chl"].dropna()}
    box = picture.get_viz("observed", "chl").get_ydata()
    np.testing.assert_allclose([box.min(), box.max()], wanted["observed"].quantile([0.25, 0.75]))
    for i, completed in enumerate(imputations.data):
        cells = completed.loc[data["chl"].isna(), "chl"]
        box = picture.get_viz("imputed", "chl", imputation=i)
        ends = box.get_ydata().min(), box.get_ydata().max()
        np.testing.assert_allclose(ends, cells.quantile([0.25, 0.75]))
        assert box.get_color() == IMPUTED["color"]
        assert box.get_xdata().mean() == pytest.approx(i, abs=0.2)
        lines = axes_of(picture, 2).lines
        medians = [line for line in lines if list(line.get_ydata()) == [cells.median()] * 2]
        assert medians


def test_points_beyond_whiskers_are_thinned(make_tree):
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"x": np.r_[rng.standard_cauchy(5000), np.nan]})
    axes = axes_of(bm.plot_box(make_tree(data, {"x": np.ones((2, 1))})))
    beyond = max((line.get_ydata() for line in axes.lines if line.get_marker() == "."), key=len)
    assert len(beyond) == 100
    assert (beyond.min(), beyond.max()) == (data["x"].min(), data["x"].max())


@PICTURES
@pytest.mark.parametrize("cells", [np.ones((2, 1)), np.full((2, 6), 3.5)])
def test_single_and_equal_cells_are_drawn(plot, cells, make_tree):
    data = pd.DataFrame({"x": np.r_[np.arange(9.0), np.full(cells.shape[1], np.nan)]})
    picture = plot(make_tree(data, {"x": cells}))
    assert picture.viz["imputed"]["x"].notnull().all()


@PICTURES
def test_imputations_that_no_run_made_are_drawn(plot, imputations):
    long = imputations.long(include_original=True)
    for source in (bm.from_long(long), imputations.select([0, 2])):
        assert set(plot(source).viz["imputed"].data_vars) == {"bmi", "hyp", "chl"}

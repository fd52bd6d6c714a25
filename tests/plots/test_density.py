import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from scipy.stats import norm

import bayesmice as bm
from bayesmice.plots import plot_density
from bayesmice.plots.look import IMPUTED


@pytest.fixture
def picture(imputations):
    return plot_density(imputations)


def panel(picture, position=0):
    return picture.viz["figure"].item().axes[position]


def with_missing(observed, n_missing):
    return pd.DataFrame({"x": np.concatenate([observed, np.full(n_missing, np.nan)])})


def count_modes(density):
    rises = np.diff(density[density > 0.05 * density.max()]) > 0
    return np.count_nonzero(rises[:-1] & ~rises[1:])


def test_each_incomplete_column_has_a_panel_that_says_how_much_was_imputed(picture):
    axes = picture.viz["figure"].item().axes
    assert [panel.get_title(loc="left") for panel in axes] == [
        "bmi: 9 of 25 imputed",
        "hyp: 8 of 25 imputed",
        "chl: 10 of 25 imputed",
    ]
    assert [panel.get_ylabel() for panel in axes] == ["density", "proportion", "density"]


def test_the_legend_names_observed_and_imputed(picture):
    (legend,) = picture.viz["figure"].item().legends
    assert [text.get_text() for text in legend.texts] == ["observed", "imputed"]


def test_numbers_have_one_thick_and_m_thin_curves(picture):
    observed = picture.get_viz("observed", "bmi")
    imputed = [picture.get_viz("imputed", "bmi", imputation=i) for i in range(4)]
    assert set(panel(picture).lines) == {observed, *imputed}
    assert observed.get_linewidth() == 2.5
    assert {line.get_linewidth() for line in imputed} == {1.0}
    assert to_rgb(observed.get_color()) == (0.0, 0.0, 0.0)
    assert {line.get_color() for line in imputed} == {IMPUTED["color"]}
    assert all(observed.get_zorder() >= line.get_zorder() for line in imputed)


def test_a_curve_is_the_gaussian_kernel_density_of_its_values(make_tree):
    observed = np.array([1.0, 2.5, 3.0, 4.2, 4.4, 5.0, 5.1, 7.0, 8.3])
    imputed = np.array([[2.0, 3.0, 4.0, 6.0, 9.0]])
    picture = plot_density(make_tree(with_missing(observed, 5), {"x": imputed}))
    spread = min(observed.std(), np.subtract(*np.quantile(observed, [0.95, 0.05])) / 3.29)
    for line, values in [
        (picture.get_viz("observed", "x"), observed),
        (picture.get_viz("imputed", "x", imputation=0), imputed[0]),
    ]:
        bandwidth = 1.06 * spread * len(values) ** -0.2
        x, density = line.get_data()
        expected = norm.pdf(x[:, None], values, bandwidth).mean(axis=1)
        # Values are counted in bins before they are smoothed, and curves end after 3 bandwidths.
        np.testing.assert_allclose(density, expected, atol=0.01 * expected.max())
        assert np.trapezoid(density, x) == pytest.approx(1, abs=0.005)


def test_bars_are_the_proportions_of_the_observed_levels(picture):
    # nhanes2: hypertension was seen in 4 of the 17 persons in whom it was observed.
    heights = picture.get_viz("observed", "hyp").get_ydata()
    np.testing.assert_allclose(heights, [0, 13 / 17, 0, 4 / 17, 0, 0])
    labels = [label.get_text() for label in panel(picture, 1).get_xticklabels()]
    assert labels == ["no", "yes"]


def test_dots_are_the_proportions_in_each_completed_data_set(picture, imputations):
    missing = bm.load_dataset("nhanes2")["hyp"].isna()
    for imputation, completed in enumerate(imputations.data):
        share = (completed.loc[missing, "hyp"] == "yes").mean()
        dots = picture.get_viz("imputed", "hyp", imputation=imputation).get_offsets()
        np.testing.assert_allclose(dots[:, 1], [1 - share, share])
        np.testing.assert_allclose(dots[:, 0].round(), [0, 1])


def test_one_column_makes_a_figure_of_one_panel(imputations):
    figure = plot_density(imputations, "chl").viz["figure"].item()
    assert len(figure.axes) == 1


def test_a_single_cell_is_marked_once_per_imputation(make_tree):
    data = with_missing(np.arange(10.0), 1)
    picture = plot_density(make_tree(data, {"x": np.array([[3.0], [5.5], [4.0]])}))
    marks = [picture.get_viz("imputed_marks", "x", imputation=i) for i in range(3)]
    assert [tuple(mark.get_offsets()[0]) for mark in marks] == [(3, 0), (5.5, 0), (4, 0)]
    assert panel(picture).lines[:] == [picture.get_viz("observed", "x")]


def test_equal_cells_are_marked_while_other_imputations_have_curves(make_tree):
    data = with_missing(np.arange(10.0), 6)
    drawn = np.array([[3.0] * 6, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]])
    picture = plot_density(make_tree(data, {"x": drawn}))
    assert picture.get_viz("imputed", "x", imputation=0) is None
    assert picture.get_viz("imputed_marks", "x", imputation=1) is None
    assert set(picture.get_viz("imputed_marks", "x", imputation=0).get_offsets()[:, 0]) == {3}
    assert len(panel(picture).lines) == 2


def test_a_constant_column_has_marks_and_no_axis_of_densities(make_tree):
    picture = plot_density(make_tree(with_missing(np.full(8, 3.5), 6), {"x": np.full((2, 6), 3.5)}))
    assert panel(picture).lines[:] == []
    assert picture.get_viz("observed_marks", "x").get_offsets()[0, 0] == 3.5
    assert panel(picture).get_ylabel() == ""
    assert list(panel(picture).get_yticks()) == []


def test_imputations_of_a_constant_column_that_vary_have_curves(make_tree):
    drawn = np.random.default_rng(1).normal(size=(2, 20))
    picture = plot_density(make_tree(with_missing(np.ones(8), 20), {"x": drawn}))
    assert len(panel(picture).lines) == 2
    assert picture.get_viz("observed", "x") is None


def test_a_column_with_one_level_has_one_bar(make_tree):
    data = pd.DataFrame({"x": pd.Categorical(["a", "a", None])})
    picture = plot_density(make_tree(data, {"x": np.zeros((2, 1))}))
    np.testing.assert_array_equal(picture.get_viz("observed", "x").get_ydata(), [0, 1, 0, 0])


@pytest.mark.parametrize("levels", [2, 0])
def test_many_imputations_are_transparent(levels, make_tree):
    rng = np.random.default_rng(1)
    if levels:
        data = with_missing(rng.integers(levels, size=30), 10)
        drawn = rng.integers(levels, size=(50, 10)).astype(float)
    else:
        data, drawn = with_missing(rng.normal(size=30), 10), rng.normal(size=(50, 10))
    picture = plot_density(make_tree(data, {"x": drawn}))
    marks = [picture.get_viz("imputed", "x", imputation=i) for i in range(50)]
    assert {round(mark.get_alpha(), 3) for mark in marks} == {0.354}


def test_a_positive_variable_ends_at_its_limit_and_its_imputations_where_they_do(make_tree):
    rng = np.random.default_rng(1)
    observed = rng.exponential(2, 500)
    drawn = np.stack([rng.exponential(2, 100), rng.normal(1, 2, 100)])
    picture = plot_density(make_tree(with_missing(observed, 100), {"x": drawn}))
    density = picture.get_viz("observed", "x").get_ydata()
    starts = [picture.get_viz("imputed", "x", imputation=i).get_xdata()[0] for i in range(2)]
    assert picture.get_viz("observed", "x").get_xdata()[0] == pytest.approx(0, abs=0.05)
    assert density[0] > 0.9 * density.max()
    assert starts[0] == pytest.approx(0, abs=0.05)
    assert starts[1] < drawn[1].min()


def test_a_variable_with_thin_tails_has_no_limit(make_tree):
    observed = np.random.default_rng(1).normal(size=500)
    picture = plot_density(make_tree(with_missing(observed, 5), {"x": observed[None, :5]}))
    density = picture.get_viz("observed", "x").get_ydata()
    assert max(density[0], density[-1]) < 0.01 * density.max()


def test_rounding_does_not_show_as_modes(make_tree):
    observed = np.random.default_rng(1).normal(50, 1.2, 1000).round()
    picture = plot_density(make_tree(with_missing(observed, 5), {"x": observed[None, :5]}))
    assert count_modes(picture.get_viz("observed", "x").get_ydata()) == 1


def test_many_zeros_do_not_make_imputations_look_rough(make_tree):
    rng = np.random.default_rng(1)
    observed = np.where(rng.random(500) < 0.8, 0, rng.gamma(2, 3, 500))
    drawn = rng.normal(2, 3, (1, 100))
    picture = plot_density(make_tree(with_missing(observed, 100), {"x": drawn}))
    assert count_modes(picture.get_viz("imputed", "x", imputation=0).get_ydata()) <= 3


@pytest.mark.parametrize("scale", [1e-9, 1e12])
@pytest.mark.parametrize("center", [0, 1e5])
def test_the_shape_of_a_curve_does_not_depend_on_units(scale, center, make_tree):
    values = np.random.default_rng(1).normal(size=40)
    curves = []
    for unit, shift in [(1.0, 0.0), (scale, center)]:
        changed = (values + shift) * unit
        picture = plot_density(make_tree(with_missing(changed, 5), {"x": changed[None, :5]}))
        curves.append(picture.get_viz("observed", "x").get_ydata() * unit)
    np.testing.assert_allclose(*curves, atol=0.02 * curves[0].max())


def test_values_far_from_zero_have_curves(make_tree):
    values = 1e15 + np.random.default_rng(1).normal(size=40)
    picture = plot_density(make_tree(with_missing(values, 5), {"x": values[None, :5]}))
    assert np.isfinite(picture.get_viz("observed", "x").get_ydata()).all()


def test_long_level_names_are_slanted_and_do_not_overlap(make_tree):
    levels = ["stage I, localized", "stage II, regional", "stage III, distant", "not known"]
    data = pd.DataFrame({"x": pd.Categorical([*levels * 3, None, None])})
    drawn = np.array([[0.0, 1.0], [2.0, 3.0]])
    figure = plot_density(make_tree(data, {"x": drawn})).viz["figure"].item()
    figure.canvas.draw()
    labels = figure.axes[0].get_xticklabels()
    assert sorted(label.get_text() for label in labels) == sorted(levels)
    assert {label.get_rotation() for label in labels} == {45}
    assert all(label.get_window_extent().y0 >= 0 for label in labels)


def test_a_very_long_level_name_is_shortened(make_tree):
    data = pd.DataFrame({"x": pd.Categorical(["b" * 60, "a", None])})
    picture = plot_density(make_tree(data, {"x": np.zeros((2, 1))}))
    names = [label.get_text() for label in panel(picture).get_xticklabels()]
    assert names == ["a", "b" * 23 + "…"]

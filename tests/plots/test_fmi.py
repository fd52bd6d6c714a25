import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import bayesmice as bm
from bayesmice.plots import plot_fmi


@pytest.fixture
def picture(imputations):
    return plot_fmi(imputations)


@pytest.fixture
def axes(picture):
    return picture.viz["figure"].item().axes


def test_two_panels_name_columns_from_top_to_bottom(axes) -> None:
    assert [panel.get_title(loc="left") for panel in axes] == [
        "information missing of means (m=4)",
        "variance of each missing cell",
    ]
    left, right = axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["bmi", "hyp: yes", "chl"]
    assert [label.get_text() for label in right.get_yticklabels()] == ["bmi", "hyp", "chl"]
    assert all(panel.yaxis_inverted() for panel in axes)
    assert [panel.get_xlabel() for panel in axes] == [
        "fraction",
        "between imputations, over that of observed values",
    ]


def test_marks_hold_the_numbers_of_the_table(picture, imputations) -> None:
    table = imputations.fmi().table
    for name in ("fmi", "missing"):
        points = picture.viz[name]["information"].item().get_offsets()
        np.testing.assert_allclose(points[:, 0], table[name])
        np.testing.assert_array_equal(points[:, 1], [0, 1, 2])
    x, _ = picture.viz["interval"]["information"].item().get_data()
    np.testing.assert_allclose(x.reshape(3, 3)[:, :2], table[["fmi_low", "fmi_high"]])


def test_every_missing_cell_has_a_dot_in_the_row_of_its_column(picture, imputations) -> None:
    cells = imputations.fmi().cells
    points = picture.viz["cells"]["cells"].item().get_offsets()
    np.testing.assert_allclose(points[:, 0], cells["relative_variance"])
    rows = cells["variable"].map({"bmi": 0, "hyp": 1, "chl": 2})
    np.testing.assert_array_equal(np.rint(points[:, 1]), rows)
    assert picture.viz["nothing_known"]["cells"].item().get_xdata()[0] == 1.0


def test_the_legend_tells_marks_apart_by_shape(picture) -> None:
    (legend,) = picture.viz["figure"].item().legends
    assert [text.get_text() for text in legend.texts] == [
        "share of cells missing",
        "fraction of missing information",
        "a missing cell",
    ]
    square, dot, _ = legend.legend_handles
    assert [square.get_marker(), dot.get_marker()] == ["s", "o"]
    assert square.get_markerfacecolor() == "none"


def test_columns_are_chosen_by_name_from_a_tree_or_a_file(imputations, tmp_path) -> None:
    reopened = bm.open_imputations(imputations.to_netcdf(tmp_path / "run.nc"))
    for run in (imputations.tree, reopened):
        left, _ = plot_fmi(run, ["chl", "bmi"]).viz["figure"].item().axes
        assert [label.get_text() for label in left.get_yticklabels()] == ["chl", "bmi"]


def test_what_cannot_be_drawn_is_refused(imputations) -> None:
    with pytest.raises(bm.SpecificationError, match="names 'age', which is none of the columns"):
        plot_fmi(imputations, "age")
    with pytest.raises(bm.PoolingError, match="there is 1"):
        plot_fmi(imputations.select([0]))
    with pytest.raises(bm.DataTypeError, match="got list"):
        plot_fmi([1, 2])


def test_imputations_of_a_table_can_be_drawn(imputations) -> None:
    table = bm.from_long(imputations.long(include_original=True))
    assert len(plot_fmi(table).viz["fmi"]["information"].item().get_offsets()) == 3


def test_long_names_stay_inside_the_figure_in_the_users_style(make_tree) -> None:
    name = "a_column_whose_name_is_longer_than_a_panel_is_wide_in_kilograms_per_square_metre"
    data = pd.DataFrame({name: [np.nan, np.nan, 1.0, 2.0, 4.0, 5.0, 7.0]})
    with plt.style.context("dark_background"):
        figure = plot_fmi(make_tree(data, {name: np.array([[1.0, 3.0], [2.0, 5.0]])}))
        figure = figure.viz["figure"].item()
    figure.canvas.draw()
    for panel in figure.axes:
        (label,) = panel.get_yticklabels()
        assert name == label.get_text().replace("\n", "")
        left = 0 if panel is figure.axes[0] else figure.axes[0].bbox.x1
        assert label.get_window_extent().x0 >= left
    assert figure.get_facecolor() == (0.0, 0.0, 0.0, 1.0)


def test_a_column_that_does_not_vary_leaves_its_row_empty() -> None:
    data = pd.DataFrame({"a": [1.0, 1.0, np.nan, 1.0], "b": [3.0, 1.0, 2.0, 4.0]})
    run = bm.MICE(data).mice(m=2, sweeps=2, random_seed=1, progressbar=False)
    figure = plot_fmi(run).viz["figure"].item()
    figure.canvas.draw()
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["a"]

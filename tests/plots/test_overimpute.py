import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import bayesmice as bm
from bayesmice.data import encode
from bayesmice.diagnostics.overimputation import Overimputation, hidden_cells
from bayesmice.plots import plot_overimpute

LONG = "a_column_whose_name_is_longer_than_a_panel_is_wide_in_kilograms_per_square_metre"


def check_of(frame, draws, rows):
    """Overimputed cells that were written down, not drawn."""
    store = encode(pd.DataFrame(frame))
    rng = np.random.default_rng(0)
    hidden = [
        hidden_cells(store.columns[name], rows, rows.tolist(), [""] * len(rows), own, rng)
        for name, own in draws.items()
    ]
    return Overimputation(tuple(hidden), len(next(iter(draws.values()))), 5, 1, {}, ())


@pytest.fixture
def check():
    rng = np.random.default_rng(1)
    rows = np.arange(6)
    numbers = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 40.0, 1.0, 2.0])
    letters = list("aabbbcac")
    draws = {
        "x": numbers[:6] * [1, 1, 1, 1, 1, 0] + rng.normal(size=(50, 6)),
        "letter": rng.integers(0, 3, size=(50, 6)).astype(float),
    }
    return check_of({"x": numbers, "letter": letters}, draws, rows)


@pytest.fixture
def picture(check):
    return plot_overimpute(check)


@pytest.fixture
def axes(picture):
    return picture.viz["figure"].item().axes


def test_each_column_has_a_panel_that_says_how_many_cells_are_covered(axes) -> None:
    titles = [panel.get_title(loc="left") for panel in axes]
    assert titles == ["x: 5 of 6 in 95 % intervals", "letter: 6 hidden cells"]
    assert [axes[0].get_xlabel(), axes[0].get_ylabel()] == ["observed", "imputed"]
    assert axes[1].get_ylabel() == "proportion"
    assert [label.get_text() for label in axes[1].get_xticklabels()] == ["a", "b", "c"]


def test_marks_are_observed_values_and_means_of_draws(picture, check) -> None:
    own = check["x"]
    covered = picture.viz["covered"]["x"].item().get_offsets()
    missed = picture.viz["missed"]["x"].item().get_offsets()
    points = np.stack([own.truth, own.draws.mean(axis=0)], axis=1)
    np.testing.assert_allclose(covered, points[:5])
    np.testing.assert_allclose(missed, points[5:])


def test_lines_are_the_intervals_of_the_table_of_cells(picture, check) -> None:
    cells = check.cells.query("variable == 'x'")
    x, y = picture.viz["interval"]["x"].item().get_data()
    np.testing.assert_allclose(y.reshape(6, 3)[:, :2], cells[["q2.5", "q97.5"]])
    np.testing.assert_allclose(x.reshape(6, 3)[:, 0], check["x"].truth)
    line = picture.viz["equality"]["x"].item()
    np.testing.assert_array_equal(line.get_xdata(), line.get_ydata())


def test_bars_are_observed_shares_and_marks_mean_probabilities(picture, check) -> None:
    levels = check.levels.loc["letter"]
    points = picture.viz["predicted"]["letter"].item().get_offsets()
    np.testing.assert_allclose(points[:, 1], levels["predicted"])
    heights = picture.viz["observed"]["letter"].item().get_ydata()
    np.testing.assert_allclose(heights[1::2][:3], levels["observed"])


def test_the_legend_tells_covered_and_missed_apart_by_their_marks(picture) -> None:
    (legend,) = picture.viz["figure"].item().legends
    assert [text.get_text() for text in legend.texts] == [
        "mean of draws",
        "95 % of draws",
        "observed outside 95 %",
        "observed share",
        "mean probability",
    ]
    markers = [handle.get_marker() for handle in legend.legend_handles]
    assert len({markers[0], markers[2]}) == 2


def test_columns_are_chosen_by_name(check) -> None:
    assert list(plot_overimpute(check, "x").viz["plot"].data_vars) == ["x"]
    with pytest.raises(bm.SpecificationError, match=r"names 'y', .* Columns: x, letter\."):
        plot_overimpute(check, ["y"])
    with pytest.raises(bm.SpecificationError, match="var_names is empty"):
        plot_overimpute(check, [])


def test_imputations_themselves_are_refused(imputations) -> None:
    with pytest.raises(bm.DataTypeError, match=r"what imputations\.overimpute\(\.\.\.\) returned"):
        plot_overimpute(imputations)


def test_long_names_and_one_cell_are_written_out_in_the_users_style() -> None:
    check = check_of({LONG: [1.0, 2.0, 4.0]}, {LONG: np.array([[1.0], [2.0]])}, np.array([1]))
    with plt.style.context("dark_background"):
        figure = plot_overimpute(check).viz["figure"].item()
    figure.canvas.draw()
    title = figure.axes[0]._left_title
    assert LONG in title.get_text().replace("\n", "")
    assert title.get_window_extent().x1 <= figure.bbox.x1
    assert figure.get_facecolor() == (0.0, 0.0, 0.0, 1.0)
    assert title.get_color() == "white"

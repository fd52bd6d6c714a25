import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

import bayesmice as bm
from bayesmice.plots import plot_trace
from bayesmice.plots.chains import CHAIN_COLORS, CHAIN_MARKERS
from bayesmice.plots.look import IMPUTED


@pytest.fixture
def picture(imputations):
    return plot_trace(imputations)


@pytest.fixture
def axes(picture):
    return picture.viz["figure"].item().axes


def test_mean_and_sd_of_each_column_have_a_panel_that_says_so(axes):
    assert [panel.get_title(loc="left") for panel in axes] == [
        "bmi: mean of imputed cells",
        "bmi: sd of imputed cells",
        "hyp: mean of imputed level codes",
        "hyp: sd of imputed level codes",
        "chl: mean of imputed cells",
        "chl: sd of imputed cells",
    ]


def test_lines_hold_the_numbers_of_the_tree(picture, imputations):
    statistics = imputations.tree["sweep_stats"]
    assert picture.viz["trace"]["bmi"].sizes == {"chain": 4, "statistic": 2}
    for name in ("bmi", "hyp", "chl"):
        for statistic in ("mean", "sd"):
            for chain in range(4):
                line = picture.get_viz("trace", name, chain=chain, statistic=statistic)
                expected = statistics[name].sel(chain=chain, statistic=statistic)
                np.testing.assert_array_equal(line.get_xdata(), np.arange(6))
                np.testing.assert_array_equal(line.get_ydata(), expected)


def test_each_panel_has_a_line_per_chain_and_no_other(axes):
    assert [len(panel.lines) for panel in axes] == [4] * 6


def test_markers_lie_on_the_lines(picture):
    line = picture.get_viz("trace", "chl", chain=2, statistic="sd")
    markers = picture.get_viz("markers", "chl", chain=2, statistic="sd")
    np.testing.assert_array_equal(markers.get_offsets(), line.get_xydata())


def test_only_the_last_row_says_sweep_and_ticks_are_whole_sweeps(axes):
    assert [panel.get_xlabel() for panel in axes] == [""] * 4 + ["sweep"] * 2
    assert [label.get_text() for label in axes[-1].get_xticklabels()] == list("012345")


def test_the_legend_tells_chains_apart_by_marker(picture):
    (legend,) = picture.viz["figure"].item().legends
    assert [text.get_text() for text in legend.texts] == [f"chain {i}" for i in range(4)]
    assert [handle.get_marker() for handle in legend.legend_handles] == list(CHAIN_MARKERS[:4])


def test_more_chains_than_six_are_drawn_alike_and_transparent(make_tree):
    data = pd.DataFrame({"x": [np.nan, np.nan, 1.0, 2.0, 3.0]})
    picture = plot_trace(make_tree(data, {"x": np.ones((30, 2))}))
    lines = picture.viz["figure"].item().axes[0].lines
    (legend,) = picture.viz["figure"].item().legends
    assert len(lines) == 30
    assert len({line.get_color() for line in lines}) == 1
    assert {round(line.get_alpha(), 3) for line in lines} == {0.456}
    assert [text.get_text() for text in legend.texts] == ["each of 30 chains"]


def test_the_sd_of_a_single_cell_is_said_to_be_undefined(make_tree):
    data = pd.DataFrame({"x": [np.nan, 1.0, 2.0, 3.0]})
    picture = plot_trace(make_tree(data, {"x": np.ones((2, 1))}))
    mean, sd = picture.viz["figure"].item().axes
    assert [len(mean.lines), len(sd.lines)] == [2, 0]
    assert [text.get_text() for text in sd.texts] == ["not defined for one cell"]
    assert mean.texts[:] == []


def test_a_single_sweep_is_shown_by_its_markers(imputations):
    tree = imputations.tree.copy()
    tree["sweep_stats"] = tree["sweep_stats"].to_dataset().isel(draw=[5])
    picture = plot_trace(tree, "bmi")
    panel = picture.viz["figure"].item().axes[0]
    assert [label.get_text() for label in panel.get_xticklabels()] == ["5"]
    assert len(panel.collections) == 4


def test_imputations_without_sweeps_have_no_trace_and_say_so():
    x = [np.nan, 1.0, 2.0, 5.0, 1.0, 2.0, 4.0, 1.0, 2.0]
    table = pd.DataFrame({".imp": np.repeat([0, 1, 2], 3), ".id": [1, 2, 3] * 3, "x": x})
    table = bm.from_long(table)
    text = r"There is no trace to draw: these imputations come from a long table \(bm.from_long\)"
    with pytest.raises(ValueError, match=text):
        plot_trace(table)
    assert bm.plot_density(table).viz["imputed"]["x"].sizes["imputation"] == 2


def contrast(color, background):
    def luminance(name):
        rgb = np.array(to_rgb(name))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    lighter, darker = sorted([luminance(color), luminance(background)], reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("color", [*CHAIN_COLORS, IMPUTED["color"]])
@pytest.mark.parametrize("background", ["white", "black"])
def test_colors_read_on_white_and_on_black(color, background):
    assert contrast(color, background) >= 3


def test_many_chains_read_on_a_dark_background(make_tree):
    data = pd.DataFrame({"x": [np.nan, np.nan, 1.0, 2.0, 3.0]})
    with plt.style.context("dark_background"):
        picture = plot_trace(make_tree(data, {"x": np.ones((7, 2))}))
    line = picture.viz["figure"].item().axes[0].lines[0]
    assert contrast(line.get_color(), "black") >= 3

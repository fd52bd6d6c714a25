import numpy as np
import pandas as pd
import pytest
import xarray as xr
from arviz_stats.base import array_stats

import bayesmice as bm
from bayesmice.plots import plot_convergence


@pytest.fixture
def picture(imputations):
    return plot_convergence(imputations)


@pytest.fixture
def axes(picture):
    return picture.viz["figure"].item().axes


def test_each_column_has_a_panel_that_names_its_worst(axes, imputations):
    table = imputations.convergence().table
    for panel, name in zip(axes, ["bmi", "hyp", "chl"], strict=True):
        worst = table[table["variable"] == name].iloc[0]
        title = panel.get_title(loc="left").replace("\n", " ")
        assert title == f"{name}: {worst['r_hat']:.2f} at the end ({worst['quantity']})"
        assert (panel.get_xlabel(), panel.get_ylabel()) == ("first sweeps", "R-hat")
        assert [label.get_text() for label in panel.get_xticklabels()] == ["4", "5", "6"]


def test_lines_are_r_hats_of_the_first_sweeps(picture, imputations):
    means = imputations.tree["sweep_stats/bmi"].sel(statistic="mean").to_numpy()
    x, y = picture.viz["mean"]["bmi"].item().get_data()
    assert x.tolist() == [4, 5, 6]
    np.testing.assert_allclose(y, [float(array_stats.rhat(means[:, :n])) for n in (4, 5, 6)])
    sigma = imputations.tree["conditionals/chl/posterior/sigma"].to_numpy()
    line = picture.viz["parameters"]["chl"].sel(quantity="sigma").item()
    np.testing.assert_allclose(
        line.get_ydata(), [float(array_stats.rhat(sigma[:, :n])) for n in (4, 5, 6)]
    )
    offsets = picture.viz["sd_markers"]["chl"].item().get_offsets()
    np.testing.assert_array_equal(offsets, picture.viz["sd"]["chl"].item().get_xydata())


def test_each_quantity_has_a_line_and_so_have_both_bounds(axes, imputations):
    table = imputations.convergence().table
    for panel, name in zip(axes, ["bmi", "hyp", "chl"], strict=True):
        assert len(panel.lines) == (table["variable"] == name).sum() + 2


def test_bounds_are_those_of_the_verdict(picture, imputations):
    windows = imputations.convergence().windows
    x, y = picture.viz["bound"]["hyp"].item().get_data()
    expected = windows.groupby("sweeps")["r_hat_bound"].first()
    assert x.tolist() == expected.index.tolist()
    np.testing.assert_allclose(y, expected)
    assert set(picture.viz["mixed"]["hyp"].item().get_ydata()) == {1.05}


def test_the_legend_tells_lines_apart_without_hue(picture):
    (legend,) = picture.viz["figure"].item().legends
    assert [text.get_text() for text in legend.texts] == [
        "mean",
        "sd",
        "parameters",
        "chance",
        "1.05",
    ]
    looks = [(line.get_marker(), line.get_linestyle()) for line in legend.legend_handles]
    assert len(set(looks)) == 5


@pytest.mark.parametrize("names", ["bmi", ["bmi", "chl"]])
def test_the_legend_fits_few_panels(imputations, names):
    figure = plot_convergence(imputations, names).viz["figure"].item()
    figure.canvas.draw()
    assert figure.legends[0].get_window_extent().x0 >= 0


def test_the_later_half_lies_inside_the_panel(axes, picture):
    for panel in axes:
        low, high = panel.get_ylim()
        later = [line.get_ydata()[-2:] for line in panel.lines]
        assert np.nanmax(np.concatenate(later)) < high
        assert low == 0.95


def test_chains_that_stand_still_apart_have_no_line(make_tree):
    data = pd.DataFrame({"x": [np.nan, np.nan, 1.0, 2.0, 3.0]})
    tree = make_tree(data, {"x": np.ones((2, 2))})
    rng = np.random.default_rng(0)
    values = np.stack([np.array([[0.0] * 8, [1.0] * 8]), rng.normal(size=(2, 8))], axis=-1)
    tree["sweep_stats"] = xr.DataTree(
        xr.Dataset(
            {"x": (("chain", "draw", "statistic"), values)},
            {"chain": [0, 1], "draw": range(8), "statistic": ["mean", "sd"]},
        )
    )
    picture = plot_convergence(tree)
    (panel,) = picture.viz["figure"].item().axes
    assert panel.get_title(loc="left") == "x: inf at the end (mean of imputed\ncells)"
    assert len(panel.lines) == 3


def test_a_single_window_is_shown_by_markers(imputations):
    tree = imputations.tree.copy()
    tree["sweep_stats"] = tree["sweep_stats"].to_dataset().isel(draw=slice(4))
    del tree["conditionals"]
    picture = plot_convergence(tree, "bmi")
    (panel,) = picture.viz["figure"].item().axes
    assert [len(marks.get_offsets()) for marks in panel.collections] == [1, 1]


def test_what_has_no_r_hat_is_refused_with_the_reason(imputations):
    with pytest.raises(
        bm.SpecificationError, match=r"no R-hat to draw\. Cannot tell: there is a si"
    ):
        plot_convergence(imputations.select([0]))
    tree = imputations.tree.copy()
    del tree["conditionals"]
    tree["sweep_stats"] = tree["sweep_stats"].to_dataset().isel(draw=slice(3))
    with pytest.raises(bm.SpecificationError, match="R-hat takes 4 sweeps, and there are 3"):
        plot_convergence(tree)
    x = [np.nan, 1.0, 2.0, 5.0, 1.0, 2.0, 4.0, 1.0, 2.0]
    table = pd.DataFrame({".imp": np.repeat([0, 1, 2], 3), ".id": [1, 2, 3] * 3, "x": x})
    with pytest.raises(
        bm.SpecificationError, match=r"no R-hat to draw: these imputations come from"
    ):
        plot_convergence(bm.from_long(table))
    constant = bm.MICE(pd.DataFrame({"a": [1.0, np.nan], "b": [3.0, 1.0]}))
    run = constant.mice(m=2, sweeps=1, random_seed=1, progressbar=False)
    with pytest.raises(bm.SpecificationError, match="every imputed column has one observed value"):
        plot_convergence(run)
    with pytest.raises(bm.SpecificationError, match=r"names 'age', .* Columns: bmi, hyp, chl\."):
        plot_convergence(imputations, "age")


def test_a_reopened_file_gives_the_same_lines(imputations, picture, tmp_path):
    reopened = bm.open_imputations(imputations.to_netcdf(tmp_path / "run.nc"))
    again = plot_convergence(reopened)
    np.testing.assert_array_equal(
        again.viz["mean"]["bmi"].item().get_ydata(), picture.viz["mean"]["bmi"].item().get_ydata()
    )

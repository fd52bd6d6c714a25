"""What every picture does with its arguments."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from arviz_base import rc_context
from matplotlib.figure import Figure

import bayesmice as bm
from bayesmice.plots import plot_box, plot_density, plot_strip, plot_trace

PICTURES = pytest.mark.parametrize("plot", [plot_box, plot_density, plot_strip, plot_trace])


def panels(picture):
    return list(picture.viz["plot"].data_vars)


@PICTURES
def test_all_incomplete_columns_are_shown_in_the_order_of_the_data(plot, imputations):
    assert panels(plot(imputations)) == ["bmi", "hyp", "chl"]


@PICTURES
def test_columns_are_shown_in_the_order_asked_for_and_once(plot, imputations):
    assert panels(plot(imputations, var_names=["chl", "bmi", "chl"])) == ["chl", "bmi"]


@PICTURES
def test_one_column_can_be_named_by_a_string(plot, imputations):
    assert panels(plot(imputations, "hyp")) == ["hyp"]


@PICTURES
def test_a_tree_and_a_reopened_file_give_the_same_panels(plot, imputations, tmp_path):
    reopened = bm.open_imputations(imputations.to_netcdf(tmp_path / "run.nc"))
    for run in (imputations.tree, reopened):
        picture = plot(run)
        titles = [axes.get_title(loc="left") for axes in picture.viz["figure"].item().axes]
        expected = [
            axes.get_title(loc="left") for axes in plot(imputations).viz["figure"].item().axes
        ]
        assert titles == expected


@PICTURES
def test_an_unknown_column_is_refused_with_the_list_of_those_there_are(plot, imputations):
    with pytest.raises(bm.SpecificationError, match=r"names 'age', .* Columns: bmi, hyp, chl\."):
        plot(imputations, var_names=["bmi", "age"])


@PICTURES
def test_no_column_at_all_is_refused(plot, imputations):
    with pytest.raises(bm.SpecificationError, match="var_names is empty"):
        plot(imputations, var_names=[])


@PICTURES
def test_something_that_is_not_a_run_is_refused(plot):
    with pytest.raises(bm.DataTypeError, match=r"Imputations that mice\(\) returned.*got list"):
        plot([1, 2])


@PICTURES
def test_complete_data_are_refused_with_a_sentence(plot):
    data = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [3.0, 1.0, 2.0]})
    imputations = bm.MICE(data).mice(m=2, sweeps=2, random_seed=1, progressbar=False)
    with pytest.raises(bm.SpecificationError, match="nothing to draw: the data have no missing"):
        plot(imputations)


@PICTURES
def test_more_panels_than_arviz_allows_are_refused(plot, make_tree):
    names = [f"x{i}" for i in range(41)]
    data = pd.DataFrame(np.arange(41 * 7.0).reshape(7, 41), columns=names)
    data.iloc[0] = np.nan
    tree = make_tree(data, {name: np.ones((2, 1)) for name in names})
    with pytest.raises(bm.SpecificationError, match=r"panels; ArviZ allows 40.*var_names="):
        plot(tree)
    assert plt.get_fignums() == []


@PICTURES
def test_the_users_own_style_is_kept_and_left_as_it_was(plot, imputations):
    with plt.style.context("dark_background"):
        before = dict(plt.rcParams)
        figure = plot(imputations, "bmi").viz["figure"].item()
        assert dict(plt.rcParams) == before
    assert figure.get_facecolor() == (0.0, 0.0, 0.0, 1.0)
    assert figure.axes[0].title.get_color() == "white"


@PICTURES
@pytest.mark.parametrize(
    "name",
    [
        "a_column_whose_name_is_longer_than_a_panel_is_wide_in_kilograms_per_square_metre",
        "cost in $ per $^ of _{tax",
    ],
)
def test_long_and_odd_names_are_written_out_inside_the_figure(plot, name, make_tree):
    data = pd.DataFrame({name: [np.nan, np.nan, 1.0, 2.0, 4.0, 5.0, 7.0]})
    figure = plot(make_tree(data, {name: np.ones((2, 2))})).viz["figure"].item()
    figure.canvas.draw()
    for axes in figure.axes:
        title = axes._left_title
        assert name.replace(" ", "") in title.get_text().replace("\n", "").replace(" ", "")
        assert title.get_window_extent().x1 <= axes.bbox.x1 + 1
        assert title.get_window_extent().y1 <= figure.bbox.y1


def test_a_picture_is_saved_as_a_file(imputations, tmp_path):
    plot_density(imputations).savefig(tmp_path / "density.png")
    assert (tmp_path / "density.png").read_bytes().startswith(b"\x89PNG")


def test_columns_that_no_model_drew_have_no_trace():
    data = pd.DataFrame({"a": [1.0, 1.0, np.nan, 1.0], "b": [3.0, 1.0, 2.0, 4.0]})
    imputations = bm.MICE(data).mice(m=2, sweeps=2, random_seed=1, progressbar=False)
    assert isinstance(imputations.tree, xr.DataTree)
    with pytest.raises(bm.SpecificationError, match="no trace to draw: every imputed column"):
        plot_trace(imputations)


@pytest.mark.parametrize("name", ["plotly", "bokeh"])
def test_pictures_are_drawn_with_matplotlib_whatever_arviz_would_use(name, imputations):
    with rc_context({"plot.backend": name}):
        for picture in (
            plot_strip(imputations),
            bm.plot_pattern(imputations),
            bm.plot_xy(imputations, ["bmi", "chl"]),
        ):
            assert isinstance(picture.viz["figure"].item(), Figure)
            assert picture.backend == "matplotlib"

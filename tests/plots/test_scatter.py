import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import bayesmice as bm


@pytest.fixture
def data():
    return bm.load_dataset("nhanes2")


def offsets(picture, label, imputation):
    return picture.viz[label]["points"].sel(imputation=imputation).item().get_offsets()


def sorted_rows(array):
    return np.array(sorted(map(tuple, np.asarray(array))))


def test_a_point_counts_as_imputed_if_either_cell_is(imputations, data):
    picture = bm.plot_xy(imputations, ["bmi", "chl"])
    either = data[["bmi", "chl"]].isna().any(axis=1)
    for i, completed in enumerate(imputations.data):
        values = completed[["bmi", "chl"]]
        found = sorted_rows(offsets(picture, "imputed", i))
        np.testing.assert_allclose(found, sorted_rows(values[either]))
        found = sorted_rows(offsets(picture, "observed", i))
        np.testing.assert_allclose(found, sorted_rows(values[~either]))


def test_panels_axes_and_legend_are_named(imputations):
    figure = bm.plot_xy(imputations, ["bmi", "chl"]).viz["figure"].item()
    titles = [axes.get_title(loc="left") for axes in figure.axes[:4]]
    assert titles == [f"imputation {i}" for i in range(4)]
    assert [axes.get_xlabel() for axes in figure.axes[:4]] == ["", "bmi", "bmi", "bmi"]
    assert [axes.get_ylabel() for axes in figure.axes[:4]] == ["chl", "", "", "chl"]
    assert [text.get_text() for text in figure.legends[0].texts] == ["observed", "imputed"]


def test_a_file_and_a_complete_column_are_drawn(imputations, data, tmp_path):
    reopened = bm.open_imputations(imputations.to_netcdf(tmp_path / "run.nc"))
    picture = bm.plot_xy(reopened, ["age", "chl"], shown=1)
    assert len(offsets(picture, "imputed", 0)) == data["chl"].isna().sum()
    axes = picture.viz["figure"].item().axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["20-39", "40-59", "60-99"]


def test_points_of_levels_lie_on_either_side_of_their_level(imputations, data):
    picture = bm.plot_xy(imputations, ["age", "hyp"])
    completed = imputations.completed(1)
    missing = data["hyp"].isna()
    for label, sign, rows in (("observed", -1, ~missing), ("imputed", 1, missing)):
        points = np.asarray(offsets(picture, label, 1))
        codes = completed.loc[rows, "age"].cat.codes.to_numpy()
        across = sign * (points[:, 0] - codes)
        assert ((across >= 0) & (across <= 0.3)).all()
        np.testing.assert_array_equal(
            points[:, 1].round(), completed.loc[rows, "hyp"].cat.codes.to_numpy()
        )


def test_many_rows_and_imputations_are_thinned_and_the_legend_says_so(make_tree):
    rng = np.random.default_rng(1)
    values = rng.normal(size=(100_000, 2))
    values[:20_000, 1] = np.nan
    data = pd.DataFrame(values, columns=["x", "y"])
    picture = bm.plot_xy(make_tree(data, {"y": rng.normal(size=(50, 20_000))}), ["x", "y"])
    figure = picture.viz["figure"].item()
    assert [text.get_text() for text in figure.legends[0].texts] == [
        "observed (1,000 of 80,000 rows)",
        "imputed (500 of 20,000 rows; 6 of 50 imputations)",
    ]
    assert len(figure.axes) == 6
    assert len(offsets(picture, "imputed", 5)) == 500
    same = [offsets(picture, "imputed", i)[:, 0] for i in (0, 5)]
    np.testing.assert_array_equal(*same)


def test_cells_that_are_not_imputed_at_all_leave_their_rows_out(data):
    where = data.isna()
    where.loc[where.index[:5], "chl"] = False
    imputations = bm.MICE(data, where=where).mice(m=2, sweeps=2, random_seed=1, progressbar=False)
    picture = bm.plot_xy(imputations, ["age", "chl"])
    assert len(offsets(picture, "imputed", 0)) == where["chl"].sum()
    assert len(offsets(picture, "observed", 0)) == data["chl"].notna().sum()


@pytest.mark.parametrize("var_names", ["bmi", ["bmi"], ["bmi", "chl", "age"], ["bmi", "bmi"], None])
def test_other_than_two_columns_are_refused(var_names, imputations):
    with pytest.raises(bm.SpecificationError, match="expected two columns, such as"):
        bm.plot_xy(imputations, var_names)


@pytest.mark.parametrize("shown", [0, 5, 1.5, True])
def test_a_wrong_number_of_imputations_is_refused(shown, imputations):
    with pytest.raises(bm.SpecificationError, match="how many of the 4 imputations"):
        bm.plot_xy(imputations, ["bmi", "chl"], shown=shown)


def test_columns_without_imputed_cells_are_refused(make_tree):
    data = pd.DataFrame({"x": [1.0, 2, 3], "y": [4.0, 5, 7], "z": [1.0, 2, np.nan]})
    tree = make_tree(data, {"z": np.ones((2, 1))})
    with pytest.raises(bm.SpecificationError, match=r"neither 'x' nor 'y' has .* some: z\."):
        bm.plot_xy(tree, ["x", "y"])
    assert plt.get_fignums() == []

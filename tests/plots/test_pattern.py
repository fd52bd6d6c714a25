import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest

import bayesmice as bm


def axes_of(picture):
    return picture.viz["figure"].item().axes[0]


def texts(labels):
    return [label.get_text() for label in labels]


def centers(picture, label):
    """Give the (column, row) of tiles, from their corners."""
    paths = picture.viz[label]["pattern"].item().get_paths()
    return {tuple(np.rint(path.vertices[:4].mean(axis=0)).astype(int)) for path in paths}


def test_the_patterns_of_nhanes_are_those_of_the_book():
    # van Buuren (2018), section 4.1.1: md.pattern(nhanes).
    published = {0: "1111", 1: "1110", 2: "1101", 3: "1001", 4: "1000"}
    missing = {
        (column, row)
        for row, pattern in published.items()
        for column, seen in enumerate(pattern)
        if seen == "0"
    }
    picture = bm.plot_pattern(bm.load_dataset("nhanes"))
    axes = axes_of(picture)
    everywhere = {(column, row) for column in range(4) for row in range(5)}
    assert centers(picture, "missing") == missing
    assert centers(picture, "observed") == everywhere - missing
    assert texts(axes.get_yticklabels()) == ["13", "3", "1", "1", "7"]
    assert texts(axes.get_xticklabels()) == ["0", "8", "9", "10"]
    names, lacks = axes.child_axes
    assert texts(names.get_xticklabels()) == ["age", "hyp", "bmi", "chl"]
    assert texts(lacks.get_yticklabels()) == ["0", "1", "1", "2", "3"]
    assert axes.get_title(loc="center") == "25 rows, 5 patterns,\n27 of 100 cells missing"
    (legend,) = picture.viz["figure"].item().legends
    assert texts(legend.texts) == ["observed", "missing"]


def test_imputations_trees_files_and_other_libraries_give_the_same_picture(imputations, tmp_path):
    data = bm.load_dataset("nhanes2")
    reopened = bm.open_imputations(imputations.to_netcdf(tmp_path / "run.nc"))
    expected = centers(bm.plot_pattern(data), "missing")
    for source in (imputations, imputations.tree, reopened, pl.from_pandas(data)):
        assert centers(bm.plot_pattern(source), "missing") == expected
        plt.close("all")


def test_patterns_are_counted_over_the_chosen_columns():
    picture = bm.plot_pattern(bm.load_dataset("nhanes2"), ["bmi", "age"])
    assert texts(axes_of(picture).get_yticklabels()) == ["16", "9"]
    assert texts(axes_of(picture).get_xticklabels()) == ["0", "9"]


def test_complete_data_have_one_row_of_observed_tiles():
    picture = bm.plot_pattern(bm.load_dataset("whiteside"))
    assert centers(picture, "observed") == {(0, 0), (1, 0), (2, 0)}
    assert "missing" not in picture.viz or centers(picture, "missing") == set()
    assert "1 pattern,\n0 of 168" in axes_of(picture).get_title(loc="center")


def many_patterns():
    rng = np.random.default_rng(1)
    holes = rng.random((2000, 34)) < np.linspace(0, 0.3, 34)
    return pd.DataFrame(np.where(holes, np.nan, 1.0), columns=[f"column {i}" for i in range(34)])


def test_many_patterns_are_grouped_and_their_tiles_filled_as_far_as_rows_lack_the_column():
    data = many_patterns()
    picture = bm.plot_pattern(data)
    axes = axes_of(picture)
    rows = [int(text.replace(",", "")) for text in texts(axes.get_yticklabels())]
    assert len(rows) == 25
    assert sum(rows) == 2000
    patterns = data.isna().value_counts()
    assert sorted(rows[:-1]) == sorted(patterns.to_numpy()[:24])
    assert f"last row: the {len(patterns) - 24:,} other patterns" in axes.get_title(loc="left")
    # Shares of the grouped rows: all rows less those of the patterns that are shown.
    tiles = picture.viz["missing"]["pattern"].item().get_paths()
    corners = [tile.vertices[:4] for tile in tiles if tile.vertices[:, 1].mean() > 23.5]
    shown = centers(picture, "missing")
    for tile in corners:
        column = round(float(tile[:, 0].mean()))
        name = texts(axes.child_axes[0].get_xticklabels())[column]
        own = sum(rows[row] for at, row in shown if at == column and row < 24)
        share = (data[name].isna().sum() - own) / rows[-1]
        assert np.ptp(tile[:, 1]) == pytest.approx(0.88 * share)


def test_of_very_many_columns_those_with_most_missing_cells_are_shown():
    data = pd.DataFrame(np.ones((40, 70)), columns=[f"v{i}" for i in range(70)])
    for i in range(70):
        data.iloc[: i // 2, i] = np.nan
    axes = axes_of(bm.plot_pattern(data))
    assert texts(axes.child_axes[0].get_xticklabels()) == [f"v{i}" for i in range(10, 70)]
    assert "not shown: 10 columns with fewer missing cells" in axes.get_title(loc="left")


def test_nothing_is_cut_off_at_the_edge_of_the_figure():
    data = many_patterns().rename(columns={"column 3": "a_name_that_is_longer_than_most_of_them"})
    figure = bm.plot_pattern(data).viz["figure"].item()
    figure.canvas.draw()
    box = figure.axes[0].get_tightbbox()
    assert box.x0 >= 0
    assert box.y0 >= 0
    assert box.x1 <= figure.bbox.x1
    assert box.y1 <= figure.bbox.y1


def test_bad_input_is_refused_with_a_sentence():
    with pytest.raises(bm.DataTypeError, match="plot_pattern"):
        bm.plot_pattern([1, 2])
    with pytest.raises(bm.SpecificationError, match=r"names 'x', .* Columns: age, bmi, hyp, chl"):
        bm.plot_pattern(bm.load_dataset("nhanes2"), "x")
    with pytest.raises(bm.DataError, match="0 rows"):
        bm.plot_pattern(pd.DataFrame({"a": []}))

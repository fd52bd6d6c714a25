import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest

import bayesmice as bm


def points_of(picture):
    return np.asarray(picture.viz["columns"]["flux"].item().get_offsets())


def labels_of(picture):
    return list(picture.viz["labels"]["flux"].to_numpy())


def by_label(picture):
    texts = [label.get_text() for label in labels_of(picture)]
    return dict(zip(texts, map(tuple, points_of(picture)), strict=True))


def test_points_are_influx_and_outflux_as_the_book_defines_them():
    # van Buuren (2018), section 4.1.3: shares of pairs of cells in the same row.
    data = bm.load_dataset("nhanes2")
    seen = data.notna().to_numpy()
    points = by_label(bm.plot_flux(data))
    assert list(points) == ["age", "hyp", "bmi", "chl"]
    for name, (influx, outflux) in points.items():
        own = seen[:, list(data).index(name)]
        inflow = sum((~own & seen[:, j]).sum() for j in range(4))
        outflow = sum((own & ~seen[:, j]).sum() for j in range(4))
        assert influx == pytest.approx(inflow / seen.sum())
        assert outflux == pytest.approx(outflow / (~seen).sum())


def test_the_axes_and_the_line_are_named(imputations):
    figure = bm.plot_flux(imputations).viz["figure"].item()
    assert figure.axes[0].get_xlabel() == "influx"
    assert figure.axes[0].get_ylabel() == "outflux"
    assert [text.get_text() for text in figure.legends[0].texts] == ["influx + outflux = 1"]


def test_a_tree_a_file_and_another_library_give_the_same_points(imputations, tmp_path):
    data = bm.load_dataset("nhanes2")
    expected = by_label(bm.plot_flux(data))
    reopened = bm.open_imputations(imputations.to_netcdf(tmp_path / "run.nc"))
    for source in (imputations.tree, reopened, pl.from_pandas(data)):
        assert by_label(bm.plot_flux(source)) == expected
        plt.close("all")


def test_chosen_columns_have_the_numbers_that_they_have_among_all():
    data = bm.load_dataset("nhanes2")
    all_points = by_label(bm.plot_flux(data))
    assert by_label(bm.plot_flux(data, "bmi")) == {"bmi": all_points["bmi"]}


def test_columns_at_one_point_share_a_label():
    data = bm.load_dataset("mammalsleep")
    texts = [label.get_text() for label in labels_of(bm.plot_flux(data))]
    assert texts[0] == "species, bw and 4 others"
    names = ["gt", "mls", "ts", "ps", "sws"]
    assert texts[1:] == names


@pytest.mark.parametrize("n_columns", [6, 40])
def test_labels_never_overlap_and_stay_inside_the_figure(n_columns):
    rng = np.random.default_rng(1)
    names = [f"a_long_name_of_column_{i}" if i % 3 else f"v{i}" for i in range(n_columns)]
    holes = rng.random((500, n_columns)) < rng.uniform(0.01, 0.1, n_columns)
    picture = bm.plot_flux(pd.DataFrame(np.where(holes, np.nan, 1.0), columns=names))
    figure = picture.viz["figure"].item()
    figure.canvas.draw()
    # An annotation's own extent holds its line, too.
    boxes = [super(type(label), label).get_window_extent() for label in labels_of(picture)]
    assert len(boxes) == n_columns
    for i, box in enumerate(boxes):
        assert box.y0 >= 0
        assert box.y1 <= figure.bbox.y1
        assert box.x1 <= figure.bbox.x1 + 1
        assert not any(box.overlaps(other) for other in boxes[:i])


def test_complete_data_and_bad_input_are_refused_with_a_sentence():
    with pytest.raises(bm.SpecificationError, match="nothing to draw: the data have no missing"):
        bm.plot_flux(bm.load_dataset("whiteside"))
    with pytest.raises(bm.DataTypeError, match="plot_flux"):
        bm.plot_flux("nhanes2")
    with pytest.raises(bm.SpecificationError, match="names 'x'"):
        bm.plot_flux(bm.load_dataset("nhanes2"), "x")
    assert plt.get_fignums() == []

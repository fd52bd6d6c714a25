import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pymc as pm
import pytest

import bayesmice as bm


@pytest.fixture(scope="module")
def mice():
    return bm.MICE(
        bm.load_dataset("nhanes2"),
        {"bmi": bm.Regression("age + chl")},
        passive={"ratio": "chl / bmi"},
    )


@pytest.fixture(scope="module")
def run(mice):
    return mice.mice(m=2, sweeps=2, random_seed=1, progressbar=False)


ARROWS = {
    *((p, "bmi") for p in ("age", "chl")),
    *((p, "hyp") for p in ("age", "bmi", "chl", "ratio")),
    *((p, "chl") for p in ("age", "bmi", "hyp")),
    *((p, "ratio") for p in ("chl", "bmi")),
}
"""Written down from the models above: no passive column predicts what it is made of."""


def marks_of(picture):
    """Read the pairs (predictor, target) off a table of marks, by kind."""
    axes = picture.viz["figure"].item().axes[0]
    names = [label.get_text() for label in axes.get_xticklabels()]
    rows = [label.get_text() for label in axes.get_yticklabels()]
    kinds = [text.get_text() for text in picture.viz["figure"].item().legends[0].texts]
    return {
        kind: {(names[int(x)], rows[int(y)]) for x, y in marks.get_offsets()}
        for kind, marks in zip(kinds, picture.viz["marks"]["graph"].to_numpy(), strict=True)
    }


def arrows_of(picture):
    """Read the pairs (predictor, target) off arrows, from the places of points and names."""
    axes = picture.viz["figure"].item().axes[0]
    names = {
        tuple(np.round(np.array(text.get_position()) / 1.13, 6)): text.get_text().replace("\n", "")
        for text in axes.texts
        if text.get_text()
    }
    found, joined = set(), set()
    for arrow in picture.viz["arrows"]["graph"].to_numpy():
        start, end = (names[tuple(np.round(at, 6))] for at in (arrow.xyann, arrow.xy))
        style = arrow.arrowprops["arrowstyle"]
        if style == "-":
            joined.add(frozenset((start, end)))
        else:
            found |= {(start, end)} | ({(end, start)} if style == "<|-|>" else set())
    return found, joined


def test_arrows_go_from_predictors_to_the_columns_whose_models_read_them(mice):
    picture = bm.plot_graph(mice)
    assert arrows_of(picture) == (ARROWS, set())
    texts = [text.get_text() for text in picture.viz["figure"].item().legends[0].texts]
    assert texts == ["imputed by a model", "computed", "only read"]


def test_marks_say_the_same(mice):
    marks = marks_of(bm.plot_graph(mice, form="table"))
    passive = {pair for pair in ARROWS if pair[1] == "ratio"}
    assert marks["read by the model"] == ARROWS - passive
    assert marks["computed from"] == passive


def test_arrows_are_those_of_the_predictor_matrix(mice):
    matrix = mice.predictor_matrix
    read = {(p, t) for t in ("bmi", "hyp", "chl") for p in matrix.columns[matrix.loc[t]]}
    found, _ = arrows_of(bm.plot_graph(mice))
    assert {pair for pair in found if pair[1] != "ratio"} == read


def test_imputations_a_tree_a_file_and_a_choice_have_the_graph_of_their_models(run, tmp_path):
    reopened = bm.open_imputations(run.to_netcdf(tmp_path / "run.nc"))
    for source in (run, run.tree, reopened, run.select([1])):
        assert arrows_of(bm.plot_graph(source))[0] == ARROWS
        plt.close("all")


def test_chosen_columns_show_their_own_models(mice):
    picture = bm.plot_graph(mice, "bmi")
    assert arrows_of(picture)[0] == {("age", "bmi"), ("chl", "bmi")}
    assert picture.viz["columns"].sizes["column"] == 3


def block(data):
    mean, slope = pm.Normal("mean", 0, 100, shape=2), pm.Normal("slope", 0, 10)
    sigma = pm.HalfNormal("sigma", 50, shape=2)
    pm.Normal("bmi", mean[0], sigma[0], observed=data["bmi"], dims="row")
    pm.Normal("chl", mean[1] + slope * data["bmi"], sigma[1], observed=data["chl"], dims="row")


def test_columns_of_a_block_are_joined():
    mice = bm.MICE(bm.load_dataset("nhanes2"), {("bmi", "chl"): block})
    found, joined = arrows_of(bm.plot_graph(mice))
    assert joined == {frozenset(("bmi", "chl"))}
    assert found == {("age", "hyp"), ("bmi", "hyp"), ("chl", "hyp")}
    marks = marks_of(bm.plot_graph(mice, form="table"))
    assert marks["same block"] == {("bmi", "chl"), ("chl", "bmi")}


def test_with_groups_the_graph_shows_what_any_of_them_uses():
    data = bm.load_dataset("nhanes2").drop(columns="age")
    data = pd.concat([data] * 4, ignore_index=True)
    data["sex"] = np.repeat(["f", "m"], 50)
    data.loc[data["sex"] == "f", "hyp"] = "no"  # constant there, so it predicts nothing
    mice = bm.MICE(data, by="sex")
    assert set(mice.specification) == {"sex=f", "sex=m"}
    found, _ = arrows_of(bm.plot_graph(mice))
    assert {("hyp", "bmi"), ("chl", "bmi"), ("bmi", "chl"), ("hyp", "chl")} <= found
    assert not any("sex" in pair for pair in found)


def test_many_columns_are_a_table_that_fits_into_its_figure():
    rng = np.random.default_rng(1)
    names = [f"v{i}" if i % 5 else f"measurement_{i}_of_something_with_a_name" for i in range(32)]
    data = pd.DataFrame(rng.normal(size=(80, 32)), columns=names)
    data.iloc[:9, 20:] = np.nan
    picture = bm.plot_graph(bm.MICE(data))
    marks = marks_of(picture)
    assert len(marks["read by the model"]) == 12 * 31
    figure = picture.viz["figure"].item()
    figure.canvas.draw()
    box = figure.axes[0].get_tightbbox()
    assert min(box.x0, box.y0) >= 0
    assert box.x1 <= figure.bbox.x1
    assert box.y1 <= figure.bbox.y1


def test_bad_input_is_refused_with_a_sentence(mice, run):
    with pytest.raises(bm.DataTypeError, match="plot_graph got list; expected a MICE, imputations"):
        bm.plot_graph([1])
    with pytest.raises(bm.SpecificationError, match=r"names 'age', .* Columns: bmi, hyp, chl, rat"):
        bm.plot_graph(mice, "age")
    with pytest.raises(bm.SpecificationError, match="form is 'circle'; expected 'arrows', 'table'"):
        bm.plot_graph(mice, form="circle")
    table = bm.from_long(run.long(include_original=True))
    with pytest.raises(bm.SpecificationError, match=r"come from a long table .* do not say which"):
        bm.plot_graph(table)
    older = run.tree.copy()
    older.attrs["specification"] = '{"bmi": {"model": "gaussian", "formula": "bmi ~ 1 + age"}}'
    with pytest.raises(bm.SpecificationError, match="are of an older file, and do not say which"):
        bm.plot_graph(older)
    complete = bm.MICE(pd.DataFrame({"a": [1.0, 2, 3], "b": [3.0, 1, 2]}))
    with pytest.raises(bm.SpecificationError, match="no column has cells to impute"):
        bm.plot_graph(complete)
    assert plt.get_fignums() == []

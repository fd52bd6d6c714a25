"""What a report says in words: missing cells, models, methods."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayesmice as bm
from bayesmice.models import FAMILIES
from bayesmice.report.methods import methods_paragraph, reporting_items
from bayesmice.report.missing import describe_missing
from bayesmice.report.models import KINDS, model_notes
from bayesmice.report.tables import cell, number, percent, table
from bayesmice.store import store_from_dataset


def store_of(imputations):
    return store_from_dataset(imputations.tree["observed_data"].to_dataset())


def texts(table):
    return [[cell.text for cell in row] for row in table.rows]


def test_every_family_has_words():
    assert set(FAMILIES) <= set(KINDS)


def test_models_are_told_by_kind_link_formula_and_priors(awkward):
    notes = {note.model.name: note for note in model_notes(awkward.tree)}
    gamma = notes["a <b> & c"]
    assert (gamma.kind, gamma.link) == ("gamma regression", "log")
    assert gamma.model.formula == "a <b> & c ~ 1 + age + stage + treated + site"
    assert gamma.model.priors["alpha"].startswith("HalfCauchy")
    assert notes["stage"].model.formula == "stage ~ 1 + age"
    assert notes["stage"].kind == "ordinal logistic regression (proportional odds)"
    assert notes["treated"].kind == "logistic regression"
    assert notes["site"].kind == "multinomial logistic regression"
    assert [name for name, note in notes.items() if not note.is_fitted] == ["age"]


def test_models_of_groups_of_rows_and_of_blocks_are_told_apart():
    one = {
        "targets": ["y"],
        "predictors": ["x"],
        "formula": "y ~ 1 + x",
        "priors": {},
        "model": "t",
        "link": "identity",
    }
    tree = xr.DataTree.from_dict({"conditionals/y[sex=male]/posterior": xr.Dataset()})
    tree.attrs["specification"] = json.dumps({"sex=male": {"y": one}, "sex=female": {"y": one}})
    notes = model_notes(tree)
    assert [(note.model.name, note.is_fitted) for note in notes] == [
        ("y[sex=male]", True),
        ("y[sex=female]", False),
    ]
    assert notes[0].model.targets == ("y",)
    assert notes[0].link == ""
    custom = {**one, "model": "custom", "link": "", "targets": ["y", "z"]}
    tree.attrs["specification"] = json.dumps({"y+z": custom})
    (block,) = model_notes(tree)
    assert block.model.targets == ("y", "z")
    assert block.kind == "a model of its own, written in PyMC"


def test_nothing_is_said_of_models_that_are_not_known():
    assert model_notes(xr.DataTree()) == []


def test_missing_cells_are_counted(awkward, awkward_data):
    missing = describe_missing(store_of(awkward))
    incomplete = awkward_data.isna().any(axis=1)
    assert missing.n_cells == awkward_data.isna().sum().sum()
    assert missing.n_incomplete == incomplete.sum()
    rows = {row[0]: row for row in texts(missing.by_column)}
    assert rows["age"] == ["age", "age at entry", "years", "continuous", "0", "0.0 %", "0", "1"]
    assert rows["treated"][4:6] == ["25", "20.8 %"]


def test_influx_is_that_of_flux(awkward, awkward_data):
    missing = describe_missing(store_of(awkward))
    expected = bm.flux(awkward_data)
    place = missing.by_column.head.index("influx")
    for row in missing.by_column.rows:
        assert float(row[place].sort) == pytest.approx(expected.loc[row[0].text, "influx"])


def test_complete_rows_are_compared_with_the_others(awkward, awkward_data):
    compared = describe_missing(store_of(awkward)).compared
    incomplete = awkward_data.isna().any(axis=1)
    age = next(row for row in compared.rows if row[0].text == "age")
    mean = awkward_data["age"].groupby(incomplete).mean()
    variance = awkward_data["age"].groupby(incomplete).var(ddof=0)
    expected = [mean[False], mean[True], (mean[True] - mean[False]) / np.sqrt(variance.mean())]
    np.testing.assert_allclose([float(cell.sort) for cell in age[2:]], expected)
    shares = next(row for row in texts(compared) if row[:2] == ["treated", "share of yes"])
    observed = (awkward_data["treated"] == "yes")[awkward_data["treated"].notna()]
    assert shares[2] == f"{observed[~incomplete].mean():.4g}"


def test_rows_of_one_kind_are_not_compared():
    data = pd.DataFrame({"x": [1.0, 2.0, 3.5, 1.2], "y": [np.nan] * 2 + [1.0, 3.0]})
    data.loc[2:, "x"] = np.nan
    imputations = bm.MICE(data, {"y": bm.Regression("1"), "x": bm.Regression("1")}).mice(
        m=2, sweeps=4, random_seed=1, progressbar=False
    )
    missing = describe_missing(store_of(imputations))
    assert missing.compared is None
    assert "all rows are of one kind" in {item.found for item in reporting_items(missing, False)}


def test_the_paragraph_says_what_a_reader_needs(awkward):
    missing, models = describe_missing(store_of(awkward)), model_notes(awkward.tree)
    text = methods_paragraph(awkward.tree, missing, models, "converged.")
    assert f"Of 120 rows, {missing.n_incomplete} (" in text
    assert "site 25.0 %, treated 20.8 %" in text
    assert "3 imputations, 8 sweeps, random seed 2." in text
    assert "a <b> & c was imputed by gamma regression with a log link (draws from the" in text
    assert "stage ~ 1 + age" in text
    assert "Convergence: converged." in text
    assert text.count("[to be written by the authors: ") == 2


def test_columns_of_one_kind_share_a_sentence():
    imputations = bm.MICE(bm.load_dataset("nhanes2")).mice(
        m=2, sweeps=4, random_seed=1, progressbar=False
    )
    models = model_notes(imputations.tree)
    text = methods_paragraph(imputations.tree, describe_missing(store_of(imputations)), models, "")
    assert "bmi, chl were each imputed by linear regression with normal residuals (" in text
    assert "Convergence" not in text


def test_imputations_of_a_table_name_no_sweeps():
    imputations = bm.MICE(bm.load_dataset("nhanes2")).mice(
        m=2, sweeps=4, random_seed=1, progressbar=False
    )
    chosen = imputations.select([0, 1])
    text = methods_paragraph(chosen.tree, describe_missing(store_of(chosen)), [], "")
    assert "the 2 imputations come from " in text
    assert "sweeps" not in text


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1234567, "1,234,567"), (0.123456, "0.1235"), (1.0, "1"), (1e-12, "1e-12"), (-3, "-3")],
)
def test_numbers_have_four_digits_and_whole_ones_all(value, shown):
    assert number(value) == shown


@pytest.mark.parametrize(
    ("share", "shown"), [(0.0, "0.0 %"), (1e-6, "< 0.1 %"), (0.2083, "20.8 %"), (1.0, "100.0 %")]
)
def test_a_small_share_is_not_zero(share, shown):
    assert percent(share) == shown


def test_cells_say_how_they_are_sorted():
    assert cell(np.nan).text == "–"
    assert cell(np.inf).text == "infinite"
    assert cell(1200).text == "1,200"
    assert float(cell(1200).sort) == 1200
    assert cell(np.True_).text == "yes"
    assert not cell(True).is_number
    assert cell("a").sort == "a"


def test_long_tables_can_be_filtered():
    assert table("t", pd.DataFrame({"a": range(11)})).is_filtered
    assert not table("t", pd.DataFrame({"a": range(10)})).is_filtered

"""`Imputations`: completed data, convergence, events, and how they are shown."""

import re
from html import escape

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayesmice as bm
from bayesmice import MICE, Imputations
from bayesmice.diagnostics import cells_verdict, convergence

MEASURES = ["r_hat", "ess_bulk", "ess_tail"]


def test_it_is_a_sequence_of_completed_frames(imputations):
    assert isinstance(imputations, Imputations)
    assert len(imputations) == imputations.m == 2
    assert isinstance(imputations.data, list)
    for listed, iterated, i in zip(imputations.data, imputations, range(2), strict=True):
        pd.testing.assert_frame_equal(listed, iterated)
        pd.testing.assert_frame_equal(listed, imputations.completed(i))


def test_negative_numbers_count_from_the_end(imputations):
    pd.testing.assert_frame_equal(imputations.completed(-1), imputations.completed(1))
    pd.testing.assert_frame_equal(imputations.completed(-2), imputations.completed(0))
    pd.testing.assert_frame_equal(imputations.completed(np.int64(1)), imputations.completed(1))


@pytest.mark.parametrize("number", [2, -3, 100])
def test_an_imputation_that_does_not_exist_is_an_index_error(imputations, number):
    text = f"There is no imputation {number}; there are 2, counted from 0 to 1"
    with pytest.raises(IndexError, match=re.escape(text)):
        imputations.completed(number)


def test_completed_frames_are_independent_of_each_other(imputations):
    before = imputations.completed(0)
    changed = imputations.completed(0)
    changed.loc[:, "x"] = 0.0
    changed.loc[0, "y"] = 1e6
    pd.testing.assert_frame_equal(imputations.completed(0), before)
    pd.testing.assert_series_equal(imputations.completed(1)["x"], before["x"])


def test_the_events_are_a_table(imputations):
    events = imputations.events
    assert list(events) == ["severity", "code", "message", "variable", "chain", "sweep"]
    assert set(events["severity"]) <= {"info", "warning"}
    assert events["message"].str.endswith(".").all()


def test_convergence_has_a_row_per_quantity(imputations):
    table = imputations.convergence().table
    time = ["autocorrelation", "autocorrelation_time"]
    assert list(table) == ["variable", "quantity", *MEASURES, *time]
    quantities = set(zip(table["variable"], table["quantity"], strict=True))
    expected = {
        "mean of imputed cells",
        "sd of imputed cells",
        "Intercept",
        "Intercept_centered",
        "sigma",
    }
    assert quantities == {
        *((name, quantity) for name in "yz" for quantity in expected),
        ("y", "coefficients[x]"),
        ("y", "coefficients[z]"),
        ("z", "coefficients[x]"),
        ("z", "coefficients[y]"),
    }


def test_convergence_shows_the_worst_first(imputations):
    r_hat = imputations.convergence().table["r_hat"]
    assert r_hat.notna().all()
    assert r_hat.is_monotonic_decreasing


def test_convergence_agrees_with_arviz(imputations):
    table = imputations.convergence().table.set_index(["variable", "quantity"])
    posterior = imputations.tree["conditionals/y/posterior"].to_dataset()[["sigma"]]
    assert table.loc[("y", "sigma"), "r_hat"] == pytest.approx(float(az.rhat(posterior)["sigma"]))
    for method in ("bulk", "tail"):
        expected = float(az.ess(posterior, method=method)["sigma"])
        assert table.loc[("y", "sigma"), f"ess_{method}"] == pytest.approx(expected)
    means = imputations.tree["sweep_stats"].to_dataset()[["z"]].sel(statistic="mean", drop=True)
    found = table.loc[("z", "mean of imputed cells"), "r_hat"]
    assert found == pytest.approx(float(az.rhat(means)["z"]))


def sweep_stats(chains):
    """A tree whose one column had these means and standard deviations, (chain, draw)."""
    values = np.stack([chains, np.arange(chains.size, dtype=float).reshape(chains.shape)], axis=-1)
    coords = {"statistic": ["mean", "sd"]}
    data = xr.Dataset({"y": (("chain", "draw", "statistic"), values)}, coords)
    return xr.DataTree.from_dict({"/sweep_stats": data})


def test_chains_that_disagree_show_as_a_large_r_hat():
    rng = np.random.default_rng(1)
    apart = rng.normal(size=(4, 50)) + np.array([[0.0], [0.0], [0.0], [5.0]])
    table = convergence(sweep_stats(apart)).table
    assert table.loc[table["quantity"] == "mean of imputed cells", "r_hat"].item() > 1.5
    together = convergence(sweep_stats(rng.normal(size=(4, 50)))).table
    assert together.loc[together["quantity"] == "mean of imputed cells", "r_hat"].item() < 1.1


@pytest.mark.parametrize(
    "chains",
    [
        np.array([[0.0] * 6, [1.0] * 6]),
        np.array([[0.0, 0, 0, 1, 1, 1], [0.0, 0, 0, 1, 1, 1]]),
        np.array([[0.0] * 6, [0, 0, 0, 0, 0, 1.0]]),
        np.zeros((2, 6)),
        np.full((2, 6), np.nan),
        np.array([[np.nan, 1, 2, 3, 4, 5], [6.0, 5, 4, 3, 2, 1]]),
    ],
    ids=["stuck apart", "constant halves", "one step", "all equal", "NaN", "one NaN"],
)
def test_chains_that_do_not_move_give_a_table_and_no_warning(chains):
    table = convergence(sweep_stats(chains)).table
    assert list(table["variable"]) == ["y", "y"]
    assert not (table[["ess_bulk", "ess_tail"]] < 0).any().any()


def test_chains_stuck_at_different_values_are_not_called_converged():
    table = convergence(sweep_stats(np.array([[0.0] * 6, [1.0] * 6]))).table
    r_hat = table.loc[table["quantity"] == "mean of imputed cells", "r_hat"].item()
    assert not r_hat < 1.5


def test_one_chain_has_no_r_hat_but_effective_sample_sizes(numbers, impute):
    table = impute(numbers, m=1, sweeps=5).convergence().table
    assert table["r_hat"].isna().all()
    assert table[["ess_bulk", "ess_tail"]].notna().all().all()


def test_fewer_than_four_sweeps_have_no_diagnostics(numbers, impute):
    table = impute(numbers, sweeps=3).convergence().table
    assert len(table) == 14
    assert table[MEASURES].isna().all().all()


def test_the_repr_says_what_was_imputed(imputations):
    text = repr(imputations)
    assert text.startswith("Imputations: m=2, 5 sweeps, 24 rows, random_seed=3; ")
    assert re.search(r"y +continuous +4 +0\.167", text)
    assert re.search(r"\nx ", text) is None
    assert f"{len(imputations.events)} events" in text


def test_the_repr_counts_warnings(numbers, impute):
    frame = numbers.assign(k=[None] + [1.0] * 23)
    text = repr(impute(frame))
    n_warnings = (impute(frame).events["severity"] == "warning").sum()
    assert n_warnings >= 1
    assert f"{n_warnings} of them warnings" in text


def test_the_repr_of_a_specification_says_what_will_be_done(numbers):
    mice = MICE(numbers.assign(k=1.0, kind=["a", "b", "c"] * 8))
    text = repr(mice)
    assert text.startswith("MICE: 24 rows, 5 columns, 8 missing cells; not run yet")
    assert re.search(r"y +continuous +4 +gaussian +x, z, kind +Intercept_centered ~", text)
    assert re.search(r"k +continuous +0 +constant", text)
    assert re.search(r"kind +nominal +0 +categorical +x, y, z", text)


def test_the_repr_of_a_specification_says_that_it_ran(numbers):
    mice = MICE(numbers)
    mice.mice(m=2, sweeps=2, random_seed=1, progressbar=False)
    assert "m=2 imputations" in repr(mice)
    assert "not run yet" not in repr(mice)


@pytest.fixture(scope="module")
def tagged(numbers):
    frame = numbers.rename(columns={"y": "<b>bold"})
    frame.loc[:, "z"] = frame["z"] * 3
    return MICE(frame)


def test_the_html_of_a_specification_escapes_names(tagged):
    html = tagged._repr_html_()
    assert "<table" in html
    assert "&lt;b&gt;bold" in html
    assert "<b>bold" not in html
    assert "<b>bold" in repr(tagged)


def test_the_html_of_imputations_escapes_names(tagged):
    imputations = tagged.mice(m=2, sweeps=2, random_seed=1, progressbar=False)
    html = imputations._repr_html_()
    assert html.startswith("<p>Imputations: m=2")
    assert "<table" in html
    assert "&lt;b&gt;bold" in html
    assert "<b>bold" not in html


def test_a_notebook_shows_models_and_the_verdict_on_cells(numbers):
    mice = MICE(numbers)
    imputations = mice.mice(m=3, sweeps=12, random_seed=1, progressbar=False)
    html = imputations._repr_html_()
    assert f"<p>{escape(cells_verdict(imputations.tree))}</p>" in mice._repr_html_()
    assert "<td>gaussian</td>" in html
    found = convergence(imputations.tree, parameters=False)
    assert f"<p>{escape(found.verdict)} (.convergence())</p>" in html
    assert set(found.table["quantity"]) == {"mean of imputed cells", "sd of imputed cells"}
    whole = imputations.convergence().table
    pd.testing.assert_frame_equal(
        found.table, whole[whole["quantity"].str.contains("imputed cells")].reset_index(drop=True)
    )


def test_a_notebook_says_that_nothing_is_known_of_sweeps(numbers):
    chosen = MICE(numbers).mice(m=2, sweeps=4, random_seed=1, progressbar=False)
    table = bm.from_long(chosen.long(include_original=True))
    assert "Nothing is known of the sweeps" in table._repr_html_()


def test_the_public_names_are_exported():
    for name in bm.__all__:
        assert getattr(bm, name) is not None
    assert {"MICE", "Regression", "Imputations", "open_imputations", "pool"} <= set(bm.__all__)

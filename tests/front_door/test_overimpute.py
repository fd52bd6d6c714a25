"""Overimputation: hidden cells are imputed by the run's own models, and compared with the truth.

Nearly all runs have the same shape of data and the same numbers of chains, and so share programs.
"""

import numpy as np
import pandas as pd
import pytest

import bayesmice as bm
from bayesmice.problem import make_problem
from bayesmice.running.overimputing import hideable_columns
from bayesmice.specification import read

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def data():
    return bm.load_dataset("nhanes2")


@pytest.fixture(scope="module")
def imputations(data):
    return bm.MICE(data).mice(m=3, sweeps=5, random_seed=1, progressbar=False)


@pytest.fixture(scope="module")
def check(imputations):
    return imputations.overimpute(0.25, m=20, random_seed=2, progressbar=False)


def test_a_share_of_the_observed_cells_of_each_imputed_column_is_hidden(check, data) -> None:
    assert check.table["hidden"].to_dict() == {"bmi": 4, "hyp": 4, "chl": 4}
    for _, cell in check.cells.iterrows():
        assert data[cell["variable"]].iloc[cell["row"]] == cell["observed"]
        assert data.index[cell["row"]] == cell["label"]


def test_cells_have_the_ranks_and_quantiles_of_their_draws(check) -> None:
    own = check["chl"]
    assert own.draws.shape == (20, 4)
    cells = check.cells.query("variable == 'chl'").reset_index()
    for place, (truth, drawn) in enumerate(zip(own.truth, own.draws.T, strict=True)):
        assert cells["rank"][place] == (drawn < truth).sum()
        assert cells["q50"][place] == pytest.approx(np.median(drawn))
        assert cells["mean"][place] == pytest.approx(drawn.mean())
        low, high = cells["rank"][place] / 21, (cells["rank"][place] + 1) / 21
        assert low <= cells["pit"][place] <= high


def test_the_table_is_made_of_the_cells(check, data) -> None:
    cells = check.cells.query("variable == 'bmi'")
    row = check.table.loc["bmi"]
    errors = (cells["mean"] - cells["observed"]).astype(float)
    assert row["bias"] == pytest.approx(errors.mean())
    assert row["rmse"] == pytest.approx(np.sqrt((errors**2).mean()))
    assert row["coverage_80"] == pytest.approx(cells["in_80"].mean())
    assert row["coverage_80_mcse"] == pytest.approx(np.sqrt(0.8 * 0.2 / 4))
    left = data["bmi"].drop(index=cells["row"])
    assert row["sd"] == pytest.approx(left.std())
    assert row["relative_rmse"] == pytest.approx(row["rmse"] / left.std())


def test_levels_are_compared_by_their_probabilities(check, data) -> None:
    cells = check.cells.query("variable == 'hyp'")
    row, levels = check.table.loc["hyp"], check.levels.loc["hyp"]
    drawn = check["hyp"].draws  # codes: no, yes
    assert levels["predicted"]["yes"] == pytest.approx(drawn.mean())
    assert levels["observed"]["yes"] == pytest.approx((cells["observed"] == "yes").mean())
    assert levels["predicted"].sum() == pytest.approx(1)
    assert row["accuracy"] == pytest.approx((cells["mode"] == cells["observed"]).mean())
    scores = np.log((20 * cells["probability"] + 0.5) / 21)
    assert row["log_score"] == pytest.approx(scores.mean())
    shares = data["hyp"].drop(index=cells["row"]).value_counts(normalize=True)
    marginal = np.log([shares[level] for level in cells["observed"]]).mean()
    assert row["marginal_log_score"] == pytest.approx(marginal)
    assert np.isnan(row["coverage_95"])


def test_text_and_html_show_numbers_and_levels_apart(check) -> None:
    text = repr(check)
    assert text.startswith("Overimputation: 12 observed cells hidden and imputed 20 times (5 sweep")
    assert "coverage_95" in text
    assert "marginal_log_score" in text
    assert "nan" not in text.lower().replace("nothing", "")
    assert check._repr_html_().count("<table") == 2


def test_the_same_seed_gives_the_same_and_a_file_too(check, imputations, tmp_path) -> None:
    reopened = bm.open_imputations(imputations.to_netcdf(tmp_path / "run.nc"))
    again = reopened.overimpute(0.25, m=20, random_seed=2, progressbar=False)
    pd.testing.assert_frame_equal(again.cells, check.cells)
    other = imputations.overimpute(0.25, m=20, random_seed=3, progressbar=False)
    assert other.cells["row"].tolist() != check.cells["row"].tolist()


def test_the_run_stays_as_it_was(data) -> None:
    imputations = bm.MICE(data).mice(m=3, sweeps=5, random_seed=1, progressbar=False)
    before = imputations.completed(0)
    imputations.overimpute(0.1, m=20, random_seed=2, progressbar=False)
    pd.testing.assert_frame_equal(imputations.completed(0), before)
    pd.testing.assert_frame_equal(imputations.in_pandas.completed(0), before)


M = 400


@pytest.fixture(scope="module")
def line():
    """Two columns on a line with noise, one complete, and their run."""
    rng = np.random.default_rng(20)
    x = rng.normal(size=150)
    data = pd.DataFrame({"x": x, "y": 2 + 3 * x + rng.normal(size=150)})
    data.loc[:9, "y"] = np.nan
    return data, bm.MICE(data).mice(m=M, random_seed=1, progressbar=False)


def test_draws_of_a_hidden_cell_are_those_of_the_regression_on_what_is_left(line) -> None:
    # A gaussian column given a complete one: the predictive distribution is a t distribution in
    # closed form, for a flat prior; the default prior of 150 rows moves it by far less than 1 %.
    data, run = line
    check = run.overimpute(0.1, m=M, random_seed=5, progressbar=False)
    assert check.sweeps == 1  # nothing cycles
    own = check["y"]
    left = data.drop(index=own.rows).dropna()
    design = np.column_stack([np.ones(len(left)), left["x"]])
    slopes, squares, *_ = np.linalg.lstsq(design, left["y"].to_numpy(), rcond=None)
    df = len(left) - 2
    new = np.column_stack([np.ones(len(own.rows)), data["x"].to_numpy()[own.rows]])
    leverage = np.einsum("ij,jk,ik->i", new, np.linalg.inv(design.T @ design), new)
    sd = np.sqrt(squares[0] / df * (1 + leverage) * df / (df - 2))
    # 14 cells, 5 errors each: one false alarm in 100,000.
    assert np.abs(own.draws.mean(axis=0) - new @ slopes).max() < 5 * sd.max() / np.sqrt(M)
    ratio = own.draws.std(axis=0, ddof=1) / sd
    assert np.abs(ratio - 1).max() < 5 / np.sqrt(2 * M) + 0.01


def test_complete_columns_can_be_named_and_then_columns_cycle(line) -> None:
    data, run = line
    check = run.overimpute(0.1, m=M, var_names="x", random_seed=5, progressbar=False)
    assert check.names == ["x"]
    assert check.sweeps == 10
    assert check.cells["observed"].tolist() == data["x"].iloc[check["x"].rows].tolist()
    short = run.overimpute(0.1, m=M, var_names="x", sweeps=1, random_seed=5, progressbar=False)
    assert short.sweeps == 1


def test_cells_are_hidden_in_every_group(data) -> None:
    data = data.assign(hyp=data["hyp"].fillna("no"))[["age", "bmi", "hyp"]]
    run = bm.MICE(data, by="hyp").mice(m=3, sweeps=2, random_seed=1, progressbar=False)
    check = run.overimpute(0.3, m=3, random_seed=1, progressbar=False)
    observed = data.loc[data["bmi"].notna(), "hyp"].value_counts()
    expected = {f"hyp={level}": max(round(0.3 * n), 1) for level, n in observed.items()}
    assert check.cells["group"].value_counts().to_dict() == expected
    with pytest.raises(bm.SpecificationError, match="'hyp': its levels are the groups of rows"):
        run.overimpute(var_names="hyp", progressbar=False)
    with pytest.raises(bm.SpecificationError, match=r"names 'bmi\[hyp=no\]', which is not a colu"):
        run.overimpute(var_names="bmi[hyp=no]", progressbar=False)


def test_what_is_computed_from_hidden_cells_does_not_give_them_away(data) -> None:
    # The copy would tell the hidden value exactly if it stayed.
    data = data[["age", "bmi", "chl"]].assign(twice=2 * data["bmi"])
    mice = bm.MICE(data, {"chl": bm.Regression("age + twice")}, passive={"twice": "2 * bmi"})
    run = mice.mice(m=2, sweeps=3, random_seed=1, progressbar=False)
    check = run.overimpute(0.2, m=10, random_seed=1, progressbar=False)
    assert check.names == ["bmi", "chl"]
    assert "twice (it is computed, as 2 * bmi" in repr(check)
    assert (check["bmi"].draws.std(axis=0) > 1).all()
    with pytest.raises(bm.SpecificationError, match="cannot hide cells of 'twice': it is computed"):
        run.overimpute(var_names=["twice"], progressbar=False)


def test_ignored_rows_keep_their_cells_and_wanted_cells_do_not_matter(data) -> None:
    where = data.isna()
    where.loc[[1, 2], "chl"] = True
    mice = bm.MICE(data, where=where, ignore=np.arange(25) < 10)
    run = mice.mice(m=3, sweeps=2, random_seed=1, progressbar=False)
    check = run.overimpute(0.3, m=20, random_seed=1, progressbar=False)
    assert check.names == ["bmi", "hyp", "chl"]
    assert (check.cells["row"] >= 10).all()


def test_columns_with_limits_are_left_out(data) -> None:
    given = read(data, limits={"chl": (None, 150.0)})
    problem = make_problem(given, None, "monotone", {})
    names, left_out = hideable_columns(problem, None)
    assert names == ["bmi", "hyp"]
    assert "depends on their values" in left_out["chl"]
    with pytest.raises(bm.SpecificationError, match="'chl': some of its cells are known by limits"):
        hideable_columns(problem, ["bmi", "chl"])


def test_what_only_python_holds_is_asked_for_again(data, tmp_path) -> None:
    def order(sweep, targets):
        return targets

    mice = bm.MICE(data, visit_sequence=order)
    path = mice.mice(m=3, sweeps=2, random_seed=1, progressbar=False).to_netcdf(tmp_path / "run.nc")
    with pytest.raises(bm.StoreError, match="visit_sequence="):
        bm.open_imputations(path).overimpute(progressbar=False)
    reopened = bm.open_imputations(path, visit_sequence=order)
    check = reopened.overimpute(m=20, random_seed=1, progressbar=False)
    assert check.table["hidden"].to_dict() == {"bmi": 2, "hyp": 2, "chl": 2}


def test_whole_numbers_are_imputed_as_whole_numbers(data) -> None:
    data = data.assign(chl=data["chl"].astype("Int64"))
    mice = bm.MICE(data, {"chl": bm.Regression(draw="predictive")})
    run = mice.mice(m=3, sweeps=5, random_seed=1, progressbar=False)
    draws = run.overimpute(m=20, random_seed=1, progressbar=False)["chl"].draws
    np.testing.assert_array_equal(draws, np.rint(draws))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"cells": 0}, "cells is 0; expected the share of the observed cells"),
        ({"cells": 0.6}, "cells is 0.6; .* at most 0.5"),
        ({"cells": "all"}, "cells is 'all'"),
        ({"m": 1}, "m is 1; expected a whole number of at least 2"),
        ({"sweeps": 0}, "sweeps is 0"),
        ({"random_seed": -1}, "random_seed is -1"),
        ({"var_names": "weight"}, "names 'weight', which is not a column of data. Columns: age"),
        ({"var_names": []}, "var_names is empty"),
    ],
)
def test_bad_arguments_are_refused_with_a_sentence(imputations, arguments, text) -> None:
    with pytest.raises(bm.SpecificationError, match=text):
        imputations.overimpute(**arguments, progressbar=False)


def test_complete_data_ask_for_a_column() -> None:
    data = pd.DataFrame({"a": [1.0, 2.0, 3.0, 5.0], "b": [3.0, 1.0, 2.0, 2.5]})
    run = bm.MICE(data).mice(m=2, sweeps=2, random_seed=1, progressbar=False)
    with pytest.raises(bm.SpecificationError, match=r"no cell to hide\. No column was imputed\."):
        run.overimpute(progressbar=False)


def test_columns_of_which_no_cell_can_be_hidden_are_refused(data) -> None:
    data = data[["bmi"]].assign(
        site=[f"site {i}" for i in range(25)],
        day=pd.date_range("2026-01-01", periods=25),
        country="Norway",
    )
    run = bm.MICE(data).mice(m=3, random_seed=1, progressbar=False)
    for name, reason in (
        ("site", "every level, or one of two values, would lose its last cell"),
        ("day", "it holds times, which are not imputed"),
        ("country", "it has one observed value only, and no model"),
    ):
        with pytest.raises(bm.SpecificationError, match=f"hide cells of '{name}': {reason}"):
            run.overimpute(var_names=["bmi", name], progressbar=False)


def test_imputations_without_a_run_are_refused(imputations) -> None:
    for own in (imputations.select([0, 1]), bm.from_long(imputations.long(include_original=True))):
        with pytest.raises(bm.NotRunError, match="overimpute needs the run behind the imputations"):
            own.overimpute()

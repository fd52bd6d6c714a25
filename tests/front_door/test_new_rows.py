"""New rows: drawn with the parameters of the imputations, and nothing else.

The parameters of a run are known from its tree, so that draws can be compared with their exact
distribution given those. Each such test raises a false alarm with a probability below 1e-4.
"""

import re

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy import special, stats

import bayesmice as bm

pytestmark = pytest.mark.long

N, N_NEW, M = 60, 3000, 3
ALARM = 1e-4


@pytest.fixture(scope="module")
def mixed():
    """Numbers, whole numbers, two levels and ordered levels, all related."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=N)
    frame = pd.DataFrame(
        {
            "x": x,
            "y": 3 + 2 * x + rng.normal(size=N),
            "count": np.round(20 + 4 * x + 2 * rng.normal(size=N)),
            "ill": pd.Categorical(np.where(x + rng.normal(size=N) > 0, "yes", "no")),
            "stage": pd.Categorical.from_codes(
                np.digitize(x + rng.normal(size=N), [-0.7, 0.7]), ["I", "II", "III"], ordered=True
            ),
        },
        index=pd.Index([f"p{i}" for i in range(N)], name="patient"),
    ).astype({"count": "Int64"})
    for place, name in enumerate(["y", "count", "ill", "stage"]):
        frame.iloc[place * 5 : place * 5 + 8, frame.columns.get_loc(name)] = None
    return frame


@pytest.fixture(scope="module")
def run(mixed):
    return bm.MICE(mixed).mice(m=M, sweeps=6, random_seed=4, progressbar=False)


@pytest.fixture(scope="module")
def strangers(mixed):
    """Rows like those of the data, all cells observed."""
    rng = np.random.default_rng()
    complete = mixed.dropna()
    return complete.iloc[rng.integers(0, len(complete), N_NEW)].reset_index(drop=True)


def at_last_sweep(run, name):
    posterior = run.tree[f"conditionals/{name}/posterior"].to_dataset()
    return posterior.isel(draw=-1)


def linear_predictor(run, name, rows, imputation):
    """X beta of rows, from the names of the coefficients in the tree."""
    posterior = at_last_sweep(run, name).isel(chain=imputation)
    total = np.zeros(len(rows))
    for label in posterior["predictor"].to_numpy():
        column, _, level = label.partition("[T.")
        values = rows[column]
        design = (values == level.rstrip("]")) if level else values
        slope = float(posterior["coefficients"].sel(predictor=label))
        total += slope * design.to_numpy(dtype=float)
    if "Intercept" in posterior:
        total += float(posterior["Intercept"])
    return total, posterior


def with_holes(rows, *names):
    return rows.assign(**{name: pd.Series(None, index=rows.index) for name in names})


def test_numbers_follow_their_model_at_the_parameters_of_each_imputation(run, strangers):
    new = run.transform(with_holes(strangers, "y"), random_seed=5)
    assert new.m == M
    for i, completed in enumerate(new):
        mean, posterior = linear_predictor(run, "y", strangers, i)
        z = (completed["y"] - mean) / float(posterior["sigma"])
        assert stats.kstest(z, "norm").pvalue > ALARM / M


def test_levels_follow_their_model_at_the_parameters_of_each_imputation(run, strangers):
    new = run.transform(with_holes(strangers, "ill"), random_seed=5)
    for i, completed in enumerate(new):
        eta, _ = linear_predictor(run, "ill", strangers, i)
        p = special.expit(eta)
        z = ((completed["ill"] == "yes") - p).sum() / np.sqrt((p * (1 - p)).sum())
        assert abs(z) < stats.norm.isf(ALARM / M / 2)


def test_ordered_levels_follow_their_model_at_the_parameters_of_each_imputation(run, strangers):
    new = run.transform(with_holes(strangers, "stage"), random_seed=5)
    for i, completed in enumerate(new):
        eta, posterior = linear_predictor(run, "stage", strangers, i)
        below = special.expit(posterior["cutpoints"].to_numpy() - eta[:, None])
        for code, level in enumerate(["I", "II"]):
            p = below[:, code] - (below[:, code - 1] if code else 0)
            z = ((completed["stage"] == level) - p).sum() / np.sqrt((p * (1 - p)).sum())
            assert abs(z) < stats.norm.isf(ALARM / M / 4)
        assert completed["stage"].dtype == strangers["stage"].dtype


def test_matched_values_come_from_the_nearest_donors_of_the_data(run, mixed, strangers):
    rows = strangers.head(30)
    new = run.transform(with_holes(rows, "count"), random_seed=5)
    posterior = run.tree["conditionals/count/posterior"].to_dataset()
    later = posterior.isel(draw=slice(3, None)).mean(["chain", "draw"])
    donors = mixed["count"].notna().to_numpy()
    for i, completed in enumerate(new):
        training = run.completed(i)
        wanted, _ = linear_predictor(run, "count", rows, i)
        given = np.full(N, float(later["Intercept"]))
        for label in later["predictor"].to_numpy():
            column, _, level = label.partition("[T.")
            values = training[column]
            design = (values == level.rstrip("]")) if level else values
            given += float(later["coefficients"].sel(predictor=label)) * design.to_numpy(float)
        for row, value in enumerate(completed["count"]):
            distance = np.abs(given[donors] - wanted[row])
            nearest = np.sort(distance)[4] * (1 + 1e-9)
            assert value in set(mixed["count"][donors][distance <= nearest])
    assert new.completed(0)["count"].dtype == "Int64"


def test_cells_of_a_row_come_to_agree_with_each_other(run, strangers):
    """As in sweeps of NumPy's own, from other starts and with other random numbers."""
    holed = with_holes(strangers, "y", "ill")
    new = run.transform(holed, random_seed=5)
    assert new.tree.attrs["sweeps"] == 10
    rng = np.random.default_rng()
    for i, completed in enumerate(new):
        expected = holed.assign(y=rng.normal(3, 5, N_NEW), ill=rng.choice(["no", "yes"], N_NEW))
        for _ in range(20):
            mean, posterior = linear_predictor(run, "y", expected, i)
            expected["y"] = mean + float(posterior["sigma"]) * rng.normal(size=N_NEW)
            eta, _ = linear_predictor(run, "ill", expected, i)
            expected["ill"] = np.where(rng.random(N_NEW) < special.expit(eta), "yes", "no")
        for level in ("no", "yes"):
            found, wanted = (rows.loc[rows["ill"] == level, "y"] for rows in (completed, expected))
            assert stats.ks_2samp(found, wanted).pvalue > ALARM / M / 4
            counts = [[len(found), N_NEW - len(found)], [len(wanted), N_NEW - len(wanted)]]
            assert stats.fisher_exact(counts).pvalue > ALARM / M / 4
    everything = run.transform(with_holes(strangers, "y", "count", "ill"), random_seed=5)
    assert everything.completed(0).notna().all().all()


def test_new_rows_come_back_as_they_came_but_for_their_holes(run, strangers):
    rows = strangers.head(30)[["stage", "y", "x", "ill", "count"]]
    rows.index = pd.MultiIndex.from_arrays([["a"] * 30, range(30)], names=["site", "day"])
    holed = rows.copy()
    holed.iloc[:5, 1] = None
    holed.iloc[3:9, 0] = None
    new = run.transform(holed, random_seed=1)
    for completed in new:
        assert completed.index.equals(rows.index)
        assert list(completed) == ["x", "y", "count", "ill", "stage"]
        for name in rows:
            seen = holed[name].notna()
            pd.testing.assert_series_equal(completed[name][seen], rows[name][seen])
    assert holed["y"].isna().sum() == 5
    note = new.events["message"].iloc[0]
    assert note.startswith("30 new rows were imputed with the parameters of 3 imputations of 60")
    assert new.tree["imputations"]["imputation_chain"].to_numpy().tolist() == [0, 1, 2]
    with pytest.raises(bm.NotRunError, match="come from the models of another run"):
        new.extend(2)
    both = bm.concat([run, new], dim="row")
    for frame, rows in ((new.completed(1), slice(N, None)), (run.completed(1), slice(N))):
        below = both.completed(1).iloc[rows].reset_index(drop=True)
        pd.testing.assert_frame_equal(below, frame.reset_index(drop=True))


@pytest.fixture(scope="module")
def line(mixed):
    """One number on another."""
    return bm.MICE(mixed[["x", "y"]])


def test_a_seed_gives_the_same_cells_whatever_m(line, strangers):
    two, three = (line.mice(m=m, sweeps=4, random_seed=4, progressbar=False) for m in (2, 3))
    holed = with_holes(strangers[["x", "y"]].head(30), "y")
    one, other = (three.transform(holed, random_seed=7) for _ in range(2))
    for a, b in zip(one, other, strict=True):
        pd.testing.assert_frame_equal(a, b)
    assert not one.completed(0)["y"].equals(three.transform(holed).completed(0)["y"])
    for a, b in zip(two.transform(holed, random_seed=7), list(one)[:2], strict=True):
        pd.testing.assert_frame_equal(a, b)


def test_a_file_is_enough(run, strangers, tmp_path):
    opened = bm.open_imputations(run.to_netcdf(tmp_path / "run.nc"))
    holed = with_holes(strangers.head(30), "count", "stage")
    expected = run.transform(holed, random_seed=7)
    new = opened.transform(holed, random_seed=7)
    again = bm.open_imputations(new.to_netcdf(tmp_path / "new.nc"))
    for frames in zip(expected, new, again, strict=True):
        pd.testing.assert_frame_equal(frames[0], frames[1])
        pd.testing.assert_frame_equal(frames[0], frames[2])


def test_the_run_goes_on_as_if_nothing_had_been_asked(line, strangers):
    asked, other = (line.mice(m=2, sweeps=3, random_seed=8, progressbar=False) for _ in range(2))
    holed = with_holes(strangers[["x", "y"]].head(30), "y")
    before = asked.transform(holed, random_seed=1)
    asked.extend(3, progressbar=False)
    for a, b in zip(asked, other.extend(3, progressbar=False), strict=True):
        pd.testing.assert_frame_equal(a, b)
    after = asked.transform(holed, random_seed=1)
    assert not after.completed(0)["y"].equals(before.completed(0)["y"])
    assert after.tree["imputations"]["imputation_sweep"].to_numpy().tolist() == [5, 5]


def test_several_imputations_of_a_chain_have_the_parameters_of_their_sweeps(line, strangers):
    thinned = line.mice(m=4, chains=2, thin=2, burn_in=1, random_seed=4, progressbar=False)
    new = thinned.transform(with_holes(strangers[["x", "y"]], "y"), random_seed=5)
    picks = new.tree["imputations"].to_dataset()
    assert picks["imputation_chain"].to_numpy().tolist() == [0, 1, 0, 1]
    assert picks["imputation_sweep"].to_numpy().tolist() == [2, 2, 4, 4]
    posterior = thinned.tree["conditionals/y/posterior"].to_dataset()
    for i, (chain, sweep) in enumerate([(0, 2), (1, 2), (0, 4), (1, 4)]):
        own = posterior.sel(chain=chain, draw=sweep)
        mean = float(own["Intercept"]) + float(own["coefficients"][0]) * strangers["x"]
        z = (new.completed(i)["y"] - mean) / float(own["sigma"])
        assert stats.kstest(z, "norm").pvalue > ALARM / 4


# What a run may consist of


def test_what_is_computed_and_processed_is_so_in_new_rows(numbers):
    mice = bm.MICE(
        numbers,
        passive={"double": "2 * y", "tall": lambda data: data["z"] > 20},
        post={"z": lambda values, data: values.round() + 0 * data["x"]},
        bounds={"y": (-4, 4)},
    )
    imputations = mice.mice(m=2, sweeps=2, random_seed=1, progressbar=False)
    rows = pd.DataFrame({"x": np.linspace(-1, 9, 40), "y": np.nan, "z": np.nan})
    for completed in imputations.transform(rows, random_seed=1):
        assert completed["y"].between(-4, 4).all()
        np.testing.assert_array_equal(completed["double"], 2 * completed["y"])
        np.testing.assert_array_equal(completed["z"], completed["z"].round())
        np.testing.assert_array_equal(completed["tall"], completed["z"] > 20)


def test_groups_have_their_own_parameters(mixed):
    frame = mixed[["x", "y"]].assign(sex=np.resize(["f", "m"], N))
    frame["y"] += np.where(frame["sex"] == "m", 100, 0)
    imputations = bm.MICE(frame, by="sex").mice(m=2, sweeps=3, random_seed=1, progressbar=False)
    where = frame.isna()
    where.iloc[:2, 0] = True
    both = bm.MICE(frame, by="sex", where=where).mice(
        m=2, sweeps=3, random_seed=1, progressbar=False
    )
    rows = pd.DataFrame({"x": 0.0, "y": np.nan, "sex": ["m", "f", "m"]})
    for completed in imputations.transform(rows, random_seed=1):
        assert completed["y"].between(50, 150).tolist() == [True, False, True]
    # Rows of one group lack one cell, and rows of the other two: all have the same sweeps.
    uneven = rows.assign(x=[np.nan, 0.0, 0.0], sex=["m", "f", "f"])
    for completed in both.transform(uneven, random_seed=1):
        assert completed["y"].between(50, 150).tolist() == [True, False, False]
        assert completed.notna().all().all()
    with pytest.raises(bm.DataError, match="missing cells in 'sex', whose levels have models"):
        imputations.transform(rows.assign(sex=["m", None, "m"]))


def test_a_model_of_ones_own_and_trials_and_limits_draw_in_new_rows(numbers, tmp_path):
    rng = np.random.default_rng(3)
    frame = numbers.assign(
        n=rng.integers(5, 9, len(numbers)), school=np.resize(["a", "b", "c"], len(numbers))
    )
    frame["hits"] = pd.array(rng.binomial(frame["n"], 0.5), dtype="Int64")
    frame.loc[12:15, "hits"] = None

    def by_school(data):
        offset = pm.Normal("offset", 0, 5, dims="school")
        mu = offset[data["school"]] + pm.Normal("b", 0, 5) * data["x"]
        pm.Normal("y", mu, pm.HalfNormal("s", 2), observed=data["y"])

    mice = bm.MICE(
        frame,
        {"y": by_school, "hits": bm.Regression("x", family="binomial", trials="n")},
        limits={"z": (None, np.where(frame.index == 8, 19.0, np.nan))},
    )
    imputations = mice.mice(m=2, sweeps=3, random_seed=1, progressbar=False)
    rows = pd.DataFrame(
        {"x": 0.5, "y": np.nan, "z": np.nan, "n": [1, 50] * 20, "school": "b", "hits": pd.NA}
    ).astype({"hits": "Int64"})
    new = imputations.transform(rows, random_seed=1)
    for completed in new:
        assert completed.notna().all().all()
        assert (completed["hits"] <= completed["n"]).all()
        assert completed["hits"][1::2].mean() > 5
    path = imputations.to_netcdf(tmp_path / "run.nc")
    with pytest.raises(bm.StoreError, match=re.escape("models={'y': ...}")):
        bm.open_imputations(path).transform(rows)
    opened = bm.open_imputations(path, models={"y": by_school})
    for a, b in zip(opened.transform(rows, random_seed=1), new, strict=True):
        pd.testing.assert_frame_equal(a, b)


def test_a_block_draws_a_missing_parent_given_its_child():
    rng = np.random.default_rng(1)
    first = rng.normal(size=300)
    frame = pd.DataFrame({"first": first, "second": 2 * first + 0.2 * rng.normal(size=300)})
    frame.loc[:40, "first"] = None

    def chained(data):
        pm.Normal("first", pm.Normal("a", 0, 2), 1, observed=data["first"])
        mu = pm.Normal("b", 0, 5) * data["first"]
        pm.Normal("second", mu, pm.HalfNormal("s", 1), observed=data["second"])

    imputations = bm.MICE(frame, {("first", "second"): chained}).mice(
        m=2, sweeps=4, random_seed=1, progressbar=False
    )
    rows = pd.DataFrame({"first": np.nan, "second": rng.normal(0, 2, 400)})
    for completed in imputations.transform(rows, random_seed=1):
        assert np.corrcoef(completed["first"], completed["second"])[0, 1] > 0.95


def test_steps_of_pymc_draw_in_new_rows():
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"y": np.where(rng.random(80) < 0.5, -10.0, 10.0), "w": 1.0})
    frame["y"] += rng.normal(size=80)
    frame.loc[:9, "y"] = None

    def two_places(data):
        place = pm.Poisson("place", 10)
        pm.Normal("y", place * data["w"], 10, observed=data["y"])

    imputations = bm.MICE(frame, {"y": two_places}).mice(
        m=2, sweeps=2, random_seed=1, progressbar=False
    )
    rows = pd.DataFrame({"y": np.nan, "w": 1.0}, index=range(2000))
    place = at_last_sweep(imputations, "y")["place"].to_numpy()
    for i, completed in enumerate(imputations.transform(rows, random_seed=1)):
        z = (completed["y"] - place[i]) / 10
        assert stats.kstest(z, "norm").pvalue > ALARM / 2


def test_a_constant_column_stays_constant(numbers):
    frame = numbers.assign(k=7.0)
    imputations = bm.MICE(frame).mice(m=1, sweeps=2, random_seed=1, progressbar=False)
    rows = frame.head(5).assign(k=[None, 7.0, None, 8.0, 7.0]).astype({"k": float})
    assert imputations.transform(rows).completed(0)["k"].tolist() == [7, 7, 7, 8, 7]


def test_complete_rows_come_back_untouched(run, strangers):
    for completed in run.transform(strangers.head(4)):
        pd.testing.assert_frame_equal(completed, strangers.head(4))


# What is refused

ROW = {"x": [0.0], "y": [1.0], "count": [20], "ill": ["no"], "stage": ["I"]}
BAD = {
    "a list": ([1, 2], bm.DataTypeError, "transform expected new rows as a data frame"),
    "no row": (pd.DataFrame(ROW).iloc[:0], bm.DataError, "the data frame has 0 rows"),
    "a column less": (pd.DataFrame(ROW).drop(columns="y"), bm.DataError, "lack the column 'y'"),
    "a column more": (pd.DataFrame(ROW).assign(w=1), bm.DataError, "have a column 'w', which the"),
    "a column twice": (
        pd.DataFrame(ROW).set_axis(["x", "y", "x", "ill", "stage"], axis=1),
        bm.DataError,
        "duplicate column names: x",
    ),
    "an unseen level": (
        pd.DataFrame(ROW | {"ill": ["perhaps"]}),
        bm.DataError,
        "'ill' of the new rows holds 'perhaps', which is no level that the models know: no, yes",
    ),
    "text for numbers": (pd.DataFrame(ROW | {"y": ["1"]}), bm.DataTypeError, "fitted to numbers"),
    "infinity": (
        pd.DataFrame(ROW | {"y": [np.inf]}),
        bm.DataError,
        "'y' of the new rows holds inf",
    ),
    "a hole where the data had none": (
        pd.DataFrame(ROW | {"x": [np.nan]}),
        bm.SpecificationError,
        "'x' has missing cells in the new rows, but none in the data",
    ),
}


@pytest.mark.parametrize(("rows", "kind", "text"), BAD.values(), ids=BAD)
def test_rows_of_another_form_are_refused(run, rows, kind, text):
    with pytest.raises(kind, match=re.escape(text)):
        run.transform(rows)


def test_a_wanted_cell_lets_a_complete_column_be_imputed_in_new_rows(numbers):
    where = numbers.isna()
    where.iloc[0, 0] = True
    imputations = bm.MICE(numbers, where=where).mice(
        m=1, sweeps=2, random_seed=1, progressbar=False
    )
    rows = pd.DataFrame({"x": [np.nan], "y": [0.0], "z": [20.0]})
    assert imputations.transform(rows).completed(0)["x"].notna().all()


def test_parameters_of_rows_cannot_serve_other_rows(numbers):
    def own_mean(data):
        u = pm.Normal("u", 0, 1, dims="row")
        pm.Normal("y", u + data["x"], pm.HalfNormal("s", 1), observed=data["y"])

    imputations = bm.MICE(numbers[["x", "y"]], {"y": own_mean}).mice(
        m=1, sweeps=1, random_seed=1, progressbar=False
    )
    with pytest.raises(bm.ModelError, match="has a parameter 'u' for every row of the data"):
        imputations.transform(pd.DataFrame({"x": [0.0], "y": [np.nan]}))

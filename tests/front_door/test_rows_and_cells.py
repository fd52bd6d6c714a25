"""Which cells are imputed, which rows count, and what is done to drawn values."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayesmice as bm

N = 24


def impute(frame, *, m=2, sweeps=3, models=None, **settings):
    mice = bm.MICE(frame, models, **settings)
    return mice.mice(m=m, sweeps=sweeps, random_seed=3, progressbar=False)


# where


def test_where_is_by_default_what_is_missing(numbers):
    plain, asked = impute(numbers), impute(numbers, where=numbers.isna())
    for one, other in zip(plain, asked, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_observed_cells_get_imputations_beside_their_values(numbers):
    """The models go on reading what was observed, so that all other draws stay the same."""
    where = numbers.isna()
    where.loc[15:17, "y"] = True
    plain, over = impute(numbers), impute(numbers, where=where)
    assert over.tree["imputations"]["y_row"].to_numpy().tolist() == [0, 1, 2, 3, 15, 16, 17]
    for one, other in zip(plain, over, strict=True):
        pd.testing.assert_frame_equal(one.loc[:14, ["x", "z"]], other.loc[:14, ["x", "z"]])
        assert (other.loc[15:17, "y"] != numbers.loc[15:17, "y"]).all()
        pd.testing.assert_series_equal(other.loc[18:, "y"], numbers.loc[18:, "y"])
    for name in ("y", "z"):
        path = f"conditionals/{name}/posterior"
        np.testing.assert_array_equal(plain.tree[path]["sigma"], over.tree[path]["sigma"])


def test_a_complete_column_can_be_imputed(numbers):
    where = pd.DataFrame(False, index=numbers.index, columns=["x"])
    where.loc[0:1, "x"] = True
    over = impute(numbers, where=where)
    assert "x" in over.tree["conditionals"].children
    assert (over.completed(0).loc[0:1, "x"] != numbers.loc[0:1, "x"]).all()
    assert over.completed(0).notna().all().all(), "what where lacks stays as it is"


def test_imputations_of_observed_cells_follow_their_predictive_distribution():
    """Cells that are hidden from nothing but their own draws, under a known distribution.

    With sigma and the coefficients all but known, each draw is normal around its mean: 200 chains
    times 20 cells are compared by Kolmogorov and Smirnov, which fails once in 100,000 runs.
    """
    rng = np.random.default_rng(4)
    x = rng.normal(size=60)
    frame = pd.DataFrame({"x": x, "y": 2 * x + rng.normal(size=60)})
    where = pd.DataFrame(False, index=frame.index, columns=frame.columns)
    where.loc[:19, "y"] = True
    import pymc as pm

    priors = {"Intercept": pm.Normal.dist(0, 1e-6), "x": 2.0, "sigma": 1.0}
    model = bm.Regression("x", priors=priors)
    run = bm.MICE(frame, {"y": model}, where=where).mice(m=200, sweeps=2, progressbar=False)
    drawn = run.tree["imputations"]["y"].to_numpy()
    assert stats.kstest((drawn - 2 * x[:20]).ravel(), "norm").pvalue > 1e-5


def test_cells_that_are_not_wanted_stay_missing(numbers):
    where = numbers.isna()
    where.loc[0:1, "y"] = False
    where["z"] = False
    run = impute(numbers, where=where)
    completed = run.completed(0)
    assert completed["y"].isna().tolist() == [True, True, *[False] * 22]
    assert completed["z"].isna().sum() == 4
    # z is imputed all the same, since it predicts y.
    plain = impute(numbers)
    np.testing.assert_array_equal(completed["y"][2:], plain.completed(0)["y"][2:])
    assert "z" not in run.tree["imputations"].data_vars


def test_a_column_that_is_neither_wanted_nor_visited_is_not_used(numbers):
    where = numbers.isna()
    where["z"] = False
    run = impute(numbers, where=where, visit_sequence=["y"])
    assert list(run.tree["conditionals"].children) == ["y"]
    assert run.completed(0)["z"].isna().sum() == 4
    assert run.events.query("code == 'not_imputed'")["message"].iloc[0].startswith("No cell of z")
    matrix = bm.MICE(numbers, where=where, visit_sequence=["y"]).predictor_matrix
    assert matrix.loc["y"].tolist() == [True, False, False]
    with pytest.raises(bm.SpecificationError, match="'y' depends on 'z', whose missing cells"):
        bm.MICE(numbers, {"y": bm.Regression("z")}, where=where, visit_sequence=["y"])


def test_a_wanted_column_that_no_visit_reaches_is_an_error(numbers):
    with pytest.raises(bm.SpecificationError, match="never visits 'z', which has cells to impute"):
        impute(numbers, visit_sequence=["y"])


def test_levels_and_whole_numbers_of_observed_cells_can_be_imputed():
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"x": rng.normal(size=N), "count": pd.array(np.arange(N) % 5, "Int64")})
    frame["kind"] = np.resize(["a", "b", "c", "a"], N)
    where = pd.DataFrame(False, index=frame.index, columns=frame.columns)
    where.iloc[:6, 1:] = True
    run = impute(frame, where=where)
    completed = run.completed(0)
    assert completed.dtypes.equals(frame.dtypes)
    assert set(completed["kind"]) <= {"a", "b", "c"}
    pd.testing.assert_frame_equal(completed.iloc[6:], frame.iloc[6:])


# ignore and weights


def test_ignored_rows_are_imputed_and_nothing_is_learned_from_them(numbers):
    """Their observed values can be anything: neither priors nor parameters notice."""
    ignore = np.arange(N) >= 16
    wild = numbers.copy()
    wild.loc[16:, "y"] = 1e3 + 10 * np.arange(8.0)
    wild.loc[20, "y"] = None
    calm = wild.copy()
    calm.loc[[16, 17, 18, 19, 21, 22, 23], "y"] = 0.5 + np.arange(7) / 10
    models = {"y": bm.Regression("x"), "z": bm.Regression("x")}
    runs = [impute(frame, models=models, ignore=ignore) for frame in (wild, calm)]
    for run in runs:
        assert run.completed(0).notna().all().all()
    assert (
        bm.MICE(wild, models, ignore=ignore).table.loc["y", "priors"]
        == bm.MICE(calm, models, ignore=ignore).table.loc["y", "priors"]
    )
    for name in ("y", "z"):
        first, second = (run.tree[f"conditionals/{name}/posterior"].to_dataset() for run in runs)
        assert first.identical(second)
    assert abs(runs[0].completed(0).loc[20, "y"]) < 20


def test_a_boolean_column_can_say_which_rows_to_ignore(numbers):
    frame = numbers.assign(test=np.arange(N) >= 16)
    models = {"y": bm.Regression("x"), "z": bm.Regression("x")}
    by_name = impute(frame, models=models, ignore="test")
    by_array = impute(frame, models=models, ignore=frame["test"].to_numpy())
    pd.testing.assert_frame_equal(by_name.completed(0), by_array.completed(0), check_exact=True)


def weighted_posterior(frame, weights, chains=300):
    import pymc as pm

    priors = {"Intercept": pm.Normal.dist(0, 2), "x": pm.Normal.dist(0, 2), "sigma": 0.8}
    model = bm.Regression("x", priors=priors)
    run = bm.MICE(frame, {"y": model}, weights=weights).mice(m=chains, sweeps=8, progressbar=False)
    last = run.tree["conditionals/y/posterior"].isel(draw=-1)
    return np.column_stack([last["Intercept"].to_numpy(), last["x"].to_numpy()])


def test_weights_count_as_the_closed_form_of_weighted_least_squares_says():
    """Normal priors and a known sigma: the posterior is normal, with X'WX as its information.

    Whitened draws are compared with standard normal ones; two tests fail once in 100,000 runs.
    """
    rng = np.random.default_rng(2)
    x = rng.normal(size=30)
    frame = pd.DataFrame({"x": x, "y": 1 + x + rng.normal(size=30)})
    frame.loc[0, "y"] = None
    weights = rng.uniform(0, 4, 30)
    weights[5] = 0.0
    draws = weighted_posterior(frame, weights)
    design = np.column_stack([np.ones(29), x[1:]])
    precision = design.T @ (weights[1:, None] * design) / 0.64 + np.eye(2) / 4
    mean = np.linalg.solve(precision, design.T @ (weights[1:] * frame["y"][1:]) / 0.64)
    whitened = (draws - mean) @ np.linalg.cholesky(precision)
    for column in whitened.T:
        assert stats.kstest(column, "norm").pvalue > 5e-6


def test_a_weight_of_two_is_two_equal_rows_in_the_model_that_is_shown():
    import pymc as pm

    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "y": [2.0, 1.0, 4.0, None]})
    twice = pd.concat([frame, frame.iloc[[1]]], ignore_index=True)
    models = {
        "y": bm.Regression(
            "x", priors={"Intercept": pm.Normal.dist(), "sigma": 1.0, "x": pm.Normal.dist()}
        )
    }
    weighted = bm.MICE(frame, models, weights=[1, 2, 1, 1]).model("y")
    repeated = bm.MICE(twice, models).model("y")
    point = {"Intercept": np.array(0.3), "x": np.array(-0.2)}
    values = [m.compile_logp(mode="FAST_COMPILE")(point) for m in (weighted, repeated)]
    assert values[0] == pytest.approx(values[1], rel=1e-12)


def test_a_custom_model_is_weighted_too_by_every_kernel():
    """A normal mean with a known variance: its posterior is normal in closed form."""
    import pymc as pm

    def model(data):
        mean = pm.Normal("mean", 0, 10)
        pm.Normal("y", mean, 1, observed=data["y"])

    frame = pd.DataFrame({"x": np.arange(12.0), "y": [*np.arange(11.0), None]})
    weights = np.r_[np.zeros(6), np.full(6, 2.0)]
    precision = 10 + 0.01
    mean, sd = 2 * np.arange(6, 11).sum() / precision, precision**-0.5
    for kernel, chains, sweeps in (("nuts", 200, 3), ("hmc", 200, 6), ("pymc", 10, 21)):
        run = bm.MICE(frame, {"y": bm.Custom(model, kernel=kernel)}, weights=weights)
        run = run.mice(m=chains, sweeps=sweeps, progressbar=False)
        draws = run.tree["conditionals/y/posterior"]["mean"].to_numpy()
        draws = draws[:, 1:] if kernel == "pymc" else draws[:, -1:]
        z = (draws.mean() - mean) / (sd / np.sqrt(draws.size))
        assert abs(z) < 5, (kernel, z)
        assert abs(draws.std() / sd - 1) < 5 / np.sqrt(2 * draws.size), kernel


BAD = {
    "where of another shape": (
        {"where": np.zeros((3, 3))},
        "where has shape (3, 3); expected that of data, (24, 3)",
    ),
    "where with another column": (
        {"where": pd.DataFrame({"w": [True] * N})},
        "where has a column 'w', which is not a column of data",
    ),
    "where with other rows": (
        {"where": pd.DataFrame({"y": [True] * N}, index=range(1, N + 1))},
        "expected the 24 rows of data in the same order",
    ),
    "where of numbers": ({"where": np.full((N, 3), 2)}, "where holds 2; expected True or False"),
    "where beside a name of its own": (
        {"data": pd.DataFrame({"y": [1.0, None, 3.0], "y_wanted": 1.0}), "where": np.eye(3, 2) > 0},
        "whose wanted cells are called 'y_wanted' in the tree of results",
    ),
    "all rows ignored": ({"ignore": [True] * N}, "ignore marks all 24 rows"),
    "ignore too short": ({"ignore": [True, False]}, "ignore has shape (2,); expected one value"),
    "ignore of words": ({"ignore": ["no"] * N}, "ignore holds 'no'; expected True or False"),
    "ignore by an unknown name": ({"ignore": "test"}, "ignore is 'test', which is not a column"),
    "a negative weight": ({"weights": np.r_[-1.0, np.ones(N - 1)]}, "weights is -1 in row 0"),
    "a missing weight": ({"weights": np.r_[np.nan, np.ones(N - 1)]}, "weights is nan in row 0"),
    "weights of zero": ({"weights": np.zeros(N)}, "weights are zero in all rows"),
    "weights too long": ({"weights": np.ones(N + 1)}, "weights has shape (25,)"),
    "weights of words": ({"weights": ["a"] * N}, "weights cannot be read as numbers"),
    "a weight for no observed value": (
        {"weights": np.r_[np.ones(4), np.zeros(N - 4)]},
        "Column 'y' has no observed value in the rows that count by weights",
    ),
    "limits beside weights": (
        {"weights": np.ones(N), "limits": {"y": (0.0, None)}},
        "limits names 'y', and weights says how rows count",
    ),
    "post of an unknown column": ({"post": {"w": abs}}, "post names 'w', which is not a column"),
    "post that is no function": ({"post": {"y": 3}}, "post['y'] is 3; expected a function"),
    "bounds that exclude observed values": (
        {"bounds": {"z": (0, 1)}},
        "but 20 observed values lie outside",
    ),
}


@pytest.mark.parametrize(("settings", "text"), BAD.values(), ids=BAD)
def test_what_fits_no_row_or_cell_is_refused(numbers, settings, text):
    with pytest.raises(bm.SpecificationError, match=re.escape(text)):
        bm.MICE(**{"data": numbers, **settings})


# post


def test_drawn_values_are_changed_before_other_models_read_them(numbers):
    def rounded(values, data):
        assert values.index.tolist() == [0, 1, 2, 3]
        assert data.index.tolist() == [0, 1, 2, 3]
        assert data.notna().all().all()
        pd.testing.assert_series_equal(data["y"], values)
        return values.round()

    seen = []

    def watch(values, data):
        seen.append(data["y"].to_numpy().copy())
        return values

    # The rows of z, in which y is observed, and those of y.
    frame = numbers.copy()
    frame.loc[0:3, "z"] = None
    run = impute(frame, post={"y": rounded, "z": watch}, visit_sequence=["y", "z"])
    drawn = run.tree["imputations"]["y"].to_numpy()
    np.testing.assert_array_equal(drawn, drawn.round())
    assert len(seen) == 3 * 2
    for values in seen:
        np.testing.assert_array_equal(values[:4], values[:4].round())


def test_levels_are_changed_as_labels():
    frame = pd.DataFrame({"x": np.arange(N, dtype=float), "kind": np.resize(["a", "b", "c"], N)})
    frame.loc[3:8, "kind"] = None
    run = impute(frame, post={"kind": lambda values, data: values.replace("b", "a")})
    assert all(set(completed.loc[3:8, "kind"]) <= {"a", "c"} for completed in run)


@pytest.mark.parametrize(
    ("post", "text"),
    [
        (lambda values, data: values[:2], "gives an array of shape (2,); expected one value"),
        (lambda values, data: values / data["w"], "post['y'] failed with KeyError"),
    ],
)
def test_a_function_of_drawn_values_that_fails_says_so(numbers, post, text):
    with pytest.raises(bm.SpecificationError, match=re.escape(text)):
        impute(numbers, post={"y": post})

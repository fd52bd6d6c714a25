"""Simulation studies, and calibration by simulation."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy import stats

import bayesmice as bm
from bayesmice.testing import Study, sbc, simulate


def parts():
    """Nested, so that other processes get them by value: they cannot import this file."""

    def make(rng):
        x = rng.normal(size=40)
        return pd.DataFrame({"x": x, "y": 1 + x + rng.normal(size=40)})

    def ampute(data, rng):
        return data.assign(y=data["y"].mask(rng.random(40) < 0.3))

    def mean(data):
        n = len(data)
        variance = np.array([data["y"].var() / n])
        return bm.CompleteDataResult(("mean",), np.array([data["y"].mean()]), variance, n - 1.0)

    return make, ampute, mean


make, ampute, mean = parts()

METHODS = {
    "default": {},
    "of one's own": lambda data, seed: [data.fillna({"y": data["y"].mean()})] * 2,
    "full": "full_data",
    "complete": "complete_cases",
}


@pytest.fixture(scope="module")
def study():
    return simulate(
        make,
        ampute,
        mean,
        {"mean": 1.0},
        methods=METHODS,
        replicates=12,
        m=3,
        sweeps=2,
        random_seed=4,
        progressbar=False,
    )


def test_every_method_answers_every_replicate(study):
    assert study.n_replicates == 12
    assert len(study.replicates) == 4 * 12
    assert study.table.index.tolist() == [(name, "mean") for name in METHODS]
    assert "12 replicates" in repr(study)
    assert "of one&#x27;s own" in study._repr_html_() or "of one's own" in study._repr_html_()


def test_performance_is_what_the_definitions_say(study):
    rows = study.replicates.query("method == 'default'")
    row = study.table.loc[("default", "mean")]
    errors = rows["estimate"] - 1
    width = rows["ci_high"] - rows["ci_low"]
    covered = (rows["ci_low"] < 1) & (rows["ci_high"] > 1)
    assert row["raw_bias"] == pytest.approx(errors.mean())
    assert row["raw_bias_mcse"] == pytest.approx(rows["estimate"].std() / np.sqrt(12))
    assert row["percent_bias"] == pytest.approx(100 * abs(errors.mean()))
    assert row["coverage"] == pytest.approx(covered.mean())
    assert row["width"] == pytest.approx(width.mean())
    assert row["rmse"] == pytest.approx(np.sqrt((errors**2).mean()))
    assert row["model_se"] == pytest.approx(np.sqrt((rows["std_error"] ** 2).mean()))
    assert row["se_ratio"] == pytest.approx(row["model_se"] / rows["estimate"].std())


def test_full_data_and_complete_cases_are_analyzed_without_pooling(study):
    first = np.random.SeedSequence(4).spawn(12)[0]
    rng = np.random.default_rng(first)
    complete = make(rng)
    incomplete = ampute(complete.copy(), rng)
    first_rows = study.replicates.query("replicate == 0").set_index("method")
    for method, data in (("full", complete), ("complete", incomplete.dropna())):
        row = first_rows.loc[method]
        low, high = stats.t.interval(0.95, len(data) - 1, data["y"].mean(), data["y"].sem())
        assert (row["ci_low"], row["ci_high"]) == pytest.approx((low, high))


def test_the_seed_decides_and_workers_do_not(study):
    options = {"methods": {"default": {}}, "replicates": 4, "m": 3, "sweeps": 2, "random_seed": 4}
    again = simulate(make, ampute, mean, {"mean": 1.0}, progressbar=False, **options)
    spread = simulate(make, ampute, mean, {"mean": 1.0}, progressbar=False, workers=2, **options)
    pd.testing.assert_frame_equal(again.replicates, spread.replicates)
    first = study.replicates.query("method == 'default' and replicate < 4")
    pd.testing.assert_frame_equal(first.reset_index(drop=True), again.replicates)


def test_monte_carlo_errors_are_the_spread_of_whole_studies():
    """400 studies of 50 normal estimates: each error within 20 % of the spread (5 of its own)."""
    rng = np.random.default_rng()
    tables = []
    for _ in range(400):
        estimates, errors = rng.normal(0.3, 1, 50), np.sqrt(rng.chisquare(20, 50) / 20)
        rows = {"estimate": estimates, "std_error": errors, "df": 20.0, "fmi": 0.1}
        ends = {"ci_low": estimates - 1.5 * errors, "ci_high": estimates + 1.5 * errors}
        frame = pd.DataFrame(rows | ends).assign(method="a", term="b", replicate=range(50))
        tables.append(Study(frame, pd.Series({"b": 0.2}), 0.95).table.iloc[0])
    table = pd.DataFrame(tables)
    for name in ("raw_bias", "coverage", "width", "rmse", "model_se", "empirical_se", "se_ratio"):
        stated = np.sqrt((table[f"{name}_mcse"] ** 2).mean())
        assert stated == pytest.approx(table[name].std(), rel=0.2), name


def test_the_band_of_a_coverage_is_the_binomial_one():
    rows = pd.DataFrame({"replicate": range(500)})
    low, high = Study(rows, pd.Series({"b": 0.0}), 0.95).coverage_band(0.01)
    assert stats.binom.cdf(round(500 * low) - 1, 500, 0.95) <= 0.005
    assert stats.binom.sf(round(500 * high), 500, 0.95) <= 0.005
    assert stats.binom.cdf(round(500 * low), 500, 0.95) > 0.005


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"replicates": 1}, "replicates is 1; expected a whole number of at least 2"),
        ({"methods": {"a": "listwise"}}, "The method 'a' is 'listwise'; expected a mapping"),
        ({"truth": {"median": 1.0}}, "truth names 'median', and the analysis has the parameters"),
    ],
)
def test_studies_that_cannot_be_made_say_why(options, text):
    settings = {"truth": {"mean": 1.0}, "replicates": 2, "m": 2, "sweeps": 2} | options
    with pytest.raises(bm.SpecificationError, match=text):
        simulate(make, ampute, mean, progressbar=False, **settings)


def draw(rng):
    b = rng.normal(0, 1, 2)
    x = rng.normal(size=20)
    group = pd.Categorical.from_codes(rng.integers(2, size=20), ["a", "b"])
    y = b[0] + b[1] * x + rng.normal(0, 1, 20)
    frame = pd.DataFrame({"x": x, "group": group, "y": y})
    return {"y": {"Intercept": b[0], "coefficients": {"x": b[1]}}}, frame


def lose(data, rng):
    order = rng.permutation(20)
    return data.assign(y=data["y"].mask(order < 6), group=data["group"].mask(np.arange(20) < 1))


def line(data):
    """A function, whose program is used again by every replicate."""
    intercept = pm.Normal("Intercept", 0, 1)
    slopes = pm.Normal("coefficients", 0, 1, dims="predictor")
    pm.Normal("y", intercept + slopes[0] * data["x"], 1.0, observed=data["y"])


def labelled(data):
    with pm.modelcontext(None) as model:
        model.add_coord("predictor", ["x"])
    line(data)


MODELS = {"y": labelled, "group": bm.Regression("1")}


@pytest.fixture(scope="module")
def calibration():
    quantities = {"slope of the data": lambda parameters, data: data["y"].corr(data["x"])}
    return sbc(
        draw,
        lose,
        models=MODELS,
        quantities=quantities,
        replicates=10,
        draws=19,
        sweeps=6,
        cells=2,
        progressbar=False,
    )


def test_parameters_cells_means_and_quantities_are_ranked(calibration):
    assert calibration.table.index.tolist() == [
        "y: Intercept",
        "y: coefficients[x]",
        "group: cell 1",
        "group: mean",
        "y: cell 1",
        "y: cell 2",
        "y: mean",
        "slope of the data",
    ]
    assert calibration.ranks.shape == (10, 8)
    assert calibration.ranks.to_numpy().min() >= 0
    assert calibration.ranks.to_numpy().max() <= 19
    assert 0 <= calibration.p_value <= 1
    assert "10 replicates, ranks among 19 draws" in repr(calibration)
    assert "<table" in calibration._repr_html_()


def test_calibrated_ranks_are_uniform_and_others_are_not():
    """Ranks of 400 replicates, made here: uniform, too spread out, and shifted."""
    rng = np.random.default_rng()
    uniform = rng.integers(0, 100, 400)
    narrow = np.clip(np.rint(50 + 0.8 * (uniform - 50)), 0, 99).astype(int)
    shifted = np.clip(uniform - 15, 0, 99)
    found = bm.testing.Calibration(
        pd.DataFrame({"uniform": uniform, "narrow": narrow, "shifted": shifted}), 99
    )
    table = found.table
    assert table.loc["uniform", "p_value"] > 1e-5
    assert (table.loc[["narrow", "shifted"], "p_value"] < 1e-5).all()
    assert table.loc["narrow", "spread"] < 0.9
    assert table.loc["shifted", "mean_rank"] < 0.45
    assert found.p_value < 1e-4


def test_replicates_without_a_cell_are_left_out_of_its_ranks():
    ranks = pd.DataFrame({"cell 1": [3.0, 8.0, 5.0], "cell 2": [np.nan, 2.0, np.nan]})
    table = bm.testing.Calibration(ranks, 9).table
    assert table["replicates"].tolist() == [3, 1]
    assert table["p_value"].notna().all()


def test_an_unknown_parameter_lists_those_of_the_model():
    def misnamed(rng):
        parameters, data = draw(rng)
        return {"y": {"slope": parameters["y"]["Intercept"]}}, data

    with pytest.raises(bm.SpecificationError, match=r"a parameter 'slope', and .*'Intercept'"):
        sbc(misnamed, lose, models=MODELS, replicates=2, draws=3, sweeps=2, progressbar=False)


def test_targets_without_missing_values_are_left_out_of_the_ranks_of_their_parameters():
    """As `ampute` does now and then where values are missing at random."""
    turns = iter([True, False, True])

    def lose_at_times(data, rng):
        lost = lose(data, rng)
        return lost if next(turns) else lost.assign(y=data["y"])

    found = sbc(
        draw,
        lose_at_times,
        models=MODELS,
        quantities={"mean of y": lambda parameters, data: data["y"].mean()},
        replicates=3,
        draws=3,
        sweeps=2,
        cells=1,
        progressbar=False,
    )
    counts = found.table["replicates"]
    assert counts["y: Intercept"] == counts["mean of y"] == counts["y: cell 1"] == 2
    assert counts["group: cell 1"] == 3


def test_parameters_of_no_column_list_the_columns():
    def misnamed(rng):
        parameters, data = draw(rng)
        return {"why": parameters["y"]}, data

    with pytest.raises(bm.SpecificationError, match=r"parameters of 'why', and .*'group'"):
        sbc(misnamed, lose, models=MODELS, replicates=2, draws=3, sweeps=2, progressbar=False)


def test_counts_of_less_than_two_are_refused():
    with pytest.raises(bm.SpecificationError, match="draws is 1; expected a whole number"):
        sbc(draw, lose, draws=1, progressbar=False)

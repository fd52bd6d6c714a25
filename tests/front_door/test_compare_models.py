"""Comparison of conditional models, against exact leave-one-out."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy import stats
from scipy.optimize import minimize

import bayesmice as bm
from bayesmice.diagnostics.stacking import pseudo_bma_weights, stacking_weights

pytestmark = pytest.mark.long

N, M, PRIOR_SD = 40, 2, 3.0
FAST = {"draws": 400, "tune": 300, "random_seed": 1, "progressbar": False}


@pytest.fixture(scope="module")
def mice():
    rng = np.random.default_rng(5)
    x = rng.normal(size=N)
    data = pd.DataFrame({"x": x, "y": 1 + 2 * x + rng.normal(size=N)})
    data["visits"] = pd.array(rng.poisson(np.exp(0.5 + 0.4 * x)), dtype="Int64")
    data.loc[3, ["x", "y"]] = [4.0, 4.0]  # far off: leaving it out moves the posterior much
    data.loc[:2, "y"], data.loc[30:34, "x"], data.loc[35:36, "visits"] = np.nan, np.nan, None
    found = bm.MICE(data)
    found.mice(m=M, sweeps=5, random_seed=1, progressbar=False)
    return found


def line(data):
    a, b = pm.Normal("a", 0, PRIOR_SD), pm.Normal("b", 0, PRIOR_SD)
    pm.Normal("y", a + b * data["x"], 1.0, observed=data["y"])


def level(data):
    pm.Normal("y", pm.Normal("a", 0, PRIOR_SD), 1.0, observed=data["y"])


def exact_elpd(X, y):
    """Of a linear model with unit noise and independent normal priors, for every row left out."""
    found = []
    for i in range(len(y)):
        others = np.arange(len(y)) != i
        precision = X[others].T @ X[others] + np.eye(X.shape[1]) / PRIOR_SD**2
        covariance = np.linalg.inv(precision)
        mean = X[i] @ covariance @ X[others].T @ y[others]
        found.append(stats.norm.logpdf(y[i], mean, np.sqrt(1 + X[i] @ covariance @ X[i])))
    return np.array(found)


@pytest.fixture(scope="module")
def compared(mice):
    return bm.compare_models(mice, "y", {"level": level, "line": line}, **FAST)


def test_every_row_of_every_imputation_has_its_exact_elpd(mice, compared):
    """The row far off included, which needs moment matching."""
    for imputation, frame in enumerate(mice.imputations):
        known = np.arange(N) > 2
        x, y = frame["x"].to_numpy()[known], frame["y"].to_numpy()[known]
        designs = {"line": np.column_stack([np.ones_like(x), x]), "level": np.ones((len(x), 1))}
        for label, X in designs.items():
            found = compared.pointwise[label]["elpd"][imputation]
            np.testing.assert_allclose(found, exact_elpd(X, y), rtol=0.05, atol=0.05)


def test_rows_that_psis_cannot_do_are_matched(compared):
    assert compared.pointwise["line"]["was_matched"].any()
    assert (compared.table["bad_k"] == 0).all()
    assert "Pareto k" not in compared.verdict


def test_the_better_model_is_named_with_its_lead(compared):
    table = compared.table
    assert list(table.index) == ["line", "level"]
    elpd = [compared.pointwise[label]["elpd"].to_numpy() for label in table.index]
    lead = elpd[0] - elpd[1]
    n = lead.shape[1]
    between = lead.sum(axis=1).var(ddof=1)
    error = np.sqrt((n * lead.var(axis=1, ddof=1)).mean() + (1 + 1 / M) * between)
    assert table.loc["level", "elpd_diff"] == pytest.approx(lead.sum(axis=1).mean())
    assert table.loc["level", "diff_std_error"] == pytest.approx(error)
    assert table["weight"].sum() == pytest.approx(1)
    assert "line predicts observed values of y best: its elpd is" in compared.verdict
    assert compared.programs == {"level": 1, "line": 1}
    assert "<table" in compared._repr_html_()
    assert "elpd_loo" in repr(compared)


def test_imputations_are_those_that_there_are(mice, compared):
    before = mice.imputations
    assert compared.pointwise["line"].sizes["imputation"] == before.m
    assert mice.imputations is before


def test_regressions_and_families_are_compared_in_a_group_of_rows():
    rng = np.random.default_rng(3)
    x = rng.normal(size=200)
    data = pd.DataFrame({"x": x, "y": rng.gamma(1.0, np.exp(1 + 0.3 * x))})
    data["sex"] = np.resize(["m", "f"], 200)
    data["stage"] = np.where(data["sex"] == "f", "a", np.resize(["b", "b", "c", "c"], 200))
    data.loc[:9, "y"], data.loc[11:13:2, "stage"] = np.nan, None
    data.loc[10, "stage"] = "b"
    mice = bm.MICE(data, by="sex")
    candidates = {"gaussian": "gaussian", "gamma": bm.Regression("x + stage", family="gamma")}
    found = bm.compare_models(mice, "y", candidates, m=2, group="m", **FAST)
    assert list(found.table.index) == ["gamma", "gaussian"]
    assert found.table.loc["gaussian", "elpd_diff"] > 10
    assert found.table.loc["gamma", "weight"] > 0.9
    assert mice.imputations.m == 2
    rows = (data["y"].notna() & (data["sex"] == "m")).sum()
    assert found.pointwise["gamma"].sizes == {"imputation": 2, "row": rows}


def test_what_has_other_units_is_refused(mice):
    def logarithm(data):
        pm.Normal("y", pm.Normal("a"), 1, observed=2 * data["y"])

    with pytest.raises(bm.SpecificationError, match="'logarithm' observes an expression of 'y'"):
        bm.compare_models(mice, "y", {"level": level, "logarithm": logarithm}, **FAST)
    text = "'g' give densities of numbers, and 'p' probabilities of whole ones"
    with pytest.raises(bm.SpecificationError, match=text):
        bm.compare_models(mice, "visits", {"g": "gaussian", "p": "poisson"}, **FAST)


def test_bad_input_has_a_sentence(mice):
    def compare(name="y", candidates=None, **settings):
        candidates = {"a": level, "b": "gaussian"} if candidates is None else candidates
        return bm.compare_models(mice, name, candidates, **(FAST | settings))

    with pytest.raises(bm.SpecificationError, match="at least two models by name"):
        compare(candidates={"a": level})
    with pytest.raises(bm.SpecificationError, match="'z' is not a column of data"):
        compare("z")
    with pytest.raises(bm.SpecificationError, match="family='student', which is not known") as info:
        compare(candidates={"a": level, "b": "student"})
    assert info.value.__notes__ == ["This was the candidate 'b'."]
    with pytest.raises(bm.SpecificationError, match="draws is 0"):
        compare(draws=0)
    with pytest.raises(bm.DataTypeError, match=r"takes the MICE that has data.*got Imputations"):
        bm.compare_models(mice.imputations, "y", {"a": level, "b": "gaussian"})
    weighted = bm.MICE(mice.imputations.completed(0).assign(y=[None] + [1.5, 2.0, 3.0] * 13),
                       weights=np.full(N, 2.0))  # fmt: skip
    with pytest.raises(bm.SpecificationError, match="Rows have weights other than 0 and 1"):
        bm.compare_models(weighted, "y", {"a": level, "b": "gaussian"})


def test_stacking_maximizes_the_log_score_of_the_mixture():
    rng = np.random.default_rng()
    elpd = rng.normal(size=(3, 50))
    found = stacking_weights(elpd)

    def loss(z):
        weights = np.exp(z) / np.exp(z).sum()
        return -np.log(weights @ np.exp(elpd)).sum()

    best = minimize(loss, np.zeros(3), tol=1e-12)
    assert -np.log(found @ np.exp(elpd)).sum() <= best.fun + 1e-4
    assert found.sum() == pytest.approx(1)


def test_pseudo_bma_weights_are_relative_exponentials():
    found = pseudo_bma_weights(np.array([-1000.0, -1000.0 - np.log(3)]))
    np.testing.assert_allclose(found, [0.75, 0.25])

"""Quantities with transforms of their own, and the bootstrap."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression, Ridge

import bayesmice as bm
from bayesmice import quantities

RNG = np.random.default_rng(3)


def value(result):
    return float(result.transform.inverse(result.estimates)[0])


def original_variance(result):
    return float(
        result.covariance[0] / result.transform.derivative(np.array([value(result)]))[0] ** 2
    )


def test_kappa_of_a_published_table():
    """Fleiss, Levin and Paik (2003), table 18.1: two raters, 100 subjects, kappa 0.676."""
    counts = np.array([[75, 1, 4], [5, 4, 1], [0, 0, 10]])
    first, second = np.nonzero(np.ones((3, 3)))
    first, second = np.repeat(first, counts.ravel()), np.repeat(second, counts.ravel())
    result = quantities.kappa(first, second)
    assert value(result) == pytest.approx(0.676, abs=5e-4)
    # Their formula 18.13 for the standard error, worked out here.
    p = counts / 100
    rows, columns, kappa = p.sum(axis=1), p.sum(axis=0), value(result)
    expected = rows @ columns
    a = sum(p[i, i] * (1 - (rows[i] + columns[i]) * (1 - kappa)) ** 2 for i in range(3))
    b = (1 - kappa) ** 2 * sum(
        p[i, j] * (columns[i] + rows[j]) ** 2 for i in range(3) for j in range(3) if i != j
    )
    c = (kappa - expected * (1 - kappa)) ** 2
    variance = (a + b - c) / ((1 - expected) ** 2 * 100)
    assert original_variance(result) == pytest.approx(variance, rel=1e-10)


def test_cronbachs_alpha_is_one_when_items_agree_up_to_noise():
    """With equal variances and correlations r, alpha is k r / (1 + (k - 1) r)."""
    common = RNG.normal(size=(4000, 1))
    items = pd.DataFrame(common + RNG.normal(size=(4000, 5)))
    result = quantities.cronbach_alpha(items)
    error = np.sqrt(result.covariance[0])
    assert abs(result.estimates[0] + np.log(1 - 5 * 0.5 / (1 + 4 * 0.5))) < 5 * error


@pytest.mark.parametrize("name", ["correlation", "proportion", "auc", "c_index", "cronbach_alpha"])
def test_standard_errors_are_those_of_repeated_samples(name):
    """The spread over 1,000 samples (3 % at one standard error) against the mean variance."""
    rng = np.random.default_rng()

    def draw():
        x = rng.normal(size=80)
        y = x + rng.normal(size=80)
        died = rng.random(80) < 0.8
        time = rng.exponential(np.exp(-0.7 * x))
        return {
            "correlation": lambda: quantities.correlation(x, y),
            "proportion": lambda: quantities.proportion(x > 0.5),
            "auc": lambda: quantities.auc(y > 0, x),
            "c_index": lambda: quantities.c_index(time, died, x),
            "cronbach_alpha": lambda: quantities.cronbach_alpha(
                pd.DataFrame(x[:, None] + rng.normal(size=(80, 4)))
            ),
        }[name]()

    results = [draw() for _ in range(1000)]
    spread = np.std([result.estimates[0] for result in results])
    stated = np.sqrt(np.mean([result.covariance[0] for result in results]))
    assert stated == pytest.approx(spread, rel=0.17)


def test_a_variance_component_is_pooled_by_its_logarithm():
    results = [quantities.variance_component(v, 0.5) for v in (2.0, 2.5, 3.0)]
    pooled = bm.pool(results)
    assert pooled.table["estimate"].iloc[0] == pytest.approx(stats.gmean([2.0, 2.5, 3.0]))
    assert pooled.within.iloc[0, 0] == pytest.approx(np.mean([(0.5 / v) ** 2 for v in (2, 2.5, 3)]))


def test_a_negative_adjusted_r_squared_counts_as_zero():
    fit = type("Fit", (), {"rsquared": 0.01, "rsquared_adj": -0.02, "nobs": 40})
    assert value(quantities.r_squared(fit, adjusted=True)) == 0
    assert value(quantities.r_squared(fit)) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: quantities.correlation([1, 2, 3, 4], [5, 5, 5, 5]), "two columns that vary"),
        (lambda: quantities.correlation([1, 2, 3, 4], [2, 4, 6, 8]), "correlation is 1, where"),
        (lambda: quantities.proportion([0, 1, 2]), "zeros and ones, or booleans: compare"),
        (lambda: quantities.proportion([True, True]), "All 2 values are true, and the logit of 1"),
        (lambda: quantities.r_squared(object()), "object has no rsquared"),
        (lambda: quantities.variance_component(0.0, 1.0), "must be positive .* got 0"),
        (lambda: quantities.kappa(["a", "b"], ["a", "b"]), "kappa is 1, where the scale"),
        (lambda: quantities.cronbach_alpha(pd.DataFrame({"a": [1, 2, 3]})), "at least 2 items"),
        (lambda: quantities.auc([1, 1], [0.1, 0.2]), "at least two of each"),
        (
            lambda: quantities.auc([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4]),
            "auc is 1, where",
        ),
        (lambda: quantities.c_index([1.0, 1.0], [1, 1], [1, 2]), "No two rows can be compared"),
    ],
)
def test_quantities_that_cannot_be_pooled_say_why(call, text):
    with pytest.raises(bm.AnalysisError, match=text):
        call()


def test_the_bootstrap_has_the_covariance_of_least_squares():
    """For a mean, 4,000 draws give the standard error within 5 times 1.1 %."""
    frame = pd.DataFrame({"x": RNG.normal(size=50), "y": RNG.exponential(size=50)})
    result = bm.bootstrap(frame, lambda df: df[["x", "y"]].mean(), draws=4000)
    expected = frame.cov(ddof=0) / 50
    assert result.names == ("x", "y")
    errors = np.sqrt(np.diag(result.covariance))
    np.testing.assert_allclose(errors, np.sqrt(np.diag(expected)), rtol=0.056)
    correlation = np.corrcoef(frame["x"], frame["y"])[0, 1]
    ours = result.covariance[0, 1] / errors.prod()
    assert abs(ours - correlation) < 5 / np.sqrt(4000)


def test_the_bootstrap_resamples_whole_groups():
    """Ten copies of each of 30 values: the standard error is that of 30 values, not of 300."""
    values = RNG.normal(size=30)
    frame = pd.DataFrame({"x": np.repeat(values, 10), "patient": np.repeat(np.arange(30), 10)})
    mean = lambda df: df["x"].mean()  # noqa: E731
    by_patient = bm.bootstrap(frame, mean, draws=2000, groups="patient").covariance[0, 0]
    by_row = bm.bootstrap(frame, mean, draws=2000).covariance[0, 0]
    assert by_patient / by_row == pytest.approx(10, rel=5 * np.sqrt(4 / 2000))


def test_estimators_of_scikit_learn_are_bootstrapped_and_pooled():
    frame = pd.DataFrame({"x": RNG.normal(size=60), "z": RNG.normal(size=60)})
    frame["sick"] = (frame["x"] + RNG.normal(size=60) > 0).astype(int)

    def fit(df):
        return LogisticRegression(C=1.0).fit(df[["x", "z"]], df["sick"])

    results = [bm.bootstrap(frame, fit, draws=20, random_seed=seed) for seed in range(3)]
    pooled = bm.pool(results)
    assert pooled.terms.tolist() == ["Intercept", "x", "z"]
    np.testing.assert_allclose(pooled.params[["x", "z"]], fit(frame).coef_[0])
    again = bm.bootstrap(frame, fit, draws=20, random_seed=0)
    np.testing.assert_array_equal(again.covariance, results[0].covariance)


def test_a_regressor_without_a_class_is_bootstrapped():
    frame = pd.DataFrame({"x": np.arange(20.0), "y": np.arange(20.0) + RNG.normal(size=20)})
    result = bm.bootstrap(frame, lambda df: Ridge().fit(df[["x"]], df["y"]), draws=10)
    assert result.names == ("Intercept", "x")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"draws": 1}, "at least 2 draws; got 1"),
        ({"groups": "site"}, "groups='site' is not a column of the data. Columns: level"),
    ],
)
def test_a_bootstrap_that_cannot_be_done_says_why(options, text):
    frame = pd.DataFrame({"level": ["a", "b", "b", "b"]})
    with pytest.raises(bm.AnalysisError, match=text):
        bm.bootstrap(frame, len, **options)


def test_a_level_that_a_resample_lacks_is_reported():
    frame = pd.DataFrame({"level": ["a", *["b"] * 9]})
    with pytest.raises(bm.AnalysisError, match=r"Resample \d+ .* rare category"):
        bm.bootstrap(frame, lambda df: df["level"].value_counts().sort_index(), draws=200)

"""The clinical trial, repeated: 95 % intervals hold the truth as often as they should.

The trial of the example has an exponential severity, which the default gaussian model cannot
describe: the interval of its own coefficient covered 0.93 in 1,200 repetitions (R's norm: 0.94 in
500). Each coefficient's coverage must lie between 88 % and 100 %; at a true coverage of 0.93, 500
repetitions raise a false alarm less than once in 10,000 runs.

With a normal severity every conditional model is right, and 95 % is what must come out: coverage
within 3.5 binomial standard errors, and average standard errors within 10 % of the spread of the
estimates. With five coefficients the first raises a false alarm once in 400 runs, the second (3
standard errors of a standard deviation) once in 70, so together the test is run once more, with
fresh seeds, before it fails.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

import bayesmice as bm

TRUTH = pd.Series({"Intercept": 10.0, "age": 2.0, "gender": -5.0, "bmi": 3.0, "severity": -4.0})
REPETITIONS = 500
Draw = Callable[[np.random.Generator, int], np.ndarray]


def make_trial(rng: np.random.Generator, severity_of: Draw, n: int = 1000) -> pd.DataFrame:
    age, bmi = rng.normal(50, 10, n), rng.normal(25, 4, n)
    gender, severity = rng.binomial(1, 0.4, n), severity_of(rng, n)
    noise = rng.normal(0, 5, n)
    outcome = 10 + 2 * age - 5 * gender + 3 * bmi - 4 * severity + noise
    data = pd.DataFrame(
        {"age": age, "gender": gender, "bmi": bmi, "severity": severity, "outcome": outcome}
    )
    for column, size in (("age", 100), ("bmi", 150), ("severity", 200)):
        data.loc[rng.integers(n, size=size), column] = np.nan
    return data


def study(severity_of: Draw, repetitions: int) -> pd.DataFrame:
    """Coverage, bias, spread and mean standard error over repetitions, by coefficient."""
    rng = np.random.default_rng()
    covered, estimates, errors = [], [], []
    for _ in range(repetitions):
        imputations = bm.MICE(make_trial(rng, severity_of)).mice(m=5, progressbar=False)
        fits = [
            smf.ols("outcome ~ age + gender + bmi + severity", completed).fit()
            for completed in imputations.data
        ]
        results = bm.pool(fits)
        interval = results.conf_int()
        covered.append((interval[0] <= TRUTH) & (interval[1] >= TRUTH))
        estimates.append(results.params)
        errors.append(results.bse)
    return pd.DataFrame(
        {
            "coverage": pd.DataFrame(covered).mean(),
            "bias": pd.DataFrame(estimates).mean() - TRUTH,
            "spread": pd.DataFrame(estimates).std(),
            "std_error": pd.DataFrame(errors).mean(),
        }
    )


@pytest.mark.statistical
def test_intervals_of_the_clinical_trial_hold_the_truth() -> None:
    table = study(lambda rng, n: rng.exponential(2, n), REPETITIONS)
    print(table)
    assert table["coverage"].between(0.88, 1.0).all(), table
    monte_carlo = table["spread"] / np.sqrt(REPETITIONS)
    assert (table["bias"].abs() < 4.5 * monte_carlo).all(), table


@pytest.mark.statistical
def test_intervals_cover_95_percent_where_every_model_is_right() -> None:
    def holds(table: pd.DataFrame) -> bool:
        band = 3.5 * np.sqrt(0.95 * 0.05 / REPETITIONS)
        ratio = table["std_error"] / table["spread"]
        is_covered = ((table["coverage"] - 0.95).abs() < band).all()
        return bool(is_covered and ratio.between(0.9, 1.1).all())

    table = study(lambda rng, n: rng.normal(2, 2, n), REPETITIONS)
    print(table)
    if not holds(table):
        table = study(lambda rng, n: rng.normal(2, 2, n), REPETITIONS)
        print(table)
    assert holds(table), table

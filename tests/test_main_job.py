"""The main job: the program of the clinical trial, as a user would have written it."""

import numpy as np
import pandas as pd
import pytest

PROGRAM = """
import numpy as np
import pandas as pd
from bayesmice import MICE

np.random.seed(123)
n = 1000
age = np.random.normal(50, 10, n)
gender = np.random.binomial(1, 0.4, n)
bmi = np.random.normal(25, 4, n)
severity = np.random.exponential(2, n)
outcome = 10 + 2 * age - 5 * gender + 3 * bmi - 4 * severity + np.random.normal(0, 5, n)
data = pd.DataFrame({'age': age, 'gender': gender, 'bmi': bmi, 'severity': severity, 'outcome': outcome})
data.loc[np.random.randint(n, size=100), 'age'] = np.nan
data.loc[np.random.randint(n, size=150), 'bmi'] = np.nan
data.loc[np.random.randint(n, size=200), 'severity'] = np.nan

imp = MICE(data)
imp.mice(m=5)
imputed_data = imp.data            # a list of 5 completed DataFrames

from statsmodels.api import OLS
results = []
for data_imp in imputed_data:
    model = OLS.from_formula('outcome ~ age + gender + bmi + severity', data=data_imp)
    results.append(model.fit())
combined_results = imp.pool_results(results)   # estimates, standard errors, confidence intervals
"""  # noqa: E501
TRUTH = np.array([10, 2, -5, 3, -4])


@pytest.fixture(scope="module")
def after() -> dict[str, object]:
    namespace: dict[str, object] = {}
    exec(compile(PROGRAM, "program", "exec"), namespace)
    return namespace


def test_the_completed_data_keep_what_was_observed(after: dict[str, object]) -> None:
    data, completed = after["data"], after["imputed_data"]
    assert isinstance(completed, list)
    assert len(completed) == 5
    for frame in completed:
        assert not frame.isna().any().any()
        pd.testing.assert_frame_equal(frame.where(data.notna()), data.astype(frame.dtypes))
    missing = data["severity"].isna()
    first, second = (frame.loc[missing, "severity"] for frame in completed[:2])
    assert (first != second).all()


def test_the_pooled_analysis_is_near_what_the_data_were_made_from(after: dict[str, object]) -> None:
    """Within 5 standard errors, which fails once in 50,000 runs (a t distribution with 15 df)."""
    table = after["combined_results"].table
    assert table.index.tolist() == ["Intercept", "age", "gender", "bmi", "severity"]
    assert ((table["estimate"] - TRUTH).abs() < 5 * table["std_error"]).all(), table
    assert (table["ci_low"] < table["estimate"]).all()
    assert table["fmi"].between(0, 1).all()


def test_imputing_adds_information_to_the_complete_cases(after: dict[str, object]) -> None:
    """Pooled standard errors are larger than with no cell missing, and finite."""
    pooled, fits = after["combined_results"], after["results"]
    within = np.mean([fit.bse**2 for fit in fits], axis=0)
    assert (pooled.bse**2 > within).all()
    np.testing.assert_allclose(pooled.params, np.mean([fit.params for fit in fits], axis=0))

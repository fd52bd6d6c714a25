"""The clinical trial as one process: data, five imputations, analysis, pooling."""

import numpy as np
import pandas as pd
from statsmodels.api import OLS

from bayesmice import MICE

np.random.seed(123)  # noqa: NPY002
n = 1000
age = np.random.normal(50, 10, n)  # noqa: NPY002
gender = np.random.binomial(1, 0.4, n)  # noqa: NPY002
bmi = np.random.normal(25, 4, n)  # noqa: NPY002
severity = np.random.exponential(2, n)  # noqa: NPY002
noise = np.random.normal(0, 5, n)  # noqa: NPY002
outcome = 10 + 2 * age - 5 * gender + 3 * bmi - 4 * severity + noise
data = pd.DataFrame(
    {"age": age, "gender": gender, "bmi": bmi, "severity": severity, "outcome": outcome}
)
for column, size in (("age", 100), ("bmi", 150), ("severity", 200)):
    data.loc[np.random.randint(n, size=size), column] = np.nan  # noqa: NPY002

imp = MICE(data)
imp.mice(m=5)
results = [
    OLS.from_formula("outcome ~ age + gender + bmi + severity", data=completed).fit()
    for completed in imp.data
]
print(imp.pool_results(results).summary())

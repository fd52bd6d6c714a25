"""A mean whose missing half is unknown, or known from a proxy: both answers in closed form."""

import numpy as np
import pandas as pd
import pytest

import bayesmice as bm

pytestmark = pytest.mark.statistical

N, M = 1000, 400


@pytest.mark.parametrize(
    ("correlation", "n_informative", "fmi"), [(0.0, N // 2, 0.5), (0.9999, N, 0.0)]
)
def test_half_of_a_column_costs_what_its_proxy_does_not_know(correlation, n_informative, fmi):
    """The mean of 1,000 normal values, 500 of them missing completely at random.

    With nothing known of the missing ones the mean of the others is all there is: its standard
    error is s / sqrt(500), and half of the information is missing. A proxy that correlates 0.9999
    gives all of it back. The variance between 400 imputations has a relative standard error of
    sqrt(2 / 399) = 7 %, and is half of the total variance in the first case: 1.8 % of the standard
    error, 1.8 points of the fraction. Limits are five of them: less than one failure in 100,000.
    """
    rng = np.random.default_rng()
    x = rng.normal(size=N)
    proxy = correlation * x + np.sqrt(1 - correlation**2) * rng.normal(size=N)
    frame = pd.DataFrame({"x": x, "proxy": proxy})
    frame.loc[: N // 2 - 1, "x"] = np.nan
    imputations = bm.MICE(frame).mice(m=M, progressbar=False)
    means = np.array([[completed["x"].mean()] for completed in imputations])
    variances = np.array([[completed["x"].var() / N] for completed in imputations])
    pooled = bm.pool((means, variances)).table.iloc[0]
    s = frame["x"].std() if correlation == 0 else x.std(ddof=1)
    expected = s / np.sqrt(n_informative)
    assert pooled["std_error"] == pytest.approx(expected, rel=0.09)
    assert pooled["fmi"] == pytest.approx(fmi, abs=0.09)

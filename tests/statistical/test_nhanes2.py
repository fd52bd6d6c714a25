"""nhanes2 (Schafer 1997): pooled chl ~ age + bmi against R's mice with norm and logreg, m=500.

Two errors stand between the two answers.

- Monte Carlo: both use finitely many imputations. The combined error is sqrt(B/m + mcse of R
  squared), and 4 of them are allowed; with four coefficients a false alarm comes less than once in
  1,000 runs.
- Priors: R's norm has flat priors, ours are weakly informative, and 10 of 25 cholesterol values are
  missing. With m=2,000 the default priors moved the coefficients by 0.06, -0.06, -0.16 and -0.05 of
  R's standard errors, most for the difference of the oldest group. `PRIOR_ERROR` allows 0.2. The
  second test shows that the shift is the priors': with flat ones in the models of bmi and chl the
  answers agree within Monte Carlo error alone. (hyp keeps its default prior: with 17 observed
  values R draws from a normal approximation to an augmented likelihood, which no prior reproduces.)
"""

import pytest
from agreement import nhanes2_with_r

PRIOR_ERROR = 0.2
"""In standard errors of R's pooled estimate."""


def test_default_models_agree_with_r_within_monte_carlo_and_prior_error() -> None:
    table = nhanes2_with_r("default", m=50, sweeps=10)
    difference = (table["estimate"] - table["r_estimate"]).abs()
    assert (difference < 4 * table["error"] + PRIOR_ERROR * table["r_se"]).all(), table


@pytest.mark.statistical
def test_default_models_agree_with_r_in_standard_errors_and_missing_information() -> None:
    """Within 10 % and 0.1, beside 4 Monte Carlo errors; ours are small (m=1,000)."""
    table = nhanes2_with_r("default", m=1000)
    spread = (table["std_error"] - table["r_se"]).abs()
    assert (spread < 0.1 * table["r_se"] + 4 * table["se_error"]).all(), table
    assert ((table["fmi"] - table["r_fmi"]).abs() < 0.1 + 4 * table["fmi_error"]).all(), table


@pytest.mark.statistical
def test_flat_priors_agree_with_r_within_monte_carlo_error_alone() -> None:
    table = nhanes2_with_r("flat", m=1000)
    assert (table["z"].abs() < 4).all(), table

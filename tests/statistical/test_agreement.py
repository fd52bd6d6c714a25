"""Pooled analyses of real data against R's mice: same models, same priors, other software.

R's norm has flat priors, and so have these models. Estimates must agree within 4 combined Monte
Carlo errors (a false alarm comes once in 1,500 runs of the file, with eleven coefficients),
standard errors within 10 % and fractions of missing information within 0.1, beside 4 Monte Carlo
errors.
"""

import pytest
from agreement import FORMULAS, compared_with_r

pytestmark = pytest.mark.statistical


@pytest.mark.parametrize("case", FORMULAS)
def test_pooled_regressions_agree_with_r(case) -> None:
    table = compared_with_r(case)
    assert (table["z"].abs() < 4).all(), table
    spread = (table["std_error"] - table["r_se"]).abs()
    assert (spread < 0.1 * table["r_se"] + 4 * table["se_error"]).all(), table
    assert ((table["fmi"] - table["r_fmi"]).abs() < 0.1 + 4 * table["fmi_error"]).all(), table

"""Power laws of costs."""

import numpy as np
import pytest
import statsmodels.api as sm
from speed.power_law import fit_power_law


@pytest.mark.parametrize("exponent", [-0.5, 0.0, 1.0, 1.7])
def test_a_known_exponent_is_found(exponent):
    sizes = np.array([1e3, 4e3, 16e3, 256e3])
    law = fit_power_law(sizes, 3e-6 * sizes**exponent)
    assert law.exponent == pytest.approx(exponent, abs=1e-10)
    assert law.last == pytest.approx(exponent, abs=1e-10)
    assert law.factor == pytest.approx(3e-6)
    assert law.std_error == pytest.approx(0, abs=1e-7)


def test_the_standard_error_is_that_of_a_regression_of_logarithms():
    rng = np.random.default_rng()
    sizes = np.array([5, 10, 20, 40, 80])
    costs = 0.1 * sizes**1.3 * np.exp(rng.normal(0, 0.2, 5))
    fit = sm.OLS(np.log(costs), sm.add_constant(np.log(sizes))).fit()
    law = fit_power_law(sizes, costs)
    assert law.exponent == pytest.approx(fit.params[1])
    assert law.std_error == pytest.approx(fit.bse[1])


def test_the_upper_end_shows_what_a_fixed_cost_hides():
    sizes = [100, 1, 10_000, 10]
    law = fit_power_law(sizes, [50.0 + size for size in sizes])
    assert law.exponent < 0.6
    assert law.last == pytest.approx(np.log(10_050 / 150) / np.log(100))


def test_two_points_have_no_standard_error():
    assert np.isnan(fit_power_law([1, 2], [1.0, 4.0]).std_error)


@pytest.mark.parametrize(("sizes", "costs"), [([1, 2], [1.0, -1.0]), ([3, 3], [1.0, 2.0])])
def test_what_has_no_logarithm_or_no_slope_is_refused(sizes, costs):
    with pytest.raises(ValueError, match="needs two different sizes at least, and positive"):
        fit_power_law(sizes, costs)

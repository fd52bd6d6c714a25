"""The t distribution where a library's quantile function ends."""

import numpy as np
import pytest

from bayesmice.pooling.student import two_sided_p_value, two_sided_quantile


def test_one_and_two_degrees_of_freedom_have_their_closed_forms():
    # Cauchy: tan(pi (level / 2)); two df: level * sqrt(2 / (1 - level^2)).
    quantile = two_sided_quantile(0.9, np.array([1.0, 2.0]))
    np.testing.assert_allclose(
        quantile, [np.tan(0.45 * np.pi), 0.9 * np.sqrt(2 / 0.19)], rtol=1e-12
    )
    np.testing.assert_allclose(two_sided_p_value(quantile, np.array([1.0, 2.0])), 0.1, rtol=1e-12)


def test_infinite_degrees_of_freedom_are_normal():
    assert two_sided_quantile(0.95, np.array([np.inf])) == pytest.approx(1.959963984540054)


@pytest.mark.parametrize("df", [0.0, 1e-300, 1e-12, 1e-3, 5e-3])
def test_quantiles_beyond_floating_point_are_infinite(df):
    assert two_sided_quantile(0.95, np.array([df])) == np.inf


def test_small_degrees_of_freedom_keep_a_finite_quantile_where_there_is_one():
    # As df goes to 0, P(|t| > x) goes to (x / sqrt(df))^-df up to a factor near 1.
    quantile = two_sided_quantile(0.95, np.array([0.02]))
    assert np.log(quantile) == pytest.approx(np.log(20) / 0.02, rel=0.02)


def test_without_degrees_of_freedom_no_finite_statistic_is_evidence():
    assert two_sided_p_value(np.array([1e3]), np.array([0.0])) == 1


def test_undefined_degrees_of_freedom_stay_undefined():
    nan = np.array([np.nan])
    assert np.isnan(two_sided_quantile(0.95, nan))
    assert np.isnan(two_sided_p_value(np.array([2.0]), nan))

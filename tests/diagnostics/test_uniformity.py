"""Simultaneous bands and their p-values."""

import json
from math import comb
from pathlib import Path

import numpy as np
import pytest

from bayesmice.diagnostics.uniformity import stay_probability, uniform_band, uniformity_p_value
from bayesmice.errors import SpecificationError

BANDS = json.loads((Path(__file__).parent / "ecdf_bands.json").read_text())["bands"]


@pytest.mark.parametrize("case", BANDS, ids=lambda case: f"{case['n_sims']}-{case['conf_level']}")
def test_bands_are_those_of_the_package_sbc(case):
    """It finds gamma by 2,000 to 10,000 simulations, so up to 10 % of it is chance."""
    n, k = case["n_sims"], case["K"]
    band = uniform_band(n, k, case["conf_level"])
    assert band.gamma == pytest.approx(case["gamma"], rel=0.1)
    # Its counts are those at a quarter, although it calls them those at half.
    quarter = np.argmin(np.abs(band.points - 0.25))
    counts = n * band.lower[quarter], n * band.upper[quarter]
    tolerance = 1.1 + n * abs(band.points[quarter] - 0.25)
    assert counts == pytest.approx((case["lower_at_half"], case["upper_at_half"]), abs=tolerance)


def test_the_probability_to_stay_is_a_sum_over_all_counts():
    """Three points, five numbers: the multinomial distribution, summed by hand."""
    lower, upper = np.array([1, 2, 5]), np.array([3, 4, 5])
    total = 0.0
    for a in range(6):
        for b in range(6 - a):
            if 1 <= a <= 3 and 2 <= a + b <= 4:
                total += comb(5, a) * comb(5 - a, b) / 3**5
    assert stay_probability(5, lower, upper) == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
def test_a_band_has_its_level_and_no_narrower_one_has(level):
    band = uniform_band(80, 20, level)
    counts = (np.rint(80 * band.lower).astype(int), np.rint(80 * band.upper).astype(int))
    assert stay_probability(80, *counts) >= level
    narrower = uniform_band(80, 20, level - 0.2)
    assert (narrower.upper <= band.upper).all()
    assert (narrower.lower >= band.lower).all()


def test_p_values_of_uniform_numbers_are_rarely_small():
    """An exact p-value is at most 5 % in 5 % of 2,000 tries, give or take 5 standard errors."""
    rng = np.random.default_rng()
    p_values = np.array([uniformity_p_value(rng.random(60), 20) for _ in range(2000)])
    share = (p_values <= 0.05).mean()
    assert share < 0.05 + 5 * np.sqrt(0.05 * 0.95 / 2000)
    # The statistic is discrete, so that the share may be smaller, but not much.
    assert share > 0.02


@pytest.mark.parametrize(
    "distort",
    [lambda u: u**1.4, lambda u: 0.5 + 0.8 * (u - 0.5), lambda u: np.where(u < 0.1, u + 0.4, u)],
    ids=["shifted", "too narrow", "no lower tail"],
)
def test_numbers_that_are_not_uniform_are_noticed(distort):
    """Each distortion moves the distribution function by more than four standard errors."""
    rng = np.random.default_rng()
    assert uniformity_p_value(distort(rng.random(2000))) < 1e-3


def test_a_band_of_very_few_numbers_is_the_whole_range():
    band = uniform_band(2, 10, 0.99)
    assert (band.lower[:-1] == 0).all()
    assert (band.upper[5:] == 1).all()


def test_levels_outside_the_unit_interval_are_refused():
    with pytest.raises(SpecificationError, match="conf_level must lie between 0 and 1; got 99"):
        uniform_band(100, 20, 99)

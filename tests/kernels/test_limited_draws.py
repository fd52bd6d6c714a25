"""Cells with limits: their draws follow the distribution within the limits.

A column of many missing cells is drawn once, at parameters that the test chooses. Groups of cells
share their limits; each is compared with SciPy's distribution by a test at p > 1e-6, so that the
file raises a false alarm less than once in 20,000 runs.
"""

from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayesmice as bm
from bayesmice.kernels.cells import Moved
from bayesmice.specification import specify

CELLS = 1000
"""Cells of a group."""
ALARM = 1e-6
INF = np.inf


NOTHING = MappingProxyType({})


def draw_within(groups, observed, family, parameters, priors=NOTHING):
    """Draw groups of cells, one per pair of limits, at unconstrained values of the parameters."""
    values = np.concatenate([observed, np.full(CELLS * len(groups), np.nan)])
    lower, upper = (
        np.concatenate([np.full(len(observed), np.nan), np.repeat(ends, CELLS)])
        for ends in zip(*groups, strict=True)
    )
    frame = pd.DataFrame({"y": values.astype(float)})
    models = {"y": bm.Regression(family=family, priors=priors)}
    target = specify(frame, models, limits={"y": (lower, upper)}).target("y")
    program = target.program
    inputs = program.inputs(jnp.zeros((len(frame), 1)), {}, target.given)
    start = program.model.initial(inputs)
    chosen = {name: jnp.full_like(start[name], value) for name, value in parameters.items()}
    moved = Moved(
        program.model, {**start, "coefficients": jnp.zeros(1), **chosen}, None, inputs,
        target.given.rows,
    )  # fmt: skip
    key = jax.random.key(np.random.default_rng().integers(2**63))
    (cells,) = jax.jit(lambda: program.draw(moved, key))()
    return np.asarray(cells)[: CELLS * len(groups)].reshape(len(groups), CELLS)


def check_within(cells, lower, upper):
    assert np.isfinite(cells).all()
    assert (cells >= lower).all()
    assert (cells <= upper).all()


NORMAL = {
    "no limits": (-INF, INF),
    "interval": (4.0, 5.5),
    "narrow": (4.0, 4.0 + 1e-7),
    "lower": (5.0, INF),
    "upper": (-INF, 2.0),
    "lower far below": (-40.0, INF),
    "upper far above": (-INF, 40.0),
    "8 deviations above": (3.0 + 8 * 0.5, INF),
    "8 deviations below": (-INF, 3.0 - 8 * 0.5),
    "interval 8 deviations above": (3.0 + 8 * 0.5, 3.0 + 8.1 * 0.5),
    "interval 8 deviations below": (3.0 - 8.1 * 0.5, 3.0 - 8 * 0.5),
    "30 deviations above": (3.0 + 30 * 0.5, INF),
    "around zero": (-0.1, 0.2),
}


@pytest.fixture(scope="module")
def normal_cells():
    """Of a normal distribution with mean 3 and standard deviation 1/2."""
    observed = np.array([2.0, 3.0, 4.0])
    parameters, fixed = {"Intercept_centered": 3.0}, {"sigma": 0.5}
    cells = draw_within(list(NORMAL.values()), observed, "gaussian", parameters, fixed)
    return dict(zip(NORMAL, cells, strict=True))


@pytest.mark.parametrize("group", NORMAL)
def test_normal_cells_follow_the_truncated_distribution(normal_cells, group):
    lower, upper = NORMAL[group]
    cells = normal_cells[group]
    check_within(cells, lower, upper)
    a, b = (lower - 3.0) / 0.5, (upper - 3.0) / 0.5
    if a > 0:  # SciPy is exact in the lower tail only.
        cells, a, b = 6.0 - cells, -b, -a
    assert stats.kstest((cells - 3.0) / 0.5, stats.truncnorm(a, b).cdf).pvalue > ALARM


GAMMA = {
    "no limits": (-INF, INF),
    "upper": (-INF, 0.5),
    "upper, from zero": (0.0, 0.5),
    "interval": (1.0, 2.5),
    "lower, which says nothing": (0.0, INF),
    "far above": (30.0, INF),
}


@pytest.fixture(scope="module")
def gamma_cells():
    """Of a gamma distribution with mean 2 and shape 3."""
    parameters = {"Intercept_centered": np.log(2.0), "alpha_log__": np.log(3.0)}
    observed = np.array([1.0, 2.0, 4.0])
    cells = draw_within(list(GAMMA.values()), observed, "gamma", parameters)
    return dict(zip(GAMMA, cells, strict=True))


@pytest.mark.parametrize("group", GAMMA)
def test_gamma_cells_follow_the_truncated_distribution(gamma_cells, group):
    lower, upper = GAMMA[group]
    cells, exact = gamma_cells[group], stats.gamma(3.0, scale=2.0 / 3.0)
    check_within(cells, lower, upper)
    assert (cells > 0).all()
    if lower > 2:
        shares = exact.sf(cells) / exact.sf(lower)
    else:
        shares = (exact.cdf(cells) - exact.cdf(lower)) / (exact.cdf(upper) - exact.cdf(lower))
    assert stats.kstest(shares, "uniform").pvalue > ALARM


POISSON = {
    "no limits": (-INF, INF),
    "5 to 10": (5, 10),
    "at most 2": (-INF, 2),
    "at most 0.5": (-INF, 0.5),
    "at least 6": (6, INF),
    "between whole numbers": (2.5, 6.7),
    "two values": (3, 4),
    "far above": (30, INF),
    "far above, to": (30, 31),
    "below zero too": (-3, 1),
}


@pytest.fixture(scope="module")
def poisson_cells():
    """Of a Poisson distribution with mean 4."""
    parameters = {"Intercept_centered": np.log(4.0)}
    observed = np.array([2.0, 5.0, 4.0])
    cells = draw_within(list(POISSON.values()), observed, "poisson", parameters)
    return dict(zip(POISSON, cells, strict=True))


@pytest.mark.parametrize("group", POISSON)
def test_poisson_cells_follow_the_truncated_distribution(poisson_cells, group):
    lower, upper = POISSON[group]
    cells = poisson_cells[group]
    check_within(cells, lower, upper)
    np.testing.assert_array_equal(cells, np.rint(cells))
    first, last = max(np.ceil(lower), 0), min(np.floor(upper), 60)
    numbers = np.arange(first, last + 1)
    shares = stats.poisson(4.0).pmf(numbers)
    shares /= shares.sum()
    counts = np.array([(cells == number).sum() for number in numbers])
    assert counts.sum() == CELLS
    # Numbers that are expected rarely count as the next one, for the test to be exact.
    groups = np.cumsum(CELLS * shares > 10)
    groups = np.clip(groups, 1, groups.max())
    counts, shares = (np.bincount(groups, weights)[1:] for weights in (counts, shares))
    if len(counts) > 1:
        assert stats.chisquare(counts, CELLS * shares).pvalue > ALARM

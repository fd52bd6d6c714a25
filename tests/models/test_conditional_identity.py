"""A conditional model is the joint model, seen as a function of its own parameters.

The log-density of a conditional model and that of its joint model, by SciPy, differ by the same
constant in 100 random states: no false alarm, up to rounding.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from joint_models import MonotoneModel, NormalModel
from scipy import stats
from scipy.special import expit

import bayesmice as bm

STATES = 100


def log_density(mice: bm.MICE, target: str) -> Callable[[dict[str, Any]], float]:
    """Compile the model that the user sees, without the Jacobians of its transforms."""
    model = mice.model(target)
    compiled = model.compile_logp(jacobian=False)

    def evaluate(point: dict[str, Any]) -> float:
        moved = {}
        for variable in model.free_RVs:
            value = np.asarray(point[variable.name], float)
            is_log = model.rvs_to_transforms[variable] is not None
            moved[model.rvs_to_values[variable].name] = np.log(value) if is_log else value
        return float(compiled(moved))

    return evaluate


@pytest.mark.parametrize("target", ["x1", "x2"])
def test_regressions_of_a_multivariate_normal_distribution(target: str) -> None:
    joint, rng = NormalModel(), np.random.default_rng()
    _, complete = joint.draw(rng)
    data = joint.ampute(complete.copy(), rng)
    rest = [name for name in joint.names if name != target]
    data[rest] = complete[rest]  # what a sweep conditions on
    mice = bm.MICE(data, {target: joint.models("hmc")[target]})
    order = [target, *rest]
    rows = data.dropna()[order].to_numpy()

    others = stats.invwishart.rvs(joint.nu, np.eye(2), random_state=rng)
    mean = rng.normal(size=2)
    conditional, gaps = log_density(mice, target), []
    for _ in range(STATES):
        slopes, intercept, variance = rng.normal(size=2), rng.normal(), rng.gamma(2)
        sigma = np.empty((3, 3))
        sigma[1:, 1:] = others
        sigma[0, 1:] = sigma[1:, 0] = others @ slopes
        sigma[0, 0] = variance + slopes @ others @ slopes
        center = np.r_[intercept + slopes @ mean, mean]
        log_joint = (
            stats.invwishart.logpdf(sigma, joint.nu, joint.scale * np.eye(3))
            + stats.multivariate_normal.logpdf(center, np.zeros(3), sigma / joint.k)
            + stats.multivariate_normal.logpdf(rows, center, sigma).sum()
        )
        point = {"slopes": slopes, "intercept": intercept, "variance": variance}
        gaps.append(conditional(point) - log_joint)
    np.testing.assert_allclose(gaps, gaps[0], rtol=1e-8, atol=1e-7)


def test_models_of_a_monotone_pattern() -> None:
    joint, rng = MonotoneModel(), np.random.default_rng()
    data = joint.ampute(joint.draw(rng)[1], rng)
    mice = bm.MICE(data, joint.models("hmc"))
    sick = data.dropna(subset="sick")
    visits: pd.DataFrame = data.dropna()
    gaps = {"sick": [], "visits": []}
    conditional = {name: log_density(mice, name) for name in gaps}
    for _ in range(STATES):
        a, b = rng.normal(size=2)
        c = rng.normal(0, 0.5, 3)
        chance = expit(a + b * sick["x"])
        expected = np.exp(c[0] + c[1] * visits["x"] + c[2] * visits["sick"])
        log_joint = {
            "sick": stats.norm.logpdf([a, b]).sum()
            + stats.bernoulli.logpmf(sick["sick"], chance).sum(),
            "visits": stats.norm.logpdf(c, 0, 0.5).sum()
            + stats.poisson.logpmf(visits["visits"], expected).sum(),
        }
        points = {"sick": {"a": a, "b": b}, "visits": {"c": c}}
        for name in gaps:
            gaps[name].append(conditional[name](points[name]) - log_joint[name])
    for gap in gaps.values():
        np.testing.assert_allclose(gap, gap[0], rtol=1e-8, atol=1e-7)

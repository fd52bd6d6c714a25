"""Geweke's joint distribution test of whole sweeps.

One simulator draws parameters from their priors and data given them. Another begins anywhere and
alternates: a sweep of the engine (parameters and missing cells given observed ones), then observed
values given the parameters and the cells. If the sweep leaves the posterior invariant, both have
the same distribution [1]_. Here the first is known in closed form or drawn directly; the second is
a chain, whose standard errors come from means of batches.

Twelve numbers are compared at 4.5 standard errors: a false alarm comes once in 2,000 runs. Priors
that are 20 % too narrow in the engine must be noticed.

.. [1] Geweke (2004), Journal of the American Statistical Association 99, 799-804.
"""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pymc as pm
import pytest
from courses import course_of
from joint_models import MonotoneModel
from scipy.special import expit

import bayesmice as bm
from bayesmice.scheduler import initial_fill, start_chains
from bayesmice.scheduler.sweeps import _visit

pytestmark = pytest.mark.statistical

SWEEPS, BATCHES = 6_000, 60
NOTICED = 4.5
"""Standard errors. A t distribution with 59 degrees of freedom is beyond once in 30,000 times."""


class Few(MonotoneModel):
    """Few rows, so that the data say little and the chain moves quickly over the priors."""

    n, without_visits, without_both = 12, 5, 2


def statistics(theta: np.ndarray, sick: np.ndarray, visits: np.ndarray) -> np.ndarray:
    """Parameters, their squares, and what ties them to the cells."""
    log_visits = np.log1p(visits)
    ties = [theta[0] * sick[-2:].mean(), theta[2] * log_visits[-5:].mean()]
    return np.r_[theta, theta**2, ties]


def forward(joint: Few, x: np.ndarray, n: int) -> np.ndarray:
    rng = np.random.default_rng()
    rows = []
    for _ in range(n):
        theta = np.r_[rng.normal(0, 1, 2), rng.normal(0, 0.5, 3)]
        rows.append(statistics(theta, *draw_data(theta, x, rng)))
    return np.array(rows)


def draw_data(theta: np.ndarray, x: np.ndarray, rng: np.random.Generator):
    sick = (rng.random(len(x)) < expit(theta[0] + theta[1] * x)).astype(float)
    return sick, rng.poisson(np.exp(theta[2] + theta[3] * x + theta[4] * sick)).astype(float)


def successive(joint: Few, models: dict, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Alternate sweeps of the engine with draws of the observed values."""
    rng = np.random.default_rng(seed)
    complete = joint.draw(rng)[1]
    specification = (
        bm.MICE(joint.ampute(complete.copy(), rng), models=models)._problem.group().specification
    )
    targets = [specification.target(name) for name in ("sick", "visits")]
    store = specification.store
    course = course_of(specification, targets, seed)
    state = start_chains(course, initial_fill(store, seed, [0]), [0])
    x, values = (
        complete["x"].to_numpy(),
        {n: complete[n].to_numpy().copy() for n in ("sick", "visits")},
    )
    missing = {name: store.columns[name].missing_rows for name in values}
    rows = []
    for sweep in range(SWEEPS):
        drawn = []
        for target in targets:
            own = target.given.rows[0]._replace(observed=jnp.asarray(values[target.name]))
            given = target.given._replace(rows=(own,))
            state.columns["sick"] = jnp.asarray(values["sick"][None])
            left = _visit(course, state, replace(target, given=given), sweep, 0)
            n_cells = len(missing[target.name])
            values[target.name][missing[target.name]] = np.asarray(left.cells[0])[0, :n_cells]
            drawn.append({k: np.asarray(v)[0] for k, v in left.parameters.items()})
        theta = np.r_[drawn[0]["a"], drawn[0]["b"], drawn[1]["c"]]
        rows.append(statistics(theta, values["sick"], values["visits"]))
        # Observed values given the parameters and the cells, which stay.
        fresh_sick = (rng.random(joint.n) < expit(theta[0] + theta[1] * x)).astype(float)
        fresh_sick[missing["sick"]] = values["sick"][missing["sick"]]
        mean = np.exp(theta[2] + theta[3] * x + theta[4] * fresh_sick)
        fresh_visits = rng.poisson(mean).astype(float)
        fresh_visits[missing["visits"]] = values["visits"][missing["visits"]]
        values = {"sick": fresh_sick, "visits": fresh_visits}
    return np.array(rows), x


def z_scores(joint: Few, models: dict) -> np.ndarray:
    """Differences of means between the two simulators, in standard errors."""
    seed = int(np.random.SeedSequence().generate_state(1)[0])
    chain, x = successive(joint, models, seed)
    direct = forward(joint, x, 20_000)
    batches = chain.reshape(BATCHES, -1, chain.shape[1]).mean(axis=1)
    error = np.hypot(
        batches.std(axis=0, ddof=1) / np.sqrt(BATCHES),
        direct.std(axis=0, ddof=1) / np.sqrt(len(direct)),
    )
    return (batches.mean(axis=0) - direct.mean(axis=0)) / error


def test_sweeps_leave_the_joint_distribution_as_it_is() -> None:
    joint = Few()
    z = z_scores(joint, joint.models("hmc"))
    assert (np.abs(z) < NOTICED).all(), z


def test_priors_that_are_too_narrow_are_noticed() -> None:
    def sick(data: bm.models.ModelData) -> None:
        a, b = pm.Normal("a", 0, 0.8), pm.Normal("b", 0, 0.8)
        pm.Bernoulli("sick", logit_p=a + b * data["x"], observed=data["sick"])

    joint = Few()
    z = z_scores(joint, joint.models("hmc") | {"sick": bm.Custom(sick, kernel="hmc")})
    assert (np.abs(z) > NOTICED).any(), z

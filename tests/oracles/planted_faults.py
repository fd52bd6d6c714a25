"""Faults that an imputation engine could have, and the checks that look for them.

A check runs the engine, and gives a p-value that is uniform if the engine is right. A fault is
planted into the engine for as long as a patch lasts.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pymc as pm
import pytest
from family_cases import CASES
from family_posteriors import draw_once, exact_posterior
from laws import continuous
from posterior_checks import (
    ExactDistribution,
    interval_p_value,
    moment_p_values,
    predictive_p_value,
    share_p_value,
    smallest,
)
from quadrature import on_grid
from scipy import stats

import bayesmice as bm
from bayesmice.kernels import cells, programs, targets
from bayesmice.kernels.cells import Moved, PredictiveDraw
from bayesmice.kernels.matching import match_donors
from bayesmice.kernels.moments import Moments
from bayesmice.kernels.programs import ModelProgram
from bayesmice.kernels.reuse import kept_programs
from bayesmice.pooling import rules
from bayesmice.scheduler import sweeps as sweeping

CHAINS = 400
CASE = "gaussian"
EXACT_POINTS = 200_000
Patch = pytest.MonkeyPatch


def check_cells() -> float:
    """Cells at the parameters of their sweep, of a regression with one incomplete column."""
    run = draw_once(CASE, "hmc", CHAINS, 5)
    return predictive_p_value(run.integrals(CASES[CASE]))


def check_parameters() -> float:
    run = draw_once(CASE, "hmc", CHAINS, 8)
    return smallest(moment_p_values(run.free(CASES[CASE]), exact_posterior(CASE)))


def check_parameters_where_most_rows_are_missing() -> float:
    """Soon after the start: the posterior does not depend on how many other rows are missing."""
    run = draw_once(CASE, "hmc", CHAINS, 5, further=200)
    return smallest(moment_p_values(run.free(CASES[CASE]), exact_posterior(CASE)))


def check_two_predictors() -> float:
    """A regression with a known sigma, whose posterior is normal."""
    n, known, sd = 20, 0.8, 1.5
    rng = np.random.default_rng(7)
    x = rng.normal(size=(n + 1, 2))
    y = 1 + x @ [1.0, -0.5] + known * rng.normal(size=n + 1)
    y[n] = np.nan
    prior = pm.Normal.dist(0, sd)
    priors = {"Intercept": prior, "first": prior, "second": prior, "sigma": known}
    data = pd.DataFrame({"first": x[:, 0], "second": x[:, 1], "y": y})
    model = bm.Regression("first + second", priors=priors)
    imputations = bm.MICE(data, {"y": model}).mice(m=CHAINS, sweeps=8, progressbar=False)
    last = imputations.tree["conditionals/y/posterior"].isel(draw=-1)

    design = np.column_stack([np.ones(n), x[:n]])
    covariance = np.linalg.inv(design.T @ design / known**2 + np.eye(3) / sd**2)
    mean = covariance @ design.T @ y[:n] / known**2
    points = np.random.default_rng().multivariate_normal(mean, covariance, EXACT_POINTS)
    exact = ExactDistribution(
        dict(zip(priors, points.T, strict=False)),
        np.full(EXACT_POINTS, 1 / EXACT_POINTS),
        EXACT_POINTS,
    )
    drawn = {name: last[name].to_numpy().ravel() for name in list(priors)[:3]}
    return smallest(moment_p_values(drawn, exact))


SLOPE, BOTH_MISSING = 0.8, 8


def check_joint_distribution() -> float:
    """Two standard normal columns with a known correlation: rows in which both are missing."""
    n = 24
    rng = np.random.default_rng(8)
    x = rng.normal(size=n)
    data = pd.DataFrame({"x": x, "y": SLOPE * x + np.sqrt(1 - SLOPE**2) * rng.normal(size=n)})
    data.loc[: BOTH_MISSING - 1, ["x", "y"]] = np.nan
    # A model has a free parameter at least; this one is all but known.
    known = {"Intercept": pm.Normal.dist(0, 1e-4), "sigma": float(np.sqrt(1 - SLOPE**2))}
    models = {
        "x": bm.Regression("y", priors=known | {"y": SLOPE}),
        "y": bm.Regression("x", priors=known | {"x": SLOPE}),
    }
    imputations = bm.MICE(data, models).mice(m=CHAINS, sweeps=30, progressbar=False)
    drawn = {name: imputations.tree["imputations"][name].to_numpy().ravel() for name in ("x", "y")}
    density = stats.multivariate_normal([0, 0], [[1, SLOPE], [SLOPE, 1]]).logpdf
    axes = dict.fromkeys(("x", "y"), np.linspace(-6, 6, 401))
    grid = on_grid(axes, lambda v: density(np.column_stack([v["x"], v["y"]])))
    return smallest(moment_p_values(drawn, ExactDistribution.from_grid(grid)))


def check_cells_at_completed_predictors() -> float:
    """Default models of two incomplete columns; y has more missing cells, and is visited last."""
    n, x_missing, y_missing = 40, 8, 16
    rng = np.random.default_rng(9)
    x = rng.normal(size=n)
    data = pd.DataFrame({"x": x, "y": x + 0.5 * rng.normal(size=n)})
    data.loc[: x_missing - 1, "x"] = np.nan
    data.loc[: y_missing - 1, "y"] = np.nan
    imputations = bm.MICE(data).mice(m=CHAINS, sweeps=8, progressbar=False)
    drawn, last = imputations.tree["imputations"], imputations.tree["conditionals/y/posterior"]
    last = last.isel(draw=-1)
    observed = np.broadcast_to(x[x_missing:y_missing], (CHAINS, y_missing - x_missing))
    completed = np.concatenate([drawn["x"].to_numpy(), observed], axis=1)
    mean = last["Intercept"].to_numpy()[:, None] + last["coefficients"].to_numpy() * completed
    law = continuous(stats.norm(mean, last["sigma"].to_numpy()[:, None]))
    return predictive_p_value(law.integrals(drawn["y"].to_numpy(), rng))


def check_sums_within_a_sweep() -> float:
    """Default models of two incomplete columns: in the first sweep x is filled with noise.

    The model of y is visited after x was drawn; its coefficients are those of y on x as it is then.
    """
    n, x_missing = 200, 80
    rng = np.random.default_rng(10)
    x, z = rng.normal(size=(2, n))
    data = pd.DataFrame({"x": x + 3 * z, "z": z, "y": x - 3 * z + 0.5 * rng.normal(size=n)})
    data.loc[: x_missing - 1, "x"] = np.nan
    data.loc[x_missing - 4 : x_missing + 3, "y"] = np.nan
    order = ["x", "y"]
    imputations = bm.MICE(data, visit_sequence=order).mice(m=CHAINS, sweeps=1, progressbar=False)
    imputed = imputations.tree["imputations"]["x"].to_numpy()
    posterior = imputations.tree["conditionals/y/posterior"].isel(draw=0)
    observed = data["y"].notna().to_numpy()
    standardized = np.empty(CHAINS)
    for chain in range(CHAINS):
        completed = np.concatenate([imputed[chain], data["x"].to_numpy()[x_missing:]])
        design = np.column_stack([np.ones(n), completed, z])[observed]
        fit, *_ = np.linalg.lstsq(design, data["y"].to_numpy()[observed], rcond=None)
        error = np.sqrt(np.linalg.inv(design.T @ design)[1, 1])
        slope = float(posterior["coefficients"].sel(predictor="x")[chain])
        standardized[chain] = (slope - fit[1]) / (error * float(posterior["sigma"][chain]))
    # Priors shift it by less than a hundredth of its standard deviation.
    return float(stats.kstest(standardized, "norm").pvalue)


def check_donors() -> float:
    """Two groups of twelve rows with equal predictions: all rows of a group give equally often."""
    givers, wanting = 12, 4
    group = np.repeat([0.0, 1.0], givers + wanting)
    y = 100 * group + np.tile(np.arange(givers + wanting), 2)
    data = pd.DataFrame({"group": group, "y": y})
    data.loc[np.tile(np.arange(givers + wanting) >= givers, 2), "y"] = np.nan
    model = bm.Regression("group", draw=bm.PMM(donors=5))
    imputations = bm.MICE(data, {"y": model}).mice(m=CHAINS, sweeps=3, progressbar=False)
    drawn = imputations.tree["imputations"]["y"].to_numpy()
    p_values = {}
    for name, values in {"first": drawn[:, :wanting], "second": drawn[:, wanting:] - 100}.items():
        counts = np.bincount(np.clip(values, 0, givers).astype(int).ravel(), minlength=givers + 1)
        shares = np.append(np.full(givers, 1 / givers), 0)
        p_values[name] = share_p_value(counts, shares)
    return smallest(p_values)


def check_donors_of_two_cells() -> float:
    """Twelve rows and two cells with equal predictions: both choose one donor once in twelve."""
    givers = 12
    y = np.append(np.arange(givers), [np.nan, np.nan])
    data = pd.DataFrame({"constant": np.tile([0.0, 1.0], 14)[:14], "y": y})
    model = bm.Regression("1", draw=bm.PMM(donors=givers))
    imputations = bm.MICE(data, {"y": model}).mice(m=2 * CHAINS, sweeps=3, progressbar=False)
    drawn = imputations.tree["imputations"]["y"].to_numpy()
    same = int((drawn[:, 0] == drawn[:, 1]).sum())
    return float(stats.binomtest(same, len(drawn), 1 / givers).pvalue)


def check_intervals() -> float:
    """Estimates without a sampling variance: truth and two imputations come from one distribution.

    The pooled estimate is then off by a t distribution with one degree of freedom, exactly.
    """
    rng = np.random.default_rng()
    k, m = 400, 2
    truth = rng.normal(size=(40, k))
    tables = [
        bm.pool([(estimate, np.full((k, k), 1e-20)) for estimate in rng.normal(size=(m, k))]).table
        for _ in truth
    ]
    pooled = (np.stack([t[name] for t in tables]) for name in ("estimate", "std_error", "df"))
    return interval_p_value(truth, *pooled)


def forget_the_residual(patch: Patch) -> None:
    """Give cells their mean."""

    def draw(self: PredictiveDraw, moved: Moved, key: jax.Array) -> tuple[jax.Array, ...]:
        (rows,), (one,) = moved.rows, moved.model.draw.values()
        inputs = cells.at_drawn(moved.inputs, self.row_inputs, rows)
        many = jax.vmap(lambda key: one(moved.values, inputs, key))(jax.random.split(key, 200))
        return (many.mean(axis=0),)

    patch.setattr(PredictiveDraw, "__call__", draw)


def widen_the_residual(patch: Patch) -> None:
    """Draw cells with a standard deviation that is a tenth too large."""
    honest = PredictiveDraw.__call__

    def draw(self: PredictiveDraw, moved: Moved, key: jax.Array) -> tuple[jax.Array, ...]:
        wide = {"sigma_log__": moved.values["sigma_log__"] + jnp.log(1.1)}
        return honest(self, replace(moved, values=moved.values | wide), key)

    patch.setattr(PredictiveDraw, "__call__", draw)


def stay_at_the_mode(patch: Patch) -> None:
    honest = ModelProgram._steps

    def steps(self: ModelProgram, key: Any, state: Any, logdensity: Any) -> Any:
        moved, info = honest(self, key, state, logdensity)
        return moved._replace(position=self.kernel.estimate(moved, logdensity)), info

    patch.setattr(ModelProgram, "_steps", steps)


def know_the_residual(patch: Patch) -> None:
    """Take sigma at its estimate, and draw the other parameters."""
    honest = ModelProgram._steps

    def steps(self: ModelProgram, key: Any, state: Any, logdensity: Any) -> Any:
        moved, info = honest(self, key, state, logdensity)
        known = self.kernel.estimate(moved, logdensity)[-1]  # in the order of names
        return moved._replace(position=moved.position.at[-1].set(known)), info

    patch.setattr(ModelProgram, "_steps", steps)


def ignore_the_outcome(patch: Patch) -> None:
    """Impute without the other columns."""
    read_otherwise(patch, jnp.zeros_like)


def swap_columns(patch: Patch) -> None:
    """Read the predictors in each other's place."""
    read_otherwise(patch, lambda predictors: predictors[:, ::-1])


def read_otherwise(patch: Patch, change: Callable[[jax.Array], jax.Array]) -> None:
    honest = ModelProgram.inputs

    def inputs(self: ModelProgram, design: Any, columns: Any, given: Any) -> Any:
        right = honest(self, design, columns, given)
        return right | {"predictors": change(right["predictors"])}

    patch.setattr(ModelProgram, "inputs", inputs)


def fit_imputed_rows(patch: Patch) -> None:
    """Let the cells of the last sweep enter the likelihood.

    With one incomplete column this is data augmentation, which draws from the right posterior in
    the end. What is wrong is how long it remembers the initial fill where most rows are missing.
    """
    honest = ModelProgram.inputs

    def inputs(self: ModelProgram, design: Any, columns: Any, given: Any) -> Any:
        (own,) = given.design_columns
        completed = design[:, own.positions[0]] + own.centers[0]
        return honest(self, design, columns, given) | {self.target_inputs[0]: completed}

    patch.setattr(ModelProgram, "inputs", inputs)
    fit_the_stand_ins(patch)


def fit_the_stand_ins(patch: Patch) -> None:
    """Give weight to rows without a target, where an observed value stands in for it."""
    patch.setattr(programs, "sum_over_rows", lambda by_row, weights: by_row.sum())
    honest = programs.moments_of

    def moments(design: jax.Array, observed: jax.Array, weights: jax.Array) -> Moments:
        return honest(design, observed, jnp.ones_like(weights))

    patch.setattr(programs, "moments_of", moments)


def forget_a_change(patch: Patch) -> None:
    """Let sums over rows stay as they were at the start of a sweep."""
    patch.setattr(programs, "sums_with_cells", lambda design, cells, given: design.sums)


def leave_columns_stale(patch: Patch) -> None:
    patch.setattr(sweeping, "write_columns", lambda state, target, chains, drawn: None)


def leave_the_design_stale(patch: Patch) -> None:
    patch.setattr(programs, "write_rows", lambda rows, drawn, given: rows)
    forget_a_change(patch)


def take_ties_in_order(patch: Patch) -> None:
    """Choose among the first rows of the nearest, as a stable sort leaves them."""

    def match(key: Any, predictions: Any, weights: Any, wanted: Any, donors: int) -> Any:
        far = jnp.where(weights > 0, jnp.abs(predictions - wanted[:, None]), jnp.inf)
        nearest = jnp.argsort(far, axis=1, stable=True)[:, :donors]
        rank = jax.random.randint(key, wanted.shape, 0, donors)
        return jnp.take_along_axis(nearest, rank[:, None], axis=1)[:, 0]

    patch.setattr(cells, "match_donors", match)


def reuse_a_donor(patch: Patch) -> None:
    """Let the cells of a visit that want the same donors take the same one."""

    def match(key: Any, predictions: Any, weights: Any, wanted: Any, donors: int) -> Any:
        one = partial(match_donors, key, predictions, weights, donors=donors)
        return jax.vmap(lambda value: one(value[None])[0])(wanted)

    patch.setattr(cells, "match_donors", match)


def pool_with_normal_intervals(patch: Patch) -> None:
    """Forget the degrees of freedom."""
    honest = rules.pool_rubin

    def pool(q_hat: Any, u: Any, **options: Any) -> Any:
        pooled = honest(q_hat, u, **options)
        return pooled._replace(df=np.full_like(pooled.df, 1e6))

    patch.setattr(rules, "pool_rubin", pool)


def pool_as_if_m_were_infinite(patch: Patch) -> None:
    """Leave out the 1/m of the total variance."""
    honest = rules.pool_rubin

    def pool(q_hat: Any, u: Any, **options: Any) -> Any:
        pooled = honest(q_hat, u, **options)
        return pooled._replace(t=pooled.u_bar + pooled.b)

    patch.setattr(rules, "pool_rubin", pool)


@dataclass(frozen=True)
class Fault:
    """A fault, and the check that has to notice it."""

    plant: Callable[[Patch], None]
    check: Callable[[], float]


FAULTS = {
    "no residual noise": Fault(forget_the_residual, check_cells),
    "residual noise a tenth too wide": Fault(widen_the_residual, check_cells),
    "parameters at the mode": Fault(stay_at_the_mode, check_parameters),
    "sigma at its estimate": Fault(know_the_residual, check_parameters),
    "the outcome ignored": Fault(ignore_the_outcome, check_joint_distribution),
    "swapped columns": Fault(swap_columns, check_two_predictors),
    "a fit to imputed rows": Fault(fit_imputed_rows, check_parameters_where_most_rows_are_missing),
    "a fit to stand-ins": Fault(fit_the_stand_ins, check_parameters),
    "stale columns": Fault(leave_columns_stale, check_joint_distribution),
    "stale sums": Fault(forget_a_change, check_sums_within_a_sweep),
    "a stale design": Fault(leave_the_design_stale, check_cells_at_completed_predictors),
    "ties in order": Fault(take_ties_in_order, check_donors),
    "one donor for many cells": Fault(reuse_a_donor, check_donors_of_two_cells),
    "no degrees of freedom": Fault(pool_with_normal_intervals, check_intervals),
    "no 1/m": Fault(pool_as_if_m_were_infinite, check_intervals),
}
CHECKS = list(dict.fromkeys(fault.check for fault in FAULTS.values()))


def p_value_with(fault: Fault) -> float:
    """Plant a fault, and give the p-value of its check."""
    with pytest.MonkeyPatch.context() as patch:
        fault.plant(patch)
        return p_value_without(fault.check)


def p_value_without(check: Callable[[], float]) -> float:
    """Give the p-value of a check, with programs that are compiled for it alone."""
    forget_programs()
    try:
        return check()
    finally:
        forget_programs()


def forget_programs() -> None:
    """Keep compiled programs that have a fault in them from what comes after."""
    targets._shared_program.cache_clear()
    kept_programs().clear()

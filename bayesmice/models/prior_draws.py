"""Draws from priors: what a conditional model says before it has seen the target."""

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
from numpy.typing import NDArray
from pymc.distributions.distribution import SymbolicRandomVariable
from pymc.distributions.shape_utils import change_dist_size
from pymc.distributions.transforms import Ordered
from pymc.pytensorf import compile as compile_draw
from pytensor.graph.traversal import ancestors
from pytensor.tensor.random.op import RandomVariable
from pytensor.tensor.variable import TensorVariable

from bayesmice.errors import ModelError
from bayesmice.models.custom import CustomModel
from bayesmice.models.regression import RegressionModel

ROW_DIMS = frozenset({"row", "censored"})
MODE = "FAST_COMPILE"
"""Python functions: PyMC's default takes a minute to compile what a second of Python draws."""
POOL = 20_000
"""Draws of each element of an ordered vector, from which ordered ones are put together."""
MAX_TRIES = 200
"""Joint draws per ordered one."""
TOO_WIDE = (
    "Priors reach values at which nothing can be drawn ({}). Give the parameters narrower ones "
    "with priors=. On a logarithmic scale a standard deviation of 2.5 is a factor of 12."
)
OUT_OF_ORDER = (
    "Draws from the prior of {} are hardly ever in order, as its transform wants them. Center its "
    "elements in their order."
)
QUANTILES = {"q2.5": 0.025, "q97.5": 0.975}

type Draws = NDArray[Any]


def draw_prior(
    model: pm.Model, draws: int, random_seed: int
) -> tuple[dict[str, Draws], dict[str, Draws]]:
    """Draw parameters from their prior, and the observed variables given them.

    Parameters
    ----------
    model : pm.Model
        A conditional model.
    draws : int
        How many.
    random_seed : int
        Seed.

    Returns
    -------
    parameters : dict of str to ndarray of shape (draws, ...)
        Free variables and what follows from them, on their own scales.
    predictive : dict of str to ndarray of shape (draws, n_rows)
        Draws of the observed variables. Potentials have no part in any of them.

    Raises
    ------
    ModelError
        If something cannot be drawn, such as a flat prior.
    """
    recorded = _recorded(model)
    try:
        drawn = _draw(model, [*recorded, *model.observed_RVs], draws, random_seed)
    except NotImplementedError:
        impossible = [v.name for v in model.basic_RVs if not _can_be_drawn(model, v)]
        owner = " and ".join(repr(variable.name) for variable in model.observed_RVs)
        raise ModelError(
            f"The model for {owner} has no prior predictive distribution, because "
            f"{impossible[0]!r} cannot be drawn. Give bounds or a distribution to a flat prior, "
            "and a random= function to a pm.CustomDist."
        ) from None
    parameters, predictive = drawn[: len(recorded)], drawn[len(recorded) :]
    return (
        {variable.name: values for variable, values in zip(recorded, parameters, strict=True)},
        {
            variable.name: values
            for variable, values in zip(model.observed_RVs, predictive, strict=True)
        },
    )


def prior_table(
    model: RegressionModel | CustomModel, written: pm.Model, draws: int, random_seed: int
) -> pd.DataFrame:
    """Tabulate the prior of every parameter, element by element.

    Parameters
    ----------
    model : RegressionModel or CustomModel
        A conditional model.
    written : pm.Model
        The same as a PyMC model.
    draws, random_seed : int
        How many draws the numbers come from, and their seed.

    Returns
    -------
    DataFrame of shape (n_parameters, 5)
        ``prior, mean, sd, q2.5, q97.5`` by ``parameter``. The prior is empty for what follows from
        other parameters; the numbers are NaN for what cannot be drawn.
    """
    shown = _parameters(model, written)
    try:
        possible, drawn = shown, _draw(written, shown, draws, random_seed)
    except NotImplementedError:
        possible = [variable for variable in shown if _can_be_drawn(written, variable)]
        drawn = _draw(written, possible, draws, random_seed)
    values = {v.name: array for v, array in zip(possible, drawn, strict=True)}
    texts = _prior_texts(model, written)
    prefixes = _coefficient_dims(model)
    dims, coords = _labels(written, [variable.name for variable in shown])
    rows = []
    for variable in shown:
        name = variable.name
        elements = values.get(name, np.full(draws, np.nan))
        labels = [coords.get(dim) for dim in dims[name]]
        for position in np.ndindex(elements.shape[1:]):
            at = [
                str(index if known is None else known[index])
                for index, known in zip_longest(position, labels[: len(position)])
            ]
            base = name
            if at and dims[name] and dims[name][0] in prefixes:
                base = prefixes[dims[name][0]] + at.pop(0)
            rows.append(
                {
                    "parameter": f"{base}[{', '.join(at)}]" if at else base,
                    "prior": texts.get(base, texts.get(name, "")),
                    **_summary(elements[(slice(None), *position)]),
                }
            )
    columns = ["parameter", "prior", "mean", "sd", *QUANTILES]
    return pd.DataFrame(rows, columns=columns).set_index("parameter")


def _summary(values: Draws) -> dict[str, float]:
    numbers = values.astype(float)
    quantiles = {name: float(np.quantile(numbers, level)) for name, level in QUANTILES.items()}
    return {"mean": float(numbers.mean()), "sd": float(numbers.std()), **quantiles}


def _parameters(model: RegressionModel | CustomModel, written: pm.Model) -> list[TensorVariable]:
    """Choose what a reader knows as parameters, locations first.

    Left out are what has an element for every row, and vectors of hyperparameters: they only stand
    behind coefficients.
    """
    dims = written.named_vars_to_dims
    recorded = [v for v in _recorded(written) if not ROW_DIMS & set(dims.get(v.name, ()))]
    if isinstance(model, CustomModel):
        return recorded
    hidden = _coefficient_dims(model)
    declared = model.visible.priors
    parts = model.visible.predictors
    locations = {
        f"{part.prefix}{part.location}{end}" for part in parts for end in ("", "_centered")
    }
    kept = [
        v
        for v in recorded
        if v.name in declared or not dims.get(v.name) or dims[v.name][0] not in hidden
    ]
    return sorted(kept, key=lambda variable: variable.name not in locations)


def _coefficient_dims(model: RegressionModel | CustomModel) -> dict[str, str]:
    """List the dimensions of coefficients, and what comes before the names of these."""
    if isinstance(model, CustomModel):
        return {}
    return {
        dim: part.prefix
        for part in model.visible.predictors
        for dim in (f"{part.prefix}predictor", *map(part.group_dim, part.groups))
    }


def _prior_texts(model: RegressionModel | CustomModel, written: pm.Model) -> dict[str, str]:
    texts = {
        variable.name: pm.printing.str_for_dist(variable, formatting="plain", include_params=True)
        for variable in written.free_RVs
    }
    own = {name: text.rpartition(" ~ ")[2] for name, text in texts.items()}
    return own | ({} if isinstance(model, CustomModel) else model.describe_priors())


def _labels(
    model: pm.Model, names: Sequence[str]
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[object, ...]]]:
    dims = {name: tuple(model.named_vars_to_dims.get(name, ())) for name in names}
    used = {dim for own in dims.values() for dim in own}
    coords = {dim: tuple(c) for dim, c in model.coords.items() if c is not None and dim in used}
    return dims, coords


def _recorded(model: pm.Model) -> list[TensorVariable]:
    """List free variables and what follows from them alone, in the order they were written."""
    dims = model.named_vars_to_dims
    by_row = {data for data in model.data_vars if ROW_DIMS & set(dims.get(data.name, ()))}
    kept = {v.name for v in model.free_RVs}
    kept |= {v.name for v in model.deterministics if not by_row & set(ancestors([v]))}
    return [variable for name, variable in model.named_vars.items() if name in kept]


def _can_be_drawn(model: pm.Model, variable: TensorVariable) -> bool:
    try:
        _draw(model, [variable], 1, 0)
    except NotImplementedError:
        return False
    return True


def _draw(
    model: pm.Model, variables: Sequence[TensorVariable], draws: int, random_seed: int
) -> list[Draws]:
    """Draw variables together, each of shape (draws, ...).

    PyMC draws a vector with an ordered transform as if it had none. Where nothing random is behind
    it, it is drawn in order and given; otherwise joint draws in which it is not are dropped, which
    is what the density of the model says.
    """
    needed = set(ancestors(variables))
    ordered = [
        variable
        for variable, transform in model.rvs_to_transforms.items()
        if isinstance(transform, Ordered) and variable in needed
    ]
    alone = [variable for variable in ordered if _has_independent_elements(variable)]
    checked = [variable for variable in ordered if variable not in alone]
    rng = np.random.default_rng(random_seed)
    given = [_ordered_draws(variable, draws, rng) for variable in alone]
    sample = _sampler(alone, [*variables, *checked], rng)
    drawn: list[list[Draws]] = []
    for at in range(draws):
        for _ in range(MAX_TRIES):
            together = _sampled(sample, [values[at] for values in given])
            if all((np.diff(values) > 0).all() for values in together[len(variables) :]):
                break
        else:
            raise ModelError(OUT_OF_ORDER.format(" and ".join(v.name for v in checked)))
        drawn.append(together[: len(variables)])
    return [np.stack(values) for values in zip(*drawn, strict=True)]


def _sampled(sample: Callable[..., list[Draws]], given: Sequence[Draws]) -> list[Draws]:
    try:
        return sample(*given)
    except ValueError as error:  # such as a mean of counts beyond what NumPy draws
        raise ModelError(TOO_WIDE.format(str(error).splitlines()[0])) from error


def _sampler(
    given: Sequence[TensorVariable],
    variables: Sequence[TensorVariable],
    rng: np.random.Generator,
) -> Callable[..., list[Draws]]:
    function: Callable[..., list[Draws]] = compile_draw(
        list(given), list(variables), random_seed=int(rng.integers(2**31)), mode=MODE
    )
    return function


def _has_independent_elements(variable: TensorVariable) -> bool:
    op = variable.owner.op
    is_random = (
        node.owner is not None
        and isinstance(node.owner.op, RandomVariable | SymbolicRandomVariable)
        for node in ancestors(variable.owner.inputs)
    )
    return isinstance(op, RandomVariable) and op.ndim_supp == 0 and not any(is_random)


def _ordered_draws(
    variable: TensorVariable, draws: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw vectors of independent elements, given that these are in order.

    Of all vectors that can be put together from a pool of draws of each element, the ordered ones
    are counted from the first element on, and sampled from the last one back.
    """
    (pool,) = _sampler((), [change_dist_size(variable, (POOL,), expand=True)], rng)()
    pool = np.sort(pool, axis=0)
    # Log of how many ordered beginnings end in the first j elements of the sorted pool.
    totals = [np.log(np.arange(1, POOL + 1))]
    for before, own in zip(pool.T[:-1], pool.T[1:], strict=True):
        n_below = np.searchsorted(before, own)
        beginnings = np.where(n_below > 0, totals[-1][n_below - 1], -np.inf)
        totals.append(np.logaddexp.accumulate(beginnings))
    if not np.isfinite(totals[-1][-1]):
        raise ModelError(OUT_OF_ORDER.format(variable.name))
    ordered = np.empty((draws, pool.shape[1]))
    n_below = np.full(draws, POOL)
    for element in reversed(range(pool.shape[1])):
        reached = totals[element]
        wanted = reached[n_below - 1] + np.log1p(-rng.random(draws))
        ordered[:, element] = pool[np.searchsorted(reached, wanted), element]
        if element:
            n_below = np.searchsorted(pool[:, element - 1], ordered[:, element])
    return ordered

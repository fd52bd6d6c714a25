"""The conditional models in a tree: each a tree of its own that ArviZ reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesmice.data import ColumnStore
from bayesmice.store.frames import LONG_NAME, ROW, WEIGHT, column_attributes, rows_dim
from bayesmice.store.records import RunDescription, StrandRecord

STATISTICS = {
    "acceptance_rate": "mean acceptance probability of the transitions of a visit",
    "diverging": "whether a trajectory diverged",
    "energy": "Hamiltonian after the last transition",
    "lp": "log-density of the unconstrained parameters, up to a constant",
    "n_steps": "leapfrog steps, each one gradient; 0 for exact draws",
    "step_size": "leapfrog step size; NaN for exact draws",
}
REGRESSION = {
    "coefficients": "change of the linear predictor with each design column",
    "Intercept": "linear predictor where every predictor is zero",
    "Intercept_centered": "linear predictor where every predictor is at its mean",
    "cutpoints": "cutpoints where every predictor is zero",
    "cutpoints_centered": "cutpoints where every predictor is at its mean",
}
"""What regressions call their parameters; those of an auxiliary one have its name before it."""

type Draws = Mapping[str, NDArray[np.generic]]
type ModelLabels = tuple[Mapping[str, tuple[str, ...]], Mapping[str, tuple[object, ...]]]
"""Named dimensions of variables, and their labels."""


def sweep_coords(run: RunDescription) -> dict[str, xr.Variable]:
    """Label chains and sweeps."""
    return _sample_coords(np.asarray(run.chains), np.arange(run.sweeps))


def _sample_coords(
    chains: NDArray[np.integer], draws: NDArray[np.integer], what: str = "sweep"
) -> dict[str, xr.Variable]:
    return {
        "chain": xr.Variable("chain", chains, {LONG_NAME: "chain"}),
        "draw": xr.Variable("draw", draws, {LONG_NAME: f"{what}, counted from 0"}),
    }


def posterior_dataset(strand: StrandRecord, target: str, run: RunDescription) -> xr.Dataset:
    """Hold the parameters of a target's model in every sweep."""
    labels, name = strand.labels[target], strand.named(target)
    draws = strand.recorder.parameters(target)
    own = run.described.get(strand.label, run.described).get(target, {})
    variables, used = _parameters(draws, labels.dims, name, own.get("model") == "custom")
    return xr.Dataset(
        variables,
        sweep_coords(run) | _label_coords(used, labels.coords),
        {LONG_NAME: f"parameters of the model of {name}"},
    )


def statistics_dataset(strand: StrandRecord, target: str, run: RunDescription) -> xr.Dataset:
    """Hold what happened in the transitions of a target's parameters."""
    name = strand.named(target)
    variables = {
        statistic: xr.Variable(
            ("chain", "draw"),
            values,
            {LONG_NAME: statistic, "description": STATISTICS[statistic]},
        )
        for statistic, values in strand.recorder.statistics(target).items()
    }
    return xr.Dataset(
        variables, sweep_coords(run), {LONG_NAME: f"transitions of the parameters of {name}"}
    )


def _parameters(
    draws: Draws, dims: Mapping[str, tuple[str, ...]], name: str, is_custom: bool, what: str = ""
) -> tuple[dict[str, xr.Variable], dict[str, int]]:
    """Give parameters their dimensions and descriptions, and the lengths of the dimensions."""
    variables: dict[str, xr.Variable] = {}
    lengths: dict[str, int] = {}
    for parameter, values in draws.items():
        own = dims.get(parameter) or tuple(f"{parameter}_dim_{i}" for i in range(values.ndim - 2))
        attributes = {
            LONG_NAME: f"{what}{parameter} of {name}",
            "description": f"{what}{_describe(parameter, name, is_custom)}",
        }
        variables[parameter] = xr.Variable(("chain", "draw", *own), values, attributes)
        lengths |= dict(zip(own, values.shape[2:], strict=True))
    return variables, lengths


def _describe(parameter: str, name: str, is_custom: bool) -> str:
    if not is_custom:
        for known, text in REGRESSION.items():
            if parameter == known:
                return text
            if parameter.endswith(f"_{known}"):
                return f"{text}, for {parameter.removesuffix(f'_{known}')}"
    return f"{parameter} in the conditional model of {name}"


def _label_coords(
    lengths: Mapping[str, int], coords: Mapping[str, tuple[object, ...]]
) -> dict[str, xr.Variable]:
    return {
        dim: xr.Variable(dim, list(coords[dim]), {LONG_NAME: f"labels of {dim}"})
        for dim in lengths
        if dim in coords
    }


@dataclass(frozen=True, eq=False)
class TargetRows:
    """The rows of a conditional model's targets that a dataset is about.

    Attributes
    ----------
    store : ColumnStore
        Rows of the data: all, or those of a group.
    places : ndarray of shape (n_store,)
        Their positions in the data.
    rows : mapping of str to ndarray of shape (n_rows,)
        By target, positions among the rows of the store.
    are_shared : bool, default False
        Whether all targets have the same rows, whatever was observed.
    """

    store: ColumnStore
    places: NDArray[np.intp]
    rows: Mapping[str, NDArray[np.intp]]
    are_shared: bool = False

    @cached_property
    def dims(self) -> dict[str, str]:
        """What the rows of each target are called: those of a block need not be the same."""
        if self.are_shared or len(self.rows) == 1:
            return dict.fromkeys(self.rows, ROW)
        return {name: rows_dim(name) for name in self.rows}

    @property
    def coords(self) -> dict[str, xr.Variable]:
        """Positions of the rows in the data."""
        attributes = {LONG_NAME: "position of the row in the data"}
        return {
            self.dims[name]: xr.Variable(self.dims[name], self.places[own], attributes)
            for name, own in self.rows.items()
        }

    @property
    def weights(self) -> dict[str, xr.Variable]:
        """Weights of the rows, where they are not all one; for a single target only."""
        columns = [self.store.columns[name] for name in self.rows]
        if len(columns) > 1 or columns[0].weights is None:
            return {}
        values = columns[0].weights[self.rows[columns[0].name]]
        return {WEIGHT: xr.Variable(ROW, values, {LONG_NAME: "weight in all likelihoods"})}


def observed_rows(at: TargetRows) -> xr.Dataset:
    """Hold the observed values or level codes of targets, to be compared with draws."""
    return xr.Dataset(
        {
            name: xr.Variable(
                at.dims[name],
                at.store.columns[name].values[own],
                column_attributes(at.store, name)
                | {"description": "observed values, or level codes"},
            )
            for name, own in at.rows.items()
        },
        at.coords,
        {LONG_NAME: "what the model learned from"},
    )


def predictive_rows(
    drawn: Draws, at: TargetRows, chains: Sequence[int], draws: int, what: str
) -> xr.Dataset:
    """Hold draws of targets from their likelihood.

    Parameters
    ----------
    drawn : mapping of str to ndarray of shape (n_chains, draws, n_rows)
        Values or level codes.
    at : TargetRows
        Their rows.
    chains : sequence of int
        Identities of the chains.
    draws : int
        Draws of each chain.
    what : str
        ``"posterior"`` or ``"prior"``.

    Returns
    -------
    xarray.Dataset
    """
    variables = {
        name: xr.Variable(
            ("chain", "draw", at.dims[name]),
            values,
            column_attributes(at.store, name)
            | {"description": f"draws from the likelihood at draws from the {what}"},
        )
        for name, values in drawn.items()
    }
    own = "sweep" if what == "posterior" else "draw"
    coords = _sample_coords(np.asarray(chains), np.arange(draws), own) | at.coords
    name = "+".join(drawn)
    return xr.Dataset(variables, coords, {LONG_NAME: f"{what} predictive draws of {name}"})


def likelihood_rows(by_row: Draws, at: TargetRows, chains: Sequence[int], draws: int) -> xr.Dataset:
    """Hold the log-likelihood of every row in every sweep, each of shape (n_chains, draws, n)."""
    variables = {
        name: xr.Variable(
            ("chain", "draw", at.dims[name]),
            values,
            {
                LONG_NAME: f"log-likelihood of {name}",
                "description": "what each row adds to the log-density, times its weight, given the "
                "parameters and the completed predictors of the sweep",
            },
        )
        for name, values in by_row.items()
    }
    coords = _sample_coords(np.asarray(chains), np.arange(draws)) | at.coords | at.weights
    return xr.Dataset(variables, coords, {LONG_NAME: "log-likelihood of each row"})


def described_log_prior(densities: xr.Dataset, name: str) -> xr.Dataset:
    """Describe the log-density of each parameter's prior, over chain and draw."""
    described = densities.copy()
    for parameter, values in described.data_vars.items():
        values.attrs = {
            LONG_NAME: f"log-density of the prior of {parameter}",
            "description": "at the draws of the parameter on its own scale",
        }
    for dim, values in described.coords.items():
        values.attrs = {LONG_NAME: f"labels of {dim}"}
    chains, draws = (densities[dim].to_numpy() for dim in ("chain", "draw"))
    for dim, coord in _sample_coords(chains, draws).items():
        described.coords[dim].attrs = coord.attrs
    described.attrs = {LONG_NAME: f"log-density of the priors of the model of {name}"}
    return described


def prior_tree(
    parameters: Draws,
    predictive: Draws,
    labels: ModelLabels,
    at: TargetRows,
) -> xr.DataTree:
    """Arrange prior draws of a conditional model as a tree that ArviZ reads.

    Parameters
    ----------
    parameters : mapping of str to ndarray of shape (draws, ...)
        Draws of parameters.
    predictive : mapping of str to ndarray of shape (draws, n_rows)
        Draws of the targets.
    labels : (mapping, mapping)
        Named dimensions of the parameters, and their labels.
    at : TargetRows
        The rows of the targets.

    Returns
    -------
    xarray.DataTree
        With the groups ``prior``, ``prior_predictive`` and ``observed_data``.
    """
    dims, coords = labels
    name = "+".join(predictive)
    variables, lengths = _parameters(
        {parameter: values[None] for parameter, values in parameters.items()},
        dims,
        name,
        is_custom=True,
        what="prior draws of ",
    )
    n_draws = len(next(iter(predictive.values())))
    sample = _sample_coords(np.zeros(1, dtype=int), np.arange(n_draws), "draw")
    drawn = {column: values[None] for column, values in predictive.items()}
    return xr.DataTree.from_dict(
        {
            "/prior": xr.Dataset(
                variables,
                sample | _label_coords(lengths, coords),
                {LONG_NAME: f"prior draws of the parameters of the model of {name}"},
            ),
            "/prior_predictive": predictive_rows(drawn, at, [0], n_draws, "prior"),
            "/observed_data": observed_rows(at),
        }
    )

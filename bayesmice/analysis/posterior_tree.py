"""The tree of posteriors: one data set of draws per imputation, put together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesmice.errors import ModelError

STATISTICS = {
    "acceptance_rate": "mean acceptance probability of the transition",
    "diverging": "whether the trajectory diverged",
    "energy": "Hamiltonian after the transition",
    "lp": "log-density of the unconstrained parameters, up to a constant",
    "n_steps": "leapfrog steps, each one gradient",
    "step_size": "leapfrog step size",
    "tree_depth": "doublings of the trajectory",
}
"""What `sample_stats` holds, and in words."""

type Arrays = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, eq=False)
class Labels:
    """Names of the dimensions of a model's variables.

    Attributes
    ----------
    dims : mapping of str to tuple of str
        Named dimensions by variable.
    coords : mapping of str to tuple
        Their labels.
    """

    dims: Mapping[str, tuple[str, ...]]
    coords: Mapping[str, tuple[object, ...]]


def labelled(arrays: Arrays, leading: tuple[str, ...], labels: Labels) -> xr.Dataset:
    """Give draws their dimensions.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Variables whose first axes are ``leading``.
    leading : tuple of str
        Names of the first axes.
    labels : Labels
        Names of all others; axes without one are called ``<variable>_dim_<i>``.

    Returns
    -------
    xarray.Dataset
        With positions as labels of all dimensions that have none.
    """
    variables: dict[str, xr.Variable] = {}
    lengths: dict[str, int] = {}
    for name, values in arrays.items():
        own = labels.dims.get(name) or tuple(
            f"{name}_dim_{i}" for i in range(values.ndim - len(leading))
        )
        variables[name] = xr.Variable((*leading, *own), values)
        lengths |= dict(zip((*leading, *own), values.shape, strict=True))
    coords = {
        dim: list(labels.coords[dim])
        if len(labels.coords.get(dim, ())) == length
        else np.arange(length)
        for dim, length in lengths.items()
    }
    return xr.Dataset(variables, coords)


def stack_imputations(datasets: Sequence[xr.Dataset]) -> xr.Dataset:
    """Put the data sets of all imputations along a first dimension ``imputation``.

    Parameters
    ----------
    datasets : sequence of Dataset
        One per imputation.

    Returns
    -------
    xarray.Dataset
        With the coordinate ``imputation``, counted from 0.

    Raises
    ------
    ModelError
        If variables, shapes or labels differ: their draws then have no common meaning.
    """
    first = datasets[0]
    for imputation, dataset in enumerate(datasets):
        _check_alike(first, dataset, imputation)
    together = xr.concat(
        datasets, dim="imputation", join="exact", coords="minimal", compat="equals"
    )
    return together.assign_coords(imputation=np.arange(len(datasets)))


def _check_alike(first: xr.Dataset, other: xr.Dataset, imputation: int) -> None:
    if set(first.data_vars) != set(other.data_vars):
        odd = sorted(map(str, set(first.data_vars) ^ set(other.data_vars)))
        raise ModelError(
            f"The analysis model has other variables in imputation {imputation} than in imputation "
            f"0: {', '.join(odd)}. Let the function write the same parameters for all data sets."
        )
    for name, values in first.data_vars.items():
        theirs = other[name]
        if values.sizes != theirs.sizes:
            raise ModelError(
                f"The variable {name!r} of the analysis model has the dimensions "
                f"{dict(theirs.sizes)} in imputation {imputation} and {dict(values.sizes)} in "
                "imputation 0, so the two cannot be put together. Other numbers of rows, or a "
                "level that is absent from some completed data sets, are the usual reasons."
            )
        for dim in values.dims:
            if not np.array_equal(values[dim].to_numpy(), theirs[dim].to_numpy()):
                raise ModelError(
                    f"The dimension {dim!r} of the variable {name!r} has other labels in "
                    f"imputation {imputation} than in imputation 0. Give all completed data sets "
                    "the same levels and row names."
                )

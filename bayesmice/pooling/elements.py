"""The scalar parameters of a posterior, under the names that ArviZ gives them."""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesmice.errors import PoolingError

SAMPLE_DIMS = ("imputation", "chain", "draw")


def posterior_elements(
    tree: xr.DataTree, group: str, var_names: str | Sequence[str] | None = None
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Give the draws of every scalar parameter.

    Parameters
    ----------
    tree : xarray.DataTree
        Posteriors of all imputations.
    group : str
        Group with the draws.
    var_names : str or sequence of str, optional
        Variables; all of them by default.

    Yields
    ------
    tuple of (str, ndarray of shape (m, chains, draws))
        Its name, such as ``b`` or ``b[x]``, and its draws. Variables that are not of floating point
        are left out unless they are named.

    Raises
    ------
    PoolingError
        If there is no such group or variable, or it has no imputation, chain and draw.
    """
    if group not in tree.children:
        raise PoolingError(
            f"The tree has no group {group!r}; it has {', '.join(tree.children) or 'none'}. Pass "
            "what imputations.sample returned."
        )
    draws = tree[group].to_dataset()
    lacking = [dim for dim in SAMPLE_DIMS if dim not in draws.dims]
    if lacking:
        raise PoolingError(
            f"The group {group!r} has no dimension {lacking[0]!r}; expected imputation, chain and "
            "draw. Pass what imputations.sample returned, before mix."
        )
    for name in _names(draws, var_names):
        ordered = draws[name].transpose(*SAMPLE_DIMS, ...)
        dims = ordered.dims[3:]
        labels = itertools.product(*(ordered[dim].to_numpy() for dim in dims))
        flat = ordered.to_numpy().astype(np.float64).reshape(*ordered.shape[:3], -1)
        for position, label in enumerate(labels):
            shown = f"{name}[{', '.join(map(str, label))}]" if dims else name
            yield shown, flat[..., position]


def _names(draws: xr.Dataset, var_names: str | Sequence[str] | None) -> list[str]:
    if var_names is None:
        return [str(name) for name, values in draws.data_vars.items() if values.dtype.kind == "f"]
    names = [var_names] if isinstance(var_names, str) else list(var_names)
    for name in names:
        if name not in draws.data_vars:
            raise PoolingError(
                f"There is no variable {name!r}; the posterior has "
                f"{', '.join(map(str, draws.data_vars))}."
            )
    return names

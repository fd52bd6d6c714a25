"""What is followed from sweep to sweep: moments of imputed cells, and parameters."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import xarray as xr

from bayesmice.diagnostics.rhat import Chains

CELLS = "of imputed cells"


@dataclass(frozen=True, eq=False)
class SweepQuantity:
    """A number that every sweep of every chain has.

    Attributes
    ----------
    variable : str
        The column, or the target of the model; with its group of rows, where there are some.
    name : str
        Such as ``"mean of imputed cells"`` or ``"coefficients[age]"``.
    chains : ndarray of shape (n_chains, n_sweeps)
        All sweeps, the first ones included.
    """

    variable: str
    name: str
    chains: Chains

    @property
    def n_chains(self) -> int:
        """Number of chains."""
        return int(self.chains.shape[0])

    @property
    def n_sweeps(self) -> int:
        """Number of sweeps."""
        return int(self.chains.shape[1])

    def __str__(self) -> str:
        if self.name.endswith(CELLS):
            return f"the {self.name.removesuffix(CELLS)}of {self.variable}'s imputed cells"
        return f"{self.name} of {self.variable}'s model"


def sweep_quantities(tree: xr.DataTree, parameters: bool = True) -> tuple[SweepQuantity, ...]:
    """Collect the means and standard deviations of imputed cells, and all parameters.

    Parameters
    ----------
    tree : xarray.DataTree
        The tree of a run.
    parameters : bool, default True
        Whether parameters are wanted too.

    Returns
    -------
    tuple of SweepQuantity
        None for imputations that say nothing of sweeps.
    """
    return (*_moments(tree), *(parameter_quantities(tree) if parameters else ()))


def _moments(tree: xr.DataTree) -> Iterator[SweepQuantity]:
    for name, values in tree["sweep_stats"].data_vars.items():
        for statistic in values["statistic"].to_numpy():
            chains = values.sel(statistic=statistic, drop=True)
            yield from _elements(str(name), f"{statistic} {CELLS}", chains)


def parameter_quantities(tree: xr.DataTree) -> Iterator[SweepQuantity]:
    """Go through the parameters of all conditional models, element by element."""
    conditionals = tree["conditionals"].children if "conditionals" in tree.children else {}
    for name, group in conditionals.items():
        for parameter, draws in group["posterior"].data_vars.items():
            yield from _elements(name, str(parameter), draws)


def _elements(variable: str, name: str, draws: xr.DataArray) -> Iterator[SweepQuantity]:
    ordered = draws.transpose("chain", "draw", ...)
    dims = ordered.dims[2:]
    labels = itertools.product(*(ordered[dim].to_numpy() for dim in dims))
    elements = ordered.to_numpy().astype(float).reshape(*ordered.shape[:2], -1)
    for position, label in enumerate(labels):
        own = f"{name}[{', '.join(map(str, label))}]" if dims else name
        yield SweepQuantity(variable, own, elements[:, :, position])

"""One conditional model in a tree: its draws after the burn-in, and the rows it learned from."""

import json
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesmice.arguments import check_count
from bayesmice.data import Column, Scale, in_group
from bayesmice.errors import NotRunError, SpecificationError
from bayesmice.store import origin_of

Numbers = NDArray[np.float64]

LOG_LIKELIHOOD, PREDICTIVE, LOG_PRIOR = "log_likelihood", "posterior_predictive", "log_prior"
ADDED_BY = {
    LOG_LIKELIHOOD: "add_log_likelihood",
    PREDICTIVE: "add_posterior_predictive",
    LOG_PRIOR: "add_log_prior",
}
MIN_DRAWS = 25
"""Fewer draws tell nothing of tails, and PSIS has too few to smooth."""


@dataclass(frozen=True, eq=False)
class Conditional:
    """One column of a conditional model, and what a tree holds of it.

    Attributes
    ----------
    tree : xarray.DataTree
        The tree of the run.
    name : str
        The model in ``tree["conditionals"]``.
    column : str
        The column.
    label : str
        The group of rows, such as ``"sex=male"``; empty for all rows.
    burn_in : int
        Sweeps at the beginning that are left out.
    """

    tree: xr.DataTree
    name: str
    column: str
    label: str
    burn_in: int

    @property
    def title(self) -> str:
        """The column, with its group of rows."""
        return in_group(self.column, self.label)

    @property
    def n_draws(self) -> int:
        """Draws of all chains after the burn-in."""
        sizes = self.posterior.sizes
        return int(sizes["chain"] * sizes["draw"])

    @property
    def posterior(self) -> xr.Dataset:
        """Parameters after the burn-in."""
        return self.group("posterior")

    def group(self, name: str) -> xr.Dataset:
        """Give a group of the model, without the burn-in where it has draws of sweeps.

        Parameters
        ----------
        name : str
            Such as ``"log_likelihood"``.

        Returns
        -------
        Dataset

        Raises
        ------
        SpecificationError
            If the tree does not have it.
        """
        node = self.tree[f"conditionals/{self.name}"]
        if name not in node.children:
            raise SpecificationError(
                f"The tree does not hold {name} of {self.name!r}. Call "
                f"imputations.check({self.title!r}), or "
                f"imputations.{ADDED_BY.get(name, 'check')}({self.name!r}), first."
            )
        dataset = node[name].to_dataset()
        return dataset.isel(draw=slice(self.burn_in, None)) if "draw" in dataset.dims else dataset

    @cached_property
    def observed(self) -> xr.DataArray:
        """Observed values or level codes that the model learned from, over the dimension row."""
        return self._by_row("observed_data")

    @cached_property
    def predicted(self) -> xr.DataArray:
        """Draws of the observed rows, of dimensions chain, draw, row."""
        return self._by_row(PREDICTIVE)

    @cached_property
    def log_likelihood(self) -> xr.DataArray:
        """Log-likelihood of the observed rows, of dimensions chain, draw, row.

        Cells that are known by limits only are left out: there is no value to compare with draws.
        """
        return self._by_row(LOG_LIKELIHOOD).sel(row=self.observed["row"])

    @property
    def column_observed(self) -> Column:
        """The column as the model learned from it, named by its title."""
        return as_column(self.observed, self.title)

    def draws(self, group: str) -> Numbers:
        """Give draws of the column, of shape (n_draws, n_rows)."""
        values = self._by_row(group).to_numpy().astype(float)
        return values.reshape(-1, values.shape[-1])

    @cached_property
    def levels(self) -> tuple[object, ...]:
        """What the codes stand for that the model draws; empty for numbers.

        With groups of rows, only the levels that occur in the group.
        """
        return self.column_observed.levels

    def _by_row(self, group: str) -> xr.DataArray:
        values = self.group(group)[self.column]
        (own,) = (dim for dim in values.dims if dim not in ("chain", "draw"))
        renamed = values if own == "row" else values.rename({own: "row"})
        return renamed.transpose(..., "row")


def as_column(observed: xr.DataArray, name: str) -> Column:
    """Read observed values of a tree as a column of that name."""
    levels = tuple(json.loads(observed.attrs.get("levels", "[]")))
    values = observed.to_numpy().astype(float)
    return Column(name, Scale(observed.attrs["scale"]), values, levels)


def find_conditional(tree: xr.DataTree, name: str, burn_in: int | None = None) -> Conditional:
    """Find a column's conditional model.

    Parameters
    ----------
    tree : xarray.DataTree
        The tree of a run.
    name : str
        A column, with its group of rows where there are some (``"bmi[sex=male]"``).
    burn_in : int, optional
        Sweeps to leave out; half of them by default.

    Returns
    -------
    Conditional

    Raises
    ------
    NotRunError
        If the tree has no conditional models.
    SpecificationError
        If it has none for that column, or no sweep is left after the burn-in.
    """
    found = list_conditionals(tree)
    for own in found:
        if own.title == name:
            return _after_burn_in(own, burn_in)
    known = ", ".join(own.title for own in found)
    raise SpecificationError(
        f"There is no conditional model of {name!r}. Columns with one: {known}."
    )


def list_conditionals(tree: xr.DataTree) -> list[Conditional]:
    """List the columns of all conditional models, with no burn-in.

    Parameters
    ----------
    tree : xarray.DataTree
        The tree of a run.

    Returns
    -------
    list of Conditional

    Raises
    ------
    NotRunError
        If there are none.
    """
    names = list(tree["conditionals"].children) if "conditionals" in tree.children else []
    if not names:
        origin = origin_of(tree)
        came = "no column was drawn by a model" if origin is None else f"they come from {origin}"
        raise NotRunError(
            f"These imputations have no conditional models: {came}. Check the run that made them."
        )
    columns = [str(column) for column in tree["observed_data"].data_vars]
    return [
        Conditional(tree, name, column, label, 0)
        for name in names
        for targets, label in [_parts(name, columns)]
        for column in targets
    ]


def _parts(name: str, columns: list[str]) -> tuple[list[str], str]:
    """Part the name of a model into its columns and its group of rows."""
    ends = [len(name)] + [place for place, letter in enumerate(name) if letter == "["]
    for end in ends:
        base, label = name[:end], name[end + 1 : -1]
        if base in columns:
            return [base], label
        if base and all(part in columns for part in base.split("+")):
            return base.split("+"), label
    return [name], ""


def _after_burn_in(found: Conditional, burn_in: int | None) -> Conditional:
    sweeps = int(found.posterior.sizes["draw"])
    if burn_in is None:
        return Conditional(found.tree, found.name, found.column, found.label, sweeps // 2)
    check_count("burn_in", burn_in, least=0)
    if burn_in >= sweeps:
        raise SpecificationError(
            f"burn_in is {burn_in}, and the run has {sweeps} sweeps; expected fewer than that. "
            "Run more sweeps with imputations.extend(sweeps)."
        )
    return Conditional(found.tree, found.name, found.column, found.label, int(burn_in))


def check_draws(found: Conditional, what: str) -> None:
    """Refuse to judge a model by a handful of draws.

    Parameters
    ----------
    found : Conditional
        A column's model.
    what : str
        What needs the draws, for the error.

    Raises
    ------
    SpecificationError
        If there are fewer than `MIN_DRAWS` after the burn-in.
    """
    if found.n_draws >= MIN_DRAWS:
        return
    chains = found.posterior.sizes["chain"]
    draws = found.posterior.sizes["draw"]
    lacking = -(-MIN_DRAWS // chains) - draws
    more = lacking if found.burn_in == 0 else 2 * lacking
    raise SpecificationError(
        f"{what} needs at least {MIN_DRAWS} draws of the parameters of {found.title!r}, and there "
        f"are {found.n_draws}: {draws} sweeps of {chains} chains after {found.burn_in} sweeps of "
        f"burn-in. Run more with imputations.extend(sweeps={more}); some hundred draws are better."
    )

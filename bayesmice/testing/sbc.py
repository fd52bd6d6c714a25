"""Simulation-based calibration of whole imputations."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayesmice.errors import SpecificationError
from bayesmice.imputations import Imputations
from bayesmice.mice import MICE
from bayesmice.progress import counting_display
from bayesmice.testing.calibration import Calibration
from bayesmice.testing.spreading import Hands, spread

if TYPE_CHECKING:
    from distributed import Client

Rng = np.random.Generator
Parameters = Mapping[str, Mapping[str, Any]]
Quantity = Callable[[dict[str, dict[str, Any]], pd.DataFrame], float]


def sbc(
    draw: Callable[[Rng], tuple[Parameters, pd.DataFrame]],
    ampute: Callable[[pd.DataFrame, Rng], pd.DataFrame],
    *,
    quantities: Mapping[str, Quantity] | None = None,
    replicates: int = 200,
    draws: int = 99,
    sweeps: int = 20,
    cells: int = 3,
    random_seed: int | None = None,
    workers: int | None = None,
    client: "Client | None" = None,
    progressbar: bool = True,
    **arguments: Any,
) -> Calibration:
    """Check by simulation that parameters and missing values are drawn from their posterior.

    Every replicate draws parameters and complete data from a joint model, deletes values, and
    imputes them by as many chains as draws are wanted. Where the conditional models are the full
    conditionals of the joint model, and the priors the same, each true parameter and each deleted
    value is one more draw from what its chains drew: its rank among them is uniform [1]_.

    Parameters
    ----------
    draw : callable
        From a NumPy random generator to parameters and complete data. Parameters are mappings by
        target, then by the name that the conditional model gives them; their values are numbers,
        arrays of the shape in the model, or mappings from labels to numbers. They may be fewer
        than the model has.
    ampute : callable
        From complete data and the generator to the same data with missing values.
    quantities : mapping of str to callable, optional
        Functions of parameters and completed data to a number. Ranks of the parameters alone cannot
        see that data were ignored: a log-likelihood or a product of parameters can [2]_.
    replicates : int, default 200
        Number of data sets. 200 show faults of a tenth of a standard deviation or so, 1,000 smaller
        ones; a few show crashes only.
    draws : int, default 99
        Number of chains, whose last states are compared with the truth.
    sweeps : int, default 20
        Sweeps per chain: enough to forget the initial fill.
    cells : int, default 3
        Number of missing cells that are ranked per column.
    random_seed : int, optional
        Seed.
    workers : int, optional
        Number of processes; one by default, -1 for all cores.
    client : dask.distributed.Client, optional
        A cluster of Dask to spread the replicates over instead.
    progressbar : bool, default True
        Whether to show a progress bar.
    **arguments
        Passed on to `MICE`: the conditional models, with priors like those of ``draw``.

    Returns
    -------
    Calibration
        Ranks, and exact p-values of their uniformity.

    Raises
    ------
    SpecificationError
        If a parameter is not in the posterior of its target, if its target is no column of the
        data, or a count is less than 2.

    Notes
    -----
    Where ``ampute`` left nothing missing in a target, its model has no posterior: the replicate is
    left out of the ranks of its parameters, and of the quantities if ``draw`` gives any of them.
    This does not bend the ranks of the other replicates, which are uniform for any one pattern of
    missing values.

    Not for models whose conditionals have no joint model, which is the usual case of chained
    equations: their ranks need not be uniform although nothing is wrong. Conditionals that have one
    are, for example, those of a multivariate normal distribution, or of columns that are missing in
    a monotone pattern and predicted by those before them.

    References
    ----------
    .. [1] Talts, Betancourt, Simpson, Vehtari and Gelman (2018), arXiv 1804.06788.
    .. [2] Modrák, Moon, Kim, Bürkner, Huurre, Faltejsková, Gelman and Vehtari (2023), Bayesian
       Analysis, doi 10.1214/23-BA1404.

    Examples
    --------
    >>> import pymc as pm
    >>> from bayesmice import Regression
    >>> def draw(rng):
    ...     mean = rng.normal()
    ...     return {"y": {"Intercept": mean}}, pd.DataFrame({"y": rng.normal(mean, 1, 20)})
    >>> def ampute(data, rng):
    ...     return data.mask(rng.random((20, 1)) < 0.3)
    >>> model = Regression("1", priors={"Intercept": pm.Normal.dist(0, 1), "sigma": 1.0})
    >>> found = sbc(
    ...     draw, ampute, models={"y": model}, replicates=20, draws=19, sweeps=5, progressbar=False
    ... )
    >>> found.table.index.tolist()[:2]
    ['y: Intercept', 'y: cell 1']
    """
    for name, value in (("replicates", replicates), ("draws", draws), ("sweeps", sweeps)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 2:
            raise SpecificationError(f"{name} is {value!r}; expected a whole number of at least 2.")
    trial = _Trial(draw, ampute, dict(quantities or {}), draws, sweeps, cells, arguments)
    seeds = np.random.SeedSequence(random_seed).spawn(replicates)
    with counting_display("Calibrating", replicates, progressbar) as progress:
        hands = Hands(workers, client, "The calibration")
        ranks: list[dict[str, int]] = spread(trial.ranks, seeds, hands, progress)
    return Calibration(pd.DataFrame(ranks), draws)


@dataclass(frozen=True)
class _Trial:
    draw: Callable[[Rng], tuple[Parameters, pd.DataFrame]]
    ampute: Callable[[pd.DataFrame, Rng], pd.DataFrame]
    quantities: Mapping[str, Quantity]
    draws: int
    sweeps: int
    cells: int
    arguments: Mapping[str, Any]

    def ranks(self, seed: np.random.SeedSequence) -> dict[str, int]:
        """Rank every true value among the draws of one data set."""
        rng = np.random.default_rng(seed)
        parameters, complete = self.draw(rng)
        incomplete = self.ampute(complete.copy(), rng)
        run = MICE(incomplete, **self.arguments).mice(
            self.draws,
            self.sweeps,
            random_seed=int(seed.generate_state(1)[0]),
            progressbar=False,
        )
        return {
            name: _rank(value, drawn, rng)
            for name, value, drawn in self._compared(parameters, complete, incomplete, run)
        }

    def _compared(
        self,
        parameters: Parameters,
        complete: pd.DataFrame,
        incomplete: pd.DataFrame,
        run: Imputations,
    ) -> Iterator[tuple[str, float, NDArray[np.float64]]]:
        """Give names, true values, and what the chains drew, of shape (draws,)."""
        last = {
            target: _last_draws(run, target)
            for target in parameters
            if _column(incomplete, target).isna().any()
        }
        for target in last:
            for name, value in parameters[target].items():
                drawn = _parameter(last[target], target, name)
                by_place = np.moveaxis(drawn.to_numpy(), 0, -1)
                for label, one, place in _elements(value, drawn):
                    yield f"{target}: {name}{label}", one, by_place[place]
        completed = run.data
        for column in incomplete.columns[incomplete.isna().any()]:
            rows = np.flatnonzero(incomplete[column].isna())[: self.cells]
            truth = _numbers(complete[column], incomplete[column])
            drawn_cells = np.stack([_numbers(df[column], df[column])[rows] for df in completed])
            for i, row in enumerate(rows):
                yield f"{column}: cell {i + 1}", float(truth[row]), drawn_cells[:, i]
            means = [_numbers(df[column], df[column]).mean() for df in completed]
            yield f"{column}: mean", float(truth.mean()), np.array(means)
        if len(last) < len(parameters):
            return
        for name, quantity in self.quantities.items():
            truths = {target: dict(values) for target, values in parameters.items()}
            by_chain = [
                quantity(_values(last, parameters, chain), df) for chain, df in enumerate(completed)
            ]
            yield name, float(quantity(truths, complete)), np.asarray(by_chain, dtype=np.float64)


def _column(data: pd.DataFrame, target: str) -> pd.Series:
    if target not in data.columns:
        raise SpecificationError(
            f"draw gives parameters of {target!r}, and its data have the columns "
            f"{', '.join(map(repr, data.columns))}. Use the names of the columns."
        )
    return data[target]


def _last_draws(run: Imputations, target: str) -> xr.Dataset:
    return run.tree[f"conditionals/{target}/posterior"].to_dataset().isel(draw=-1)


def _parameter(posterior: xr.Dataset, target: str, name: str) -> xr.DataArray:
    if name not in posterior:
        raise SpecificationError(
            f"draw gives {target!r} a parameter {name!r}, and its conditional model has "
            f"{', '.join(map(repr, posterior.data_vars))}. Use the names of the model."
        )
    return posterior[name]


def _elements(value: Any, drawn: xr.DataArray) -> Iterator[tuple[str, float, tuple[int, ...]]]:
    """Give labels, true values and places of the elements of one parameter."""
    if isinstance(value, Mapping):
        labels = list(drawn[drawn.dims[1]].to_numpy())
        for label, one in value.items():
            yield f"[{label}]", float(one), (labels.index(label),)
        return
    array = np.asarray(value, dtype=np.float64)
    for place in np.ndindex(array.shape):
        label = f"[{', '.join(map(str, place))}]" if place else ""
        yield label, float(array[place]), place


def _values(
    last: Mapping[str, xr.Dataset], parameters: Parameters, chain: int
) -> dict[str, dict[str, Any]]:
    """Give the parameters of one chain in the form in which ``draw`` gives the true ones."""
    values: dict[str, dict[str, Any]] = {}
    for target, truths in parameters.items():
        values[target] = {}
        for name, truth in truths.items():
            drawn = last[target][name].isel(chain=chain)
            if isinstance(truth, Mapping):
                dim = drawn.dims[0]
                values[target][name] = {label: float(drawn.sel({dim: label})) for label in truth}
            else:
                array = drawn.to_numpy()
                values[target][name] = float(array) if array.ndim == 0 else array
    return values


def _numbers(column: pd.Series, like: pd.Series) -> NDArray[np.float64]:
    """Give numbers as they are, and codes of the sorted levels of anything else."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64)
    categories = like.astype("category").cat.categories
    return np.asarray(categories.get_indexer(pd.Index(column)), dtype=np.float64)


def _rank(value: float, drawn: NDArray[np.float64], rng: Rng) -> int:
    """Rank a value among draws; ties are broken at random."""
    below, ties = int((drawn < value).sum()), int((drawn == value).sum())
    return below + int(rng.integers(ties + 1))

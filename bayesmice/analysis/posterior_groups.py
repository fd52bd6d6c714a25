"""The groups of one imputation: posterior, statistics, log-likelihood, observed data."""

from collections.abc import Sequence
from typing import Literal

import xarray as xr

from bayesmice.analysis.function_models import AnalysisModel
from bayesmice.analysis.pointwise import pointwise_loo
from bayesmice.analysis.posterior_tree import STATISTICS, Labels, labelled, stack_imputations
from bayesmice.kernels.jaxify import recorded_labels
from bayesmice.kernels.posterior_sampler import PosteriorDraws
from bayesmice.kernels.sharing import Shared, observed_values

LogLikelihood = bool | Literal["loo"]


def arrange(
    analysis: AnalysisModel,
    shares: Sequence[Shared],
    imputation: int,
    drawn: PosteriorDraws,
    log_likelihood: LogLikelihood,
) -> dict[str, xr.Dataset]:
    """Make the groups of one imputation."""
    (share,) = (share for share in shares if imputation in share.members)
    labels = model_labels(share)
    leading = ("chain", "draw")
    posterior = analysis.finish(imputation, labelled(drawn.parameters, leading, labels))
    statistics = labelled(drawn.statistics, leading, labels)
    for name, values in statistics.data_vars.items():
        values.attrs["long_name"] = STATISTICS[str(name)]
    groups = {"posterior": posterior, "sample_stats": statistics}
    if not log_likelihood:
        return groups
    by_row = labelled(drawn.log_likelihood, leading, labels)
    if log_likelihood != "loo":
        return groups | {"log_likelihood": by_row}
    return groups | {
        f"loo/{name}": pointwise_loo(posterior, values) for name, values in by_row.data_vars.items()
    }


def model_labels(share: Shared) -> Labels:
    """Name dimensions; an observed variable with an axis of its own lies along the rows."""
    dims, coords = recorded_labels(share.model)
    rows = {
        observed.name: ("row",)
        for observed in share.model.observed_RVs
        if observed.type.ndim == 1 and "row" in coords and not dims.get(observed.name)
    }
    return Labels(dims | rows, coords)


def observed_dataset(shares: Sequence[Shared], m: int) -> xr.Dataset:
    """Hold the observed variables, along imputation only where they differ.

    Empty where data sets have rows of their own.
    """
    found: dict[int, xr.Dataset] = {}
    for share in shares:
        labels = model_labels(share)
        for imputation, data in zip(share.members, share.data, strict=True):
            found[imputation] = labelled(observed_values(share.model, data), (), labels)
    datasets = [found[imputation] for imputation in range(m)]
    rows = datasets[0].coords.to_dataset()
    if not all(dataset.coords.to_dataset().equals(rows) for dataset in datasets):
        return xr.Dataset()
    together = stack_imputations(datasets)
    same = [
        name
        for name, values in together.data_vars.items()
        if bool((values == values.isel(imputation=0)).all())
    ]
    return together.assign({name: together[name].isel(imputation=0, drop=True) for name in same})

"""Functions that write PyMC models, as analyses of completed data sets."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd
import xarray as xr

from bayesmice.analysis.coding import code_frame, find_columns
from bayesmice.kernels.analysis_models import write_analysis


class AnalysisModel(Protocol):
    """What writes the PyMC model of each data set, and finishes its draws."""

    def models(self, frames: Iterable[pd.DataFrame]) -> Iterator[Any]:
        """Write the PyMC model of each data set."""

    def finish(self, imputation: int, posterior: xr.Dataset) -> xr.Dataset:
        """Turn the draws of one data set into what the user is to see."""


@dataclass(frozen=True, eq=False)
class FunctionAnalysis:
    """A function that writes a PyMC model."""

    function: Callable[[Any], object]

    def models(self, frames: Iterable[pd.DataFrame]) -> Iterator[Any]:
        """Write the PyMC model of each data set."""
        columns = find_columns(frames)
        coords = {name: list(own.levels) for name, own in columns.items() if own.levels}
        for imputation, frame in enumerate(frames):
            coded = code_frame(frame, columns)
            yield write_analysis(
                self.function, coded.values, coords, coded.rows, coded.incomplete, imputation
            )

    def finish(self, imputation: int, posterior: xr.Dataset) -> xr.Dataset:
        """Leave the draws as they are."""
        return posterior

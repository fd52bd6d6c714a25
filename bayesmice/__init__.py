"""Multiple imputation by chained equations in which every conditional model is a PyMC model."""

from importlib import import_module
from typing import TYPE_CHECKING

from bayesmice import priors
from bayesmice.datasets import load_dataset
from bayesmice.errors import (
    BayesMiceError,
    ColumnNotFoundError,
    DataError,
    DataTypeError,
    ModelError,
    NotRunError,
    PoolingError,
    SamplingError,
    SpecificationError,
    StoreError,
)
from bayesmice.imputations import Imputations, open_imputations
from bayesmice.mice import MICE
from bayesmice.models import PMM, Auxiliary, Custom, Family, Regression
from bayesmice.pooling import PooledResults, pool
from bayesmice.testing import ModelReport, check_model

if TYPE_CHECKING:
    from bayesmice.plots import plot_density, plot_trace
else:

    def __getattr__(name):
        """Load the pictures when they are asked for: ArviZ takes a second to import."""
        if name not in {"plot_density", "plot_trace"}:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module("bayesmice.plots"), name)


__all__ = [
    "MICE",
    "PMM",
    "Auxiliary",
    "BayesMiceError",
    "ColumnNotFoundError",
    "Custom",
    "DataError",
    "DataTypeError",
    "Family",
    "Imputations",
    "ModelError",
    "ModelReport",
    "NotRunError",
    "PooledResults",
    "PoolingError",
    "Regression",
    "SamplingError",
    "SpecificationError",
    "StoreError",
    "check_model",
    "load_dataset",
    "open_imputations",
    "plot_density",
    "plot_trace",
    "pool",
    "priors",
]

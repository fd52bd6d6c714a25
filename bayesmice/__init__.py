"""Multiple imputation by chained equations in which every conditional model is a PyMC model."""

from bayesmice.datasets import load_dataset
from bayesmice.errors import (
    BayesMiceError,
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
from bayesmice.models import Regression
from bayesmice.pooling import PooledResults, pool

__all__ = [
    "MICE",
    "BayesMiceError",
    "DataError",
    "DataTypeError",
    "Imputations",
    "ModelError",
    "NotRunError",
    "PooledResults",
    "PoolingError",
    "Regression",
    "SamplingError",
    "SpecificationError",
    "StoreError",
    "load_dataset",
    "open_imputations",
    "pool",
]

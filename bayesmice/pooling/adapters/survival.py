"""Fitted regressions of lifelines."""

from typing import Any

import numpy as np

from bayesmice.pooling.adapters.labelled import labelled_result
from bayesmice.pooling.complete import CompleteDataResult


def read_lifelines(result: Any) -> CompleteDataResult | None:
    """Read a fitted model that has ``params_`` and ``variance_matrix_``, as lifelines has.

    Coefficients of a Cox model are log hazard ratios. Accelerated failure time models have
    parameters (parameter, covariate). Degrees of freedom are infinite: tests are large-sample ones.
    """
    if not (hasattr(result, "params_") and hasattr(result, "variance_matrix_")):
        return None
    return labelled_result(result.params_, result.variance_matrix_, df_complete=np.inf)

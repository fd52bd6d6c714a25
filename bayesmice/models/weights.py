"""Weights of rows in the model that a user looks at.

PyMC knows no weights, so a potential adds what the weighted log-likelihood has more than the plain
one. The engine multiplies row by row instead (`bayesmice.kernels.programs.sum_over_rows`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bayesmice.data import Column
from bayesmice.later import later

if TYPE_CHECKING:
    import pymc as pm
else:
    pm = later("pymc")

POTENTIAL = "weights_of_{}"


def weigh_visible(model: pm.Model, targets: Sequence[Column], rows: NDArray[np.bool_]) -> pm.Model:
    """Let the rows of a model count by their weights.

    Parameters
    ----------
    model : pm.Model
        A model over some rows; it is changed where a weight is not 1.
    targets : sequence of Column
        Its targets.
    rows : ndarray of shape (n_rows,)
        The rows of the data that it is over.

    Returns
    -------
    pm.Model
        The same model.
    """
    for column in targets:
        weights = column.row_weights[rows]
        if (weights != 1).any():
            observed = model[column.name]
            by_row = pm.logp(observed, model.rvs_to_values[observed])
            with model:
                pm.Potential(POTENTIAL.format(column.name), (weights - 1) * by_row, dims="row")
    return model

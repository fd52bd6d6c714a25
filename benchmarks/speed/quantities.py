"""Numbers of a completed data set that are followed from sweep to sweep."""

import numpy as np

QUANTITIES = ("mean of x0", "slope of x1 in x0 ~ all others")


def quantities_of(completed: np.ndarray) -> tuple[float, float]:
    """Compute `QUANTITIES` of completed numbers, of shape (n_rows, n_columns)."""
    first, others = completed[:, 0], completed[:, 1:]
    design = np.column_stack([np.ones(len(first)), others])
    coefficients = np.linalg.lstsq(design, first)[0]
    return float(first.mean()), float(coefficients[1])

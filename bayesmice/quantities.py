"""Quantities to pool on the scale where they are nearly normal: ``bm.quantities.correlation``...

To be used as an analysis of each completed data set:
``imputations.analyze(lambda df: bm.quantities.correlation(df["age"], df["bmi"])).pool()``.
"""

from bayesmice.analysis.quantities import (
    auc,
    c_index,
    correlation,
    cronbach_alpha,
    kappa,
    proportion,
    r_squared,
    variance_component,
)

__all__ = [
    "auc",
    "c_index",
    "correlation",
    "cronbach_alpha",
    "kappa",
    "proportion",
    "r_squared",
    "variance_component",
]

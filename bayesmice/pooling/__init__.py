"""Rubin's rules: pooling the analyses of several completed data sets into one."""

from bayesmice.pooling.adapters import complete_data_result
from bayesmice.pooling.anova import anova
from bayesmice.pooling.complete import CompleteDataResult, FailedAnalysis
from bayesmice.pooling.multiparameter import HypothesisTest
from bayesmice.pooling.pool import pool
from bayesmice.pooling.posterior import compare_pooling, mix, pool_posterior
from bayesmice.pooling.results import PooledResults
from bayesmice.pooling.rubin import pool_rubin
from bayesmice.pooling.scalar import pool_scalar
from bayesmice.pooling.transforms import Transform

__all__ = [
    "CompleteDataResult",
    "FailedAnalysis",
    "HypothesisTest",
    "PooledResults",
    "Transform",
    "anova",
    "compare_pooling",
    "complete_data_result",
    "mix",
    "pool",
    "pool_posterior",
    "pool_rubin",
    "pool_scalar",
]

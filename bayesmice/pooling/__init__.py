"""Rubin's rules: pooling the analyses of several completed data sets into one."""

from bayesmice.pooling.pool import pool
from bayesmice.pooling.results import PooledResults
from bayesmice.pooling.rubin import pool_rubin

__all__ = ["PooledResults", "pool", "pool_rubin"]

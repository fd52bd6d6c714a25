"""Diagnostics of a run and of its analyses, all of them on trees."""

from bayesmice.diagnostics.compare import compare
from bayesmice.diagnostics.convergence import convergence_table
from bayesmice.diagnostics.loo import PooledLoo, loo

__all__ = ["PooledLoo", "compare", "convergence_table", "loo"]

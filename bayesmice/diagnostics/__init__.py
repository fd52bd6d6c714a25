"""Diagnostics of a run, all of them on its tree."""

from bayesmice.diagnostics.convergence import convergence_table

__all__ = ["convergence_table"]

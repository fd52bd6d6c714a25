"""Conditional models that workloads give their columns, one module each: `models(data)`."""

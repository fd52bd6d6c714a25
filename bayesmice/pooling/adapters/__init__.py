"""From one analysis result to its estimates, their covariance and their degrees of freedom.

An adapter is a function that takes a result and returns a `CompleteDataResult`, or None where the
result is not of its kind. `complete_data_result` is where a user registers an adapter for a type;
after those, `ADAPTERS` are asked in order, and the first answer counts.
"""

from bayesmice.pooling.adapters.registry import ADAPTERS, complete_data_result, read_result

__all__ = ["ADAPTERS", "complete_data_result", "read_result"]

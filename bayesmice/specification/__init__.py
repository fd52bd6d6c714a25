"""The specification: data and models, checked and resolved once, at the front door."""

from bayesmice.specification.reading import Description, Models, ReadData, read
from bayesmice.specification.resolved import ConditionalModel, Specification
from bayesmice.specification.resolving import resolve, resolve_candidate, specify

__all__ = [
    "ConditionalModel",
    "Description",
    "Models",
    "ReadData",
    "Specification",
    "read",
    "resolve",
    "resolve_candidate",
    "specify",
]

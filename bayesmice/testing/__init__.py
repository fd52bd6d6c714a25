"""Checks of conditional models before they are used."""

from bayesmice.testing.conformance import ModelReport, check_model

__all__ = ["ModelReport", "check_model"]

"""Imputations of one run, and everything that is done with them."""

from bayesmice.imputations.imputations import Imputations
from bayesmice.imputations.kept_run import Continuation

__all__ = ["Continuation", "Imputations"]

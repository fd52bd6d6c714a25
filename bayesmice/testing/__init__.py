"""Proofs: of conditional models before they are used, and of whole imputations."""

from bayesmice.testing.calibration import Calibration
from bayesmice.testing.conformance import ModelReport, check_model
from bayesmice.testing.sbc import sbc
from bayesmice.testing.simulation import simulate
from bayesmice.testing.study import Study

__all__ = ["Calibration", "ModelReport", "Study", "check_model", "sbc", "simulate"]

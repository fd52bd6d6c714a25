"""Simulation-based calibration of whole runs, where a joint model is known.

Ranks of parameters, missing cells, means and test quantities must be uniform. p-values are exact
and corrected for the number of quantities; the file raises a false alarm once in 500 runs.
"""

import pytest
from joint_models import MonotoneModel, NormalModel

from bayesmice.testing import sbc

pytestmark = pytest.mark.statistical


@pytest.mark.parametrize(
    ("joint", "kernel", "replicates", "sweeps"),
    [(NormalModel(), "hmc", 150, 20), (MonotoneModel(), "nuts", 60, 10)],
    ids=["normal, hmc", "monotone, nuts"],
)
def test_parameters_and_missing_values_are_calibrated(joint, kernel, replicates, sweeps) -> None:
    calibration = sbc(
        joint.draw,
        joint.ampute,
        models=joint.models(kernel),
        quantities=joint.quantities,
        replicates=replicates,
        sweeps=sweeps,
        progressbar=False,
    )
    assert calibration.p_value > 0.001, calibration


def test_parameters_that_are_drawn_too_narrow_are_noticed() -> None:
    """The same run, compared with a joint model whose cells vary by a third more."""

    class Wider(NormalModel):
        def draw(self, rng):
            parameters, data = super().draw(rng)
            noise = rng.normal(0, 0.9 * parameters["x1"]["variance"] ** 0.5, self.n)
            return parameters, data.assign(x1=data["x1"] + noise)

    joint = Wider()
    calibration = sbc(
        joint.draw,
        joint.ampute,
        models=joint.models("hmc"),
        replicates=60,
        sweeps=10,
        progressbar=False,
    )
    assert calibration.p_value < 1e-4, calibration

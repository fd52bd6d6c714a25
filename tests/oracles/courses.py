"""Courses of single targets, for tests that drive the engine themselves."""

from collections.abc import Sequence

from bayesmice.kernels import Target, run_seed
from bayesmice.models.passive import PassiveColumns
from bayesmice.scheduler import Course
from bayesmice.specification import Specification


def course_of(specification: Specification, targets: Sequence[Target], seed: int = 0) -> Course:
    """Let the chains of a specification go through some targets."""
    return Course(
        specification.store,
        specification.design,
        {target.name: target for target in targets},
        PassiveColumns(),
        {},
        run_seed(seed),
    )

"""Studies of our own designs: intervals of right models cover as often as they say.

80 replicates of each design, with fresh seeds; the rules are those of `study_checks`. With 18
parameters of right models the file would raise a false alarm once in 200 runs; a design that fails
is run once more.
"""

import pytest
from own_designs import OWN
from study_checks import persistent_complaints

pytestmark = pytest.mark.statistical


@pytest.mark.parametrize("name", OWN)
def test_intervals_cover_where_the_model_is_right(name) -> None:
    assert not persistent_complaints(OWN[name])

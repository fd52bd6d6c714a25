"""The checks of conditional and predictive draws notice faults that are planted into the engine.

Each fault is one that an imputation engine could have; one is planted at a time, and the check that
looks for it has to fail with p < 1e-4. Without a fault the same checks fail with a probability of
1e-4 each, so that the file raises a false alarm less than once in 1,000 runs. Seeds are fresh.
"""

from collections.abc import Callable

import pytest
from planted_faults import CHECKS, FAULTS, p_value_with, p_value_without

pytestmark = pytest.mark.statistical

NOTICED = 1e-4


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_noticed(name: str) -> None:
    assert p_value_with(FAULTS[name]) < NOTICED


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_without_a_fault_no_check_fails(check: Callable[[], float]) -> None:
    assert p_value_without(check) > NOTICED

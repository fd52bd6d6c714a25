"""Plans: how many sweeps a run has, and where its imputations are taken from."""

import re

import pytest

from bayesmice.errors import SpecificationError
from bayesmice.scheduler.plan import Plan, make_plan


def test_by_default_every_imputation_is_the_last_sweep_of_a_chain_of_its_own():
    plan = make_plan(3, None, None, None, None)
    assert (plan.n_chains, plan.total) == (3, 10)
    assert plan.picks([0, 1, 2], 10) == [(0, 9), (1, 9), (2, 9)]
    assert plan.picks([0, 1, 2], 9) == []


def test_fewer_chains_give_several_imputations_each_thin_sweeps_apart():
    plan = make_plan(7, None, 3, 4, 6)
    assert plan.total == 6 + 3 * 4
    sweeps = [9, 9, 9, 13, 13, 13, 17]
    assert plan.picks([10, 11, 12], 18) == list(zip([10, 11, 12] * 2 + [10], sweeps, strict=True))
    assert [sweep for sweep in range(18) if plan.keeps(sweep)] == [9, 13, 17]
    # What has been reached so far.
    assert plan.picks([10, 11, 12], 14) == plan.picks([10, 11, 12], 18)[:6]


def test_sweeps_are_the_whole_length_and_leave_the_burn_in():
    assert make_plan(8, 30, 4, 5, None).burn_in == 20
    assert make_plan(8, None, 4, 5, 20).total == 30
    assert make_plan(4, 12, None, None, None).total == 12
    assert make_plan(4, None, None, None, 3).total == 4


def test_a_run_with_more_imputations_of_the_same_chains_begins_in_the_same_way():
    few, many = make_plan(4, None, 2, 3, 5), make_plan(9, None, 2, 3, 5)
    assert many.picks([0, 1], 99)[:4] == few.picks([0, 1], 99)


def test_an_open_plan_ends_where_it_is_told_to():
    one, several = Plan(3, 3, 1, None), Plan(6, 3, 5, None)
    assert one.total is None
    assert one.settled_at(17).picks([0, 1, 2], 17) == [(0, 16), (1, 16), (2, 16)]
    assert several.settled_at(17).total == 27
    assert several.settled_at(17).picks([0, 1, 2], 27)[::3] == [(0, 21), (0, 26)]


def test_an_extended_plan_takes_its_imputations_later():
    assert Plan(3, 3, 1, 9).extended(5).total == 15
    assert Plan(6, 3, 5, 10).extended(10).picks([0, 1, 2], 30)[::3] == [(0, 24), (0, 29)]
    with pytest.raises(SpecificationError, match="Extend by a multiple of 5"):
        Plan(6, 3, 5, 10).extended(7)


BAD = {
    "chains beyond m": ((3, None, 4, None, None), "chains is 4, but m is 3"),
    "too few sweeps": ((8, 9, 4, 5, None), "Give sweeps=10, or leave one of them out"),
    "numbers that contradict": ((8, 30, 4, 5, 15), "Give sweeps=25, or leave one of them out"),
}


@pytest.mark.parametrize(("numbers", "text"), BAD.values(), ids=BAD)
def test_numbers_that_contradict_each_other_are_refused(numbers, text):
    with pytest.raises(SpecificationError, match=re.escape(text)):
        make_plan(*numbers)


def test_a_stopping_rule_decides_the_burn_in():
    assert make_plan(5, None, None, None, None, is_open=True).total is None
    with pytest.raises(SpecificationError, match="sweeps is a stopping rule"):
        make_plan(5, None, None, None, 4, is_open=True)

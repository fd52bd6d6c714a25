"""Visit sequences: the words of R's mice, lists, functions, random orders."""

import re
from collections import Counter

import pytest

from bayesmice.errors import SpecificationError
from bayesmice.scheduler.sequence import fixed_orders, read_visit_sequence

MISSING = {"a": 5, "b": 2, "c+d": 5, "e": 9}
ALIASES = {"a": "a", "b": "b", "c": "c+d", "d": "c+d", "e": "e", "whole": ""}


def order_of(given, sweep=0, seed=1):
    return read_visit_sequence(given, MISSING, ALIASES, ["bmi"], seed)(sweep)


def test_the_words_are_those_of_r_s_mice():
    assert fixed_orders(MISSING) == {
        "roman": ("a", "b", "c+d", "e"),
        "arabic": ("e", "c+d", "b", "a"),
        "monotone": ("b", "a", "c+d", "e"),
        "revmonotone": ("e", "c+d", "a", "b"),
    }
    for word, order in fixed_orders(MISSING).items():
        assert order_of(word) == order_of(word, sweep=7) == order


def test_a_list_may_repeat_targets_and_name_a_column_of_a_block():
    assert order_of(["e", "b", "d", "a", "b"]) == ("e", "b", "c+d", "a", "b")
    assert order_of(["e", "b", "c+d", "a"]) == ("e", "b", "c+d", "a")


def test_a_complete_column_in_a_list_is_passed_over():
    assert order_of(["a", "whole", "b", "c", "e"]) == ("a", "b", "c+d", "e")


def test_a_random_order_is_a_fresh_permutation_that_the_seed_decides():
    """24 orders are equally likely: each of 240 sweeps has one, and all appear.

    Some order would be absent from 240 uniform ones with a probability below 24 (23/24)^240 =
    9e-4; the seeds are fixed, so the test either passes or fails for good.
    """
    orders = Counter(order_of("random", sweep, seed=5) for sweep in range(240))
    assert all(sorted(order) == sorted(MISSING) for order in orders)
    assert len(orders) == 24
    again = [order_of("random", sweep, seed=5) for sweep in range(5)]
    assert again == [order_of("random", sweep, seed=5) for sweep in range(5)]
    assert again != [order_of("random", sweep, seed=6) for sweep in range(5)]


def test_a_function_sees_the_sweep_and_the_targets():
    def turning(sweep, targets):
        return targets[::-1] if sweep % 2 else targets

    assert order_of(turning, 0) == ("a", "b", "c+d", "e")
    assert order_of(turning, 1) == ("e", "c+d", "b", "a")


BAD = {
    "a word": ("greek", "visit_sequence is 'greek'; expected 'roman', 'arabic', 'monotone'"),
    "an unknown column": (["a", "z"], "names 'z', which is not a column of data"),
    "a passive column": (["a", "b", "c", "e", "bmi"], "names 'bmi', a passive column"),
    "a target left out": (["a", "b"], "never visits 'c+d', 'e', which has cells to impute"),
    "a number": (5, "visit_sequence is 5; expected a list of columns"),
    "a function that gives text": (lambda sweep, targets: "a", "in sweep 0 is 'a'; expected"),
    "a function that leaves one out": (
        lambda sweep, targets: targets[:3],
        "visit_sequence in sweep 0 never visits 'e'",
    ),
}


@pytest.mark.parametrize(("given", "text"), BAD.values(), ids=BAD)
def test_what_cannot_be_an_order_is_refused(given, text):
    with pytest.raises(SpecificationError, match=re.escape(text)):
        order_of(given)

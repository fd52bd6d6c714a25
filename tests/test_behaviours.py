"""The page of expected behaviours has all its rows, and the tests that it names exist."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "behaviours.md").read_text()
SIZES = {"A": 19, "B": 10, "C": 20, "D": 30, "E": 10, "F": 18, "G": 9, "H": 15, "I": 6}
EXPECTED = [f"{room}{number:02}" for room, size in SIZES.items() for number in range(1, size + 1)]
ROWS = {
    row[1]: (row[2], row[3])
    for row in re.finditer(r"^\| ([A-Z]\d\d) \| (.*) \| (.*) \|$", PAGE, flags=re.MULTILINE)
}
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)))


def names_in(path):
    tree = ast.parse((TESTS / path).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_behaviour_has_a_row_in_order() -> None:
    assert len(EXPECTED) == 137
    assert list(ROWS) == EXPECTED


def test_a_row_has_a_test_or_says_why_not() -> None:
    for row, (what, shown) in ROWS.items():
        if not re.fullmatch(r"`[\w/]+\.py::test_\w+`(<br>`[\w/]+\.py::test_\w+`)*", shown):
            assert not shown, row
            assert what.startswith(("Does not apply: ", "Not yet: ")), row


@pytest.mark.parametrize("path", sorted({path for path, _ in NAMED}))
def test_the_tests_that_are_named_exist(path) -> None:
    named = {name for file, name in NAMED if file == path}
    assert named <= names_in(path)

"""What the summary of overimputed cells says, from draws that were written down."""

import numpy as np
import pandas as pd
import pytest

from bayesmice.data import encode
from bayesmice.diagnostics.overimputation import Overimputation, hidden_cells


def summary(values, draws, rows, **kept):
    column = encode(pd.DataFrame({"x": values, "other": range(len(values))})).columns["x"]
    own = hidden_cells(
        column, rows, rows.tolist(), [""] * len(rows), draws, np.random.default_rng(0)
    )
    return Overimputation((own,), len(draws), 10, 1, kept, ())


def normal_summary(spread, shift, n=300, m=50):
    rng = np.random.default_rng(6)
    values, rows = rng.normal(size=2 * n), np.arange(n)
    return summary(values, shift + spread * rng.normal(size=(m, n)), rows)


def test_right_imputations_are_called_right() -> None:
    check = normal_summary(1.0, 0.0)
    assert check.findings == []
    assert "Nothing is off by more than chance explains." in repr(check)
    row = check.table.loc["x"]
    assert row["rmse"] == pytest.approx(row["expected_rmse"], rel=5 / np.sqrt(600))


@pytest.mark.parametrize(
    ("spread", "shift", "text"),
    [
        (0.5, 0.0, "Its imputations are too narrow, or shifted."),
        (2.0, 0.0, "Its imputations are too wide."),
        (1.0, 0.5, "places of observed values among their draws are not uniform"),
    ],
)
def test_wrong_imputations_are_called_wrong(spread, shift, text) -> None:
    check = normal_summary(spread, shift)
    assert any(text in sentence for sentence in check.findings)
    assert text in repr(check)
    assert text in check._repr_html_()


def test_few_cells_are_not_called_wrong_for_two_outside() -> None:
    # Two of four outside 95 % intervals: 1.4 % under the binomial distribution, not one in 1,000.
    draws = np.random.default_rng(2).normal(size=(99, 4))
    check = summary(np.array([9.0, -9.0, 0.1, -0.1, 1.0, 2.0]), draws, np.arange(4))
    assert check.table.loc["x", "coverage_95"] == pytest.approx(0.5)
    assert not any("95 % intervals" in sentence for sentence in check.findings)


def test_levels_that_are_imputed_too_often_are_named_by_their_table() -> None:
    rng = np.random.default_rng(9)
    values = np.where(rng.random(400) < 0.3, "b", "a")
    check = summary(values, (rng.random((30, 200)) < 0.7) * 1.0, np.arange(200))
    assert any("The table .levels shows" in sentence for sentence in check.findings)
    levels = check.levels.loc["x"]
    gap = (levels["predicted"] - levels["observed"]).abs() / levels["mcse"]
    assert (gap > 5).all()
    assert check.table.loc["x", "log_score"] < check.table.loc["x", "marginal_log_score"]


def test_names_are_escaped_and_what_was_left_out_is_said() -> None:
    draws = np.random.default_rng(2).normal(size=(9, 2))
    check = summary(np.arange(5.0), draws, np.arange(2), **{"<b>": "it holds times"})
    assert "Left out: <b> (it holds times)." in repr(check)
    assert "&lt;b&gt;" in check._repr_html_()


def test_a_column_without_hidden_cells_is_a_key_error_with_those_that_have_some() -> None:
    with pytest.raises(KeyError, match="No cell of 'y' was hidden; of x some were"):
        normal_summary(1.0, 0.0)["y"]

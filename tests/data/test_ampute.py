"""Holes for simulation studies: R's defaults and scores, exact probabilities, draws, bad input.

Draws have no fixed seeds. Each comparison of counts with their exact distribution raises a false
alarm in fewer than one of a million runs.
"""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import chi2, norm

import bayesmice as bm
from bayesmice.data.amputation.chances import Curve, Groups, score_rows

R = json.loads((Path(__file__).parent / "reference" / "ampute.json").read_text())
FALSE_ALARM = 1e-6
KINDS = ("RIGHT", "LEFT", "MID", "TAIL")


def numbers(n=1000, p=3, rng=None):
    rng = np.random.default_rng() if rng is None else rng
    return pd.DataFrame(rng.normal(size=(n, p)).cumsum(axis=1), columns=list("abcdefgh")[:p])


def flags(nested):
    return np.array(nested) == 0


# What R does


@pytest.mark.parametrize("of_r", R["defaults"], ids=lambda of_r: f"{of_r['n']} columns")
@pytest.mark.parametrize("mechanism", ["MAR", "MNAR"])
def test_defaults_are_those_of_r(of_r, mechanism) -> None:
    drawn = bm.ampute(numbers(40, of_r["n"]), mechanism=mechanism, details=True)
    expected = of_r[mechanism]
    np.testing.assert_array_equal(drawn.patterns, expected["patterns"])
    np.testing.assert_array_equal(drawn.weights, expected["weights"])
    np.testing.assert_allclose(drawn.frequencies, expected["freq"], rtol=1e-12)
    assert drawn.proportion == expected["prop"]
    assert set(expected["type"]) == {"RIGHT"}


def test_the_default_odds_of_r_are_those_of_the_page() -> None:
    assert all(row == [1, 2, 3, 4] for of_r in R["defaults"] for row in of_r["odds"])


@pytest.mark.parametrize("case", R["scores"])
def test_scores_are_those_of_r(case) -> None:
    scores = score_rows(
        pd.DataFrame(R["small"]).to_numpy(),
        np.array(case["pattern"]),
        np.array(case["weights"], float),
        case["standardize"],
    )
    np.testing.assert_allclose(scores, case["scores"], rtol=1e-9, atol=1e-12)


def normal_scores(n=1000):
    z = norm.ppf((np.arange(n) + 0.5) / n)
    return z / z.std(ddof=1)


def check_shares_of_r(probabilities, holes) -> None:
    """Compare counts of R in tenths of the scores with probabilities.

    R's shift is off by up to 0.01, since it finds it for a sample and to three digits.
    """
    expected = probabilities.reshape(10, -1).mean(axis=1)
    spread = expected * (1 - expected)
    comparisons = 10 * (len(R["curves"]) + len(R["groups"]))
    z = norm.isf(FALSE_ALARM / comparisons / 2)
    tolerance = z * np.sqrt(spread / R["rows_per_tenth"]) + 0.01 * spread
    assert (np.abs(np.array(holes) / R["rows_per_tenth"] - expected) <= tolerance).all()


@pytest.mark.parametrize(
    "case", R["curves"], ids=lambda case: f"{case['type']} {case['proportion']}"
)
def test_r_makes_holes_as_often(case) -> None:
    check_shares_of_r(
        Curve(case["type"]).probabilities(normal_scores(), case["proportion"]), case["holes"]
    )


@pytest.mark.parametrize("case", R["groups"], ids=lambda case: str(case["odds"]))
def test_r_makes_holes_as_often_in_groups(case) -> None:
    groups = Groups(tuple(case["odds"]))
    check_shares_of_r(groups.probabilities(normal_scores(), case["proportion"]), case["holes"])


def test_another_type_would_be_noticed() -> None:
    case = next(case for case in R["curves"] if (case["type"], case["proportion"]) == ("MID", 0.1))
    with pytest.raises(AssertionError):
        check_shares_of_r(Curve("RIGHT").probabilities(normal_scores(), 0.1), case["holes"])


@pytest.mark.parametrize("case", R["cells"])
def test_the_share_of_rows_for_cells_is_that_of_r_where_patterns_are_of_one_size(case) -> None:
    drawn = bm.ampute(
        pd.DataFrame(R["small"]),
        case["proportion"],
        patterns=case["patterns"],
        frequencies=case["frequencies"],
        proportion_of="cells",
        details=True,
    )
    assert drawn.proportion == pytest.approx(case["rows"], rel=1e-12)


@pytest.mark.parametrize("case", R["keeping_all"])
def test_patterns_that_keep_all_lower_the_proportion_as_in_r(case) -> None:
    drawn = bm.ampute(
        pd.DataFrame(R["small"]),
        case["proportion"],
        patterns=case["patterns"],
        frequencies=case["frequencies"],
        details=True,
    )
    assert drawn.proportion == pytest.approx(case["rows"], rel=1e-12)
    np.testing.assert_allclose(drawn.frequencies, case["kept"], rtol=1e-12)
    assert len(drawn.patterns) == 2


# Probabilities


PULLS = {"RIGHT": lambda z: z, "LEFT": lambda z: -z, "MID": lambda z: -abs(z), "TAIL": abs}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("proportion", [0.05, 0.3, 0.5, 0.9])
def test_probabilities_of_normal_scores_are_the_logistic_normal_integral(kind, proportion) -> None:
    """The shift solves an integral; the grid of scores is off by about its mesh."""

    def excess(shift):
        mean, _ = quad(lambda z: norm.pdf(z) * expit(shift + PULLS[kind](z)), -12, 12, points=[0])
        return mean - proportion

    shift = brentq(excess, -12, 12)
    z = normal_scores(100_001)
    expected = expit(shift + PULLS[kind](z))
    np.testing.assert_allclose(Curve(kind).probabilities(z, proportion), expected, atol=2e-5)


def test_one_half_to_the_right_needs_no_shift() -> None:
    z = normal_scores(500)
    np.testing.assert_allclose(Curve("RIGHT").probabilities(z, 0.5), expit(z), rtol=1e-9)


ODD = {
    "skewed": lambda rng: np.exp(3 * rng.normal(size=(500, 3))),
    "heavy tails": lambda rng: rng.standard_cauchy(size=(500, 3)),
    "huge and tiny": lambda rng: rng.normal(size=(500, 3)) * [1e200, 1e-200, 1.0],
    "a large mean": lambda rng: 1e9 + rng.normal(size=(500, 3)),
    "zeros and ones": lambda rng: (rng.random((500, 3)) < [0.5, 0.1, 0.3]).astype(float),
    "one outlier": lambda rng: np.vstack([rng.normal(size=(499, 3)), [1e6, -1e6, 1e6]]),
}


@pytest.mark.parametrize("make", ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize("kind", KINDS)
def test_the_expected_proportion_is_exact_whatever_the_data(make, kind) -> None:
    data = pd.DataFrame(make(np.random.default_rng()), columns=list("abc"))
    for proportion in (1e-6, 0.1, 0.5, 0.97):
        drawn = bm.ampute(
            data,
            proportion,
            patterns=["a", ["a", "b"]],
            type=kind,
            details=True,
            weights=[[0, 1, 1], [0, 0, 1]],
        )
        means = drawn.rows.groupby("pattern")["probability"].mean()
        np.testing.assert_allclose(means, proportion, rtol=1e-9)


@pytest.mark.parametrize("odds", [(1, 2, 3, 4), (0, 0, 1), (1, 50), (1e-300, 1.0), (5,)], ids=str)
@pytest.mark.parametrize("proportion", [0.01, 0.3, 0.333])
def test_the_expected_proportion_is_exact_for_odds(odds, proportion) -> None:
    data = numbers(1200, 2)
    drawn = bm.ampute(data, proportion, patterns=["a"], odds=odds, details=True)
    assert drawn.rows["probability"].mean() == pytest.approx(proportion, rel=1e-9)
    assert drawn.rows["probability"].between(0, 1).all()


def test_groups_with_probability_one_hand_on_what_they_cannot_take() -> None:
    """Odds 1 to 9 for two halves: 1.08 is too much, so the upper half gives 0.08 to the lower.

    In thirds of 1, 10 and 20, first the last and then the middle one would be more than certain.
    """
    probabilities = Groups((1.0, 9.0)).probabilities(np.arange(10.0), 0.6)
    np.testing.assert_allclose(probabilities, [0.2] * 5 + [1.0] * 5, rtol=1e-12)
    probabilities = Groups((1.0, 10.0, 20.0)).probabilities(np.arange(9.0), 0.8)
    np.testing.assert_allclose(probabilities, np.repeat([0.4, 1, 1], 3), rtol=1e-12)


def test_odds_are_relative_probabilities() -> None:
    probabilities = Groups((1.0, 2.0, 5.0)).probabilities(np.arange(9.0)[::-1], 0.2)
    np.testing.assert_allclose(probabilities, np.repeat([0.375, 0.15, 0.075], 3), rtol=1e-12)


def test_patterns_have_types_and_odds_of_their_own() -> None:
    data = numbers(2000, 2)
    drawn = bm.ampute(data, 0.3, patterns=["a", "b"], type=["LEFT", "TAIL"], details=True)
    for i, kind in enumerate(["LEFT", "TAIL"]):
        rows = drawn.rows[drawn.rows["pattern"] == i]
        logits = np.log(rows["probability"] / (1 - rows["probability"]))
        shift = logits - PULLS[kind](rows["score"])
        np.testing.assert_allclose(shift, shift.iloc[0], rtol=1e-9)
    drawn = bm.ampute(data, 0.3, patterns=["a", "b"], odds=[(1, 2), (1, 1, 4)], details=True)
    found = drawn.rows.groupby("pattern")["probability"].nunique()
    assert found.tolist() == [2, 2]


@pytest.mark.parametrize("proportion_of", ["rows", "cells"])
def test_the_expected_share_of_missing_cells(proportion_of) -> None:
    """One pattern of four has three holes, and one keeps all."""
    patterns = [[0, 0, 0, 1], [1, 1, 1, 0], [1, 1, 1, 1]]
    drawn = bm.ampute(
        numbers(100, 4),
        0.2,
        patterns=patterns,
        frequencies=[2, 1, 1],
        proportion_of=proportion_of,
        details=True,
    )
    cells = drawn.frequencies @ (drawn.patterns == 0).mean(axis=1).to_numpy()
    expected = {"rows": 0.2 * 0.75 * (2 * 3 + 1) / 3 / 4, "cells": 0.2}
    assert drawn.proportion * cells == pytest.approx(expected[proportion_of], rel=1e-12)


# Draws


def check_draws(drawn) -> None:
    """Compare patterns with their frequencies, and holes with probabilities in tenths of them."""
    rows, k = drawn.rows, len(drawn.patterns)
    expected = drawn.frequencies * len(rows)
    found = rows["pattern"].value_counts().reindex(range(k), fill_value=0)
    statistic = ((found - expected) ** 2 / expected).sum()
    assert k == 1 or chi2.sf(statistic, k - 1) > FALSE_ALARM / 2
    tenth = pd.qcut(rows["probability"].rank(method="first"), 10, labels=False)
    p = rows["probability"]
    z = (rows["amputed"] - p).groupby(tenth).sum() / np.sqrt((p * (1 - p)).groupby(tenth).sum())
    assert chi2.sf((z**2).sum(), 10) > FALSE_ALARM / 2


@pytest.mark.parametrize("kind", KINDS)
def test_holes_are_drawn_with_their_probabilities(kind) -> None:
    drawn = bm.ampute(numbers(20_000), 0.4, frequencies=[5, 3, 2], type=kind, details=True)
    check_draws(drawn)


@pytest.mark.parametrize("arguments", [{"mechanism": "MCAR"}, {"odds": (1, 2, 3, 4)}], ids=str)
def test_holes_are_drawn_with_their_probabilities_otherwise(arguments) -> None:
    check_draws(bm.ampute(numbers(20_000), 0.4, details=True, **arguments))


def test_wrong_probabilities_would_be_noticed() -> None:
    drawn = bm.ampute(numbers(20_000), 0.4, details=True)
    rows = drawn.rows.assign(probability=0.9 * drawn.rows["probability"])
    with pytest.raises(AssertionError):
        check_draws(bm.Amputation(**{**vars(drawn), "rows": rows}))


def test_the_rows_that_were_drawn_have_the_holes_of_their_patterns() -> None:
    drawn = bm.ampute(numbers(300, 4), 0.6, patterns=["a", ["b", "d"], ["c", "d"]], details=True)
    holes = flags(drawn.patterns)[drawn.rows["pattern"]] & drawn.rows[["amputed"]].to_numpy()
    np.testing.assert_array_equal(drawn.data.isna(), holes)
    assert 0 < drawn.rows["amputed"].sum() < 300


def test_under_mar_hidden_values_decide_nothing_and_under_mnar_they_do() -> None:
    """Other values of a column that goes missing: the same seed makes the same holes, or not."""
    data = numbers(500)
    other = data.assign(a=np.random.default_rng().permutation(data["a"]))
    same = {
        mechanism: bm.ampute(data, 0.5, mechanism, ["a"], random_seed=1)
        .isna()
        .equals(bm.ampute(other, 0.5, mechanism, ["a"], random_seed=1).isna())
        for mechanism in ("MAR", "MNAR", "MCAR")
    }
    assert same == {"MAR": True, "MNAR": False, "MCAR": True}


def test_proportions_at_the_ends() -> None:
    for mechanism in ("MAR", "MNAR", "MCAR"):
        assert not bm.ampute(numbers(50), 0, mechanism).isna().to_numpy().any()
        assert bm.ampute(numbers(50), 1, mechanism).isna().any(axis=1).all()


def test_an_extreme_case_reaches_the_proportion() -> None:
    """Three rows in a thousand have nearly all of the variance."""
    rng = np.random.default_rng()
    data = pd.DataFrame({"x": np.where(np.arange(1000) < 3, 1e12, rng.random(1000)), "y": 1.0})
    n = bm.ampute(data, 0.5, patterns=["y"])["y"].isna().sum()
    assert abs(n - 500) < norm.isf(FALSE_ALARM / 2) * np.sqrt(250)


def test_seeds() -> None:
    data = numbers(200)
    one, again = bm.ampute(data, random_seed=3), bm.ampute(data, random_seed=3)
    pd.testing.assert_frame_equal(one, again)
    rng, same = np.random.default_rng(3), np.random.default_rng(3)
    first = bm.ampute(data, random_seed=rng)
    pd.testing.assert_frame_equal(first, bm.ampute(data, random_seed=same))
    assert not bm.ampute(data, random_seed=rng).isna().equals(first.isna())  # once in 2**200
    assert not bm.ampute(data).isna().equals(bm.ampute(data).isna())


# Frames


def test_the_data_stay_as_they_are_and_dtypes_can_hold_holes(every_dtype) -> None:
    complete = pd.concat([every_dtype.dropna()] * 40).set_axis(np.repeat(range(10), 20), axis=0)
    complete.attrs = {"truth": {"a": 1.0}}
    before = complete.copy(deep=True)
    with_holes = bm.ampute(complete, 0.99, "MCAR")
    pd.testing.assert_frame_equal(complete, before)
    assert with_holes.isna().any().all()
    assert with_holes.attrs == before.attrs
    assert with_holes.index.equals(before.index)
    changed = {"int": "Int64", "bool": "boolean"}
    for name in complete:
        shown = with_holes[name].notna().to_numpy()
        assert str(with_holes[name].dtype) == changed.get(name, str(complete[name].dtype)), name
        assert with_holes[name][shown].tolist() == complete[name][shown].tolist(), name


def test_dtypes_do_not_depend_on_the_draws() -> None:
    data = pd.DataFrame({"count": range(30), "flag": [True, False] * 15, "kept": range(30)})
    with_holes = bm.ampute(data, 0, patterns=["count", "flag"])
    assert list(map(str, with_holes.dtypes)) == ["Int64", "boolean", "int64"]


def test_the_frame_can_be_imputed() -> None:
    with_holes = bm.ampute(numbers(60).assign(flag=[True, False] * 30, count=range(60)))
    assert bm.MICE(with_holes).table["missing"].to_dict() == with_holes.isna().sum().to_dict()


def test_ordered_levels_and_flags_are_weighed() -> None:
    rng = np.random.default_rng()
    codes = rng.integers(0, 3, 400)
    levels = pd.Categorical.from_codes(codes, ["low", "mid", "high"], ordered=True)
    data = pd.DataFrame({"x": rng.normal(size=400), "level": levels, "flag": codes == 2})
    for column in ("level", "flag"):
        weights = pd.DataFrame({column: [1.0]})
        drawn = bm.ampute(data, patterns=["x"], weights=weights, details=True)
        expected = score_rows(
            codes[:, None] if column == "level" else (codes[:, None] == 2).astype(float),
            np.zeros(400, int),
            np.ones((1, 1)),
            True,
        )
        np.testing.assert_allclose(drawn.rows["score"], expected, rtol=1e-9)


def test_ways_to_write_patterns_and_weights() -> None:
    data = numbers(100, 4)
    expected = bm.ampute(data, patterns=[[0, 1, 1, 1], [1, 0, 1, 0]], random_seed=1)
    for patterns in (
        ["a", ["b", "d"]],
        [("a",), ("d", "b")],
        np.array([[0, 1, 1, 1], [1, 0, 1, 0]]),
        np.array([[False, True, True, True], [True, False, True, False]]),
        pd.DataFrame({"d": [1, 0], "b": [1, 0], "a": [0, 1]}),
    ):
        pd.testing.assert_frame_equal(bm.ampute(data, patterns=patterns, random_seed=1), expected)
    weighed = bm.ampute(data, patterns=["a"], weights=[0, 0, 2, 1], random_seed=1)
    frame = pd.DataFrame({"d": [1], "c": [2]})
    pd.testing.assert_frame_equal(
        bm.ampute(data, patterns=["a"], weights=frame, random_seed=1), weighed
    )
    assert not weighed.equals(bm.ampute(data, patterns=["a"], random_seed=1))


def test_columns_are_found_by_the_text_of_their_labels() -> None:
    data = numbers(50).rename(columns={"a": 0, "b": 1, "c": 2})
    with_holes = bm.ampute(data, 0.5, patterns=["1"], random_seed=1)
    assert with_holes.isna().any().tolist() == [False, True, False]
    assert with_holes.columns.tolist() == [0, 1, 2]


def test_the_patterns_of_one_data_set_can_be_given_to_another() -> None:
    table = bm.missing_pattern(bm.load_dataset("nhanes"))
    complete = numbers(5000, 4).set_axis(["age", "bmi", "hyp", "chl"], axis=1)
    drawn = bm.ampute(
        complete,
        1,
        "MCAR",
        patterns=table.droplevel("n_missing", axis="columns"),
        frequencies=table.index.get_level_values("n_rows"),
    )
    made = bm.missing_pattern(drawn).droplevel("n_missing", axis="columns")[
        ["age", "hyp", "bmi", "chl"]
    ]
    shares = {tuple(row): n / 25 for row, n in zip(table.to_numpy(), [13, 3, 1, 1, 7], strict=True)}
    found = {
        tuple(row): n
        for row, n in zip(made.to_numpy(), made.index.get_level_values("n_rows"), strict=True)
    }
    assert set(found) == set(shares)
    expected = np.array([5000 * shares[row] for row in found])
    statistic = ((np.array(list(found.values())) - expected) ** 2 / expected).sum()
    assert chi2.sf(statistic, len(found) - 1) > FALSE_ALARM


def test_mcar_has_no_scores() -> None:
    drawn = bm.ampute(numbers(50), 0.3, "MCAR", details=True)
    assert drawn.rows["score"].isna().all()
    np.testing.assert_array_equal(drawn.rows["probability"], 0.3)
    assert not drawn.weights.to_numpy().any()


def test_columns_that_do_not_vary_count_for_nothing() -> None:
    data = numbers(200).assign(c=0.1)
    with_constant = bm.ampute(data, patterns=["a"], random_seed=1)
    without = bm.ampute(data, patterns=["a"], weights=[0, 1, 0], random_seed=1)
    pd.testing.assert_frame_equal(with_constant, without)


def test_equal_scores_are_warned_of() -> None:
    data = numbers(50).assign(c=0.1, b=3)
    with pytest.warns(UserWarning, match=r"All 50 rows of pattern 0 .* have the same score"):
        drawn = bm.ampute(data, 0.3, patterns=["a"], details=True)
    np.testing.assert_allclose(drawn.rows["probability"], 0.3, rtol=1e-12)


def test_terms_that_cancel_are_equal_scores() -> None:
    """Of two rows, standardized columns are plus and minus one number, and here they cancel."""
    values = np.array([[0.1, 0.3], [0.7, -0.9]])
    assert not score_rows(values, np.zeros(2, int), np.ones((1, 2)), True).any()
    raw = np.array([[0.1, 0.3, 0.6], [0.5, 0.2, 0.3]])
    assert raw.sum(axis=1)[0] == pytest.approx(raw.sum(axis=1)[1], abs=1e-15)
    assert not score_rows(raw, np.zeros(2, int), np.ones((1, 3)), False).any()


def test_few_rows() -> None:
    """One or two rows get holes with the right expectation, and no warning."""
    for n in (1, 2, 3):
        drawn = bm.ampute(numbers(n), 0.4, details=True)
        means = drawn.rows.groupby("pattern")["probability"].mean()
        np.testing.assert_allclose(means, 0.4, rtol=1e-12)
        bm.ampute(numbers(n), 0.4, odds=(1, 2, 3, 4))


# Bad input


BAD = {
    "above one": ({"proportion": 50}, "proportion is 50; expected a number from 0 to 1. For 30"),
    "below zero": ({"proportion": -0.1}, "proportion is -0.1; expected a number from 0 to 1."),
    "not a number": ({"proportion": np.nan}, "proportion is nan; expected a number from 0 to 1."),
    "text": ({"proportion": "half"}, "proportion is 'half'; expected a number from 0 to 1."),
    "a flag": ({"proportion": True}, "proportion is True; expected a number from 0 to 1."),
    "mechanism": (
        {"mechanism": "mar"},
        "mechanism is 'mar'; expected one of 'MAR', 'MNAR', 'MCAR'",
    ),
    "of what": (
        {"proportion_of": "all"},
        "proportion_of is 'all'; expected one of 'rows', 'cells'.",
    ),
    "pattern of two": (
        {"patterns": [[0, 1]]},
        "patterns has shape (1, 2); expected one row per pattern and 3 columns, one for each of a,",
    ),
    "patterns of two lengths": (
        {"patterns": [[0, 1, 1], [0, 1]]},
        "patterns is [[0, 1, 1], [0, 1]]; expected finite numbers, in rows of equal length.",
    ),
    "no pattern": ({"patterns": np.zeros((0, 3))}, "patterns has shape (0, 3); expected one row"),
    "other numbers": (
        {"patterns": [[0, 1, 1], [1, 2, 1]]},
        "patterns holds 2 for 'b' in pattern 1 (counted from 0); expected 0 for a column that",
    ),
    "unknown column": (
        {"patterns": ["a", ["b", "z"]]},
        "patterns names 'z', which is not a column of data. Columns: a, b, c.",
    ),
    "unknown column of a frame": (
        {"patterns": pd.DataFrame({"z": [0]})},
        "patterns names 'z', which is not a column of data.",
    ),
    "a column twice": (
        {"patterns": pd.DataFrame([[0, 1]], columns=["a", "a"])},
        "patterns is a frame with 1 rows and the columns a, a; expected one row per pattern, and",
    ),
    "nothing missing": (
        {"patterns": [[1, 1, 1]]},
        "No pattern that a row could be given makes anything missing.",
    ),
    "nothing missing but never": (
        {"patterns": [[1, 1, 1], [0, 1, 1]], "frequencies": [1, 0]},
        "No pattern that a row could be given makes anything missing.",
    ),
    "all missing": (
        {"patterns": [["a", "b", "c"]]},
        "Pattern 0 (counted from 0) makes all columns missing, so under mechanism 'MAR' no value",
    ),
    "weights of two": ({"weights": np.ones((3, 2))}, "weights has shape (3, 2); expected one row"),
    "too few weights": (
        {"weights": [[0, 1, 1]]},
        "weights has 1 rows, and there are 3 patterns; expected one row for each.",
    ),
    "infinite weights": (
        {"patterns": ["a"], "weights": [0, np.inf, 1]},
        "weights is [0, inf, 1]; expected finite numbers",
    ),
    "weights of text": ({"weights": "b"}, "weights is 'b'; expected finite numbers"),
    "weights of what is missing": (
        {"patterns": ["b", ["a", "c"]], "weights": [[1, 0, 0], [1, 1, 2]]},
        "mechanism is 'MAR', but weights of pattern 1 (counted from 0) are not zero for 'a', 'c', "
        "which it makes missing. Set them to zero, or say mechanism='MNAR'.",
    ),
    "no weight": (
        {"patterns": ["a"], "weights": [0, 0, 0]},
        "All weights of pattern 0 (counted from 0) are zero, so that nothing decides which rows",
    ),
    "weights and MCAR": (
        {"mechanism": "MCAR", "weights": np.ones((3, 3))},
        "mechanism is 'MCAR', where holes depend on nothing, but weights were given.",
    ),
    "type and MCAR": (
        {"mechanism": "MCAR", "type": "LEFT"},
        "mechanism is 'MCAR', where holes depend on nothing, but type says which scores get them.",
    ),
    "odds and MCAR": (
        {"mechanism": "MCAR", "odds": (1, 2)},
        "mechanism is 'MCAR', where holes depend on nothing, but odds says which scores get them.",
    ),
    "frequencies of two": (
        {"frequencies": [0.5, 0.5]},
        "frequencies has shape (2,), and there are 3 patterns; expected one number for each.",
    ),
    "negative frequencies": (
        {"frequencies": [1, -1, 1]},
        "frequencies is [1, -1, 1]; expected numbers that are not negative, and not all zero.",
    ),
    "no frequencies": ({"frequencies": [0, 0, 0]}, "frequencies is [0, 0, 0]; expected numbers"),
    "type": ({"type": "UP"}, "type is 'UP'; expected one of 'RIGHT', 'LEFT', 'MID', 'TAIL'."),
    "type of a number": ({"type": 1}, "type is 1; expected one of 'RIGHT', 'LEFT', 'MID', 'TAIL'."),
    "two types": (
        {"type": ["LEFT", "MID"]},
        "type is given for 2 patterns, and there are 3; expected one for all, or one for each.",
    ),
    "type and odds": (
        {"type": "LEFT", "odds": (1, 2)},
        "type is 'LEFT' and odds were given, and each says which scores get holes. Give one of",
    ),
    "negative odds": ({"odds": (1, -2)}, "odds holds (1, -2); expected one number per group of"),
    "no odds": ({"odds": (0, 0)}, "odds holds (0, 0); expected one number per group of scores"),
    "odds of a number": ({"odds": 3}, "odds holds 3; expected one number per group of scores"),
    "odds for two": (
        {"odds": [(1, 2), (1, 2)]},
        "odds is given for 2 patterns, and there are 3; expected one for all, or one for each.",
    ),
    "too many zeros": (
        {"odds": (0, 0, 0, 1)},
        "0.5 of the rows should get holes, but odds (0.0, 0.0, 0.0, 1.0) leave only 0.25 of the",
    ),
    "too many cells": (
        {"proportion": 0.5, "proportion_of": "cells"},
        "proportion is 0.5 of the cells, but with holes in every row these patterns make only "
        "0.3333 of them missing.",
    ),
    "seed": ({"random_seed": -1}, "random_seed is -1; expected a whole number from 0 to 2**63"),
    "seed of text": ({"random_seed": "x"}, "random_seed is 'x'; expected a whole number from 0"),
}


@pytest.mark.parametrize(
    ("given", "text"), [pytest.param(*case, id=name) for name, case in BAD.items()]
)
def test_bad_arguments_are_named(given, text) -> None:
    with pytest.raises(bm.SpecificationError, match=re.escape(text)):
        bm.ampute(numbers(20), **given)


def test_scores_that_cannot_be_cut_are_named() -> None:
    data = numbers(60, 2).assign(b=np.arange(60) % 2)
    with pytest.raises(bm.SpecificationError, match="too few different scores to be cut into 4"):
        bm.ampute(data, patterns=["a"], odds=(1, 2, 3, 4))


BAD_DATA = {
    "holes already": (
        bm.load_dataset("nhanes"),
        bm.DataError,
        "cells are missing: 'bmi' has 9, 'hyp' has 8, 'chl' has 10. Take the complete rows",
    ),
    "no frame": ([[1.0, 2.0]], bm.DataTypeError, "ampute expected data as a data frame (pandas"),
    "no rows": (pd.DataFrame({"a": []}), bm.DataError, "data has 0 rows and 1 columns"),
    "names": (
        pd.DataFrame([[1.0, 2.0]], columns=["a", "a"]),
        bm.DataError,
        "data has duplicate column names: 'a'.",
    ),
    "categories": (
        pd.DataFrame({"kind": pd.Categorical(["a", "b", "c"]), "x": [1.0, 2.0, 4.0]}),
        bm.DataError,
        "Column 'kind' has dtype category and no numbers that could be weighed",
    ),
    "texts": (
        pd.DataFrame({"kind": ["a", "b", "c"], "x": [1.0, 2.0, 4.0]}),
        bm.DataError,
        "Column 'kind' has dtype str and no numbers that could be weighed",
    ),
    "dates": (
        pd.DataFrame({"day": pd.date_range("2020-01-01", periods=5), "x": range(5)}),
        bm.DataError,
        "Column 'day' has dtype datetime64",
    ),
    "infinite": (
        pd.DataFrame({"a": [1.0, np.inf, 2.0], "b": [1.0, 2.0, 3.0]}),
        bm.DataError,
        "Column 'a' holds infinite values",
    ),
    "one column": (
        pd.DataFrame({"a": [1.0, 2.0]}),
        bm.SpecificationError,
        "Pattern 0 (counted from 0) makes all columns missing",
    ),
}


@pytest.mark.parametrize(
    ("data", "error", "text"), [pytest.param(*case, id=name) for name, case in BAD_DATA.items()]
)
def test_bad_data_are_named(data, error, text) -> None:
    with pytest.raises(error, match=re.escape(text)):
        bm.ampute(data)


def test_columns_without_weights_may_hold_anything() -> None:
    data = bm.load_dataset("whiteside")
    with_holes = bm.ampute(
        data, 0.5, patterns=["Gas", "Insul"], weights=pd.DataFrame({"Temp": [1, 1]}), random_seed=1
    )
    assert with_holes.isna().any().to_dict() == {"Insul": True, "Temp": False, "Gas": True}


@pytest.mark.parametrize("dtype", ["category", "str", object])
def test_two_levels_are_weighed_as_zero_and_one(dtype) -> None:
    data = bm.load_dataset("whiteside")
    coded = data.assign(Insul=data["Insul"].cat.codes)
    labels = data["Insul"].cat.rename_categories({"Before": "a", "After": "b"})
    found = bm.ampute(data.assign(Insul=labels.astype(dtype)), random_seed=1, details=True)
    expected = bm.ampute(coded, random_seed=1, details=True)
    pd.testing.assert_frame_equal(found.rows, expected.rows)
    assert found.rows["probability"].nunique() > 10


def test_holes_do_not_depend_on_data_that_were_made_with_the_same_seed():
    """Little's test would call them far from missing completely at random."""
    data = pd.DataFrame(np.random.default_rng(1).normal(size=(2000, 3)), columns=list("abc"))
    holes = bm.ampute(data, mechanism="MCAR", random_seed=1)
    simulated = bm.simulate_dataset("linear", n=2000, proportion=0.0, random_seed=1)
    numbers = simulated.select_dtypes("number")
    for incomplete in (holes, bm.ampute(numbers, mechanism="MCAR", random_seed=1)):
        assert bm.mcar_test(incomplete).p_value > 1e-6

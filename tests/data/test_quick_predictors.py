"""Quick predictors: what R's quickpred chooses, nominal columns by their levels, bad input."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr

import bayesmice as bm
from bayesmice.errors import BayesMiceError

R = json.loads((Path(__file__).parent / "reference" / "quickpred.json").read_text())
WORDS = {"mincor": "min_correlation", "minpuc": "min_usable"}
LIVE = """
if (!requireNamespace("mice", quietly = TRUE)) quit(status = 3)
data <- read.csv("data.csv")
write.csv(mice::quickpred(data, mincor = 0.15, minpuc = 0.75, include = "a", exclude = "b"),
          "chosen.csv")
"""


def frame_of_r(name):
    data = pd.DataFrame(R["data"][name])
    for column, levels in R["ordered"].get(name, {}).items():
        data[column] = pd.Categorical(data[column], levels, ordered=True)
    return data


def correlated(n=200, p=8, seed=3):
    """Numbers that share a factor, and are missing more often where it is large."""
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(n, 1))
    values = rng.normal(size=(n, p)) + np.linspace(0, 1, p) * factor
    values[(rng.random((n, p)) < 0.2) & (values + factor > 0)] = np.nan
    return pd.DataFrame(values, columns=list("abcdefgh")[:p])


def arguments(case):
    return ", ".join(f"{name}={value}" for name, value in case["arguments"].items())


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"{case['data']}: {arguments(case)}") for case in R["cases"]]
)
def test_r_chooses_the_same(case) -> None:
    data = frame_of_r(case["data"])
    given = {WORDS.get(name, name): value for name, value in case["arguments"].items()}
    chosen = bm.quick_predictors(data, **given)
    expected = pd.DataFrame(case["chosen"], index=data.columns, columns=data.columns) == 1
    pd.testing.assert_frame_equal(chosen, expected, check_names=False)
    assert (chosen.index.name, chosen.columns.name) == ("target", "predictor")


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_r_chooses_the_same_now(tmp_path) -> None:
    data = correlated()
    data.to_csv(tmp_path / "data.csv", index=False)
    run = subprocess.run(["Rscript", "-e", LIVE], cwd=tmp_path, check=False)
    if run.returncode == 3:
        pytest.skip("R's mice is not installed")
    assert run.returncode == 0
    expected = pd.read_csv(tmp_path / "chosen.csv", index_col=0) == 1
    chosen = bm.quick_predictors(data, 0.15, "a", "b", min_usable=0.75)
    pd.testing.assert_frame_equal(chosen, expected, check_names=False)
    assert 0 < expected.to_numpy().sum() < 40


def scipy_correlation(first, second):
    """The absolute correlation over rows that show both, zero where it is not defined."""
    both = ~np.isnan(first) & ~np.isnan(second)
    first, second = first[both], second[both]
    if len(first) < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return abs(pearsonr(first, second).statistic)


def indicators(column):
    """One array per level of a column, NaN where it is missing."""
    return [
        np.where(column.isna(), np.nan, (column == level).astype(float))
        for level in column.dropna().unique()
    ]


@pytest.fixture
def with_regions():
    """A region of four levels that goes with income at one level only, and hides it."""
    rng = np.random.default_rng(11)
    n = 150
    region = pd.Series(rng.choice(["north", "east", "south", "west"], n))
    income = pd.Series(rng.normal(size=n) + 2.0 * (region == "east"))
    other = pd.Series(rng.choice(["x", "y", "z"], n)).where(region != "south", "x")
    income[(region == "west") & (rng.random(n) < 0.6)] = np.nan
    region[rng.random(n) < 0.1] = None
    other[rng.random(n) < 0.1] = None
    return pd.DataFrame({"income": income, "region": region, "other": other})


def test_a_nominal_column_counts_by_the_best_of_its_levels(with_regions) -> None:
    data = with_regions
    numbers = {
        "income": [data["income"].to_numpy()],
        "region": indicators(data["region"]),
        "other": indicators(data["other"]),
    }
    for target in data:
        response = data[target].notna().to_numpy(float)
        for column in data.columns.drop(target):
            of_values = max(
                scipy_correlation(a, b) for a in numbers[target] for b in numbers[column]
            )
            of_missingness = max(scipy_correlation(response, b) for b in numbers[column])
            largest = max(of_values, of_missingness)
            below = bm.quick_predictors(data, largest - 1e-9).loc[target, column]
            above = bm.quick_predictors(data, largest + 1e-9).loc[target, column]
            assert below, (target, column)
            assert not above, (target, column)


def test_the_names_of_levels_do_not_matter(with_regions) -> None:
    renamed = with_regions.assign(
        region=with_regions["region"].replace({"north": "z", "east": "m", "south": "a"})
    )
    for threshold in (0.1, 0.2, 0.3, 0.5):
        pd.testing.assert_frame_equal(
            bm.quick_predictors(with_regions, threshold), bm.quick_predictors(renamed, threshold)
        )


def test_missingness_alone_makes_a_predictor() -> None:
    """Seen only where x is above 0, y is independent of x there."""
    x = np.concatenate([np.tile([-2.0, -1.0], 20), np.tile([1.0, 2.0], 20)])
    y = np.concatenate([np.full(40, np.nan), np.repeat([5.0, 5.0, 6.0, 6.0], 10)])
    data = pd.DataFrame({"x": x, "y": y})
    assert scipy_correlation(x, y) < 1e-12
    assert bm.quick_predictors(data, 0.9).loc["y", "x"]


def test_origin_and_unit_do_not_matter() -> None:
    data = correlated()
    moved = 1e9 + 1e-2 * data
    assert bm.quick_predictors(data, 0.3).to_numpy().any()
    pd.testing.assert_frame_equal(bm.quick_predictors(data, 0.3), bm.quick_predictors(moved, 0.3))


@pytest.mark.parametrize("method", ["pearson", "spearman", "kendall"])
def test_correlations_that_are_not_defined_choose_nothing(method) -> None:
    """Constant; constant wherever y was observed (but for rounding); never seen with y."""
    data = pd.DataFrame(
        {
            "y": [0.1, 0.7, 0.3, 0.9, np.nan, np.nan],
            "constant": [0.1] * 6,
            "constant with y": [0.1, 0.1, 0.1, 0.1, 0.3, 0.8],
            "apart": [np.nan, np.nan, np.nan, np.nan, 0.2, 0.4],
        }
    )
    chosen = bm.quick_predictors(data, 0.0, method=method)
    expected = {"constant": False, "constant with y": True, "apart": False}  # tells of missingness
    assert chosen.loc["y"].drop("y").to_dict() == expected
    assert not chosen.loc["apart", "y"]


def test_labels_of_rows_are_not_chosen() -> None:
    data = correlated(n=30).assign(name=[f"person {i}" for i in range(30)])
    assert not bm.quick_predictors(data, 0.0)["name"].any()
    assert bm.quick_predictors(data, 0.0, include="name")["name"].sum() == 8


def test_a_higher_threshold_chooses_fewer() -> None:
    data = correlated()
    counts = []
    for threshold in (0.0, 0.1, 0.2, 0.4, 1.0):
        chosen = bm.quick_predictors(data, threshold)
        counts.append(int(chosen.to_numpy().sum()))
        assert not (chosen & ~bm.quick_predictors(data, 0.0)).any(axis=None)
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == 8 * 7
    assert counts[-1] == 0


def test_complete_columns_have_no_predictors_and_none_predicts_itself() -> None:
    data = correlated().assign(whole=1.0 * np.arange(200))
    chosen = bm.quick_predictors(data, 0.0, include=["whole", "a"])
    assert not chosen.loc["whole"].any()
    assert not np.diag(chosen).any()
    assert chosen["whole"].sum() == 8
    assert chosen["a"].sum() == 7


def test_usable_cases_are_those_that_show_the_predictor_where_the_target_is_missing() -> None:
    """Half of y's four missing rows show x; z is missing in all of them."""
    data = pd.DataFrame(
        {
            "y": [1.0, 2.0, 3.0, 4.0, np.nan, np.nan, np.nan, np.nan],
            "x": [1.0, 2.0, 3.0, 5.0, 6.0, 7.0, np.nan, np.nan],
            "z": [1.0, 2.0, 3.0, 5.0, np.nan, np.nan, np.nan, np.nan],
        }
    )
    assert bm.quick_predictors(data, min_usable=0.5).loc["y"].tolist() == [False, True, False]
    assert bm.quick_predictors(data, min_usable=0.51).loc["y"].tolist() == [False, False, False]


def test_every_dtype_is_read_and_the_data_stay_as_they_are(every_dtype) -> None:
    before = every_dtype.copy(deep=True)
    chosen = bm.quick_predictors(every_dtype, 0.999)
    pd.testing.assert_frame_equal(every_dtype, before)
    assert list(chosen.index) == list(chosen.columns) == list(every_dtype)
    assert set(map(str, chosen.dtypes)) == {"bool"}
    for first, second in [
        ("float", "Float64"),
        ("float", "float32"),
        ("boolean", "objects of bool"),
        ("two floats", "two Int64"),
        ("str", "string"),
        ("object", "category"),
    ]:
        assert chosen.loc[first, second], (first, second)
    assert chosen.loc["Int64", "int"]
    assert not chosen.loc["float", "Int64"]


def test_columns_are_found_by_the_text_of_their_labels() -> None:
    data = correlated(p=3).rename(columns={"a": 0, "b": 1, "c": 2})
    chosen = bm.quick_predictors(data, include=[0], exclude=["1"])
    assert chosen.index.tolist() == ["0", "1", "2"]
    assert chosen["0"].tolist() == [False, True, True]
    assert not chosen["1"].any()


BAD = {
    "unknown include": ({"include": ["a", "z"]}, "include names 'z', which is not a column of"),
    "unknown exclude": ({"exclude": "ab"}, "exclude names 'ab', which is not a column of data."),
    "in both": ({"include": "a", "exclude": ["b", "a"]}, "include and exclude both name 'a'."),
    "above one": ({"min_correlation": 1.5}, "min_correlation is 1.5; expected a number from 0"),
    "not a number": ({"min_correlation": np.nan}, "min_correlation is nan; expected a number"),
    "a flag": ({"min_correlation": True}, "min_correlation is True; expected a number from 0"),
    "text": ({"min_usable": "half"}, "min_usable is 'half'; expected a number from 0 to 1."),
    "below zero": ({"min_usable": -0.1}, "min_usable is -0.1; expected a number from 0 to 1."),
    "method": (
        {"method": "cosine"},
        "method is 'cosine'; expected one of 'pearson', 'spearman', 'kendall'.",
    ),
}


@pytest.mark.parametrize(
    ("given", "text"), [pytest.param(*case, id=name) for name, case in BAD.items()]
)
def test_bad_arguments_are_named(given, text) -> None:
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        bm.quick_predictors(correlated(), **given)
    assert isinstance(caught.value, bm.SpecificationError)


def test_data_that_cannot_be_imputed_are_refused() -> None:
    with pytest.raises(BayesMiceError, match="Column 'x' has no observed value"):
        bm.quick_predictors(pd.DataFrame({"x": [np.nan, np.nan], "y": [1.0, 2.0]}))

"""Little's test and the maximum likelihood estimates behind it."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayesmice as bm
from bayesmice.data.normal_em import fit_normal

NAN = np.nan


@pytest.fixture(scope="module")
def monotone():
    rng = np.random.default_rng(11)
    x = rng.normal(3.0, 2.0, 60)
    y = 1.0 + 0.7 * x + rng.normal(size=60)
    z = 2.0 - 0.4 * x + 0.9 * y + rng.normal(size=60)
    y[40:] = NAN
    z[25:] = NAN
    return pd.DataFrame({"x": x, "y": y, "z": z})


def factored_likelihood(data):
    """Little and Rubin 2020, section 7.4: regressions of each column on those before it."""
    x = data["x"].to_numpy()
    mean, covariance = np.array([x.mean()]), np.array([[x.var()]])
    for name in ("y", "z"):
        rows = data[name].notna().to_numpy()
        before = data[["x", "y"]].to_numpy()[rows][:, : len(mean)]
        design = np.column_stack([np.ones(rows.sum()), before])
        target = data[name].to_numpy()[rows]
        slopes, *_ = np.linalg.lstsq(design, target, rcond=None)
        residual = np.mean((target - design @ slopes) ** 2)
        between = covariance @ slopes[1:]
        variance = residual + slopes[1:] @ between
        mean = np.append(mean, slopes[0] + slopes[1:] @ mean)
        covariance = np.block([[covariance, between[:, None]], [between[None], variance]])
    return mean, covariance


def test_estimates_of_monotone_data_are_those_of_the_factored_likelihood(monotone) -> None:
    fit = fit_normal(monotone.to_numpy())
    mean, covariance = factored_likelihood(monotone)
    np.testing.assert_allclose(fit.mean, mean, rtol=1e-7)
    np.testing.assert_allclose(fit.covariance, covariance, rtol=1e-6)


def test_estimates_of_complete_data_are_moments_after_one_step() -> None:
    values = np.random.default_rng(2).normal(size=(30, 3)) * [1.0, 1e6, 1e-6]
    fit = fit_normal(values)
    np.testing.assert_allclose(fit.mean, values.mean(axis=0))
    np.testing.assert_allclose(fit.covariance, np.cov(values.T, ddof=0))
    assert fit.iterations == 2


def test_estimates_of_airquality_are_those_of_another_em_program() -> None:
    # R, an EM of its own with a tolerance of 1e-10, written for this comparison.
    columns = ["Ozone", "Solar.R", "Wind", "Temp"]
    fit = fit_normal(bm.load_dataset("airquality")[columns].to_numpy(dtype=float))
    expected = [41.871173019595965, 184.84680624984554, 9.957516339869281, 77.88235294117646]
    np.testing.assert_allclose(fit.mean, expected, rtol=1e-7)
    np.testing.assert_allclose(
        fit.covariance[0],
        [1044.0186430644235, 942.5298418128417, -64.63592769371299, 209.56350282614886],
        rtol=1e-6,
    )


def test_statistic_of_airquality_is_that_of_naniar() -> None:
    # What the tests of R's naniar expect of mcar_test(airquality); its EM stops earlier than ours.
    test = bm.mcar_test(bm.load_dataset("airquality"))
    assert test.statistic == pytest.approx(35.1061288689702, rel=1e-5)
    assert test.df == 14
    assert test.p_value == pytest.approx(0.00141778113856683, rel=1e-4)
    assert len(test.patterns) == 4


def test_a_row_that_shows_nothing_is_not_used() -> None:
    data = bm.load_dataset("airquality")
    with_empty = pd.concat([data, pd.DataFrame([dict.fromkeys(data.columns, NAN)])])
    one, two = bm.mcar_test(data), bm.mcar_test(with_empty)
    assert (one.statistic, one.df, one.n_rows) == (two.statistic, two.df, two.n_rows)


def test_of_two_columns_with_one_incomplete_it_is_a_comparison_of_two_means(monotone) -> None:
    data = monotone[["x", "y"]]
    x, shown = data["x"].to_numpy(), data["y"].notna().to_numpy()
    gap = x[shown].mean() - x[~shown].mean()
    expected = 40 * 20 / 60 * gap**2 / x.var()
    test = bm.mcar_test(data)
    assert test.statistic == pytest.approx(expected, rel=1e-6)
    assert test.df == 1
    assert test.p_value == pytest.approx(stats.chi2.sf(expected, 1), rel=1e-6)
    assert test.differences["x"].pow(2).sum() == pytest.approx(expected, rel=1e-6)
    assert test.patterns["statistic"].sum() == pytest.approx(expected, rel=1e-6)


def test_units_do_not_matter() -> None:
    data = bm.load_dataset("airquality").astype(float)
    other = data * [1e6, 1e-6, -1.0, 1.8, 1.0, 1.0] + [0.0, 0.0, 5.0, 32.0, 0.0, 0.0]
    assert bm.mcar_test(other).statistic == pytest.approx(bm.mcar_test(data).statistic, rel=1e-6)


def test_which_level_is_left_out_does_not_matter() -> None:
    data = bm.load_dataset("nhanes2")
    codes = data["age"].cat.codes.to_numpy()
    statistics = [
        bm.mcar_test(data.assign(age=np.array(names, dtype=object)[codes])).statistic
        for names in (["a", "b", "c"], ["c", "a", "b"], ["b", "c", "a"])
    ]
    assert np.ptp(statistics) < 1e-5 * statistics[0]


def test_columns_that_determine_each_other_count_by_their_rank() -> None:
    data = bm.load_dataset("airquality")
    doubled = data.assign(Celsius=(data["Temp"] - 32) / 1.8)
    one, two = bm.mcar_test(data), bm.mcar_test(doubled)
    assert two.statistic == pytest.approx(one.statistic, rel=1e-5)
    assert two.df == one.df


def test_missing_at_random_by_another_column_is_found() -> None:
    complete = bm.simulate_dataset("linear", n=300, proportion=0, random_seed=1)
    # Other seeds than that of the data: the same one would draw the same numbers again, and rows
    # would get holes by their age.
    mar = bm.ampute(complete, 0.4, "MAR", random_seed=2)
    mcar = bm.ampute(complete, 0.4, "MCAR", random_seed=2)
    assert bm.mcar_test(mar).p_value < 1e-4 < bm.mcar_test(mcar).p_value


def test_it_says_what_it_found_and_what_that_does_not_mean() -> None:
    rejected = bm.mcar_test(bm.load_dataset("airquality"))
    assert repr(rejected).startswith(
        "Little's test of MCAR: d2 = 35.11, df = 14, p = 0.00142 (153 rows, 4 patterns"
    )
    assert "missing at random given the observed ones (MAR) is another question" in repr(rejected)
    assert rejected.patterns["missing"].tolist() == ["Ozone, Solar.R", "Ozone", "Solar.R", "(none)"]
    data = bm.load_dataset("nhanes2").assign(name=list("abcdefghijklmnopqrstuvwxy"), site="<b>")
    kept = bm.mcar_test(data)
    assert "That is no evidence of MCAR" in repr(kept)
    assert kept.left_out == {
        "name": "every level occurs once, as in an identifier",
        "site": "all its observed values are equal",
    }
    assert "Left out: name (every level occurs once" in repr(kept)
    assert "<table" in kept._repr_html_()


def test_names_are_escaped_in_html() -> None:
    data = pd.DataFrame({"<i>": [1.0, 2.0, NAN, 4.0, 2.5], "b": [1.0, 3.0, 2.0, 5.0, 2.0]})
    assert "&lt;i&gt;" in bm.mcar_test(data)._repr_html_()


def test_any_library_of_data_frames_is_read() -> None:
    pl = pytest.importorskip("polars")
    data = bm.load_dataset("airquality")
    test = bm.mcar_test(pl.from_pandas(data))
    assert test.statistic == pytest.approx(bm.mcar_test(data).statistic)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"a": [1.0, 2.0, 3.0], "b": [2.0, 1.0, 5.0]}, "has nothing to compare: in all of the 3"),
        ({"a": [1.0, 2.0, NAN]}, r"found 1 column\(s\) that vary; expected two"),
        ({"a": [1.0, 1.0, NAN], "b": [1.0, 2.0, 3.0]}, r"found 1 column\(s\) that vary"),
        (
            {"a": [1.0, 2.0, NAN, NAN], "b": [NAN, NAN, 1.0, 4.0], "c": [1.0, 2.0, 4.0, 3.0]},
            "needs the covariance of 'a' and 'b', which no row shows together",
        ),
        ({"a": [1.0, NAN, 3.0], "b": [2.0, 1.0, 5.0], "c": [1, 5, 7]}, "3 coded columns from 3"),
        ({"a": [1.0, np.inf, NAN], "b": [2.0, 1.0, 5.0]}, "'a' holds infinite values"),
    ],
)
def test_what_cannot_be_tested_is_refused_with_a_sentence(data, text) -> None:
    with pytest.raises(bm.DataError, match=text):
        bm.mcar_test(pd.DataFrame(data))


def test_something_that_is_no_table_is_refused() -> None:
    with pytest.raises(bm.DataTypeError, match=re.escape("mcar_test")):
        bm.mcar_test([1.0, 2.0])

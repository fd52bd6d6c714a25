"""`pool` on estimates and covariances: names, order, degrees of freedom, errors, tables."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from bayesmice.errors import PoolingError
from bayesmice.pooling import PooledResults, pool

TABLES = json.loads((Path(__file__).parent / "reference" / "table_cases.json").read_text())["cases"]
COLUMNS = [
    "estimate",
    "std_error",
    "statistic",
    "df",
    "p_value",
    "ci_low",
    "ci_high",
    "riv",
    "lambda",
    "fmi",
]
MICE_COLUMNS = [
    "estimate",
    "std.error",
    "statistic",
    "df",
    "p.value",
    "conf.low",
    "conf.high",
    "riv",
    "lambda",
    "fmi",
]

Q = np.array([[1.0, 4.0], [2.0, 2.0], [3.0, 0.0]])
U = np.array([np.array([[a, 0.5], [0.5, 5.0]]) for a in (1.0, 2.0, 3.0)])


def fits(q_hat=Q, covariances=U, names=("z", "a")):
    """One labelled pair per imputation; 'z' before 'a' shows that nothing is sorted."""
    names = list(names)
    return [
        (pd.Series(q, index=names), pd.DataFrame(u, index=names, columns=names))
        for q, u in zip(q_hat, covariances, strict=True)
    ]


def fit_with(imputation, **parts):
    """Three results with .params and .cov_params(), one of which has other attributes."""
    results = [
        SimpleNamespace(params=params, cov_params=lambda cov=cov: cov, df_resid=40.0)
        for params, cov in fits()
    ]
    vars(results[imputation]).update(parts)
    return results


@pytest.mark.parametrize(
    ("case", "df_complete"),
    [("base", 47.0), ("no_df_residual", None), ("dfcom_argument_20", 20.0)],
)
def test_summary_is_the_table_of_mice(case, df_complete):
    rows = pd.DataFrame(TABLES["input"])
    rows["imputation"] = np.repeat(range(5), 3)
    pairs = [
        (one.set_index("term")["estimate"], one.set_index("term")["std.error"] ** 2)
        for _, one in rows.groupby("imputation")
    ]
    summary = pool(pairs, df_complete=df_complete).table
    mice = pd.DataFrame(TABLES[case]).set_index("term")
    assert summary.index.tolist() == ["b", "a", "c"]
    assert summary.columns.tolist() == COLUMNS
    np.testing.assert_allclose(summary, mice[MICE_COLUMNS], rtol=1e-10)


def test_covariance_matrices_carry_the_names_and_the_sum():
    pooled = pool(fits())
    expected = [[2 + 4 / 3, 0.5 - 8 / 3], [0.5 - 8 / 3, 5 + 16 / 3]]
    table = pooled.cov_params()
    assert table.index.tolist() == table.columns.tolist() == ["z", "a"]
    np.testing.assert_allclose(table, expected, rtol=1e-14)
    np.testing.assert_allclose(pooled.within, [[2, 0.5], [0.5, 5]], rtol=1e-14)
    np.testing.assert_allclose(pooled.between, [[1, -2], [-2, 4]], rtol=1e-14)
    np.testing.assert_allclose(pooled.bse**2, np.diag(expected), rtol=1e-14)


def test_parameters_in_another_order_are_aligned_by_name():
    other = fits()
    other[1] = tuple(table.iloc[::-1] for table in other[1])
    other[1] = (other[1][0], other[1][1].iloc[:, ::-1])
    pd.testing.assert_frame_equal(pool(other).cov_params(), pool(fits()).cov_params())
    pd.testing.assert_frame_equal(pool(other).table, pool(fits()).table)


def test_a_covariance_in_another_order_than_its_estimates_is_aligned():
    other = [(q, u.loc[["a", "z"], ["a", "z"]]) for q, u in fits()]
    pd.testing.assert_frame_equal(pool(other).cov_params(), pool(fits()).cov_params())


def test_a_labelled_covariance_names_estimates_without_labels():
    pooled = pool([(q.to_numpy(), u) for q, u in fits()])
    pd.testing.assert_frame_equal(pooled.table, pool(fits()).table)


@pytest.mark.parametrize(
    "stacked",
    [
        (pd.DataFrame(Q, columns=["z", "a"]), U),
        (pd.DataFrame(Q, columns=["z", "a"], index=[7, 8, 9]), U),
    ],
)
def test_stacked_tables_pool_like_a_list_of_pairs(stacked):
    pd.testing.assert_frame_equal(pool(stacked).cov_params(), pool(fits()).cov_params())
    pd.testing.assert_frame_equal(pool(stacked).table, pool(fits()).table)


def test_stacked_arrays_name_parameters_by_position():
    pooled = pool((Q, U))
    assert pooled.params.to_dict() == {0: 2.0, 1: 2.0}
    np.testing.assert_allclose(pooled.cov_params(), pool(fits()).cov_params(), rtol=1e-15)


def test_two_stacked_imputations_of_two_parameters_are_not_taken_for_matrices():
    q_hat, variances = np.array([[1.0, 4.0], [2.0, 2.0]]), np.array([[1.0, 3.0], [2.0, 5.0]])
    pooled = pool((q_hat, variances))
    np.testing.assert_allclose(np.diag(pooled.within), [1.5, 4.0], rtol=1e-15)


def test_stacked_variances_are_matched_to_estimates_by_column():
    q_hat = pd.DataFrame(Q, columns=["z", "a"])
    variances = pd.DataFrame({"a": [5.0, 5.0, 5.0], "z": [1.0, 2.0, 3.0]})
    pd.testing.assert_frame_equal(pool((q_hat, variances)).table, pool(fits()).table)


def test_variances_alone_leave_covariances_unknown_and_the_table_as_it_is():
    pooled = pool([(q, pd.Series(np.diag(u), index=u.index)) for q, u in fits()])
    pd.testing.assert_frame_equal(pooled.table, pool(fits()).table)
    assert np.isnan(pooled.cov_params().loc["z", "a"])
    assert np.isnan(pooled.within.loc["a", "z"])
    assert pooled.between.loc["z", "a"] == pytest.approx(-2)


def test_scalars_pool_as_one_parameter():
    pooled = pool((q, 0.5) for q in (1.0, 2.0, 3.0))
    assert pooled.params.tolist() == [2.0]
    assert pooled.bse.iloc[0] == pytest.approx(np.sqrt(0.5 + 4 / 3))
    assert pooled.m == 3


def test_copies_of_one_result_give_back_that_result():
    pooled = pool([fits()[0]] * 4)
    pd.testing.assert_series_equal(pooled.params, fits()[0][0], check_names=False)
    np.testing.assert_allclose(pooled.cov_params(), U[0], rtol=1e-15)
    assert pooled.table["lambda"].tolist() == [0, 0]


def test_rescaling_leaves_statistic_and_missing_information_as_they_are():
    scale = np.array([1000.0, 0.01])
    other = pool(fits(Q * scale, U * np.outer(scale, scale)), df_complete=30)
    before, after = pool(fits(), df_complete=30).table, other.table
    for column in ("estimate", "std_error", "ci_low", "ci_high"):
        np.testing.assert_allclose(after[column], before[column] * scale, rtol=1e-12)
    for column in ("statistic", "df", "p_value", "riv", "lambda", "fmi"):
        np.testing.assert_allclose(after[column], before[column], rtol=1e-12)


def test_intervals_are_the_same_by_alpha_and_by_level():
    pooled = pool(fits(), df_complete=30)
    interval, summary = pooled.conf_int(alpha=0.1), pooled.to_frame(conf_level=0.9)
    assert interval.columns.tolist() == [0, 1]
    np.testing.assert_allclose(interval, summary[["ci_low", "ci_high"]], rtol=1e-12)
    narrower = pooled.conf_int(alpha=0.2)
    assert (narrower[0] > interval[0]).all()
    assert (narrower[1] < interval[1]).all()


def test_series_have_the_columns_of_the_summary():
    pooled = pool(fits(), df_complete=30)
    summary = pooled.table
    for name, column in (
        ("params", "estimate"),
        ("bse", "std_error"),
        ("tvalues", "statistic"),
        ("pvalues", "p_value"),
        ("df", "df"),
    ):
        pd.testing.assert_series_equal(getattr(pooled, name), summary[column])


def test_df_complete_may_be_given_by_name():
    by_name = pool(fits(), df_complete=pd.Series({"a": 10.0, "z": 40.0}))
    by_position = pool(fits(), df_complete=[40.0, 10.0])
    assert by_name.df.tolist() == by_position.df.tolist()
    assert by_name.df["z"] == pool(fits(), df_complete=40.0).df["z"]


def test_residual_df_that_differ_warn_and_the_smallest_is_used():
    results = fit_with(1, df_resid=38.0)
    with pytest.warns(UserWarning, match=r"differ between imputations: 38, 40\. The smallest"):
        pooled = pool(results)
    assert pooled.df.tolist() == pool(fits(), df_complete=38.0).df.tolist()


def test_df_complete_silences_residual_df_that_differ():
    pooled = pool(fit_with(1, df_resid=38.0), df_complete=40.0)
    assert pooled.df.tolist() == pool(fits(), df_complete=40.0).df.tolist()


@pytest.mark.parametrize("df_resid", [np.nan, np.inf, None])
def test_residual_df_that_are_not_finite_mean_a_large_sample(df_resid):
    results = [
        SimpleNamespace(params=q, cov_params=lambda u=u: u, df_resid=df_resid) for q, u in fits()
    ]
    assert pool(results).df.tolist() == pool(fits()).df.tolist()


def test_parameters_beyond_those_that_the_design_names_go_by_position():
    results = fit_with(0)
    for result in results:
        result.params = result.params.to_numpy()
        result.model = SimpleNamespace(exog_names=["const"])
    assert pool(results).params.index.tolist() == [0, 1]


@pytest.mark.parametrize("said", [{"converged": False}, {"mle_retvals": {"converged": False}}])
def test_fits_that_did_not_converge_are_named(said):
    with pytest.warns(UserWarning, match=r"1 of 3 imputations did not converge: 2 \(counted"):
        pool(fit_with(2, **said))


def test_warnings_point_at_the_caller():
    with pytest.warns(UserWarning, match="converge") as caught:
        pool(fit_with(2, converged=False))
    assert caught[0].filename == __file__


@pytest.mark.parametrize("number", [0, 1])
def test_fewer_than_two_results_are_refused(number):
    text = (
        f"pool needs at least 2 results to estimate the between-imputation variance; "
        f"got {number}. Run mice(m=5) or more."
    )
    with pytest.raises(PoolingError, match=f"^{re.escape(text)}$"):
        pool(fits()[:number])
    with pytest.raises(PoolingError, match=f"^{re.escape(text)}$"):
        pool((Q[:number], U[:number]))


def test_different_parameters_are_listed_by_imputation():
    results = fits()
    results[1] = fits(names=("z", "b"))[1]
    results[2] = (results[2][0].iloc[:1], results[2][1].iloc[:1, :1])
    text = r"imputation 0: imputation 1 lacks 'a' and adds 'b'; imputation 2 lacks 'a'\. A category"
    with pytest.raises(PoolingError, match=text):
        pool(results)


def test_repeated_names_are_refused():
    with pytest.raises(PoolingError, match=r"Imputation 0 has more than one parameter .* 'z'"):
        pool(fits(names=("z", "z")))


def changed(imputation, estimates=None, covariance=None):
    results = fits()
    q, u = results[imputation]
    results[imputation] = (q if estimates is None else estimates, u)
    if covariance is not None:
        results[imputation] = (results[imputation][0], covariance)
    return results


@pytest.mark.parametrize(
    ("results", "text"),
    [
        (
            changed(2, estimates=pd.Series({"z": 1.0, "a": np.nan})),
            "Imputation 2: parameter 'a' has the estimate nan; it must be finite",
        ),
        (
            changed(1, covariance=np.diag([-0.5, 1.0])),
            r"Imputation 1: parameter 'z' has the variance -0\.5; it must not be negative",
        ),
        (
            changed(1, covariance=np.diag([0.5, np.inf])),
            "Imputation 1: parameter 'a' has the variance inf; it must be finite",
        ),
        (
            changed(0, covariance=np.array([[1.0, np.nan], [np.nan, 1.0]])),
            "Imputation 0: parameter 'z' has a covariance that is not finite",
        ),
        (
            changed(1, covariance=np.eye(3)),
            r"Imputation 1 has 2 parameter names, estimates of shape \(2,\) and a covariance of "
            r"shape \(3, 3\)",
        ),
        (changed(1, covariance=0.5), r"Imputation 1 has 2 .* a covariance of shape \(1,\)"),
        (
            changed(1, covariance=pd.Series({"z": 1.0, "b": 1.0})),
            r"Imputation 1 cannot be read: The covariance is labelled \['z', 'b'\], and the "
            r"parameters are \['z', 'a'\]",
        ),
        (changed(1, estimates=["one", "two"]), "Imputation 1 cannot be read: could not convert"),
        (
            [*fits(), "fit"],
            r"Imputation 3 cannot be read: it is of the type str, which pool does not know\. It "
            r"accepts fitted models with \.params and \.cov_params\(\), .* and tuples "
            r"\(estimates, covariance\)",
        ),
        (fits()[0], r"got one tuple \(estimates, covariance\), and needs one per imputation"),
        (fit_with(0)[0], "needs an iterable of results, .* got one SimpleNamespace"),
        ((Q, U[:2]), r"\(m, k, k\) or their variances \(m, k\); got \(3, 2\) and \(2, 2, 2\)"),
        ((pd.DataFrame({"z": ["low", "high"]}), np.ones((2, 1))), "must be numbers: could not"),
        (
            (pd.DataFrame(Q, columns=["z", "a"]), pd.DataFrame(Q**2, columns=["z", "b"])),
            r"The table of variances is labelled \['z', 'b'\]",
        ),
    ],
)
def test_results_that_cannot_be_pooled_say_where_and_why(results, text):
    with pytest.raises(PoolingError, match=text):
        pool(results)


@pytest.mark.parametrize(
    ("df_complete", "text"),
    [
        (-1.0, r"df_complete must not be negative or NaN; got -1\.0"),
        ([1.0, 2.0, 3.0], r"of shape \(2,\); got shape \(3,\)"),
        (pd.Series({"z": 1.0, "b": 2.0}), r"df_complete is labelled \['z', 'b'\]"),
    ],
)
def test_df_complete_that_does_not_fit_is_refused(df_complete, text):
    with pytest.raises(PoolingError, match=text):
        pool(fits(), df_complete=df_complete)


@pytest.mark.parametrize("level", [0, 1, -0.5, 95, np.nan])
def test_confidence_levels_outside_zero_and_one_are_refused(level):
    pooled = pool(fits())
    with pytest.raises(PoolingError, match=f"conf_level must lie between 0 and 1; got {level}"):
        pooled.summary(conf_level=level)
    with pytest.raises(PoolingError, match=f"alpha must lie between 0 and 1; got {level}"):
        pooled.conf_int(alpha=level)


def test_repr_says_m_and_the_rule_and_shows_the_table():
    pooled = pool(fits(), df_complete=30)
    text = repr(pooled)
    assert isinstance(pooled, PooledResults)
    assert text.splitlines()[0].strip() == "Pooled results, Rubin's rules"
    for word in [*COLUMNS, "z", "a"]:
        assert word in text.split()
    assert "1.826" in text  # sqrt(2 + 4 / 3), the standard error of z


def test_html_escapes_parameter_names():
    html = pool(fits(names=("<b>z</b>", "a")))._repr_html_()
    assert "&lt;b&gt;z&lt;/b&gt;" in html
    assert "<b>" not in html
    assert ">Imputations (m)</th><td>3</td>" in html
    assert "1.826" in html


def test_no_variance_at_all_is_shown_without_a_warning():
    pooled = pool([(pd.Series({"fixed": 2.0}), 0.0)] * 3)
    row = pooled.table.loc["fixed"]
    assert (row["estimate"], row["std_error"], row["statistic"]) == (2.0, 0.0, np.inf)
    assert row[["df", "p_value", "ci_low", "fmi"]].isna().all()
    assert "fixed" in repr(pooled)

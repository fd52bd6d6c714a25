"""Running an analysis on every completed data set, by function and by formula."""

import os

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from statsmodels.miscmodels.ordinal_model import OrderedModel

import bayesmice as bm
from bayesmice.analysis.analyses import Analyses, run_analyses
from bayesmice.analysis.formulas import FormulaFit, find_model


@pytest.fixture(scope="module")
def imputations() -> bm.Imputations:
    rng = np.random.default_rng(5)
    x = rng.normal(size=60)
    frame = pd.DataFrame({"x": x, "y": 1 + x + rng.normal(size=60)})
    frame["sick"] = (frame["y"] + rng.normal(size=60) > 1).astype(int)
    frame.loc[:14, "x"] = np.nan
    mice = bm.MICE(frame, models={"x": bm.Regression("y")})
    return mice.mice(m=4, sweeps=3, random_seed=1, progressbar=False)


def test_an_analysis_gets_every_completed_data_set_in_order(imputations):
    means = imputations.analyze(lambda df: df["x"].mean(), progressbar=False)
    assert list(means) == [df["x"].mean() for df in imputations.data]
    assert len(means) == 4
    assert means[1] == means[:2][1]
    assert "4 results" in repr(means)


def test_results_are_pooled_like_a_list_of_them(imputations):
    fits = imputations.analyze(lambda df: smf.ols("y ~ x", df).fit(), progressbar=False)
    by_hand = bm.pool([smf.ols("y ~ x", df).fit() for df in imputations.data], df_complete=30)
    pd.testing.assert_frame_equal(fits.pool(df_complete=30).table, by_hand.table)


def test_a_formula_is_short_for_a_function(imputations):
    fits = imputations.fit("y ~ x", progressbar=False)
    by_function = imputations.analyze(lambda df: smf.ols("y ~ x", df).fit(), progressbar=False)
    pd.testing.assert_frame_equal(fits.pool().table, by_function.pool().table)


def test_options_reach_the_model_and_its_fit(imputations):
    family = sm.families.Binomial()
    glm = imputations.fit("sick ~ x", "glm", family=family, progressbar=False)
    logit = imputations.fit("sick ~ x", "Logit", progressbar=False)
    np.testing.assert_allclose(glm.pool().params, logit.pool().params, rtol=1e-5)
    robust = imputations.fit("y ~ x", fit_options={"cov_type": "HC3"}, progressbar=False)
    assert robust[0].cov_type == "HC3"


def test_fits_print_nothing(imputations, capsys):
    imputations.fit("sick ~ x", "logit", progressbar=False)
    assert capsys.readouterr().out == ""


def test_a_function_of_formula_and_data_is_a_model(imputations):
    fits = imputations.fit("sick ~ x", OrderedModel.from_formula, progressbar=False)
    assert fits.pool().terms.tolist() == ["x", "0.0/1.0"]


def test_a_progress_bar_counts_the_analyses(imputations, capsys):
    imputations.analyze(lambda df: df["x"].mean())
    assert "4/4" in capsys.readouterr().out


def test_an_unknown_model_lists_those_that_there_are(imputations):
    with pytest.raises(bm.AnalysisError, match=r"no formula function 'lm'\. Choose one of .*ols"):
        imputations.fit("y ~ x", "lm")


def test_workers_are_other_processes_and_change_nothing(imputations):
    def mean(df):
        return os.getpid(), df["x"].mean()

    here = imputations.analyze(mean, progressbar=False)
    there = imputations.analyze(mean, workers=2, progressbar=False)
    assert [result[1] for result in here] == [result[1] for result in there]
    assert {result[0] for result in here} == {os.getpid()}
    assert os.getpid() not in {result[0] for result in there}


def test_an_analysis_may_change_its_frame(imputations):
    before = imputations.completed(0)

    def spoil(df):
        df["x"] = 0.0
        return 1.0, 1.0

    imputations.analyze(spoil, progressbar=False)
    pd.testing.assert_frame_equal(imputations.completed(0), before)


def fails_for_the_second(imputations):
    second = imputations.completed(1)["x"].mean()

    def analysis(df):
        if df["x"].mean() == second:
            raise ZeroDivisionError("no variance.")
        return df["x"].mean(), 0.1

    return analysis


def test_a_failure_is_named_and_the_others_are_kept(imputations):
    text = r"1 of 4 imputations failed: 1 .*imputation 1 with ZeroDivisionError: no variance\. The"
    with pytest.warns(UserWarning, match=text) as caught:
        results = imputations.analyze(fails_for_the_second(imputations), progressbar=False)
    assert caught[0].filename == __file__
    assert [failed.imputation for failed in results.failed] == [1]
    assert isinstance(results.failed[0].error, ZeroDivisionError)
    assert "1 failed" in repr(results)
    with pytest.raises(bm.PoolingError, match=r"Imputation 1 .*no variance.*drop_failed=True"):
        results.pool()
    with pytest.warns(UserWarning, match="They are left out"):
        assert results.pool(drop_failed=True).m == 3


def test_a_failure_in_a_worker_is_kept_too(imputations):
    analysis = fails_for_the_second(imputations)
    with pytest.warns(UserWarning, match="imputation 1 with ZeroDivisionError"):
        results = imputations.analyze(analysis, workers=2, progressbar=False)
    assert len(results.failed) == 1


def test_an_analysis_that_always_fails_raises_its_error(imputations):
    with pytest.raises(bm.AnalysisError, match=r"failed for all 4 .* KeyError: 'weight'") as caught:
        imputations.analyze(lambda df: df["weight"], progressbar=False)
    assert isinstance(caught.value.__cause__, KeyError)


def test_no_data_sets_are_no_analyses():
    assert list(run_analyses([], len)) == []
    assert isinstance(run_analyses([], len), Analyses)


def test_a_formula_fit_is_made_of_its_parts():
    frame = pd.DataFrame({"x": [1.0, 2, 3, 4], "y": [1.0, 2.5, 2.5, 4]})
    fit = FormulaFit("y ~ x", find_model("wls"), {"weights": [1, 1, 1, 1]}, {})(frame)
    np.testing.assert_allclose(fit.params, smf.ols("y ~ x", frame).fit().params)

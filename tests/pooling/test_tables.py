"""What `PooledResults` shows: text, HTML, data frame, xarray Dataset."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesmice.pooling import CompleteDataResult, FailedAnalysis, pool
from bayesmice.pooling.rubin import pool_covariance, pool_rubin
from bayesmice.pooling.transforms import TRANSFORMS

TABLES = json.loads((Path(__file__).parent / "reference" / "table_cases.json").read_text())["cases"]
NAMES = ["age", "C(stage)[T.late]"]
Q = np.array([[1.0, 0.2], [2.0, 0.1], [3.0, 0.4], [2.5, 0.3]])
U = np.array([[[1.0, 0.1], [0.1, 0.5]]] * 4)


@pytest.fixture
def pooled():
    return pool((pd.DataFrame(Q, columns=NAMES), U), df_complete=40)


def test_odds_ratios_are_those_of_mice():
    rows = pd.DataFrame(TABLES["input"])
    rows["imputation"] = np.repeat(range(5), 3)
    results = [
        (one.set_index("term")["estimate"], one.set_index("term")["std.error"] ** 2)
        for _, one in rows.groupby("imputation")
    ]
    ours = pool(results, df_complete=47).to_frame(0.9, exponentiate=True)
    mice = pd.DataFrame(TABLES["exponentiated_90"]).set_index("term")
    pairs = {
        "estimate": "estimate",
        "std_error": "std.error",
        "p_value": "p.value",
        "ci_low": "conf.low",
        "ci_high": "conf.high",
    }
    np.testing.assert_allclose(ours[list(pairs)], mice[list(pairs.values())], rtol=1e-10)


def test_the_dataset_holds_all_that_was_pooled(pooled):
    dataset = pooled.dataset
    assert dict(dataset.sizes) == {"parameter": 2, "parameter_bis": 2, "imputation": 4}
    assert dataset["parameter"].values.tolist() == NAMES
    estimate = pool_rubin(Q, U.diagonal(axis1=1, axis2=2), df_complete=40)
    for name, column in (("df", "df"), ("riv", "riv"), ("lambda", "lambda_"), ("fmi", "fmi")):
        np.testing.assert_allclose(dataset[name], getattr(estimate, column))
    covariance = pool_covariance(Q, U)
    for name in ("within", "between", "total"):
        np.testing.assert_allclose(dataset[name], getattr(covariance, name))
    np.testing.assert_allclose(dataset["relative_efficiency"], 1 / (1 + estimate.fmi / 4))
    np.testing.assert_allclose(dataset["estimates"], Q)
    assert dataset.attrs["m"] == 4


def test_the_dataset_can_be_written_and_read(pooled, tmp_path):
    pooled.dataset.to_netcdf(tmp_path / "pooled.nc", engine="h5netcdf")
    assert (tmp_path / "pooled.nc").stat().st_size > 0


def test_the_level_of_the_pooling_is_that_of_its_tables():
    at_80 = pool((Q, U), conf_level=0.8)
    np.testing.assert_allclose(at_80.table, pool((Q, U)).to_frame(0.8))
    assert "80 %" in at_80.summary().as_text()
    assert "99 %" in at_80.summary(0.99).as_text()


def test_the_summary_is_text_and_html_of_the_same_table(pooled):
    summary = pooled.summary(monte_carlo=True)
    text, html = summary.as_text(), summary.as_html()
    assert str(summary) == repr(summary) == text
    assert summary._repr_html_() == html
    for words in ("Recommended m", "Barnard-Rubin", "C(stage)[T.late]", "Monte Carlo errors"):
        assert words in text
        assert words in html
    assert all(len(line) <= len(text.splitlines()[1]) for line in text.splitlines()[:-1])
    assert f"{pooled.bse['age']:.4g}" in text


def test_nothing_moves_when_imputations_change_places(pooled):
    order = [2, 0, 3, 1]
    other = pool((pd.DataFrame(Q[order], columns=NAMES), U[order]), df_complete=40)
    pd.testing.assert_frame_equal(other.table, pooled.table, rtol=1e-13)
    pd.testing.assert_frame_equal(
        other.monte_carlo_errors(), pooled.monte_carlo_errors(), rtol=1e-12
    )


def unreliable():
    """Five results, of which number 1 failed and number 3 did not converge."""
    results = [type("Fit", (), {"params": pd.Series(q, index=NAMES), "converged": True}) for q in Q]
    for result, u in zip(results, U, strict=True):
        result.cov_params = staticmethod(lambda u=u: u)
    results[2].converged = False
    return [results[0], FailedAnalysis(1, ZeroDivisionError("by zero.")), *results[1:]]


def test_a_failed_analysis_is_refused_by_its_number():
    text = r"Imputation 1 .* its analysis failed with ZeroDivisionError: by zero\. Mend"
    with pytest.raises(ValueError, match=text):
        pool(unreliable())


def test_failed_and_unconverged_analyses_are_left_out_on_request():
    with pytest.warns(UserWarning, match="They are left out") as caught:
        pooled = pool(unreliable(), drop_failed=True)
    texts = [str(one.message) for one in caught]
    assert "1 of 5 imputations failed: 1 " in texts[0]
    assert "1 of 5 imputations did not converge: 3 " in texts[1]
    assert pooled.m == 3
    np.testing.assert_allclose(pooled.params, Q[[0, 1, 3]].mean(axis=0))


def test_errors_name_imputations_by_their_own_numbers_after_some_were_left_out():
    results = unreliable()
    results[4].params = pd.Series([np.nan, 1.0], index=NAMES)
    with (
        pytest.warns(UserWarning, match="left out"),
        pytest.raises(ValueError, match="Imputation 4: parameter 'age' has the estimate nan"),
    ):
        pool(results, drop_failed=True)


def test_transforms_must_be_the_same():
    mixed = [pool_input("log"), pool_input("log"), pool_input("identity")]
    with pytest.raises(ValueError, match="Imputation 2 comes on the scale 'identity'"):
        pool(mixed)


def pool_input(transform):
    return CompleteDataResult(
        ("v",), np.array([1.0]), np.array([0.5]), transform=TRANSFORMS[transform]
    )

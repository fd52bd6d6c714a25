import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

import bayesmice as bm


@pytest.fixture(scope="module")
def fits(imputations):
    return imputations.fit("chl ~ age + bmi", progressbar=False)


@pytest.fixture(scope="module")
def complete():
    return smf.ols("chl ~ age + bmi", bm.load_dataset("nhanes2").dropna()).fit()


def segments(picture, label, term):
    """Give (low, high) of the intervals, from the top down."""
    found = np.array(picture.viz[label][term].item().get_segments())
    return found[:, :, 0]


def ticks_of(picture):
    axes = picture.viz["figure"].item().axes[0]
    return [label.get_text() for label in axes.get_yticklabels()]


def test_intervals_are_those_of_pool_and_of_statsmodels(fits, complete):
    picture = bm.plot_forest(fits, complete_cases=complete)
    pooled = fits.pool()
    for term in pooled.params.index:
        np.testing.assert_allclose(
            segments(picture, "pooled", term)[0], pooled.conf_int().loc[term]
        )
        found = segments(picture, "complete cases", term)[0]
        np.testing.assert_allclose(found, complete.conf_int().loc[term])
        expected = [fit.conf_int().loc[term] for fit in fits]
        np.testing.assert_allclose(segments(picture, "imputations", term), expected)


def test_estimates_are_marked_and_rows_named(fits, complete):
    picture = bm.plot_forest(fits, "bmi", complete_cases=complete)
    axes = picture.viz["figure"].item().axes[0]
    marked = [line.get_xdata() for line in axes.lines if line.get_marker() in "os."]
    np.testing.assert_allclose(marked[0], [fits.pool().params["bmi"]])
    np.testing.assert_allclose(marked[1], [complete.params["bmi"]])
    np.testing.assert_allclose(marked[2], [fit.params["bmi"] for fit in fits])
    names = ["pooled", "complete cases", *(f"imputation {i}" for i in range(4))]
    assert ticks_of(picture) == names
    assert axes.get_title(loc="left") == "bmi"
    texts = [text.get_text() for text in picture.viz["figure"].item().legends[0].texts]
    assert texts == ["pooled, 95 % interval", "complete cases", "imputations"]


def test_pooled_results_at_another_level_without_complete_cases(fits):
    picture = bm.plot_forest(fits.pool(), ["bmi", "Intercept"], conf_level=0.8)
    assert list(picture.viz["plot"].data_vars) == ["bmi", "Intercept"]
    expected = fits.pool().conf_int(alpha=0.2).loc["bmi"]
    np.testing.assert_allclose(segments(picture, "pooled", "bmi")[0], expected)
    assert "complete cases" not in picture.viz.children
    assert ticks_of(picture)[:2] == ["pooled", "imputation 0"]


def test_exponentials_stand_on_a_logarithmic_axis():
    pooled = bm.pool([(pd.Series({"x": q}), pd.Series({"x": 0.04})) for q in (0.1, 0.3, 0.5)])
    picture = bm.plot_forest(
        pooled, complete_cases=(pd.Series({"x": 0.2}), pd.Series({"x": 0.1})), exponentiate=True
    )
    axes = picture.viz["figure"].item().axes[0]
    assert axes.get_xscale() == "log"
    np.testing.assert_allclose(
        segments(picture, "pooled", "x")[0], np.exp(pooled.conf_int().loc["x"])
    )
    # Infinite degrees of freedom: normal intervals.
    half = 1.959964 * 0.2
    expected = np.exp([[q - half, q + half] for q in (0.1, 0.3, 0.5)])
    np.testing.assert_allclose(segments(picture, "imputations", "x"), expected, rtol=1e-6)
    assert [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"] == [1.0]


def test_transformed_quantities_stand_on_their_own_scale():
    pooled = bm.pool_scalar([0.5, 0.6], [0.004, 0.004], transform="fisher_z")
    picture = bm.plot_forest(pooled)
    term = str(pooled.terms[0])
    z = np.arctanh([0.5, 0.6])
    marked = [
        line.get_xdata()
        for line in picture.viz["figure"].item().axes[0].lines
        if line.get_marker() == "."
    ]
    np.testing.assert_allclose(marked[0], np.tanh(z))
    assert (segments(picture, "imputations", term) < 1).all()


def test_of_many_imputations_fifty_are_shown():
    rng = np.random.default_rng(1)
    pooled = bm.pool([(float(q), 0.04) for q in rng.normal(size=80)])
    picture = bm.plot_forest(pooled)
    assert len(segments(picture, "imputations", "0")) == 50
    assert ticks_of(picture) == ["pooled", "imputations"]
    (legend,) = picture.viz["figure"].item().legends
    assert legend.texts[1].get_text() == "imputations (50 of 80)"


def test_bad_input_is_refused_with_a_sentence(fits):
    with pytest.raises(bm.DataTypeError, match=r"plot_forest got list; expected what bm\.pool"):
        bm.plot_forest([1, 2])
    with pytest.raises(bm.SpecificationError, match="names 'weight'"):
        bm.plot_forest(fits, "weight")
    with pytest.raises(bm.SpecificationError, match="complete_cases has the parameters x, and no"):
        bm.plot_forest(fits, complete_cases=(pd.Series({"x": 1.0}), pd.Series({"x": 1.0})))
    with pytest.raises(bm.DataTypeError, match="complete_cases cannot be read"):
        bm.plot_forest(fits, complete_cases=object())
    with pytest.raises(bm.PoolingError, match="conf_level"):
        bm.plot_forest(fits, conf_level=95)
    assert plt.get_fignums() == []

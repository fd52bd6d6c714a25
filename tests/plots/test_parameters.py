import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

import bayesmice as bm
from bayesmice.plots import plot_parameters
from bayesmice.plots.ranks import rank_band, rank_differences, rank_grid


def axes_of(picture):
    return picture.viz["figure"].item().axes


def test_each_parameter_has_a_trace_and_ranks(imputations):
    picture = plot_parameters(imputations, "bmi", parameters=["coefficients", "sigma"])
    axes = axes_of(picture)
    titles = [panel.get_title(loc="left").replace("\n", " ") for panel in axes]
    assert titles == [
        "coefficients[age[T.40-59]] of bmi",
        "coefficients[age[T.40-59]] of bmi: ranks of each chain",
        "coefficients[age[T.60-99]] of bmi",
        "coefficients[age[T.60-99]] of bmi: ranks of each chain",
        "coefficients[hyp[T.yes]] of bmi",
        "coefficients[hyp[T.yes]] of bmi: ranks of each chain",
        "coefficients[chl] of bmi",
        "coefficients[chl] of bmi: ranks of each chain",
        "sigma of bmi",
        "sigma of bmi: ranks of each chain",
    ]
    assert [len(panel.lines) for panel in axes] == [4] * 10
    assert [panel.get_xlabel() for panel in axes[-2:]] == ["sweep", "fractional rank"]
    assert [panel.get_ylabel() for panel in axes[-2:]] == ["", "ECDF difference"]
    (legend,) = picture.viz["figure"].item().legends
    assert [text.get_text() for text in legend.texts] == [f"chain {i}" for i in range(4)]


def test_lines_hold_the_numbers_of_the_tree(imputations):
    picture = plot_parameters(imputations, "chl", parameters="sigma")
    sigma = imputations.tree["conditionals/chl/posterior/sigma"].to_numpy()
    pooled = np.sort(sigma.ravel())
    for chain in range(4):
        line = picture.get_viz("trace", "sigma of chl", chain=chain, kind="trace")
        np.testing.assert_array_equal(line.get_xdata(), np.arange(6))
        np.testing.assert_array_equal(line.get_ydata(), sigma[chain])
        x, y = picture.get_viz("ranks", "sigma of chl", chain=chain, kind="ranks").get_data()
        assert (x[0], y[0], x[-1]) == (0, 0, 1)
        assert y[-1] == pytest.approx(0)
        at_rank = [np.mean(sigma[chain] <= value) for value in pooled]
        np.testing.assert_allclose(y[1:], at_rank - np.arange(1, 25) / 24, atol=1e-12)


def test_parameters_that_follow_from_centered_ones_are_shown_when_named(imputations):
    shown = set(plot_parameters(imputations, "bmi").viz["trace"].data_vars)
    assert "Intercept_centered of bmi" in shown
    assert "Intercept of bmi" not in shown
    assert len(shown) == 6
    named = plot_parameters(imputations, "bmi", parameters="Intercept").viz["trace"].data_vars
    assert list(named) == ["Intercept of bmi"]


def test_one_element_can_be_chosen_and_several_models(imputations):
    picture = plot_parameters(imputations, ["chl", "bmi"], parameters="coefficients[age[T.40-59]]")
    assert list(picture.viz["trace"].data_vars) == [
        "coefficients[age[T.40-59]] of chl",
        "coefficients[age[T.40-59]] of bmi",
    ]


def test_all_panels_of_a_reopened_file_are_the_same(imputations, tmp_path):
    reopened = bm.open_imputations(imputations.to_netcdf(tmp_path / "run.nc"))
    titles = [
        [axes.get_title(loc="left") for axes in axes_of(plot_parameters(run, "hyp"))]
        for run in (imputations, imputations.tree, reopened)
    ]
    assert titles[0] == titles[1] == titles[2]


def test_wrong_names_are_refused_with_those_there_are(imputations):
    with pytest.raises(bm.SpecificationError, match=r"names 'age', .* Columns: bmi, hyp, chl\."):
        plot_parameters(imputations, "age")
    with pytest.raises(
        bm.SpecificationError, match=r"parameters names 'tau'; expected some of Int"
    ):
        plot_parameters(imputations, "bmi", parameters=["sigma", "tau"])
    with pytest.raises(bm.SpecificationError, match="parameters is empty"):
        plot_parameters(imputations, "bmi", parameters=[])


def test_more_panels_than_arviz_allows_are_refused(imputations):
    tree = imputations.tree.copy()
    wide = {"b": (("chain", "draw", "k"), np.random.default_rng(0).normal(size=(4, 6, 21)))}
    tree["conditionals/bmi/posterior"] = xr.DataTree(
        xr.Dataset(wide, {"chain": range(4), "draw": range(6)})
    )
    with pytest.raises(bm.SpecificationError, match=r"42 panels; .*parameters with parameters="):
        plot_parameters(tree, "bmi")
    assert plt.get_fignums() == []


def test_a_single_chain_has_traces_only(imputations):
    picture = plot_parameters(imputations.select([2]), "bmi", parameters="sigma")
    assert len(axes_of(picture)) == 1
    assert "ranks" not in picture.viz


def test_many_chains_are_drawn_alike(imputations):
    tree = imputations.tree.copy()
    draws = np.random.default_rng(0).normal(size=(9, 30))
    tree["conditionals/bmi/posterior"] = xr.DataTree(
        xr.Dataset({"sigma": (("chain", "draw"), draws)}, {"chain": range(9), "draw": range(30)})
    )
    picture = plot_parameters(tree, "bmi")
    trace, ranks = axes_of(picture)
    assert len({line.get_color() for line in [*trace.lines, *ranks.lines]}) == 1
    (legend,) = picture.viz["figure"].item().legends
    assert [text.get_text() for text in legend.texts] == ["each of 9 chains"]


def test_a_parameter_that_never_moves_has_no_ranks(imputations):
    tree = imputations.tree.copy()
    posterior = xr.Dataset(
        {"b": (("chain", "draw"), np.ones((2, 6)))}, {"chain": [0, 1], "draw": range(6)}
    )
    tree["conditionals/bmi/posterior"] = xr.DataTree(posterior)
    trace, ranks = axes_of(plot_parameters(tree, "bmi"))
    assert [len(trace.lines), len(ranks.lines)] == [2, 0]
    assert [text.get_text() for text in ranks.texts] == ["the same in all sweeps"]


def test_imputations_without_models_have_no_parameters():
    x = [np.nan, 1.0, 2.0, 5.0, 1.0, 2.0, 4.0, 1.0, 2.0]
    table = pd.DataFrame({".imp": np.repeat([0, 1, 2], 3), ".id": [1, 2, 3] * 3, "x": x})
    with pytest.raises(
        bm.SpecificationError, match="no parameters to draw: these imputations come"
    ):
        plot_parameters(bm.from_long(table))
    constant = bm.MICE(pd.DataFrame({"a": [1.0, np.nan], "b": [3.0, 1.0]}))
    run = constant.mice(m=2, sweeps=1, random_seed=1, progressbar=False)
    with pytest.raises(bm.SpecificationError, match="no column has a conditional model"):
        plot_parameters(run)


def test_two_chains_stray_as_the_statistic_of_kolmogorov_and_smirnov_does():
    """Of two chains, the difference from both together is half the difference between them."""
    n = 12
    exact = stats.kstwo.isf(0.05, n // 2)  # not exact for few values: only the scale is compared
    assert rank_band(2, n) == pytest.approx(exact / 2, rel=0.15)
    rng = np.random.default_rng(1)
    chains = rng.normal(size=(300, 2, n))
    largest = np.array([np.abs(rank_differences(own)).max() for own in chains])
    expected = [stats.ks_2samp(*own).statistic / 2 for own in chains]
    np.testing.assert_allclose(largest, expected, atol=0.5 / n)


def test_the_band_holds_all_chains_in_nineteen_of_twenty_pictures():
    rng, half = np.random.default_rng(2), rank_band(5, 10)
    outside = [np.abs(rank_differences(rng.normal(size=(5, 10)))).max() > half for _ in range(1500)]
    # The statistic has few values, so that not more than 5 % lie beyond its 95 % quantile.
    assert np.mean(outside) < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 1500)
    assert np.mean(outside) > 0.01


def test_chains_that_stand_apart_leave_the_band():
    chains = np.random.default_rng(3).normal(size=(4, 20))
    chains[0] -= 3
    differences = rank_differences(chains)
    assert differences[0].max() > 2 * rank_band(4, 20)
    assert differences.shape == (4, len(rank_grid(4, 20)))

"""Pictures of what models predict, of LOO-PIT, of propensities and of priors."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

import bayesmice as bm
from bayesmice.diagnostics.conditional import find_conditional
from bayesmice.diagnostics.pit import loo_pit
from bayesmice.diagnostics.uniformity import uniform_band

pytestmark = pytest.mark.long

N, M, SWEEPS = 80, 2, 26


@pytest.fixture(scope="module")
def run():
    rng = np.random.default_rng(1)
    x = rng.normal(size=N)
    data = pd.DataFrame({"x": x, "y": 3 + x + rng.normal(size=N)})
    data["visits"] = pd.array(rng.poisson(np.exp(0.5 + 0.3 * x)), dtype="Int64")
    data["flag"] = rng.choice(["no", "yes"], N)
    for name in ("y", "visits", "flag"):
        data.loc[rng.random(N) < 1 / (1 + np.exp(1 - x)), name] = None
    mice = bm.MICE(data, {"visits": bm.Regression(family="poisson")})
    imputations = mice.mice(m=M, sweeps=SWEEPS, random_seed=1, progressbar=False)
    imputations.add_log_likelihood(progressbar=False)
    imputations.add_posterior_predictive(progressbar=False).add_prior(draws=30, random_seed=1)
    return imputations


def axes_of(picture, name):
    return picture.viz["plot"][name].item()


PICTURES = [bm.plot_ppc, bm.plot_loo_pit, bm.plot_propensity, bm.plot_prior_predictive]
EACH = pytest.mark.parametrize("plot", PICTURES, ids=lambda plot: plot.__name__)


@EACH
def test_all_columns_have_a_panel_and_some_can_be_chosen(plot, run):
    assert set(plot(run).viz["plot"].data_vars) == {"y", "visits", "flag"}
    assert list(plot(run, ["flag", "y"]).viz["plot"].data_vars) == ["flag", "y"]
    with pytest.raises(bm.SpecificationError, match="var_names names 'x'"):
        plot(run, "x")


@EACH
def test_a_reopened_file_gives_the_same_titles(plot, run, tmp_path):
    reopened = bm.open_imputations(run.to_netcdf(tmp_path / "run.nc"))
    titles = [
        [axes.get_title(loc="left") for axes in plot(own).viz["figure"].item().axes]
        for own in (run, reopened, run.tree)
    ]
    assert titles[0] == titles[1] == titles[2]


@EACH
def test_what_is_no_run_is_refused(plot):
    with pytest.raises(bm.DataTypeError, match="got list"):
        plot([1, 2])


@EACH
def test_the_users_style_is_kept(plot, run):
    with plt.style.context("dark_background"):
        before = dict(plt.rcParams)
        figure = plot(run, "y").viz["figure"].item()
        assert dict(plt.rcParams) == before
    assert figure.get_facecolor() == (0.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("plot", "verb"),
    [(bm.plot_ppc, "add_posterior_predictive"), (bm.plot_loo_pit, "check"),
     (bm.plot_prior_predictive, "add_prior")],
)  # fmt: skip
def test_groups_that_are_lacking_are_asked_for(plot, verb, imputations):
    with pytest.raises(bm.SpecificationError, match=rf"imputations\.{verb}\('bmi'\)"):
        plot(imputations)


def test_each_draw_of_all_observed_rows_is_a_line(run):
    picture = bm.plot_ppc(run, "y")
    lines = picture.viz["predicted"]["y"]
    assert lines.sizes == {"draw": M * SWEEPS // 2}
    axes = axes_of(picture, "y")
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("y", "density")
    assert axes.get_title(loc="left") == f"y: {M * SWEEPS // 2} draws from the model"
    first = lines[0].item()
    x, density = first.get_data()
    drawn = run.tree["conditionals/y/posterior_predictive/y"].to_numpy()[0, SWEEPS // 2]
    assert (x * density).sum() / density.sum() == pytest.approx(drawn.mean(), abs=0.2)


def test_counts_have_a_rootogram(run):
    picture = bm.plot_ppc(run, "visits", burn_in=0)
    axes = axes_of(picture, "visits")
    assert axes.get_ylabel() == "√frequency"
    observed = run.tree["conditionals/visits/observed_data/visits"].to_numpy().astype(int)
    drawn = run.tree["conditionals/visits/posterior_predictive/visits"].to_numpy()
    drawn = drawn.reshape(-1, drawn.shape[-1]).astype(int)
    x, y = picture.viz["predicted"]["visits"].item().get_offsets().T
    np.testing.assert_array_equal(x, np.arange(len(x)))
    roots = np.sqrt([np.bincount(row, minlength=len(x))[: len(x)] for row in drawn])
    np.testing.assert_allclose(y, np.median(roots, axis=0))
    tops = picture.viz["observed"]["visits"].item().get_ydata()
    np.testing.assert_allclose(
        sorted(set(tops[tops > 0])), sorted(set(np.sqrt(np.bincount(observed)).tolist()) - {0.0})
    )
    assert f"visits: {M * SWEEPS} draws" in axes.get_title(loc="left")
    segments = picture.viz["predicted_interval"]["visits"].item().get_ydata().reshape(-1, 3)
    np.testing.assert_allclose(segments[:, :2].T, np.quantile(roots, [0.05, 0.95], axis=0))


@pytest.mark.parametrize(("name", "marker"), [("y", "None"), ("visits", "o"), ("flag", "o")])
def test_the_legend_shows_dots_where_dots_are_drawn(run, name, marker):
    (legend,) = bm.plot_ppc(run, var_names=name).viz["figure"].item().legends
    assert legend.legend_handles[1].get_marker() == marker


def test_levels_have_bars_and_dots(run):
    picture = bm.plot_ppc(run, "flag")
    assert [t.get_text() for t in axes_of(picture, "flag").get_xticklabels()] == ["no", "yes"]
    assert picture.viz["predicted"]["flag"].sizes == {"draw": M * SWEEPS // 2}


def test_the_line_is_the_distribution_of_loo_pit_less_uniform(run):
    picture = bm.plot_loo_pit(run, "y")
    x, y = picture.viz["pit"]["y"].item().get_data()
    pit = loo_pit(find_conditional(run.tree, "y"))
    share = stats.ecdf(pit.by_row.to_numpy()).cdf.evaluate(0.5)
    below = x <= 0.5
    assert y[below][-1] + x[below][-1] == pytest.approx(share)
    assert (x[0], x[-1]) == (0, 1)
    assert y[[0, -1]].tolist() == [0, 0]
    axes = axes_of(picture, "y")
    assert axes.get_xlabel() == "LOO-PIT"
    assert f"{pit.by_row.size} rows, uniform: p = {pit.p_value:.3f}" in axes.get_title(loc="left")


def test_the_band_is_that_of_uniform_numbers(run):
    picture = bm.plot_loo_pit(run, "flag")
    (path,) = picture.viz["band"]["flag"].item().get_paths()
    n = int(run.tree["conditionals/flag/observed_data/flag"].size)
    band = uniform_band(n, min(100, n + 1), 0.95)
    assert path.vertices[:, 1].max() == pytest.approx((band.upper - band.points).max())
    assert path.vertices[:, 1].min() == pytest.approx((band.lower - band.points).min())


def test_few_draws_have_no_loo_pit(run):
    with pytest.raises(bm.SpecificationError, match="plot_loo_pit needs at least 25 draws"):
        bm.plot_loo_pit(run, burn_in=SWEEPS - 2)


def test_rows_stand_at_their_probability_of_being_missing(run):
    picture = bm.plot_propensity(run, "y")
    assert picture.viz["imputed"]["y"].sizes == {"imputation": M}
    dots = picture.viz["imputed"]["y"][1].item().get_offsets()
    completed = run.completed(1)["y"].to_numpy()[run.tree["observed_data/y"].isnull()]
    np.testing.assert_allclose(np.sort(dots[:, 1]), np.sort(completed))
    observed = picture.viz["observed"]["y"].item().get_offsets()
    assert len(observed) == N - len(completed)
    assert ((dots[:, 0] > 0) & (dots[:, 0] < 1)).all()
    assert dots[:, 0].mean() > observed[:, 0].mean()
    axes = axes_of(picture, "y")
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("probability of being missing", "y")
    assert axes.get_title(loc="left") == f"y: {len(completed)} of {N} imputed"


def test_observed_shares_are_those_of_rows_missing_as_often_as_imputed_ones(run):
    picture = bm.plot_propensity(run, "flag")
    axes = axes_of(picture, "flag")
    assert axes.get_xlabel() == "flag, observed weighted"
    dots = picture.viz["imputed"]["flag"][0].item().get_offsets()
    gone = run.tree["observed_data/flag"].isnull().to_numpy()
    shares = run.completed(0)["flag"][gone].value_counts(normalize=True)
    np.testing.assert_allclose(dots[:, 1], shares[["no", "yes"]])


def test_prior_draws_are_shown_with_and_without_a_run(run):
    assert bm.plot_prior_predictive(run, "y").viz["prior"]["y"].sizes["draw"] == 30
    mice = bm.MICE(bm.load_dataset("nhanes2"))
    tree = mice.prior_predictive("hyp", draws=20, random_seed=1)
    picture = bm.plot_prior_predictive(tree)
    assert axes_of(picture, "hyp").get_title(loc="left") == "hyp: 20 draws from the prior"
    with pytest.raises(bm.SpecificationError, match="neither conditional models nor prior"):
        bm.plot_prior_predictive(xr.DataTree())


def test_imputations_without_a_run_have_propensities_only(run):
    table = bm.from_long(run.long(include_original=True))
    assert set(bm.plot_propensity(table).viz["plot"].data_vars) == {"y", "visits", "flag"}
    with pytest.raises(bm.NotRunError, match="no conditional models"):
        bm.plot_ppc(table)


def test_long_names_are_written_out(make_tree):
    name = "a_column_whose_name_is_longer_than_a_panel_is_wide_in_kilograms_per_square_metre"
    rng = np.random.default_rng(1)
    data = pd.DataFrame({name: np.append(np.full(6, np.nan), rng.normal(size=20))})
    data["x"] = rng.normal(size=26)
    figure = bm.plot_propensity(make_tree(data, {name: np.ones((2, 6))})).viz["figure"].item()
    figure.canvas.draw()
    title = figure.axes[0]._left_title
    assert name in title.get_text().replace("\n", "")
    assert title.get_window_extent().x1 <= figure.axes[0].bbox.x1 + 1

"""Pictures of priors, from draws that were written down."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from bayesmice.data import encode
from bayesmice.plots import draw_prior_predictive


@pytest.fixture(scope="module")
def columns():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "weight": rng.normal(70, 10, 80),
            "visits": rng.poisson(2, 80),
            "smoker": rng.random(80) < 0.3,
            "stage": pd.Categorical(np.resize(["I", "II", "III"], 80), ordered=True),
        }
    )
    return encode(frame).columns


def picture_of(columns, name, drawn):
    return draw_prior_predictive([columns[name]], {name: np.asarray(drawn)})


def axes_of(picture, name):
    return picture.viz["plot"][name].item()


def lines_of(picture, kind, name):
    return [artist.item() for artist in picture.viz[kind][name].to_numpy().reshape(-1, 1)]


def area(line):
    x, y = line.get_data()
    return np.trapezoid(y, x)


def test_each_draw_is_a_line_and_the_observed_values_another(columns):
    drawn = np.random.default_rng(1).normal(70, 12, (9, 80))
    picture = picture_of(columns, "weight", drawn)
    assert len(lines_of(picture, "prior", "weight")) == 9
    (observed,) = lines_of(picture, "observed", "weight")
    assert area(observed) == pytest.approx(1, abs=0.02)
    axes = axes_of(picture, "weight")
    assert axes.get_xlabel() == "weight"
    assert axes.get_ylabel() == "density"


def test_of_many_draws_fifty_are_shown(columns):
    drawn = np.random.default_rng(1).normal(70, 12, (200, 80))
    picture = picture_of(columns, "weight", drawn)
    assert picture.viz["prior"]["weight"].sizes["draw"] == 50
    assert "50 draws" in axes_of(picture, "weight").get_title(loc="left")


def test_a_prior_that_reaches_far_leaves_the_observed_values_readable(columns):
    drawn = np.random.default_rng(1).normal(0, 1e6, (20, 80))
    picture = picture_of(columns, "weight", drawn)
    low, high = axes_of(picture, "weight").get_xlim()
    observed = columns["weight"].observed_values
    assert np.ptp(observed) > 0.15 * (high - low)
    assert low < observed.min() < observed.max() < high
    title = axes_of(picture, "weight").get_title(loc="left").replace("\n", " ")
    assert "90% of their values lie between -1.6" in title
    assert "100% beyond the panel" in title


def test_the_area_of_a_line_is_the_share_of_its_values_in_the_panel(columns):
    observed = columns["weight"].observed_values
    inside = np.linspace(observed.min(), observed.max(), 40)
    drawn = np.concatenate([inside, np.full(40, 1e5)])[None] * np.ones((4, 1))
    picture = picture_of(columns, "weight", drawn)
    assert area(lines_of(picture, "prior", "weight")[0]) == pytest.approx(0.5, abs=0.02)


def test_draws_that_are_much_narrower_do_not_flatten_the_observed_density(columns):
    drawn = 70 + np.random.default_rng(1).normal(0, 1e-4, (5, 80))
    axes = axes_of(picture_of(columns, "weight", drawn), "weight")
    peak = max(axes.lines[-1].get_ydata())
    assert axes.get_ylim()[1] < 3 * peak


def test_whole_numbers_are_counted_in_steps(columns):
    picture = picture_of(columns, "visits", np.random.default_rng(1).poisson(3, (4, 80)))
    (observed,) = lines_of(picture, "observed", "visits")
    x, y = observed.get_data()
    counts = np.bincount(columns["visits"].observed_values.astype(int))
    at = {
        value: y[np.flatnonzero((x[:-1] == value - 0.5) & (x[1:] == value + 0.5))[0]]
        for value in range(len(counts))
    }
    np.testing.assert_allclose(list(at.values()), counts / 80)
    ticks = axes_of(picture, "visits").get_xticks()
    np.testing.assert_array_equal(ticks, np.rint(ticks))


def test_levels_are_bars_and_dots(columns):
    drawn = np.random.default_rng(1).integers(0, 3, (6, 80))
    picture = picture_of(columns, "stage", drawn)
    assert picture.viz["prior"]["stage"].sizes["draw"] == 6
    axes = axes_of(picture, "stage")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["I", "II", "III"]
    assert axes.get_ylabel() == "proportion"
    assert axes.get_title(loc="left") == "stage: 6 draws from the prior"


def test_several_columns_have_a_panel_each(columns):
    rng = np.random.default_rng(1)
    drawn = {"weight": rng.normal(70, 9, (3, 80)), "smoker": rng.integers(0, 2, (3, 80))}
    picture = draw_prior_predictive([columns[name] for name in drawn], drawn)
    assert set(picture.viz["prior"].data_vars) == set(drawn)
    plt.close("all")


def test_draws_with_hardly_a_value_in_the_panel_have_no_line(columns):
    drawn = np.full((3, 80), 1e9)
    drawn[:, 0] = 70
    drawn[0] = np.random.default_rng(1).normal(70, 9, 80)
    lines = lines_of(picture_of(columns, "weight", drawn), "prior", "weight")
    assert np.isfinite(lines[0].get_ydata()).all()
    assert lines[1] is None

"""The verdict on a run."""

import numpy as np
import pandas as pd
import pytest
from arviz_stats.base import array_stats

import bayesmice as bm
from bayesmice.diagnostics import convergence
from bayesmice.diagnostics.rhat import r_hats


@pytest.fixture(scope="module")
def mice():
    return bm.MICE(bm.load_dataset("nhanes2"))


@pytest.fixture(scope="module")
def run(mice):
    return mice.mice(m=3, sweeps=8, random_seed=1, progressbar=False)


def test_slow_chains_are_not_converged_and_the_worst_is_named(make_tree, ar1):
    rng = np.random.default_rng(3)
    parameters = {"sigma": rng.normal(size=(5, 30)), "slope": ar1(rng, (5, 30), 0.97)}
    found = convergence(make_tree(parameters))
    worst = found.table.iloc[0]
    assert (worst["variable"], worst["quantity"]) == ("y", "slope")
    assert worst["r_hat"] == pytest.approx(float(array_stats.rhat(parameters["slope"])))
    assert found.converged is False
    n = found.further_sweeps
    assert found.verdict.startswith(
        f"Not converged: R-hat of slope of y's model is {worst['r_hat']:.2f}, above the 1."
    )
    assert found.verdict.endswith(f"Extend by at least {n} sweeps: imputations.extend({n}).")
    assert repr(found).startswith("Not converged: ")


def test_long_independent_chains_are_converged(make_tree):
    """R-hat is beyond 1.05 in far fewer than one of a million such runs."""
    found = convergence(make_tree({"sigma": np.random.default_rng(3).normal(size=(5, 200))}))
    assert found.converged is True
    assert found.further_sweeps == 0
    value = found.table["r_hat"].item()
    assert found.verdict == (
        f"Converged: R-hat is at most {value:.2f} (sigma of y's model) over 200 sweeps of 5 chains."
    )


def test_short_independent_chains_neither_alarm_nor_reassure(make_tree):
    """Of 300 runs of ten sweeps with nothing wrong hardly one is called not converged."""
    rng = np.random.default_rng(4)
    found = [
        convergence(make_tree({f"b{i}": rng.normal(size=(5, 10)) for i in range(6)}))
        for _ in range(100)
    ]
    answers = [one.converged for one in found]
    assert answers.count(False) <= 5
    assert answers.count(None) >= 60
    unsure = next(one for one in found if one.converged is None)
    assert unsure.verdict.startswith("Cannot tell yet: the largest R-hat is 1.")
    assert "in 10 sweeps of 5 chains that mix well chance alone explains 1.3" in unsure.verdict
    assert f"Extend by about {unsure.further_sweeps} sweeps to tell" in unsure.verdict


def test_nine_sweeps_reassure_nobody(make_tree):
    weave = np.tile([0.0, 1.0, 2.0], (4, 3)) + np.random.default_rng(0).normal(0, 0.01, (4, 9))
    found = convergence(make_tree({"sigma": weave}))
    assert found.table["r_hat"].item() < 1.05
    assert found.converged is None
    assert "Extend by at least" in found.verdict


@pytest.mark.parametrize(
    ("distance", "sweeps", "low", "high"), [(1, 80, 120, 320), (20, 40, 120, 520)]
)
def test_the_estimated_length_is_that_at_which_r_hat_falls(
    distance, sweeps, low, high, ar1, make_tree
):
    """A coefficient of 0.8: by hand 2 (9 - 1) / (1.05**2 - 1) = 156 sweeps for many chains.

    Chains that start twenty standard deviations apart need a few more, and the estimate from
    forty sweeps is rough.
    """
    rng = np.random.default_rng(5)
    lengths, reached = [], []
    for _ in range(24):
        chains = ar1(rng, (20, 1500), 0.8, start=distance * rng.normal(size=20))
        found = convergence(make_tree({"b": chains[:, :sweeps]}))
        length = sweeps + found.further_sweeps
        lengths.append(length)
        reached.append(r_hats(chains[None, :, : 2 * length])[0] < 1.05)
    assert low < np.median(lengths) < high
    assert np.mean(reached) > 0.8  # twice the estimate is nearly always enough


def test_windows_are_prefixes(run):
    found = run.convergence()
    windows = found.windows
    assert sorted(set(windows["sweeps"])) == [4, 5, 6, 7, 8]
    sigma = run.tree["conditionals/bmi/posterior/sigma"].to_numpy()
    chosen = windows.query("variable == 'bmi' and quantity == 'sigma'").set_index("sweeps")["r_hat"]
    for sweeps in (4, 6, 8):
        assert chosen[sweeps] == pytest.approx(float(array_stats.rhat(sigma[:, :sweeps])))
    last = windows[windows["sweeps"] == 8].set_index(["variable", "quantity"])["r_hat"]
    table = found.table.set_index(["variable", "quantity"])["r_hat"]
    pd.testing.assert_series_equal(last.sort_index(), table.sort_index())
    assert windows.groupby("sweeps")["r_hat_bound"].first().is_monotonic_decreasing


def test_long_runs_have_twenty_windows(make_tree):
    found = convergence(make_tree({"b": np.random.default_rng(0).normal(size=(2, 500))}))
    sweeps = found.windows["sweeps"].tolist()
    assert len(sweeps) == 20
    assert (sweeps[0], sweeps[-1]) == (4, 500)


def test_kernels_are_apart_from_mixing(make_tree):
    """Well-mixed sweeps, one of whose chains accepts little and diverges, also while tuning."""
    rate, diverging = np.full((2, 20), 0.9), np.zeros((2, 20), dtype=bool)
    rate[1, 3:] = 0.3
    diverging[0, [0, 5, 9]] = True
    statistics = {"acceptance_rate": rate, "diverging": diverging}
    found = convergence(make_tree({"b": np.random.default_rng(0).normal(size=(2, 20))}, statistics))
    (row,) = found.kernels.to_dict("records")
    assert row == {
        "variable": "y",
        "acceptance": pytest.approx(0.6),
        "worst_acceptance": pytest.approx(0.3),
        "divergences": 2,
        "visits": 34,
    }
    assert "accept" not in found.verdict
    assert "2 of 34 visits of 'y' diverged; a chain of 'y' accepted only 0.30" in repr(found)


def test_a_run_says_what_it_needs_and_does_it(run, mice):
    found = run.convergence()
    assert not found.converged
    assert f"imputations.extend({found.further_sweeps})" in found.verdict
    text = repr(found)
    assert "Transitions of parameters: none diverged, and 0." in text
    assert text.count("\n") == 2 + 5 + 1
    assert text.endswith("21 more in .table")
    longer = mice.mice(m=3, sweeps=8, random_seed=1, progressbar=False)
    longer.extend(found.further_sweeps, progressbar=False)
    assert longer.convergence().table["ess_bulk"].min() > found.table["ess_bulk"].min()


def test_a_reopened_file_says_the_same(run, tmp_path):
    reopened = bm.open_imputations(run.to_netcdf(tmp_path / "run.nc")).convergence()
    found = run.convergence()
    assert reopened.verdict == found.verdict
    pd.testing.assert_frame_equal(reopened.table, found.table)
    pd.testing.assert_frame_equal(reopened.kernels, found.kernels)


def test_html_escapes_names():
    data = bm.load_dataset("nhanes2").rename(columns={"bmi": "<b>"})
    run = bm.MICE(data).mice(m=3, sweeps=8, random_seed=1, progressbar=False)
    html = run.convergence()._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>" not in html
    assert "more in .table" in html


def test_one_chain_has_nothing_to_be_compared_with(run):
    found = run.select([1]).convergence()
    assert found.converged is None
    assert found.verdict.startswith("Cannot tell: there is a single chain")
    assert found.windows["r_hat"].isna().all()


def test_chosen_imputations_cannot_be_extended(run):
    found = run.select([0, 2]).convergence()
    assert "imputations.extend" not in found.verdict
    assert "The run behind these imputations needs" in found.verdict


def test_three_sweeps_are_too_few(mice):
    found = mice.mice(m=2, sweeps=3, random_seed=1, progressbar=False).convergence()
    assert found.converged is None
    assert found.verdict == (
        "Cannot tell: R-hat takes 4 sweeps, and there are 3. Extend by at least 7 sweeps: "
        "imputations.extend(7)."
    )
    assert found.windows.empty


def test_a_single_model_has_nothing_that_cycles():
    data = bm.load_dataset("nhanes2").assign(hyp="no", chl=np.arange(25.0))
    found = bm.MICE(data).mice(m=3, random_seed=1, progressbar=False).convergence()
    assert found.verdict.startswith("Nothing cycles: a single model draws cells")
    assert found.further_sweeps is None


def test_chains_that_give_several_imputations_are_extended_in_steps(mice):
    run = mice.mice(m=4, chains=2, thin=3, burn_in=0, random_seed=1, progressbar=False)
    found = run.convergence()
    assert found.further_sweeps % 3 == 0
    run.extend(found.further_sweeps, progressbar=False)


def test_data_without_a_model_have_nothing_to_converge():
    constant = bm.MICE(pd.DataFrame({"a": [1.0, 1.0, np.nan], "b": [3.0, 1.0, 2.0]}))
    found = constant.mice(m=2, sweeps=2, random_seed=1, progressbar=False).convergence()
    assert found.converged is True
    assert "one observed value, which filled its missing cells without a model" in found.verdict
    complete = bm.MICE(pd.DataFrame({"a": [1.0, 4.0, 2.0], "b": [3.0, 1.0, 2.0]}))
    found = complete.mice(m=2, sweeps=2, random_seed=1, progressbar=False).convergence()
    assert found.verdict == "Nothing has to converge: the data have no missing cell."
    assert repr(found) == found.verdict
    assert found.windows.empty


def test_values_that_never_move_are_said_to_be_still(make_tree):
    found = convergence(make_tree({"b": np.ones((2, 12))}))
    assert found.converged is None
    assert "no parameter has moved" in found.verdict


def test_chains_that_stand_still_apart_are_not_converged(make_tree):
    found = convergence(make_tree({"b": np.array([[0.0] * 12, [1.0] * 12])}))
    assert found.converged is False
    assert "is inf" in found.verdict
    assert "Its chains hardly move: where columns determine each other" in found.verdict

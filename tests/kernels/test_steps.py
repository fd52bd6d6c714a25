"""PyMC's own steps: discrete parameters, and whatever JAX cannot run."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest

from bayesmice import MICE, Custom, Regression, check_model
from bayesmice.errors import BayesMiceError
from bayesmice.specification import specify

N = 40


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(12)
    x = rng.normal(size=N)
    frame = pd.DataFrame({"x": x, "y": 3 + x + rng.normal(size=N)})
    frame.loc[0:5, "y"] = np.nan
    frame.loc[6:9, "x"] = np.nan
    return frame


CALLS = []


def switch_point(data):
    """A discrete parameter over five values, which can be summed out by hand."""
    CALLS.append(len(CALLS))
    k = pm.DiscreteUniform("k", 0, 4)
    pm.Normal("y", k + data["x"], 1.0, observed=data["y"])


@pytest.fixture(scope="module")
def run(frame):
    CALLS.clear()
    complete = frame.assign(x=frame["x"].fillna(0.0))
    mice = MICE(complete, {"y": Custom(switch_point, inner_steps=2)})
    return complete, mice.mice(m=2, sweeps=150, random_seed=4, progressbar=False)


def test_a_discrete_parameter_follows_its_exact_posterior(run):
    complete, imputations = run
    seen = complete["y"].notna()
    residual = (complete["y"] - complete["x"])[seen].to_numpy()
    log_density = np.array([-0.5 * ((residual - k) ** 2).sum() for k in range(5)])
    exact = np.exp(log_density - log_density.max())
    exact /= exact.sum()
    drawn = imputations.tree["conditionals/y/posterior"]["k"].to_numpy().ravel()
    share = np.bincount(drawn.astype(int), minlength=5) / len(drawn)
    # 300 draws, autocorrelated by at most three: five standard errors.
    assert (np.abs(share - exact) < 5 * np.sqrt(3 * exact * (1 - exact) / 300) + 1e-2).all()


def test_the_function_is_called_a_few_times_for_150_sweeps(run):
    assert 1 <= len(CALLS) <= 4


def test_draws_come_from_the_predictive_distribution(run):
    complete, imputations = run
    missing = complete["y"].isna().to_numpy()
    for imputation in imputations:
        rest = imputation["y"][missing] - imputation["x"][missing]
        assert rest.between(-4, 9).all()


def test_the_statistics_have_the_same_names_as_those_of_other_kernels(run):
    _, imputations = run
    statistics = imputations.tree["conditionals/y/sample_stats"]
    assert set(statistics.data_vars) == {
        "acceptance_rate",
        "diverging",
        "energy",
        "lp",
        "n_steps",
        "step_size",
    }
    assert (statistics["n_steps"] == 2).all()


def test_the_same_seed_gives_the_same_draws_for_any_m(frame):
    def impute(m):
        mice = MICE(frame, {"y": switch_point})
        return mice.mice(m=m, sweeps=3, random_seed=8, progressbar=False).completed(0)

    pd.testing.assert_frame_equal(impute(1), impute(2))


def gaussian(data):
    a, b = pm.Normal("a", 0, 5), pm.Normal("b", 0, 5)
    pm.Normal("y", a + b * data["x"], pm.HalfNormal("s", 5), observed=data["y"])


def test_any_model_can_have_pymc_s_steps(frame):
    mice = MICE(frame, {"y": Custom(gaussian, kernel="pymc")})
    imputations = mice.mice(m=1, sweeps=4, random_seed=2, progressbar=False)
    assert specify(frame, {"y": Custom(gaussian, kernel="pymc")}).target(
        "y"
    ).program.kernel.name == ("pymc")
    assert imputations.completed(0).notna().all().all()
    slope = imputations.tree["conditionals/y/posterior"]["b"]
    assert abs(float(slope.mean()) - 1) < 1.0


def test_a_gradient_kernel_is_refused_for_a_discrete_parameter(frame):
    mice = MICE(frame, {"y": Custom(switch_point, kernel="nuts")})
    with pytest.raises(BayesMiceError, match=r"cannot move\. Use kernel='auto' or 'pymc'"):
        mice.mice(m=1, sweeps=1, progressbar=False)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kernel": "gibbs"}, "kernel='gibbs', which is not known. Kernels: auto, hmc, nuts, pymc"),
        ({"inner_steps": 0}, "inner_steps=0; expected a whole number of at least 1"),
    ],
)
def test_settings_of_the_kernel_are_checked(frame, settings, message):
    for model in (Custom(gaussian, **settings), Regression(**settings)):
        with pytest.raises(ValueError, match=message):
            MICE(frame, {"y": model})


def test_the_report_says_which_kernel_and_why(frame):
    report = check_model(switch_point, frame)
    assert report.passed
    assert report.kernel == "pymc"
    assert "some variables are discrete" in repr(report)


def test_a_regression_is_no_matter_for_pymc_s_steps(frame):
    with pytest.raises(ValueError, match="kernel='pymc', which moves functions only"):
        MICE(frame, {"y": Regression(kernel="pymc")})

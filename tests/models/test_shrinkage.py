"""Priors of many coefficients together: their densities, their scale, their arguments.

The oracles are written in terms of the coefficients themselves, not of what the model samples: a
change of variables links the two. Draws are compared by z tests at |z| < 4.5; the two of them raise
a false alarm less than once in 50,000 runs.
"""

import re

import numpy as np
import pymc as pm
import pytest
from scipy import stats

import bayesmice as bm
from bayesmice.errors import BayesMiceError, ModelError
from bayesmice.kernels import regression_target
from bayesmice.kernels.nuts import NUTS
from bayesmice.specification import specify

PRIORS = {"ridge": bm.priors.ridge(), "r2d2": bm.priors.r2d2(), "horseshoe": bm.priors.horseshoe()}


def model_of(study, prior, formula="age + count + site", target="y", **more):
    return bm.MICE(study, {target: bm.Regression(formula, priors={"coefficients": prior} | more)})


def units(study, names, target_unit):
    """One unit of the linear predictor per unit of each predictor: indicators count as 1."""
    sd = [study[name].std() if name in study else 1.0 for name in names]
    return target_unit / np.array(sd)


def raw_and_log_jacobian(beta, sd, unit, n_information):
    """Undo the scaling of the sampled variable; the log of its derivative by beta comes too."""
    posterior_sd = (1 / sd**2 + n_information) ** -0.5
    return beta / (posterior_sd * unit), np.log(posterior_sd * unit).sum()


NAMES = ["age", "count", "site[T.b]", "site[T.c]"]
BETA = np.array([0.1, -0.4, 0.7, -0.02])


def gaussian_rest(study, beta):
    """Likelihood and other priors of y ~ age + count + site; Intercept_centered 9, sigma 2."""
    y = study["y"].dropna()
    design = np.stack([study["age"], study["count"], study["site"] == "b", study["site"] == "c"], 1)
    centered = (design - design.mean(axis=0))[y.index].astype(float)
    rest = stats.norm.logpdf(y, 9 + centered @ beta, 2).sum()
    rest += stats.norm.logpdf(9, y.mean(), 2.5 * y.std())
    return rest + np.log(2) + stats.t.logpdf(2 / y.std(), 3) - np.log(y.std())


def half_cauchy(x, scale):
    return stats.halfcauchy.logpdf(x, scale=scale).sum()


def test_ridge_has_the_density_of_its_formula(study, logp):
    model = model_of(study, bm.priors.ridge(scale=0.7, df=4)).model("y")
    unit = units(study, NAMES, study["y"].std())
    n = study["y"].notna().sum()
    raw, log_jacobian = raw_and_log_jacobian(BETA, np.full(4, 0.3), unit, n)
    expected = stats.norm.logpdf(BETA, 0, 0.3 * unit).sum() + log_jacobian
    expected += np.log(2) + stats.t.logpdf(0.3, 4, scale=0.7)
    found = logp(model, coefficients_raw=raw, coefficients_sd=0.3, Intercept_centered=9, sigma=2)
    assert found == pytest.approx(expected + gaussian_rest(study, BETA), rel=1e-9)


def test_ridge_with_infinite_df_has_a_half_normal_scale(study, logp):
    model = model_of(study, bm.priors.ridge(scale=0.7, df=np.inf)).model("y")
    at = {"coefficients_raw": np.zeros(4), "Intercept_centered": 9, "sigma": 2}
    n = study["y"].notna().sum()

    def density_of_sd(sd):
        # The raw variable's own scale depends on sd.
        raw_sd = np.sqrt(1 + n * sd**2)
        return logp(model, coefficients_sd=sd, **at) - stats.norm.logpdf(0, 0, raw_sd) * 4

    expected = stats.halfnorm.logpdf(0.4, scale=0.7) - stats.halfnorm.logpdf(1.3, scale=0.7)
    assert density_of_sd(0.4) - density_of_sd(1.3) == pytest.approx(expected, rel=1e-9)


def test_the_horseshoe_has_the_density_of_its_formula(study, logp):
    prior = bm.priors.horseshoe(nonzero=1.5, slab_scale=1.2, slab_df=6)
    model = model_of(study, prior).model("y")
    unit, n = units(study, NAMES, study["y"].std()), study["y"].notna().sum()
    tau, local, slab = 0.2, np.array([0.1, 3.0, 1.0, 20.0]), 1.7
    sd = (1 / (tau * local) ** 2 + 1 / slab) ** -0.5
    raw, log_jacobian = raw_and_log_jacobian(BETA, sd, unit, n)
    expected = stats.norm.logpdf(BETA, 0, sd * unit).sum() + log_jacobian
    expected += half_cauchy(tau, 1.5 / 2.5 / np.sqrt(n)) + half_cauchy(local, 1)
    expected += stats.invgamma.logpdf(slab, 3, scale=3 * 1.2**2)
    found = logp(
        model,
        coefficients_raw=raw,
        coefficients_global=tau,
        coefficients_local=local,
        coefficients_slab_variance=slab,
        Intercept_centered=9,
        sigma=2,
    )
    assert found == pytest.approx(expected + gaussian_rest(study, BETA), rel=1e-9)


def test_r2d2_has_the_density_of_its_formula(study, logp):
    prior = bm.priors.r2d2(mean=0.3, precision=5, concentration=0.8)
    model = model_of(study, prior).model("y")
    unit, n = units(study, NAMES, study["y"].std()), study["y"].notna().sum()
    weight, r2 = np.array([0.1, 2.0, 0.7, 0.3]), 0.4
    sd = np.sqrt(r2 * weight / weight.sum())
    raw, log_jacobian = raw_and_log_jacobian(BETA, sd, unit, n)
    expected = stats.norm.logpdf(BETA, 0, sd * unit).sum() + log_jacobian
    expected += stats.gamma.logpdf(weight, 0.8).sum() + stats.beta.logpdf(r2, 1.5, 3.5)
    found = logp(
        model,
        coefficients_raw=raw,
        coefficients_weight=weight,
        coefficients_R2=r2,
        Intercept_centered=9,
        sigma=2,
    )
    assert found == pytest.approx(expected + gaussian_rest(study, BETA), rel=1e-9)


def test_each_level_of_a_categorical_target_has_an_r2_and_shares_of_its_own(study, logp):
    """Under a link the residual variance is one unit, and a row says a quarter as much."""
    mice = model_of(study, bm.priors.r2d2(), formula="age + count", target="kind")
    model = mice.model("kind")
    n = study["kind"].notna().sum()
    unit = units(study, ["age", "count"], 1.0)[:, None]
    weight, r2 = np.array([[0.1, 2.0], [0.7, 0.3]]), np.array([0.4, 0.8])
    sd = np.sqrt(r2 / (1 - r2) * weight / weight.sum(axis=0))
    beta = np.array([[0.05, -0.02], [0.3, 0.1]])
    raw, log_jacobian = raw_and_log_jacobian(beta, sd, unit, n / 4)
    expected = stats.norm.logpdf(beta, 0, sd * unit).sum() + log_jacobian
    expected += stats.gamma.logpdf(weight, 0.5).sum()
    kind = study["kind"].dropna()
    design = study[["age", "count"]] - study[["age", "count"]].mean()
    eta = np.column_stack([np.zeros(n), design.loc[kind.index].to_numpy() @ beta + [0.5, -1]])
    codes = kind.map({"p": 0, "q": 1, "r": 2}).to_numpy()
    expected += (eta[np.arange(n), codes] - np.logaddexp.reduce(eta, axis=1)).sum()
    expected += stats.norm.logpdf([0.5, -1], 0, 2.5).sum()
    found = logp(
        model,
        coefficients_raw=raw,
        coefficients_weight=weight,
        coefficients_R2=r2,
        Intercept_centered=[0.5, -1],
    )
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("prior", PRIORS.values(), ids=PRIORS.keys())
def test_units_of_the_data_do_not_matter(study, prior):
    """The same seed draws the same coefficients, 1,000 times as large or as small."""
    in_other_units = study.assign(y=1000 * study["y"], age=study["age"] / 1000)
    seeded = {"draws": 20, "random_seed": 3, "mode": "FAST_COMPILE"}
    here = pm.draw(model_of(study, prior).model("y")["coefficients"], **seeded)
    there = pm.draw(model_of(in_other_units, prior).model("y")["coefficients"], **seeded)
    np.testing.assert_allclose(there, here * [1e6, 1e3, 1e3, 1e3], rtol=1e-9)


@pytest.mark.parametrize(("mean", "precision"), [(0.3, 5), (0.8, 2)])
def test_predictors_explain_the_proportion_of_variance_that_r2d2_says(study, mean, precision):
    frame = study[["y", "age", "count"]].assign(mixed=study["age"] + 3 * study["count"])
    predictors = ["age", "count", "mixed"]
    prior = bm.priors.r2d2(mean=mean, precision=precision)
    model = model_of(frame, prior, " + ".join(predictors)).model("y")
    draws = pm.draw(model["coefficients"], draws=4000, mode="FAST_COMPILE")
    explained = (draws @ frame[predictors].to_numpy().T).var(axis=1, ddof=1)
    proportion = explained / frame["y"].var()
    error = proportion.std() / np.sqrt(len(proportion))
    assert abs(proportion.mean() - mean) < 4.5 * error


def test_the_horseshoe_expects_one_in_ten_by_default(study):
    mice = model_of(study, bm.priors.horseshoe())
    assert (
        "coefficients ~ horseshoe(nonzero=0.4, slab_scale=2.5, slab_df=4)"
        in mice.table.loc["y", "priors"]
    )
    draws = pm.draw(mice.model("y")["coefficients_global"], draws=4000, mode="FAST_COMPILE")
    n = study["y"].notna().sum()
    below = (draws < 1 / 9 / np.sqrt(n)).mean()
    # The median of a half-Cauchy variable is its scale.
    assert abs(below - 0.5) < 4.5 * 0.5 / np.sqrt(4000)


def test_a_term_can_have_a_joint_prior_beside_other_priors(study):
    priors = {"site": bm.priors.ridge(), "age": pm.Normal.dist(0, 1)}
    model = bm.MICE(study, {"y": bm.Regression("age + site + count", priors=priors)}).model("y")
    free = {variable.name for variable in model.free_RVs}
    assert free == {"site_sd", "site_raw", "age", "coefficients", "Intercept_centered", "sigma"}
    assert list(model.coords["site_coefficient"]) == ["site[T.b]", "site[T.c]"]


def test_coefficients_of_an_auxiliary_parameter_can_be_shrunken(study):
    regression = bm.Regression(
        "1",
        distributional={"sigma": "age + count"},
        priors={"sigma_coefficients": bm.priors.horseshoe()},
    )
    model = bm.MICE(study, {"y": regression}).model("y")
    free = {variable.name for variable in model.free_RVs}
    assert {"sigma_coefficients_raw", "sigma_coefficients_global"} <= free


def test_a_model_with_a_joint_prior_is_sampled_by_nuts(study):
    specification = specify(study, {"y": bm.Regression("age", priors={"age": bm.priors.ridge()})})
    target = regression_target(specification.models["y"], specification.store)
    assert target.program.kernel is NUTS


def test_priors_are_told_in_one_line():
    assert repr(bm.priors.ridge(2)) == "ridge(scale=2, df=3)"
    assert repr(bm.priors.r2d2(0.7)) == "r2d2(mean=0.7, precision=2, concentration=0.5)"
    assert repr(bm.priors.horseshoe()) == "horseshoe(slab_scale=2.5, slab_df=4)"
    assert (
        repr(bm.priors.horseshoe(global_scale=0.01))
        == "horseshoe(global_scale=0.01, slab_scale=2.5, slab_df=4)"
    )


WRONG = {
    "zero scale": (lambda: bm.priors.ridge(0), "ridge has scale=0; expected a positive number."),
    "text": (lambda: bm.priors.ridge(df="3"), "ridge has df='3'; expected a positive number."),
    "a bool": (lambda: bm.priors.ridge(True), "ridge has scale=True; expected a positive number."),
    "nan": (lambda: bm.priors.r2d2(float("nan")), "r2d2 has mean=nan; expected a positive number."),
    "mean of one": (
        lambda: bm.priors.r2d2(mean=1),
        "r2d2 has mean=1; expected a proportion of explained variance, between 0 and 1.",
    ),
    "tiny concentration": (
        lambda: bm.priors.r2d2(concentration=0.01),
        "r2d2 has concentration=0.01; expected at least 0.05. For fewer nonzero coefficients use "
        "bm.priors.horseshoe().",
    ),
    "infinite slab": (
        lambda: bm.priors.horseshoe(slab_scale=float("inf")),
        "horseshoe has slab_scale=inf; expected a positive number.",
    ),
    "no slab": (
        lambda: bm.priors.horseshoe(slab_df=None),
        "horseshoe has slab_df=None; expected a positive number.",
    ),
    "two scales": (
        lambda: bm.priors.horseshoe(3, global_scale=0.1),
        "horseshoe has nonzero=3 and global_scale=0.1; the first determines the second. Give one "
        "of them.",
    ),
}


@pytest.mark.parametrize(("make", "text"), WRONG.values(), ids=WRONG.keys())
def test_wrong_arguments_are_refused(make, text):
    with pytest.raises(BayesMiceError, match=re.escape(text)):
        make()


def test_more_nonzero_coefficients_than_there_are_are_refused_with_their_place(study):
    with pytest.raises(BayesMiceError, match="expected fewer nonzero ones than that") as caught:
        model_of(study, bm.priors.horseshoe(nonzero=4))
    assert str(caught.value).startswith(
        "The prior 'coefficients' of the model for 'y' is horseshoe(nonzero=4, "
    )
    assert "for 4 coefficients" in str(caught.value)


def test_a_joint_prior_of_no_coefficients_is_refused(study):
    with pytest.raises(BayesMiceError, match="Use it for 'coefficients', or for a term"):
        bm.MICE(study, {"y": bm.Regression("age", priors={"sigma": bm.priors.ridge()})})


def test_a_prior_that_was_not_settled_cannot_be_written():
    with pm.Model(), pytest.raises(ModelError, match=r"Use it in bm.Regression\(priors=...\)"):
        bm.priors.ridge().write("b", (), (3,), np.ones(3))


def test_one_prior_object_serves_models_of_different_size(study):
    shared = bm.priors.horseshoe()
    models = {
        "y": bm.Regression("age", priors={"coefficients": shared}),
        "event": bm.Regression("age + site", priors={"coefficients": shared}),
    }
    table = bm.MICE(study, models).table
    assert "nonzero=0.1" in table.loc["y", "priors"]
    assert "nonzero=0.3" in table.loc["event", "priors"]

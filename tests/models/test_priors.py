"""Priors of one's own: which are taken, how they are written, which are refused."""

import re

import numpy as np
import pymc as pm
import pytest
from scipy.stats import expon, laplace, norm

from bayesmice import MICE, Regression
from bayesmice.errors import BayesMiceError
from bayesmice.models.priors import ScaledPrior


class Wide:
    """A prior that writes itself, as pymc-extras' does."""

    def create_variable(self, name):
        return pm.Normal(name, 0, 30)

    def __repr__(self):
        return "Wide()"


def model_of(study, priors, formula="age + site", target="y"):
    return MICE(study, {target: Regression(formula, priors=priors)}).model(target)


def free_names(model):
    return {variable.name for variable in model.free_RVs}


def test_a_prior_of_a_coefficient_replaces_its_default_only(study, logp):
    changed = model_of(study, {"age": pm.Laplace.dist(0.2, 0.1)})
    default = model_of(study, {})
    assert free_names(changed) == {"age", "coefficients", "Intercept_centered", "sigma"}
    rest = {"Intercept_centered": 1.0, "sigma": 2.0}
    unit = 2.5 * study["y"].std() / study["age"].std()
    difference = logp(changed, age=0.5, coefficients=[1.0, 2.0], **rest) - logp(
        default, coefficients=[0.5, 1.0, 2.0], **rest
    )
    expected = laplace.logpdf(0.5, 0.2, 0.1) - norm.logpdf(0.5, 0, unit)
    assert difference == pytest.approx(expected, rel=1e-8)


def test_a_column_s_name_is_the_vector_of_its_indicators(study, logp):
    model = model_of(study, {"site": pm.Normal.dist([1.0, 2.0], 0.5)})
    assert list(model.coords["site_coefficient"]) == ["site[T.b]", "site[T.c]"]
    at = {"Intercept_centered": 1.0, "sigma": 2.0, "coefficients": [0.1]}
    difference = logp(model, site=[1.0, 2.0], **at) - logp(model, site=[2.0, 1.0], **at)
    swapped = logp(model_of(study, {}), Intercept_centered=1, sigma=2, coefficients=[0.1, 1, 2])
    swapped -= logp(model_of(study, {}), Intercept_centered=1, sigma=2, coefficients=[0.1, 2, 1])
    expected = norm.logpdf([1, 2], [1, 2], 0.5).sum() - norm.logpdf([2, 1], [1, 2], 0.5).sum()
    assert difference == pytest.approx(expected + swapped, rel=1e-8)


def test_a_scalar_prior_of_a_vector_is_for_independent_elements(study):
    site = model_of(study, {"site": pm.Normal.dist(0, 1)})["site"]
    drawn = site.eval(mode="FAST_COMPILE")
    assert drawn.shape == (2,)
    assert drawn[0] != drawn[1]


def test_one_indicator_can_have_a_prior_of_its_own(study):
    model = model_of(study, {"site[T.c]": pm.Normal.dist(0, 1)})
    assert "site[T.c]" in free_names(model)
    assert list(model.coords["predictor"]) == ["age", "site[T.b]"]


def test_a_number_fixes_a_parameter_in_units_of_the_data(study, logp):
    model = model_of(study, {"age": 0.2, "site": 0, "Intercept": 3, "sigma": np.float64(2.0)})
    assert free_names(model) == set()
    y = study["y"].dropna()
    mu = 3 + 0.2 * study["age"][y.index]
    assert logp(model) == pytest.approx(norm.logpdf(y, mu, 2).sum(), rel=1e-8)


def test_an_auxiliary_prior_replaces_the_default(study, logp):
    model = model_of(study, {"sigma": pm.Exponential.dist(0.5)}, formula="1")
    y = study["y"].dropna()
    expected = (
        norm.logpdf(y, 9.0, 1.5).sum()
        + norm.logpdf(9.0, y.mean(), 2.5 * y.std())
        + expon.logpdf(1.5, scale=2)
    )
    assert logp(model, Intercept_centered=9.0, sigma=1.5) == pytest.approx(expected, rel=1e-8)


def test_coefficients_is_the_prior_of_those_without_one_of_their_own(study):
    priors = {"age": pm.Normal.dist(0, 1), "coefficients": pm.Laplace.dist(0, 1)}
    model = model_of(study, priors)
    assert list(model.coords["predictor"]) == ["site[T.b]", "site[T.c]"]
    assert model["coefficients"].owner.op.name == "laplace"


def test_an_object_with_create_variable_writes_its_own_prior(study):
    model = model_of(study, {"age": Wide()})
    assert "age" in free_names(model)


def test_a_multinomial_model_has_a_coefficient_per_level(study):
    model = model_of(study, {"age": pm.Normal.dist(0, 1)}, target="kind")
    assert model.named_vars_to_dims["age"] == ("level",)
    assert list(model.coords["level"]) == ["q", "r"]
    assert model["age"].eval(mode="FAST_COMPILE").shape == (2,)


def test_the_same_prior_object_can_serve_several_coefficients_and_models(study):
    narrow = pm.Normal.dist(0, 0.1)
    models = {
        "y": Regression("age + count", priors={"age": narrow, "count": narrow}),
        "event": Regression("age", priors={"age": narrow}),
    }
    mice = MICE(study, models)
    assert free_names(mice.model("y")) >= {"age", "count"}
    assert "age" in free_names(mice.model("event"))


def test_coefficients_that_share_a_prior_object_are_drawn_independently(study):
    narrow = pm.Normal.dist(0, 0.1)
    model = model_of(study, {"age": narrow, "count": narrow}, formula="age + count")
    age, count = pm.draw([model["age"], model["count"]], mode="FAST_COMPILE", random_seed=1)
    assert age != count


def test_priors_are_shown_with_the_specification(study):
    models = {"y": Regression("age", priors={"age": pm.Normal.dist(0, 1), "sigma": 2})}
    table = MICE(study, models)._problem.group().specification.table()
    shown = table.loc["y", "priors"]
    assert "age ~ Normal(0, 1)" in shown
    assert "sigma ~ fixed at 2" in shown
    y = study["y"]
    assert f"Intercept_centered ~ Normal(mu={y.mean():.3g}, sigma={2.5 * y.std():.3g})" in shown


NOT_PRIORS = {
    "a string": ("normal", "'normal'; expected an unnamed PyMC distribution"),
    "a bool": (True, "True; expected an unnamed PyMC distribution"),
    "None": (None, "None; expected an unnamed PyMC distribution"),
    "a list": ([0, 1], "[0, 1]; expected an unnamed PyMC distribution"),
    "a distribution class": (pm.Normal, "pm.Normal.dist(0, 1)"),
    "infinity": (np.inf, "fixes the parameter at inf; expected a finite number"),
    "nan": (float("nan"), "fixes the parameter at nan; expected a finite number"),
    "an expression": (2 * pm.Normal.dist(0, 1), "is a PyTensor expression, not a distribution"),
    "nested": (
        pm.Normal.dist(0, pm.HalfNormal.dist(1)),
        "is a distribution with another distribution inside",
    ),
    "discrete": (pm.Poisson.dist(2), "The prior 'age'"),
}


@pytest.mark.parametrize(("prior", "text"), NOT_PRIORS.values(), ids=NOT_PRIORS.keys())
def test_what_is_no_prior_is_refused_with_its_place(study, prior, text):
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        MICE(study, {"y": Regression("age", priors={"age": prior})})
    assert isinstance(caught.value, BayesMiceError)
    assert "The prior 'age' of the model for 'y'" in str(caught.value)


@pytest.mark.parametrize("name", ["bmi", "y", "count", "site[T.a]", "cutpoints"])
def test_a_prior_that_belongs_to_no_parameter_is_refused(study, name):
    with pytest.raises(ValueError, match="belongs to no parameter") as caught:
        MICE(study, {"y": Regression("age + site", priors={name: pm.Normal.dist(0, 1)})})
    assert isinstance(caught.value, BayesMiceError)
    known = "Parameters: Intercept, coefficients, age, site, site[T.b], site[T.c], sigma."
    assert known in str(caught.value)


@pytest.mark.parametrize("names", [("site", "site[T.b]"), ("site[T.b]", "site")], ids=str)
def test_two_priors_of_one_coefficient_are_refused(study, names):
    priors = {name: pm.Normal.dist(0, 1) for name in names}
    with pytest.raises(ValueError, match=r"both claim 'site\[T.b\]'. Keep one") as caught:
        MICE(study, {"y": Regression("age + site", priors=priors)})
    assert isinstance(caught.value, BayesMiceError)


@pytest.mark.parametrize(
    ("name", "shape", "needed"), [("age", 3, "()"), ("site", 3, "(2,)"), ("Intercept", 2, "()")]
)
def test_a_prior_of_the_wrong_shape_is_refused(study, name, shape, needed):
    with pytest.raises(ValueError, match=re.escape(f"has shape {needed}")) as caught:
        model_of(study, {name: pm.Normal.dist(0, 1, shape=shape)})
    assert isinstance(caught.value, BayesMiceError)
    assert f"The prior of {name!r} has shape ({shape},)" in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"sigma": np.array([2.5, 0.123456])}, ["sigma=2.5", "sigma=0.123"]),
        ({"sigma": 3.0}, ["sigma=3", "sigma=3"]),
        ({"sigma": np.array([[1.0, 2.0], [4.0, 4.0]])}, ["sigma=[1, 2]", "sigma=4"]),
    ],
)
def test_each_element_of_a_vector_prior_is_shown_with_its_own_scale(arguments, expected):
    texts = ScaledPrior("Normal", arguments, {"mu": 0.0}).texts(2)
    assert texts == [f"Normal(mu=0, {text})" for text in expected]

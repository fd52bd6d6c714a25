"""The design matrix of a formula; the oracle is formulaic's own matrix of complete data."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from formulaic import ModelSpec, model_matrix

from bayesmice.data import encode
from bayesmice.errors import BayesMiceError
from bayesmice.models.terms import learn_formula, of_columns

N = 60


@pytest.fixture(scope="module", autouse=True)
def double_precision():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


@pytest.fixture(scope="module")
def frame():
    """Every scale, complete."""
    rng = np.random.default_rng(4)
    data = pd.DataFrame(
        {
            "age": rng.uniform(20, 80, N),
            "bmi": rng.normal(26, 4, N),
            "count": rng.integers(0, 5, N),
            "smoker": rng.random(N) < 0.4,
            "flag": rng.integers(0, 2, N),
            "hyp": rng.choice(["no", "yes"], N),
            "site": pd.Categorical(rng.choice(["b", "c", "a"], N)),
            "stage": pd.Categorical(
                rng.choice(["I", "II", "III"], N), ["I", "II", "III"], ordered=True
            ),
            "two words": rng.uniform(1, 2, N),
        }
    )
    return data.assign(y=rng.normal(size=N))


@pytest.fixture(scope="module")
def gappy(frame):
    """The same data with holes; y stays complete."""
    rng = np.random.default_rng(5)
    data = frame.astype({"count": "Int64", "smoker": "boolean", "flag": "Int64"})
    for name in ["age", "bmi", "count", "smoker", "flag", "hyp", "site", "stage"]:
        data.loc[rng.random(N) < 0.25, name] = None
    return data


def draw_fills(store, seed=0):
    rng = np.random.default_rng(seed)
    return {
        name: rng.choice(store.columns[name].observed_values, store.columns[name].n_missing)
        for name in store.incomplete
        if store.columns[name].observed.any()
    }


def completed(store, fills=None):
    values = {name: column.values.copy() for name, column in store.columns.items()}
    for name in fills or {}:
        values[name][store.columns[name].missing_rows] = fills[name]
    return values


def learn(formula, data, target="y", **names):
    store = encode(data)
    return learn_formula(formula, target, store, draw_fills(store), names)


def formulaic_matrix(formula, data):
    matrix = model_matrix(formula, data.drop(columns="y"))
    matrix = matrix.drop(columns="Intercept", errors="ignore")
    return list(matrix.columns), np.asarray(matrix, dtype=float)


TRACED = [
    ".",
    "1",
    "age",
    "age + smoker + hyp + site + stage",
    "age:bmi",
    "age * site",
    "age:site",
    "site:stage",
    "site * hyp * age",
    "site / age",
    "age %in% site",
    "(age + site + hyp) ** 2",
    "(age + bmi + count) ** 3 - age:bmi:count",
    ". + age:.",
    ". + hyp:site",
    "smoker:site",
    "{age > 50} + {age / bmi}",
    # without an intercept
    "0 + age",
    "age + bmi - 1",
    "0 + site",
    "0 + age + site + stage",
    "0 + site:stage",
    "0 + site:age",
    "0 + C(stage, contr.sum) + hyp",
    "0 + bs(age, df=5, include_intercept=True)",
    # arithmetic and functions
    "I(age / 10 + 2)",
    "I(-age) + I(age // 10) + I(age % 7) + I(age ** 2) + I(2 * age - bmi)",
    "I(age > 50)",
    "I((age > 50) & (bmi < 26)) + I((age > 50) | ~(bmi < 26)) + I(age != bmi)",
    "I(age > 50):site",
    "I(smoker * 2) + I(flag + age)",
    "log(age) + log2(age) + log10(age) + exp(age / 100) + exp2(age / 100)",
    "np.log(age) + np.log1p(age) + np.sqrt(age) + np.sin(age) + np.arctan2(age, bmi)",
    "np.maximum(age, 50) + np.where(bmi > 26, age, 0) + np.clip(bmi, 22, 28) + abs(age - 50)",
    "I(age * np.pi) + I(age - np.mean(age))",
    "np.stack([age, bmi], axis=1)",
    "age ** 2",
    # categories
    "C(site)",
    "C(site, contr.sum)",
    "C(site, contr.helmert) + C(stage, contr.poly)",
    "C(stage, contr.diff):age",
    "C(site, contr.treatment('b')) + C(hyp, contr.SAS)",
    "C(site, Treatment('b')) + C(stage, Sum)",
    "C(site, {'one': [1, 0, -1], 'two': [0, 1, -1]})",
    "C(site, np.array([[1, 0], [0, 1], [-1, -1]])):age",
    "C(site, levels=['c', 'b', 'a'])",
    "C(smoker) + C(flag):age",
    "C(count)",
    "C(count, contr.helmert):hyp",
    "0 + C(count)",
    "C(np.floor(age / 20))",
    "C(age > 50)",
    "C(np.where(age > 50, 1, 2), contr.sum):bmi",
    "I(stage) + I(site == 'a') + I(stage > 'I') + I(hyp != 'no')",
    "I(age * (site == 'a')) + np.where(site == 'b', age, bmi)",
    "site.isin(['a', 'b']) + np.isin(site, ['a'])",
    "hashed(site, levels=4) + hashed(stage, levels=5)",
    # names
    "Q('age') + Q('two words') + Q('site')",
    "`two words` + np.log(`two words`) + `two words`:site",
    # transforms that learn
    "center(age) + scale(bmi) + standardize(count)",
    "scale(age, center=False) + scale(bmi, ddof=0) + scale(bmi, scale=2)",
    "scale(np.log(age)) + I(center(age) * bmi) + center(age):center(bmi)",
    "center(site == 'a')",
    "poly(age, 3) + poly(bmi, degree=2, raw=True)",
    "poly(age, 2):site + hyp",
    "scale(poly(age, 2))",
    "bs(age, df=4)",
    "bs(age, df=5, include_intercept=True)",
    "bs(age, knots=[30, 50], degree=2) * hyp",
    "bs(age, df=4, lower_bound=10, upper_bound=90)",
    "bs(age, df=5, extrapolation='clip') + bs(age, df=4, degree=1)",
    "cr(age, df=4)",
    "cr(age, df=4, constraints='center') + cs(bmi, df=5):site",
    "cr(age, knots=[30, 45, 60], lower_bound=25, upper_bound=70, extrapolation='zero')",
    "cr(age, knots=[30, 45], constraints=[[1, 2, 3, 4]])",
    "cc(age, df=4)",
    "cc(age, df=4, constraints='center')",
    "cc(age, knots=[40, 50], lower_bound=30, upper_bound=60)",
]

HOSTED = [
    ("age.clip(30, 60)", "age.clip(30, 60)"),
    ("age.rank():site + bmi", "age.rank()"),
    ("center(bs(age, df=4))", "center(bs(age, df=4))"),
    ("hashed(count, levels=3)", "hashed(count, levels=3)"),
    ("lag(age, 0)", "lag(age, 0)"),
    ("C(count, levels=[0, 1, 2])", "C(count, levels=[0, 1, 2])"),
    ("bs(age, df=4, extrapolation='raise')", "bs(age, df=4, extrapolation='raise')"),
    ("{site.map(site.value_counts()).astype(float)}", None),
]


@pytest.mark.filterwarnings("ignore:Data has categories outside", "ignore:Constructing a Cat")
@pytest.mark.parametrize("formula", TRACED + [formula for formula, _ in HOSTED])
def test_the_design_is_the_matrix_of_formulaic(formula, frame):
    design = learn(formula, frame)
    names, expected = formulaic_matrix(formula, frame)
    kept = [i for i, name in enumerate(names) if name in design.names]
    assert design.names == tuple(names[i] for i in kept)
    assert all(np.ptp(expected[:, i]) == 0 for i in set(range(len(names))) - set(kept))
    found = design.evaluate(completed(encode(frame)), np) + design.centers
    np.testing.assert_allclose(found, expected[:, kept], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("formula", TRACED)
def test_the_design_can_be_traced(formula, frame):
    design = learn(formula, frame)
    assert design.host == ()
    values = completed(encode(frame))
    expected = design.evaluate(values, np)
    found = jax.jit(lambda columns: design.evaluate(columns, jnp))(values)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("formula", "factor"), HOSTED)
def test_what_arrays_cannot_do_is_left_to_the_host(formula, factor, frame):
    design = learn(formula, frame)
    assert design.host == (factor or formula.strip("{}"),)
    found = design.evaluate(completed(encode(frame)), jnp)
    assert isinstance(found, jax.Array)
    np.testing.assert_allclose(found, design.evaluate(completed(encode(frame)), np))


@pytest.mark.parametrize("formula", TRACED)
def test_fills_teach_nothing(formula, gappy):
    store = encode(gappy)
    one, other = (learn_formula(formula, "y", store, draw_fills(store, seed)) for seed in (1, 2))
    assert one.names == other.names
    assert one.dropped == other.dropped
    values = completed(store, draw_fills(store, 3))
    if "np.mean" not in formula:  # which is the mean of the values at hand
        np.testing.assert_array_equal(one.centers, other.centers)
        np.testing.assert_array_equal(one.units, other.units)
    np.testing.assert_allclose(
        one.evaluate(values, np) + one.centers, other.evaluate(values, np) + other.centers
    )


LEARNING = [
    ("center(age)", None),
    ("scale(age)", None),
    ("standardize(age)", None),
    ("poly(age, 3)", None),
    ("bs(age, df=4)", "bs(age, df=4, extrapolation='extend')"),
    (
        "bs(age, df=6, degree=2, include_intercept=True)",
        "bs(age, df=6, degree=2, include_intercept=True, extrapolation='extend')",
    ),
    (
        "bs(age, knots=[30, 45], lower_bound=25, upper_bound=75)",
        "bs(age, knots=[30, 45], lower_bound=25, upper_bound=75, extrapolation='extend')",
    ),
    ("bs(age, df=4, extrapolation='clip')", None),
    ("bs(age, df=4, extrapolation='zero')", None),
    ("bs(age, df=4, extrapolation='na')", None),
    ("cr(age, df=4)", None),
    ("cr(age, df=4, constraints='center')", None),
    ("cr(age, df=4, extrapolation='clip')", None),
    ("cr(age, df=4, extrapolation='zero')", None),
    ("cr(age, df=4, extrapolation='na')", None),
    ("cc(age, df=4)", None),
    ("cc(age, df=4, constraints='center')", None),
]


@pytest.mark.parametrize(("formula", "said_to_formulaic"), LEARNING)
def test_what_was_learned_holds_for_other_values_and_beyond_their_range(
    formula, said_to_formulaic, gappy
):
    store = encode(gappy)
    design = learn(formula, gappy)
    observed = gappy[["age"]].dropna().reset_index(drop=True)
    learned = model_matrix(said_to_formulaic or formula, observed).model_spec
    age = np.concatenate([np.linspace(-10, 120, N - 4), design_knots(learned)])
    expected = learned.get_model_matrix(pd.DataFrame({"age": age}), na_action="ignore")
    values = completed(store) | {"age": age}
    for xp in (np, jnp):
        found = design.evaluate(values, xp) + design.centers
        np.testing.assert_allclose(found, np.asarray(expected, float)[:, 1:], rtol=1e-9, atol=1e-9)


def design_knots(learned: ModelSpec):
    """The ends and two knots of a spline, where its pieces meet; the ends twice if it has none."""
    (state,) = learned.transform_state.values()
    knots = np.unique(state.get("knots", [20, 80]))
    return np.array([knots[0], knots[-1], knots[len(knots) // 2], knots[len(knots) // 3]])


def test_explicit_refusal_to_extrapolate_is_obeyed(gappy):
    design = learn("bs(age, df=4, extrapolation='raise')", gappy)
    with pytest.raises(Exception, match="extend beyond upper and/or lower bounds"):
        design.evaluate({"age": np.array([500.0])}, np)


def test_a_factor_learns_from_the_rows_in_which_all_that_it_reads_was_observed(gappy):
    design = learn("I(center(age) * bmi)", gappy)
    both = gappy[["age", "bmi"]].dropna()
    expected = (10 - both["age"].mean()) * 3
    found = design.evaluate({"age": np.array([10.0]), "bmi": np.array([3.0])}, np)
    assert found + design.centers == pytest.approx(expected)


def test_without_a_common_row_the_fills_complete_the_data():
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"a": rng.normal(size=8), "b": rng.normal(size=8), "y": 1.0})
    data.loc[:3, "a"] = None
    data.loc[4:, "b"] = None
    store = encode(data)
    fills = draw_fills(store)
    design = learn_formula("a:b", "y", store, fills)
    values = completed(store, fills)
    assert design.centers == pytest.approx(np.mean(values["a"] * values["b"]))


def test_cells_known_by_their_limits_count_with_a_value_within_them():
    data = pd.DataFrame({"x": [2.0, 2.0, None, None], "y": 1.0})
    store = encode(data)
    limited = store.columns["x"].with_limits(
        np.array([-np.inf, -np.inf, 4, -np.inf]), np.array([np.inf, np.inf, 6, np.inf])
    )
    store = store.with_columns({"x": limited})
    design = learn_formula("x", "y", store, {"x": np.array([2.0, 2.0])})
    assert design.centers == pytest.approx((2 + 2 + 5) / 3)


def test_centers_and_units_are_of_the_observed_rows(gappy):
    design = learn("age + smoker + site + age:hyp + C(stage, contr.sum) + I(flag * 3)", gappy)
    position = {name: i for i, name in enumerate(design.names)}
    centers = {name: design.centers[i] for name, i in position.items()}
    units = {name: design.units[i] for name, i in position.items()}
    assert centers["age"] == pytest.approx(gappy["age"].mean())
    assert units["age"] == pytest.approx(gappy["age"].std())
    assert centers["smoker"] == pytest.approx(gappy["smoker"].mean())
    assert centers["site[T.b]"] == pytest.approx((gappy["site"].dropna() == "b").mean())
    both = gappy[["age", "hyp"]].dropna()
    product = both["age"] * (both["hyp"] == "yes")
    assert centers["age:hyp[T.yes]"] == pytest.approx(product.mean())
    assert units["age:hyp[T.yes]"] == pytest.approx(product.std())
    assert units["smoker"] == units["site[T.b]"] == 1
    assert units["I(flag * 3)"] == 3
    stage = gappy["stage"].dropna().map({"I": 1.0, "II": 0.0, "III": -1.0}).astype(float)
    assert units["C(stage, contr.sum)[S.I]"] == pytest.approx(stage.std())


def test_without_an_intercept_nothing_is_centered(gappy):
    design = learn("0 + age + site", gappy)
    assert not design.has_intercept
    np.testing.assert_array_equal(design.centers, np.zeros(4))
    assert design.names == ("age", "site[a]", "site[b]", "site[c]")
    assert learn("age", gappy).has_intercept


def test_terms_and_columns_are_found(gappy):
    design = learn("np.log(age) * site + `two words`", gappy)
    assert dict(design.terms) == {
        "np.log(age)": (0,),
        "site": (1, 2),
        "two words": (3,),
        "np.log(age):site": (4, 5),
    }
    assert design.columns == ("age", "site", "two words")
    assert design.width == 6


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (".", True),
        ("age + site", True),
        ("1", True),
        ("0 + age", False),
        ("2:age", False),
        ("I(age)", False),
        ("age * bmi", False),
    ],
)
def test_columns_as_they_stand_make_a_plain_design(formula, expected, gappy):
    assert learn(formula, gappy).is_plain is expected


@pytest.mark.parametrize("formula", ["1", "0"])
def test_a_design_can_be_empty(formula, gappy):
    design = learn(formula, gappy)
    assert design.names == design.columns == ()
    for xp in (np, jnp):
        assert design.evaluate({}, xp).shape == (N, 0)
        assert design.evaluate({"age": np.zeros(3)}, xp).shape == (3, 0)


@pytest.fixture(scope="module")
def odd(frame):
    """A constant, an identifier, a column without values."""
    return frame.assign(year=2020.0, person=[f"p{i}" for i in range(N)], empty=np.full(N, np.nan))


CONSTANT = ("year", "it is constant")
LABELS = ("person", "it labels rows: none of its levels occurs twice")
EMPTY = ("empty", "no value was observed")
STILL = "it does not vary where all that it reads was observed"


@pytest.mark.parametrize(
    ("formula", "names", "dropped"),
    [
        ("age + year", ["age"], [CONSTANT]),
        ("age + age:year + person", ["age"], [CONSTANT, LABELS]),
        ("year:age + year:bmi", [], [CONSTANT]),
        ("C(person):age + bmi", ["bmi"], [LABELS]),
        ("age + empty + I(bmi * empty)", ["age"], [EMPTY]),
        ("I(year - age)", ["I(year - age)"], []),
        ("age + I(age * 0)", ["age"], [("I(age * 0)", STILL)]),
        ("bmi + {np.exp(0 * age) / 7}", ["bmi"], [("np.exp(0 * age) / 7", STILL)]),
        ("age + I(3)", ["age"], [("I(3)", "a factor reads no column")]),
        ("(age + year + empty) ** 2 - year", ["age"], [CONSTANT, EMPTY]),
        ("(age + year + empty) - year", ["age"], [EMPTY]),
    ],
)
def test_what_cannot_predict_is_left_out_and_listed(formula, names, dropped, odd):
    design = learn(formula, odd)
    assert list(design.names) == list(design.terms) == names
    assert list(design.dropped) == dropped


def test_a_dot_is_every_column_that_can_predict(odd):
    design = learn(".", odd)
    assert design.columns == tuple(odd.columns[:9])
    assert set(design.dropped) == {CONSTANT, LABELS, EMPTY}


def test_design_columns_without_variation_are_left_out(frame):
    data = frame.assign(hyp=np.where(frame["site"] == "a", "no", frame["hyp"]))
    design = learn("0 + site:hyp", data)
    names, expected = formulaic_matrix("0 + site:hyp", data)
    assert design.dropped == (("site[a]:hyp[yes]", STILL),)
    kept = [names.index(name) for name in design.names]
    found = design.evaluate(completed(encode(data)), np) + design.centers
    np.testing.assert_allclose(found, expected[:, kept])


@pytest.mark.parametrize(
    "label", ["1", "two words", "lambda", "a.b", "x:y", "x'", 'say "x"', "C", "log", "np", "größe"]
)
def test_columns_may_be_called_anything(label, frame):
    data = frame[["age", "site", "y"]].assign(**{label: frame["bmi"]})
    plain = frame[["age", "site", "y"]].assign(other=frame["bmi"])
    for formula in ["{0} + age", "site:{0}", "np.log({0}) + log({0}):C(site)", ".**2", "bs({0})"]:
        design = learn(formula.format(f"`{label}`"), data)
        simple = learn(formula.format("other"), plain)
        np.testing.assert_allclose(
            design.evaluate(completed(encode(data)), np),
            simple.evaluate(completed(encode(plain)), np),
        )
    assert learn(f"`{label}` + age", data).names == (label, "age")
    shown = label if label.isidentifier() and label != "lambda" else f"`{label}`"
    assert learn(f"np.log(`{label}`)", data).names == (f"np.log({shown})",)


def test_codes_may_be_integers_or_floats(frame):
    store = encode(frame)
    design = learn(".", frame)
    codes = {
        name: column.values.astype(int if column.levels else float)
        for name, column in store.columns.items()
    }
    np.testing.assert_array_equal(design.evaluate(codes, np), design.evaluate(completed(store), np))


def test_numbers_as_levels_go_to_the_nearest_level(frame):
    design = learn("C(count)", frame)
    values = {"count": np.array([-3.0, 0.4, 0.6, 2.2, 9.0])}
    expected = np.array([[0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
    for xp in (np, jnp):
        np.testing.assert_allclose(design.evaluate(values, xp) + design.centers, expected)


def test_numbers_scale_a_term(frame):
    values = completed(encode(frame))
    for formula, single in [("2:age", "age"), ("0 + 2:site", "0 + site")]:
        double, once = learn(formula, frame), learn(single, frame)
        assert double.names == once.names
        np.testing.assert_allclose(double.evaluate(values, np), 2 * once.evaluate(values, np))


def test_exp10_is_ten_to_a_power(frame):
    design = learn("exp10(age / 20)", frame)
    assert design.host == ()
    assert design.evaluate({"age": np.array([40.0])}, np) + design.centers == pytest.approx(100)


def test_users_functions_are_called_on_the_host(frame):
    design = learn("double(age) + bmi", frame, double=lambda x: 2 * np.asarray(x))
    assert design.host == ("double(age)",)
    found = design.evaluate({"age": np.array([4.0]), "bmi": np.array([1.0])}, np)
    np.testing.assert_allclose(found + design.centers, [[8, 1]])


def test_users_constants_and_numpy_functions_can_be_traced(frame):
    names = {"k": 10, "root": np.sqrt, "M": np.array([[1, 0], [0, 1], [-1, -1]])}
    design = learn("I(age / k) + root(age) + C(site, M)", frame, **names)
    assert design.host == ()
    values = {"age": np.array([25.0]), "site": np.array([2])}
    np.testing.assert_allclose(design.evaluate(values, np) + design.centers, [[2.5, 5, -1, -1]])


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ("I(site + 1)", "'I(site + 1)' uses 'site' as a number, but it holds categories (a, b, c)"),
        ("np.log(site)", "'np.log(site)' uses 'site' as a number"),
        ("age + -I(-stage) + I(-stage)", "'I(-stage)' uses 'stage' as a number"),
        ("center(hyp)", "compare it, as in I(hyp == 'yes')"),
        ("I(site * age)", "uses 'site' as a number"),
        ("np.log(two)", "names 'two', which is not a column"),
        ("np.log(`two words` - 1.5)", "is not finite in"),
        ("np.log(age - 1000)", f"is not finite in {N} of the {N} rows where 'age' was observed"),
        ("np.log(age - 99 * bmi)", "rows where 'age' and 'bmi' were observed"),
        ("lag(age)", f"'lag(age)' is not finite in 1 of the {N} rows"),
        ("I(30 < age < 50)", "cannot be evaluated (ValueError: The truth value"),
        ("I(`two words`.nope)", "'I(`two words`.nope)' cannot be evaluated (AttributeError"),
        ("cr(age)", "(ValueError: Must specify either 'df' or 'knots'.)"),
        ("C(site, contr.treatment('z'))", "cannot be evaluated (ValueError: 'z' is not in list)"),
        ("fails(age)", "cannot be evaluated (RuntimeError: not today)"),
        ("nope(age)", "Functions: C, Diff, Helmert, I, Poly, Q, Sum, Treatment, bs,"),
        ("y", "lets 'y' predict itself"),
        ("np.log(y)", "lets 'y' predict itself (in 'np.log(y)')"),
        ("y ~ age", "cannot be parsed"),
        (3, "expected a string"),
    ],
)
def test_faults_are_named(formula, text, frame):
    def fails(_):
        raise RuntimeError("not today")

    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        learn(formula, frame, fails=fails)
    assert isinstance(caught.value, BayesMiceError)
    assert "model for 'y'" in str(caught.value)


def test_only_observed_values_must_be_finite():
    data = pd.DataFrame({"x": [1.0, 2, 3, None], "y": 1.0})
    design = learn("np.log(x)", data)
    assert design.centers == pytest.approx(np.log([1, 2, 3]).mean())


def test_all_columns_but_one_are_the_design_of_the_dot(gappy, odd):
    """Most targets have the same formula, so it is learned once and each target is left out."""
    for data in (gappy, odd.drop(columns="empty")):
        store = encode(data)
        fills = draw_fills(store)
        everything = learn_formula(".", "", store, fills)
        for target in store.columns:
            expected = learn_formula(".", target, store, fills)
            found = of_columns(everything, [name for name in store.columns if name != target])
            assert found.names == expected.names
            assert found.terms == expected.terms
            assert found.columns == expected.columns
            assert found.is_plain
            assert set(found.dropped) == set(expected.dropped)
            np.testing.assert_array_equal(found.units, expected.units)
            values = completed(store, fills)
            np.testing.assert_array_equal(found.evaluate(values, np), expected.evaluate(values, np))

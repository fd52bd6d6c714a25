"""How the simulated data sets come about: covariates, an outcome with known parameters, holes.

In each of them one column stays complete, and the chance of holes depends on columns that a pattern
keeps, so cells are missing at random. Where covariates are missing it depends on the outcome, so
estimates from complete rows alone are biased.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import expit

Values = NDArray[np.float64]
Truth = Mapping[str, Any]

PUPILS = 20
SEVERITIES = pd.Index(["none", "mild", "moderate", "severe"])


@dataclass(frozen=True)
class Process:
    """A process that makes data.

    Attributes
    ----------
    description : str
        For people.
    formula, family : str
        The model of the outcome, in the grammar and words of Bambi.
    model : str
        The process written out, distributions as PyMC has them.
    truth : mapping of str to float or list of float
        Parameters of the outcome, named as a regression of bayesmice names them.
    draw : callable
        From truth, number of rows and generator to complete data.
    holes : mapping of tuple of str to mapping of str to float
        Patterns, by the columns that are missing together, and the weights of columns in the score
        that decides on each; high scores get holes more often.
    long_name, units : mapping of str to str
        What each column is, and the units of those that have one.
    """

    description: str
    formula: str
    family: str
    model: str
    truth: Truth
    draw: Callable[[Truth, int, Generator], pd.DataFrame]
    holes: Mapping[tuple[str, ...], Mapping[str, float]]
    long_name: Mapping[str, str]
    units: Mapping[str, str]


def _people(n: int, rng: Generator) -> pd.DataFrame:
    age = rng.uniform(30, 70, n)
    bmi = rng.normal(26 + 0.05 * (age - 50), 4)
    smokes = rng.random(n) < expit(-0.8 - 0.02 * (age - 50))
    return pd.DataFrame({"age": age, "bmi": bmi, "smoker": _no_yes(smokes)})


PEOPLE = (
    "age ~ Uniform(30, 70); bmi ~ Normal(26 + 0.05 (age - 50), 4); P(smoker = yes) = "
    "expit(-0.8 - 0.02 (age - 50)); "
)
NAMES_OF_PEOPLE = {"age": "age", "bmi": "body mass index", "smoker": "whether the person smokes"}
UNITS_OF_PEOPLE = {"age": "year", "bmi": "kg/m2"}


def _no_yes(flags: NDArray[np.bool_]) -> "pd.Categorical[str]":
    return pd.Categorical.from_codes(flags.astype(int), pd.Index(["no", "yes"]))


def _predicted_of_people(truth: Truth, data: pd.DataFrame) -> Values:
    """Give the linear predictor of an outcome of age, body mass index and smoking."""
    smokes = (data["smoker"] == "yes").to_numpy(dtype=float)
    age, bmi = data["age"].to_numpy(), data["bmi"].to_numpy()
    predicted: Values = (
        truth["Intercept"]
        + truth["age"] * age
        + truth["bmi"] * bmi
        + truth["smoker[T.yes]"] * smokes
    )
    return predicted


def _draw_linear(truth: Truth, n: int, rng: Generator) -> pd.DataFrame:
    data = _people(n, rng)
    return data.assign(pressure=rng.normal(_predicted_of_people(truth, data), truth["sigma"]))


LINEAR = Process(
    description="Blood pressure of people: a linear regression.",
    formula="pressure ~ age + bmi + smoker",
    family="gaussian",
    model=PEOPLE + "pressure ~ Normal(Intercept + age + bmi + smoker, sigma)",
    truth={"Intercept": 60.0, "age": 0.6, "bmi": 1.2, "smoker[T.yes]": 5.0, "sigma": 12.0},
    draw=_draw_linear,
    holes={
        ("bmi",): {"pressure": 1},
        ("smoker",): {"age": 1, "pressure": 2},
        ("pressure",): {"age": 1, "bmi": 1},
        ("bmi", "smoker"): {"pressure": 1},
    },
    long_name=NAMES_OF_PEOPLE | {"pressure": "systolic blood pressure"},
    units=UNITS_OF_PEOPLE | {"pressure": "mmHg"},
)


def _draw_logistic(truth: Truth, n: int, rng: Generator) -> pd.DataFrame:
    data = _people(n, rng)
    return data.assign(diabetes=rng.random(n) < expit(_predicted_of_people(truth, data)))


LOGISTIC = Process(
    description="Whether people have diabetes: a logistic regression.",
    formula="diabetes ~ age + bmi + smoker",
    family="bernoulli",
    model=PEOPLE + "diabetes ~ Bernoulli(expit(Intercept + age + bmi + smoker))",
    truth={"Intercept": -8.5, "age": 0.06, "bmi": 0.15, "smoker[T.yes]": 0.6},
    draw=_draw_logistic,
    holes={
        ("bmi",): {"age": 1, "diabetes": 1},
        ("smoker",): {"age": 1, "bmi": 1, "diabetes": 1},
        ("diabetes",): {"age": 1, "bmi": 1},
    },
    long_name=NAMES_OF_PEOPLE | {"diabetes": "whether the person has diabetes"},
    units=UNITS_OF_PEOPLE,
)


def _draw_ordinal(truth: Truth, n: int, rng: Generator) -> pd.DataFrame:
    age = rng.uniform(30, 70, n)
    dose = rng.normal(50, 15, n)
    predicted = truth["age"] * age + truth["dose"] * dose
    latent = predicted + rng.logistic(size=n)
    severity = pd.Categorical.from_codes(
        np.searchsorted(truth["cutpoints"], latent), SEVERITIES, ordered=True
    )
    return pd.DataFrame({"age": age, "dose": dose, "severity": severity})


ORDINAL = Process(
    description="Severity of symptoms in four levels: a cumulative logit regression.",
    formula="severity ~ age + dose",
    family="cumulative",
    model=(
        "age ~ Uniform(30, 70); dose ~ Normal(50, 15); P(severity at most level k) = "
        "expit(cutpoints[k] - age - dose)"
    ),
    truth={"age": 0.05, "dose": -0.04, "cutpoints": [-0.8, 0.5, 2.0]},
    draw=_draw_ordinal,
    holes={
        ("dose",): {"age": 1, "severity": 1},
        ("severity",): {"age": 1, "dose": 1},
        ("dose", "severity"): {"age": 1},
    },
    long_name={"age": "age", "dose": "dose of the drug", "severity": "severity of symptoms"},
    units={"age": "year", "dose": "mg"},
)


def _draw_counts(truth: Truth, n: int, rng: Generator) -> pd.DataFrame:
    age = rng.uniform(30, 70, n)
    diseases = rng.poisson(np.exp(-0.5 + 0.02 * (age - 50)))
    mean = np.exp(truth["Intercept"] + truth["age"] * age + truth["diseases"] * diseases)
    visits = rng.poisson(mean * rng.gamma(truth["alpha"], 1 / truth["alpha"], n))
    return pd.DataFrame({"age": age, "diseases": diseases, "visits": visits})


COUNTS = Process(
    description="Visits to a doctor: a negative binomial regression.",
    formula="visits ~ age + diseases",
    family="negativebinomial",
    model=(
        "age ~ Uniform(30, 70); diseases ~ Poisson(exp(-0.5 + 0.02 (age - 50))); visits ~ "
        "NegativeBinomial(exp(Intercept + age + diseases), alpha)"
    ),
    truth={"Intercept": -0.4, "age": 0.02, "diseases": 0.35, "alpha": 1.5},
    draw=_draw_counts,
    holes={
        ("diseases",): {"visits": 1},
        ("visits",): {"age": 1, "diseases": 1},
        ("diseases", "visits"): {"age": 1},
    },
    long_name={
        "age": "age",
        "diseases": "number of chronic diseases",
        "visits": "visits to a doctor in the year",
    },
    units={"age": "year"},
)


def _draw_two_level(truth: Truth, n: int, rng: Generator) -> pd.DataFrame:
    school = np.arange(n) // PUPILS
    n_schools = int(school[-1]) + 1
    funding = rng.normal(10, 2, n_schools)[school]
    earlier = rng.normal(50, 10, n)
    hours = rng.normal(6 + 0.05 * (earlier - 50), 2)
    predicted = (
        truth["Intercept"]
        + truth["earlier"] * earlier
        + truth["hours"] * hours
        + truth["funding"] * funding
    )
    of_school = rng.normal(0, truth["1|school_sigma"], n_schools)[school]
    score = rng.normal(predicted + of_school, truth["sigma"])
    names = pd.Index([f"school {j}" for j in range(n_schools)])
    return pd.DataFrame(
        {
            "school": pd.Categorical.from_codes(school, names),
            "funding": funding,
            "earlier": earlier,
            "hours": hours,
            "score": score,
        }
    )


TWO_LEVEL = Process(
    description=f"Test scores of {PUPILS} pupils in each school: varying intercepts.",
    formula="score ~ earlier + hours + funding + (1|school)",
    family="gaussian",
    model=(
        "funding ~ Normal(10, 2), by school; earlier ~ Normal(50, 10); hours ~ Normal(6 + "
        "0.05 (earlier - 50), 2); score ~ Normal(Intercept + earlier + hours + funding + "
        "Normal(0, 1|school_sigma), by school, sigma)"
    ),
    truth={
        "Intercept": 10.0,
        "earlier": 0.6,
        "hours": 1.5,
        "funding": 1.0,
        "1|school_sigma": 4.0,
        "sigma": 7.0,
    },
    draw=_draw_two_level,
    holes={
        ("hours",): {"score": 1},
        ("score",): {"earlier": 1, "hours": 1},
        ("hours", "score"): {"earlier": 1},
    },
    long_name={
        "school": "school",
        "funding": "funding per pupil of the school",
        "earlier": "score of an earlier test",
        "hours": "hours of homework in a week",
        "score": "score of the test",
    },
    units={"funding": "1000 EUR", "earlier": "point", "hours": "h", "score": "point"},
)


def _draw_skewed(truth: Truth, n: int, rng: Generator) -> pd.DataFrame:
    age = rng.uniform(30, 70, n)
    days = rng.lognormal(1.2 + 0.01 * (age - 50), 0.5)
    emergency = rng.random(n) < 0.3
    mean = np.exp(
        truth["Intercept"]
        + truth["age"] * age
        + truth["days"] * days
        + truth["emergency[T.yes]"] * emergency
    )
    cost = rng.gamma(truth["alpha"], mean / truth["alpha"])
    return pd.DataFrame({"age": age, "days": days, "emergency": _no_yes(emergency), "cost": cost})


SKEWED = Process(
    description="Costs of stays in hospital, positive and skewed: a gamma regression.",
    formula="cost ~ age + days + emergency",
    family="gamma",
    model=(
        "age ~ Uniform(30, 70); days ~ LogNormal(1.2 + 0.01 (age - 50), 0.5); P(emergency = yes) = "
        "0.3; cost ~ Gamma with mean exp(Intercept + age + days + emergency) and shape alpha"
    ),
    truth={"Intercept": 6.0, "age": 0.01, "days": 0.1, "emergency[T.yes]": 0.3, "alpha": 1.5},
    draw=_draw_skewed,
    holes={
        ("days",): {"cost": 1},
        ("cost",): {"age": 1, "days": 1},
        ("emergency",): {"age": 1, "cost": 1},
        ("days", "cost"): {"age": 1},
    },
    long_name={
        "age": "age",
        "days": "length of the stay",
        "emergency": "whether it began as an emergency",
        "cost": "cost of the stay",
    },
    units={"age": "year", "days": "day", "cost": "EUR"},
)

PROCESSES: Mapping[str, Process] = {
    "linear": LINEAR,
    "logistic": LOGISTIC,
    "ordinal": ORDINAL,
    "counts": COUNTS,
    "two_level": TWO_LEVEL,
    "skewed": SKEWED,
}

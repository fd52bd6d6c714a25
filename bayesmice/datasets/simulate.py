"""Making data sets of any size with known truth."""

from collections.abc import Hashable
from copy import deepcopy
from typing import Any

import pandas as pd
from numpy.random import Generator

from bayesmice.arguments import check_count, random_generator
from bayesmice.data.amputation import ampute
from bayesmice.datasets.processes import PROCESSES, Process
from bayesmice.errors import SpecificationError


def simulate_dataset(
    name: str,
    n: int = 500,
    *,
    proportion: float = 0.4,
    random_seed: int | Generator | None = None,
) -> pd.DataFrame:
    """Make a data set with holes, whose true parameters are known.

    Parameters
    ----------
    name : {"linear", "logistic", "ordinal", "counts", "two_level", "skewed"}
        ``"linear"``
            Blood pressure (mmHg) by age, body mass index and smoking.
        ``"logistic"``
            Diabetes by age, body mass index and smoking.
        ``"ordinal"``
            Severity of symptoms, in four levels, by age and dose.
        ``"counts"``
            Visits to a doctor by age and number of diseases: negative binomial.
        ``"two_level"``
            Test scores of pupils in schools, by an earlier score, homework and funding.
        ``"skewed"``
            Costs of stays in hospital by age, days and emergency: gamma.
    n : int, default 500
        Number of rows.
    proportion : float, default 0.4
        Expected share of rows with holes, from 0 to 1. With 0 the data are complete, and equal what
        holes are made in with the same seed.
    random_seed : int or numpy Generator, optional
        Seed of the draws, or where they come from. Each call differs without one.

    Returns
    -------
    DataFrame of shape (n, n_columns)
        The data. Its ``attrs`` hold what is known of them:

        ``truth``
            Parameters of the outcome, by the names that a regression of bayesmice gives them.
        ``formula``, ``family``
            The model of the outcome, as Bambi writes it.
        ``model``, ``missingness``
            How values and holes came about, in words.
        ``description``, ``long_name``, ``units``
            As in `load_dataset`.

    Raises
    ------
    SpecificationError
        If there is no such data set, or ``n``, ``proportion`` or ``random_seed`` is wrong.

    See Also
    --------
    ampute : Makes the holes.
    bayesmice.testing.simulate : Repeats a study.

    Notes
    -----
    Cells are missing at random: a row gets the holes of a pattern more often where a standardized
    sum of columns, which the pattern keeps, is high. Whether covariates are missing depends on the
    outcome, so complete rows alone give biased estimates.

    Examples
    --------
    >>> data = simulate_dataset("linear", n=1000, random_seed=1)
    >>> data.attrs["formula"], data.attrs["truth"]["bmi"]
    ('pressure ~ age + bmi + smoker', 1.2)
    >>> complete = simulate_dataset("linear", n=1000, proportion=0, random_seed=1)
    >>> bool(complete["bmi"].where(data["bmi"].notna()).equals(data["bmi"]))
    True
    """
    if name not in PROCESSES:
        raise SpecificationError(
            f"There is no simulated data set {name!r}. Simulated data sets: {', '.join(PROCESSES)}."
        )
    check_count("n", n)
    process = PROCESSES[name]
    rng = random_generator(random_seed, "data")
    data = process.draw(process.truth, n, rng)
    if proportion != 0:
        weights = pd.DataFrame(list(process.holes.values())).fillna(0.0)
        data = ampute(
            data, proportion, patterns=list(process.holes), weights=weights, random_seed=rng
        )
    data.attrs = _describe(process, proportion)
    return data


def _describe(process: Process, proportion: float) -> dict[Hashable | None, Any]:
    sums = (
        f"{' and '.join(columns)} by {' '.join(f'{weight:+g} {of}' for of, weight in by.items())}"
        for columns, by in process.holes.items()
    )
    missingness = (
        f"Missing at random, in an expected share of {proportion:g} of the rows. Patterns, equally "
        "frequent, and the sum of standardized columns with which their log odds rise: "
        f"{'; '.join(sums)}."
    )
    return {
        "description": process.description,
        "formula": process.formula,
        "family": process.family,
        "model": process.model,
        "truth": deepcopy(dict(process.truth)),
        "missingness": missingness if proportion else "No cell is missing.",
        "long_name": dict(process.long_name),
        "units": dict(process.units),
    }

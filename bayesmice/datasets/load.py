"""Loading the data sets that come with the package."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

import pandas as pd

from bayesmice.errors import SpecificationError


@dataclass(frozen=True)
class DatasetDescription:
    """What a bundled data set is.

    Attributes
    ----------
    description, source, licence : str
        For people; they become ``attrs`` of the frame.
    levels : mapping of str to list of str
        Categories of its categorical columns, in order.
    ordered : frozenset of str
        Which of those are ordered.
    """

    description: str
    source: str
    licence: str
    levels: Mapping[str, list[str]]
    ordered: frozenset[str] = frozenset()


DATASETS: Mapping[str, DatasetDescription] = {
    "nhanes2": DatasetDescription(
        description=(
            "A small part of the National Health and Nutrition Examination Survey: 25 people, age "
            "group, body mass index "
            "(kg/m2), hypertension, total serum cholesterol (mg/dL); 27 of 100 cells missing."
        ),
        source=(
            "Schafer (1997), Analysis of Incomplete Multivariate Data, Chapman & Hall, Table 6.14; "
            "with labelled "
            "categories as in the data set nhanes2 of R's mice."
        ),
        licence="Published table of facts from a public survey of the United States government.",
        levels={"age": ["20-39", "40-59", "60-99"], "hyp": ["no", "yes"]},
    ),
}


def load_dataset(name: str) -> pd.DataFrame:
    """Load a data set that comes with the package.

    Parameters
    ----------
    name : str
        ``"nhanes2"``.

    Returns
    -------
    DataFrame
        The data; ``attrs`` holds ``description``, ``source`` and ``licence``.

    Raises
    ------
    SpecificationError
        If there is no such data set.

    Examples
    --------
    >>> load_dataset("nhanes2").isna().sum().to_dict()
    {'age': 0, 'bmi': 9, 'hyp': 8, 'chl': 10}
    """
    if name not in DATASETS:
        raise SpecificationError(
            f"There is no data set {name!r}. Data sets: {', '.join(DATASETS)}."
        )
    described = DATASETS[name]
    with (files("bayesmice.datasets") / f"{name}.csv").open() as file:
        frame = pd.read_csv(file)
    for column, levels in described.levels.items():
        frame[column] = pd.Categorical(
            frame[column], categories=levels, ordered=column in described.ordered
        )
    frame.attrs = {
        "description": described.description,
        "source": described.source,
        "licence": described.licence,
    }
    return frame

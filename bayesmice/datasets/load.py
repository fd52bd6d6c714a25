"""Loading the data sets that come with the package."""

from importlib.resources import files

import pandas as pd

from bayesmice.datasets.published import DATASETS
from bayesmice.errors import SpecificationError


def load_dataset(name: str) -> pd.DataFrame:
    """Load a data set that comes with the package: published tables of measured facts.

    Parameters
    ----------
    name : {"nhanes", "nhanes2", "airquality", "mammalsleep", "whiteside"}
        ``"nhanes"``
            25 people; age group, body mass index, hypertension, cholesterol as numbers; 27 of 100
            cells missing.
        ``"nhanes2"``
            The same with labelled categories.
        ``"airquality"``
            153 days of air in New York, 1973; ozone and solar radiation are missing at times.
        ``"mammalsleep"``
            Sleep, life span and danger of 62 species of mammals; 38 cells missing.
        ``"whiteside"``
            Gas used to heat a house in 56 weeks, before and after insulation; complete.

    Returns
    -------
    DataFrame
        The data. Its ``attrs`` hold ``description``, ``source`` and ``licence``, and two mappings
        by column: ``long_name`` says what each is, ``units`` has the units of those that have one.

    Raises
    ------
    SpecificationError
        If there is no such data set; the error lists what there is.

    See Also
    --------
    simulate_dataset : Data of any size, with known truth.

    Notes
    -----
    Numbers that are whole in the published table are whole here (``int64``, or ``Int64`` where some
    are missing), except in ``nhanes`` and ``nhanes2``, which R has as real numbers.

    Examples
    --------
    >>> data = load_dataset("nhanes2")
    >>> data.isna().sum().to_dict()
    {'age': 0, 'bmi': 9, 'hyp': 8, 'chl': 10}
    >>> data.attrs["long_name"]["chl"], data.attrs["units"]["chl"]
    ('total serum cholesterol', 'mg/dL')
    """
    if name not in DATASETS:
        raise SpecificationError(
            f"There is no data set {name!r}. Data sets: {', '.join(DATASETS)}; simulate_dataset "
            "makes others."
        )
    described = DATASETS[name]
    with (files("bayesmice.datasets") / f"{name}.csv").open(encoding="utf-8") as file:
        frame = pd.read_csv(file, dtype=dict.fromkeys(described.whole, "Int64"))
    for column, levels in described.levels.items():
        frame[column] = pd.Categorical(frame[column], categories=levels)
    frame.attrs = {
        "description": described.description,
        "source": described.source,
        "licence": described.licence,
        "long_name": dict(described.long_name),
        "units": dict(described.units),
    }
    return frame

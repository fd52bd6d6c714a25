"""What the published data sets are, where they come from, and what their columns mean."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class PublishedDataset:
    """What a bundled data set is.

    Attributes
    ----------
    description, source, licence : str
        For people; they become ``attrs`` of the frame.
    long_name : mapping of str to str
        What each column is.
    units : mapping of str to str
        Units of the columns that have one.
    levels : mapping of str to list of str
        Categories of its categorical columns, in order.
    whole : tuple of str
        Incomplete columns of whole numbers.
    """

    description: str
    source: str
    licence: str
    long_name: Mapping[str, str]
    units: Mapping[str, str]
    levels: Mapping[str, list[str]] = field(default_factory=dict)
    whole: tuple[str, ...] = ()


SCHAFER = "Schafer (1997), Analysis of Incomplete Multivariate Data, Chapman & Hall, Table 6.14"
OF_NHANES = "Published table of facts from a public survey of the United States government."
UNITS_OF_NHANES = {"bmi": "kg/m2", "chl": "mg/dL"}

DATASETS: Mapping[str, PublishedDataset] = {
    "nhanes": PublishedDataset(
        description=(
            "A small part of the National Health and Nutrition Examination Survey: 25 people; "
            "27 of 100 cells missing. All columns are numbers."
        ),
        source=f"{SCHAFER}; as in the data set nhanes of R's mice.",
        licence=OF_NHANES,
        long_name={
            "age": "age group: 1 is 20-39 years, 2 is 40-59, 3 is 60-99",
            "bmi": "body mass index",
            "hyp": "hypertension: 1 is no, 2 is yes",
            "chl": "total serum cholesterol",
        },
        units=UNITS_OF_NHANES,
    ),
    "nhanes2": PublishedDataset(
        description=(
            "A small part of the National Health and Nutrition Examination Survey: 25 people; "
            "27 of 100 cells missing. Age group and hypertension are categories."
        ),
        source=f"{SCHAFER}; with labelled categories as in the data set nhanes2 of R's mice.",
        licence=OF_NHANES,
        long_name={
            "age": "age group in years",
            "bmi": "body mass index",
            "hyp": "hypertension",
            "chl": "total serum cholesterol",
        },
        units=UNITS_OF_NHANES,
        levels={"age": ["20-39", "40-59", "60-99"], "hyp": ["no", "yes"]},
    ),
    "airquality": PublishedDataset(
        description=(
            "Air in New York on the 153 days from 1 May to 30 September 1973; 37 days lack ozone "
            "and 7 solar radiation."
        ),
        source=(
            "New York State Department of Conservation (ozone) and National Weather Service "
            "(weather); published in Chambers, Cleveland, Kleiner and Tukey (1983), Graphical "
            "Methods for Data Analysis, Wadsworth; as in the data set airquality of R."
        ),
        licence="Published table of measurements by public agencies of the United States.",
        long_name={
            "Ozone": "mean ozone from 13 to 15 o'clock at Roosevelt Island",
            "Solar.R": "solar radiation of 4,000 to 7,700 Ångström from 8 to 12 o'clock in "
            "Central Park",
            "Wind": "average wind speed at 7 and 10 o'clock at LaGuardia Airport",
            "Temp": "highest temperature of the day at LaGuardia Airport",
            "Month": "month, 5 to 9",
            "Day": "day of the month",
        },
        units={"Ozone": "ppb", "Solar.R": "langley", "Wind": "mph", "Temp": "degF"},
        whole=("Ozone", "Solar.R"),
    ),
    "mammalsleep": PublishedDataset(
        description=(
            "Sleep of 62 species of mammals; 38 cells missing in 20 rows. Total sleep is the sum "
            "of slow wave and paradoxical sleep."
        ),
        source=(
            "Allison and Cicchetti (1976), Science 194, 732-734; as in the data set mammalsleep of "
            "R's mice."
        ),
        licence="Published table of measured facts.",
        long_name={
            "species": "species of mammal",
            "bw": "body weight",
            "brw": "brain weight",
            "sws": "slow wave sleep, without dreams",
            "ps": "paradoxical sleep, with dreams",
            "ts": "total sleep: sws + ps",
            "mls": "longest life span",
            "gt": "time of gestation",
            "pi": "how likely it is preyed upon, 1 (least) to 5",
            "sei": "how exposed it sleeps, 1 (least) to 5",
            "odi": "overall danger by these two and other information, 1 (least) to 5",
        },
        units={
            "bw": "kg",
            "brw": "g",
            "sws": "h/day",
            "ps": "h/day",
            "ts": "h/day",
            "mls": "year",
            "gt": "day",
        },
    ),
    "whiteside": PublishedDataset(
        description=(
            "Gas used for heating a house in south-east England: 26 weeks before and 30 weeks "
            "after its cavity walls were insulated, in the 1960s; no cell is missing."
        ),
        source=(
            "Derek Whiteside, UK Building Research Station; published in Hand, Daly, McConway, "
            "Lunn and Ostrowski (1993), A Handbook of Small Data Sets, Chapman & Hall, p. 69; as "
            "in the data set whiteside of R's MASS."
        ),
        licence="Published table of measured facts.",
        long_name={
            "Insul": "before or after insulation",
            "Temp": "average temperature outside in the week, as recorded",
            "Gas": "gas used in the week",
        },
        units={"Temp": "degC", "Gas": "1000 ft3"},
        levels={"Insul": ["Before", "After"]},
    ),
}

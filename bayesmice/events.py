"""Events: what a user should know of a specification or a run, as rows of a table.

Nothing noteworthy is printed or swallowed; it becomes an `Event`, and the events become
``imputations.events``.
"""

from dataclasses import asdict, dataclass, fields
from enum import StrEnum

import pandas as pd


class Severity(StrEnum):
    """How much an event asks of the reader."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Event:
    """One thing worth knowing.

    Attributes
    ----------
    severity : Severity
        ``"info"``, ``"warning"`` or ``"error"``.
    code : str
        A stable word to filter by, such as ``"constant_column"``.
    message : str
        A sentence.
    variable : str, default ""
        The column it concerns; empty for the whole data set.
    chain, sweep : int, default -1
        Where in the run; -1 where it concerns no single chain or sweep.
    """

    severity: Severity
    code: str
    message: str
    variable: str = ""
    chain: int = -1
    sweep: int = -1


EVENT_FIELDS = tuple(field.name for field in fields(Event))


def event_table(events: list[Event]) -> pd.DataFrame:
    """Arrange events as a table, one row each, in the order they came.

    Parameters
    ----------
    events : list of Event
        The events.

    Returns
    -------
    DataFrame
        Columns ``severity, code, message, variable, chain, sweep``.
    """
    rows = [asdict(event) | {"severity": str(event.severity)} for event in events]
    return pd.DataFrame(rows, columns=list(EVENT_FIELDS)).astype({"chain": int, "sweep": int})

"""Draws: how missing cells come from a conditional model."""

from dataclasses import dataclass
from typing import Any

from bayesmice.errors import SpecificationError

PREDICTIVE = "predictive"


@dataclass(frozen=True)
class PMM:
    """Predictive mean matching: a missing cell gets the value of a donor with a similar prediction.

    The donors are the observed rows whose linear predictors, at an estimate of the parameters, are
    nearest to that of the missing cell at a posterior draw of the parameters (type 1 matching)
    [1]_. One of them is chosen at random, and among donors at the same distance chance decides
    which are used. Every imputed value is a value that occurs, whatever the shape of the
    distribution. It is not for columns with few observed values, nor for values beyond the observed
    range.

    Parameters
    ----------
    donors : int, default 5
        How many nearest rows to choose from.

    Raises
    ------
    SpecificationError
        If ``donors`` is not a whole number of at least 1.

    References
    ----------
    .. [1] van Buuren (2018), Flexible Imputation of Missing Data, 2nd ed., section 3.4.

    Examples
    --------
    >>> PMM()
    PMM(donors=5)
    """

    donors: int = 5

    def __post_init__(self) -> None:
        if isinstance(self.donors, bool) or not isinstance(self.donors, int) or self.donors < 1:
            raise SpecificationError(
                f"PMM has donors={self.donors!r}; expected a whole number of at least 1."
            )


def check_draw(where: str, draw: Any) -> None:
    """Refuse what is no way to draw missing cells."""
    if draw is not None and draw != PREDICTIVE and not isinstance(draw, PMM):
        raise SpecificationError(
            f"{where} has draw={draw!r:.80}; expected 'predictive' (the posterior predictive "
            "distribution) or bm.PMM(donors=5)."
        )

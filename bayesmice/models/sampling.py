"""Sampling: which kernel moves the parameters of a conditional model, and how often."""

from dataclasses import dataclass
from typing import Any

from bayesmice.errors import SpecificationError

KERNELS = ("auto", "hmc", "nuts", "pymc")


@dataclass(frozen=True)
class Sampling:
    """How the parameters of a conditional model are sampled.

    Attributes
    ----------
    kernel : str
        ``"hmc"``, ``"nuts"``, ``"pymc"`` or ``"auto"``.
    inner_steps : int or None
        Transitions per visit; None for the kernel's own number.
    """

    kernel: str = "auto"
    inner_steps: int | None = None


def check_sampling(where: str, kernel: Any, inner_steps: Any) -> Sampling:
    """Check the settings of a conditional model.

    Parameters
    ----------
    where : str
        Which model, for the message.
    kernel, inner_steps : object
        What the user gave.

    Returns
    -------
    Sampling
        The settings.

    Raises
    ------
    SpecificationError
        If the kernel is unknown, or the number of steps is not a whole number of at least 1.
    """
    if kernel not in KERNELS:
        raise SpecificationError(
            f"{where} has kernel={kernel!r:.80}, which is not known. Kernels: {', '.join(KERNELS)}."
        )
    is_whole = isinstance(inner_steps, int) and not isinstance(inner_steps, bool)
    if inner_steps is not None and (not is_whole or inner_steps < 1):
        raise SpecificationError(
            f"{where} has inner_steps={inner_steps!r:.80}; expected a whole number of at least 1."
        )
    return Sampling(kernel, inner_steps)

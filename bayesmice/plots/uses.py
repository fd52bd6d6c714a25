"""Which columns are used by the models of which, as both forms of the graph draw it."""

from dataclasses import dataclass
from typing import Any

from bayesmice.plots.look import IMPUTED, OBSERVED

NODES: dict[str, dict[str, Any]] = {
    "imputed by a model": {"marker": "o", "color": IMPUTED["color"], "filled": True},
    "computed": {"marker": "D", "color": OBSERVED["color"], "filled": True},
    "only read": {"marker": "o", "color": "B2", "filled": False},
}
"""How a column is marked, by what becomes of it."""


@dataclass(frozen=True)
class Uses:
    """Which columns are used by the models of which.

    Attributes
    ----------
    names : tuple of str
        The columns that are drawn, in the order of the data.
    targets : tuple of str
        Those whose models are drawn, in the order asked for.
    passive, imputed : frozenset of str
        Columns that are computed, and that a model imputes.
    arrows : frozenset of (str, str)
        Pairs of a predictor and the column whose model reads it.
    together : frozenset of (str, str)
        Pairs of columns of one block.
    """

    names: tuple[str, ...]
    targets: tuple[str, ...]
    passive: frozenset[str]
    imputed: frozenset[str]
    arrows: frozenset[tuple[str, str]]
    together: frozenset[tuple[str, str]]

    @property
    def pairs(self) -> set[frozenset[str]]:
        """Pairs of columns that are joined in some way."""
        return {frozenset(pair) for pair in self.arrows | self.together}

    def kind(self, name: str) -> str:
        """Say what becomes of a column, in a word of `NODES`."""
        if name in self.passive:
            return "computed"
        return "imputed by a model" if name in self.imputed else "only read"

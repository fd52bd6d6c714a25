"""What a specification or a tree says of conditional models."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import xarray as xr

from bayesmice.models.passive import PASSIVE


@dataclass(frozen=True)
class Described:
    """What is known of a conditional model, or of a computed column.

    Attributes
    ----------
    targets : tuple of str
        The columns that it imputes: one, or those of a block.
    predictors : tuple of str
        The columns that it reads.
    model : str
        Name of its family, ``"custom"``, or ``"passive"`` for a column that is computed.
    is_visited : bool
        Whether cells are drawn with it, or computed.
    """

    targets: tuple[str, ...]
    predictors: tuple[str, ...]
    model: str
    is_visited: bool

    @property
    def is_passive(self) -> bool:
        """Whether it computes a column."""
        return self.model == PASSIVE


def models_of_tree(tree: xr.DataTree) -> list[Described]:
    """Read what a tree says of its models; nothing where imputations come from a table."""
    return read_models(json.loads(tree.attrs.get("specification", "{}")))


def read_models(specification: Mapping[str, Any]) -> list[Described]:
    """Read a specification, of one data set or by group of rows.

    Parameters
    ----------
    specification : mapping
        What `MICE.specification` gives.

    Returns
    -------
    list of Described
        One per model. Those of a column in several groups are one after the other. A file of an
        older version, which does not say what models read, has none.
    """
    described: list[Described] = []
    for name, entry in specification.items():
        if "model" not in entry:
            described += read_models(entry)
        elif "predictors" in entry:
            described.append(
                Described(
                    tuple(entry.get("targets", [name])),
                    tuple(entry["predictors"]),
                    str(entry["model"]),
                    bool(entry.get("is_visited", True)),
                )
            )
    return described

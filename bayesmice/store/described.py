"""What a specification or a tree says of conditional models."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import xarray as xr

from bayesmice.data import in_group
from bayesmice.models.passive import PASSIVE


@dataclass(frozen=True)
class Described:
    """What is known of a conditional model, or of a computed column.

    Attributes
    ----------
    target : str
        Its name: the column, or the columns of a block.
    targets : tuple of str
        The columns that it imputes: one, or those of a block.
    predictors : tuple of str
        The columns that it reads.
    model : str
        Name of its family, ``"custom"``, or ``"passive"`` for a column that is computed.
    is_visited : bool
        Whether cells are drawn with it, or computed.
    label : str
        Its group of rows; empty for all rows.
    formula : str
        Its formula, or the name of the function that wrote it.
    link : str
        Name of the link; empty where there is none.
    draw : str
        How missing cells are drawn.
    priors : mapping of str to str
        The prior of each parameter, as text.
    """

    target: str
    targets: tuple[str, ...]
    predictors: tuple[str, ...]
    model: str
    is_visited: bool
    label: str
    formula: str
    link: str
    draw: str
    priors: Mapping[str, str]

    @property
    def name(self) -> str:
        """The target with its group of rows; a child of ``/conditionals`` where it is visited."""
        return in_group(self.target, self.label)

    @property
    def is_passive(self) -> bool:
        """Whether it computes a column."""
        return self.model == PASSIVE


def models_of_tree(tree: xr.DataTree) -> list[Described]:
    """Read what a tree says of its models; nothing where imputations come from a table."""
    return read_models(json.loads(tree.attrs.get("specification") or "{}"))


def read_models(specification: Mapping[str, Any], label: str = "") -> list[Described]:
    """Read a specification, of one data set or by group of rows.

    Parameters
    ----------
    specification : mapping
        What `MICE.specification` gives.
    label : str, default ""
        The group of rows that it is about.

    Returns
    -------
    list of Described
        One per model. Those of a column in several groups are one after the other. A file of an
        older version, which does not say what models read, has none.
    """
    described: list[Described] = []
    for name, entry in specification.items():
        if "model" not in entry:
            described += read_models(entry, name)
        elif "predictors" in entry:
            described.append(_described(name, entry, label))
    return described


def _described(name: str, entry: Mapping[str, Any], label: str) -> Described:
    return Described(
        target=name,
        targets=tuple(entry["targets"]),
        predictors=tuple(entry["predictors"]),
        model=str(entry["model"]),
        is_visited=bool(entry.get("is_visited", True)),
        label=label,
        formula=str(entry["formula"]),
        link=str(entry.get("link", "")),
        draw=str(entry.get("draw", "predictive")),
        priors=entry.get("priors", {}),
    )

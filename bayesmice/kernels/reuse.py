"""Compiled programs of custom models, used again for models that differ in their data only.

A function that writes a PyMC model is a new graph at every call, so nothing but the graph can tell
whether a program fits. Simulation studies and repeated runs would otherwise compile for each.
"""

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache

import pymc as pm

from bayesmice.kernels.likeness import find_changed
from bayesmice.kernels.programs import ModelProgram

N_KEPT = 16
"""Programs that are kept; each holds its model and its compiled code."""


@dataclass(frozen=True, eq=False)
class KeptProgram:
    """A program and the model that it was compiled for.

    Attributes
    ----------
    key : hashable
        What has to agree besides the graph.
    model : pm.Model
        The model.
    program : ModelProgram
        Its program.
    """

    key: Hashable
    model: pm.Model
    program: ModelProgram

    def serves(self, key: Hashable, model: pm.Model) -> bool:
        """Say whether another model is this one with other values of its named data."""
        if key != self.key:
            return False
        changed = find_changed(self.model, model)
        return changed is not None and set(changed) <= set(self.model.data_vars)


@lru_cache(maxsize=1)
def kept_programs() -> deque[KeptProgram]:
    """Give the programs of this process, the latest first."""
    return deque(maxlen=N_KEPT)


def find_program(key: Hashable, model: pm.Model) -> ModelProgram | None:
    """Find a compiled program that serves a model.

    Parameters
    ----------
    key : hashable
        What has to agree besides the graph: targets, columns, number of rows, settings.
    model : pm.Model
        The model, over all rows.

    Returns
    -------
    ModelProgram or None
        One that takes the values of all named data as inputs.
    """
    for kept in kept_programs():
        if kept.serves(key, model):
            return kept.program
    return None


def keep_program(key: Hashable, model: pm.Model, program: ModelProgram) -> ModelProgram:
    """Keep a program for models like the one that it was compiled for, and give it back."""
    kept_programs().appendleft(KeptProgram(key, model, program))
    return program

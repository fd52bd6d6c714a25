"""The functions that formulas know, and which of them are replayed.

Formulaic takes longer to import than many a run, and most runs have no formula of their own:
modules that need its functions import this one by `bayesmice.later`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from formulaic.transforms import TRANSFORMS
from formulaic.transforms.basis_spline import basis_spline
from formulaic.utils.stateful_transforms import stateful_transform

from bayesmice.models.transforms import (
    Array,
    replay_bs,
    replay_cubic,
    replay_poly,
    replay_scale,
)

# Imputed values may leave the range of the observed ones, where formulaic's own `bs` raises.
_bs = stateful_transform(partial(basis_spline.__wrapped__, extrapolation="extend"))


def _exp10(x: Array) -> Array:
    """Raise ten to a power; formulaic's own `exp10` raises to the tenth power."""
    return np.power(10.0, x)


# What a formula can call, by name; formulaic's own functions but for two.
FUNCTIONS: Mapping[str, Any] = {**TRANSFORMS, "bs": _bs, "exp10": _exp10}

# By the function that a formula calls, since a name can be taken by a user's own.
REPLAYS: Mapping[Any, Callable[..., Array]] = {
    FUNCTIONS["center"]: replay_scale,
    FUNCTIONS["scale"]: replay_scale,
    FUNCTIONS["standardize"]: replay_scale,
    FUNCTIONS["poly"]: replay_poly,
    FUNCTIONS["bs"]: replay_bs,
    FUNCTIONS["cr"]: replay_cubic,
    FUNCTIONS["cc"]: replay_cubic,
}

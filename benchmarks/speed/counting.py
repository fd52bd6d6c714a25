"""Numbers that do not depend on the machine: what small workloads compile, compute and allocate.

They come through doors of JAX and of the tree that stay where they are when the engine changes:
events of compilations, the executables that a process holds, and `n_steps` in `sample_stats`.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
import pandas as pd
from jax.extend.backend import get_backend

import bayesmice as bm
from bayesmice.kernels.room import COMPILED
from speed.models.by_name import models_by_name
from speed.workloads import correlated, with_curve, with_levels

M, COUNTED_SWEEPS = 3, 8
TUNED = 4
"""Sweeps in which kernels are tuned on schedule: their gradients are not counted."""


class Small(NamedTuple):
    """A small workload.

    Attributes
    ----------
    make : callable
        Gives its data.
    models : str
        Models of its columns, by the name of a module of `speed.models`.
    """

    make: Callable[[], pd.DataFrame]
    models: str = "default"


SMALL: Mapping[str, Small] = {
    "numbers": Small(lambda: correlated(2_000, 6)),
    "numbers and binary": Small(lambda: correlated(400, 8, 2)),
    "matching": Small(lambda: correlated(400, 4), "matching"),
    "levels": Small(lambda: with_levels(400, 6, 2)),
    "own model": Small(lambda: with_curve(300), "curve"),
}


def count(name: str) -> dict[str, float]:
    """Impute a small workload in a process that has not used JAX before, and count.

    Parameters
    ----------
    name : str
        One of `SMALL`.

    Returns
    -------
    dict of str to float
        ``compiled programs``: compilations, those read from the cache on disk too.
        ``gradients per visit``: leapfrog steps of all transitions in a visit, after tuning.
        ``allocated bytes``: what all executables need for one call each:
        temporary buffers, results and arguments. ``flops``: of one call each, as XLA estimates it,
        which counts the body of a loop once. ``largest program, bytes``: the most of any.
    """
    compiled: list[str] = []

    def heard(event: str, duration_secs: float, **kwargs: str | int) -> None:
        if event == COMPILED:
            compiled.append(event)

    jax.monitoring.register_event_duration_secs_listener(heard)
    small = SMALL[name]
    data = small.make()
    run = bm.MICE(data, models_by_name(small.models, data)).mice(
        M, COUNTED_SWEEPS, random_seed=1, progressbar=False
    )
    executables = get_backend().live_executables()
    sizes = [_bytes(executable.get_compiled_memory_stats()) for executable in executables]
    return {
        "compiled programs": len(compiled),
        "gradients per visit": _gradients(run),
        "allocated bytes": float(sum(sizes)),
        "largest program, bytes": float(max(sizes)),
        "flops": float(sum(_flops(executable) for executable in executables)),
    }


def _bytes(stats: Any) -> int:
    return int(
        stats.temp_size_in_bytes
        + stats.output_size_in_bytes
        + stats.argument_size_in_bytes
        - stats.alias_size_in_bytes
    )


def _flops(executable: Any) -> float:
    analysis = executable.cost_analysis()
    found = analysis[0] if isinstance(analysis, list) else analysis
    return max(float((found or {}).get("flops", 0.0)), 0.0)


def _gradients(run: bm.Imputations) -> float:
    """Average over targets, chains and sweeps; a kernel that takes no steps counts as 0."""
    steps = [
        group["sample_stats"]["n_steps"].isel(draw=slice(TUNED, None)).to_numpy().mean()
        for group in run.tree["conditionals"].children.values()
        if "n_steps" in group["sample_stats"]
    ]
    return round(float(np.mean(steps)), 3) if steps else 0.0

"""How chains look: up to six apart from each other, more of them alike."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

CHAIN_COLORS = ("#0072B2", "#D55E00", "#009E73", "#8A63C9", "#808080", "#B8627D")
CHAIN_MARKERS = ("o", "^", "s", "x", "d", "+")
MANY_COLOR, MANY_MARKER = "B2", "."
"""Of every chain, when there are more of them than a reader can tell apart."""
MAX_MARKERS = 20
"""Markers on one line."""


def are_few(n_chains: int) -> bool:
    """Whether each chain has a look of its own."""
    return n_chains <= len(CHAIN_COLORS)


def chain_looks(n_chains: int) -> dict[str, Any]:
    """Give what a PlotCollection needs to draw chains."""
    few = are_few(n_chains)
    return {
        "aes": {"color": ["chain"], "marker": ["chain"]},
        "color": CHAIN_COLORS if few else [MANY_COLOR],
        "marker": CHAIN_MARKERS if few else [MANY_MARKER],
    }


def chain_legend(chains: NDArray[np.integer]) -> dict[str, Mapping[str, Any]]:
    """Give the entries of a legend, by label."""
    if not are_few(len(chains)):
        return {f"each of {len(chains)} chains": {"color": MANY_COLOR, "marker": MANY_MARKER}}
    styles = zip(chains, CHAIN_COLORS, CHAIN_MARKERS, strict=False)
    return {
        f"chain {chain}": {"color": color, "marker": marker, "markersize": 4}
        for chain, color, marker in styles
    }


def whole_ticks(sweeps: NDArray[np.integer]) -> list[int]:
    """Choose ticks for sweeps: whole numbers, within the first and the last."""
    first, last = int(sweeps[0]), int(sweeps[-1])
    if first == last:
        return [first]
    ticks = MaxNLocator(nbins=8, integer=True).tick_values(first, last)
    return [int(tick) for tick in ticks if tick == int(tick) and first <= tick <= last]

"""The look that all pictures share.

Nothing is told by hue alone: observed and imputed values differ in lightness and width, chains in
their markers. Colours named ``B1`` and ``B2`` are ArviZ's words for strong and muted contrast with
the background, and all others have a contrast of 3:1 or more with both white and black, so that a
picture reads on a light and on a dark background.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from textwrap import fill
from types import MappingProxyType
from typing import Any

import numpy as np
from arviz_plots import PlotCollection, visuals
from arviz_plots.backend import matplotlib as backend
from arviz_plots.backend.matplotlib.core import expand_aesthetic_aliases
from matplotlib import rc_context, rcParams

BACKEND = "matplotlib"

OBSERVED: Mapping[str, Any] = MappingProxyType({"color": "B1", "width": 2.5})
IMPUTED: Mapping[str, Any] = MappingProxyType({"color": "#D55E00", "width": 1.0})

TITLE_WIDTH = 36
"""Letters on a line of a title: what a panel has room for."""


@contextmanager
def shared_style() -> Iterator[None]:
    """Set what all pictures share while one is drawn; the rest is the user's own style.

    Names of columns are shown as they are, so dollar signs in them do not begin formulas.
    """
    style = rc_context(
        {
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlelocation": "left",
            "axes.titlesize": "medium",
            "figure.autolayout": False,
            "figure.constrained_layout.use": True,
            "text.parse_math": False,
        }
    )
    with style:
        yield
        is_interactive = rcParams["interactive"]
    # The first picture of a notebook lets matplotlib show figures below cells; that has to stay.
    rcParams["interactive"] = is_interactive


def crowd_alpha(n: int) -> float:
    """Give the opacity at which n marks that overlap stay readable."""
    return float(np.clip(2.5 / np.sqrt(n), 0.25, 0.9))


def shown_color(color: str) -> str:
    """Give the colour that a word of ArviZ, such as ``B1``, stands for on the present background.

    For marks that are made without ArviZ.
    """
    return str(expand_aesthetic_aliases(lambda *, color: color)(color=color))


def wrapped(title: str) -> str:
    """Break a long title into lines; nothing of a column's name is left out."""
    return fill(title, TITLE_WIDTH)


def panel_title(
    _: Any,
    target: Any,
    *,
    titles: Mapping[tuple[str, ...], str],
    var_name: str,
    sel: Mapping[str, Any],
    isel: Mapping[str, Any],
) -> Any:
    """Write a panel's title; to be mapped with ``subset_info=True``."""
    key = (var_name, *(str(value) for value in sel.values()))
    return visuals.labelled_title(None, target, text=wrapped(titles[key]))


def draw_legend(collection: PlotCollection, entries: Mapping[str, Mapping[str, Any]]) -> None:
    """Draw a legend above all panels.

    Parameters
    ----------
    collection : PlotCollection
        The picture.
    entries : mapping of str to mapping
        For each label the properties of its line.
    """
    backend.legend(
        collection,
        [dict(properties) for properties in entries.values()],
        list(entries),
        loc="outside upper right",
        ncols=len(entries),
        frameon=False,
    )


def legend_entries(dotted: bool) -> dict[str, Mapping[str, Any]]:
    """Say how observed and imputed values look; imputed ones as dots too where some are."""
    marker = {"marker": "o", "markersize": 4} if dotted else {}
    return {"observed": OBSERVED, "imputed": {**IMPUTED, **marker}}

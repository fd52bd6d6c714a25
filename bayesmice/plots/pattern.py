"""The missing-data pattern: which cells are missing together, and in how many rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from arviz_plots import PlotCollection
from matplotlib.collections import PolyCollection
from numpy.typing import NDArray

from bayesmice.data.libraries import AnyFrame
from bayesmice.data.missing_pattern import missing_pattern
from bayesmice.plots.choice import HasTree, chosen_columns, holes_of
from bayesmice.plots.look import IMPUTED, draw_legend, shared_style, shown_color
from bayesmice.plots.panels import single_panel

Numbers = NDArray[np.float64]

NAME = "pattern"
MAX_PATTERNS = 25
"""More patterns are grouped, the most frequent of them excepted."""
MAX_COLUMNS = 60
"""More columns are left out, those with the fewest missing cells first."""
FEW_COLUMNS = 8
"""Fewer are narrower than a title."""
CELL_SIZE = 0.28
"""Of a tile, in inches."""
MARGINS = (1.6, 1.7)
"""Inches for the counts beside the tiles, and for title and legend."""
MIN_SIZE = (4.0, 2.7)
LETTER = 0.085
"""Inches of a letter of a name, about."""
TILE = 0.88
"""Share of a tile's place that it fills."""
OBSERVED_TILE = {"color": "B2", "alpha": 0.3}


def plot_pattern(
    data: HasTree | xr.DataTree | AnyFrame, var_names: str | Sequence[str] | None = None
) -> PlotCollection:
    r"""Draw which columns are missing together, as R's ``md.pattern``.

    One row of tiles per pattern, one column of tiles per column of the data. A faint tile is
    observed, a solid one missing. On the left stands in how many rows of the data a pattern is
    found, on the right how many columns it lacks, and below how many cells of a column are missing.

    Parameters
    ----------
    data : DataFrame of any library, Imputations or xarray.DataTree
        The data, or a run or its tree, whose data are shown.
    var_names : str or sequence of str, optional
        The columns whose patterns are counted. By default all.

    Returns
    -------
    PlotCollection
        The picture of ArviZ; ``savefig("pattern.png")`` writes it to a file. Its tiles are in
        ``viz["observed"]`` and ``viz["missing"]``.

    Raises
    ------
    DataTypeError
        If ``data`` is neither a data frame nor a run.
    DataError
        If the data are empty, or have duplicate column names.
    SpecificationError
        If ``var_names`` names a column that the data do not have.

    See Also
    --------
    missing_pattern : The same as a table, with all patterns and columns.

    Notes
    -----
    Patterns and columns stand in the order of `missing_pattern`: columns with few missing cells
    come first, and complete rows too. Of more than 25 patterns the 24 most frequent are shown, and
    the others together in a last row, as the title says: there, the filled part of a tile is the
    share of those rows that lack the column. Of more than 60 columns, the 60 with the most missing
    cells are shown; patterns are counted over all columns nevertheless.

    Examples
    --------
    >>> import bayesmice as bm
    >>> picture = bm.plot_pattern(bm.load_dataset("nhanes2"))
    >>> picture.viz["title"]["pattern"].item().get_text()
    '25 rows, 5 patterns,\n27 of 100 cells missing'
    """
    holes = holes_of(data, "plot_pattern")
    table = missing_pattern(holes[chosen_columns(holes.columns, var_names)])
    shown = _grouped(table)
    n_rows, n_columns = shown.missing.shape
    longest = max(map(len, shown.names)) * LETTER
    size = CELL_SIZE * n_columns + MARGINS[0], CELL_SIZE * n_rows + MARGINS[1] + longest
    with shared_style():
        collection = single_panel(NAME, (max(size[0], MIN_SIZE[0]), max(size[1], MIN_SIZE[1])))
        tiles = xr.DataArray(shown.missing, dims=("_pattern", "_column"), name=NAME)
        collection.map(_tiles, "observed", data=1 - tiles, above=True, **OBSERVED_TILE)
        collection.map(_tiles, "missing", data=tiles, color=IMPUTED["color"])
        collection.map(_write_counts, "title", data=tiles, shown=shown, title=_title(table, shown))
        look = {"width": 7}
        entries = {
            "observed": {**look, **OBSERVED_TILE},
            "missing": {**look, "color": IMPUTED["color"]},
        }
        draw_legend(collection, entries)
    return collection


@dataclass(frozen=True, eq=False)
class _Shown:
    """What is drawn of a table of patterns.

    Attributes
    ----------
    names : list of str
        The columns.
    missing : ndarray of shape (n_patterns, n_columns)
        1 where missing; shares in a row of several patterns.
    left, right, below : list of str
        What stands beside rows, and below columns.
    n_grouped : int
        How many patterns the last row stands for; 0 if each row is one.
    """

    names: list[str]
    missing: Numbers
    left: list[str]
    right: list[str]
    below: list[str]
    n_grouped: int


def _grouped(table: pd.DataFrame) -> _Shown:
    n_rows = table.index.get_level_values("n_rows").to_numpy()
    lacks = table.index.get_level_values("n_missing").to_numpy()
    missing = 1.0 - table.to_numpy(dtype=float)
    if len(table) > MAX_PATTERNS:
        by_size = np.argsort(-n_rows, kind="stable")
        own, others = np.sort(by_size[: MAX_PATTERNS - 1]), by_size[MAX_PATTERNS - 1 :]
        share = np.average(missing[others], axis=0, weights=n_rows[others])
        left = [f"{n:,}" for n in n_rows[own]] + [f"{n_rows[others].sum():,}"]
        least, most = lacks[others].min(), lacks[others].max()
        span = f"{least}" if least == most else f"{least}–{most}"
        right = [str(n) for n in lacks[own]] + [span]
        missing = np.vstack([missing[own], share])
    else:
        left, right = [f"{n:,}" for n in n_rows], [str(n) for n in lacks]
    kept = slice(max(0, table.shape[1] - MAX_COLUMNS), None)
    names = [str(name) for name in table.columns.get_level_values("column")][kept]
    in_columns = table.columns.get_level_values("n_missing")[kept]
    below = [f"{n:,}" for n in in_columns]
    n_grouped = max(0, len(table) - len(missing) + 1) if len(table) > MAX_PATTERNS else 0
    return _Shown(names, missing[:, kept], left, right, below, n_grouped)


def _title(table: pd.DataFrame, shown: _Shown) -> str:
    n_rows = table.index.get_level_values("n_rows").to_numpy().sum()
    n_missing = table.columns.get_level_values("n_missing").to_numpy().sum()
    patterns = "1 pattern" if len(table) == 1 else f"{len(table):,} patterns"
    lines = [
        f"{n_rows:,} rows, {patterns},",
        f"{n_missing:,} of {n_rows * table.shape[1]:,} cells missing",
    ]
    if shown.n_grouped:
        lines.append(f"last row: the {shown.n_grouped:,} other patterns")
    left_out = table.shape[1] - len(shown.names)
    if left_out:
        lines.append(f"not shown: {left_out} columns with fewer missing cells")
    return "\n".join(lines)


def _tiles(shares: xr.DataArray, target: Any, **properties: Any) -> PolyCollection:
    """Fill tiles from below, as far as their shares say; with ``above`` from the top down."""
    from_top = properties.pop("above", False)
    heights = shares.to_numpy()
    rows, columns = np.nonzero(heights > 0)
    height = heights[rows, columns] * TILE
    left, bottom = columns - TILE / 2, rows + TILE / 2
    # Rows are counted downwards.
    edges = (rows - TILE / 2, rows - TILE / 2 + height) if from_top else (bottom - height, bottom)
    corners = [(left, edges[0]), (left + TILE, edges[0]), (left + TILE, edges[1]), (left, edges[1])]
    polygons = np.stack([np.column_stack(corner) for corner in corners], axis=1)
    tiles = PolyCollection(
        list(polygons),
        facecolors=shown_color(properties["color"]),
        alpha=properties.get("alpha"),
        linewidths=0,
    )
    target.add_collection(tiles)
    return tiles


def _write_counts(_: xr.DataArray, target: Any, *, shown: _Shown, title: str) -> Any:
    n_rows, n_columns = shown.missing.shape
    target.set_xlim(-0.5, n_columns - 0.5)
    target.set_ylim(n_rows - 0.5, -0.5)
    target.set_aspect("equal")
    target.set_yticks(range(n_rows), shown.left)
    target.set_ylabel("rows of the data")
    upright = {"rotation": 90} if max(map(len, shown.below)) > 2 else {}
    target.set_xticks(range(n_columns), shown.below, **upright)
    target.set_xlabel("missing cells of each column")
    target.spines[:].set_visible(False)
    target.tick_params(length=0)
    names = target.secondary_xaxis("top")
    names.set_xticks(range(n_columns), shown.names, rotation=90)
    lacks = target.secondary_yaxis("right")
    lacks.set_yticks(range(n_rows), shown.right)
    lacks.set_ylabel("columns missing")
    for axis in (names, lacks):
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
    return target.set_title(title, loc="left" if n_columns > FEW_COLUMNS else "center")

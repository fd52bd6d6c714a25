"""Which column's model uses which: arrows for few columns, a table of marks for many."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Protocol

import pandas as pd
import xarray as xr
from arviz_plots import PlotCollection

from bayesmice.errors import DataTypeError, SpecificationError
from bayesmice.plots.arrows import draw_arrows
from bayesmice.plots.choice import HasTree, chosen_columns
from bayesmice.plots.look import shared_style
from bayesmice.plots.marks_table import draw_table
from bayesmice.plots.uses import Uses
from bayesmice.store import Described, models_of_tree, origin_of, read_models

MAX_NODES, MAX_PAIRS = 12, 40
"""With more columns, or more pairs of them, arrows would hide each other."""
Form = Literal["auto", "arrows", "table"]


class HasModels(Protocol):
    """A specification, as far as a picture needs it."""

    @property
    def specification(self) -> dict[str, Any]:
        """The conditional models as plain data."""

    @property
    def predictor_matrix(self) -> pd.DataFrame:
        """Which columns the models read, with all columns of the data as labels."""


def plot_graph(
    models: HasModels | HasTree | xr.DataTree,
    var_names: str | Sequence[str] | None = None,
    *,
    form: Form = "auto",
) -> PlotCollection:
    """Draw which columns the conditional model of each column uses.

    An arrow goes from a predictor to the column whose model reads it; a line with two heads joins
    columns that predict each other, and a dotted one those of a block, which are imputed together.
    Of more than 12 columns, or 40 pairs, a table of marks says the same: one row per model, one
    column per predictor.

    Parameters
    ----------
    models : MICE, Imputations or xarray.DataTree
        The specification, before or after a run; or a run, or its tree.
    var_names : str or sequence of str, optional
        Columns whose models are shown. By default all that are imputed or computed.
    form : {"auto", "arrows", "table"}, default "auto"
        How it is drawn.

    Returns
    -------
    PlotCollection
        The picture of ArviZ; ``savefig("graph.png")`` writes it to a file. It has
        ``viz["columns"]``, and ``viz["arrows"]`` or ``viz["marks"]``.

    Raises
    ------
    DataTypeError
        If ``models`` are none of these.
    SpecificationError
        If no column is imputed, nothing is known of the models (of imputations from a table, for
        example), or ``var_names`` names a column without a model.

    Notes
    -----
    What is drawn is what models read in the end: formulas, ``predictors=``, passive columns that
    would be made of their own target, columns that cannot predict. Models of complete columns are
    never used, and so not drawn. With ``by``, the picture shows what the models of any group use.
    The picture is not a causal graph, and arrows say nothing of how much a predictor matters.

    Examples
    --------
    >>> import bayesmice as bm
    >>> mice = bm.MICE(bm.load_dataset("nhanes2"), predictors={"chl": ["bmi"]})
    >>> picture = bm.plot_graph(mice, var_names="chl")
    >>> picture.viz["columns"].sizes["column"]
    2
    """
    if form not in ("auto", "arrows", "table"):
        raise SpecificationError(
            f"form is {form!r}; expected 'arrows', 'table', or 'auto' for whichever reads better."
        )
    columns, described = _read(models)
    imputed = _merged([model for model in described if model.is_visited])
    if not imputed:
        raise SpecificationError(
            "There is nothing to draw: no column has cells to impute, so no model is used."
        )
    targets = chosen_columns(
        [name for name in columns if any(name in m.targets for m in imputed)], var_names
    )
    uses = _uses(columns, imputed, targets)
    many = len(uses.names) > MAX_NODES or len(uses.pairs) > MAX_PAIRS
    as_table = form == "table" or (form == "auto" and many)
    with shared_style():
        return draw_table(uses) if as_table else draw_arrows(uses)


def _read(models: object) -> tuple[list[str], list[Described]]:
    """Find all columns, and what is known of their models."""
    tree = getattr(models, "tree", models)
    if isinstance(tree, xr.DataTree) and "observed_data" in tree.children:
        described = models_of_tree(tree)
        if not described and tree["imputations"].data_vars:
            raise SpecificationError(
                "There is nothing to draw: these imputations "
                f"{f'come from {origin_of(tree)}' if origin_of(tree) else 'are of an older file'}, "
                "and do not say which models made them. Draw the graph of the MICE, or of the run."
            )
        return [str(name) for name in tree["observed_data"].data_vars], described
    if isinstance(getattr(models, "specification", None), Mapping):
        columns = [str(name) for name in models.predictor_matrix.columns]  # type: ignore[attr-defined]
        return columns, read_models(models.specification)  # type: ignore[attr-defined]
    raise DataTypeError(
        f"plot_graph got {type(models).__name__}; expected a MICE, imputations, or their tree."
    )


def _merged(described: Sequence[Described]) -> list[Described]:
    """Join the models of one target in several groups of rows: it uses what any of them uses."""
    merged: dict[tuple[str, ...], Described] = {}
    for model in described:
        before = merged.get(model.targets)
        reads = (*(before.predictors if before else ()), *model.predictors)
        predictors = tuple(dict.fromkeys(reads))
        merged[model.targets] = replace(model, predictors=predictors, is_visited=True)
    return list(merged.values())


def _uses(columns: Sequence[str], models: Sequence[Described], targets: Sequence[str]) -> Uses:
    drawn = [model for model in models if set(model.targets) & set(targets)]
    arrows = {
        (predictor, target)
        for model in drawn
        for target in model.targets
        if target in targets
        for predictor in model.predictors
    }
    together = {
        (one, other)
        for model in drawn
        for place, one in enumerate(model.targets)
        for other in model.targets[place + 1 :]
    }
    named = {name for pair in arrows | together for name in pair} | set(targets)
    return Uses(
        names=tuple(name for name in columns if name in named),
        targets=tuple(targets),
        passive=frozenset(n for m in models if m.is_passive for n in m.targets),
        imputed=frozenset(n for m in models if not m.is_passive for n in m.targets),
        arrows=frozenset(arrows),
        together=frozenset(together),
    )

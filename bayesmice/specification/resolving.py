"""Resolving: from data and descriptions to conditional models, once, at the front door."""

from collections.abc import Mapping, Sequence
from typing import Any

from bayesmice.data import (
    Bounds,
    Column,
    ColumnStore,
    Limits,
)
from bayesmice.errors import SpecificationError
from bayesmice.models import (
    UNBOUNDED,
    Custom,
    CustomModel,
    Regression,
    Surroundings,
    check_description,
    learn_design,
    resolve_custom,
    resolve_regression,
)
from bayesmice.models.passive import (
    PassiveColumns,
)
from bayesmice.models.predictors import (
    default_predictors,
)
from bayesmice.models.sampling import check_sampling
from bayesmice.scheduler import initial_fill
from bayesmice.specification.notices import notices
from bayesmice.specification.reading import Description, Models, ReadData, read
from bayesmice.specification.resolved import ConditionalModel, Specification


def specify(
    data: object,
    models: Models | None = None,
    bounds: Bounds | None = None,
    limits: Limits | None = None,
    **cells_and_rows: Any,
) -> Specification:
    """Check data and models, and resolve them.

    Parameters
    ----------
    data : DataFrame
        The data as the user gave them.
    models, bounds, limits, **cells_and_rows
        As in `read`.

    Returns
    -------
    Specification
        The resolved specification.

    Raises
    ------
    DataTypeError, DataError
        If the data cannot be imputed.
    SpecificationError, ModelError
        If a model does not fit them.
    """
    return resolve(read(data, models, bounds, limits, **cells_and_rows))


def resolve(read_data: ReadData, by: str = "") -> Specification:
    """Resolve the models of data that were read.

    Parameters
    ----------
    read_data : ReadData
        The data, or a group of their rows.
    by : str, optional
        The column that the group has one level of.

    Returns
    -------
    Specification
        The resolved specification.

    Raises
    ------
    SpecificationError, ModelError
        If a model does not fit the data.
    """
    store, passive, given = read_data.store, read_data.passive, read_data.models
    design = learn_design(store)
    fills = {name: cells[0] for name, cells in initial_fill(store, 0, [0], passive).items()}
    meant = default_predictors(
        list(store.columns), read_data.predictors, passive, read_data.left_out
    )
    among = Surroundings(store, design, fills, meant)
    blocks = {column: columns for columns in given for column in columns}
    resolved: dict[str, ConditionalModel] = {}
    for name in store.columns:
        columns = blocks.get(name, (name,))
        block = "+".join(columns)
        if store.columns[name].is_time or name in passive.by_name:
            continue
        if block not in resolved:
            description = given.get(columns, Regression())
            model = _resolve(columns, description, among, read_data.bounds.get(name, UNBOUNDED))
            if model is not None:
                resolved[block] = model
    _check_left_out(resolved, passive, store, read_data.left_out)
    events = notices(read_data, resolved, design, fills, by)
    return Specification(store, design, resolved, fills, tuple(events), passive, read_data.left_out)


def resolve_candidate(
    read_data: ReadData, specification: Specification, name: str, description: Description
) -> ConditionalModel | None:
    """Resolve another model of a column of data that were resolved already.

    Parameters
    ----------
    read_data : ReadData
        The data, or a group of their rows.
    specification : Specification
        What they were resolved to.
    name : str
        The column.
    description : Regression or Custom
        Its other model.

    Returns
    -------
    RegressionModel, CustomModel or None
        None for a column of one observed value.

    Raises
    ------
    SpecificationError, ModelError
        If the model does not fit the data.
    """
    store = read_data.store
    meant = default_predictors(
        list(store.columns), read_data.predictors, read_data.passive, read_data.left_out
    )
    among = Surroundings(store, specification.design, specification.fills, meant)
    bounds = read_data.bounds.get(name, UNBOUNDED)
    return _resolve((name,), description, among, bounds)


def _check_left_out(
    models: Mapping[str, ConditionalModel],
    passive: PassiveColumns,
    store: ColumnStore,
    left_out: Sequence[str],
) -> None:
    readers = {name: model.predictors for name, model in models.items()}
    readers |= {p.name: p.reads for p in passive.ordered if store.columns[p.name].n_missing}
    for reader, reads in readers.items():
        for name in reads:
            if name in left_out and reader not in left_out:
                raise SpecificationError(
                    f"{reader!r} depends on {name!r}, whose missing cells are not imputed: where "
                    "wants none of them, and visit_sequence leaves it out. Visit it, or take it "
                    "out of the formula, function or expression."
                )


def _resolve(
    columns: tuple[str, ...],
    description: Description,
    among: Surroundings,
    bounds: tuple[float, float],
) -> ConditionalModel | None:
    store = among.store
    targets = tuple(store.columns[name] for name in columns)
    if isinstance(description, Custom):
        return _resolve_custom(targets, description, among, bounds)
    (target,) = targets
    if target.is_constant:
        check_description(description, target, among)
        return None
    model = resolve_regression(description, target, among, bounds)
    if target.n_drawn and target.name in model.visible.names:
        raise SpecificationError(
            f"Column {target.name!r} has the name of a variable of its own regression, or "
            "of one of its dimensions. Rename the column."
        )
    return model


def _resolve_custom(
    targets: tuple[Column, ...],
    description: Custom,
    among: Surroundings,
    bounds: tuple[float, float],
) -> CustomModel | None:
    owner = " and ".join(repr(target.name) for target in targets)
    if bounds != UNBOUNDED or any(target.has_limits for target in targets):
        raise SpecificationError(
            f"bounds or limits name {owner}, which a custom model imputes. Write them into the "
            "model, with pm.Truncated or pm.Censored, and leave them out here."
        )
    constant = [target.name for target in targets if target.is_constant]
    if constant and len(targets) > 1:
        raise SpecificationError(
            f"The block {owner} holds {constant[0]!r}, which has one observed value only. Take it "
            "out of the block."
        )
    if constant:
        return None
    sampling = check_sampling(
        f"The custom model for {owner}", description.kernel, description.inner_steps
    )
    model = resolve_custom(description, targets, among.store, among.fills, sampling)
    observed_too = [target.name for target in targets if not target.drawn_missing.all()]
    if observed_too and any(model.children.values()):
        raise SpecificationError(
            f"where wants observed cells of {observed_too[0]!r}, and the targets of the block "
            f"{owner} depend on each other, so that its cells can only be drawn together. Delete "
            "the values that you want imputed instead."
        )
    return model

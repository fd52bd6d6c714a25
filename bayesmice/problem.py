"""The problem: everything that a run needs to know, by group of rows, and how files remember it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmice.data import ColumnStore
from bayesmice.errors import SpecificationError, StoreError
from bayesmice.models import PMM, Custom, Regression
from bayesmice.models.passive import Passive, read_passive
from bayesmice.scheduler import Post, VisitOrder
from bayesmice.specification import Description, ReadData, Specification, resolve

GIVEN = "given"
"""What stands in a file for something that only Python can hold."""
PLAIN_FIELDS = ("formula", "family", "link", "distributional", "trials", "kernel", "inner_steps")


@dataclass(frozen=True, eq=False)
class Group:
    """A group of rows with models of its own.

    Attributes
    ----------
    label : str
        Such as ``"sex=male"``; empty for all rows.
    rows : ndarray of shape (n_group,)
        Positions of its rows.
    specification : Specification
        Its models.
    """

    label: str
    rows: NDArray[np.intp]
    specification: Specification


@dataclass(frozen=True, eq=False)
class Problem:
    """Data and models of all groups, and in which order columns are visited.

    Attributes
    ----------
    read : ReadData
        The data and what was said of them.
    groups : tuple of Group
        One without ``by``.
    by : str
        The column whose levels are groups; empty without any.
    visit_sequence : str, sequence of str, or callable
        As the user gave it.
    posts : mapping of str to callable
        What is done to drawn values, by column.
    """

    read: ReadData
    groups: tuple[Group, ...]
    by: str
    visit_sequence: VisitOrder
    posts: Mapping[str, Post]

    def __reduce__(self) -> tuple[Callable[..., "Problem"], tuple[object, ...]]:
        """Pickle what was asked for: models are resolved again, so that they share programs."""
        return make_problem, (self.read, self.by or None, self.visit_sequence, self.posts)

    @property
    def store(self) -> ColumnStore:
        """The data."""
        return self.read.store

    def group(self, label: object = None) -> Group:
        """Find a group by the level of its rows, or by its label; the only one by default."""
        if label is None and len(self.groups) == 1:
            return self.groups[0]
        for group in self.groups:
            if (
                group.label
                and label is not None
                and str(label) in (group.label, self._level(group))
            ):
                return group
        known = ", ".join(repr(self._level(group)) for group in self.groups)
        if not self.by:
            raise SpecificationError(
                f"group is {label!r}, but the models are not separate for groups of rows. Leave "
                "group out, or make MICE with by=."
            )
        asked = "No group was named" if label is None else f"There is no group {label!r}"
        raise SpecificationError(
            f"{asked}; the models are separate for the groups of {self.by!r}. Groups: {known}."
        )

    def _level(self, group: Group) -> str:
        return group.label.removeprefix(f"{self.by}=")

    def specification_json(self) -> str:
        """Describe the conditional models as JSON, by group where there are some."""
        described = {group.label: group.specification.described() for group in self.groups}
        return json.dumps(described if self.by else described[""])

    def recipe(self) -> dict[str, Any]:
        """Describe what was asked for, as far as JSON holds it; `restored` makes it again."""
        passive = self.read.passive.ordered
        return {
            "models": [
                [list(columns), _plain_model(model)] for columns, model in self.read.models.items()
            ],
            "predictors": {name: list(own) for name, own in self.read.predictors.items()},
            "passive": {p.name: p.text if p.is_expression else GIVEN for p in passive},
            "post": list(self.posts),
            "bounds": {name: list(pair) for name, pair in self.read.bounds.items()},
            "by": self.by,
            "visit_sequence": _plain_order(self.visit_sequence),
            "left_out": list(self.read.left_out),
        }


def make_problem(
    read_data: ReadData, by: object, visit_sequence: VisitOrder, posts: object
) -> Problem:
    """Resolve the models of every group of rows.

    Parameters
    ----------
    read_data : ReadData
        The data and what was said of them.
    by : str or None
        A complete column with levels, for separate models in each.
    visit_sequence : str, sequence of str, or callable
        As the user gave it.
    posts : mapping of str to callable
        What is done to drawn values.

    Returns
    -------
    Problem

    Raises
    ------
    SpecificationError, ModelError
        If a model does not fit the data, or the column of groups is not complete.
    """
    checked = _check_posts(posts, read_data)
    if by is None:
        rows = np.arange(read_data.store.n_rows)
        whole = Group("", rows, resolve(read_data))
        return Problem(read_data, (whole,), "", visit_sequence, checked)
    column = read_data.store.columns.get(str(by))
    if column is None:
        raise SpecificationError(
            f"by is {by!r}, which is not a column of data. Columns: "
            f"{', '.join(read_data.store.columns)}."
        )
    if column.n_missing:
        raise SpecificationError(
            f"by is {by!r}, a column with {column.n_missing} missing cells; expected a complete "
            "one, since every row has to belong to a group."
        )
    if column.is_time:
        raise SpecificationError(
            f"by is {by!r}, a column of times; expected one with levels. Make a column of "
            "categories from it, such as the year, and name that."
        )
    if not column.levels:
        raise SpecificationError(
            f"by is {by!r}, a column of numbers; expected one with levels. Cut it into categories "
            "with pd.cut, or convert it with astype('category')."
        )
    groups = tuple(
        _group(read_data, column.name, level, np.flatnonzero(column.values == code))
        for code, level in enumerate(column.levels)
    )
    return Problem(read_data, groups, column.name, visit_sequence, checked)


def _group(read_data: ReadData, by: str, level: object, rows: NDArray[np.intp]) -> Group:
    label = f"{by}={level}".replace("/", "_")
    own = read_data.at_rows(rows)
    for name, column in own.store.columns.items():
        if not column.fitted.any():
            raise SpecificationError(
                f"Column {name!r} has no observed value in the {len(rows)} rows with {by} = "
                f"{level}, so no model can be fitted to it there. Join the group to another, or "
                "leave by out and let the column depend on it."
            )
    try:
        return Group(label, rows, resolve(own, by))
    except (SpecificationError, StoreError) as error:
        error.add_note(f"This was in the rows with {by} = {level}.")
        raise


def _check_posts(posts: object, read_data: ReadData) -> dict[str, Post]:
    if not isinstance(posts, Mapping):
        raise SpecificationError(
            f"post is {type(posts).__name__}; expected a mapping from column names to functions of "
            "the drawn values and the completed rows."
        )
    checked = {}
    store = read_data.store
    for label, post in posts.items():
        name = str(label)
        if name not in store.columns:
            raise SpecificationError(
                f"post names {name!r}, which is not a column of data. Columns: "
                f"{', '.join(store.columns)}."
            )
        if name in read_data.passive.by_name:
            raise SpecificationError(
                f"post names {name!r}, a passive column; change its expression instead."
            )
        if not callable(post):
            raise SpecificationError(
                f"post[{name!r}] is {post!r:.80}; expected a function of the drawn values and the "
                "completed rows, such as lambda values, data: values.clip(1, 25)."
            )
        checked[name] = post
    return checked


def restored(
    store: ColumnStore,
    recipe: Mapping[str, Any],
    models: Mapping[Any, Any],
    passive: Passive,
    posts: Mapping[str, Post],
    visit_sequence: Callable[..., Any] | None,
) -> Problem:
    """Make a problem again from what a file remembers.

    Parameters
    ----------
    store : ColumnStore
        The data.
    recipe : mapping
        What `Problem.recipe` gave.
    models, passive, posts : mapping
        What only Python can hold: models with functions, families or priors of their own, passive
        functions, and functions of drawn values.
    visit_sequence : callable or None
        A function of the sweep and the targets, where one was used.

    Returns
    -------
    Problem

    Raises
    ------
    StoreError
        If something that the file cannot hold was not given.
    """
    given = {_key(key): model for key, model in models.items()}
    described: dict[tuple[str, ...], Description] = {}
    lacking = []
    for columns, model in recipe["models"]:
        key = tuple(columns)
        if model != GIVEN:
            described[key] = _model(model)
        elif key in given:
            own = given[key]
            described[key] = own if isinstance(own, Regression | Custom) else Custom(own)
        else:
            lacking.append(f"models={{{'+'.join(columns)!r}: ...}}")
    expressions = dict(recipe["passive"])
    for name, text in expressions.items():
        if text == GIVEN and name in passive:
            expressions[name] = passive[name]
        elif text == GIVEN:
            lacking.append(f"passive={{{name!r}: ...}}")
    lacking += [f"post={{{name!r}: ...}}" for name in recipe["post"] if name not in posts]
    order = recipe["visit_sequence"]
    if order == GIVEN:
        order = visit_sequence
        if order is None:
            lacking.append("visit_sequence=...")
    if lacking:
        raise StoreError(
            "To go on from a file, what only Python can hold has to be given again: "
            f"open_imputations(path, {', '.join(lacking)})."
        )
    return _from_parts(store, recipe, described, expressions, posts, order)


def _from_parts(
    store: ColumnStore,
    recipe: Mapping[str, Any],
    models: Mapping[tuple[str, ...], Description],
    expressions: Mapping[str, Any],
    posts: Mapping[str, Post],
    order: Any,
) -> Problem:
    from_file, passive = read_passive(store, expressions)
    read_data = ReadData(
        from_file,
        models,
        {name: (pair[0], pair[1]) for name, pair in recipe["bounds"].items()},
        passive,
        {name: tuple(own) for name, own in recipe["predictors"].items()},
        tuple(recipe["left_out"]),
    )
    return make_problem(
        read_data, recipe["by"] or None, order, {name: posts[name] for name in recipe["post"]}
    )


def _key(key: object) -> tuple[str, ...]:
    return tuple(map(str, key)) if isinstance(key, tuple) else (str(key),)


def _plain_model(model: Description) -> object:
    """Describe a model as JSON holds it, or say that it has to be given."""
    if isinstance(model, Custom) or model.priors or model.extra_namespace:
        return GIVEN
    if not isinstance(model.family, str | None):
        return GIVEN
    plain = {name: getattr(model, name) for name in PLAIN_FIELDS}
    plain["distributional"] = dict(model.distributional)
    plain["draw"] = {"donors": model.draw.donors} if isinstance(model.draw, PMM) else model.draw
    return plain


def _plain_order(order: VisitOrder) -> object:
    if callable(order):
        return GIVEN
    return order if isinstance(order, str) else [str(name) for name in order]


def _model(plain: Mapping[str, Any]) -> Regression:
    draw = plain["draw"]
    fields = {name: plain[name] for name in PLAIN_FIELDS}
    return replace(
        Regression(**fields), draw=PMM(draw["donors"]) if isinstance(draw, Mapping) else draw
    )

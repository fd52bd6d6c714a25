"""Passive columns: deterministic functions of other columns.

A passive column is never drawn. Its missing cells are computed from the completed columns that it
is made of, again whenever one of those has changed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_float_dtype

from bayesmice.data import ColumnStore, read_like
from bayesmice.data.columns import decode, encode_column, level_codes
from bayesmice.data.representable import check_size
from bayesmice.data.times import is_time
from bayesmice.errors import ColumnNotFoundError, SpecificationError
from bayesmice.later import later
from bayesmice.models.formulas import parse_expression

named = later("bayesmice.models.functions")

PassiveFunction = Callable[["CompletedColumns"], Any]
Passive = Mapping[str, str | PassiveFunction]
Values = Mapping[str, NDArray[np.float64]]

PASSIVE = "passive"
"""What stands for the model of a computed column where models are described."""
TIMES = (
    "passive[{!r}] is a column of times. Times predict other columns, but are not computed. "
    "Compute a number from them, such as days: (end - start).dt.days."
)
TOLERANCE = 1e-6
"""Relative difference beyond which an observed value is not what its function gives."""


class CompletedColumns(Mapping[str, pd.Series]):
    """The completed columns of one chain, as a passive function reads them.

    ``data["height"]`` is a Series with the index and the dtype of the data. Which columns were read
    is remembered: so a function says by itself what it depends on.

    Parameters
    ----------
    store : ColumnStore
        The data.
    values : mapping of str to ndarray of shape (n_rows,)
        Completed values or level codes, at least of the columns that will be read.
    """

    def __init__(self, store: ColumnStore, values: Values) -> None:
        self._store = store
        self._values = values
        self._read: dict[str, pd.Series] = {}

    def __getitem__(self, name: str) -> pd.Series:
        if name not in self._store.columns:
            raise ColumnNotFoundError(
                f"{name!r} is not a column of the data. Columns: {', '.join(self._store.columns)}."
            )
        if name not in self._read:
            column, series = self._store.columns[name], self._store.series(name)
            if column.is_time:
                self._read[name] = series
            else:
                decoded = decode(column, self._values[name], series.dtype)
                self._read[name] = decoded.set_axis(self._store.frame.index)
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._store.columns)

    def __len__(self) -> int:
        return len(self._store.columns)

    @property
    def read(self) -> tuple[str, ...]:
        """The columns that were read so far, in the order of the data."""
        return tuple(name for name in self._store.columns if name in self._read)


@dataclass(frozen=True, eq=False)
class PassiveColumn:
    """A column that is a function of others.

    Attributes
    ----------
    name : str
        The column.
    text : str
        The expression, or the name of the function.
    reads : tuple of str
        The columns that it is made of.
    function : callable
        From `CompletedColumns` to one value per row.
    is_expression : bool
        Whether the text says all.
    """

    name: str
    text: str
    reads: tuple[str, ...]
    function: PassiveFunction
    is_expression: bool = False

    def compute(self, store: ColumnStore, values: Values) -> NDArray[np.float64]:
        """Compute all rows of the column.

        Parameters
        ----------
        store : ColumnStore
            The data, this column included.
        values : mapping of str to ndarray of shape (n_rows,)
            Completed values or level codes of the columns that it reads.

        Returns
        -------
        ndarray of shape (n_rows,)
            Values or level codes; NaN where the function gives none.

        Raises
        ------
        SpecificationError
            If the function fails, gives another number of values, or none of the column's levels.
        """
        series = _computed(self, store, values)
        column = store.columns[self.name]
        if not column.levels:
            try:
                return series.to_numpy(dtype=float, na_value=np.nan)
            except (TypeError, ValueError) as error:
                raise SpecificationError(
                    f"passive[{self.name!r}] gives {series.dtype} values, and the column holds "
                    "numbers. Let it compute numbers."
                ) from error
        codes = level_codes(series, column.levels)
        unknown = np.isnan(codes) & series.notna().to_numpy()
        if unknown.any():
            raise SpecificationError(
                f"passive[{self.name!r}] gives {series[unknown].iloc[0]!r}, which is no observed "
                f"level of the column. Levels: {', '.join(map(str, column.levels))}."
            )
        return codes


@dataclass(frozen=True, eq=False)
class PassiveColumns:
    """The passive columns of a data set.

    Attributes
    ----------
    ordered : tuple of PassiveColumn
        Each after those that it is made of.
    """

    ordered: tuple[PassiveColumn, ...] = ()

    @cached_property
    def by_name(self) -> dict[str, PassiveColumn]:
        """The columns by name, in the same order."""
        return {passive.name: passive for passive in self.ordered}

    @cached_property
    def ingredients(self) -> dict[str, frozenset[str]]:
        """What each column is made of, directly or through other passive columns."""
        made_of: dict[str, frozenset[str]] = {}
        for passive in self.ordered:
            through = (made_of.get(name, frozenset()) for name in passive.reads)
            made_of[passive.name] = frozenset(passive.reads).union(*through)
        return made_of

    def made_of(self, columns: Iterable[str]) -> tuple[PassiveColumn, ...]:
        """List the columns to compute again when some columns have changed, in order."""
        changed = set(columns)
        return tuple(p for p in self.ordered if self.ingredients[p.name] & changed)

    @property
    def reads(self) -> set[str]:
        """All columns that are read."""
        return {name for passive in self.ordered for name in passive.reads}

    def only(self, names: Iterable[str]) -> "PassiveColumns":
        """Keep some columns, which are computed from values of the others as they are."""
        kept = set(names)
        return PassiveColumns(tuple(p for p in self.ordered if p.name in kept))

    def cells(self, store: ColumnStore, others: Values) -> dict[str, NDArray[np.float64]]:
        """Compute the missing cells of all passive columns of one completed data set.

        Parameters
        ----------
        store : ColumnStore
            The data.
        others : mapping of str to ndarray of shape (n_missing,)
            Values or level codes of the missing cells of all other columns.

        Returns
        -------
        dict of str to ndarray of shape (n_missing,)
            By incomplete passive column.
        """
        values = {}
        for name, column in store.columns.items():
            values[name] = column.values.copy()  # noqa: PD011
            if name in others:
                values[name][column.missing_rows] = others[name]
        self.complete(store, values)
        incomplete = [name for name in self.by_name if store.columns[name].n_missing]
        return {name: values[name][store.columns[name].missing_rows] for name in incomplete}

    def complete(self, store: ColumnStore, values: dict[str, NDArray[np.float64]]) -> None:
        """Fill the missing cells of all passive columns of one completed data set, in place.

        Parameters
        ----------
        store : ColumnStore
            The data.
        values : dict of str to ndarray of shape (n_rows,)
            Completed values or level codes of all other columns; passive ones are put in.
        """
        for passive in self.ordered:
            column = store.columns[passive.name]
            filled = column.values.copy()  # noqa: PD011
            rows = column.missing_rows
            filled[rows] = passive.compute(store, values)[rows]
            values[passive.name] = filled


def read_passive(store: ColumnStore, passive: object) -> tuple[ColumnStore, PassiveColumns]:
    """Check passive columns, order them, and add those that the data do not have.

    Parameters
    ----------
    store : ColumnStore
        The data.
    passive : mapping of str to str or function
        What the user gave: Python expressions in the names of columns, or functions of
        `CompletedColumns`.

    Returns
    -------
    tuple of (ColumnStore, PassiveColumns)
        The data, with new columns at the end: observed where all that they are made of is.

    Raises
    ------
    SpecificationError
        If it is of another form, names an unknown column, depends on itself, fails, gives another
        number of values than there are rows, or values that are infinite or nowhere defined.
    """
    if not isinstance(passive, Mapping):
        raise SpecificationError(
            f"passive is {type(passive).__name__}; expected a mapping from column names to "
            "expressions or functions, such as {'bmi': 'weight / (height / 100) ** 2'}."
        )
    given = {str(name): what for name, what in passive.items()}
    waiting = dict(given)
    ordered: list[PassiveColumn] = []
    while waiting:
        store, found = _ready(store, waiting)
        if not found:
            _refuse_circle(store, waiting)
        ordered += found
        for one in found:
            del waiting[one.name]
    return store, PassiveColumns(tuple(ordered))


def _ready(
    store: ColumnStore, waiting: Mapping[str, str | PassiveFunction]
) -> tuple[ColumnStore, list[PassiveColumn]]:
    """Find the columns that depend on no other that waits; new ones are added to the data."""
    found = []
    for name, what in waiting.items():
        passive = _described(name, what, store, waiting)
        if not set(passive.reads) & set(waiting):
            found.append(passive)
            if name not in store.columns:
                store = _with_new_column(store, passive)
            elif store.columns[name].levels:
                complete = store.columns[name].with_all_levels(store.series(name))
                store = store.with_columns({name: complete})
            _check_computation(store, passive)
    return store, found


def _described(
    name: str, what: object, store: ColumnStore, waiting: Mapping[str, object]
) -> PassiveColumn:
    """Find out what a passive column is made of."""
    where = f"passive[{name!r}]"
    if isinstance(what, str):
        return _from_expression(where, name, what, list(dict.fromkeys([*store.columns, *waiting])))
    if not callable(what):
        raise SpecificationError(
            f"{where} is {what!r:.80}; expected an expression such as 'weight / (height / 100) ** "
            "2', or a function of the completed columns."
        )
    text = getattr(what, "__name__", type(what).__name__)
    stand_ins = _stand_ins(store)
    probe = CompletedColumns(store, stand_ins)
    try:
        _computed(PassiveColumn(name, text, (), what), store, stand_ins, probe)
        reads = probe.read
    except _AbsentColumnError as absent:
        if absent.column not in waiting:
            raise SpecificationError(f"{where} fails: {absent}") from absent.error
        reads = (*probe.read, absent.column)
    _check_reads(where, name, reads)
    return PassiveColumn(name, text, reads, what)


def _from_expression(where: str, name: str, text: str, names: list[str]) -> PassiveColumn:
    known = _names()
    factor, aliases = parse_expression(text, names, known, f"{where} = {text!r}")
    _check_reads(where, name, factor.reads)
    code = compile(factor.code, where, "eval")
    used = {aliases[column]: column for column in factor.reads}

    def evaluate(data: CompletedColumns) -> Any:
        return eval(code, dict(known), {alias: data[column] for alias, column in used.items()})

    return PassiveColumn(name, text, factor.reads, evaluate, is_expression=True)


def _names() -> Mapping[str, Any]:
    """Give what an expression can name besides columns."""
    functions = named.FUNCTIONS.items()
    ufuncs = {name: function for name, function in functions if isinstance(function, np.ufunc)}
    return {"np": np, "pd": pd, **ufuncs}


def _check_reads(where: str, name: str, reads: tuple[str, ...]) -> None:
    if name in reads:
        raise SpecificationError(
            f"{where} depends on {name!r} itself. Compute it from other columns."
        )
    if not reads:
        raise SpecificationError(
            f"{where} reads no column. A passive column is a function of other columns."
        )


def _refuse_circle(store: ColumnStore, waiting: Mapping[str, str | PassiveFunction]) -> NoReturn:
    reads = {name: _described(name, what, store, waiting).reads for name, what in waiting.items()}
    path = [next(iter(waiting))]
    while len(set(path)) == len(path):
        path.append(next(name for name in reads[path[-1]] if name in waiting))
    circle = " -> ".join(path[path.index(path[-1]) :])
    raise SpecificationError(
        f"The passive columns depend on each other in a circle: {circle}. Let each be computed "
        "from columns that do not depend on it."
    )


class _AbsentColumnError(Exception):
    """A function read a column that the data do not have."""

    def __init__(self, error: ColumnNotFoundError, column: str) -> None:
        super().__init__(str(error))
        self.error, self.column = error, column


def _computed(
    passive: PassiveColumn,
    store: ColumnStore,
    values: Values,
    data: CompletedColumns | None = None,
) -> pd.Series:
    """Call the function, and check the form of what it gives."""
    where, n_rows = f"passive[{passive.name!r}]", store.n_rows
    data = CompletedColumns(store, values) if data is None else data
    try:
        # What is not defined in a row, such as the logarithm of a negative number, becomes NaN.
        with np.errstate(all="ignore"):
            result = passive.function(data)
    except ColumnNotFoundError as error:
        raise _AbsentColumnError(error, str(error).split("'")[1]) from error
    except Exception as error:  # anything that the user's code raises is told as what it is
        hint = " In Python a power is written **." if isinstance(error, TypeError) else ""
        raise SpecificationError(
            f"{where} = {passive.text!r} failed with {type(error).__name__}: {error}.{hint}"
        ) from error
    shape = np.shape(result)
    if shape != (n_rows,):
        raise SpecificationError(
            f"{where} = {passive.text!r} gives an array of shape {shape}; expected one value per "
            f"row, ({n_rows},)."
        )
    series = result if isinstance(result, pd.Series) else pd.Series(result)
    return series.set_axis(store.frame.index)


def add_passive(store: ColumnStore, passive: PassiveColumns, learned: ColumnStore) -> ColumnStore:
    """Add the passive columns that new rows do not have.

    Parameters
    ----------
    store : ColumnStore
        The new rows.
    passive : PassiveColumns
        Columns that are computed.
    learned : ColumnStore
        The data that models learned from, with these columns.

    Returns
    -------
    ColumnStore
        Computed where all that they are made of was observed, missing elsewhere.
    """
    for one in passive.ordered:
        if one.name not in store.columns:
            series, _ = _where_known(one, store, _stand_ins(store, learned))
            taken, column = read_like(series, learned, one.name)
            frame = store.frame.assign(**{one.name: taken})
            store = replace(store, frame=frame, columns={**store.columns, one.name: column})
    return store


def _stand_ins(
    store: ColumnStore, learned: ColumnStore | None = None
) -> dict[str, NDArray[np.float64]]:
    """Complete every column by a known value, to see what a function reads."""
    known = (store if learned is None else learned).columns
    return {
        name: np.where(column.observed, column.values, known[name].known_values[0])
        for name, column in store.columns.items()
    }


def _with_new_column(store: ColumnStore, passive: PassiveColumn) -> ColumnStore:
    """Add a column: computed where all that it reads was observed, missing elsewhere."""
    series, known = _where_known(passive, store, _stand_ins(store))
    if not known.any():
        raise SpecificationError(
            f"passive[{passive.name!r}] is made of {', '.join(passive.reads)}, which were never "
            "observed together, so nothing is known of it before the first sweep. Add it to the "
            "data with the values that are known."
        )
    if is_time(series.dtype):
        raise SpecificationError(TIMES.format(passive.name))
    _check_numbers(series, passive)
    frame = store.frame.assign(**{passive.name: series})
    column = encode_column(series, passive.name).with_all_levels(series)
    weights = next(iter(store.columns.values())).weights
    if weights is not None:
        column = column.with_weights(weights)
    return replace(store, frame=frame, columns={**store.columns, passive.name: column})


def _check_numbers(series: pd.Series, passive: PassiveColumn) -> None:
    """Refuse a new column that models could not read: without a value, or not finite."""
    where = f"passive[{passive.name!r}] = {passive.text!r}"
    if series.isna().all():
        raise SpecificationError(
            f"{where} is not defined in any row in which all that it is made of was observed. "
            "Change the expression, or give it other columns."
        )
    if is_float_dtype(series.dtype):
        numbers = series.to_numpy(dtype=float, na_value=np.nan)
        infinite = np.flatnonzero(np.isinf(numbers))
        if len(infinite):
            raise SpecificationError(
                f"{where} is {numbers[infinite[0]]:g} in row {infinite[0]}. Change the expression "
                "so that it is finite, or missing, there."
            )
        check_size(passive.name, numbers)


def _where_known(
    passive: PassiveColumn, store: ColumnStore, values: Values
) -> tuple[pd.Series, NDArray[np.bool_]]:
    """Compute a column, and say in which rows all that it reads was observed."""
    series = _computed(passive, store, values)
    known = np.logical_and.reduce([store.columns[name].observed for name in passive.reads])
    if series.dtype == bool:
        series = series.astype("boolean")
    if pd.api.types.is_integer_dtype(series.dtype) and not known.all():
        series = series.astype("Int64")
    return series.mask(~known).rename(passive.name), known


def _check_computation(store: ColumnStore, passive: PassiveColumn) -> None:
    """Compute an existing column once, so that its faults show before a run."""
    if store.columns[passive.name].is_time:
        raise SpecificationError(TIMES.format(passive.name))
    if store.columns[passive.name].has_limits:
        raise SpecificationError(
            f"passive and limits both name {passive.name!r}. Leave one of them out."
        )
    passive.compute(store, _stand_ins(store))


def passive_differences(store: ColumnStore, passive: PassiveColumn) -> int:
    """Count observed values that are not what the function gives, where all it reads was observed.

    Parameters
    ----------
    store : ColumnStore
        The data.
    passive : PassiveColumn
        The column.

    Returns
    -------
    int
        How many differ, beyond rounding.
    """
    column = store.columns[passive.name]
    known = np.logical_and.reduce([store.columns[name].observed for name in passive.reads])
    rows = known & column.observed
    computed = passive.compute(store, _stand_ins(store))[rows]
    observed = column.values[rows]  # noqa: PD011
    close = np.isclose(computed, observed, rtol=TOLERANCE, atol=0)
    return int((~close).sum())
